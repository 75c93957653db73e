// The headline: red while anybody has nothing to call because of a rule, amber while
// something else is degraded, green when nothing is. The colour and its causes are those
// of the status, which setctl and the alerts say, too. The headline is never green where
// the server does not answer.

// causeLines are the lines that say more of a cause.
const causeLines = { nothing: "lists", widened: "lists", unknown: "lists", partial: "lists", untold: "callers that cannot be told", refused: "nodes", disagree: "nodes", "stock-node": "nodes", store: "backing", heartbeats: "backing", load: "load" };

function showHeadline(s) {
  const n = s.state.counts, all = Object.values(n).reduce((sum, x) => sum + x, 0), { colour, causes } = s.health;
  const others = causes.filter(c => c.kind !== "nothing").map(c => causeButton(causeText(c, s.now), causeLines[c.kind]));
  const looks = [...lines].filter(([, entry]) => entry.level === "look").map(([key, entry]) => causeButton(entry.text.textContent, key));
  const toLookAt = inOneLine("head.look", looks);
  if (colour === "red") headline("bad", t("head.bad", { n: nothingOf(n) }), t("title.bad", { n: nothingOf(n) }), [...worstKinds(s.state), ...inOneLine("head.also", others), ...toLookAt]);
  else if (colour === "amber") headline("warn", t("head.warn"), "! ", [...others, ...toLookAt]);
  else if (!all) headline("note", t("head.nobody"), "", toLookAt);
  else headline("good", t("head.good", { n: all, first: n.first ?? 0 }), "", [...s.state.alone ? [element("span", t("head.alone"))] : [], ...toLookAt]);
}
// causeText says a cause in the language of the page. The server's own sentence is
// English.
function causeText(c, now) {
  const key = `cause.${c.kind}`;
  if (language === "en" && c.text || !Object.hasOwn(texts, key)) return c.text;
  return t(key, { n: c.count ?? 0, node: c.node || t("this.one"), since: c.since ? duration(new Date(now) - new Date(c.since)) : "" });
}
const inOneLine = (key, nodes) => nodes.length ? [element("span", t(key), nodes.flatMap((node, n) => n ? [t("semicolon"), node] : [node]))] : [];
const causeButton = (text, key) => keyed(button(text, () => openLine(key)), text);
// worstKinds names those who have nothing, the first of them.
function worstKinds(state) {
  const list = state.kinds.filter(k => ["empty", "unusable"].includes(k.state)), most = 3;
  const nodes = list.slice(0, most).map(k => element("span", element("b", k.service), " ← ", element("b", k.kind || "-"), t("colon"),
    t("callers.n", { n: k.callers }), t("comma"), t(k.state === "empty" ? "gets.empty" : "gets.unusable", { n: k.sent }), t("comma"), `${t("rule")} ${k.rule} `, explainLink(k.example, k.service)));
  const more = list.length - most + (list.length === state.kinds.length ? state.more : 0); // the worst kinds are listed first
  return more > 0 ? [...nodes, causeButton(t("kinds.more", { n: more }), "lists")] : nodes;
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
  const node = lines.get(key)?.node;
  if (!node || node.hidden) return;
  node.open = true;
  node.scrollIntoView({ block: "center", behavior: "auto" });
  node.firstChild.focus();
}

// The row of the server nodes, each with its state in words.
function showNodes(cluster) {
  line("nodes", cluster.agree ? "" : "warn", t("nodes.disagree"), cluster.reasons.map(r => [r]), cluster.note);
  replaceKeeping($("nodes"), [...cluster.nodes.map(n => nodeCard(n, cluster)), cluster.note ? element("p.soft", cluster.note) : null]);
}
// reasonsOf returns why a node does not agree with the others.
const reasonsOf = (n, cluster) => (cluster.differences ?? []).filter(d => d.node === n.address);
function nodeCard(n, cluster) {
  const [level, word] = nodeState(n, cluster), s = n.summary;
  const files = (s?.files ?? []).map(f => `${t(`files.${f.kind}`)} ${f.digest || t("none")}` + [f.gray && t("gray"), f.copy ? t("copy") : f.refused && t("refused")].filter(Boolean).map(w => ` ${w}`).join(""));
  const details = [...reasonsOf(n, cluster).map(d => d.text), ...files, s && t("instances.n", { n: s.instances }) + t("comma") + t("services.n", { n: s.services }), s?.version,
    Math.abs(n.aheadSeconds) >= 2 && t("ahead", { n: +n.aheadSeconds.toFixed(1) })].filter(Boolean);
  const away = (s?.away ?? []).map(a => badge("bad", t("backing.away", { what: tIf("backing.", a.kind) }) + ` ${t("since", { time: clockTime(a.at) })}`));
  const since = n.since && !never(n.since) ? element("span.soft", ` ${t("since", { time: clockTime(n.since) })}`) : null;
  const node = element("details.node." + level, element("summary", badge(level, word), element("b", ` ${n.address}`), n.self ? element("span.soft", ` ${t("this.one")}`) : null, since, " ", away),
    element("div", n.problem ? element("p", n.problem) : null, details.map(d => element("div.soft", d))));
  keyed(node.firstChild, n.address);
  node.open = openNodes.has(n.address);
  node.ontoggle = () => openNodes[node.open ? "add" : "delete"](n.address);
  return node;
}
const openNodes = new Set();
// nodeState returns the colour of a node, and the worst that there is to say of it.
function nodeState(n, cluster) {
  const files = n.summary?.files ?? [];
  if (n.stock) return ["bad", t("node.stock")];
  if (n.problem) return ["bad", t("node.silent")];
  if (!n.healthy) return ["bad", t("node.dropped")];
  if (n.summary?.away?.length) return ["warn", t("node.away")];
  if (files.some(f => f.refused && !f.copy)) return ["warn", t("node.refuses")];
  if (reasonsOf(n, cluster).length) return ["warn", t("node.differs")];
  if (files.some(f => f.gray)) return ["note", t("node.gray")];
  return ["good", t("node.good")];
}
