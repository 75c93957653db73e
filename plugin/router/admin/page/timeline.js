// The timeline: what changed in the last hour, why, and for whom.

function showTimeline(answer) {
  const events = answer.events;
  replaceKeeping($("timeline"), [
    strip(answer), element("p.soft", listJoin([t("timeline.since", { time: clockTime(answer.since) }), ...answer.notes])),
    events.length ? eventTable(events) : element("p", t("timeline.none")),
    answer.more ? element("p.soft", t("events.more", { n: answer.more })) : null,
  ]);
}
// strip is a bar of the hour, a cell for each minute, with the worst of its events.
function strip(answer) {
  const order = ["red", "amber", "info", "good"], end = new Date(answer.now), node = element("div.strip");
  node.setAttribute("aria-hidden", "true"); // the table says the same
  for (let minute = 59; minute >= 0; minute--) {
    const from = end - (minute + 1) * 60000, inside = answer.events.filter(e => new Date(e.at) > from && new Date(e.at) <= from + 60000);
    const worst = order.find(severity => inside.some(e => e.severity === severity));
    const cell = element("span" + (worst ? "." + levels[worst] : new Date(answer.since) > from ? ".unknown" : ""), minute % 15 === 14 ? clockTime(from).slice(0, 5) : "");
    cell.title = inside.map(eventText).join("\n") || clockTime(from).slice(0, 5);
    node.append(cell);
  }
  return node;
}
const eventTable = events => table([t("col.at"), "", t("col.what"), t("col.for.whom"), t("col.nodes")], events.map(e => row("td", [
  element("td.fixed", clockTime(e.at) + (e.until && clockTime(e.until) !== clockTime(e.at) ? `–${clockTime(e.until)}` : "")), badge(levels[e.severity] ?? "note", t(`severity.${e.severity}`)), eventText(e), forWhom(e), element("td.soft", listJoin(e.nodes ?? []))])), 50);
// eventText says an event in the language of the page. The server's own sentence is
// English: it has words that the page has no text for, too.
function eventText(e) {
  const key = `event.${e.code}`;
  if (language === "en" || !Object.hasOwn(texts, key)) return e.text;
  const args = { entries: "", release: "", by: "", problem: "", problems: "", rules: "", count: "", evacuation: "", until: "", reason: "", kinds: "", services: "", part: "", detail: "", version: "", ...e.args };
  return t(key, { ...args, why: tIf("why.", args.why ?? ""), kind: args.kind ? t(`files.${args.kind}`) : "", part: tIf("part.", args.part), until: args.until && dateTime(args.until),
    where: args.place ? t("event.where", { place: args.place }) : "" });
}
function forWhom(e) {
  const services = e.services ?? [], callers = e.callers ?? [];
  if (!services.length && !callers.length) return "";
  const list = (all, more) => [...all.map(x => element("div", x)), more ? element("div.soft", t("and.more", { n: more })) : null];
  return element("details", element("summary", listJoin([callers[0], services[0]].filter(Boolean)) + (callers.length + services.length + (e.moreCallers ?? 0) + (e.moreServices ?? 0) > 2 ? " …" : "")),
    element("div", element("b", t("col.callers")), list(callers, e.moreCallers), element("b", t("col.service")), list(services, e.moreServices)));
}
