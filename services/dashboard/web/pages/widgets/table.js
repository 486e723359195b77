// A table of one row per key: sorted, filtered, and repainted cell by cell.

// mount builds the table. Columns are { id, title, text(row, now), sort(row), way(row), figure, tint,
// ages, select }; onSort is told the column's id (with a "-" before it for descending), onSelect a key.
export function mount(element, { columns, caption, placeholders = 6, onSort, onSelect }) {
  const table = document.createElement("table");
  table.setAttribute("aria-label", caption);
  const head = table.createTHead().insertRow();
  for (const column of columns) {
    const th = head.appendChild(document.createElement("th"));
    th.scope = "col";
    th.classList.toggle("figure", Boolean(column.figure));
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
  element.replaceChildren(table);

  const lines = new Map(); // key -> { tr, cells }
  let sort = "";
  let filter = "";
  let sortedAt = 0;

  function line(key) {
    if (lines.size === 0) body.replaceChildren(); // the placeholders
    const tr = document.createElement("tr");
    tr.dataset.key = key;
    const cells = columns.map((column) => {
      const td = tr.insertCell();
      td.className = column.id;
      td.classList.toggle("figure", Boolean(column.figure));
      td.classList.toggle("strong", Boolean(column.tint || column.select));
      const cell = { td, target: td, text: "" };
      if (column.select) {
        cell.target = td.appendChild(document.createElement("button"));
        cell.target.className = "plain";
        cell.target.title = "Show or hide this chart alone";
        cell.target.onclick = () => onSelect(key);
      }
      return cell;
    });
    lines.set(key, { tr, cells });
    return lines.get(key);
  }

  // write touches the document only where the text has changed.
  function write(cell, column, row, now) {
    const text = column.text(row, now);
    if (cell.text === text) return;
    cell.text = cell.target.textContent = text;
    if (column.way) cell.td.dataset.way = column.way(row);
  }

  function order(rows) {
    const column = columns.find(({ id }) => id === sort.replace("-", "")) ?? columns[0];
    const sign = sort.startsWith("-") ? -1 : 1;
    const sorted = [...lines.keys()].sort((a, b) => {
      const x = column.sort(rows.get(a));
      const y = column.sort(rows.get(b));
      return sign * (typeof x === "string" ? x.localeCompare(y, "en") : x - y) || a.localeCompare(b, "en");
    });
    sorted.forEach((key, i) => body.rows[i]?.dataset.key === key || body.insertBefore(lines.get(key).tr, body.rows[i] ?? null));
    columns.forEach(({ id }, i) => {
      if (id === column.id) head.cells[i].setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
      else head.cells[i].removeAttribute("aria-sort");
    });
  }

  return {
    // update paints what is in changed, and every age. selected are the keys that are marked.
    update({ rows, changed, now, stale, view, selected }) {
      let added = false;
      for (const [key, { tr }] of lines) {
        if (rows.has(key)) continue;
        tr.remove();
        lines.delete(key);
      }
      for (const key of changed) {
        const row = rows.get(key);
        added ||= !lines.has(key);
        const { cells } = lines.get(key) ?? line(key);
        columns.forEach((column, i) => {
          write(cells[i], column, row, now);
          if (column.tint && row.seen) tint(cells[i].td, row.change);
        });
      }
      for (const [key, { tr, cells }] of lines) {
        const row = rows.get(key);
        columns.forEach((column, i) => column.ages && write(cells[i], column, row, now));
        tr.toggleAttribute("data-stale", stale(row));
        cells.forEach(({ target }, i) => columns[i].select && target.setAttribute("aria-pressed", String(selected.has(key))));
      }
      // Rows change places when they are told to, and at most once a second for moving figures.
      if (added || sort !== view.sort || now - sortedAt > 1000) {
        sort = view.sort;
        sortedAt = now;
        if (lines.size > 0) order(rows);
      }
      if (added || filter !== view.q) {
        filter = view.q;
        for (const [key, { tr }] of lines) tr.hidden = !matches(rows.get(key), filter);
      }
      return [...body.rows].filter((tr) => tr.dataset.key && !tr.hidden).map((tr) => tr.dataset.key);
    },
    unmount() {
      element.replaceChildren();
    },
  };
}

function matches(row, filter) {
  return `${row.key} ${row.name}`.toLowerCase().includes(filter.trim().toLowerCase());
}

// tint colours a changed cell for a moment; --tint is 0 for those who asked for less motion.
function tint(td, change) {
  if (!change) return;
  const style = getComputedStyle(td);
  const duration = Number.parseFloat(style.getPropertyValue("--tint"));
  const colour = `var(--${change > 0 ? "up" : "down"}-tint)`;
  if (duration > 0) td.animate([{ backgroundColor: colour }, { backgroundColor: colour, offset: 0.5 }, { backgroundColor: "transparent" }], { duration });
}
