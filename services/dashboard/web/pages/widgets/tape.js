// The newest events, one row each, in the order in which they came. There are as many rows as there is room for.

const [most, row, head] = [80, 24, 28];
const everyMs = 240; // nobody reads faster

// mount takes columns { title, text(row), way(row), figure }; onSelect is told a row's key.
export function mount(element, { columns, caption, onSelect }) {
  element.classList.add("tape");
  const table = element.appendChild(document.createElement("table"));
  table.setAttribute("aria-label", caption);
  const top = table.createTHead().insertRow();
  for (const column of columns) {
    const th = top.appendChild(document.createElement("th"));
    th.scope = "col";
    th.textContent = column.title;
    th.classList.toggle("figure", Boolean(column.figure));
  }
  const body = table.createTBody();
  let room = 0;
  let writtenAt = 0;
  const waiting = []; // events that are not written yet
  const fit = () => {
    room = Math.min(most, Math.max(4, Math.floor((element.clientHeight - head) / row)));
    while (body.rows.length < room) {
      const tr = body.insertRow();
      for (const column of columns) tr.insertCell().className = column.figure ? "figure" : "";
    }
    while (body.rows.length > room) body.deleteRow(-1);
  };
  const resized = new ResizeObserver(fit);
  resized.observe(element);
  fit();
  if (onSelect) body.onclick = ({ target }) => target.closest("tr")?.dataset.key && onSelect(target.closest("tr").dataset.key);

  function clear(tr) {
    delete tr.dataset.key;
    for (const cell of tr.cells) {
      cell.textContent = "";
      delete cell.dataset.way;
    }
    body.append(tr);
  }

  return {
    // update puts fresh events on top, some time later if it has just done so: call it again within a second or so; the rows at the bottom are used again. What is of a key that is not among the rows
    // any more is not shown either: the user may not be allowed to see it.
    update({ fresh, rows }) {
      for (const tr of [...body.rows]) if (tr.dataset.key && !rows.has(tr.dataset.key)) clear(tr);
      waiting.push(...fresh.slice(-most));
      if (waiting.length > most) waiting.splice(0, waiting.length - most);
      if (performance.now() - writtenAt < everyMs) return; // it is called again soon
      writtenAt = performance.now();
      for (const event of waiting.splice(0).slice(-room)) {
        if (!rows.has(event.key)) continue;
        const tr = body.rows[room - 1];
        tr.dataset.key = event.key;
        columns.forEach((column, i) => {
          tr.cells[i].textContent = column.text(event);
          if (column.way) tr.cells[i].dataset.way = column.way(event);
        });
        body.prepend(tr);
      }
    },
    clear() {
      waiting.length = 0;
      for (const tr of [...body.rows]) clear(tr);
    },
    unmount() {
      resized.disconnect();
      element.replaceChildren();
    },
  };
}
