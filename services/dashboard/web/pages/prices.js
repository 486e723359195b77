// What a price looks like: the columns of the tables and the words of the charts.

const figures = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const moves = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 2, signDisplay: "exceptZero" });
const clockTime = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

const none = "–";
const arrow = { up: "▲", down: "▼", same: "", unknown: "" };
const move = (n) => (n === null ? none : moves.format(n).replace("-", "−"));

export const price = (n) => figures.format(n);
export const time = (ms) => clockTime.format(ms);
export const way = ({ change }) => (change === null ? "unknown" : change > 0 ? "up" : change < 0 ? "down" : "same");

// age is short and never changes its width much: 3 s, 4 min, 2 h.
export function age(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  return s < 100 ? `${s} s` : s < 6000 ? `${Math.floor(s / 60)} min` : `${Math.floor(s / 3600)} h`;
}

// columns are those of the price table: one row per symbol.
export const columns = ({ unit }) => [
  { id: "symbol", title: "Symbol", text: (r) => r.key, sort: (r) => r.key, select: true },
  { id: "name", title: "Name", text: (r) => r.name, sort: (r) => r.name },
  { id: "price", title: `Last, ${unit}`, text: (r) => price(r.price), sort: (r) => r.price, figure: true, tint: true },
  { id: "change", title: "Change", text: (r) => `${arrow[way(r)]} ${move(r.change)}`, way, sort: (r) => r.change ?? 0, figure: true },
  { id: "percent", title: "%", text: (r) => move(r.percent), way, sort: (r) => r.percent ?? 0, figure: true },
  { id: "date", title: "Recorded", text: (r) => r.date, sort: (r) => r.date, figure: true },
  { id: "age", title: "Age", text: (r, now) => age(now - r.time), sort: (r) => -r.time, figure: true, ages: true },
];

// updates are those of the tape: one row per message.
export const updates = ({ unit }) => [
  { id: "time", title: "Time", text: (r) => time(r.time) },
  { id: "symbol", title: "Symbol", text: (r) => r.key },
  { id: "price", title: `Price, ${unit}`, text: (r) => price(r.price), figure: true },
  { id: "change", title: "Change", text: (r) => `${arrow[way(r)]} ${move(r.change)}`, way, figure: true },
  { id: "date", title: "Recorded", text: (r) => r.date, figure: true },
];
