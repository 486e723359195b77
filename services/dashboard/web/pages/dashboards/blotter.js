// The desk's orders: each is an entry that all of the desk see, with what it has earned or lost until now. The simulation fills an order at once, at the
// price that whoever gives it sees.

import * as csv from "../widgets/csv.js";
import { button } from "../widgets/controls.js";
import { figure, move, time, way } from "../widgets/format.js";
import * as table from "../widgets/table.js";
import * as ticket from "../widgets/ticket.js";

const gain = ({ side, size, price }, last) => (side === "buy" ? last - price : price - last) * size;
const sides = { buy: "▲ buy", sell: "▼ sell" };

// blotter shows the entries of a channel, and gives orders for the instrument that picked() returns.
export function blotter(page, { name, decimals, size, picked, quoteOf, onSelect, changed: told }) {
  const { panels, client } = page;
  const orders = new Map();
  const earned = (r) => {
    const quote = quoteOf(r.symbol);
    return quote ? gain(r, r.side === "buy" ? (quote.bid ?? quote.price) : (quote.ask ?? quote.price)) : NaN;
  };
  const list = table.mount(panels.body("blotter"), { caption: "Orders of the desk, the newest first", placeholders: 0, onSort: () => {}, onSelect: (key) => onSelect(orders.get(key).symbol), columns: [
    { id: "at", title: "Time", text: (r) => time(r.at), sort: (r) => r.at },
    { id: "symbol", title: "Symbol", text: (r) => r.symbol, sort: (r) => r.symbol, strong: true, select: true },
    { id: "side", title: "Side", text: (r) => sides[r.side] ?? "", way: (r) => (r.side === "buy" ? "up" : "down"), sort: (r) => r.side },
    { id: "size", title: "Size", text: (r) => figure(r.size, 0), sort: (r) => r.size, figure: true },
    { id: "paid", title: "Price", text: (r) => figure(r.price, decimals(r)), sort: (r) => r.price, figure: true },
    { id: "gain", title: "P/L", text: (r) => move(earned(r), 0), way: (r) => way(Math.round(earned(r))), sort: (r) => earned(r), figure: true, ages: true },
    { id: "by", title: "By", text: (r) => r.by ?? "", sort: (r) => r.by ?? "" },
  ] });
  const form = ticket.mount(panels.tools("blotter"), { size, onOrder: ({ side, size: n }) => give(side, n) });
  button(panels.tools("blotter"), "Export", save, { title: "The orders, as CSV" });

  async function give(side, n) {
    const row = quoteOf(picked());
    if (!row) return;
    const order = { symbol: row.key, side, size: n, price: side === "buy" ? (row.ask ?? row.price) : (row.bid ?? row.price), by: page.me, at: Math.round(page.serverNow()) };
    try {
      await client.publish(name, order, { key: `${order.at.toString(36)}-${Math.random().toString(36).slice(2, 8)}` });
      page.announce(`${side === "buy" ? "Bought" : "Sold"} ${figure(n, 0)} ${row.key} at ${figure(order.price, decimals(order))}.`);
    } catch ({ message }) {
      page.notice.update({ kind: "error", title: "The order was not taken.", text: message, action: { label: "Dismiss", run: () => page.notice.update(null) } });
    }
  }
  function save() {
    const fields = ["at", "symbol", "side", "size", "price", "by"].map((title) => ({ title, value: (r) => (title === "at" ? new Date(r.at).toISOString() : r[title]) }));
    csv.save(csv.named("orders"), csv.csv([...fields, { title: "profit", value: earned }], [...orders.values()].sort((a, b) => a.at - b.at)));
  }

  const fresh = new Set();
  const reading = page.read(name, { onChange: ({ changed, removed }) => {
    for (const { key, data } of changed) {
      if (!data?.symbol || !Number.isFinite(data.price)) continue;
      orders.set(key, { key, ...data });
      fresh.add(key);
    }
    for (const key of removed) orders.delete(key);
    told();
  } });
  return {
    // position is what the desk has of an instrument, and at which price on average: a line for a chart, or none.
    position(symbol) {
      let [held, paid] = [0, 0];
      for (const { symbol: of, side, size: n, price } of orders.values()) {
        if (of !== symbol) continue;
        const signed = side === "buy" ? n : -n;
        held += signed;
        paid += signed * price;
      }
      return held === 0 ? [] : [{ value: paid / held, text: `${held > 0 ? "▲ long" : "▼ short"} ${figure(Math.abs(held), 0)} at ${figure(paid / held, decimals({ price: paid / held }))}`, kind: "position" }];
    },
    update({ now, selected }) {
      const row = quoteOf(selected);
      list.update({ rows: orders, changed: fresh, now, stale: () => false, view: { sort: "-at", q: "" }, selected: "", empty: "No order was given today. Choose an instrument, and buy or sell." });
      fresh.clear();
      form.update({ bid: figure(row?.bid ?? row?.price, decimals(row)), ask: figure(row?.ask ?? row?.price, decimals(row)), may: Boolean(row && page.live()) });
      let sum = 0;
      for (const each of orders.values()) sum += earned(each) || 0;
      panels.title("blotter", orders.size ? `Orders (${orders.size}), ${move(sum, 0)}` : "Orders");
    },
    stop() {
      reading.stop();
      list.unmount();
      form.unmount();
    },
  };
}
