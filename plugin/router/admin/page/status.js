// Status: one line for each subject. A line stays the same element, so that what is
// expanded or selected stays so. A line without a level is hidden. A cell {ask} is
// a caller to explain. What has the level
// look is not as it should be, and does not colour the headline.
const lines = new Map();
function line(key, level, text, rows = [], more = "") {
  let entry = lines.get(key);
  if (!entry) {
    entry = { mark: badge("note", ""), text: element("span"), body: element("div") };
    entry.node = element("details", element("summary", entry.mark, entry.text), entry.body);
    lines.set(key, entry);
    $("status").append(entry.node);
  }
  entry.node.hidden = !level;
  entry.level = level;
  entry.mark.className = "badge " + level;
  entry.mark.textContent = level && t(`level.${level}`);
  if (entry.text.textContent !== plain(text)) entry.text.textContent = plain(text);
  const json = JSON.stringify([level, rows, more, language]);
  if (entry.json === json) return;
  entry.json = json;
  const cell = c => c?.ask ? button(c.ask, () => { $("caller").value = c.ask; $("service").focus(); }) : c;
  entry.body.replaceChildren(table(null, rows.map(cells => row("td", cells.map(cell)))), element("span.soft", rows.length ? more : t("none")));
}

function showStatus(s) {
  const now = new Date(s.now), since = time => duration(now - new Date(time));
  showLists(s.state);
  if (s.load) showLoad(s.load);
  const backing = s.backing ?? [], away = backing.filter(b => b.awayAt);
  line("backing", away.length ? "warn" : backing.length ? "good" : "", away.length ? away.map(b => t("backing.away", { what: tIf("backing.", b.kind) }) + t("comma") + since(b.awayAt)).join(t("semicolon")) : t("backing.ok"),
    backing.map(b => [tIf("backing.", b.kind), b.name, b.awayAt ? t("backing.since", { time: dateTime(b.awayAt) }) : t("level.good"), b.problem ?? ""]));
  for (const f of s.files) showFiles(f, since);
  showRules(s);
  showEvacuations(s, now);
  const notRouted = s.protocols.filter(p => !p.routed);
  line("protocols", notRouted.length || !s.protocols.length ? "look" : "good",
    notRouted.length ? t("protocols.not", { list: listJoin(notRouted.map(p => p.name)) }) : s.protocols.length ? t("protocols.all") : t("protocols.none"),
    s.protocols.map(p => [p.name, t(p.routed ? "routed" : "not.routed")]));
  showCallers(s);
  if (s.kubernetes) showKubernetes(s.kubernetes, since);
  line("drift", s.drift.count ? "look" : "good", s.drift.count ? t("drift.n", { n: s.drift.count }) : t("drift.none"),
    s.drift.first.map(d => d.why ? [d.service, d.host, d.field, d.why] : [d.service, d.host, d.field, t("registered", { text: d.registered }), t("mapping.says", { text: d.mapping })]), andMore(s.drift.count, s.drift.first));
  const several = s.severalSets;
  line("several", several.count ? "note" : "", t("several", { n: several.count }), several.first.map(a => [{ ask: a.address }, a.sets.join(" ")]), andMore(several.count, several.first));
  line("warnings", s.warnings.length ? "look" : "good", s.warnings.length ? t("warnings.n", { n: s.warnings.length }) : t("warnings.none"),
    s.warnings.map(w => [origin(w), w.message]), s.warnings.length < 50 ? "" : t("first.ones"));
  $("node").textContent = location.host;
  $("asof").textContent = t("as.of", { time: dateTime(s.now), zone: Intl.DateTimeFormat().resolvedOptions().timeZone, since: since(s.started) });
}

// showLists shows what callers have now: who has nothing comes first.
function showLists(state) {
  const n = state.counts, nothing = nothingOf(n), all = Object.values(n).reduce((sum, x) => sum + x, 0);
  const troubled = state.kinds.filter(k => ["empty", "unusable", "unknown", "widened"].includes(k.state));
  line("lists", nothing ? "bad" : n.widened || n.unknown || !state.complete ? "warn" : "good",
    [nothing ? t("lists.nothing", { n: nothing }) : all ? t("lists.nobody") : t("lists.asked.nobody"),
      all ? t("lists.of", { n: all, list: listJoin(statesIn(n).map(s => `${n[s]} ${t(`state.${s}`)}`)) }) : "",
      state.complete ? "" : t("callers.incomplete"), ...state.notes].filter(Boolean).join(t("semicolon")),
    troubled.map(k => [t(`state.${k.state}`), k.service, k.kind, { ask: k.example }, t("callers.n", { n: k.callers }), `${t("rule")} ${k.rule}`, road(k), ofUsable(k)]),
    state.more ? t("kinds.more", { n: state.more }) : "");
}
const stateOrder = ["empty", "unusable", "unknown", "widened", "first", "shadow", "stock"];
const statesIn = counts => stateOrder.filter(s => counts[s]);
const nothingOf = counts => (counts.empty ?? 0) + (counts.unusable ?? 0);

// showLoad shows the roads that carry more than their callers put on their first road
// when everything works.
function showLoad(load) {
  line("load", load.over ? "warn" : "good", load.over ? t("load.over", { n: load.over, times: load.highest.toFixed(1) }) : load.highest > 1 ? t("load.some", { times: load.highest.toFixed(1) }) : t("load.none"),
    load.roads.map(r => [t("load.times", { n: r.times.toFixed(1) }), r.service, `${t("rule")} ${r.rule}`, road(r), t("load.where", { n: r.usable, where: r.where }), t("callers.n", { n: r.seen }), r.example]),
    load.more ? t("and.more", { n: load.more }) : "");
}
function showFiles(f, since) {
  const names = f.names ?? [], idle = never(f.loadedAt) || !f.entries, kind = t(`files.${f.kind}`);
  line(`${f.kind} files`, idle ? "look" : "good", idle ? t("files.idle", { kind })
    : t("files.loaded", { kind, entries: f.entries, files: names.length, since: since(f.loadedAt) }) + (f.copy ? t("semicolon") + t("files.copy", { since: since(f.copy) }) : ""),
  names.map(n => [n]), t("loaded.at", { time: dateTime(f.loadedAt) }));
  const n = f.problems.length;
  line(`${f.kind} files refused`, n ? "warn" : "", n ? t("files.refused", { kind, n, since: since(f.triedAt) }) + t("semicolon") + t(never(f.loadedAt) ? "files.none.stay" : "files.old.stay") : "",
    f.problems.map(p => [p]));
}
function showRules(s) {
  const partial = s.rules.filter(r => r.mode === "shadow" || r.percent < 100);
  line("rules", partial.length ? "note" : "good", t("rules.n", { n: s.rules.length }) + (partial.length ? t("comma") + t("rules.partial", { n: partial.length }) : ""),
    s.rules.map(r => [r.name + (r.target ? ` → ${r.target}` : ""), r.mode, `${r.percent} %`, origin(r)]), t(s.failOpen ? "fail.open" : "fail.closed"));
}
function showEvacuations(s, now) {
  const inForce = s.evacuations.filter(e => e.inForce);
  const text = e => t("evacuation.until", { place: `${e.kind} ${e.place}`, until: dateTime(e.until), left: duration(new Date(e.until) - now) });
  line("evacuations", inForce.length ? "look" : "good", inForce.length ? t("evacuations.n", { n: inForce.length }) + inForce.map(text).join(t("semicolon")) : t("evacuations.none"),
    s.evacuations.map(e => [`${e.kind} ${e.place}`, t(e.inForce ? "in.force.until" : "ended"), dateTime(e.until),
      e.instances || !e.inForce ? t("instances.n", { n: e.instances }) : t("no.instance.there"), e.reason, origin(e), `id ${e.id}`]));
}
function showCallers(s) {
  const c = s.callers, known = x => x.known === "- in -" ? t("known.nothing") : x.known;
  line("callers", c.unmapped ? "look" : "good", c.unmapped ? t("unmapped.n", { n: c.unmapped, seen: c.seen, share: percent(c.unmappedShare) }) : c.seen ? t("mapped.all", { n: c.seen }) : t("callers.none"),
    c.firstUnmapped.map(x => [{ ask: x.address }, known(x), t("requests.n", { n: x.requests }), percent(x.share)]), andMore(c.unmapped, c.firstUnmapped));
  const untold = c.untold.reduce((n, u) => n + u.requests, 0);
  line("callers that cannot be told", untold ? "warn" : "", t("untold.n", { n: untold }),
    c.untold.map(u => [u.peer ? { ask: u.peer } : "-", t("requests.n", { n: u.requests }), u.why]));
  const u = s.unknown;
  line("unknown callers", !u.callers ? "" : "look", t("unknown.n", { n: u.callers, services: u.services }),
    u.first.map(x => [{ ask: x.address }, x.service, `${t("rule")} ${x.rule}`, t("gets", { what: tIf("gets.", x.gets) }), t("requests.n", { n: x.requests })]),
    u.first.length < 50 ? "" : t("first.ones"));
}
function showKubernetes(kubernetes, since) {
  const { clusters } = kubernetes, troubled = clusters.filter(c => c.state !== "live" || c.problems.length), invalid = clusters.reduce((n, c) => n + c.invalid, 0);
  const text = c => `${c.name} ${tIf("kubernetes.", c.state)}` + t("comma") + t("pods.n", { n: c.pods }) + (c.state === "live" || never(c.heard) ? "" : t("comma") + t("heard", { since: since(c.heard) }));
  line("kubernetes", troubled.length || invalid || kubernetes.ambiguous ? "look" : "good",
    [...clusters.map(text), invalid && t("pods.invalid", { n: invalid }), kubernetes.ambiguous && t("ambiguous.n", { n: kubernetes.ambiguous })].filter(Boolean).join(t("semicolon")),
    clusters.flatMap(c => [...c.problems.map(p => [c.name, p]), ...c.firstInvalid.map(i => [c.name, i.pod, i.why])]));
}
