// Logistics: the vehicles that one may see, on a map. Which these are is decided by the server, by a filter in the token: the others are never sent. What is
// out of the map's view is not sent either, unless one asks for all.

import { name, one } from "../shell/view.js";
import { button, choice, search } from "../widgets/controls.js";
import * as facts from "../widgets/facts.js";
import { age, figure, minute } from "../widgets/format.js";
import * as map from "../widgets/map.js";
import * as table from "../widgets/table.js";
import { places } from "./places.js";

const boxes = { north: [[3, 50.2], [21.5, 54.5]], south: [[1.5, 45], [17, 50.4]] };
const ways = { delayed: "warn", driving: "up", loading: "same" };
const marks = { delayed: "▲ delayed", driving: "● driving", loading: "■ loading" };

export const dashboard = {
  title: "Logistics",
  panels: { map: "Map", vehicles: "Vehicles", vehicle: "Vehicle" },
  layout: "r(map*66,c(vehicles*66,vehicle*34)*34)",
  defaults: { sort: "status", area: "all" },
  rules: {
    vehicle: [name, "vehicle", "the first one is shown"],
    q: [name, "filter", "nothing is filtered"],
    sort: [one(...["id", "status", "to", "speed", "eta", "age"].flatMap((id) => [id, `-${id}`])), "column to sort by", "the status is used"],
    area: [one("all", "view"), "area", "all are shown"],
  },

  start(page) {
    const { view, setView, panels } = page;
    const channel = page.channel("vehicles:");
    const rows = new Map();
    let changed = new Set();
    let area = null; // what the map shows
    let picked = view.vehicle; // the first of the list, where the link names none that is there
    const show = (vehicle) => vehicle && setView({ vehicle: (picked = vehicle) });
    page.source(channel.note);

    const chart = map.mount(panels.body("map"), {
      label: "Map of the vehicles, also in the table", places, glideMs: channel.everyMs, box: boxes[page.session.groups[0]] ?? [[1, 45], [21, 55]],
      shapes: async () => (await fetch("/vendor/natural-earth/europe.json")).json(), onSelect: show, onView: (box) => ((area = box), view.area === "view" && tune()),
    });
    const list = table.mount(panels.body("vehicles"), { caption: "Vehicles", onSort: (sort) => setView({ sort }), onSelect: show, columns: [
      { id: "id", title: "Vehicle", text: (r) => r.key, sort: (r) => r.key, strong: true, select: true },
      { id: "status", title: "Status", text: (r) => marks[r.status] ?? r.status, way: (r) => ways[r.status], sort: (r) => `${r.status} ${r.key}` },
      { id: "to", title: "To", text: (r) => r.to, sort: (r) => r.to },
      { id: "speed", title: "km/h", text: (r) => figure(r.speed, 0), sort: (r) => r.speed, figure: true },
      { id: "eta", title: "Arrives", text: (r) => minute(r.eta), sort: (r) => r.eta, figure: true },
      { id: "age", title: "Seen", text: (r, now) => age(now - r.time), sort: (r) => -r.time, figure: true, ages: true },
    ] });
    const detail = facts.mount(panels.body("vehicle"), { facts: [
      { title: "Status", text: (r) => marks[r.status] ?? r.status, way: (r) => ways[r.status] }, { title: "From", text: (r) => r.from }, { title: "To", text: (r) => r.to },
      { title: "Load", text: (r) => r.load }, { title: "Speed", text: (r) => `${figure(r.speed, 0)} km/h` }, { title: "Arrives", text: (r) => minute(r.eta) },
      { title: "Position", text: (r) => `${figure(r.lat, 3)}° N, ${figure(r.lon, 3)}° E` },
    ] });
    search(panels.tools("vehicles"), { label: "Filter by vehicle, place or load", value: view.q, onInput: (q) => setView({ q }) });
    const which = choice(panels.tools("map"), { label: "Vehicles sent", options: { all: "All", view: "In view" }, value: view.area, onChoose: (value) => (setView({ area: value }), tune()) });
    button(panels.tools("map"), "+", () => chart.zoom(1.5), { ariaLabel: "Zoom in" });
    button(panels.tools("map"), "−", () => chart.zoom(1 / 1.5), { ariaLabel: "Zoom out" });
    button(panels.tools("map"), "Fit", () => chart.reset());

    const matches = (r, words) => `${r.key} ${r.from} ${r.to} ${r.load} ${r.status}`.toLowerCase().includes(words.trim().toLowerCase());
    const frame = page.painter(() => {
      const now = page.serverNow();
      const stale = (row) => vehicles.stale(row, now);
      const keys = list.update({ rows, changed, now, stale, view, selected: picked, matches, empty: view.area === "view" && page.live() ? "The map shows no vehicle here." : "" });
      if (!rows.has(picked)) picked = rows.has(view.vehicle) ? view.vehicle : (keys[0] ?? "");
      const row = rows.get(picked);
      chart.update({ rows, changed, now, stale, selected: picked, live: page.live() });
      detail.update({ row, title: row ? `${row.from} → ${row.to}` : "There is none", main: row?.key ?? "–", stale: row && stale(row) });
      const late = [...rows.values()].filter(({ status }) => status === "delayed").length;
      const lost = [...rows.values()].filter(stale).length;
      panels.title("map", `${channel.title} (${rows.size}): ${late} delayed, ${lost} not heard of`);
      panels.title("vehicles", `Vehicles (${keys.length})`);
      which.update(view.area);
      page.came(rows.size > 0 || view.area === "view");
      page.nothingMatches(rows.size > 0 && keys.length === 0 ? view.q : "");
      changed = new Set();
    }, 200);

    const within = ({ west, east, south, north }) => `data.lon > ${west.toFixed(3)} && data.lon < ${east.toFixed(3)} && data.lat > ${south.toFixed(3)} && data.lat < ${north.toFixed(3)}`;
    const vehicles = page.read(channel.name, { everyMs: channel.everyMs, maxRate: 1, onChange: ({ changed: next, removed }) => {
      for (const { key, time, data } of next) {
        if (!Number.isFinite(data?.lat) || !Number.isFinite(data.lon)) continue;
        rows.set(key, { key, time, ...data });
        changed.add(key);
      }
      for (const key of removed) rows.delete(key);
      frame.request();
    } });
    const tune = () => vehicles.tune({ filter: view.area === "view" && area ? within(area) : "" }).catch(({ message }) => page.announce(message));
    const stopTicking = page.every(1000, frame.request);

    return {
      refresh: frame.request,
      repaint: chart.repaint,
      commands: () => [...rows.values()].map(({ key, to }) => ({ title: `Show ${key}`, hint: `to ${to}`, run: () => show(key) })),
      stop() {
        stopTicking();
        frame.stop();
        vehicles.stop();
        for (const widget of [chart, list, detail]) widget.unmount();
      },
    };
  },
};
