// Services: those in trouble first. Rows are made for those that are shown, a page at
// a time: there may be thousands of services.
const pageSize = 100;
const serviceRows = new Map(); // by name; a row that is unfolded stays so
let filterTurn = 0, filterTimer, shownServices = pageSize;

async function loadServices() {
  const turn = ++filterTurn, filter = $("filter").value.trim(), state = $("only").value;
  const answer = await ask("servicestates", { limit: shownServices, ...filter ? { filter } : {}, ...state ? { state } : {} });
  if (turn !== filterTurn) return;
  const list = answer.services.map(serviceRow), box = $("services");
  if (list.length !== box.children.length || list.some((node, i) => node !== box.children[i])) {
    const focused = document.activeElement;
    box.replaceChildren(...list);
    if (box.contains(focused)) focused.focus({ preventScroll: true });
  }
  for (const name of serviceRows.keys()) if (serviceRows.size > 2000 && !serviceRows.get(name).node.isConnected) serviceRows.delete(name);
  $("tally").replaceChildren(...[...stateOrder, "none"].filter(s => answer.counts[s]).flatMap(s => [stateBadge(s, answer.counts[s]), " "]),
    element("span.soft", t("services.matched", { n: answer.matched, total: answer.total })));
  $("more").hidden = answer.matched <= list.length;
  $("more").textContent = t("more", { n: answer.matched - list.length });
  $("services-note").textContent = answer.matched ? answer.notes.join(t("semicolon")) : t("services.none");
}
$("filter").oninput = () => {
  clearTimeout(filterTimer);
  filterTimer = setTimeout(() => { shownServices = pageSize; loadServices().catch(() => {}); }, 120);
};
$("only").onchange = () => { shownServices = pageSize; loadServices().catch(() => {}); };
$("more").onclick = () => { shownServices += 5 * pageSize; loadServices().catch(() => {}); };

// serviceRow returns the row of a service, the same element each time.
function serviceRow(s) {
  let entry = serviceRows.get(s.service);
  if (!entry) {
    entry = { marks: element("span"), body: element("div") };
    entry.node = element("details", element("summary", element("span.service", s.service), " ", entry.marks), entry.body);
    entry.node.ontoggle = () => { if (entry.node.open && !entry.body.firstChild) loadService(s.service, entry.body); };
    serviceRows.set(s.service, entry);
  }
  const json = JSON.stringify([s.states, s.state, s.instances, s.usable, s.evacuated, s.load, language]);
  if (entry.json === json) return entry.node;
  entry.json = json;
  entry.marks.replaceChildren(...statesIn(s.states).flatMap(state => [stateBadge(state, s.states[state]), " "]),
    element("span.soft", listJoin([s.callers ? t("callers.n", { n: s.callers }) : t("asked.nobody"), ofUsable(s), s.evacuated ? t("evacuated.n", { n: s.evacuated }) : "",
      s.load > 1 ? t("load.times", { n: s.load.toFixed(1) }) : ""].filter(Boolean))));
  return entry.node;
}
function loadService(name, body) {
  return showResult(body, async () => {
    if (!body.firstChild) body.textContent = t("loading");
    const who = await ask("who", { service: name });
    const bar = element("p.soft", t("as.of.short", { time: clockTime(Date.now()) }), " ", keyed(button(t("again"), () => loadService(name, body)), "again"), " ",
      button(t("explain.one"), () => { $("service").value = name; $("caller").focus(); }), " ", button(t("in.matrix"), () => { $("one").value = name; $("one").onchange(); $("matrix").scrollIntoView(); }));
    return [bar, ...whoView(who)];
  });
}

// whoView shows who gets what of a service: a row for each list, a column for each city.
function whoView(who) {
  const city = i => [i.location.region, i.location.zone].filter(Boolean).join("/") || t("no.place");
  const cities = [...new Set(who.views.flatMap(v => v.instances.map(city)))].sort(), order = ["bad", "warn", "good", "grey"];
  const views = who.views.map(v => {
    const usable = v.instances.filter(i => i.usable).length;
    return { ...v, usable, mark: outcome(v.answer, v.instances.length, usable, v.widened) };
  }).sort((a, b) => order.indexOf(levels[a.mark]) - order.indexOf(levels[b.mark]));
  const rows = views.map(v => row("td", [
    element("td.callers", callersOf(v)), stateBadge(v.mark), listJoin([v.answer === "blended" && t("blended"), v.rule ? `${t("rule")} ${v.rule}` : t("no.rule"), road(v)].filter(Boolean)), v.seen,
    v.instances.length ? folded(t("usable.of", { n: v.usable, total: v.instances.length }), () => instanceTable(v.instances)) : t("none"),
    ...cities.map(c => element("td.fixed", cityCell(v.instances.filter(i => city(i) === c)))),
  ]));
  const out = [views.length ? table([t("col.callers"), t("col.state"), t("col.by"), t("col.asked"), t("col.instances"), ...cities.map(c => element("th.fixed", c))], rows) : element("p", t("who.nobody"))];
  if (who.noFailover.length) out.push(element("p", badge("warn", t("no.failover")), ` ${t("no.failover.for", { list: listJoin(who.noFailover) })}`));
  for (const d of who.deadEnds) out.push(element("p", badge("warn", t("dead.end")), ` ${t("rule")} ${d.rule}${t("comma")}${d.callers}${t("colon")}${d.why}`));
  if (who.unreached.length) out.push(element("div", badge("warn", t("unreached")), ` ${t("unreached.n", { n: who.unreached.length })}`, instanceTable(who.unreached)));
  return out;
}
// callersOf shows kinds of callers. A caller is its SET, " in ", and its place.
function callersOf(v) {
  const setOf = c => c.slice(0, c.indexOf(" in ")), placeOf = c => c.slice(c.indexOf(" in ") + 4), sets = Map.groupBy(v.callers, setOf);
  const callers = [...sets].map(([set, kinds]) => element("div", element("b", set === "-" ? t("no.set") : set),
    element("span.soft", ` ${t("in")} ${listJoin(kinds.map(placeOf).map(p => p === "-" ? t("no.place") : p))}`)));
  return [callers.slice(0, 4), callers.length > 4 ? folded(t("sets.more", { n: callers.length - 4 }), () => callers.slice(4)) : null].flat();
}
// outcome returns the state of a list.
function outcome(answer, total, usable, widened) {
  if (answer === "stock" || answer === "shadow") return answer;
  return !total ? "empty" : !usable ? "unusable" : widened ? "widened" : "first";
}
const instanceTable = list => table(null, list.map(i => row("td", [element("td", `${i.host}:${i.port} `, element("span.soft", `${i.set || t("no.set")} ${t("in")} ${place(i.location)} `),
  i.usable ? "" : element("span.text-bad", t("not.usable")))])), 50);
function cityCell(list) {
  if (!list.length) return element("span.soft", "·");
  const sets = Map.groupBy(list, i => i.set || t("no.set"));
  const usableOf = (name, instances) => {
    const usable = instances.filter(i => i.usable).length;
    return element(usable ? "div" : "div.text-bad", `${name} ${usable}/${instances.length}`);
  };
  return sets.size > 3 ? usableOf(t("sets.n", { n: sets.size }), list) : [...sets].map(([name, instances]) => usableOf(name, instances));
}

// The names that fit what is typed, for the fields that take a service.
for (const id of ["service", "one"]) $(id).oninput = () => {
  clearTimeout($(id).timer);
  $(id).timer = setTimeout(() => ask("servicestates", { filter: $(id).value.trim(), limit: 50 }).then(answer =>
    $("names").replaceChildren(...answer.services.map(s => element("option", s.service)))).catch(() => {}), 120);
};
