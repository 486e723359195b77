// A table of one row per key: sorted, filtered, and repainted cell by cell.

const sortEveryMs = 1500; // rows that are sorted by moving figures change places no more often
const rowHeight = 26; // as the style sheet has it
const tintMs = 600;
const calm = matchMedia("(prefers-reduced-motion: reduce)");

// mount builds the table. Columns are { id, title, text(row, now), sort(row), way(row), figure, tint(row), ages, select, press(key) }; onSort is told
// the column's id (with a "-" before it for descending), onSelect a key. With onMove, rows may be dragged to another place in the order of keys.
export function mount(element, { columns, caption, placeholders = 12, onSort, onSelect, onMove }) {
  const table = document.createElement("table");
  table.setAttribute("aria-label", caption);
  const head = table.createTHead().insertRow();
  for (const column of columns) {
    const th = head.appendChild(document.createElement("th"));
    th.scope = "col";
    th.className = `${column.id}${column.figure ? " figure" : ""}`;
    if (!column.title) {
      th.appendChild(Object.assign(document.createElement("span"), { className: "hidden", textContent: "What can be done" }));
      continue;
    }
    const button = th.appendChild(document.createElement("button"));
    button.className = "plain";
    button.textContent = column.title;
    button.onclick = () => onSort(sort === column.id ? `-${column.id}` : column.id);
  }
  const body = table.createTBody();
  for (let i = 0; i < placeholders; i++) {
    const tr = body.insertRow();
    for (const column of columns) tr.insertCell().className = `${column.id} skeleton${column.figure ? " figure" : ""}`;
  }
  const nothing = Object.assign(document.createElement("p"), { className: "nothing quiet", hidden: true });
  element.replaceChildren(table, nothing);
  element.classList.add("table");

  const lines = new Map(); // key -> { tr, cells }
  let sort = null;
  let filter = null;
  let sortedAt = 0;
  let dragged = "";
  let reordered = false;

  function line(key) {
    if (lines.size === 0) body.replaceChildren(); // the placeholders
    const tr = document.createElement("tr");
    tr.dataset.key = key;
    if (onSelect) tr.onclick = () => onSelect(key);
    if (onMove) movable(tr, key);
    const cells = columns.map((column) => {
      const td = tr.insertCell();
      td.className = `${column.id}${column.figure ? " figure" : ""}${column.strong ? " strong" : ""}`;
      const cell = { td, target: td, text: "" };
      if (column.select) {
        cell.target = td.appendChild(document.createElement("button"));
        cell.target.className = "plain";
        if (column.press) {
          cell.target.onclick = (event) => {
            event.stopPropagation();
            column.press(key);
          };
        }
      }
      return cell;
    });
    const made = { tr, cells };
    lines.set(key, made);
    return made;
  }

  function movable(tr, key) {
    tr.draggable = true;
    tr.ondragstart = () => (dragged = key);
    tr.ondragover = (event) => dragged && event.preventDefault();
    tr.ondrop = (event) => {
      event.preventDefault();
      if (dragged && dragged !== key) onMove(dragged, key);
      dragged = "";
    };
    tr.onkeydown = (event) => {
      const by = event.altKey && { ArrowUp: -1, ArrowDown: 1 }[event.key];
      const other = by < 0 ? tr.previousElementSibling : tr.nextElementSibling;
      if (!by || !other) return;
      event.preventDefault();
      onMove(key, other.dataset.key);
      tr.querySelector("button")?.focus();
    };
  }

  // write touches the document only where the text has changed.
  function write(cell, column, row, now) {
    const text = column.text(row, now);
    if (cell.text === text) return false;
    cell.text = cell.target.textContent = text;
    if (column.press) cell.target.hidden = text === "";
    if (column.way) cell.td.dataset.way = column.way(row);
    return true;
  }

  function order(rows, keys) {
    const column = columns.find(({ id }) => id === sort.replace("-", ""));
    const sign = sort.startsWith("-") ? -1 : 1;
    const sorted = column
      ? [...lines.keys()].sort((a, b) => {
          const [x, y] = [column.sort(rows.get(a)), column.sort(rows.get(b))];
          return sign * (typeof x === "string" ? x.localeCompare(y, "en") : x - y) || a.localeCompare(b, "en");
        })
      : keys.filter((key) => lines.has(key));
    sorted.forEach((key, i) => body.rows[i]?.dataset.key === key || body.insertBefore(lines.get(key).tr, body.rows[i] ?? null));
    columns.forEach(({ id }, i) => {
      if (id === column?.id) head.cells[i].setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
      else head.cells[i].removeAttribute("aria-sort");
    });
  }

  let shown = []; // keys that are not filtered out, from the top
  const dirty = new Set(); // keys whose line says something old
  const tinted = new Map(); // cell -> until when
  let latest = null;

  // paint writes the lines that are in sight, and only what has changed of them.
  function paint() {
    const { rows, now, stale, selected, seen } = latest;
    const [from, to] = [Math.floor(element.scrollTop / rowHeight) - 4, Math.ceil((element.scrollTop + element.clientHeight) / rowHeight) + 4];
    for (const key of shown.slice(Math.max(0, from), to)) {
      const row = rows.get(key);
      if (!row) continue;
      const { tr, cells } = lines.get(key);
      const fresh = dirty.delete(key);
      columns.forEach((column, i) => {
        if (!fresh && !column.ages) return;
        if (write(cells[i], column, row, now) && column.tint && seen && !calm.matches) tint(cells[i].td, column.tint(row));
      });
      const old = Boolean(stale(row));
      if (tr.hasAttribute("data-stale") !== old) tr.toggleAttribute("data-stale", old);
      const mine = key === selected;
      if ((tr.ariaSelected === "true") !== mine) tr.ariaSelected = String(mine);
    }
    const clock = performance.now();
    for (const [td, until] of tinted) {
      if (until > clock) continue;
      delete td.dataset.tint;
      tinted.delete(td);
    }
  }

  // tint colours a changed cell for a moment. It is no animation: of a hundred a second, each would have every frame styled anew.
  function tint(td, change) {
    if (!change) return;
    td.dataset.tint = change > 0 ? "up" : "down";
    tinted.set(td, performance.now() + tintMs);
  }
  const scrolled = () => latest && paint();
  element.addEventListener("scroll", scrolled, { passive: true });

  return {
    // update takes what has changed (an iterable of keys), and paints what of it is in sight, and ages. keys is the rows in their own order, for when the table
    // is not sorted by a column. seen says that changed cells are tinted: somebody watches them as they come. empty is what is said while there are no rows, and it is known
    // that there are none. It returns the keys that are not filtered out.
    update({ rows, changed, now, stale, view, selected, keys = [...rows.keys()], matches, seen, empty = "" }) {
      const said = rows.size === 0 ? empty : "";
      if (nothing.textContent !== said) {
        nothing.textContent = said;
        nothing.hidden = said === "";
        if (said && lines.size === 0) body.replaceChildren(); // the placeholders
      }
      latest = { rows, now, stale, selected, seen };
      let moved = false;
      for (const [key, { tr }] of lines) {
        if (rows.has(key)) continue;
        tr.remove();
        lines.delete(key);
        dirty.delete(key);
        moved = true;
      }
      for (const key of changed) {
        if (!rows.has(key)) continue;
        if (!lines.has(key)) {
          const { cells } = line(key);
          columns.forEach((column, i) => write(cells[i], column, rows.get(key), now));
          moved = true;
        }
        dirty.add(key);
      }
      if (moved || sort !== view.sort || (sort && now - sortedAt > sortEveryMs) || reordered) {
        sort = view.sort;
        sortedAt = now;
        reordered = false;
        if (lines.size > 0) order(rows, keys);
        moved = true;
      }
      if (moved || filter !== view.q) {
        filter = view.q;
        for (const [key, { tr }] of lines) tr.hidden = filter !== "" && !matches(rows.get(key), filter);
        shown = [...body.rows].filter((tr) => tr.dataset.key && !tr.hidden).map((tr) => tr.dataset.key);
      }
      paint();
      return shown;
    },
    // reorder takes up another order of keys at the next update.
    reorder: () => (reordered = true),
    unmount() {
      element.removeEventListener("scroll", scrolled);
      element.replaceChildren();
    },
  };
}
