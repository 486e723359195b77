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
const retryMs = 5000;
const main = document.querySelector("main");
const elements = { connection: $("connection"), latency: $("latency"), table: $("table"), tape: $("tape"), charts: $("charts") };

const view = views.read();
let running = null; // the dashboard that is shown
let turn = 0; // of showing one: what an earlier turn fetches comes too late
let retry = 0;
let filteredOut = ""; // what is said when the filter leaves nothing

const announce = (text) => ($("announcer").textContent = text);
const connection = connectionWidget.mount($("connection"), { announce });
const identity = identityWidget.mount($("identity"), { onSwitch: ({ tenant, group }) => go({ tenant, group, channel: "", q: "", charts: "" }) });
const notice = noticeWidget.mount($("notice"));
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
  charts: () => new Set(view.charts.split(",").filter(Boolean)),
  toggleChart(key) {
    const shown = page.charts();
    if (!shown.delete(key)) shown.add(key);
    page.setView({ charts: [...shown].join() });
  },
  // painted is told of every frame, for what stands around the widgets.
  painted({ channel, rows, shown }) {
    for (const part of [elements.table, elements.charts]) part.ariaBusy = String(rows.size === 0);
    const laps = Math.max(0, ...[...rows.values()].map(({ lap }) => lap ?? 0));
    const subtitle = laps ? `${channel.note}, lap ${laps}` : channel.note;
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

// go shows something else, and makes an entry in the history.
function go(changes) {
  views.write(Object.assign(view, changes), { elsewhere: true });
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
  views.write(Object.assign(view, { tenant: session.tenant, group: session.groups[0] }));
  identity.update(session);
  const name = view.channel || session.channels[0].name;
  const channel = session.channels.find((each) => each.name === name) ?? { name, title: name, unit: "", note: "", everyMs: 1000 };
  $("title").textContent = channel.title;
  $("subtitle").textContent = channel.note;
  document.title = `${channel.title} · Tidewire`;
  running = start(channel, { session, page, elements, renew: async () => (await open(view)).token });
}

function failed(error) {
  const again = { label: "Try again", run: show };
  if (error.code === "unreachable") {
    const at = Date.now() + retryMs;
    retry = setTimeout(show, retryMs);
    connection.update({ state: "reconnecting", at, why: error.message });
    return notice.update({ kind: "error", title: error.message, text: "Nothing can be shown until it does; it is asked again every few seconds.", action: again });
  }
  connection.update({ state: "refused", why: error.message });
  main.toggleAttribute("data-bare", true);
  notice.update({ kind: "error", title: "There is no session.", text: error.message, action: { label: "Start again", run: () => go({ tenant: "", group: "", channel: "" }) } });
}

$("filter").oninput = () => page.setView({ q: $("filter").value });
$("filter").onkeydown = ({ key }) => {
  if (key !== "Escape") return;
  if ($("filter").value === "") $("filter").blur();
  else page.setView({ q: ($("filter").value = "") });
};
$("span").onchange = () => {
  page.setView({ span: $("span").value });
  show();
};
addEventListener("popstate", () => {
  Object.assign(view, views.read());
  show();
});
show();
