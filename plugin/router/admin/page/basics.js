// Basics: elements, texts in two languages, times, and the API.

const $ = id => document.getElementById(id);

// plain makes characters visible that are invisible or turn a line around. Names
// come from clients: they go into the page as text. Nothing here makes markup of
// a text.
const plain = text => String(text).replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, c => c === "\n" ? c : `\\u{${c.codePointAt(0).toString(16)}}`);

// element makes an element with classes: element("td.fixed", "text", another, ...).
function element(name, ...children) {
  const [tag, ...classes] = name.split(".");
  const node = document.createElement(tag);
  if (classes.length) node.className = classes.join(" ");
  node.append(...children.flat().filter(child => child != null).map(child => child instanceof Node ? child : plain(child)));
  return node;
}
const badge = (level, word) => element("span.badge." + level, word);
const button = (text, onclick) => Object.assign(element("button.link", text), { type: "button", onclick });
// folded makes its content when it is first opened.
function folded(title, make) {
  const node = element("details", element("summary", title));
  node.ontoggle = () => { if (!node.children[1]) node.append(element("div", make())); };
  return node;
}
const row = (cellName, cells) => element("tr", cells.map(c => c instanceof Element && c.matches("td, th") ? c : element(cellName, c)));
// table shows the first rows, and the others at a click.
function table(heads, rows, limit = 200) {
  const body = element("tbody", rows.slice(0, limit));
  const box = element("div.wide", element("table", heads && element("thead", row("th", heads)), body));
  if (rows.length > limit) {
    const more = button(t("more", { n: rows.length - limit }), () => { body.append(...rows.slice(limit)); more.remove(); });
    box.append(more);
  }
  return box;
}
// replaceKeeping replaces the children of a box. What had the focus there has it
// again, and what was scrolled stays so: the new element has the same data-key.
function replaceKeeping(box, children) {
  const focused = box.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  const left = box.querySelector(".wide")?.scrollLeft;
  box.replaceChildren(...[children].flat().filter(child => child != null));
  if (left) box.querySelector(".wide")?.scrollTo({ left });
  if (focused) box.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
}
const keyed = (node, key) => { node.dataset.key = key; return node; };

// t returns a text of the catalogue. {name} is a value; {name|one|many} is a word
// that goes with a number.
let language = "en";
function t(key, values = {}) {
  return texts[key][language === "zh" ? 1 : 0].replace(/\{(\w+)(?:\|([^|}]*)\|([^|}]*))?\}/g,
    (_, name, one, many) => many === undefined ? values[name] : Number(values[name]) === 1 ? one : many);
}
// tIf returns a text for a word of the API, or the word where there is no text.
const tIf = (prefix, word) => Object.hasOwn(texts, prefix + word) ? t(prefix + word) : word;
// chooseLanguage takes what the user chose, or the first language of the browser
// that the page has.
function chooseLanguage() {
  const wanted = [new URLSearchParams(location.search).get("lang"), sessionStorage.getItem("setrouter-language"), ...navigator.languages];
  language = wanted.map(l => l?.slice(0, 2).toLowerCase()).find(l => l === "zh" || l === "en") ?? "en";
}
// translatePage puts the texts of the language into the elements of page.html.
function translatePage() {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  for (const node of document.querySelectorAll("[data-t]")) node.textContent = t(node.dataset.t);
  for (const node of document.querySelectorAll("[data-t-hint]")) node.placeholder = t(node.dataset.tHint);
  for (const node of document.querySelectorAll("[data-t-label]")) node.setAttribute("aria-label", t(node.dataset.tLabel));
  for (const node of document.querySelectorAll("[data-language]")) node.setAttribute("aria-pressed", node.dataset.language === language);
}

const dateTime = time => new Date(time).toLocaleString("sv-SE"); // 2026-12-01 10:00:00
const clockTime = time => dateTime(time).slice(11);
const never = time => new Date(time).getFullYear() < 1970;
function duration(ms) {
  const s = Math.max(0, Math.round(ms / 1000)), m = Math.floor(s / 60), h = Math.floor(m / 60);
  return s < 90 ? t("seconds", { n: s }) : m < 90 ? t("minutes", { n: m }) : h < 48 ? t("hours", { h, m: m % 60 }) : t("days", { n: Math.floor(h / 24) });
}
const percent = share => `${+(share * 100).toPrecision(2)} %`;
const place = location => [location.region, location.zone, location.campus].map(name => name || "").join("/").replace(/\/+$/, "") || "-";
const origin = x => x.line ? `${x.file}:${x.line}` : x.file;
const ofUsable = x => t("usable.of", { n: x.usable, total: x.sent ?? x.instances });
// road returns the tier and level of a road in one text.
const road = x => [x.tier && `tier ${x.tier}`, x.level && `level ${x.level}`].filter(Boolean).join(", ");
const listJoin = list => list.join(t("comma"));
const andMore = (n, shown) => n > shown.length ? t("and.more", { n: n - shown.length }) : "";

// levels are the colour of each state of callers, and of each severity.
const levels = {
  empty: "bad", unusable: "bad", unknown: "warn", widened: "warn", first: "good", shadow: "grey", stock: "grey", none: "grey",
  evacuated: "out", "still-sent": "still", nothing: "grey", good: "good", info: "note", amber: "warn", red: "bad",
};
const stateBadge = (state, n) => badge(levels[state] ?? "grey", t(`state.${state}`) + (n === undefined ? "" : ` ${n}`));

// The API.
class NoToken extends Error {}
class Away extends Error {}
async function ask(path, params = {}, body = undefined) {
  const token = sessionStorage.getItem("setrouter-token");
  const inLanguage = language === "zh" ? { ...params, lang: "zh" } : params; // for what the server says in sentences
  const answer = await fetch(`setrouter/v1/${path}?${new URLSearchParams(inLanguage)}`, {
    method: body ? "POST" : "GET", body: body && JSON.stringify(body), cache: "no-store", signal: AbortSignal.timeout(20000),
    headers: { ...token ? { Authorization: `Bearer ${token}` } : {}, ...body ? { "Content-Type": "application/json" } : {} },
  }).catch(error => { throw new Away(error.message); });
  if (answer.status === 401) {
    $("login").hidden = false;
    $("main").hidden = true;
    $("refused").textContent = token ? t("token.wrong") : "";
    throw new NoToken(t("token.missing"));
  }
  const value = await answer.json().catch(() => { throw new Away(t("no.json", { status: answer.status })); });
  if (!answer.ok) throw new Error(value.message);
  return value;
}
// showResult shows the nodes that a call returns, or its error.
async function showResult(node, call) {
  try {
    replaceKeeping(node, await call());
  } catch (error) {
    replaceKeeping(node, element("p.text-bad", error.message));
  }
}
// explainLink is a link to the explanation of a caller's list: it can be sent to a
// colleague.
function explainLink(caller, service, text = t("explain")) {
  if (!caller) return null;
  const params = new URLSearchParams({ caller, service }), link = element("a", text);
  link.href = "?" + params;
  link.onclick = event => { // a plain click stays on the page
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    askWhy(params);
  };
  return link;
}
