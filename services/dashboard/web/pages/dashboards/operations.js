// IT operations: what is wrong, who works on it, and how the services are. An alert is claimed by a publish that counts only if nobody has
// claimed it: of two who press at once, one gets it, and both see who.

import { series } from "../series.js";
import { name, one } from "../shell/view.js";
import * as chart from "../widgets/chart.js";
import { button, choice } from "../widgets/controls.js";
import * as facts from "../widgets/facts.js";
import { age, figure, time } from "../widgets/format.js";
import * as table from "../widgets/table.js";
import * as tape from "../widgets/tape.js";
import * as tone from "../widgets/tone.js";
import * as wall from "../widgets/wall.js";

const aside = "~"; // begins the key of the entry that puts an alert aside
const snoozeMs = 10 * 60_000;
const alertOf = (key) => (key.startsWith(aside) ? key.slice(aside.length) : key);
const rank = { critical: 0, warning: 1, info: 2 };
const marks = { critical: "■ critical", warning: "▲ warning", info: "● info" };
const ways = { critical: "down", warning: "warn", info: "same" };

export const dashboard = {
  title: "IT operations",
  panels: { alerts: "Alerts", services: "Services", chart: "Latency", alert: "What to do", log: "History" },
  layout: "r(c(alerts*46,r(alert*46,log*54)*54)*50,c(services*62,chart*38)*50)",
  defaults: { severity: "all" },
  rules: {
    alert: [name, "alert", "the worst is shown"],
    service: [name, "service", "the first one is shown"],
    severity: [one("all", "critical", "warning"), "severity", "all are shown"],
  },

  start(page) {
    const { view, setView, panels, client } = page;
    const [alertsOf, claimsOf, servicesOf] = ["alerts:", "claims:", "services:"].map((each) => page.channel(each));
    const services = new Map();
    const alerts = new Map(); // with who has claimed each
    const trails = series({ keepMs: 30 * 60_000, breakMs: 10_000 });
    const sound = tone.mount(panels.tools("alerts"));
    let [changed, told, news] = [new Set(), new Set(), []];
    page.source(servicesOf.note);

    function claim(key) {
      const { owner } = alerts.get(key) ?? {};
      if (!owner) act(client.publish(claimsOf.name, { by: page.session.user, name: page.me, at: Date.now() }, { key, if: "absent" }), key);
      else if (owner === page.me) act(client.publish(claimsOf.name, undefined, { key, delete: true, if: { position: claims.view.get(key).position } }), key);
    }
    // snooze puts an alert aside for everybody, for some minutes: it makes no sound and counts nowhere. The entry ends by itself.
    function snooze(key) {
      if (alerts.get(key)?.snooze) act(client.publish(claimsOf.name, undefined, { key: aside + key, delete: true }), key);
      else act(client.publish(claimsOf.name, { name: page.me, until: Math.round(page.serverNow()) + snoozeMs }, { key: aside + key, ttl: `${snoozeMs / 60_000}m` }), key);
    }
    async function act(asked, key) {
      try {
        const { applied } = await asked;
        if (applied === false) page.announce("Somebody else was faster.");
      } catch ({ message }) {
        page.notice.update({ kind: "warning", title: `The claim of ${alerts.get(key)?.title ?? key} was not taken.`, text: message, action: { label: "Dismiss", run: () => page.notice.update(null) } });
      }
    }

    const list = table.mount(panels.body("alerts"), { caption: "Open alerts, the worst first", placeholders: 4, onSort: () => {}, onSelect: (alert) => setView({ alert }), columns: [
      { id: "severity", title: "Severity", text: (r) => marks[r.severity] ?? r.severity, way: (r) => ways[r.severity], sort: (r) => (r.snooze ? 1e17 : 0) + (rank[r.severity] ?? 9) * 1e15 - r.since, strong: true },
      { id: "service", title: "Service", text: (r) => r.service, sort: (r) => r.service, select: true },
      { id: "what", title: "Alert", text: (r) => r.title, sort: (r) => r.title },
      { id: "owner", title: "Owner", text: (r) => r.owner ?? (r.snooze ? "snoozed" : "–"), sort: (r) => r.owner ?? "" },
      { id: "for", title: "For", text: (r, now) => age(now - r.since), sort: (r) => r.since, figure: true, ages: true },
      { id: "later", title: "", text: (r) => (r.snooze ? "Wake" : "Snooze"), sort: () => 0, select: true, press: snooze },
      { id: "act", title: "", text: (r) => (!r.owner ? "Claim" : r.owner === page.me ? "Release" : ""), sort: () => 0, select: true, press: claim },
    ] });
    const what = facts.mount(panels.body("alert"), { facts: [
      { title: "Severity", text: (r) => marks[r.severity] ?? r.severity, way: (r) => ways[r.severity] }, { title: "Snoozed", text: (r) => (r.snooze ? `by ${r.snooze.name}, until ${time(r.snooze.until)}` : "no") }, { title: "Since", text: (r) => time(r.since) }, { title: "Owner", text: (r) => r.owner ?? "nobody yet" },
      { title: "What happens", text: (r) => r.detail }, { title: "What to do", text: (r) => r.runbook },
    ] });
    const take = button(panels.tools("alert"), "Claim", () => chosen() && claim(chosen().key));
    const later = button(panels.tools("alert"), "Snooze", () => chosen() && snooze(chosen().key), { title: "Put it aside for everybody, for ten minutes" });
    const log = tape.mount(panels.body("log"), { caption: "What happened, newest first", columns: [
      { title: "Time", text: (r) => time(r.at) }, { title: "What", text: (r) => r.text, way: (r) => r.way }, { title: "Service", text: (r) => r.service }, { title: "Alert", text: (r) => r.title },
    ] });
    const many = wall.mount(panels.body("services"), { label: "Latency of every service", onSelect: (service) => setView({ service }), cell: (row) => ({
      title: row.live ? `${row.name} ● live` : row.name, text: [`${figure(row.errors, 1)} % errors`, `${figure(row.p99Ms, 0)} ms`], detail: `${figure(row.rate, 0)} requests/s, CPU ${figure(row.cpu, 0)} %`, line: row.recent ?? [], alarm: !row.healthy,
    }) });
    const graph = chart.mount(panels.body("chart"), { label: "Latency" });
    const severity = choice(panels.tools("alerts"), { label: "Severity", options: { all: "All", critical: "Critical", warning: "Warning" }, value: view.severity, onChoose: (value) => (setView({ severity: value }), open.tune(wanted()).catch(() => {})) });

    const firing = () => new Map([...alerts].filter(([, { state }]) => state === "firing"));
    const chosen = () => alerts.get(view.alert) ?? [...firing().values()].sort((a, b) => Boolean(a.snooze) - Boolean(b.snooze) || rank[a.severity] - rank[b.severity])[0];
    const frame = page.painter(() => {
      const now = page.serverNow();
      const rows = firing();
      const alert = chosen();
      list.update({ rows, changed: told, now, stale: (r) => !page.live() || Boolean(r.snooze), view: { sort: "severity", q: "" }, selected: alert?.key, empty: services.size > 0 ? "Nothing is wrong." : "" });
      what.update({ row: alert, title: alert && `${alert.service} · ${alert.state === "firing" ? `for ${age(now - alert.since)}` : "resolved"}`, main: alert?.title ?? "Nothing is wrong" });
      take.textContent = !alert?.owner ? "Claim" : alert.owner === page.me ? "Release" : `${alert.owner} has it`;
      take.disabled = !alert || alert.state !== "firing" || (alert.owner && alert.owner !== page.me) || !page.live();
      later.textContent = alert?.snooze ? "Wake" : "Snooze";
      later.disabled = !alert || alert.state !== "firing" || !page.live();
      log.update({ fresh: news, rows: { has: () => true } });
      const keys = [...services.keys()].sort();
      const service = services.get(view.service) ?? services.get(alert?.service) ?? services.get(keys[0]);
      const stale = (row) => state.stale(row, now);
      many.update({ keys, rows: services, changed, stale, selected: service?.key });
      if (service) graph.update({ ...trails.of(service.key), from: now - 5 * 60_000, to: now, unit: "ms", decimals: 0, last: service.p99Ms, live: page.live(), stale: stale(service), limits: [{ value: 800, text: "objective 800 ms", kind: "alarm" }] });
      panels.title("chart", service ? `Latency of ${service.name}, p99 in ms` : "Latency");
      panels.title("alerts", `Alerts (${rows.size})`);
      severity.update(view.severity);
      page.badge([...rows.values()].filter((each) => each.severity === "critical" && !each.owner && !each.snooze).length);
      page.came(services.size > 0);
      [changed, told, news] = [new Set(), new Set(), []];
    }, 200);

    // owned puts an alert and its claim together.
    function owned(key) {
      const alert = alerts.get(key);
      if (alert) alerts.set(key, { ...alert, owner: claims.view.get(key)?.data?.name, snooze: claims.view.get(aside + key)?.data });
      told.add(key);
      frame.request();
    }
    const wanted = () => ({ filter: view.severity === "all" ? "" : `tags.severity == '${view.severity}'` });
    const claims = page.read(claimsOf.name, { onChange: ({ changed: next, removed }) => {
      for (const { key, data, time: at } of next) news.push({ key: alertOf(key), at, text: `${key.startsWith(aside) ? "snoozed" : "claimed"} by ${data?.name ?? "somebody"}`, way: "same", ...brief(alertOf(key)) });
      for (const key of [...next.map((each) => each.key), ...removed]) owned(alertOf(key));
    } });
    const open = page.read(alertsOf.name, { ...wanted(), onChange: ({ changed: next, removed }) => {
      for (const { key, data } of next) {
        if (!data?.title) continue;
        if (data.state === "firing" && alerts.get(key)?.state !== "firing" && !claims.view.get(aside + key) && page.serverNow() - data.since < 5000) ring(data);
        alerts.set(key, { key, ...data });
        owned(key);
      }
      for (const key of removed) alerts.delete(key);
      frame.request();
    } });
    // Whoever comes late is told what happened before.
    const logged = new Map();
    const history = client.subscribe(alertsOf.name, ({ key, data }) => {
      if (!data?.title || logged.get(key) === data.state) return; // it is told again and again while it is open
      logged.set(key, data.state);
      const firing = data.state === "firing";
      news.push({ key, at: firing ? data.since : data.sentAt, text: firing ? marks[data.severity] : "✓ resolved", way: firing ? ways[data.severity] : "up", service: data.service, title: data.title });
      news.sort((a, b) => a.at - b.at);
      frame.request();
    }, { rewind: "5m" });
    const state = page.read(servicesOf.name, { everyMs: servicesOf.everyMs, maxRate: 2, onChange: ({ changed: next, removed }) => {
      for (const { key, data, time: at } of next) {
        if (!Number.isFinite(data?.p99Ms)) continue;
        if (!services.has(key)) (data.recent ?? []).forEach((value, i, all) => trails.add(key, at - (all.length - i) * servicesOf.everyMs, value));
        services.set(key, { key, time: at, ...data });
        trails.add(key, at, data.p99Ms);
        changed.add(key);
      }
      for (const key of removed) services.delete(key);
      frame.request();
    } });
    const brief = (key) => ({ service: alerts.get(key)?.service ?? "", title: alerts.get(key)?.title ?? "" });
    function ring({ severity: how, title, service }) {
      page.announce(`${how}: ${title}, ${service}.`);
      if (how === "critical") sound.ring();
    }
    const stopTicking = page.every(1000, frame.request);

    return {
      refresh: frame.request,
      cut: trails.cut,
      repaint: () => [graph, many].forEach(({ repaint }) => repaint()),
      commands: () => [...firing().values()].map(({ key, service, title }) => ({ title: `Show ${title}`, hint: service, run: () => setView({ alert: key }) })),
      stop() {
        stopTicking();
        frame.stop();
        history.unsubscribe();
        for (const reading of [claims, open, state]) reading.stop();
        for (const widget of [list, what, log, many, graph, sound]) widget.unmount();
      },
    };
  },
};
