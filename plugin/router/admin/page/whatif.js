// If this were so: the matrix as it would be with a place lost, a place evacuated, or
// files in force that are to be published. Nothing here changes anything.

const maxFileBytes = 16 << 20;
const supposed = { lost: [], evacuate: [], files: [] };
const future = newMatrix($("whatif-matrix"), params => {
  const query = new URLSearchParams(params);
  for (const text of supposed.lost) query.append("lost", text);
  for (const text of supposed.evacuate) query.append("evacuate", text);
  return ask("matrix", query, supposed.files.length ? { files: supposed.files } : undefined);
});

$("suppose").onsubmit = event => {
  event.preventDefault();
  const name = $("suppose-place").value.trim();
  if (name) {
    const list = supposed[$("suppose-what").value], text = `${$("suppose-grain").value}:${name}`;
    if (!list.includes(text)) list.push(text);
  }
  $("suppose-place").value = "";
  showSupposed();
};
$("suppose-files").onchange = async () => {
  const files = [...$("suppose-files").files];
  $("suppose-files").value = "";
  if (files.reduce((sum, f) => sum + f.size, 0) > maxFileBytes) return refuseSupposed(t("files.large"));
  supposed.files = await Promise.all(files.map(async f => {
    const content = await f.text();
    return { kind: kindOfFile(f.name, content), name: f.name, content };
  }));
  showSupposed();
};
// kindOfFile tells mapping files by their keys, as `setctl check` does.
const kindOfFile = (name, content) => /\.csv$/i.test(name) || /^(mappings|topology|default)\s*:/m.test(content) ? "mapping" : "routing";
function refuseSupposed(text) {
  $("whatif-error").textContent = plain(text);
}

// showSupposed asks for the matrix of what is supposed, and shows what differs.
async function showSupposed() {
  showChips();
  refuseSupposed("");
  const nothing = !supposed.lost.length && !supposed.evacuate.length && !supposed.files.length;
  $("whatif-result").hidden = nothing;
  if (nothing) return;
  $("whatif-result").classList.add("loading");
  $("whatif-title").textContent = plain(t("not.in.force", { what: supposedText() }));
  const params = { rows: $("rows").value, columns: $("columns").value };
  if ($("one").value.trim()) params.service = $("one").value.trim();
  if ($("everybody").checked) params.all = true;
  try {
    const answer = await future.load(params);
    if (answer) showDifference(answer.whatIf, answer.now);
    $("whatif-result").classList.remove("loading");
  } catch (error) {
    if (error instanceof NoToken) return;
    $("whatif-result").hidden = true;
    refuseSupposed(error.message);
  }
}
// grained says zone:R/Z in words.
const grained = text => `${t(`grain.${text.slice(0, text.indexOf(":"))}`)} ${text.slice(text.indexOf(":") + 1)}`;
const textOfLost = x => t("if.lost", { place: grained(x) }), textOfEvacuated = x => t("if.evacuated", { place: grained(x) });
const textOfFile = f => t("if.file", { name: f.name, kind: t(`files.${f.kind}`) });
const supposedText = () => listJoin([...supposed.lost.map(textOfLost), ...supposed.evacuate.map(textOfEvacuated), ...supposed.files.map(textOfFile)]);
function showChips() {
  const chip = (text, list, x) => keyed(Object.assign(element("button.chip", text, " ×"), { type: "button", title: t("take.away"), onclick: () => {
    list.splice(list.indexOf(x), 1);
    showSupposed();
  } }), text);
  replaceKeeping($("chips"), [...supposed.lost.map(x => chip(textOfLost(x), supposed.lost, x)), ...supposed.evacuate.map(x => chip(textOfEvacuated(x), supposed.evacuate, x)),
    ...supposed.files.map(f => chip(textOfFile(f), supposed.files, f))]);
}
function showDifference(w, now) {
  const level = w.emptied || w.unusable ? "bad" : w.widened || w.leaveCity ? "warn" : "good";
  const texts = [w.emptied && t("if.emptied", { n: w.emptied }), w.unusable && t("if.unusable", { n: w.unusable }), w.widened && t("if.widened", { n: w.widened }),
    w.leaveCity && t("if.leave", { n: w.leaveCity }), w.healed && t("if.healed", { n: w.healed })].filter(Boolean);
  const state = s => [stateBadge(s.state), " ", element("span.soft", [road(s), ofUsable(s)].filter(Boolean).join(t("comma")))];
  replaceKeeping($("whatif-summary"), [
    element("p", badge(level, texts.length ? listJoin(texts) : t("if.nothing")), ` ${t("if.changed", { n: w.callers, services: w.services })} `,
      element("span.soft", t("as.of.short", { time: clockTime(now) })), " ", keyed(button(t("again"), showSupposed), "again")),
    ...(w.warnings ?? []).map(text => element("p", badge("warn", t("level.warn")), ` ${text}`)),
    w.changes.length ? keyed(folded(t("if.who", { n: w.changes.length + (w.moreChanges ?? 0) }), () => [
      table([t("col.service"), t("col.callers"), t("col.count"), t("col.before"), t("col.after"), ""], w.changes.map(c => row("td", [c.service,
        `${c.set || t("no.set")} ${t("in")} ${c.place || t("no.place")}`, c.callers, element("td", state(c.before)), element("td", state(c.after)), explainLink(c.example, c.service, t("explain.now"))]))),
      w.moreChanges ? element("p.soft", t("and.more", { n: w.moreChanges })) : ""]), "who") : null,
  ]);
}
// The names of places and SETs that there are, for the field.
async function suggestPlaces() {
  const grain = $("suppose-grain").value, columns = grain === "set" ? "set" : grain === "campus" ? "campus" : "zone";
  const answer = await ask("matrix", { columns, limit: 1, all: true });
  const names = answer.columns.map(c => grain === "set" ? c.set : grain === "region" ? c.place?.split("/")[0] : c.place).filter(Boolean);
  $("places").replaceChildren(...[...new Set(names)].sort().map(name => element("option", name)));
}
$("suppose-place").onfocus = $("suppose-grain").onchange = () => suggestPlaces().catch(() => {});
