// The headline: red while anybody has nothing to call because of a rule, amber while
// something else is not as it should be, green when all of it is well. It is never
// green where the server does not answer.

function showHeadline(s, cluster) {
  const n = s.state.counts, nothing = nothingOf(n), all = Object.values(n).reduce((sum, x) => sum + x, 0);
  const causes = [...lines].filter(([key, entry]) => entry.level === "warn" || key === "lists" && entry.cause)
    .map(([key, entry]) => causeButton(entry.cause, () => openLine(key)));
  const looks = [...lines].filter(([, entry]) => entry.level === "look").map(([key, entry]) => causeButton(entry.text.textContent, () => openLine(key)));
  if (nothing) headline("bad", t("head.bad", { n: nothing }), t("title.bad", { n: nothing }), [...worstKinds(s.state), ...alsoCauses(causes)]);
  else if (causes.length) headline("warn", t("head.warn"), "! ", causes);
  else if (!cluster) headline("note", t("head.asking"), "", []);
  else if (!all) headline("note", t("head.nobody"), "", looks);
  else headline("good", t("head.good", { n: all, first: n.first ?? 0 }), "", looks);
}
const causeButton = (text, onclick) => keyed(button(text, onclick), text);
// alsoCauses puts what is amber besides into one line, after who has nothing.
const alsoCauses = causes => causes.length ? [element("span", t("head.also"), causes.flatMap((c, n) => n ? [t("semicolon"), c] : [c]))] : [];
// worstKinds names those who have nothing, the first of them.
function worstKinds(state) {
  const list = state.kinds.filter(k => ["empty", "unusable"].includes(k.state)), most = 3;
  const nodes = list.slice(0, most).map(k => element("span", element("b", k.service), " ← ", element("b", k.kind || "-"), t("colon"),
    t("callers.n", { n: k.callers }), t("comma"), t(k.state === "empty" ? "gets.empty" : "gets.unusable", { n: k.sent }), t("comma"), `${t("rule")} ${k.rule} `, explainLink(k.example, k.service)));
  const more = list.length + state.more - most;
  return more > 0 ? [...nodes, causeButton(t("kinds.more", { n: more }), () => openLine("lists"))] : nodes;
}
function headline(level, text, sign, causes) {
  const box = $("headline");
  document.title = sign + "setrouter";
  const json = JSON.stringify([level, text, causes.map(c => c.textContent), language]);
  if (box.dataset.json === json) return;
  box.dataset.json = json;
  box.className = level;
  replaceKeeping(box, [element("div.verdict", element("span.mark", t(`level.${level}`)), element("span", text)),
    ...causes.length ? [element("ul", causes.map(c => element("li", c)))] : []]);
}
function openLine(key) {
  const { node } = lines.get(key);
  node.open = true;
  node.scrollIntoView({ block: "center", behavior: "auto" });
  node.firstChild.focus();
}

// The row of the server nodes, each with its state in words.
function showNodes(cluster) {
  line("nodes", cluster.agree ? "" : "warn", t("nodes.disagree"), cluster.reasons.map(r => [r]), cluster.note, t("cause.nodes"));
  replaceKeeping($("nodes"), [...cluster.nodes.map(nodeCard), cluster.note ? element("p.soft", cluster.note) : null]);
}
function nodeCard(n) {
  const [level, word] = nodeState(n), s = n.summary;
  const files = (s?.files ?? []).map(f => `${t(`files.${f.kind}`)} ${f.digest || t("none")}` + [f.gray && t("gray"), f.copy ? t("copy") : f.refused && t("refused")].filter(Boolean).map(w => ` ${w}`).join(""));
  const details = [...n.reasons ?? [], ...files, s && t("instances.n", { n: s.instances }) + t("comma") + t("services.n", { n: s.services }), s?.version,
    Math.abs(n.aheadSeconds) >= 2 && t("ahead", { n: +n.aheadSeconds.toFixed(1) })].filter(Boolean);
  const parts = (s?.parts ?? []).map(p => badge(p.ok ? "good" : "bad", `${tIf("part.", p.name)} ${t(p.ok ? "part.ok" : "part.away")}`));
  const since = n.since && !never(n.since) ? element("span.soft", ` ${t("since", { time: clockTime(n.since) })}`) : null;
  const node = element("details.node." + level, element("summary", badge(level, word), element("b", ` ${n.address}`), n.self ? element("span.soft", ` ${t("this.one")}`) : null, since, " ", parts),
    element("div", n.problem ? element("p", n.problem) : null, details.map(d => element("div.soft", d))));
  keyed(node.firstChild, n.address);
  node.open = openNodes.has(n.address);
  node.ontoggle = () => openNodes[node.open ? "add" : "delete"](n.address);
  return node;
}
const openNodes = new Set();
// nodeState returns the colour of a node, and the worst that there is to say of it.
function nodeState(n) {
  const files = n.summary?.files ?? [];
  if (n.problem) return ["bad", t("node.silent")];
  if (!n.healthy) return ["bad", t("node.dropped")];
  if (files.some(f => f.refused && !f.copy)) return ["warn", t("node.refuses")];
  if (n.summary?.parts?.some(p => !p.ok)) return ["warn", t("node.part")];
  if (n.agrees === false || n.reasons?.length) return ["warn", t("node.differs")];
  if (files.some(f => f.gray)) return ["note", t("node.gray")];
  return ["good", t("node.good")];
}
