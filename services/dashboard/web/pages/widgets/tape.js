// The newest messages, one row each, in the order in which they came.

export function mount(element, { columns, caption, length = 32 }) {
  const table = document.createElement("table");
  table.setAttribute("aria-label", caption);
  const head = table.createTHead().insertRow();
  for (const column of columns) {
    const th = head.appendChild(document.createElement("th"));
    th.scope = "col";
    th.textContent = column.title;
    th.classList.toggle("figure", Boolean(column.figure));
  }
  const body = table.createTBody();
  for (let i = 0; i < length; i++) {
    const tr = body.insertRow();
    for (const column of columns) tr.insertCell().className = column.figure ? "figure" : "";
  }
  element.replaceChildren(table);

  return {
    // update puts fresh messages on top; the rows at the bottom are used again. What is of a key that is not among the rows
    // any more is not shown either: the user may not be allowed to see it.
    update({ fresh, rows }) {
      for (const tr of [...body.rows]) {
        if (!tr.dataset.key || rows.has(tr.dataset.key)) continue;
        delete tr.dataset.key;
        for (const cell of tr.cells) {
          cell.textContent = "";
          delete cell.dataset.way;
        }
        body.append(tr);
      }
      for (const row of fresh.slice(-length)) {
        const tr = body.rows[length - 1];
        tr.dataset.key = row.key;
        columns.forEach((column, i) => {
          tr.cells[i].textContent = column.text(row);
          if (column.way) tr.cells[i].dataset.way = column.way(row);
        });
        body.prepend(tr);
      }
    },
    unmount() {
      element.replaceChildren();
    },
  };
}
