// A few fields to buy or sell something.

import { element as make } from "./format.js";

// mount calls onOrder with { side, size } when somebody presses a button.
export function mount(element, { size: usual, onOrder }) {
  const form = element.appendChild(make("form", { className: "ticket" }));
  const size = make("input", { name: "size", inputMode: "numeric", autocomplete: "off", value: String(usual), ariaLabel: "Size" });
  const buttons = ["buy", "sell"].map((side) => make("button", { type: "button", className: side, textContent: side === "buy" ? "Buy" : "Sell" }));
  form.append(size, ...buttons);
  form.onsubmit = (event) => event.preventDefault();
  buttons.forEach((button, i) => {
    button.onclick = () => {
      const n = Number(size.value.replace(/[,\s]/g, ""));
      const good = Number.isInteger(n) && n > 0 && n <= 1e9;
      size.setAttribute("aria-invalid", String(!good));
      if (good) onOrder({ side: i === 0 ? "buy" : "sell", size: n });
      else size.focus();
    };
  });
  return {
    // update says at which prices, and whether one may.
    update({ bid, ask, may }) {
      const texts = [`Buy ${ask}`, `Sell ${bid}`];
      buttons.forEach((button, i) => {
        if (button.textContent !== texts[i]) button.textContent = texts[i];
        if (button.disabled === may) button.disabled = !may;
      });
    },
    unmount: () => form.remove(),
  };
}
