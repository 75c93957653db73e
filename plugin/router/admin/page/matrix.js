// The matrix: kinds of callers by places of instances.

const rowName = r => r.set || t("no.set"), columnName = c => c.set || c.place || t("no.place");
const partKey = x => `${x.set ?? ""}|${x.place ?? ""}`;

// newMatrix shows a matrix in a box. Request returns the answer of the server for
// parameters. What is unfolded, selected and focused stays so when it is shown anew.
function newMatrix(box, request) {
  const m = { open: { rows: new Map(), columns: new Map() }, selected: undefined };
  const detail = element("div.detail"), grid = element("div");
  box.append(grid, detail);
  detail.setAttribute("aria-live", "polite");
  let drawn = "", turn = 0;

  // load asks for the matrix and for what is unfolded in it.
  m.load = async (base = {}) => {
    const now = ++turn, rows = [undefined, ...m.open.rows.values()], columns = [undefined, ...m.open.columns.values()], parts = [];
    for (const r of rows) for (const c of columns) { // one after the other: the server makes one at a time
      parts.push({ r, c, answer: await request({ ...base, ...ofRow(r), ...ofColumn(c) }) });
      if (now !== turn) return;
    }
    m.base = base;
    m.parts = parts;
    const json = JSON.stringify([parts.map(p => ({ ...p.answer, now: "" })), language]);
    if (json !== drawn) m.draw();
    drawn = json;
    if (m.selected) showCell(m.selected);
    return parts[0].answer;
  };
  const ofRow = r => r ? { rows: "kind", callerSet: r.set || "-", callerPlace: r.place || "-" } : {};
  const ofColumn = c => c ? { columns: "set", place: c.place || "-" } : {};

  // draw makes the table of all parts.
  m.draw = () => {
    if (!m.parts) return;
    const { answer } = m.parts[0];
    const columns = unfolded(answer.columns, m.open.columns, c => m.parts.find(p => !p.r && p.c && partKey(p.c) === partKey(c))?.answer.columns);
    const rows = unfolded(answer.rows, m.open.rows, r => m.parts.find(p => !p.c && p.r && partKey(p.r) === partKey(r))?.answer.rows);
    const cells = new Map();
    for (const p of m.parts) for (const r of p.answer.rows) for (const cell of r.cells) {
      cells.set([p.r ? partKey(p.r) : "", partKey(r), p.c ? partKey(p.c) : "", partKey(p.answer.columns[cell.column])].join("\n"), cell);
    }
    const whatIf = answer.whatIf;
    const head = element("tr", rowHeadCorner(), columnHead(), columns.map(c => columnHead(c)));
    const body = rows.map(r => element("tr", rowHead(r), nothingCell(r, whatIf), columns.map(c =>
      gridCell(r, c, cells.get([r.parent ? partKey(r.parent) : "", partKey(r.part), c.parent ? partKey(c.parent) : "", partKey(c.part)].join("\n")), answer))));
    const node = element("table.matrix", element("caption", t("matrix.caption")), element("thead", head), element("tbody", body));
    replaceKeeping(grid, answer.rows.length ? [element("div.wide", node), element("p.soft", listJoin([
      answer.more && t("rows.more", { n: answer.more }), answer.moreColumns && t("columns.more", { n: answer.moreColumns }),
      answer.complete ? "" : t("callers.incomplete"), ...answer.notes].filter(Boolean)))] : element("p", t("matrix.nobody")));
  };
  const unfolded = (list, open, inner) => list.flatMap(part => [{ part, parent: undefined },
    ...open.has(partKey(part)) ? (inner(part) ?? []).map(p => ({ part: p, parent: part })) : []]);

  const rowHeadCorner = () => element("th.corner", t("callers.by.instances"));
  function columnHead(c) {
    if (!c) return Object.assign(element("th", t("has.nothing")), { scope: "col" });
    const node = element("th" + (c.parent ? ".inner" : ""));
    node.scope = "col";
    const [region, ...rest] = (c.part.place || "").split("/");
    const name = c.part.set || c.parent && t("no.set") || rest.join("/") || region || t("no.place");
    const text = [element("span", name), element("span.soft", c.parent || !rest.length ? "" : region)];
    const unfoldable = !c.parent && m.parts[0].answer.columnsBy === "zone";
    node.append(unfoldable ? unfolder(m.open.columns, c.part, t("unfold.column", { name: columnName(c.part) }), text) : element("div.name", text),
      element("div.small" + (c.part.usable ? "" : ".text-bad"), ofUsable(c.part)), ...c.part.evacuated ? [badge("out", t("evacuated.n", { n: c.part.evacuated }))] : []);
    return node;
  }
  function unfolder(open, part, label, content) {
    const key = partKey(part), node = keyed(element("button.unfold", element("span.arrow", open.has(key) ? "▾" : "▸"), element("span.name", content)), `unfold ${label}`);
    node.type = "button";
    node.title = label;
    node.setAttribute("aria-expanded", open.has(key));
    node.onclick = () => {
      if (!open.delete(key)) open.set(key, part);
      m.load(m.base).catch(error => grid.append(element("p.text-bad", error.message)));
    };
    return node;
  }
  function rowHead(r) {
    const node = element("th" + (r.parent ? ".inner" : "")), p = r.part;
    node.scope = "row";
    const text = [element("b", rowName(p)), element("span", ` ${t("in")} ${p.place || t("no.place")} `)];
    const unfoldable = !r.parent && (p.kinds > 1 || m.open.rows.has(partKey(p)));
    node.append(unfoldable ? unfolder(m.open.rows, p, t("unfold.row", { name: `${rowName(p)} ${p.place ?? ""}` }), text) : element("span.name", text),
      element("div.small", t("callers.n", { n: p.callers }), t("comma"), t("services.n", { n: p.services })));
    return node;
  }
  // nothingCell says how many callers of a row have nothing.
  function nothingCell(r, whatIf) {
    const p = r.part, states = p.states, state = ["empty", "unusable", "unknown"].find(s => states[s]) ?? (["empty", "unusable", "unknown"].includes(p.state) ? p.state : undefined);
    const n = (states.empty ?? 0) + (states.unusable ?? 0) + (states.unknown ?? 0);
    const before = whatIf ? (s => (s.empty ?? 0) + (s.unusable ?? 0) + (s.unknown ?? 0))(p.before?.states ?? {}) : n;
    return cellButton(r, undefined, state, n, n === before ? "" : t("was", { text: before }), `${rowName(p)} ${t("in")} ${p.place || t("no.place")}: ${t("has.nothing")}: ${n}`);
  }
  function gridCell(r, c, cell, answer) {
    const home = !c.parent && r.part.home >= 0 && (r.parent ? isHome(r.part, c.part) : answer.columns[r.part.home] === c.part);
    const name = `${rowName(r.part)} ${t("in")} ${r.part.place || t("no.place")} → ${c.part.set ? c.part.set + " " : ""}${c.part.place || t("no.place")}`;
    const before = cell?.before, changed = answer.whatIf && cell && (cell.state !== before?.state || cell.callers !== before?.callers);
    const was = !changed ? "" : before ? t("was", { text: `${t(`state.${before.state}`)} ${before.callers}` }) : t("was.nothing");
    const label = cell ? `${name}: ${t(`state.${cell.state}`)}, ${t("callers.n", { n: cell.callers })}, ${t("services.n", { n: cell.services })}, ${ofUsable(cell)}` : name;
    const dead = cell?.sent && !cell.usable && cell.state !== "unusable" ? t("none.usable") : "";
    return cellButton(r, c, cell?.state, cell?.state === "evacuated" ? cell.evacuated : cell?.callers, was, label, home, dead);
  }
  const isHome = (r, c) => (r.place ?? "").split("/").slice(0, 2).join("/") === c.place;
  function cellButton(r, c, state, n, was, label, home, dead) {
    const td = element("td" + (home ? ".home" : "") + (was ? ".changed" : ""));
    if (!state) {
      if (home && ["empty", "unusable"].includes(r.part.state)) td.append(element("span.absent", "✗"));
      else td.append(element("span.soft", "·"));
      if (home) td.title = t("own.city");
      return td;
    }
    const node = keyed(element("button.cell." + levels[state], element("span.word", t(`cell.${state}`)), " ", element("span.n", n)), label);
    node.type = "button";
    node.title = label;
    node.setAttribute("aria-label", label + (was ? ", " + was : ""));
    node.onclick = () => {
      m.selected = { row: r, column: c, state };
      showCell(m.selected);
    };
    td.append(node);
    if (dead) td.append(element("div.small.text-bad", dead));
    if (was) td.append(element("div.was", was));
    return td;
  }
  // showCell shows who is behind a cell, and which services they ask for.
  async function showCell(selected) {
    const { row: r, column: c, state } = selected;
    const params = { ...m.base, rows: "kind", kinds: 100, limit: 1, callerSet: r.part.set || "-", callerPlace: r.part.place || "-",
      ...c ? { columns: c.part.set || c.parent ? "set" : m.parts[0].answer.columnsBy, place: c.part.place || "-",
        ...c.parent || m.parts[0].answer.columnsBy === "set" ? { set: c.part.set || "-" } : {} } : {} };
    await showResult(detail, async () => {
      const answer = await request(params);
      if (m.selected !== selected) return [...detail.children];
      const close = keyed(button(t("close"), () => { m.selected = undefined; detail.replaceChildren(); }), "close");
      const title = element("h3", stateBadge(state), ` ${rowName(r.part)} ${t("in")} ${r.part.place || t("no.place")}` + (c ? ` → ${c.part.set ? c.part.set + ` ${t("in")} ` : ""}${c.part.place || t("no.place")}` : ""), " ", close);
      const bad = k => c || ["empty", "unusable", "unknown"].includes(k.state);
      const kinds = (answer.kinds ?? []).filter(bad);
      return [title, kinds.length ? kindTable(kinds) : element("p", t("none")), answer.moreKinds ? element("p.soft", t("and.more", { n: answer.moreKinds })) : null];
    });
  }
  return m;
}
// kindTable shows kinds of callers of services, and what each has.
const kindTable = kinds => table([t("col.state"), t("col.service"), t("col.callers"), t("col.count"), t("col.rule"), t("col.road"), t("col.usable"), ""], kinds.map(k => row("td", [
  stateBadge(k.state), k.service, k.kind || "-", k.callers, k.rule || "-", road(k) || "-", ofUsable(k), explainLink(k.example, k.service)])), 50);

// The matrix of now.
const present = newMatrix($("matrix"), params => ask("matrix", params));
function loadMatrix() {
  const params = { rows: $("rows").value, columns: $("columns").value };
  if ($("one").value.trim()) params.service = $("one").value.trim();
  if ($("everybody").checked) params.all = true;
  return present.load(params).then(() => { $("matrix-error").textContent = ""; }, error => {
    if (error instanceof NoToken || error instanceof Away) throw error;
    $("matrix-error").textContent = plain(error.message);
  });
}
for (const id of ["rows", "columns", "one", "everybody"]) $(id).onchange = () => {
  present.open.rows.clear();
  present.open.columns.clear();
  present.selected = undefined;
  loadMatrix().catch(() => {});
};
function showLegend() {
  const words = ["first", "widened", "empty", "unusable", "evacuated", "still-sent", "stock"];
  $("legend").replaceChildren(...words.map(s => element("span.entry", element("span.cell." + levels[s], t(`cell.${s}`)), element("span.meaning", t(`legend.${s}`)))), element("span.meaning", t("legend.home")));
}
