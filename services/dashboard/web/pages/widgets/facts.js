// Figures of one thing, each with its name; and one of them large.

import { element as make } from "./format.js";

// mount takes facts [{ id, title, text(row), way(row) }].
export function mount(element, { facts }) {
  element.classList.add("facts");
  element.tabIndex = 0; // it scrolls where there is little room
  const name = element.appendChild(make("p", { className: "facts-name" }));
  const large = element.appendChild(make("p", { className: "facts-large" }));
  const list = element.appendChild(make("dl", { className: "pairs" }));
  const cells = facts.map(({ title }) => {
    const value = make("dd", { textContent: "–" });
    list.append(make("dt", { textContent: title }), value);
    return value;
  });
  const write = (cell, text, way) => {
    if (cell.textContent !== text) cell.textContent = text;
    if ((cell.dataset.way ?? "") !== (way ?? "")) cell.dataset.way = way ?? "";
  };
  return {
    // update shows a row, or nothing of it yet.
    update({ row, title, main, way, stale }) {
      element.toggleAttribute("data-stale", Boolean(stale));
      write(name, title ?? "");
      write(large, main ?? "–", way);
      facts.forEach((fact, i) => write(cells[i], row ? fact.text(row) : "–", row && fact.way?.(row)));
    },
    unmount() {
      element.replaceChildren();
    },
  };
}
