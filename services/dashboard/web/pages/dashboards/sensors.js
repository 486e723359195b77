// The sensors of a plant: many series that change slowly, each with limits that it should stay within.

import { series } from "../series.js";
import { name, one } from "../shell/view.js";
import * as chart from "../widgets/chart.js";
import { choice, pick as picker, search } from "../widgets/controls.js";
import * as facts from "../widgets/facts.js";
import { age, figure, time } from "../widgets/format.js";
import * as table from "../widgets/table.js";
import * as wall from "../widgets/wall.js";

const kinds = ["temperature", "pressure", "flow", "vibration", "current", "level", "humidity", "speed"];
const sites = Array.from({ length: 12 }, (_, i) => [`L${String(i + 1).padStart(2, "0")}`, `Line ${i + 1}`]);
const spans = { 2: "2 min", 10: "10 min", 30: "30 min" };
const decimals = ({ unit }) => ({ "%": 0, "l/min": 0, rpm: 0, "°C": 1, A: 1 })[unit] ?? 2;
const side = (row) => (row.value > row.high ? "high" : row.value < row.low ? "low" : "");

export const dashboard = {
  title: "Sensors",
  panels: { wall: "Sensors", chart: "Chart", reading: "Reading", alarms: "Out of limits" },
  layout: "r(wall*60,c(chart*62,r(reading*42,alarms*58)*38)*40)",
  defaults: { span: "2" },
  rules: {
    sensor: [name, "sensor", "the first one is shown"],
    q: [name, "filter", "nothing is filtered"],
    site: [one(...sites.map(([id]) => id)), "line", "all are shown"],
    kind: [one(...kinds), "kind of sensor", "all are shown"],
    span: [one(...Object.keys(spans)), "time span", "2 min are shown"],
  },

  start(page) {
    const { view, setView, panels } = page;
    const channel = page.channel("sensors:");
    const rows = new Map();
    const trails = series({ keepMs: 30 * 60_000, breakMs: 6 * channel.everyMs });
    let changed = new Set();
    let crossed = new Map(); // sensor -> since when it is out of its limits
    const show = (sensor) => setView({ sensor });
    page.source(channel.note);

    const many = wall.mount(panels.body("wall"), { label: "Every sensor with its newest readings", onSelect: show, cell: (row) => ({
      title: row.key, text: [side(row) === "high" ? "▲ high" : side(row) === "low" ? "▼ low" : "", figure(row.value, decimals(row))].filter(Boolean), unit: row.unit, detail: row.site,
      line: row.recent ?? [], low: row.low, high: row.high, alarm: side(row) !== "",
    }) });
    const graph = chart.mount(panels.body("chart"), { label: "Readings", onZoom: (ms) => setView({ span: Object.keys(spans).find((each) => each * 60_000 >= ms * 0.95) ?? "30" }) });
    const detail = facts.mount(panels.body("reading"), { facts: [
      { title: "Line", text: (r) => r.site }, { title: "Kind", text: (r) => r.kind },
      { title: "Upper limit", text: (r) => `${figure(r.high, decimals(r))} ${r.unit}` }, { title: "Lower limit", text: (r) => `${figure(r.low, decimals(r))} ${r.unit}` },
      { title: "Highest shown", text: (r) => figure(Math.max(...r.recent), decimals(r)) }, { title: "Lowest shown", text: (r) => figure(Math.min(...r.recent), decimals(r)) },
      { title: "Read at", text: (r) => time(r.time) },
    ] });
    const alarms = table.mount(panels.body("alarms"), { caption: "Sensors out of their limits", onSort: () => {}, onSelect: show, placeholders: 0, columns: [
      { id: "sensor", title: "Sensor", text: (r) => r.key, sort: (r) => r.key, strong: true, select: true },
      { id: "value", title: "Value", text: (r) => `${side(r) === "high" ? "▲" : "▼"} ${figure(r.value, decimals(r))} ${r.unit}`, sort: (r) => r.value, figure: true },
      { id: "since", title: "For", text: (r, now) => age(now - (crossed.get(r.key) ?? now)), sort: (r) => crossed.get(r.key) ?? 0, figure: true, ages: true },
    ] });
    picker(panels.tools("wall"), { label: "Line", none: "All lines", options: sites, value: view.site, onChoose: (site) => (setView({ site }), tune()) });
    picker(panels.tools("wall"), { label: "Kind", none: "All kinds", options: kinds.map((kind) => [kind, kind]), value: view.kind, onChoose: (kind) => (setView({ kind }), tune()) });
    search(panels.tools("wall"), { label: "Filter by name", value: view.q, onInput: (q) => setView({ q }) });
    const span = choice(panels.tools("chart"), { label: "Time shown", options: spans, value: view.span, onChoose: (value) => setView({ span: value }) });

    const frame = page.painter(() => {
      const now = page.serverNow();
      const stale = (row) => readings.stale(row, now);
      const keys = [...rows.keys()].filter((key) => key.toLowerCase().includes(view.q.trim().toLowerCase())).sort();
      const row = rows.get(view.sensor) ?? rows.get(keys[0]);
      const old = Boolean(row && stale(row));
      many.update({ keys, rows, changed, stale, selected: row?.key });
      if (row) graph.update({
        ...trails.of(row.key), from: now - view.span * 60_000, to: now, unit: row.unit, decimals: decimals(row), last: row.value, live: page.live(), stale: old,
        limits: [{ value: row.high, text: `upper limit ${row.high}`, kind: "alarm" }, { value: row.low, text: `lower limit ${row.low}`, kind: "alarm" }],
      });
      detail.update({ row, title: row?.key, main: row && `${figure(row.value, decimals(row))} ${row.unit}`, stale: old });
      const out = new Map([...rows].filter(([, each]) => side(each)));
      alarms.update({ rows: out, changed: new Set(out.keys()), now, stale, view: { sort: "-since", q: "" }, selected: row?.key, empty: rows.size > 0 ? "All are within their limits." : "" });
      panels.title("wall", `${channel.title} (${keys.length})`);
      panels.title("chart", row ? `${row.key}, ${row.unit}` : "Chart");
      panels.title("alarms", `Out of limits (${out.size})`);
      span.update(view.span);
      page.came(rows.size > 0);
      page.nothingMatches(rows.size > 0 && keys.length === 0 ? view.q : "");
      changed = new Set();
    }, 200);

    // Only what is chosen is sent: sensors of one line are keys that begin with its name, those of a kind are what a filter lets through.
    const wanted = () => ({ keys: [view.site ? `${view.site}.*` : "L*"], filter: view.kind ? `tags.kind == '${view.kind}'` : "" });
    const readings = page.read(channel.name, { ...wanted(), everyMs: channel.everyMs, maxRate: 2, onChange: ({ changed: next, removed }) => {
      for (const { key, time: at, data } of next) {
        if (!Number.isFinite(data?.value)) continue;
        const row = { key, time: at, recent: [], ...data };
        if (!rows.has(key)) row.recent.forEach((value, i) => trails.add(key, at - (row.recent.length - 1 - i) * channel.everyMs, value));
        rows.set(key, row);
        changed.add(key);
        trails.add(key, at, row.value);
        if (!side(row)) crossed.delete(key);
        else if (!crossed.has(key)) {
          crossed.set(key, at);
          if (page.live()) page.announce(`${key} is too ${side(row)}: ${row.value} ${row.unit}.`);
        }
      }
      for (const key of removed) rows.delete(key), crossed.delete(key);
      frame.request();
    } });
    const tune = () => readings.tune(wanted()).catch(({ message }) => page.announce(message));
    const stopTicking = page.every(1000, frame.request);

    return {
      refresh: frame.request,
      cut: trails.cut,
      repaint: () => [graph, many].forEach(({ repaint }) => repaint()),
      commands: () => [...rows.values()].map(({ key, site }) => ({ title: `Show ${key}`, hint: site, run: () => show(key) })),
      stop() {
        stopTicking();
        frame.stop();
        readings.stop();
        for (const widget of [many, graph, detail, alarms]) widget.unmount();
      },
    };
  },
};
