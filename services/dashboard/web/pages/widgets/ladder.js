// What is offered for one thing: prices from the best outwards, and at each how much, as a bar that can be compared.

import { compact, element as make, figure } from "./format.js";

export function mount(element, { caption }) {
  element.classList.add("ladder");
  const table = element.appendChild(make("table", { ariaLabel: caption }));
  const head = table.createTHead().insertRow();
  for (const title of ["Bid size", "Bid", "Ask", "Ask size"]) head.append(make("th", { scope: "col", textContent: title, className: "figure" }));
  const body = table.createTBody();
  let shown = "";

  function row(i) {
    if (body.rows[i]) return body.rows[i];
    const tr = body.insertRow();
    for (const side of ["sell", "sell", "buy", "buy"]) {
      const td = tr.insertCell();
      td.className = `figure ${side}`;
    }
    return tr;
  }
  const write = (td, text) => td.textContent === text || (td.textContent = text);
  const amount = (n) => (n < 100_000 ? figure(n, 0) : compact(n));
  const fill = (td, part) => td.style.setProperty("--part", `${Math.round(100 * part)}%`);

  return {
    // update shows { bids: [[price, size], …], asks } or nothing, with so many decimals of a price.
    update({ book, decimals, stale }) {
      element.toggleAttribute("data-stale", Boolean(stale));
      const sign = `${book?.sentAt} ${book?.bids?.[0]}`;
      if (sign === shown) return;
      shown = sign;
      const [bids, asks] = [book?.bids ?? [], book?.asks ?? []];
      const most = Math.max(1, ...[...bids, ...asks].map(([, size]) => size));
      const rows = Math.max(bids.length, asks.length);
      for (let i = 0; i < rows; i++) {
        const [bidSize, bid, ask, askSize] = row(i).cells;
        const [b, a] = [bids[i] ?? [], asks[i] ?? []];
        write(bidSize, amount(b[1]));
        write(bid, figure(b[0], decimals));
        write(ask, figure(a[0], decimals));
        write(askSize, amount(a[1]));
        fill(bidSize, (b[1] ?? 0) / most);
        fill(askSize, (a[1] ?? 0) / most);
      }
      while (body.rows.length > rows) body.deleteRow(-1);
    },
    unmount: () => element.replaceChildren(),
  };
}
