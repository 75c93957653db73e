// Explain: why a caller has its list.
let turns = 0, explained; // only the answer to the last question is shown
$("ask").onsubmit = event => {
  event.preventDefault();
  const params = new URLSearchParams({ caller: $("caller").value.trim(), service: $("service").value.trim() });
  if ($("set").value.trim()) params.set("set", $("set").value.trim());
  askWhy(params);
};
// askWhy explains a caller, and makes the address of the page a link to that.
function askWhy(params) {
  for (const key of ["caller", "service", "set"]) $(key).value = params.get(key) ?? "";
  history.replaceState(null, "", "?" + params);
  explain(params).then(() => $("why").scrollIntoView());
}
async function explain(params) {
  const turn = ++turns, box = element("div");
  await showResult(box, async () => explanation(explained = await ask("explain", params)));
  if (turn === turns) $("explained").replaceChildren(box);
}
function explanation(e) {
  const sent = e.instances.filter(i => i.sent), widened = (e.choices ?? []).some(c => c.widened || c.roads.some((r, n) => n ? r.taken : !r.taken));
  return [element("h3", stateBadge(outcome(e.answer, sent.length, sent.filter(i => i.usable).length, widened)),
    " " + t("explain.head", { caller: e.caller.address, service: e.service, answer: tIf("answer.", e.answer), sent: e.sent, n: e.instances.length }) +
    (e.answer === "shadow" ? t("semicolon") + t("explain.shadow", { n: e.instances.filter(i => i.chosen).length }) : "")),
  element("div.soft", t("as.of.short", { time: dateTime(Date.now()) }) + (e.revision ? `${t("comma")}revision ${e.revision}` : "")),
  ...whoAsks(e.caller), ...whichRule(e), ...(e.choices ?? []).flatMap(c => roadsOf(c, e)),
  element("h3", t("col.instances")), e.instances.length ? table(["", t("col.instance"), "SET", t("col.place"), t("col.state"), t("col.why.not")],
    [...sent, ...e.instances.filter(i => !i.sent)].map(instanceRow)) : element("div", badge("bad", t("none")), ` ${t("no.instance")}`)];
}
function whoAsks(caller) {
  const says = list => table(null, list.map(s => row("td", [s.service, `${s.host}:${s.port}`, s.says])));
  const out = [element("h3", t("who")), caller.facts.length
    ? table(null, caller.facts.map(f => row("td", [f.field, f.value, t("from", { source: f.from })])))
    : element("div", badge("warn", t("state.unknown")), ` ${caller.instances ? t(caller.disagreements ? "unknown.disagree" : "unknown.silent", { n: caller.instances }) : t("unknown.caller")}`)];
  for (const d of caller.disagreements ?? []) {
    out.push(element("div", badge(d.decisive ? "warn" : "grey", d.field), ` ${t("disagree", { field: d.field })}` + (d.decisive ? "" : t("comma") + t("disagree.idle"))), says(d.instances));
  }
  if (caller.ignored) out.push(element("div", badge("warn", "set"), ` ${t("ignored.names")}`), says(caller.ignored));
  return out;
}
function whichRule(e) {
  const ofOthers = e.passed.filter(p => p.otherService ?? p.why.startsWith("it is for ")), ofService = e.passed.filter(p => !ofOthers.includes(p));
  const passed = list => list.map(p => row("td", [t("passed.over"), p.rule, origin(p), p.why]));
  const rows = passed(ofService);
  if (e.rule) rows.push(row("td", [element("b", t("decides")), element("b", e.rule.name), origin(e.rule),
    t(e.rule.included ? "rollout.in" : "rollout.out", { mode: e.rule.mode, n: e.rule.percent, by: e.rule.by })]));
  return [element("h3", t("rule.head")), ofOthers.length ? folded(t("passed.others", { n: ofOthers.length }), () => table(null, passed(ofOthers))) : null,
    table(null, rows), element("div", t("so", { why: e.why }) + (e.read === e.service ? "" : " " + t("read.is", { service: e.read })))];
}
function roadsOf(c, e) {
  const out = [element("h3", t("roads.of", { set: c.set || t("without.set") }) + (e.routedAs.location.region ? ` ${t("in")} ${place(e.routedAs.location)}` : ""))];
  const note = (word, text) => out.push(element("div", badge("warn", word), ` ${text}`));
  if (c.why) out.push(element("div", `${c.why}.`));
  if (c.roads.length) out.push(table(["", t("col.usable"), t("col.total"), "", t("col.why")], c.roads.map(roadRow)));
  if (c.heldUntil) note(t("held"), t(c.roads.some(r => r.share) ? "held.shares" : "held.until", { time: c.heldUntil }));
  if (c.lastResort) note(t("last.resort"), t("last.resort.why"));
  if (c.widened) note(t("state.widened"), t("widened.all"));
  return out;
}
function roadRow(r, n) {
  const mark = r.taken && r.satisfied ? badge(n ? "warn" : "good", t("taken")) : r.taken ? badge("warn", t("taken.none"))
    : badge("grey", t(r.satisfied ? "satisfied" : "not.satisfied"));
  const name = [r.tier && `tier ${r.tier}`, r.level && `level ${r.level}`].filter(Boolean).join(" at ") || t("every.instance");
  return row("td", [name, r.usable, r.total, mark, r.why + (r.share ? t("semicolon") + t("takes.n", { n: r.share }) : "")]);
}
function instanceRow(i) {
  const note = i.sent && i.whyNot ? t("not.choice", { why: i.whyNot }) : i.whyNot || (i.chosen && !i.sent ? t("choice.not.sent") : "");
  const state = i.isolate ? t("isolated") : !i.healthy ? t("unhealthy") : i.weight === 0 ? t("weight.n", { n: 0 }) : i.evacuated ? t("state.evacuated") : t("weight.n", { n: i.weight });
  const node = row("td", [i.sent ? badge(i.usable ? "good" : "bad", t("sent")) : badge("grey", t("not.sent")), `${i.host}:${i.port}`, i.set || "-", place(i.location),
    i.usable ? state : element("span.text-bad", state), [note, ...i.ignored || []].filter(Boolean).join("; ")]);
  if (!i.sent) node.className = "off";
  return node;
}
