// What every dashboard stands in: who is looking, at what, in which light; the keys; and what
// is said when something is wrong. Which channel is shown, and how, is dashboard.js.

import { start } from "./dashboard.js";
import { open } from "./session.js";
import * as views from "./view.js";
import * as connectionWidget from "./widgets/connection.js";
import * as identityWidget from "./widgets/identity.js";
import * as keysWidget from "./widgets/keys.js";
import * as noticeWidget from "./widgets/notice.js";
import * as themeWidget from "./widgets/theme.js";

const $ = (id) => document.getElementById(id);
const [retryMs, retryMostMs] = [2000, 30_000];
const main = document.querySelector("main");
const elements = { connection: $("connection"), latency: $("latency"), table: $("table"), tape: $("tape"), charts: $("charts") };

const { view, notes } = views.read();
let running = null; // the dashboard that is shown
let turn = 0; // of showing one: what an earlier turn fetches comes too late
let retry = 0;
let failures = 0; // since there was a session
let unknownCharts = ""; // what the note about them is about
let filteredOut = ""; // what is said when the filter leaves nothing

const announce = (text) => ($("announcer").textContent = text);
const connection = connectionWidget.mount($("connection"), { announce });
const identity = identityWidget.mount($("identity"), { onSwitch: ({ tenant, group }) => go({ tenant, group, channel: "", q: "", charts: "" }) });
const notice = noticeWidget.mount($("notice"));
const note = noticeWidget.mount($("note")); // what of the URL is not shown
const theme = themeWidget.mount($("tools"), { onChange: () => running?.repaint() });
keysWidget.mount($("tools"), {
  keys: { "/": ["goes to the filter", () => $("filter").focus()], t: ["changes the theme", () => theme.next()] },
});

const page = {
  view,
  connection,
  notice,
  // setView changes how the same prices are seen.
  setView(changes) {
    views.write(Object.assign(view, changes));
    running?.refresh();
  },
  // charts are the keys that are chosen. If none of them is there once all rows are known, all are shown.
  charts(rows, known) {
    const chosen = view.charts.split(",").filter(Boolean);
    if (!rows || !known || rows.size === 0 || chosen.length === 0 || chosen.some((key) => rows.has(key))) return new Set(chosen);
    if (unknownCharts !== view.charts) noted([`No chart of ${views.quote((unknownCharts = view.charts))}: all are shown.`]);
    return new Set();
  },
  toggleChart(key) {
    const shown = page.charts();
    if (!shown.delete(key)) shown.add(key);
    page.setView({ charts: [...shown].join() });
  },
  // painted is told of every frame, for what stands around the widgets.
  painted({ channel, rows, shown }) {
    for (const part of [elements.table, elements.charts]) part.ariaBusy = String(rows.size === 0);
    const laps = Math.max(0, ...[...rows.values()].map(({ lap }) => lap ?? 0));
    const subtitle = [channel.note, laps && `lap ${laps}`].filter(Boolean).join(", ");
    if ($("subtitle").textContent !== subtitle) $("subtitle").textContent = subtitle;
    const nothing = rows.size > 0 && shown === 0 ? `Nothing matches “${view.q}”.` : "";
    if (filteredOut === nothing) return;
    filteredOut = nothing;
    notice.update(nothing ? { kind: "empty", title: nothing, text: "Escape in the filter shows everything again." } : null);
  },
  // refused shows nothing of a channel that may not be read.
  refused(channel, code) {
    main.toggleAttribute("data-bare", true);
    const forbidden = code === "forbidden";
    notice.update({
      kind: "error",
      title: forbidden ? "You may not see this." : "This channel cannot be shown.",
      text: forbidden ? `Your groups have no access to ${channel.name}. Ask whoever manages them, or go back to what you may see.` : `The server refused ${channel.name}: ${code}.`,
      action: { label: "Show my prices", run: () => go({ channel: "" }) },
    });
    announce("You may not see this.");
  },
};

// noted says what of the URL cannot be shown.
function noted(sentences) {
  if (sentences.length === 0) return note.update(null);
  note.update({ kind: "warning", title: "Not all of this link can be shown.", text: sentences.join(" "), action: { label: "Dismiss", run: () => note.update(null) } });
  announce(sentences.join(" "));
}

// go shows something else, and makes an entry in the history.
function go(changes) {
  views.write(Object.assign(view, changes), { elsewhere: true });
  noted([]);
  show();
}

async function show() {
  const mine = ++turn;
  clearTimeout(retry);
  running?.stop();
  running = null;
  filteredOut = "";
  notice.update(null);
  main.removeAttribute("data-bare");
  connection.update({ state: "connecting" });
  $("filter").value = view.q;
  $("span").value = view.span;
  let session;
  try {
    session = await open(view);
  } catch (error) {
    if (mine === turn) failed(error);
    return;
  }
  if (mine !== turn) return;
  failures = 0;
  views.write(Object.assign(view, { tenant: session.tenant, group: session.groups[0] }));
  identity.update(session);
  const name = view.channel || session.channels[0].name;
  const channel = session.channels.find((each) => each.name === name) ?? { name, title: name, unit: "", note: "", everyMs: 1000 };
  $("title").textContent = channel.title;
  $("subtitle").textContent = channel.note;
  document.title = `${channel.title} · Tidewire`;
  running = start(channel, { session, page, elements, renew: async () => (await open(view)).token });
}

// failed says why there is no session. What may be otherwise later is asked again by itself, later each time.
function failed(error) {
  if (error.again !== false) {
    const wait = Math.max(error.afterMs ?? 0, Math.min(retryMostMs, retryMs * 2 ** failures++) * (0.5 + Math.random() / 2));
    retry = setTimeout(show, wait);
    connection.update({ state: "reconnecting", at: Date.now() + wait, why: error.message });
    return notice.update({ kind: "error", title: error.message, text: "Nothing can be shown without its answer. The page asks again by itself.", action: { label: "Try again", run: show } });
  }
  connection.update({ state: "refused", why: error.message });
  main.toggleAttribute("data-bare", true);
  notice.update({ kind: "error", title: "No session.", text: error.message, action: { label: "Start again", run: () => go({ tenant: "", group: "", channel: "" }) } });
}

$("filter").oninput = () => page.setView({ q: $("filter").value });
$("filter").onkeydown = ({ key }) => {
  if (key !== "Escape") return;
  if ($("filter").value === "") $("filter").blur();
  else page.setView({ q: ($("filter").value = "") });
};
$("span").onchange = () => {
  page.setView({ span: $("span").value });
  running?.repaint();
};
addEventListener("popstate", () => {
  const now = views.read();
  Object.assign(view, now.view);
  noted(now.notes);
  show();
});
noted(notes);
show();
