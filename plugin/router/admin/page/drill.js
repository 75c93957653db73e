// The drill: what would be without each city, region, campus or SET, one at a time. A
// click on one shows its matrix.

const tooMuch = 3; // the load above which a road is degraded

$("drill-form").onsubmit = event => {
  event.preventDefault();
  showDrill();
};
async function showDrill() {
  const each = $("drill-each").value;
  $("drill").replaceChildren(element("p.soft", t("loading")));
  await showResult($("drill"), async () => drillTable(await ask("drill", { each })));
}
function drillTable(drill) {
  const close = button(t("close"), () => $("drill").replaceChildren());
  const heads = [t(`grain.${drill.each}`), "", t("has.nothing"), t("col.leave"), t("col.load"), ""];
  return [element("h3", t("drill.head", { n: drill.losses.length, kinds: drill.kinds, services: drill.services }), " ", close),
    table(heads, drill.losses.map(loss => row("td", [loss.place, lossBadge(loss), hit(loss.nothing), leaving(loss.counts),
      loss.load ? element("span" + (loss.load > tooMuch ? ".text-bad" : ""), t("load.n", { n: loss.load.toFixed(1) })) : "-",
      keyed(button(t("show.matrix"), () => suppose(`${drill.each}:${loss.place}`)), loss.place)])))];
}
const lossBadge = loss => loss.nothing.pairs ? badge("bad", t("severity.red")) : loss.load > tooMuch || Object.entries(loss.counts).some(([change, c]) => change.startsWith("cross-") && c.pairs)
  ? badge("warn", t("severity.amber")) : badge("good", t("level.good"));
// hit says whom a loss hits: callers that asked lately, and kinds of callers.
const hit = c => c?.pairs ? [t("callers.n", { n: c.callers }), t("kinds.n", { n: c.kinds }), t("services.n", { n: c.services })].join(t("comma")) : "-";
// leaving says how many callers would leave their region or city: 0 callers where only kinds
// of callers would that did not ask.
function leaving(counts) {
  const callers = (counts["cross-region"]?.callers ?? 0) + (counts["cross-zone"]?.callers ?? 0);
  const pairs = (counts["cross-region"]?.pairs ?? 0) + (counts["cross-zone"]?.pairs ?? 0);
  return pairs ? t("callers.n", { n: callers }) : "-";
}
function suppose(target) {
  supposed.lost = [target];
  showSupposed().then(() => $("whatif-result").scrollIntoView());
}
