// Limits of single keys that a user sets: above or below which a value is worth a word. They are kept on this device.

import { element as make, figure } from "./format.js";

// mount takes key, under which they are kept; onCross is told { key, value, side, limit } when a value goes beyond one, once.
export function mount(element, { key: kept, decimals, onCross, onChange }) {
  let all = {};
  try {
    all = JSON.parse(localStorage.getItem(kept) ?? "{}") ?? {};
  } catch {
    // Nothing is kept, or something else: there are none.
  }
  const beyond = new Set();
  let shown = "";
  const form = element.appendChild(make("form", { className: "limits" }));
  const fields = Object.fromEntries([["above", "Alert above"], ["below", "Alert below"]].map(([side, text]) => {
    const input = make("input", { name: side, inputMode: "decimal", autocomplete: "off", placeholder: "–" });
    form.append(make("label", {}, make("span", { textContent: text }), input));
    input.onchange = () => set(side, input.value);
    return [side, input];
  }));
  form.onsubmit = (event) => {
    event.preventDefault();
    document.activeElement?.blur();
  };

  function set(side, text) {
    const value = Number.parseFloat(text.replace(/[,\s]/g, ""));
    const mine = { ...all[shown] };
    if (Number.isFinite(value)) mine[side] = value;
    else delete mine[side];
    all[shown] = mine;
    if (Object.keys(mine).length === 0) delete all[shown];
    beyond.delete(shown + side);
    try {
      localStorage.setItem(kept, JSON.stringify(all));
    } catch {
      // Storage is switched off: they hold until the page is left.
    }
    onChange();
  }

  return {
    of: (key) => Object.entries(all[key] ?? {}).map(([side, value]) => ({ value, text: `${side} ${figure(value, decimals({ price: value }))}`, kind: "alarm" })),
    beyond: (key) => beyond.has(`${key}above`) || beyond.has(`${key}below`),
    // check takes the newest value of a key.
    check(key, value) {
      for (const [side, limit] of Object.entries(all[key] ?? {})) {
        const out = side === "above" ? value > limit : value < limit;
        if (out && !beyond.has(key + side)) onCross({ key, value, side, limit });
        if (out) beyond.add(key + side);
        else beyond.delete(key + side);
      }
    },
    // update shows those of a key.
    update(key) {
      if (key === shown) return;
      shown = key;
      for (const [side, input] of Object.entries(fields)) input.value = all[key]?.[side] ?? "";
    },
    unmount: () => form.remove(),
  };
}
