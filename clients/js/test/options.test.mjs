// What a page passes in: what does not exist is refused by name, what is aborted ends, and what is debugged is told.
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect } from "../tidewire.js";
import { fakeServer, fakeTime, message, settle } from "./fake.mjs";

async function start(t, options = {}) {
  fakeTime(t);
  const server = fakeServer(), client = connect("https://example.com", { WebSocket: server.WebSocket, token: "secret", ...options });
  client.on("error", () => {});
  t.after(() => client.close());
  await settle();
  return { server, client };
}

test("an option that does not exist is refused, with what may have been meant", async (t) => {
  const { client } = await start(t);
  const connecting = (options) => connect("https://example.com", { WebSocket: class {}, ...options });
  const refusals = [
    [() => connecting({ tokn: "t" }), /^tokn: is not an option of connect; did you mean token\?$/],
    [() => connecting({ share: { keepawake: [] } }), /^keepawake: is not an option of share; did you mean keepAwake\?$/],
    [() => connecting({ share: "yes" }), /^share: must be true, false or \{keepAwake\}, got "yes"$/],
    [() => connecting({ share: { keepAwake: "alerts" } }), /^share.keepAwake: must be a list of namespaces, got "alerts"$/],
    [() => connecting({ signal: 7 }), /^signal: must be an AbortSignal, got 7$/],
    [() => connecting({ debug: 7 }), /^debug: must be true, false or a function, got 7$/],
    [() => client.subscribe("a", () => {}, { maxrate: 5 }).ready, /^maxrate: is not an option of subscribe; did you mean maxRate\?$/],
    [() => client.subscribe("a", () => {}, { weather: 5 }).ready, /^weather: is not an option of subscribe, only filter, /],
    [() => client.publish("a", 1, { tag: {} }), /^tag: is not an option of publish; did you mean tags\?$/],
    [() => client.publish("a", 1, null), /^options of publish: must be an object, got null$/],
    [() => client.call("a", 1, { timeout: 1 }), /^timeout: is not an option of call; did you mean timeoutMs\?$/],
    [() => client.history("a", { limits: 1 }).next(), /^limits: is not an option of history; did you mean limit\?$/],
    [() => client.cursor("a", { maxrate: 1 }), /^maxrate: is not an option of cursor; did you mean maxRate\?$/],
    [() => client.tryLock("a", "b", { tll: "5s" }), /^tll: is not an option of lock; did you mean ttl\?$/],
    [() => client.tune({ maxBytes: 5000 }), /^maxBytes: is not an option of tune, only maxBytesPerSecond$/],
  ];
  for (const [run, why] of refusals) await assert.rejects(async () => run(), (error) => (assert.match(error.message, why), true));
});

test("a signal ends a client", async (t) => {
  const stop = new AbortController(), { client } = await start(t, { signal: stop.signal });
  stop.abort();
  assert.equal(client.state.name, "closed");
  const late = connect("https://example.com", { WebSocket: fakeServer().WebSocket, signal: AbortSignal.abort() });
  await settle();
  assert.equal(late.state.name, "closed");
});

test("a signal ends a watch and a membership", async (t) => {
  const { server, client } = await start(t), stop = new AbortController(), { signal } = stop, seen = [], reason = new Error("enough");
  server.newest.open().welcome();
  client.presence("a", (view) => seen.push(view.count), { signal });
  const entry = client.enter("a", { name: "Ann" }, { signal });
  entry.ready.catch(() => {});
  const [watch, enter] = server.newest.of("presence");
  assert.deepEqual([watch.watch, enter.enter], [true, { name: "Ann" }]);
  server.newest.give({ type: "ok", id: watch.id, channel: "a", members: [{ user: "bob" }], count: 1 });
  stop.abort(reason);
  await settle();
  server.newest.give({ type: "presence", channel: "a", joined: [{ user: "cid" }], count: 2 });
  assert.deepEqual(seen, [1]);
  assert.deepEqual(server.newest.of("presence").slice(2).map(({ watch: watches, leave }) => watches ?? leave), [false, true]);
  await assert.rejects(entry.ready, reason);
  await assert.rejects(client.enter("a", 1, { signal }).ready, reason);
  client.presence("b", () => assert.fail("it was aborted before"), { signal });
  await settle();
  assert.equal(server.newest.of("presence").length, 4);
  assert.throws(() => client.presence("a", () => {}, { singal: signal }), /did you mean signal/);
  assert.throws(() => client.enter("a", 1, { signal: 7 }), /must be an AbortSignal, got 7/);
});

test("where there may be another way is said by a truth value", async () => {
  assert.throws(() => connect("https://example.com", { WebSocket: class {}, fallback: "sse" }), /^TypeError: fallback: must be true or false, got "sse"$/);
});

test("a signal ends a subscription, and nothing comes behind it", async (t) => {
  const { server, client } = await start(t), stop = new AbortController(), got = [], reason = new Error("enough");
  server.newest.open().welcome();
  const subscription = client.subscribe("a", (each) => got.push(each.data.id), { signal: stop.signal });
  const [{ id }] = server.newest.of("subscribe");
  server.newest.give({ type: "ok", id, channel: "a", resumed: false, gap: false, position: "1800000000000-" }, message("a", 1_800_000_000_001, "e1"));
  stop.abort(reason);
  server.newest.give(message("a", 1_800_000_000_002, "e2"));
  assert.deepEqual(got, ["e1"]);
  assert.equal(subscription.state.name, "closed");
  assert.equal(server.newest.of("unsubscribe").length, 1);
  await assert.rejects(subscription.ready, reason);
  const iterator = client.subscribe("b", { signal: AbortSignal.abort(reason) });
  await assert.rejects(iterator.next(), reason);
});

test("a signal gives up waiting for an answer", async (t) => {
  const { server, client } = await start(t), stop = new AbortController(), reason = new Error("enough");
  await assert.rejects(client.publish("a", 1, { wait: true, signal: AbortSignal.abort(reason) }), reason);
  const waits = [client.publish("a", 1, { wait: true, signal: stop.signal }), client.call("r", 1, { wait: true, signal: stop.signal }), client.history("a", { signal: stop.signal }).next()];
  stop.abort(reason);
  for (const each of waits) await assert.rejects(each, reason);
  server.newest.open().welcome();
  assert.deepEqual(["publish", "call", "history"].flatMap((type) => server.newest.of(type)), [], "what was not sent is not sent");
});

test("who debugs is told what goes over the wire, and no token", async (t) => {
  const told = [], { server, client } = await start(t, { tokenIn: "frame", debug: (what, detail) => told.push([what, detail]) });
  client.subscribe("a", () => {});
  server.newest.open().welcome();
  server.newest.end(1012);
  assert.deepEqual([...new Set(told.map(([what]) => what))].sort(), ["ended", "received", "sent", "state"]);
  assert.deepEqual(told.find(([what]) => what === "sent")[1], { id: 0, type: "connect", token: "...", subscriptions: [{ channel: "a" }] });
  assert.ok(!JSON.stringify(told).includes("secret"));
});
