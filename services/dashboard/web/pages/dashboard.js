// The prices dashboard: binds one channel to widgets. A dashboard of your own is this file with
// another channel and other columns: the widgets know nothing of the socket, and this file
// nothing of pixels.

import { connect } from "/tidewire.js";
import { every, painter } from "./frame.js";
import { columns, updates } from "./prices.js";
import { series } from "./series.js";
import * as chartGrid from "./widgets/chart-grid.js";
import * as latency from "./widgets/latency.js";
import * as table from "./widgets/table.js";
import * as tape from "./widgets/tape.js";

const emptyAfterMs = 3000; // live for so long and nothing came: that is said
const leastPast = 2000; // a shorter past is not worth asking for
const reloadEveryMs = 10_000; // at most so often is the past asked for again

// start shows a channel until stop is called. renew fetches the next token; page is what all
// dashboards stand in: its view and setView, and its connection and notice, which are told.
export function start(channel, { session, renew, page, elements }) {
  const { view, connection, notice } = page;
  const spanMs = Number(view.span) * 60_000;
  const prices = series({ everyMs: channel.everyMs, keepMs: spanMs });

  const list = table.mount(elements.table, { columns: columns(channel), caption: channel.title, onSort: (sort) => page.setView({ sort }), onSelect: page.toggleChart });
  const news = tape.mount(elements.tape, { columns: updates(channel), caption: `Updates of ${channel.title}` });
  const charts = chartGrid.mount(elements.charts, { unit: channel.unit, spanMs });
  const fresh = latency.mount(elements.latency);

  // Everything is painted here, at most once per frame, and only what changed.
  const frame = painter(() => {
    const now = serverNow();
    const { rows } = prices;
    const taken = prices.take();
    const stale = (row) => prices.stale(row, now);
    const selected = page.charts(rows, Date.now() - liveSince > emptyAfterMs);
    const keys = list.update({ ...taken, rows, now, stale, view, selected });
    news.update(taken);
    charts.update({ ...taken, rows, keys: selected.size ? keys.filter((key) => selected.has(key)) : keys, now, live, stale });
    fresh.update({ latencies: taken.fresh.filter(({ seen }) => seen).map(({ sentAt }) => now - sentAt), clock: client.clock, live });
    page.painted({ channel, rows, shown: keys.length });
  });

  // The first token is the session's; the client asks for the next one before it ends.
  let token = session.token;
  const client = connect(session.url ?? location.origin, {
    token: async () => {
      const mine = token ?? (await renew());
      token = null;
      return mine;
    },
  });
  const serverNow = () => Date.now() - client.clock.offsetMs;
  let live = false;
  let liveSince = Infinity;
  let interrupted = false;

  client.on("state", (state) => {
    live = state.name === "live";
    liveSince = live ? Date.now() : Infinity;
    interrupted ||= state.name === "reconnecting";
    const refused = state.name === "refused" || state.action !== undefined; // a person is needed, though the client may go on trying
    connection.update({ state: refused ? "refused" : state.name, at: state.retryAt ?? 0, why: state.message });
    if (refused) {
      notice.update({ kind: "error", title: "The server refused the connection.", text: state.message, advice: state.action, action: { label: "Try again", run: () => client.reconnect() } });
    } else if (live) notice.update(null);
    frame.request();
  });
  client.on("resumed", ({ caughtUp, gaps }) => {
    if (interrupted && gaps.length === 0) connection.update({ state: "resumed", count: caughtUp });
    interrupted = false;
  });
  client.on("subscription", ({ name, code }) => {
    if (name === "waiting") notice.update({ kind: "warning", title: "The channel is not available yet.", text: "The page asks again by itself." });
    if (name === "live") notice.update(null);
    if (name === "refused") {
      stopTicking();
      page.refused(channel, code);
    }
  });
  client.on("error", ({ message }) => (elements.connection.title = message));

  // The recent past comes first, as a replay, so that the charts do not begin empty. If the server does not
  // know all of it, half of it is asked for, and so on: what it does not have was not missed here.
  const openedAt = Date.now();
  let subscription = null;
  function read(past) {
    let begun = false;
    subscription?.unsubscribe();
    const since = Math.floor(session.time + Date.now() - openedAt - past);
    subscription = client.subscribe(channel.name, onMessage, {
      since: `${since}-`,
      onGap: () => (begun ? onGap() : past > leastPast && queueMicrotask(() => read(past / 2))),
      onDropped,
    });
    subscription.ready.then(
      ({ state }) => {
        begun = true;
        if (state.resumed && prices.mend(since)) connection.update({ state: "gap", reloaded: true });
      },
      () => {}, // a refusal is told by the event above
    );
  }
  read(spanMs);

  function onMessage(message) {
    if (!Number.isFinite(message.data?.price)) return; // somebody published something that is no price
    prices.add(message, !message.replayed && !document.hidden);
    frame.request();
  }

  // Something was missed: lines break here. What the server still has is asked for again, and only if that is all of it,
  // nothing is missing in the end.
  let reloadedAt = -Infinity;
  function onGap() {
    missed();
    if (performance.now() - reloadedAt < reloadEveryMs) return;
    reloadedAt = performance.now();
    queueMicrotask(() => read(spanMs));
  }

  // This page did not read fast enough, and has the newest of each key. To ask for more would make it slower still.
  function onDropped() {
    missed();
  }

  function missed() {
    prices.cut();
    connection.update({ state: "gap" });
  }

  const hidden = () => document.hidden && prices.overlook();
  document.addEventListener("visibilitychange", hidden);
  const stopTicking = every(250, () => {
    if (prices.rows.size > 0) frame.request();
    else if (Date.now() - liveSince > emptyAfterMs) notice.update({ kind: "empty", title: "No prices yet.", text: "The channel is open, and a price appears here as soon as one is published." });
  });

  return {
    refresh: frame.request,
    repaint: charts.repaint,
    stop() {
      stopTicking();
      document.removeEventListener("visibilitychange", hidden);
      frame.stop();
      client.close();
      for (const widget of [list, news, charts, fresh]) widget.unmount();
    },
  };
}
