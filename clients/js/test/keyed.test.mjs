// Subscriptions that say how they want a channel, and the rows of those with state.
import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { connect, parsePosition } from "../tidewire.js";
import { clock, fakeServer, fakeTime, message, pass, record, settle } from "./fake.mjs";

const channel = "fleet:eu", T = 1_800_000_000_000;
const token = (claims) => `h.${btoa(JSON.stringify({ iat: T / 1000, exp: T / 1000 + 3600, ...claims })).replace(/=/g, "")}.s`;

describe("state", () => {
  let server, client;
  beforeEach((t) => fakeTime(t));
  const start = async (t, options = {}) => {
    server = fakeServer();
    client = connect("https://example.com", { WebSocket: server.WebSocket, token: token({ sub: "ann" }), ...options });
    t.after(() => client.close());
    client.on("error", () => {});
    await pass(1);
  };
  const entry = (key, time, data) => ({ key, position: `${time}-e${time}`, time, data });
  const row = (key, time, more) => message(channel, time, `e${time}`, { key, data: time, ...more });
  const snapshot = (entries, more = {}) => ({ type: "snapshot", channel, entries, more: false, position: `${T}-end`, ...more });
  /** Opens the newest socket and answers what it asks for the state. */
  const state = (socket, answer = {}, ...frames) => socket.open().welcome().give({ type: "ok", channel, resumed: false, gap: false, position: `${T}-`, state: { keys: 0 }, ...answer }, ...frames);
  const again = async (code = 1006) => {
    server.newest.end(code);
    await pass(2000);
    return server.newest;
  };
  const shown = (view) => Object.fromEntries([...view].map(([key, { data }]) => [key, data]));

  test("is a map of the snapshot and of what has changed since", async (t) => {
    await start(t);
    const events = [], subscription = client.subscribe(channel, (event) => events.push(event.data), { state: true }), { view } = subscription, changes = [];
    view.on("change", ({ changed, removed }) => changes.push([[...changed], [...removed]]));
    state(server.newest);
    assert.deepEqual(server.newest.first.subscriptions, [{ channel, state: true }]);
    assert.equal(subscription.state.name, "live");
    server.newest.give(snapshot([entry("b", T - 9, 1)], { more: true, position: undefined }));
    assert.deepEqual([view.isReady, view.size, view.has("b")], [false, 0, false]);
    server.newest.give(snapshot([entry("a", T - 8, 2), entry("c", T - 7, 3)]));
    assert.equal(view.isReady, true);
    assert.equal(await view.ready, view);
    assert.deepEqual([...view.keys()], ["b", "a", "c"], "in the order of the snapshot");
    await pass(20);
    server.newest.give(row("b", T + 1), row("d", T + 2), row("d", T + 3), row("a", T + 4, { deleted: true, data: undefined }), row("c", T + 5, { left: true, data: undefined }), row("e", T + 6), row("e", T + 7, { deleted: true }));
    server.newest.give(message(channel, T + 8, "x", { data: "an event" }), message(channel, T + 8, "x", { data: "an event" }));
    assert.deepEqual(shown(view), { b: T + 1, d: T + 3 });
    assert.deepEqual(events, ["an event"]);
    await pass(20);
    assert.deepEqual(changes, [[["b", "a", "c"], []], [["b", "d"], ["a", "c"]]], "once a frame, and only what is to be seen");
    server.newest.give(row(undefined, T + 9, { cleared: true }));
    assert.equal(view.size, 0);
  });

  test("a reader that does not keep up is given the newest of some keys, and stands nowhere new until it has had all", async (t) => {
    await start(t);
    const { view } = client.subscribe(channel, { state: true });
    state(server.newest, {}, snapshot([entry("a", T, 1), entry("b", T, 2), { ...entry("c", T, 3), position: undefined }]));
    assert.deepEqual(shown(view), { a: 1, b: 2, c: 3 }, "what is transient has no position");
    const changes = (entries, position) => server.newest.give({ type: "changes", channel, entries, position });
    changes([{ key: "b", position: `${T + 9}-d`, deleted: true }, entry("a", T + 8, 4), { key: "c", left: true }, { ...entry("e", T + 7, 5), position: undefined }]);
    assert.deepEqual(shown(view), { a: 4, e: 5 });
    changes([entry("a", T + 7, 0), { ...entry("e", T + 6, 0), position: undefined }, { position: `${T + 9}-x` }, { ...entry("z", T, 1), position: 7 }, null]);
    assert.deepEqual(shown(view), { a: 4, e: 5 }, "what is older, or no entry");
    await again();
    assert.equal(server.newest.open().first.subscriptions[0].since, `${T}-end`);
    state(server.newest, { resumed: true });
    changes([{ key: "e", deleted: true, expired: true }], `${T + 10}-y`);
    assert.deepEqual(shown(view), { a: 4 });
    await again();
    assert.equal(server.newest.open().first.subscriptions[0].since, `${T + 10}-y`);
  });

  test("a cursor is published now and then, the last of it always, again before it ends and on each connection", async (t) => {
    await start(t);
    server.newest.open().welcome();
    const published = () => server.newest.sent.filter(({ type }) => type === "publish"), ok = () => server.newest.give(...published().slice(-1).map(({ id }) => ({ type: "ok", id, event: "e" })));
    const cursor = client.cursor(channel, { maxRate: 10 });
    for (let x = 0; x < 5; x++) cursor.set({ x });
    await pass(1);
    assert.deepEqual(published().map(({ data, key, transient }) => [data, key, transient]), [[{ x: 0 }, "$connection", true]]);
    cursor.set({ x: 7 });
    ok();
    await pass(110);
    assert.deepEqual(published().map(({ data }) => data), [{ x: 0 }, { x: 7 }]);
    ok();
    await pass(10_500);
    assert.deepEqual(published().slice(2).map(({ data }) => data), [{ x: 7 }], "again before it ends");
    ok();
    (await again()).open().welcome();
    await pass(20);
    assert.deepEqual(published().map(({ data }) => data), [{ x: 7 }], "a new connection");
    ok();
    cursor.end();
    await pass(200);
    assert.deepEqual(published().slice(1).map(({ delete: deletes }) => deletes), [true]);
    ok();
    await pass(30_000);
    cursor.set({ x: 9 });
    assert.equal(published().length, 2, "it has ended");
  });

  test("an older value never replaces a newer one, of the same time the later counts", async (t) => {
    await start(t);
    const { view } = client.subscribe(channel, { state: true });
    state(server.newest, {}, snapshot([entry("a", T + 5, 1)]));
    server.newest.give(row("a", T + 4), row("b", T + 9, { deleted: true }), row("b", T + 8), row("a", T + 3, { deleted: true }));
    assert.deepEqual(shown(view), { a: 1 });
    server.newest.give(row("a", T + 5), row("b", T + 9));
    assert.deepEqual(shown(view), { a: T + 5, b: T + 9 });
    server.newest.give(row(undefined, T + 20, { cleared: true }), row("c", T + 19), row("c", T + 21));
    assert.deepEqual(shown(view), { c: T + 21 });
  });

  test("before the first snapshot is complete there is nowhere to go on from", async (t) => {
    await start(t);
    client.subscribe(channel, { state: true });
    state(server.newest, {}, snapshot([entry("a", T, 1)], { more: true, position: undefined }));
    assert.deepEqual((await again()).open().first.subscriptions, [{ channel, state: true }]);
  });

  test("a reset shows the old rows until the new ones are there, and what is cut off is gone on from before it", async (t) => {
    await start(t);
    const { view } = client.subscribe(channel, { state: true }), changes = [];
    view.on("change", ({ changed, removed }) => changes.push([[...changed], [...removed]]));
    state(server.newest, {}, snapshot([entry("a", T, 1), entry("b", T, 2)], { position: `${T}-p` }));
    await pass(20);
    server.newest.give(snapshot([entry("b", T, 2)], { reset: true, more: true, position: undefined }));
    assert.deepEqual(shown(view), { a: 1, b: 2 });
    state(await again(), { resumed: true, position: `${T}-p` });
    assert.deepEqual(server.newest.first.subscriptions, [{ channel, since: `${T}-p`, state: true }]);
    server.newest.give(row("c", T + 1));
    assert.deepEqual(shown(view), { a: 1, b: 2, c: T + 1 });
    await pass(20);
    state(await again(), { reset: true }, snapshot([entry("b", T, 2)], { reset: true, more: true, position: undefined }));
    assert.deepEqual(server.newest.first.subscriptions, [{ channel, since: `${T + 1}-e${T + 1}`, state: true }]);
    server.newest.give(snapshot([entry("d", T + 3, 4)]));
    assert.deepEqual(shown(view), { b: 2, d: 4 });
    await pass(20);
    assert.deepEqual(changes.at(-1), [["b", "d"], ["a", "c"]]);
  });

  test("rows end by the server's clock, whatever the page's says, or when the server says so", async (t) => {
    await start(t);
    clock.jump(3_600_000);
    const { view } = client.subscribe(channel, { state: true });
    state(server.newest, {}, snapshot([{ ...entry("a", T, 1), expiresAt: T + 5000 }, { ...entry("b", T, 1), expiresAt: T + 90_000 }, entry("c", T, 1)]));
    await pass(500);
    assert.equal(view.size, 3, "the server's clock is not known yet");
    server.newest.give({ type: "heartbeat", asOf: T + 1000 });
    await pass(3500);
    clock.jump(86_400_000);
    assert.equal(view.size, 3);
    await pass(700);
    assert.deepEqual([...view.keys()], ["b", "c"]);
    server.newest.give({ type: "message", channel, key: "b", deleted: true, expired: true }, { type: "message", channel, key: "c", deleted: true, expired: true });
    assert.equal(view.size, 0);
  });

  test("a gap is never told: the state is asked for anew", async (t) => {
    await start(t);
    const said = record(client, "gap"), { view } = client.subscribe(channel, () => {}, { state: true, onGap: (gap) => said.push(gap) });
    state(server.newest, {}, snapshot([entry("a", T, 1)]));
    server.newest.give({ type: "notice", code: "gap", channel, position: `${T}-x` }, { type: "notice", code: "gap", channel, position: `${T}-x` });
    await pass(3000);
    const [{ id, ...asked }] = server.newest.of("subscribe");
    assert.deepEqual([asked, server.newest.of("unsubscribe").length], [{ type: "subscribe", channel, state: true }, 1]);
    server.newest.give({ type: "ok", id, channel, resumed: false, gap: false, position: `${T}-`, state: { keys: 1 } }, snapshot([entry("b", T, 1)]));
    assert.deepEqual([shown(view), said], [{ b: 1 }, []]);
  });

  test("rows are gone when the channel is", async (t) => {
    await start(t);
    const subscription = client.subscribe(channel, { state: true }), { view } = subscription, changes = [];
    view.on("change", ({ removed }) => changes.push(...removed));
    state(server.newest, {}, snapshot([entry("a", T, 1)]));
    await pass(20);
    server.newest.give({ type: "error", channel, code: "forbidden", message: "no grant" });
    assert.deepEqual([view.size, view.isReady, subscription.state.name], [0, false, "refused"]);
    await pass(20);
    assert.deepEqual(changes, ["a"]);
    await assert.rejects(subscription.tune({ maxRate: 1 }), { code: "forbidden" });
    const other = client.subscribe("fleet:us", { state: true });
    other.unsubscribe();
    await assert.rejects(other.view.ready, { code: "closed" });
  });

  test("rows are not stored, so a new page does not go on from a position", async (t) => {
    const items = new Map(), storage = { getItem: (key) => items.get(key) ?? null, setItem: (key, value) => items.set(key, value) };
    await start(t, { storage });
    client.subscribe(channel, { state: true });
    client.subscribe("prices:fx", () => {});
    state(server.newest, {}, snapshot([entry("a", T, 1)]));
    client.close();
    assert.deepEqual([...items.values()].filter((json) => json.includes(channel)), []);
  });

  test("a snapshot may begin again, and what comes within it is no place to go on from", async (t) => {
    await start(t);
    const { view } = client.subscribe(channel, { state: true });
    state(server.newest, {}, snapshot([entry("a", T, 1)], { position: `${T}-p` }), snapshot([entry("a", T, 1), entry("b", T, 2)], { reset: true, more: true, position: undefined }), row("z", T + 9));
    server.newest.give(snapshot([entry("c", T, 3)], { reset: true, more: true, position: undefined }));
    assert.equal((await again()).open().first.subscriptions[0].since, `${T}-p`);
    server.newest.welcome().give({ type: "ok", channel, resumed: false, gap: false, position: `${T}-`, reset: true }, snapshot([entry("a", T, 1)], { more: true }), snapshot([entry("c", T, 3)], { reset: true }));
    assert.deepEqual(shown(view), { c: 3 });
  });

  test("another user starts with nothing", async (t) => {
    await start(t);
    const { view } = client.subscribe(channel, { state: true });
    state(server.newest, {}, snapshot([entry("a", T, 1)]));
    (await again()).open().welcome({ user: "bob" });
    assert.equal(view.size, 0);
    await pass(3000);
    assert.deepEqual(server.newest.open().first.subscriptions, [{ channel, state: true }]);
  });

  test("what the server calls that by which the rows are shown is given back with their position", async (t) => {
    await start(t);
    const asked = () => server.newest.first.subscriptions[0], notice = (view) => ({ type: "notice", code: "view", channel, view });
    const later = async () => {
      await pass(6000); // a connection that has lived is followed by another one at once
      return again();
    };
    client.subscribe(channel, { state: true });
    state(server.newest, { view: "v0" }, snapshot([entry("a", T, 1)], { more: true, view: "v9" }));
    state(await later(), { view: "v0" }, snapshot([entry("a", T, 1)], { view: "v1" }), row("b", T + 1));
    assert.deepEqual(asked(), { channel, state: true }, "nothing was complete");
    state(await later(), { resumed: true, view: "v1" }, notice("-"), row("b", T + 1, { left: true, data: undefined }));
    assert.deepEqual(asked(), { channel, since: `${T + 1}-e${T + 1}`, view: "v1", state: true });
    state(await later(), { reset: true, view: "v2" }, snapshot([entry("a", T, 1)], { reset: true, more: true }));
    assert.equal(asked().view, "-", "some of the rows were shown by another view");
    state(await later(), { reset: true, view: "v2" }, snapshot([entry("a", T, 1)], { reset: true, view: "v2" }), notice("-"), notice("v3"));
    assert.equal(asked().view, "-", "a snapshot that is cut off changes nothing");
    state(await later(), { resumed: true, view: "v3" }, notice("-"), notice(""));
    assert.equal(asked().view, "v3");
    state(await later(), { resumed: true });
    assert.deepEqual([asked().view, asked().since], [undefined, `${T}-end`], "nothing narrows what is shown");
    for (const view of [7, null, {}, "", undefined]) server.newest.give(notice(view), snapshot([entry("a", T, 1)], { reset: true, view }));
    state(await later(), { resumed: true });
    assert.equal(asked().view, undefined);
  });

  test("a next connection that goes on by another view than the rows are shown by is asked for all of them", async (t) => {
    await start(t);
    const { view } = client.subscribe(channel, { state: true }), notice = (name) => ({ type: "notice", code: "view", channel, view: name });
    state(server.newest, { view: "v1" }, snapshot([entry("a", T, 1), entry("b", T, 1)], { view: "v1" }), { type: "move", afterMs: 0 });
    await pass(1);
    const [before, next] = server.sockets;
    next.open().welcome();
    before.give(notice("-"), row("a", T, { left: true, data: undefined }), notice("v2"));
    next.give({ type: "ok", channel, resumed: true, gap: false, position: `${T}-end`, state: { keys: 2 }, view: "v1" });
    await pass(3000);
    const [{ id, since }] = next.of("subscribe");
    assert.equal(since, undefined);
    next.give({ type: "ok", id, channel, resumed: false, gap: false, position: `${T}-`, state: { keys: 2 }, view: "v1" }, snapshot([entry("a", T, 1), entry("b", T, 1)], { view: "v1" }));
    assert.deepEqual(shown(view), { a: 1, b: 1 });
  });
});

describe("tune", () => {
  let server, client;
  beforeEach((t) => fakeTime(t));
  const start = async (t) => {
    server = fakeServer();
    client = connect("https://example.com", { WebSocket: server.WebSocket, token: "t" });
    t.after(() => client.close());
    await pass(1);
  };
  const answer = ({ id }, more) => server.newest.give({ type: "ok", id, channel: "prices:fx", paused: false, ...more });
  const since = `${T}-a`;

  test("changes what is asked for, now and after a reconnect", async (t) => {
    await start(t);
    const said = record(client, "tuned"), subscription = client.subscribe("prices:fx", () => {}, { keys: ["b", "a"], maxRate: 9 });
    server.newest.live({ maxRate: 5 });
    assert.deepEqual(server.newest.first.subscriptions, [{ channel: "prices:fx", keys: ["a", "b"], maxRate: 9 }]);
    assert.equal(subscription.rate, 5);
    const tuned = subscription.tune({ keys: { add: ["c"], remove: ["a"] }, filter: "key != 'x'" });
    const [frame] = server.newest.of("tune");
    assert.deepEqual(frame, { id: frame.id, type: "tune", channel: "prices:fx", keys: { add: ["c"], remove: ["a"] }, filter: "key != 'x'" });
    answer(frame, { maxRate: 5 });
    assert.deepEqual(await tuned, { filter: "key != 'x'", fields: undefined, keys: ["b", "c"], maxRate: 5, paused: false });
    server.newest.give({ type: "notice", code: "tuned", channel: "prices:fx", maxRate: 1.25, reason: "slow" });
    assert.deepEqual([said, subscription.rate], [[["tuned", { channel: "prices:fx", maxRate: 1.25, reason: "slow" }]], 1.25]);
    server.newest.end(1006);
    await pass(2000);
    server.newest.live();
    const [{ since: from, ...asked }] = server.newest.first.subscriptions;
    assert.deepEqual(asked, { channel: "prices:fx", filter: "key != 'x'", keys: ["b", "c"], maxRate: 9 });
    assert.ok(parsePosition(from).time > 0);
  });

  test("what a lost connection has not answered, the next one is asked for", async (t) => {
    await start(t);
    const subscription = client.subscribe("prices:fx", () => {});
    server.newest.live();
    const tuned = subscription.pause(), later = subscription.tune({ maxRate: 2 });
    assert.equal(server.newest.of("tune").length, 1, "one at a time");
    server.newest.end(1006);
    await pass(2000);
    server.newest.live();
    assert.deepEqual(server.newest.first.subscriptions.map(({ since: _, ...asked }) => asked), [{ channel: "prices:fx", maxRate: 2, paused: true }]);
    assert.deepEqual([(await tuned).paused, (await later).paused], [true, true]);
    assert.equal(server.newest.of("tune").length, 0);
  });

  test("a change that is refused leaves everything as it was, and the others are made", async (t) => {
    await start(t);
    const subscription = client.subscribe("prices:fx", () => {});
    const bad = subscription.tune({ filter: "tags.desk = 'a'" }), good = subscription.resume(), worse = subscription.tune({ keys: { add: ["a"] } });
    await assert.rejects(worse, { code: "bad-request", message: /^keys: the subscription has all keys/ });
    server.newest.open().welcome();
    assert.equal(server.newest.first.subscriptions[0].filter, "tags.desk = 'a'");
    server.newest.give({ type: "error", channel: "prices:fx", code: "bad-request", message: "filter: line 1, column 11" });
    await pass(1000);
    const [asked] = server.newest.of("subscribe");
    assert.equal(asked.filter, undefined);
    server.newest.give({ type: "ok", id: asked.id, channel: "prices:fx", resumed: false, gap: false, position: since });
    const [first] = server.newest.of("tune");
    server.newest.give({ type: "error", id: first.id, channel: "prices:fx", code: "bad-request", message: "filter: line 1, column 11" });
    await assert.rejects(bad, { code: "bad-request", message: "filter: line 1, column 11" });
    answer(server.newest.of("tune")[1]);
    assert.equal((await good).paused, false);
    assert.equal(subscription.state.name, "live");
  });

  test("a change that is put off is asked for again", async (t) => {
    await start(t);
    const tuned = client.subscribe("prices:fx", () => {}).tune({ maxRate: 0 });
    server.newest.open().welcome();
    server.newest.give({ type: "ok", channel: "prices:fx", resumed: false, gap: false, position: since });
    assert.equal((await tuned).maxRate, undefined, "it was in the first frame");
    const again = client.subscribe("prices:fx", () => {}).tune({ maxRate: 3 });
    server.newest.give({ type: "error", id: server.newest.of("tune")[0].id, code: "limited", message: "over", retryAfterMs: 300 });
    await pass(200);
    assert.equal(server.newest.of("tune").length, 1);
    await pass(1000);
    answer(server.newest.of("tune")[1], { maxRate: 3 });
    assert.equal((await again).maxRate, 3);
  });

  test("during a move the next connection is asked for it as it is wanted by then", async (t) => {
    await start(t);
    const subscription = client.subscribe("prices:fx", () => {});
    server.newest.live().give({ type: "move", afterMs: 0 });
    await pass(1);
    const next = server.newest.open().welcome();
    const tuned = subscription.tune({ maxRate: 3 });
    assert.equal(server.sockets[0].of("tune").length, 0);
    next.give({ type: "ok", channel: "prices:fx", resumed: true, gap: false, position: next.first.subscriptions[0].since });
    answer(next.of("tune")[0], { maxRate: 3 });
    assert.equal((await tuned).maxRate, 3);
  });

  test("what it cannot be is refused here or by the server, of this subscription alone", async (t) => {
    await start(t);
    const said = record(client, "error"), refused = (options) => client.subscribe("prices:eu", () => {}, options);
    for (const [options, says] of [
      [{ rewinds: 5 }, "rewinds: is not an option of subscribe; did you mean rewind?"], [{ filter: 7 }, "filter: must be a string, got 7"], [{ keys: "a" }, "keys: must be a list of strings, got \"a\""],
      [{ keys: ["a", ""] }, "keys[1]: must be a non-empty string, got \"\""], [{ maxRate: NaN }, "maxRate: must be a number, got NaN"], [{ paused: 1 }, "paused: must be true or false, got 1"],
      [{ state: true, since }, "since: cannot be given with state, which begins with all of it"],
    ]) {
      const { ready, state } = refused(options);
      assert.equal(state.name, "refused");
      await assert.rejects(ready, { code: "bad-request", message: says });
    }
    assert.equal(said.length, 7);
    const reads = client.subscribe("prices:fx", () => {});
    const bad = client.subscribe("prices:us", () => {}, { maxRate: -1 });
    server.newest.open().welcome().give({ type: "ok", channel: "prices:fx", resumed: false, gap: false, position: since }, { type: "error", channel: "prices:us", code: "bad-request", message: "maxRate: must be 0.05 to 1000, got -1" });
    assert.deepEqual([reads.state.name, bad.state.name, client.state.name], ["live", "refused", "live"]);
    await assert.rejects(reads.tune({ rewind: 1 }), { code: "bad-request", message: "rewind: cannot be tuned, only filter, fields, keys, maxRate, paused" });
  });

  test("while it is paused, no heartbeat vouches for the silence", async (t) => {
    await start(t);
    client.subscribe("prices:fx", () => {}, { paused: true });
    server.newest.live().give({ type: "heartbeat", asOf: T + 5000 });
    server.newest.end(1006);
    await pass(2000);
    assert.equal(server.newest.open().first.asOf, undefined);
  });
});
