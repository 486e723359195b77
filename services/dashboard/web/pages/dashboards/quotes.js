// What a quote looks like: the columns that a desk can have, and the facts of one instrument.

import { age, arrow, compact, figure, move, time, way } from "../widgets/format.js";

// decimals of a price: currencies have more than shares, and the fewer the more one buys.
export const decimals = ({ unit }, price = 1) => (unit || price >= 500 ? 2 : price >= 20 ? 3 : 5);
const pip = (price) => (price >= 500 ? 1 : price >= 20 ? 1e2 : 1e4); // of a price

// row is what the widgets show of a channel's row, and of the one before; null if it is no quote.
export function row({ key, time: at, data }, before) {
  if (!Number.isFinite(data?.price)) return null;
  const change = Number.isFinite(data.close) ? data.price - data.close : NaN;
  return { key, time: at, ...data, change, percent: (100 * change) / data.close, tick: data.price - (before?.price ?? data.price) };
}

export const matches = (r, words) => `${r.key} ${r.name ?? ""} ${r.group ?? ""}`.toLowerCase().includes(words.trim().toLowerCase());

// cell is an instrument's day on the wall.
export const cell = (r, day, d) => ({ title: r.key, text: [figure(r.price, d(r)), `${move(r.percent)} %`], detail: r.name, way: way(r.change), line: [...(day?.data?.line ?? []), r.price], base: r.close });

// drawn is what the chart shows of an instrument: single trades where it is zoomed in, bars where it is zoomed out.
export function drawn(r, day, { times, values, gaps }, span, now, ticksMs) {
  if (span < ticksMs) return { from: Math.max(now - span, Math.min(times[0] ?? now, now - 30_000)), to: now, times, values, gaps, stepped: true };
  const bars = (day?.bars ?? []).map((bar, i) => [day.from + i * day.stepMs, ...bar]);
  for (let i = times.findIndex((at) => at > day?.sentAt); i >= 0 && i < times.length; i++) trade(bars, times[i], values[i], day); // those that are not in it yet
  return { from: now - span, to: now, bars, stepMs: day?.stepMs ?? 120_000, gaps };
}

const range = ({ low, high, price }) => {
  if (!(high > low)) return "";
  const at = Math.round((8 * (price - low)) / (high - low));
  return `${"·".repeat(at)}●${"·".repeat(8 - at)}`;
};

function trade(bars, at, price, { from, stepMs }) {
  if (price === null) return;
  const start = from + Math.floor((at - from) / stepMs) * stepMs;
  const last = bars.at(-1);
  if (last?.[0] === start) [last[2], last[3], last[4]] = [Math.max(last[2], price), Math.min(last[3], price), price];
  else if (!last || start > last[0]) bars.push([start, price, price, price, price, 0]);
}

export const sorts = ["star", "symbol", "name", "price", "bid", "ask", "spread", "change", "percent", "volume", "range", "age"].flatMap((id) => [id, `-${id}`]);

// columns are those of a watchlist: the ones that every desk has, and its own.
export function columns({ unit, columns: own = ["price", "change", "bid", "ask", "volume", "range"] }, { starred, star }) {
  const d = (r) => decimals({ unit }, r.price);
  const quoted = own.includes("price") ? {} : { tint: (r) => r.tick }; // where there is no last price, bid and ask show that it moves
  const all = {
    price: { id: "price", title: unit ? `Last, ${unit}` : "Last", text: (r) => figure(r.price, d(r)), sort: (r) => r.price, figure: true, strong: true, tint: (r) => r.tick },
    bid: { id: "bid", title: "Bid", text: (r) => figure(r.bid, d(r)), sort: (r) => r.bid ?? 0, figure: true, ...quoted },
    ask: { id: "ask", title: "Ask", text: (r) => figure(r.ask, d(r)), sort: (r) => r.ask ?? 0, figure: true, ...quoted },
    spread: { id: "spread", title: "Spread, pips", text: (r) => figure((r.ask - r.bid) * pip(r.price), 1), sort: (r) => (r.ask - r.bid) * pip(r.price), figure: true },
    volume: { id: "volume", title: "Volume", text: (r) => compact(r.volume), sort: (r) => r.volume ?? 0, figure: true },
    range: { id: "range", title: "Day’s range", text: range, sort: (r) => (r.price - r.low) / (r.high - r.low || 1) },
  };
  const moves = [
    { id: "change", title: "Change", text: (r) => `${arrow(r.change)} ${move(r.change, d(r))}`, way: (r) => way(r.change), sort: (r) => r.change || 0, figure: true },
    { id: "percent", title: "%", text: (r) => move(r.percent), way: (r) => way(r.change), sort: (r) => r.percent || 0, figure: true },
  ];
  return [
    { id: "star", title: "★", text: (r) => (starred(r.key) ? "★" : "☆"), sort: (r) => (starred(r.key) ? 0 : 1), select: true, press: star },
    { id: "symbol", title: "Symbol", text: (r) => r.key, sort: (r) => r.key, strong: true, select: true },
    { id: "name", title: "Name", text: (r) => r.name ?? "", sort: (r) => r.name ?? "" },
    ...own.flatMap((id) => (id === "change" ? moves : all[id] ? [all[id]] : [])),
    { id: "age", title: "Age", text: (r, now) => age(now - r.time), sort: (r) => -r.time, figure: true, ages: true },
  ];
}

export const trades = ({ unit }) => [
  { title: "Time", text: (r) => time(r.time) },
  { title: "Symbol", text: (r) => r.key },
  { title: unit ? `Price, ${unit}` : "Price", text: (r) => `${arrow(r.tick)} ${figure(r.price, decimals({ unit }, r.price))}`, way: (r) => way(r.tick), figure: true },
  ...(unit ? [{ title: "Size", text: (r) => (r.size ? figure(r.size, 0) : ""), figure: true }] : []),
];

export const facts = ({ unit }) => {
  const d = (r) => decimals({ unit }, r.price);
  return [
    { title: "Change", text: (r) => `${arrow(r.change)} ${move(r.change, d(r))}`, way: (r) => way(r.change) },
    { title: "Change, %", text: (r) => move(r.percent), way: (r) => way(r.change) },
    { title: "Bid", text: (r) => figure(r.bid, d(r)) },
    { title: "Ask", text: (r) => figure(r.ask, d(r)) },
    { title: "Spread", text: (r) => figure(r.ask - r.bid, d(r)) },
    { title: "Open", text: (r) => figure(r.open, d(r)) },
    { title: "High", text: (r) => figure(r.high, d(r)) },
    { title: "Low", text: (r) => figure(r.low, d(r)) },
    { title: "Prev. close", text: (r) => figure(r.close, d(r)) },
    ...(unit ? [{ title: "Volume", text: (r) => figure(r.volume, 0) }] : []),
  ];
};
