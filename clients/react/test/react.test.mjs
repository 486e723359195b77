// The hooks in a real React, with the real client, against a scripted server.
import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { createElement, StrictMode, useState } from "react";
import { act, create } from "react-test-renderer";
import { fakeServer, message } from "../../js/test/fake.mjs";
import { connect } from "../../js/tidewire.js";
import { TidewireProvider, useChannel, useConnection, useKeyed, usePresence } from "../tidewire-react.js";

globalThis.IS_REACT_ACT_ENVIRONMENT = true;
const now = 1_800_000_000_000, open = [];
const soon = (ms = 5) => new Promise((resolve) => setTimeout(resolve, ms));

afterEach(async () => { for (const client of open.splice(0)) client.close(); });

/** A client that is live, and what a component shows. */
async function start(Component, props = {}) {
  const server = fakeServer(), client = connect("https://example.com", { WebSocket: server.WebSocket, token: "t1" });
  open.push(client);
  await soon();
  server.newest.open().welcome();
  let shown;
  const Shown = (all) => {
    shown = Component(all);
    return null;
  };
  const tree = (more) => createElement(StrictMode, null, createElement(TidewireProvider, { client }, createElement(Shown, { ...props, ...more })));
  let root;
  await act(async () => {
    root = create(tree());
    await soon();
  });
  return {
    server, client, root, get shown() { return shown; },
    again: (more) => act(async () => { root.update(tree(more)); await soon(); }),
    leave: () => act(async () => { root.unmount(); await soon(); }),
    does: (run) => act(async () => { run(server.newest); await soon(30); }),
  };
}

const answer = (socket, more = {}) => {
  for (const { id, channel, sub } of socket.of("subscribe").slice(-1)) socket.give({ type: "ok", id, channel, sub, resumed: false, gap: false, position: `${now}-`, ...more });
};

test("useConnection shows each state", async () => {
  const page = await start(() => useConnection().name);
  assert.equal(page.shown, "live");
  await page.does((socket) => socket.end(1012));
  assert.equal(page.shown, "reconnecting");
  await page.leave();
});

test("useChannel subscribes once, also in StrictMode, and leaves once", async () => {
  const page = await start(() => useChannel("prices:fx", { limit: 2, onMessage: (each) => got.push(each.data.id) })), got = [];
  assert.equal(page.server.newest.of("subscribe").length, 1);
  assert.equal(page.shown.state.name, "pending");
  await page.does((socket) => answer(socket));
  assert.equal(page.shown.state.name, "live");
  await page.does((socket) => socket.give(...["a", "b", "c"].map((id, i) => message("prices:fx", now + i, id))));
  assert.deepEqual([page.shown.messages.map(({ data }) => data.id), page.shown.last.data.id, got], [["b", "c"], "c", ["a", "b", "c"]]);
  await page.does((socket) => socket.give({ type: "notice", code: "gap", channel: "prices:fx", position: `${now + 9}-x` }));
  assert.equal(page.shown.gaps, 1);
  assert.equal(page.server.newest.of("unsubscribe").length, 0);
  await page.leave();
  assert.deepEqual([page.server.newest.of("subscribe").length, page.server.newest.of("unsubscribe").length], [1, 1]);
});

test("another channel is another subscription; options that say the same are the same", async () => {
  const page = await start(({ channel = "a", maxRate = 5 }) => useChannel(channel, { maxRate }));
  await page.again({ maxRate: 5 });
  assert.equal(page.server.newest.of("subscribe").length, 1);
  await page.again({ channel: "b" });
  assert.deepEqual(page.server.newest.of("subscribe").map(({ channel }) => channel), ["a", "b"]);
  assert.deepEqual(page.server.newest.of("unsubscribe").map(({ channel }) => channel), ["a"]);
  await page.leave();
});

test("a refusal is shown", async () => {
  const page = await start(() => useChannel("secret:x"));
  page.client.on("error", () => {});
  await page.does((socket) => socket.give({ type: "error", id: socket.of("subscribe")[0].id, code: "forbidden", channel: "secret:x", message: "no grant" }));
  assert.deepEqual([page.shown.error.code, page.shown.state.name], ["forbidden", "refused"]);
  await page.leave();
});

test("useKeyed shows the rows, and keeps those that have not changed", async () => {
  const page = await start(() => useKeyed("fleet:eu"));
  assert.equal(page.shown.isReady, false);
  await page.does((socket) => {
    answer(socket, { state: { keys: 2 } });
    socket.give({ type: "snapshot", channel: "fleet:eu", entries: ["v1", "v2"].map((key) => ({ key, position: `${now}-${key}`, time: now, data: 1 })), more: false, position: `${now}-v2` });
  });
  const before = page.shown;
  assert.deepEqual([before.isReady, [...before.rows.keys()]], [true, ["v1", "v2"]]);
  await page.does((socket) => socket.give({ ...message("fleet:eu", now + 5, "x"), key: "v1", data: 2 }));
  assert.equal(page.shown.rows.get("v1").data, 2);
  assert.notEqual(page.shown.rows, before.rows);
  assert.equal(page.shown.rows.get("v2"), before.rows.get("v2"));
  assert.equal(before.rows.get("v1").data, 1, "what was shown stays as it was");
  await page.leave();
  assert.equal(page.server.newest.of("unsubscribe").length, 1);
});

test("usePresence watches once, and enters with what is wanted", async () => {
  const page = await start(({ colour = "teal" }) => usePresence("board:7", { enter: { colour } }));
  const watches = () => page.server.newest.of("presence").filter(({ watch }) => watch === true);
  assert.equal(watches().length, 1);
  await page.does((socket) => socket.give({ type: "ok", id: watches()[0].id, channel: "board:7", members: [{ user: "ann" }], count: 1 }));
  assert.deepEqual([page.shown.count, page.shown.members[0].user, page.shown.isReady], [1, "ann", true]);
  await page.again({ colour: "red" });
  assert.deepEqual(page.server.newest.of("presence").filter(({ enter }) => enter).at(-1).enter, { colour: "red" });
  assert.ok(!page.server.newest.of("presence").some(({ leave }) => leave), "it is there all the time");
  await page.leave();
  const last = page.server.newest.of("presence").slice(-2);
  assert.ok(last.some(({ watch }) => watch === false) && last.some(({ leave }) => leave === true));
});

test("what cannot be is refused by name", async () => {
  assert.throws(() => useKeyed("prices:*"), /channel: useKeyed shows one channel/);
  assert.throws(() => useChannel("a", { limit: 0 }), /limit: must be a positive integer, got 0/);
  assert.throws(() => usePresence("a", { entre: 1 }), /entre: is not an option of usePresence/);
});

test("components that come and go leave nothing behind", async () => {
  let show;
  function Many() {
    const [n, set] = useState(0);
    show = set;
    return createElement("p", null, Array.from({ length: n }, (_, i) => createElement(Each, { key: i })));
  }
  const Each = () => { useChannel("a"); return null; };
  const page = await start(() => null);
  let root;
  await act(async () => { root = create(createElement(StrictMode, null, createElement(TidewireProvider, { client: page.client }, createElement(Many)))); });
  for (const n of [5, 0, 3, 10, 0]) await act(async () => { show(n); await soon(); });
  const { subscribe, unsubscribe } = { subscribe: page.server.newest.of("subscribe").length, unsubscribe: page.server.newest.of("unsubscribe").length };
  assert.deepEqual([subscribe, unsubscribe], [2, 2], "readers of one channel share it");
  await act(async () => root.unmount());
  await page.leave();
});
