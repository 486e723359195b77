// The states of all channels of a pattern.
import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { connect } from "../tidewire.js";
import { fakeServer, fakeTime, message, pass } from "./fake.mjs";

const T = 1_800_000_000_000, eu = "fleet:eu", us = "fleet:us", pattern = "fleet:*";

describe("the states of a pattern", () => {
  let server, client;
  beforeEach((t) => fakeTime(t));
  const start = async (t) => {
    server = fakeServer();
    client = connect("https://example.com", { WebSocket: server.WebSocket, token: "t" });
    t.after(() => client.close());
    client.on("error", () => {});
    await pass(1);
  };
  const entry = (key, time, data) => ({ key, position: `${time}-e${time}`, time, data });
  const ok = (channel, more = {}) => ({ type: "ok", sub: "1", channel, resumed: false, gap: false, position: `${T}-`, state: { keys: 0 }, ...more });
  const snapshot = (channel, entries, more = {}) => ({ type: "snapshot", sub: "1", channel, entries, more: false, position: `${T}-end`, ...more });
  const row = (channel, key, time, more) => message(channel, time, `e${time}`, { sub: "1", key, data: time, ...more });
  const complete = { type: "notice", sub: "1", code: "complete", channel: pattern };
  const state = (socket, ...frames) => socket.open().welcome().give({ type: "ok", sub: "1", channel: pattern, pattern: true, position: `${T}-` }, ...frames);
  const again = async () => {
    server.newest.end(1006);
    await pass(2000);
    return server.newest;
  };
  const shown = (view) => Object.fromEntries([...view].map(([channel, rows]) => [channel, Object.fromEntries([...rows].map(([key, { data }]) => [key, data]))]));

  test("are a map of maps, of those that begin later too", async (t) => {
    await start(t);
    const subscription = client.subscribe(pattern, { state: true }), { view } = subscription, changes = [], answers = [];
    view.on("change", ({ channel, changed, removed }) => changes.push([channel, [...changed], [...removed]]));
    client.on("subscription", ({ channel, pattern: of, resumed }) => of && answers.push([channel, resumed]));
    state(server.newest, ok(eu), ok(us), snapshot(us, [entry("b", T, 2)]), snapshot(eu, [entry("a", T, 1)], { more: true }));
    assert.deepEqual(server.newest.first.subscriptions, [{ channel: pattern, sub: "1", state: true }]);
    assert.deepEqual([subscription.state.name, view.isReady, shown(view)], ["live", false, { [us]: { b: 2 } }]);
    server.newest.give(snapshot(eu, []), complete);
    assert.equal(await view.ready, view);
    await pass(20);
    assert.deepEqual(changes, [[us, ["b"], []], [eu, ["a"], []]]);
    server.newest.give(row(eu, "a", T + 1, { deleted: true }), ok("fleet:moon"), snapshot("fleet:moon", [entry("c", T, 3)]), row(us, "d", T + 4), row("prices:fx", "x", T + 5));
    assert.deepEqual(shown(view), { [us]: { b: 2, d: T + 4 }, "fleet:moon": { c: 3 } });
    assert.deepEqual([view.size, view.has(eu), view.get(eu), view.get(us).get("b").data], [2, false, undefined, 2]);
    assert.deepEqual([...view.keys()], [us, "fleet:moon"]);
    assert.deepEqual(answers, [[eu, false], [us, false], ["fleet:moon", false]]);
    subscription.unsubscribe();
    assert.deepEqual([view.size, view.isReady], [0, false]);
  });

  test("are gone on from, each from where it stands and by what it is shown by", async (t) => {
    await start(t);
    const { view } = client.subscribe(pattern, { state: true });
    state(server.newest, ok(eu), ok(us), ok("fleet:moon"), snapshot(eu, [entry("a", T, 1)], { view: "v1" }), snapshot(us, [entry("b", T, 2)]), snapshot("fleet:moon", [entry("c", T, 3)]), complete);
    server.newest.give(row(us, "b", T + 1), { type: "notice", sub: "1", code: "view", channel: us, view: "v2" });
    const rows = view.get(us);
    state(await again(), ok(us, { resumed: true, view: "v2" }), row(us, "e", T + 2));
    assert.deepEqual(server.newest.first.subscriptions, [{
      channel: pattern, sub: "1", state: true, since: { [eu]: `${T}-end`, [us]: `${T + 1}-e${T + 1}`, "fleet:moon": `${T}-end` }, view: { [eu]: "v1", [us]: "v2" },
    }]);
    server.newest.give(ok(eu, { reset: true }), snapshot(eu, [entry("z", T, 9)], { more: true, reset: true }));
    assert.deepEqual(shown(view), { [eu]: { a: 1 }, [us]: { b: T + 1, e: T + 2 }, "fleet:moon": { c: 3 } }, "what was shown stays until it is complete");
    server.newest.give(snapshot(eu, []), complete);
    assert.deepEqual(shown(view), { [eu]: { z: 9 }, [us]: { b: T + 1, e: T + 2 } }, "what the server has nothing of is no more");
    assert.equal(view.get(us), rows);
  });

  test("that are in the middle of a snapshot, or that nobody can tell, are asked for anew", async (t) => {
    await start(t);
    const { view } = client.subscribe(pattern, { state: true });
    state(server.newest, ok(eu), ok(us), snapshot(eu, [entry("a", T, 1)], { more: true }), snapshot(us, [entry("b", T, 2)]));
    state(await again(), ok(us, { resumed: true }), ok(eu), snapshot(eu, [entry("a", T, 1)]), complete);
    assert.deepEqual(server.newest.first.subscriptions[0].since, { [us]: `${T}-end` });
    server.newest.give(row(us, "b", T + 1, { position: "?" }));
    assert.equal(server.newest.sent.at(-1).type, "unsubscribe");
    await pass(2000);
    const asked = server.newest.sent.at(-1);
    assert.deepEqual([asked.type, asked.since], ["subscribe", { [eu]: `${T}-end` }]);
    server.newest.give({ type: "ok", id: asked.id, channel: pattern, pattern: true, position: `${T}-` });
    server.newest.give(ok(eu, { resumed: true }), ok(us), snapshot(us, [entry("b", T + 1, 5)]), complete);
    assert.deepEqual(shown(view), { [us]: { b: 5 }, [eu]: { a: 1 } });
  });

  test("end by the server's word, and a tune is for all of them", async (t) => {
    await start(t);
    const subscription = client.subscribe(pattern, { state: true }), { view } = subscription;
    state(server.newest, ok(eu), snapshot(eu, [entry("a", T, 1), entry("b", T, 2)]), complete);
    server.newest.give({ ...row(eu, "a", T + 1), position: undefined, deleted: true, expired: true, data: undefined });
    assert.deepEqual(shown(view), { [eu]: { b: 2 } });
    const tuned = subscription.tune({ maxRate: 2, filter: "tags.desk == 'a'" });
    const asked = server.newest.sent.at(-1);
    assert.deepEqual([asked.type, asked.channel, asked.sub, asked.maxRate], ["tune", pattern, "1", 2]);
    server.newest.give({ type: "ok", id: asked.id, channel: pattern, maxRate: 2, paused: false });
    assert.equal((await tuned).maxRate, 2);
    assert.equal(subscription.rate, 2);
    const { maxRate, filter } = (await again()).open().first.subscriptions[0];
    assert.deepEqual([maxRate, filter], [2, "tags.desk == 'a'"]);
  });

  test("of which nothing is left are forgotten when there are too many, and those that are shown are kept", async (t) => {
    await start(t);
    const { view } = client.subscribe(pattern, { state: true });
    state(server.newest);
    for (let i = 0; i < 1500; i++) server.newest.give(ok(`fleet:${i}`), snapshot(`fleet:${i}`, i % 2 ? [entry("a", T, i)] : []));
    server.newest.give(complete);
    assert.equal(view.size, 750);
    const { since } = (await again()).open().first.subscriptions[0];
    assert.ok(Object.keys(since).length <= 500 && JSON.stringify(since).length < 20_000);
  });
});
