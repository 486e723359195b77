// The console of a tenant, or of an operator: who is connected and to what, what is published, and what one may do about it. It does nothing that the API does not
// give: each action is also shown as a call of one's own. What a token does not grant is not shown.

import { connect } from "/tidewire.js";
import { name } from "../shell/view.js";
import { button, search } from "../widgets/controls.js";
import * as csv from "../widgets/csv.js";
import * as form from "../widgets/form.js";
import { age, element as make, figure, time } from "../widgets/format.js";
import * as table from "../widgets/table.js";
import * as tape from "../widgets/tape.js";
import * as explain from "./explain.js";
import { claims, management, quoted } from "./management.js";
import { askForToken } from "./signin.js";

let signedIn = ""; // a token that somebody has signed in with, until the page is left
const everyMs = 5000; // how often what has no events is asked for

const operates = (token) => claims(token).tenant === "operators";
const reads = ["connections", "explain", "state", "history", "presence", "tenant", "operators"], helps = [...reads, "close", "users"];
const roles = { viewer: reads, support: helps, admin: [...helps, "publish", "tokens", "suspend"] }; // of operators
const parts = (session) => {
  if (signedIn && operates(signedIn)) return roles[claims(signedIn).role ?? "admin"] ?? [];
  const all = (signedIn ? claims(signedIn) : session).manage ?? [];
  return all.includes("connections") ? [...all, "close"] : all;
};
const limitNames = {
  connections: "Connections", framesPerSecond: "Frames a second, of a connection", publishesPerSecond: "Publishes a second", subscriptionsPerConnection: "Channels of a connection", messageBytes: "Bytes of a message", namespaces: "Namespaces", suspended: "Suspended",
};
const counted = (n, what) => `${figure(n, 0)} ${what}${n === 1 ? "" : "s"}`;
const row = (...all) => all.filter(Boolean).join();

export const dashboard = {
  title: "Console",
  panels(session) {
    const may = (part) => parts(session).includes(part);
    return {
      ...(may("operators") && { tenants: "Tenants" }), ...(may("connections") && { connections: "Connections", channels: "Channels" }), ...(may("presence") && { present: "Who is present" }), tail: "Live tail",
      ...(may("publish") && { publish: "Publish" }), ...(may("explain") && { explain: "Why does it arrive?" }), ...(may("state") && may("tokens") && { state: "State" }), ...(may("tenant") && { limits: "Limits" }), call: "As a call",
    };
  },
  layout(session) {
    const has = dashboard.panels(session);
    const column = (size, ...all) => (all.some(Boolean) ? `c(${row(...all)})*${size}` : "");
    const left = column(38, has.tenants && "tenants*36", has.connections && "connections*44", has.channels && "channels*30", has.present && "present*28", has.explain && "explain*62");
    const right = column(26, has.publish && "publish*46", has.limits && "limits*34", "call*34");
    return `r(${row(left, column(36, "tail*60", has.state && "state*48"), right)})`;
  },
  defaults: { channel: "" },
  rules: { channel: [name, "channel", "the first one is shown"], filter: [(text) => text.length <= 500, "filter", "nothing is filtered"], q: [name, "filter", "nothing is filtered"] },

  start(page) {
    const { view, setView, panels, session } = page;
    const has = dashboard.panels(session);
    let tenant = signedIn && !operates(signedIn) ? claims(signedIn).tenant : session.tenant;
    const token = async () => signedIn || page.token();
    const api = management({ base: session.url ?? location.origin, tenant: () => tenant, token, told: show });
    const widgets = [];
    const put = (id, widget) => has[id] && (widgets.push(widget(panels.body(id))), widgets.at(-1));
    page.source(signedIn ? `Signed in as ${claims(signedIn).sub ?? "somebody"}${operates(signedIn) ? ", an operator" : ` of ${tenant}`}` : "What your role may do");

    // Everything is read with a token for reading that the console makes for itself, or with one's own.
    const reading = parts(session).includes("tokens");
    const mine = () => api.call("POST", "/tokens", { user: "console", channels: { subscribe: ["**"], presence: ["**"] }, ttl: "15m" }, { quiet: true }).then((made) => made.token);
    let client = reading ? open() : page.client;
    function open() {
      const made = connect(session.url ?? location.origin, { token: mine });
      made.on("error", ({ message }) => page.announce(message));
      return made;
    }

    // The last action, as others would do it.
    const code = Object.fromEntries(["curl", "js"].map((kind) => [kind, panels.body("call").appendChild(make("pre", { tabIndex: 0, role: "group", ariaLabel: kind === "curl" ? "For a terminal" : "In JavaScript" }))]));
    button(panels.tools("call"), "Copy", () => navigator.clipboard?.writeText(code.curl.textContent));
    button(panels.tools("call"), signedIn ? "Sign out" : "Sign in …", signIn).dataset.opens = "";
    function show({ curl, js }) {
      code.curl.textContent = curl;
      code.js.textContent = js;
    }
    show({ curl: "Do something here, and this shows how a program or a terminal does the same.", js: "" });
    function signIn() {
      if (!signedIn) return askForToken((token) => ((signedIn = token), page.restart()));
      signedIn = "";
      page.restart();
    }

    // act does something about a row after somebody has said yes.
    async function act(question, run) {
      if (!confirm(question)) return;
      try {
        await run();
        page.announce("Done.");
        ask();
      } catch ({ message }) {
        page.notice.update({ kind: "error", title: "This was not done.", text: message, action: { label: "Dismiss", run: () => page.notice.update(null) } });
      }
    }

    const lists = { tenants: new Map(), connections: new Map(), channels: new Map() };
    const suspend = (key) => lists.tenants.get(key).suspended
      ? act(`Let ${key} back in?`, () => api.call("POST", "/resume", undefined, { about: key }))
      : act(`Suspend ${key}? All its users are disconnected.`, () => api.call("POST", "/suspend", undefined, { about: key }));
    const tables = {
      tenants: put("tenants", (body) => table.mount(body, { caption: "Tenants", placeholders: 3, onSort: () => {}, onSelect: (key) => turn(key), columns: [
        { id: "id", title: "Tenant", text: (r) => r.key, sort: (r) => r.key, strong: true, select: true }, { id: "state", title: "State", text: (r) => (r.suspended ? "✕ suspended" : "● open"), way: (r) => (r.suspended ? "down" : "up"), sort: (r) => Number(r.suspended) },
        ...(parts(session).includes("suspend") ? [{ id: "act", title: "", text: (r) => (r.suspended ? "Resume" : "Suspend"), sort: () => 0, select: true, press: suspend }] : []),
      ] })),
      connections: put("connections", (body) => table.mount(body, { caption: "Connections", placeholders: 6, onSort: () => {}, columns: [
        { id: "user", title: "User", text: (r) => r.user, sort: (r) => r.user, strong: true }, { id: "groups", title: "Groups", text: (r) => (r.groups ?? []).join(", "), sort: (r) => (r.groups ?? []).join() },
        { id: "for", title: "For", text: (r, now) => age(now - Date.parse(r.connectedAt)), sort: (r) => Date.parse(r.connectedAt), figure: true, ages: true }, { id: "remote", title: "From", text: (r) => r.remote ?? "", sort: (r) => r.remote ?? "" },
        ...(parts(session).includes("close") ? [{ id: "act", title: "", text: () => "Disconnect", sort: () => 0, select: true, press: (key) => act(`Disconnect ${lists.connections.get(key).user}?`, () => api.call("DELETE", `/connections/${encodeURIComponent(key)}`)) }] : []),
        ...(parts(session).includes("users") ? [{ id: "out", title: "", text: () => "Log out", sort: () => 0, select: true, press: (key) => act(`End all tokens of ${lists.connections.get(key).user}?`, () => api.call("POST", `/users/${encodeURIComponent(lists.connections.get(key).user)}/logout`)) }] : []),
      ] })),
      channels: put("channels", (body) => table.mount(body, { caption: "Channels that are read", placeholders: 3, onSort: () => {}, onSelect: follow, columns: [
        { id: "channel", title: "Channel", text: (r) => r.key, sort: (r) => r.key, strong: true, select: true }, { id: "users", title: "Users", text: (r) => figure(r.users, 0), sort: (r) => r.users, figure: true },
        { id: "connections", title: "Connections", text: (r) => figure(r.connections, 0), sort: (r) => r.connections, figure: true },
      ] })),
    };
    if (has.connections) search(panels.tools("connections"), { label: "Filter by user, group or address", value: view.q, onInput: (q) => setView({ q }) });

    const present = put("present", (body) => table.mount(body, { caption: "Who is present", placeholders: 0, onSort: () => {}, columns: [
      { id: "user", title: "User", text: (r) => r.user, sort: (r) => r.user, strong: true }, { id: "data", title: "Says of itself", text: (r) => (r.data === undefined ? "" : JSON.stringify(r.data)), sort: () => 0 },
    ] }));
    let members = null; // { channel, rows, said }: of the channel that is looked at

    // The tail of a channel, or of a pattern, with a filter that the server applies.
    const field = search(panels.tools("tail"), { label: "Channel or pattern", value: view.channel, onInput: () => {} });
    const filter = search(panels.tools("tail"), { label: "Filter, such as tags.desk == 'fx'", value: view.filter, onInput: () => {} });
    [field.placeholder, filter.placeholder] = ["Channel or pattern", "Filter"];
    button(panels.tools("tail"), "Export", () => exportEvents().catch(({ message }) => page.announce(message)), { title: "What was published to the channel, as CSV" });
    const news = tape.mount(panels.body("tail"), { caption: "Events, newest first", columns: [
      { title: "Time", text: (r) => time(r.time) }, { title: "Channel", text: (r) => r.channel }, { title: "Key", text: (r) => r.key ?? "" }, { title: "Data", text: (r) => (r.deleted ? "(deleted)" : JSON.stringify(r.data)).slice(0, 240) },
    ] });
    widgets.push(news);
    let [fresh, lately, seen, following, kept] = [[], [], 0, null, null];
    for (const each of [field, filter]) each.onchange = () => follow(field.value.trim());
    function follow(channel, { asked = true } = {}) {
      setView({ channel, filter: filter.value.trim() });
      field.value = channel;
      following?.unsubscribe();
      kept?.unsubscribe();
      [following, kept, fresh, seen, lately, members] = [null, null, [], 0, [], null];
      news.clear();
      askPresence();
      if (!channel) return;
      const refused = ({ code, message }) => page.notice.update({ kind: "error", title: `${channel} cannot be read.`, text: message ?? code, action: { label: "Dismiss", run: () => page.notice.update(null) } });
      following = client.subscribe(channel, (event) => {
        seen++;
        fresh.push(event);
        lately.push(event);
        if (lately.length > 1000) lately.splice(0, lately.length - 1000);
        if (fresh.length > 200) fresh.splice(0, fresh.length - 200);
        frame.request();
      }, { maxRate: 20, filter: view.filter || undefined });
      const mine = following;
      mine.ready.catch((error) => mine === following && refused(error)); // else it was left
      const options = { channel, ...(view.filter && { filter: view.filter }) };
      if (asked) show({
        curl: `curl -sSN ${quoted(`${new URL(session.url ?? location.origin, location.href).origin}/v1/events?${new URLSearchParams(options)}`)} -H "Authorization: Bearer $TIDEWIRE_TOKEN"`,
        js: `client.subscribe(${JSON.stringify(channel)}, (event) => console.log(event)${view.filter ? `, { filter: ${JSON.stringify(view.filter)} }` : ""});`,
      });
      if (has.state && !channel.includes("*")) {
        kept = client.subscribe(channel, () => {}, { state: true, maxRate: 2 });
        kept.ready.catch(() => {}); // it has no state
        kept.view.on("change", () => frame.request());
      }
      editor?.update({ channel });
      sender?.update({ channel });
      asker?.update({ channel });
    }

    // exportEvents saves the channel's history where one may read it, else what has come since one looks.
    async function exportEvents() {
      const columns = [
        { title: "time", value: (r) => new Date(r.time).toISOString() }, { title: "channel", value: (r) => r.channel ?? view.channel }, { title: "key", value: (r) => r.key }, { title: "deleted", value: (r) => (r.deleted ? "yes" : "") },
        { title: "data", value: (r) => r.data }, { title: "position", value: (r) => r.position },
      ];
      const kept = parts(session).includes("history") && view.channel && !view.channel.includes("*");
      const query = new URLSearchParams({ limit: "1000", ...(view.filter && { filter: view.filter }) });
      const all = kept ? (await api.call("GET", `/channels/${encodeURIComponent(view.channel)}/history?${query}`)).messages : lately;
      csv.save(csv.named(view.channel || "tail"), csv.csv(columns, all));
      page.announce(`${all.length} events are saved.`);
    }

    const json = (text) => JSON.parse(text);
    const sender = put("publish", (body) => form.mount(body, {
      fields: [{ name: "channel", label: "Channel", value: view.channel }, { name: "key", label: "Key", placeholder: "none" }, { name: "data", label: "Data, as JSON", rows: 4, value: `{"hello":"world"}` }],
      actions: [{ text: "Publish", run: async ({ channel, key, data }) => `Published as ${(await api.call("POST", "/publish", { channel, data: json(data), ...(key && { key }) })).results?.[0]?.id ?? "an event"}.` }],
    }));
    const asker = put("explain", (body) => explain.mount(body, { channel: view.channel, ask: (question) => api.call("POST", "/explain", question) }));
    const editor = put("state", (body) => {
      const box = body.appendChild(make("div", { className: "entries" }));
      const open = (values) => {
        editing.element.hidden = false;
        editing.update(values);
      };
      const entries = table.mount(box, { caption: "Entries", placeholders: 3, onSort: () => {}, onSelect: (key) => open({ key, data: JSON.stringify(kept?.view.get(key)?.data, null, 1) }), columns: [
        { id: "key", title: "Key", text: (r) => r.key, sort: (r) => r.key, strong: true, select: true }, { id: "for", title: "Age", text: (r, now) => age(now - r.time), sort: (r) => r.time, figure: true, ages: true },
        { id: "data", title: "Data", text: (r) => JSON.stringify(r.data).slice(0, 160), sort: () => 0 },
      ] });
      const path = ({ channel, key }) => `/channels/${encodeURIComponent(channel)}/state${key === undefined ? "" : `/${encodeURIComponent(key)}`}`;
      const editing = form.mount(body, {
        fields: [{ name: "channel", label: "Channel", value: view.channel }, { name: "key", label: "Key" }, { name: "data", label: "Data, as JSON", rows: 3 }],
        actions: [...(!has.publish ? [] : [
          { text: "Save", run: async (v) => (await api.call("PUT", path(v), { data: json(v.data) }), `${v.key} is saved.`) },
          { text: "Delete", danger: true, run: async (v) => (await api.call("DELETE", path(v)), `${v.key} is deleted.`) },
          { text: "Clear all", danger: true, run: async ({ channel }) => (confirm(`Remove all entries of ${channel}?`) ? (await api.call("DELETE", path({ channel })), "All entries are removed.") : "") },
        ]), { text: "Close", run: () => void (editing.element.hidden = true) }],
      });
      editing.element.hidden = true; // until somebody changes one
      button(panels.tools("state"), has.publish ? "New entry" : "Look at one", () => open({ key: "", data: "{}" }));
      button(panels.tools("state"), "Export", () => {
        const columns = [{ title: "key", value: (r) => r.key }, { title: "time", value: (r) => new Date(r.time).toISOString() }, { title: "data", value: (r) => r.data }];
        csv.save(csv.named(`${view.channel} state`), csv.csv(columns, [...(kept?.view.values() ?? [])]));
      }, { title: "All entries, as CSV" });
      return { ...editing, entries };
    });
    const limits = has.limits && panels.body("limits").appendChild(make("dl", { className: "pairs limits-list", tabIndex: 0 }));

    const frame = page.painter(() => {
      const now = page.serverNow();
      const shown = (id, view_ = { sort: "", q: "" }) => tables[id]?.update({ rows: lists[id], changed: new Set(lists[id].keys()), now, stale: () => false, selected: id === "tenants" ? tenant : id === "channels" ? view.channel : "", matches: (r, q) => JSON.stringify(r).toLowerCase().includes(q.toLowerCase()), view: view_ });
      shown("tenants");
      shown("connections", { sort: "user", q: view.q });
      shown("channels", { sort: "-connections", q: "" });
      const none = !view.channel || view.channel.includes("*") ? "Choose one channel to see who is there." : members && members.rows.size === 0 ? `Nobody has entered ${view.channel}.` : "";
      present?.update({ rows: members?.rows ?? new Map(), changed: new Set(members?.rows.keys()), now, stale: () => false, selected: "", view: { sort: "user", q: "" }, empty: none });
      if (has.present) panels.title("present", `Who is present${members ? ` (${members.said})` : ""}`);
      news.update({ fresh, rows: { has: () => true } });
      fresh = [];
      const entries = new Map(kept?.view ?? []);
      editor?.entries.update({ rows: entries, changed: new Set(entries.keys()), now, stale: () => false, selected: editor.inputs.key.value, view: { sort: "key", q: "" } });
      panels.title("tail", `Live tail${view.channel ? ` (${figure(seen, 0)})` : ""}`);
      if (has.connections) panels.title("connections", `Connections of ${tenant} (${lists.connections.size})`);
      page.came(true);
    }, 200);

    const described = fetch(`${new URL(session.url ?? location.origin).origin}/v1/openapi.json`).then((answer) => answer.json()).catch(() => ({})); // an older server cannot list channels
    const keyed = (all, key) => new Map(all.map((each) => [each[key], { ...each, key: each[key] }]));
    const quietly = { quiet: true };
    async function ask() {
      const tell = (id) => ({ message }) => panels.title(id, `${has[id]}: ${message}`);
      if (has.tenants) await api.call("GET", "?limit=100", undefined, { ...quietly, about: "" }).then(async ({ tenants }) => {
        const docs = await Promise.all(tenants.map((id) => api.call("GET", "", undefined, { ...quietly, about: id }).catch(() => ({}))));
        lists.tenants = new Map(tenants.map((id, i) => [id, { key: id, suspended: Boolean(docs[i].suspended) }]));
      }).catch(tell("tenants"));
      if (has.connections) await api.call("GET", "/connections?limit=200", undefined, quietly).then(({ connections }) => (lists.connections = keyed(connections, "id"))).catch(tell("connections"));
      if (has.channels && !(await described).paths?.["/v1/tenants/{tenant}/channels"]) panels.title("channels", "Channels: this server does not list them");
      else if (has.channels) await api.call("GET", "/channels?limit=200", undefined, quietly).then(({ channels, next, complete }) => {
        lists.channels = keyed(channels, "channel");
        panels.title("channels", `Channels that are read (${figure(channels.length, 0)}${next ? " and more" : ""})${complete ? "" : ", not all instances have answered"}`);
      }).catch(tell("channels"));
      await askPresence();
      frame.request();
    }
    async function askPresence() {
      const { channel } = view;
      if (!present || !channel || channel.includes("*")) return;
      const answer = await api.call("GET", `/channels/${encodeURIComponent(channel)}/presence`, undefined, quietly).catch(({ message }) => ({ members: [], said: message }));
      if (channel !== view.channel) return;
      const rows = new Map(answer.members.map((each, i) => [`${each.user} ${each.connection ?? i}`, { key: each.user, ...each }]));
      members = { rows, said: answer.said ?? `${counted(answer.users, "user")}, ${counted(answer.connections, "connection")}` };
      frame.request();
    }
    async function readLimits() {
      if (!limits) return;
      const doc = await api.call("GET", "", undefined, quietly).catch(({ message }) => ({ limits: { error: message } }));
      const facts = { ...(client.state.limits ?? {}), ...doc.limits, namespaces: Object.keys(doc.namespaces ?? {}).join(", ") || "none", suspended: doc.suspended ? "yes" : "no" };
      const used = { connections: lists.connections.size, subscriptionsPerConnection: new Set([view.channel].filter(Boolean)).size };
      const words = (key, value) => (typeof value !== "number" ? String(value) : used[key] === undefined ? figure(value, 0) : `${figure(used[key], 0)} of ${figure(value, 0)}`);
      limits.replaceChildren(...Object.entries(facts).flatMap(([key, value]) => [make("dt", { textContent: limitNames[key] ?? key, title: key }), make("dd", { textContent: words(key, value) })]));
    }
    // turn looks at another tenant.
    function turn(next) {
      tenant = next;
      if (reading) {
        [following, kept] = [null, null]; // they end with their client
        client.close();
        client = open();
      }
      ask();
      readLimits();
      follow(view.channel);
    }
    const stopAsking = page.every(everyMs, ask);
    const stopTicking = page.every(1000, frame.request);
    ask();
    readLimits();
    const live = client.on("state", ({ name: state }) => state === "live" && readLimits());
    follow(view.channel || (page.session.channels[0]?.name ?? ""), { asked: false });

    return {
      refresh: () => frame.request(),
      commands: () => [...lists.channels.keys()].map((channel) => ({ title: `Tail ${channel}`, run: () => follow(channel) })),
      stop() {
        stopAsking();
        stopTicking();
        live();
        frame.stop();
        const mine = following;
        following = null; // what is left is not refused
        mine?.unsubscribe();
        kept?.unsubscribe();
        if (reading) client.close();
        for (const widget of widgets) widget.unmount();
      },
    };
  },
};
