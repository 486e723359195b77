// The trading dashboard: binds a desk's channels to widgets. A dashboard of your own is such a module: the widgets know nothing of
// sockets, and this module nothing of pixels.

import { series } from "../series.js";
import { name, one } from "../shell/view.js";
import * as chart from "../widgets/chart.js";
import { choice, search } from "../widgets/controls.js";
import * as facts from "../widgets/facts.js";
import { figure, move, way } from "../widgets/format.js";
import * as ladder from "../widgets/ladder.js";
import * as limits from "../widgets/limits.js";
import * as table from "../widgets/table.js";
import * as tape from "../widgets/tape.js";
import * as wall from "../widgets/wall.js";
import { blotter } from "./blotter.js";
import * as quotes from "./quotes.js";

const spans = { 5: "5 min", 30: "30 min", 120: "2 h", 480: "8 h" };
const minute = 60_000;
const keepMs = 10 * minute; // of single trades, which are shown where the chart is zoomed in

export const dashboard = {
  title: "Trading",
  panels: { watchlist: "Watchlist", chart: "Chart", quote: "Quote", wall: "All instruments", trades: "Trades", depth: "Depth", blotter: "Orders" },
  layout: "r(watchlist*37,c(r(chart*67,quote*33)*52,wall*26,blotter*22)*43,c(depth*35,trades*65)*20)",
  defaults: { span: "120", list: "all", sort: "symbol" },
  rules: {
    symbol: [name, "symbol", "the first one is shown"],
    q: [name, "filter", "nothing is filtered"],
    sort: [one(...quotes.sorts), "column to sort by", "the symbol is used"],
    span: [one(...Object.keys(spans)), "time span", "2 h are shown"],
    list: [one("all", "mine"), "list", "all are shown"],
    mine: [name, "watchlist", "it is empty"],
  },

  start(page) {
    const { view, setView, panels } = page;
    const desk = page.channel("prices:") ?? page.channels[0];
    const charts = desk.name.replace("prices:", "charts:");
    const decimals = (row) => quotes.decimals(desk, row?.price);
    const rows = new Map(); // the newest quote of each instrument
    const ticks = series({ keepMs, breakMs: minute });
    let changed = new Set(); // since it was painted
    let fresh = [];
    const mine = () => view.mine.split(",").filter(Boolean);
    let picked = view.symbol; // the first one, where the link names none that is there
    const pick = (symbol) => setView({ symbol });
    page.source(desk.note);

    // Each widget is told where it stands, and what a user does with it.
    const list = table.mount(panels.body("watchlist"), { columns: quotes.columns(desk, { starred: (key) => mine().includes(key), star }), caption: desk.title, onSort: (sort) => setView({ sort }), onSelect: pick, onMove: reorder });
    const graph = chart.mount(panels.body("chart"), { label: "Price", onZoom: (ms) => setView({ span: nearest(ms) }) });
    const quote = facts.mount(panels.body("quote"), { facts: quotes.facts(desk) });
    const many = wall.mount(panels.body("wall"), { label: "The day of every instrument, also in the watchlist", onSelect: pick, cell: (row) => quotes.cell(row, days.view.get(row.key), decimals) });
    const news = tape.mount(panels.body("trades"), { columns: quotes.trades(desk), caption: "Trades, newest first", onSelect: pick });
    const depth = ladder.mount(panels.body("depth"), { caption: "What is offered, the best first" });
    const orders = blotter(page, { name: desk.name.replace("prices:", "orders:"), decimals, size: desk.unit ? 100 : 100_000, picked: () => picked, quoteOf: (symbol) => rows.get(symbol), onSelect: pick, changed: () => frame.request() });
    const alarms = limits.mount(panels.body("quote"), { key: `tidewire-limits-${page.session.tenant}-${desk.name}`, decimals, onChange: () => frame.request(), onCross: ({ key, value, side, limit }) => page.announce(`${key} is ${side} ${limit}: ${figure(value, decimals({ price: value }))}.`) });
    const span = choice(panels.tools("chart"), { label: "Time shown", options: spans, value: view.span, onChoose: (value) => setView({ span: value }) });
    const which = choice(panels.tools("watchlist"), { label: "List", options: { all: "All", mine: "Mine ★" }, value: view.list, onChoose: (value) => (setView({ list: value }), subscribe()) });
    search(panels.tools("watchlist"), { label: "Filter by symbol, name or industry", value: view.q, onInput: (q) => setView({ q }) });

    // Everything is painted here, at most ten times a second, and only what changed.
    const frame = page.painter(() => {
      const now = page.serverNow();
      const stale = (row) => prices.stale(row, now);
      const keys = list.update({ rows, keys: view.list === "mine" ? mine() : [...rows.keys()], changed, now, stale, view, selected: picked, matches: quotes.matches, seen: page.live() });
      const before = picked;
      picked = rows.has(view.symbol) ? view.symbol : (keys[0] ?? picked);
      if (picked !== before) for (const reading of [detail, book]) reading.tune({ keys: [picked] }).catch(() => {});
      const row = rows.get(picked);
      const old = Boolean(row && stale(row));
      graph.update({ ...quotes.drawn(row, detail.view.get(picked)?.data, ticks.of(picked), Number(view.span) * minute, now, keepMs), limits: [...alarms.of(picked), ...orders.position(picked)], unit: desk.unit, decimals: decimals(row), last: row?.price, way: row && way(row.change), live: page.live(), stale: old });
      quote.update({ row, title: row && [row.key, row.group].filter(Boolean).join(" · "), main: row && figure(row.price, decimals(row)), way: row && way(row.tick), stale: old });
      many.update({ keys, rows, changed, stale, selected: picked });
      news.update({ fresh, rows });
      alarms.update(picked);
      depth.update({ book: book.view.get(picked)?.data, decimals: decimals(row), stale: old });
      orders.update({ now, selected: picked });
      panels.title("depth", row ? `Depth of ${row.key}` : "Depth");
      span.update(view.span);
      which.update(view.list);
      panels.title("watchlist", `${desk.title} (${keys.length})`);
      panels.title("chart", row ? `${row.key}  ${row.name ?? ""}` : "Chart");
      page.came(rows.size > 0 || view.list === "mine");
      page.nothingMatches(rows.size > 0 && keys.length === 0 ? view.q : "");
      [changed, fresh] = [new Set(), []];
    }, 100);

    // The channels: quotes of the list's instruments, a line of each one's day, and the bars of the one that is picked.
    let prices, days;
    const detail = page.read(charts, { keys: [picked || "-"], onChange: () => frame.request() });
    const book = page.read(desk.name.replace("prices:", "books:"), { keys: [picked || "-"], maxRate: 4, onChange: () => frame.request() });
    function subscribe() {
      prices?.stop();
      days?.stop();
      rows.clear();
      const keys = view.list === "mine" ? { keys: ["-", ...mine()] } : desk.keys ? { keys: desk.keys } : {};
      prices = page.read(desk.name, { ...keys, everyMs: desk.everyMs, onChange: take });
      days = page.read(charts, { ...keys, fields: ["line"], onChange: ({ changed: next }) => (next.forEach(({ key }) => changed.add(key)), frame.request()) });
      frame.request();
    }
    function take({ changed: next, removed }) {
      for (const each of next.sort((a, b) => a.time - b.time)) {
        const row = quotes.row(each, rows.get(each.key));
        if (!row) continue; // somebody published something that is no quote
        rows.set(row.key, row);
        changed.add(row.key);
        fresh.push(row);
        ticks.add(row.key, row.time, row.price);
        alarms.check(row.key, row.price);
      }
      for (const key of removed) rows.delete(key), ticks.remove(key);
      fresh = fresh.filter(({ key }) => rows.has(key)).slice(-100);
      frame.request();
    }
    function star(key) {
      const gone = mine().includes(key);
      setView({ mine: (gone ? mine().filter((each) => each !== key) : [...mine(), key]).join() });
      changed.add(key);
      if (view.list === "mine") for (const reading of [prices, days]) reading.tune({ keys: gone ? { remove: [key] } : { add: [key] } }).catch(() => {});
    }
    function reorder(key, to) {
      const order = mine().filter((each) => each !== key);
      order.splice(Math.max(0, mine().indexOf(to)), 0, key);
      setView({ mine: order.join(), list: "mine", sort: "" });
      list.reorder();
    }
    const nearest = (ms) => Object.keys(spans).find((each) => Number(each) * minute >= ms * 0.95) ?? "480";
    subscribe();
    const stopTicking = page.every(500, frame.request); // ages

    return {
      refresh: frame.request,
      cut: ticks.cut,
      repaint: () => [graph, many].forEach(({ repaint }) => repaint()),
      commands: () => [...rows.values()].map(({ key, name: full }) => ({ title: `Show ${key}`, hint: full, run: () => pick(key) })),
      stop() {
        stopTicking();
        frame.stop();
        orders.stop();
        for (const reading of [prices, days, detail, book]) reading.stop();
        for (const widget of [list, graph, quote, many, news, depth, alarms]) widget.unmount();
      },
    };
  },
};
