// What every dashboard stands in: who is looking, at what, in which light; the connection; the panels; the keys; and what
// is said when something is wrong. What is shown, and how, is in the modules of dashboards/.

import { connect } from "/tidewire.js";
import * as connectionWidget from "./connection.js";
import { every, painter } from "./frame.js";
import * as identityWidget from "./identity.js";
import * as keysWidget from "./keys.js";
import * as latencyWidget from "./latency.js";
import * as navWidget from "./nav.js";
import * as noticeWidget from "./notice.js";
import { outages as watchOutages } from "./outages.js";
import * as paletteWidget from "./palette.js";
import * as panelsWidget from "./panels.js";
import { reader } from "./reading.js";
import { open } from "./session.js";
import * as themeWidget from "./theme.js";
import * as views from "./view.js";

// A dashboard is a module: title, panels { id: title }, layout, rules and defaults of its part of the URL, and start.
const dashboards = {
  trading: () => import("/dashboards/trading.js"),
  sensors: () => import("/dashboards/sensors.js"),
  operations: () => import("/dashboards/operations.js"),
  logistics: () => import("/dashboards/logistics.js"),
  whiteboard: () => import("/dashboards/whiteboard.js"),
  crawl: () => import("/dashboards/crawl.js"),
  console: () => import("/dashboards/console.js"),
};

const $ = (id) => document.getElementById(id);
const [retryMs, retryMostMs] = [2000, 30_000];
const emptyAfterMs = 3000; // live for so long and nothing came: that is said

let view = views.read().view;
let session = null;
let line = null; // the connection, and what goes with it
let shown = null; // the dashboard that is shown
let turn = 0; // of showing one: what an earlier turn fetches comes too late
let retry = 0;
let failures = 0; // since there was a session
let unmatched = ""; // the filter that leaves nothing

const me = whoAmI();
const announce = (text) => ($("announcer").textContent = text);
const connection = connectionWidget.mount($("connection"), { announce });
const latency = latencyWidget.mount($("latency"));
const nav = navWidget.mount($("nav"), { onGo: (dashboard) => go({ dashboard }) });
const identity = identityWidget.mount($("identity"), { onSwitch: ({ tenant, group }) => go({ tenant, group, dashboard: "" }) });
const notice = noticeWidget.mount($("notice"));
const note = noticeWidget.mount($("note")); // what of the URL is not shown
const outages = watchOutages({ notice: noticeWidget.mount($("outage")) });
const palette = paletteWidget.mount($("tools"), { commands });
const theme = themeWidget.mount($("tools"), { onChange: () => shown?.running.repaint?.() });
const keys = keysWidget.mount($("tools"), {
  keys: {
    "/": ["searches", () => document.querySelector("#stage [type=search]")?.focus()],
    t: ["changes the theme", () => theme.next()],
    f: ["shows the panel with the focus alone, or all again", () => whole()],
    "1 … 6": ["goes to another dashboard"],
    "Ctrl K": ["finds a command"],
  },
  otherwise: (key) => {
    const link = /^[1-6]$/.test(key) ? $("nav").children[Number(key) - 1] : null;
    link?.click();
    return Boolean(link);
  },
});

function whole() {
  const focused = document.activeElement?.closest("[data-panel]")?.dataset.panel ?? Object.keys(shown?.module.panels ?? {})[0];
  shown?.panels.alone(shown.panels.single ? "" : focused);
}

// offered are the dashboards that can be gone to, with the role that looks at each: one's own if it may.
function offered() {
  const all = Object.keys(dashboards);
  const own = session.dashboards ?? [...new Set(session.channels.map(({ dashboard = "trading" }) => dashboard))];
  const others = (session.views ?? []).filter(({ tenant }) => tenant === session.tenant);
  return all.flatMap((id) => {
    if (own.includes(id)) return [{ id, group: session.groups[0], why: "" }];
    const role = others.find(({ dashboards: theirs }) => theirs?.includes(id));
    return role ? [{ id, group: role.group, why: `As ${role.title}` }] : [];
  });
}

function commands() {
  const roles = (session?.views ?? []).map(({ tenant, group, title }) => ({ title: `Be ${title} of ${tenant}`, run: () => go({ tenant, group, dashboard: "" }) }));
  const others = session ? offered().map(({ id, why }) => ({ title: `Go to ${id}`, hint: why, run: () => go({ dashboard: id }) })) : [];
  return [
    ...others,
    ...(shown?.running.commands?.() ?? []),
    ...(shown?.panels.commands() ?? []),
    { title: "Change the theme", hint: "t", run: () => theme.next() },
    { title: "List the keys", hint: "?", run: () => keys.open() },
    { title: "Connect again", run: () => line?.client.reconnect() },
    ...roles,
  ];
}

// go shows something else, and makes an entry in the history.
function go({ tenant = view.tenant || session?.tenant || "", group = view.group, dashboard }) {
  if (dashboard && session && tenant === session.tenant) group = offered().find(({ id }) => id === dashboard)?.group ?? group;
  view = { tenant, group, dashboard };
  views.write(view, {}, { elsewhere: true });
  show();
}

// noted says what of the URL cannot be shown.
function noted(sentences) {
  if (sentences.length === 0) return note.update(null);
  note.update({ kind: "warning", title: "Not all of this link can be shown.", text: sentences.join(" "), action: { label: "Dismiss", run: () => note.update(null) } });
  announce(sentences.join(" "));
}

// as shows the same link in another role.
function as(group) {
  const query = new URLSearchParams(location.search);
  for (const [key, value] of Object.entries({ tenant: session.tenant, group })) query.set(key, value);
  history.replaceState(null, "", `?${query}`);
  show();
}

async function show() {
  const mine = ++turn;
  clearTimeout(retry);
  leave();
  const { view: asked, notes } = views.read();
  try {
    if (!session || asked.tenant !== session.tenant || asked.group !== session.groups[0]) {
      hangUp();
      connection.update({ state: "connecting" });
      const got = await open(asked);
      if (mine !== turn) return;
      session = got;
    }
    failures = 0;
    const choices = offered();
    const choice = choices.find(({ id }) => id === asked.dashboard) ?? choices.find(({ group }) => group === session.groups[0]) ?? choices[0];
    const own = (session.dashboards ?? []).find((id) => dashboards[id]);
    const id = asked.dashboard && choice.id === asked.dashboard ? asked.dashboard : (own ?? choice.id);
    if (choice.id === id && choice.group !== session.groups[0]) return as(choice.group);
    if (asked.dashboard && asked.dashboard !== id) notes.push(`There is no dashboard ${views.quote(asked.dashboard)} for you: ${id} is shown.`);
    const { dashboard } = await dashboards[id]();
    if (mine !== turn) return;
    if (line?.alone !== (dashboard.alone === true)) {
      line?.stop();
      line = dial(session, dashboard.alone === true);
    }
    begin(id, own ?? choice.id, dashboard, notes, choices);
  } catch (error) {
    if (mine === turn) failed(error);
  }
}

// begin shows a dashboard; usual is the one that the role begins with, which the URL does not name.
function begin(id, usual, given, notes, choices) {
  const made = (part) => (typeof part === "function" ? part(session) : part); // panels may depend on who looks
  const module = { ...given, panels: made(given.panels), layout: made(given.layout) };
  const defaults = { ...module.defaults, dashboard: usual };
  const read = views.read(module.rules, defaults);
  view = Object.assign(read.view, { dashboard: id, tenant: session.tenant, group: session.groups[0] });
  notes.push(...read.notes.filter((each) => !notes.includes(each)));
  const kept = `tidewire-layout-${id}`;
  if (view.layout && !panelsWidget.fits(view.layout, Object.keys(module.panels))) {
    notes.push(`${views.quote(view.layout)} is not a layout: the usual one is shown.`);
    view.layout = "";
  }
  if (view.alone && !module.panels[view.alone]) {
    notes.push(`${views.quote(view.alone)} is not a panel: all are shown.`);
    view.alone = "";
  }
  const layout = view.layout || remembered(kept);
  const setView = (changes) => {
    views.write(Object.assign(view, changes), defaults);
    shown?.running.refresh?.();
  };
  const panels = panelsWidget.mount($("stage"), {
    titles: module.panels, standard: module.layout, layout, alone: view.alone,
    onChange: ({ layout: made, alone }) => {
      remember(kept, made);
      setView({ layout: made, alone });
    },
  });
  identity.update(session);
  nav.update({ shown: id, dashboards: choices.map((each) => ({ ...each, href: `?${new URLSearchParams({ tenant: session.tenant, group: each.group, dashboard: each.id })}` })) });
  $("title").textContent = module.title;
  $("source").textContent = "";
  document.title = `${module.title} · Tidewire`;
  const channels = session.channels.filter(({ dashboard = "trading" }) => dashboard === id);
  const empty = watchEmptiness();
  shown = { module, panels, empty, running: { stop() {} } };
  views.write(view, defaults);
  noted(notes);
  $("stage").ariaBusy = "false";
  shown.running = module.start({
    session, panels, channels, client: line.client, read: line.reader.read, serverNow: line.reader.serverNow, view, setView,
    channel: (prefix) => channels.find(({ name }) => name.startsWith(prefix)),
    me, announce, notice, painter, every, live: () => line?.live, source: (text) => ($("source").textContent = text), badge,
    came: empty.came, nothingMatches, go, token: line.token, restart: show,
  });
}

// nothingMatches says so; "" is that something does.
function nothingMatches(filter) {
  if (filter === unmatched) return;
  unmatched = filter;
  notice.update(filter ? { kind: "empty", title: `Nothing matches ${views.quote(filter)}.`, text: "Escape in the filter shows everything again." } : null);
}

// badge puts a number before the page's title.
function badge(count) {
  document.title = `${count > 0 ? `(${count}) ` : ""}${shown?.module.title ?? ""} · Tidewire`;
}

// watchEmptiness says when a channel that is open has nothing.
function watchEmptiness() {
  let seen = false;
  let said = false;
  const stop = every(250, () => {
    if (seen || said || !line?.live || Date.now() - Math.max(line.liveSince, line.readSince) < emptyAfterMs) return;
    said = true;
    notice.update({ kind: "empty", title: "Nothing yet.", text: "The channel is open, and what is published appears here at once." });
  });
  return {
    stop,
    // came tells whether there is something.
    came(something) {
      if (something && said) notice.update(null);
      seen = something;
      if (something) said = false;
    },
  };
}

function leave() {
  shown?.running.stop();
  shown?.empty.stop();
  shown?.panels.unmount();
  shown = null;
  unmatched = "";
  notice.update(null);
  noted([]);
}

function hangUp() {
  line?.stop();
  line = null;
  session = null;
}

// dial connects as who the session says: alone, or with the other tabs of this browser.
function dial(mine, alone) {
  let token = mine.token; // the first one; the client asks for the next before it ends
  let interrupted = false;
  const client = connect(mine.url ?? location.origin, {
    share: !alone && { keepAwake: ["alerts"] }, // which make a sound
    token: async () => {
      const next = token ?? (await open({ tenant: mine.tenant, group: mine.groups[0] })).token;
      token = null;
      return next;
    },
  });
  const held = { token: mine.token, until: Date.now() + 5 * 60_000 };
  // token is for calls of the API; it is renewed when it is some minutes old.
  const tokenNow = async () => {
    if (Date.now() > held.until) Object.assign(held, { token: (await open({ tenant: mine.tenant, group: mine.groups[0] })).token, until: Date.now() + 5 * 60_000 });
    return held.token;
  };
  const self = { client, alone, token: tokenNow, live: false, liveSince: Infinity, readSince: 0 };
  const sent = [];
  self.reader = reader(client, {
    told: ({ name, code, channel, resumed }) => {
      if (self.live || name !== "waiting") outages.told(channel, name, code);
      if (name === "refused") refused(channel, code);
      interrupted ||= code === "conflict"; // something of the channel was missed, and it is asked for anew
      if (name !== "live") return;
      self.readSince = Date.now();
      if (interrupted || !resumed) shown?.running.cut?.();
      if (interrupted && !resumed) connection.update({ state: "gap" });
    },
    fresh: (times) => sent.push(...times),
  });
  client.on("state", (state) => {
    self.live = state.name === "live";
    self.liveSince = self.live ? Date.now() : Infinity;
    interrupted ||= state.name === "reconnecting";
    const stopped = state.name === "refused" || state.action !== undefined; // a person is needed, though the client may go on trying
    connection.update({ state: stopped ? "refused" : state.name === "parked" ? "connecting" : state.name, at: state.retryAt ?? 0, why: state.message });
    document.documentElement.dataset.line = self.live ? "live" : "lost";
    if (stopped) {
      notice.update({ kind: "error", title: "The server refused the connection.", text: state.message, advice: state.action, action: { label: "Try again", run: () => client.reconnect() } });
    } else if (self.live) notice.update(null);
    if (!self.live) {
      outages.forget(); // that is said above
      latency.update({ latencies: sent.splice(0), clock: client.clock, live: false }); // however short it is
    }
    shown?.running.refresh?.();
  });
  client.on("resumed", ({ caughtUp, gaps }) => {
    if (interrupted && gaps.length === 0) connection.update({ state: "resumed", count: caughtUp });
    interrupted = false;
  });
  client.on("error", ({ message }) => ($("connection").title = message));
  const frame = painter(() => {
    const now = self.reader.serverNow();
    latency.update({ latencies: sent.splice(0).map((at) => now - at), clock: client.clock, live: self.live });
  });
  const stopTicking = every(250, frame.request);
  self.stop = () => {
    stopTicking();
    frame.stop();
    self.reader.stop();
    outages.forget();
    client.close();
    latency.update({ latencies: [], clock: client.clock, live: false });
  };
  return self;
}

// refused shows nothing of a channel that may not be read.
function refused(channel, code) {
  const forbidden = code === "forbidden";
  notice.update({
    kind: "error",
    title: forbidden ? "You may not see this." : "This channel cannot be shown.",
    text: forbidden ? `Your groups have no access to ${channel}. Ask whoever manages them.` : `The server refused ${channel}: ${code}.`,
    action: { label: "Show what I may see", run: () => go({ dashboard: "", group: session?.groups[0] }) },
  });
  announce("You may not see this.");
}

// failed says why there is no session. What may be otherwise later is asked again by itself, later each time.
function failed(error) {
  hangUp();
  if (error.again !== false) {
    const wait = Math.max(error.afterMs ?? 0, Math.min(retryMostMs, retryMs * 2 ** failures++) * (0.5 + Math.random() / 2));
    retry = setTimeout(show, wait);
    connection.update({ state: "reconnecting", at: Date.now() + wait, why: error.message });
    return notice.update({ kind: "error", title: error.message, text: "Nothing can be shown without its answer. The page asks again by itself.", action: { label: "Try again", run: show } });
  }
  connection.update({ state: "refused", why: error.message });
  notice.update({ kind: "error", title: "No session.", text: error.message, action: { label: "Start again", run: () => go({ tenant: "", group: "", dashboard: "" }) } });
}

// whoAmI names who looks at this tab, for others who work on the same things: several people may have one role.
function whoAmI() {
  const names = ["Ada", "Bela", "Chen", "Dara", "Emre", "Fay", "Goro", "Hana", "Ivo", "Juno", "Kofi", "Lena", "Mio", "Nils", "Ola", "Pia", "Rui", "Sami", "Tove", "Uma", "Vera", "Wim", "Yara", "Zeno"];
  const fresh = names[Math.floor(Math.random() * names.length)];
  try {
    const kept = sessionStorage.getItem("tidewire-name") ?? fresh;
    sessionStorage.setItem("tidewire-name", kept);
    return kept;
  } catch {
    return fresh;
  }
}

// A layout belongs to the device as well as to the link.
function remembered(key) {
  try {
    return localStorage.getItem(key) ?? "";
  } catch {
    return "";
  }
}

function remember(key, layout) {
  try {
    if (layout) localStorage.setItem(key, layout);
    else localStorage.removeItem(key);
  } catch {
    // Storage is switched off: the layout is in the URL.
  }
}

addEventListener("popstate", show);
show();
