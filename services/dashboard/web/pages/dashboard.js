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
const keepMs = 5 * 60_000; // the longest span of a chart
const pace = () => (document.hidden ? 1 : 10); // how often a second the server sends what is new, at most

// start shows a channel until stop is called. renew fetches the next token; page is what all
// dashboards stand in: its view and setView, and its connection and notice, which are told.
export function start(channel, { session, renew, page, elements }) {
  const { view, connection, notice } = page;
  const prices = series({ everyMs: channel.everyMs, keepMs });

  const list = table.mount(elements.table, { columns: columns(channel), caption: channel.title, onSort: (sort) => page.setView({ sort }), onSelect: page.toggleChart });
  const news = tape.mount(elements.tape, { columns: updates(channel), caption: `Updates of ${channel.title}` });
  const charts = chartGrid.mount(elements.charts, { unit: channel.unit, spanMs: () => Number(view.span) * 60_000 });
  const fresh = latency.mount(elements.latency);

  // Everything is painted here, at most once per frame, and only what changed.
  const frame = painter(() => {
    const now = serverNow();
    const { rows } = prices;
    const taken = prices.take();
    const stale = (row) => prices.stale(row, now);
    const selected = page.charts(rows, Date.now() - liveSince > emptyAfterMs);
    const keys = list.update({ ...taken, rows, now, stale, view, selected });
    news.update({ ...taken, rows });
    charts.update({ ...taken, rows, keys: selected.size ? keys.filter((key) => selected.has(key)) : keys, now, live, stale });
    fresh.update({ latencies: taken.fresh.filter(({ seen, sentAt }) => seen && Number.isFinite(sentAt)).map(({ sentAt }) => now - sentAt), clock: client.clock, live });
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
  let readingSince = Infinity; // by the server's clock: what is older was not watched as it came

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
  client.on("error", ({ message }) => (elements.connection.title = message));

  // The newest price of each symbol is there at once, and what changes after it comes as fast as a screen can use it: the client keeps
  // the rows as the server's are, through cuts, other tokens and whatever leaves, and this page has no code for that.
  const subscription = client.subscribe(channel.name, () => {}, { state: true, maxRate: pace(), keys: channel.keys });
  const board = subscription.view;
  board.on("change", ({ changed, removed }) => {
    for (const row of [...changed].map((key) => board.get(key)).sort((a, b) => a.time - b.time)) add(row);
    for (const key of removed) prices.remove(key);
    frame.request();
  });

  function add(row) {
    if (!Number.isFinite(row.data?.price)) return prices.remove(row.key); // somebody published something that is no price
    prices.add(row, row.time >= readingSince && !document.hidden);
  }

  // After a break, only the newest price of each symbol is known: the lines of the charts show a gap there.
  client.on("subscription", ({ name, code, resumed }) => {
    if (name === "waiting" && code !== "conflict") notice.update({ kind: "warning", title: "The channel is not available yet.", text: "The page asks again by itself." });
    if (name === "refused") {
      stopTicking();
      page.refused(channel, code);
    }
    if (name !== "live") return;
    notice.update(null);
    if (!interrupted && resumed) return; // a move to another server, of which nobody needs to know
    readingSince = serverNow();
    prices.cut();
    if (board.isReady && !resumed) connection.update({ state: "gap" });
  });

  // A hidden page needs few prices, and shows the newest at once when it is looked at.
  const hidden = () => {
    if (document.hidden) prices.overlook();
    subscription.tune({ maxRate: pace() }).catch(() => {}); // refused, it goes on as before
  };
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
