// One chart per key, in the order of the table, of one size on every screen.

import * as chart from "./chart.js";

export function mount(element, { unit, spanMs, placeholders = 6 }) {
  const charts = new Map();
  let colours = readColours(element);
  let order = "";
  const waiting = Array.from({ length: placeholders }, () => {
    const box = document.createElement("div");
    box.className = "chart skeleton";
    return box;
  });
  element.replaceChildren(...waiting);

  return {
    // update draws the keys that are to be seen, and lets go of the others.
    update({ rows, keys, changed, now, live, stale }) {
      for (const key of keys) {
        const row = rows.get(key);
        const isNew = !charts.has(key);
        if (isNew) {
          if (charts.size === 0) for (const box of waiting) box.remove();
          charts.set(key, chart.mount(element, { symbol: key, name: row.name, unit, spanMs, colours: () => colours }));
        }
        charts.get(key).update({ row, changed: isNew || changed.has(key), now, live, stale: stale(row) });
      }
      if (order === (order = keys.join())) return;
      for (const [key, { unmount }] of charts) {
        if (keys.includes(key)) continue;
        unmount();
        charts.delete(key);
      }
      keys.forEach((key, i) => element.children[i] === charts.get(key).figure || element.insertBefore(charts.get(key).figure, element.children[i]));
    },
    // repaint reads the colours again, after the theme has changed.
    repaint() {
      colours = readColours(element);
      for (const { repaint } of charts.values()) repaint();
    },
    unmount() {
      for (const { unmount } of charts.values()) unmount();
      element.replaceChildren();
    },
  };
}

// readColours resolves the tokens for the canvas, which knows no custom properties.
function readColours(element) {
  const probe = element.appendChild(document.createElement("span"));
  const colours = {};
  for (const token of ["ink", "quiet", "line", "ground", "warn"]) {
    probe.style.color = `var(--${token})`;
    colours[token] = getComputedStyle(probe).color;
  }
  probe.remove();
  return colours;
}
