// The client against a scripted server and a faked clock.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { closeCodes, connect, parsePosition, Tidewire, TidewireError } from "../tidewire.js";
import { fakeServer, fakeTime, message, pass, record, settle } from "./fake.mjs";

const now = 1_800_000_000_000;

async function start(t, options = {}) {
  fakeTime(t);
  const server = fakeServer();
  const client = connect("https://example.com", { WebSocket: server.WebSocket, token: "t1", ...options });
  t.after(() => client.state.name === "closed" || client.close());
  const said = record(client, "state", "gap", "dropped", "error", "move", "resumed", "subscription");
  const states = () => said.filter(([type]) => type === "state").map(([, state]) => state.name);
  return { server, client, said, states, of: (type) => said.filter(([each]) => each === type).map(([, detail]) => detail) };
}

/** Reads everything of a channel into an array. */
function collect(client, channel, options) {
  const items = [];
  const subscription = client.subscribe(channel, (m) => items.push(m.position), { onGap: (gap) => items.push(`gap ${gap.reason}`), ...options });
  return { items, subscription };
}

test("a position is split at its first dash", () => {
  assert.deepEqual(parsePosition("1700000000000-a-b-c"), { time: 1700000000000, id: "a-b-c" });
  assert.deepEqual(parsePosition("1700000000000-"), { time: 1700000000000, id: "" });
});

describe("connecting", () => {
  test("with tokenIn frame the first frame carries token and channels, the URL nothing", async (t) => {
    const { server, client } = await start(t, { tokenIn: "frame" });
    client.subscribe("prices:fx", () => {});
    client.subscribe("board:7", () => {}, { since: "1700000000000-x" });
    await settle();
    assert.equal(server.newest.url, "wss://example.com/v1/socket");
    assert.deepEqual(server.newest.protocols, ["tidewire.v1.json"]);
    server.newest.open();
    assert.deepEqual(server.newest.sent, [{
      id: 0, type: "connect", token: "t1", subscriptions: [{ channel: "prices:fx" }, { channel: "board:7", since: "1700000000000-x" }],
    }]);
    server.newest.welcome();
    assert.equal(client.state.name, "live");
    assert.deepEqual([client.state.user, client.state.tenant, client.state.connection], ["ann", "acme", "c0"]);
  });

  test("the token goes in the handshake, where it costs no waiting, and is not sent again", async (t) => {
    const { server, client } = await start(t);
    client.subscribe("prices:fx", () => {});
    await settle();
    assert.deepEqual(server.newest.protocols, ["tidewire.v1.json", "bearer.t1"]);
    server.newest.open();
    assert.deepEqual(server.newest.first, { id: 0, type: "connect", subscriptions: [{ channel: "prices:fx" }] });
    server.newest.welcome().welcome(); // one for the handshake, one for the frame
    assert.equal(client.state.name, "live");
    assert.equal(server.sockets.length, 1);
  });

  test("a welcome that does not come is given up and tried again", async (t) => {
    const { server, client } = await start(t);
    await settle();
    server.newest.open();
    await pass(15_000);
    assert.equal(client.state.name, "reconnecting");
    assert.equal(client.state.code, "timeout");
    assert.equal(server.newest.closedWith, 1000);
    await pass(250);
    assert.equal(server.sockets.length, 2);
  });

  test("a provider that never answers is given up as well", async (t) => {
    const { client, server } = await start(t, { token: () => new Promise(() => {}) });
    await settle();
    await pass(15_000);
    assert.equal(client.state.name, "reconnecting");
    assert.equal(server.sockets.length, 0);
  });

  test("a runtime may report a failure by an error alone", async (t) => {
    const { server, client } = await start(t);
    await settle();
    server.newest.onerror();
    await pass(100);
    assert.equal(client.state.name, "reconnecting");
    assert.equal(client.state.closeCode, 1006);
  });

  test("what the first frame has no room for follows the welcome", async (t) => {
    const { server, client } = await start(t);
    for (let i = 0; i < 500; i++) client.subscribe(`prices:${"x".repeat(50)}${i}`, () => {});
    await settle();
    server.newest.live();
    const first = server.newest.first.subscriptions.length;
    assert.equal(server.newest.of("subscribe").length, 49, "and a ping: the server takes 50 frames a second");
    for (let i = 0; i < 100; i++) await pass(100);
    const later = server.newest.of("subscribe").length;
    assert.ok(first > 100 && later > 50);
    assert.equal(first + later, 500);
  });
});

describe("close codes", () => {
  const cases = [
    [1000, "reconnecting", 1250], [1001, "reconnecting", 1250], [1006, "reconnecting", 250], [1011, "reconnecting", 1250],
    [1012, "reconnecting", 1250], [1013, "reconnecting", 1250], [4408, "reconnecting", 250], [4429, "reconnecting", 1250],
    [4503, "reconnecting", 250], [4999, "reconnecting", 1250],
    // What this client has sent ended it: it comes back with less.
    [1002, "reconnecting", 1250], [1003, "reconnecting", 1250], [1007, "reconnecting", 1250], [4400, "reconnecting", 1250], [4413, "reconnecting", 1250],
    // A person has decided: the application, with its one token, or an operator.
    [4401, "refused"], [4403, "refused"], [4409, "refused"],
  ];
  for (const [code, name, after] of cases) {
    test(`${code}: ${name}${after ? ` after ${after} ms` : ""}`, async (t) => {
      const { server, client } = await start(t);
      await settle();
      server.newest.live();
      await pass(6000);
      server.newest.end(code);
      assert.equal(client.state.name, name);
      assert.equal(client.state.closeCode, code);
      if (after) assert.equal(client.state.retryAt - Date.now(), after);
      else assert.ok(client.state.action.length > 10, "says what to do");
      await pass(60_000);
      assert.equal(server.sockets.length > 1, after !== undefined);
    });
  }

  test("the table gives each code an advice", () => {
    for (const [code, { advice, action }] of Object.entries(closeCodes)) {
      assert.match(advice, /^(retry now|retry later|get a new token first|stop)$/);
      assert.equal(action !== "", advice === "stop" || advice === "get a new token first", code);
    }
  });

  test("a refused client tries again when told to", async (t) => {
    const { server, client, states } = await start(t);
    await settle();
    server.newest.open().give({ type: "error", code: "suspended", message: "the tenant is suspended" }).end(4403);
    assert.deepEqual([client.state.code, client.state.message], ["suspended", "the tenant is suspended"]);
    client.reconnect();
    await settle();
    server.newest.live();
    assert.deepEqual(states(), ["connecting", "refused", "connecting", "live"]);
  });
});

describe("backoff", () => {
  test("doubles to its cap and starts anew after a stable connection", async (t) => {
    const { server, client } = await start(t);
    await settle();
    const waits = [];
    for (let i = 0; i < 9; i++) {
      server.newest.end(1006);
      const wait = client.state.retryAt - Date.now();
      waits.push(wait);
      await pass(wait);
    }
    assert.deepEqual(waits, [250, 500, 1000, 2000, 4000, 8000, 15000, 15000, 15000]);
    server.newest.live();
    server.newest.end(1006); // at once: not stable
    assert.equal(client.state.retryAt - Date.now(), 15000);
    await pass(15000);
    server.newest.live();
    await pass(5000);
    server.newest.end(1006);
    assert.equal(client.state.retryAt - Date.now(), 250);
  });

  test("obeys the server's delay", async (t) => {
    const { server, client } = await start(t);
    await settle();
    server.newest.live();
    server.newest.give({ type: "error", code: "draining", message: "going away", retryAfterMs: 42_000 }).end(1012);
    assert.equal(client.state.code, "draining");
    await pass(42_000);
    assert.equal(server.sockets.length, 1);
    await pass(250);
    assert.equal(server.sockets.length, 2);
    assert.equal(client.state.retryAt, null, "trying now");
  });

  test("silence for two and a half heartbeats is the end of a socket", async (t) => {
    const { server, client } = await start(t);
    await settle();
    server.newest.live();
    for (let i = 0; i < 10; i++) {
      await pass(25_000);
      server.newest.give({ type: "heartbeat" });
    }
    assert.equal(client.state.name, "live");
    await pass(62_499);
    assert.equal(client.state.name, "live");
    await pass(1);
    assert.equal(client.state.name, "reconnecting");
    assert.notEqual(server.sockets[0].closedWith, undefined);
  });

  test("the network that is back, or the page that is shown, ends the waiting", async (t) => {
    const target = new EventTarget(), page = Object.assign(new EventTarget(), { visibilityState: "visible" });
    globalThis.addEventListener = target.addEventListener.bind(target);
    globalThis.removeEventListener = target.removeEventListener.bind(target);
    globalThis.document = page;
    t.after(() => { delete globalThis.addEventListener; delete globalThis.removeEventListener; delete globalThis.document; });
    const { server, client } = await start(t);
    await settle();
    for (let i = 0; i < 6; i++) {
      server.newest.end(1006);
      await pass(client.state.retryAt - Date.now());
    }
    server.newest.end(1006);
    const sockets = server.sockets.length;
    target.dispatchEvent(new Event("online"));
    await pass(0);
    assert.equal(server.sockets.length, sockets + 1);
    server.newest.live();

    // Shown again with a socket that died meanwhile: found out in seconds, not in a minute.
    page.dispatchEvent(new Event("visibilitychange"));
    await pass(5000);
    assert.equal(client.state.name, "reconnecting");
    await pass(client.state.retryAt - Date.now());
    server.newest.open().give({ type: "error", code: "unavailable", message: "no room", retryAfterMs: 9000 }).end(1013);
    const before = server.sockets.length;
    page.dispatchEvent(new Event("visibilitychange"));
    await pass(8999);
    assert.equal(server.sockets.length, before, "the server's delay holds");
    await pass(1);
    assert.equal(server.sockets.length, before + 1);
  });
});

describe("resume", () => {
  test("gives back the newest positions and asOf, and counts what was missed", async (t) => {
    const { server, client, of } = await start(t);
    const { items, subscription } = collect(client, "prices:fx");
    await settle();
    server.newest.live().give(message("prices:fx", now, "a"), message("prices:fx", now, "b-1"), { type: "heartbeat", asOf: now + 5 });
    await pass(6000);
    server.newest.end(1006);
    assert.equal(subscription.state.name, "pending");
    await pass(10_000);
    const at = Date.now();
    assert.deepEqual(server.newest.open().first, {
      id: 0, type: "connect", asOf: now + 5, subscriptions: [{ channel: "prices:fx", since: `${now}-b-1` }],
    });
    server.newest.welcome().give(
      { type: "ok", channel: "prices:fx", resumed: true, gap: false, position: `${now}-b-1` },
      message("prices:fx", at - 2000, "c"), message("prices:fx", at - 1000, "d"), message("prices:fx", at + 50, "e"),
    );
    assert.deepEqual([subscription.state.name, subscription.state.resumed, subscription.state.caughtUp], ["live", true, 2]);
    await pass(600);
    assert.deepEqual(of("resumed"), [{ caughtUp: 2, gaps: [] }]);
    assert.deepEqual(items.map((position) => parsePosition(position).id), ["a", "b-1", "c", "d", "e"]);
    assert.equal(subscription.position, `${at + 50}-e`);
  });

  test("asOf vouches only for channels that were answered where it was heard", async (t) => {
    const { server, client } = await start(t);
    client.subscribe("prices:fx", () => {});
    await settle();
    server.newest.live().give({ type: "heartbeat", asOf: now + 5 });
    client.subscribe("board:7", () => {}, { since: `${now - 9}-q` }); // never answered
    server.newest.end(1006);
    await pass(1000);
    server.newest.open().welcome();
    assert.deepEqual(server.newest.first.subscriptions.map(({ channel }) => channel), ["prices:fx"]);
    assert.equal(server.newest.first.asOf, now + 5);
    assert.deepEqual(server.newest.of("subscribe").map(({ channel, since, asOf }) => ({ channel, since, asOf })), [{ channel: "board:7", since: `${now - 9}-q`, asOf: undefined }]);
  });

  test("a gap is told where it is: on resume, and live", async (t) => {
    const { server, client, of } = await start(t);
    const { items } = collect(client, "prices:fx");
    await settle();
    server.newest.live().give(message("prices:fx", now, "a"));
    server.newest.end(4503);
    await pass(1000);
    server.newest.live({ gap: true, resumed: false, position: `${now + 100}-x` }).give(
      message("prices:fx", now + 200, "m"), { type: "notice", code: "gap", channel: "prices:fx", position: `${now + 250}-` }, message("prices:fx", now + 300, "n"),
    );
    assert.deepEqual(items, [`${now}-a`, "gap resume", `${now + 200}-m`, "gap live", `${now + 300}-n`]);
    assert.deepEqual(of("gap").map(({ channel, reason }) => [channel, reason]), [["prices:fx", "resume"], ["prices:fx", "live"]]);
    await pass(700);
    assert.deepEqual(of("resumed")[0].gaps, ["prices:fx"]);
  });

  test("after a gap the client stands where the server says, though its clock went back", async (t) => {
    const { server, client } = await start(t);
    const { items } = collect(client, "prices:fx");
    await settle();
    server.newest.live().give(message("prices:fx", now, "a"));
    server.newest.end(1006);
    await pass(1000);
    server.newest.live({ gap: true, resumed: false, position: `${now - 5000}-` }).give(message("prices:fx", now - 4000, "b"));
    assert.deepEqual(items, [`${now}-a`, "gap resume", `${now - 4000}-b`]);
  });

  test("repeated IDs are dropped, in bounded memory, per channel", async (t) => {
    const { server, client } = await start(t, { remember: 3 });
    const { items } = collect(client, "prices:fx");
    const other = collect(client, "prices:eq");
    await settle();
    server.newest.live();
    for (const id of ["a", "b", "a", "c", "b"]) server.newest.give(message("prices:fx", now, id));
    server.newest.give(message("prices:eq", now, "a"));
    assert.deepEqual(items.map((position) => parsePosition(position).id), ["a", "b", "c"]);
    assert.equal(other.items.length, 1);
    for (const id of "defghi") server.newest.give(message("prices:fx", now, id));
    server.newest.give(message("prices:fx", now, "a"));
    assert.equal(items.length, 10, "forgotten: more than twice `remember` came between");
  });

  test("positions outlive the page in a storage, but not what its iterator has not read", async (t) => {
    const kept = new Map();
    const storage = { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value) };
    const { server, client } = await start(t, { storage });
    client.subscribe("prices:fx", () => {});
    const iterator = client.subscribe("board:7");
    await settle();
    server.newest.live();
    for (const { id, channel } of server.newest.of("subscribe")) server.newest.give({ type: "ok", id, channel, resumed: false, gap: false, position: `${now}-` });
    server.newest.give(message("prices:fx", now, "a"), message("board:7", now, "p"), message("board:7", now + 1, "q"), { type: "heartbeat", asOf: now + 2 });
    await iterator.next();
    await pass(1000);
    assert.deepEqual(JSON.parse(kept.get('tidewire:wss://example.com/v1/socket:["acme","ann"]')), { v: 1, channels: { "prices:fx": [`${now}-a`, now + 2], "board:7": [`${now}-p`, null] } });
    client.close();

    const second = fakeServer();
    const again = new Tidewire({ url: "wss://example.com/v1/socket", WebSocket: second.WebSocket, storage });
    t.after(() => again.close());
    again.subscribe("prices:fx", () => {});
    again.subscribe("board:7", () => {});
    await settle();
    second.newest.open().welcome();
    assert.deepEqual(second.newest.first.subscriptions, [], "whose positions they are is not known yet");
    assert.deepEqual(second.newest.of("subscribe").map(({ since, asOf }) => [since, asOf]), [[`${now}-a`, now + 2], [`${now}-p`, undefined]]);
  });

  test("a storage that fails is reported once and does no harm", async (t) => {
    const storage = { getItem: () => "{broken", setItem: () => { throw new Error("full"); } };
    const { server, client, of } = await start(t, { storage });
    const { subscription } = collect(client, "prices:fx");
    await settle();
    server.newest.live();
    const [{ id, since }] = server.newest.of("subscribe");
    assert.equal(since, undefined);
    server.newest.give({ type: "ok", id, channel: "prices:fx", resumed: false, gap: false, position: `${now}-` });
    assert.deepEqual([subscription.state.gap, of("gap").length], [true, 1], "where it stood is lost: something may be missing");
    for (let i = 0; i < 5; i++) {
      server.newest.give(message("prices:fx", now + i, `${i}`));
      await pass(1000);
    }
    assert.equal(of("error").length, 2);
    assert.equal(client.state.name, "live");
  });
});

describe("subscriptions", () => {
  test("two readers share a channel; the last one to leave ends it", async (t) => {
    const { server, client } = await start(t);
    const a = collect(client, "prices:fx"), b = collect(client, "prices:fx");
    await settle();
    server.newest.live().give(message("prices:fx", now, "a"));
    assert.equal(server.newest.first.subscriptions.length, 1);
    a.subscription.unsubscribe();
    assert.deepEqual(server.newest.of("unsubscribe"), []);
    server.newest.give(message("prices:fx", now, "b"));
    b.subscription.unsubscribe();
    assert.equal(server.newest.of("unsubscribe")[0].channel, "prices:fx");
    assert.deepEqual([a.items.length, b.items.length], [1, 2]);
    assert.equal(b.subscription.state.name, "closed");
  });

  test("one that is left and taken up again is a new one", async (t) => {
    const { server, client } = await start(t);
    const a = collect(client, "prices:fx");
    await settle();
    server.newest.open().welcome();
    a.subscription.unsubscribe();
    const b = collect(client, "prices:fx");
    const [{ id }] = server.newest.of("subscribe");
    server.newest.give({ type: "error", code: "not-found", channel: "prices:fx", message: "unsubscribed before it was answered" }); // the first frame's
    server.newest.give({ type: "ok", id, channel: "prices:fx", resumed: false, gap: false, position: `${now}-` }, message("prices:fx", now + 1, "a"));
    assert.equal((await b.subscription.ready).state.name, "live");
    assert.deepEqual([a.items.length, b.items.length], [0, 1]);
  });

  test("forbidden is said on the subscription, and once", async (t) => {
    const { server, client, of } = await start(t);
    const subscription = client.subscribe("secret:x");
    const next = subscription.next();
    await settle();
    server.newest.open().welcome().give({ type: "error", code: "forbidden", channel: "secret:x", message: "no grant" });
    await assert.rejects(subscription.ready, (error) => error instanceof TidewireError && error.code === "forbidden" && error.channel === "secret:x");
    await assert.rejects(next, { code: "forbidden" });
    assert.deepEqual([subscription.state.name, subscription.state.code], ["refused", "forbidden"]);
    assert.equal(of("error").length, 1);
    server.newest.end(1006);
    await pass(1000);
    assert.equal(server.newest.open().first, undefined, "nothing is asked for, and the token is in the handshake");
  });

  for (const code of ["unavailable", "limited"]) {
    test(`${code} is tried again when the server says`, async (t) => {
      const { server, client } = await start(t);
      await settle();
      server.newest.live();
      const { subscription } = collect(client, "prices:fx");
      server.newest.give({ type: "error", id: server.newest.last.id, code, message: "later", retryAfterMs: 3000 });
      await settle();
      assert.deepEqual([subscription.state.name, subscription.state.code, subscription.state.retryAt], ["waiting", code, now + 3250]);
      await pass(3249);
      assert.equal(server.newest.of("subscribe").length, 1);
      await pass(1);
      server.newest.give({ type: "ok", id: server.newest.last.id, channel: "prices:fx", resumed: false, gap: false, position: `${now}-` });
      await settle();
      assert.equal(subscription.state.name, "live");
    });
  }

  test("a first frame that is refused is asked for again, one by one", async (t) => {
    const { server, client } = await start(t);
    const a = collect(client, "prices:fx"), b = collect(client, "secret:x");
    await settle();
    server.newest.open().welcome().give({ type: "error", id: 0, code: "limited", message: "over 50 subscribes per second", retryAfterMs: 700 });
    assert.equal(a.subscription.state.name, "waiting");
    await pass(950);
    const [one, two] = server.newest.of("subscribe");
    server.newest.give({ type: "ok", id: one.id, channel: "prices:fx", resumed: false, gap: false, position: `${now}-` });
    server.newest.give({ type: "error", id: two.id, channel: "secret:x", code: "forbidden", message: "no grant" });
    assert.deepEqual([a.subscription.state.name, b.subscription.state.name], ["live", "refused"]);
  });

  test("a new token may end it", async (t) => {
    const { server, client, of } = await start(t);
    const { subscription } = collect(client, "prices:fx");
    await settle();
    server.newest.live().give({ type: "error", channel: "prices:fx", code: "forbidden", message: "the new token does not grant it" });
    assert.deepEqual([subscription.state.name, of("error")[0].code], ["refused", "forbidden"]);
  });

  test("limited for good is a refusal", async (t) => {
    const { server, client } = await start(t);
    const { subscription } = collect(client, "prices:fx");
    await settle();
    server.newest.open().welcome().give({ type: "error", code: "limited", limit: "subscriptionsPerConnection", channel: "prices:fx", message: "128 already" });
    await assert.rejects(subscription.ready, { code: "limited", limit: "subscriptionsPerConnection" });
  });

  test("what a callback throws stops nothing", async (t) => {
    const { server, client } = await start(t);
    const thrown = [];
    globalThis.reportError = (error) => thrown.push(error.message); // as browsers have it
    t.after(() => { delete globalThis.reportError; });
    client.subscribe("prices:fx", (m) => { throw new Error(m.data.id); });
    client.subscribe("prices:fx", async (m) => { throw new Error(`${m.data.id} later`); });
    const { items } = collect(client, "prices:fx");
    await settle();
    server.newest.live().give(message("prices:fx", now, "a"), message("prices:fx", now, "b"));
    await settle();
    assert.deepEqual(thrown, ["a", "b", "a later", "b later"]);
    assert.equal(items.length, 2);
  });
});

describe("iterator", () => {
  const ids = (items) => items.map(({ type, data, count }) => (type === "message" ? data.id : `${type}${count ?? ""}`));
  async function take(subscription, count) {
    const items = [];
    for (let i = 0; i < count; i++) items.push((await subscription.next()).value);
    return ids(items);
  }

  test("yields messages and gaps in order, and leaves when the loop does", async (t) => {
    const { server, client } = await start(t);
    const subscription = client.subscribe("prices:fx");
    await settle();
    server.newest.live().give(message("prices:fx", now, "a"), { type: "notice", code: "gap", channel: "prices:fx", position: `${now}-` }, message("prices:fx", now, "b"));
    const seen = [];
    for await (const item of subscription) if (seen.push(item) === 3) break;
    assert.deepEqual(ids(seen), ["a", "gap", "b"]);
    assert.equal(server.newest.of("unsubscribe").length, 1);
    assert.deepEqual(await subscription.next(), { done: true, value: undefined });
  });

  test("drop-oldest bounds the queue and says how many went", async (t) => {
    const { server, client } = await start(t);
    const subscription = client.subscribe("prices:fx", { buffer: 3 });
    await settle();
    server.newest.live();
    for (const id of "abcdef") server.newest.give(message("prices:fx", now, id));
    assert.deepEqual(await take(subscription, 4), ["dropped3", "d", "e", "f"]);
  });

  test("conflate keeps the newest of each key", async (t) => {
    const { server, client } = await start(t);
    const subscription = client.subscribe("prices:fx", { buffer: 3, overflow: "conflate" });
    await settle();
    server.newest.live();
    for (const [id, key] of [["a", "EUR"], ["b", "USD"], ["c", "EUR"], ["d", "EUR"], ["e", "GBP"]]) server.newest.give(message("prices:fx", now, id, { key }));
    assert.deepEqual(await take(subscription, 3), ["b", "d", "e"]);
  });

  test("ends when the client is closed", async (t) => {
    const { client } = await start(t);
    const next = client.subscribe("prices:fx").next();
    client.close();
    assert.deepEqual(await next, { done: true, value: undefined });
  });

  test("an event for the user comes once, and needs no subscription", async (t) => {
    const { server, client } = await start(t);
    const got = [];
    client.on("direct", ({ event, data }) => got.push([event, data]));
    const direct = (event) => ({ type: "direct", event, time: now, data: { by: "bob" } });
    await settle();
    server.newest.live().give(direct("e1"), direct("e2"), direct("e1"));
    await settle();
    assert.deepEqual(got, [["e1", { by: "bob" }], ["e2", { by: "bob" }]]);
  });

  test("the server's dropped notice is in its place", async (t) => {
    const { server, client, of } = await start(t);
    const subscription = client.subscribe("prices:fx");
    await settle();
    server.newest.live().give(message("prices:fx", now, "a"), { type: "notice", code: "dropped", channel: "prices:fx", count: 7 }, message("prices:fx", now, "z"));
    assert.deepEqual(await take(subscription, 3), ["a", "dropped7", "z"]);
    assert.deepEqual(of("dropped"), [{ type: "dropped", channel: "prices:fx", count: 7, by: "server" }]);
  });
});

describe("requests", () => {
  test("publish and call are answered by id", async (t) => {
    const { server, client } = await start(t);
    await settle();
    server.newest.live();
    const published = client.publish("board:7", { x: 1 }, { key: "cursor:ann", tags: { a: "b" }, event: "e1" });
    const called = client.call("orders.place", { n: 2 });
    await settle();
    const [publish] = server.newest.of("publish"), [call] = server.newest.of("call");
    assert.deepEqual(publish, { id: publish.id, type: "publish", refusals: 0, channel: "board:7", data: { x: 1 }, key: "cursor:ann", tags: { a: "b" }, event: "e1" });
    server.newest.give({ type: "ok", id: call.id, data: { placed: true } }, { type: "ok", id: publish.id, event: "e1" });
    assert.deepEqual(await published, { event: "e1" });
    assert.deepEqual(await called, { placed: true });
  });

  test("a condition is sent, and what became of it is told", async (t) => {
    const { server, client } = await start(t);
    await settle();
    server.newest.live();
    await settle();
    const lock = client.publish("lock:board", { holder: "ann" }, { key: "lock:7", ttl: "30s", event: "e1", if: "absent" });
    assert.deepEqual(server.newest.last.if, "absent");
    server.newest.give({ type: "ok", id: server.newest.last.id, event: "e1", applied: false, position: "1767225600123-e0" });
    assert.deepEqual(await lock, { event: "e1", applied: false, position: "1767225600123-e0" });
    client.publish("lock:board", undefined, { key: "lock:7", delete: true, if: { position: "1767225600123-e0" } }).catch(() => {});
    assert.deepEqual(server.newest.last.if, { position: "1767225600123-e0" });
    for (const condition of ["never", 7, {}, { position: 7 }, null]) await assert.rejects(client.publish("lock:board", 1, { key: "k", if: condition }), { code: "bad-request" });
  });

  test("a publish says what its event is, or what it removes", async (t) => {
    const { server, client } = await start(t);
    await settle();
    server.newest.live();
    const described = { key: "v7", ttl: "30s", eventType: "com.example.position", source: "//trackers/v7", contentType: "text/plain" };
    client.publish("fleet:eu", "48.1", described).catch(() => {});
    client.publish("fleet:eu", undefined, { key: "v7", delete: true }).catch(() => {});
    client.publish("fleet:eu", 1, { key: "v7", delete: false }).catch(() => {});
    await settle();
    const [set, remove, plain] = server.newest.of("publish").map(({ id: _id, refusals: _refusals, type: _type, ...frame }) => frame);
    assert.deepEqual(set, { channel: "fleet:eu", data: "48.1", ...described });
    assert.deepEqual(remove, { channel: "fleet:eu", key: "v7", delete: true });
    assert.deepEqual(plain, { channel: "fleet:eu", data: 1, key: "v7" });
    for (const [data, options] of [[1, { key: "v7", delete: true }], [1, { delete: "yes" }], [1, { eventType: "x".repeat(257) }], [1, { source: 7 }], [1, { ttl: 30 }]]) {
      await assert.rejects(client.publish("fleet:eu", data, options), { code: "bad-request" });
    }
  });

  test("without a connection they are refused, unless they may wait", async (t) => {
    const { server, client } = await start(t);
    await assert.rejects(client.publish("board:7", 1), { code: "unavailable" });
    const waits = client.publish("board:7", 1, { wait: true });
    await settle();
    server.newest.live();
    await settle();
    const [{ id, event }] = server.newest.of("publish");
    assert.match(event, /^[0-9a-f]{32}$/);
    server.newest.give({ type: "ok", id, event });
    assert.deepEqual(await waits, { event });
  });

  test("a lost connection: one that may wait is sent again with its event, the rest are told", async (t) => {
    const { server, client } = await start(t);
    await settle();
    server.newest.live();
    const waits = client.publish("board:7", 1, { wait: true });
    const plain = client.publish("board:7", 2);
    const call = client.call("orders.place", {}, { wait: true });
    await settle();
    const { event } = server.newest.of("publish")[0];
    server.newest.end(1006);
    await assert.rejects(plain, { code: "unavailable", lost: true });
    await assert.rejects(call, { code: "unavailable", lost: true }, "may have been done already");
    await pass(1000);
    server.newest.live();
    await settle();
    const again = server.newest.of("publish");
    assert.deepEqual(again.map((frame) => frame.event), [event]);
    server.newest.give({ type: "ok", id: again[0].id, event });
    assert.deepEqual(await waits, { event });
  });

  test("limited: the error says when, and one that may wait does", async (t) => {
    const { server, client } = await start(t);
    await settle();
    server.newest.live();
    const plain = client.publish("board:7", 1), waits = client.publish("board:7", 2, { wait: true });
    await settle();
    for (const { id } of server.newest.of("publish")) server.newest.give({ type: "error", id, code: "limited", message: "slower", retryAfterMs: 500, limit: "publishesPerSecond" });
    await assert.rejects(plain, { code: "limited", retryAfterMs: 500, limit: "publishesPerSecond" });
    await pass(500);
    const { id, event } = server.newest.last;
    assert.equal(server.newest.of("publish").length, 3);
    server.newest.give({ type: "ok", id, event });
    await waits;
  });

  test("time and number are bounded", async (t) => {
    const { server, client } = await start(t, { maxPending: 2 });
    const first = client.publish("board:7", 1, { wait: true, timeoutMs: 1000 });
    await settle();
    server.newest.live();
    const second = client.call("slow", null, { timeoutMs: 2000 });
    await assert.rejects(client.call("more"), { code: "limited", limit: "maxPending" });
    await settle();
    const failed = Promise.all([assert.rejects(first, { code: "timeout" }), assert.rejects(second, { code: "timeout" })]);
    await pass(2000);
    await failed;
    const third = client.call("now");
    await settle();
    server.newest.give({ type: "ok", id: server.newest.last.id, data: 1 });
    assert.equal(await third, 1);
  });

  test("a frame over the server's limit is not sent: it would cost the connection", async (t) => {
    const { server, client } = await start(t);
    await settle();
    server.newest.live();
    await assert.rejects(client.publish("board:7", "é".repeat(33_000)), { code: "too-large", limit: "messageBytes" });
    assert.equal(server.newest.of("publish").length, 0);
  });

  test("frames go at the server's pace, in their order", async (t) => {
    const { server, client } = await start(t);
    for (let i = 0; i < 120; i++) client.publish("board:7", i, { wait: true }).catch(() => {});
    await settle();
    server.newest.live();
    await settle();
    assert.equal(server.newest.of("publish").length, 49);
    client.publish("board:7", 120).catch(() => {});
    for (let i = 0; i < 20; i++) await pass(100);
    assert.deepEqual(server.newest.of("publish").map(({ data }) => data), Array.from({ length: 121 }, (_, i) => i));
  });

  test("nothing is left waiting after close", async (t) => {
    const { client } = await start(t);
    const waits = client.publish("board:7", 1, { wait: true });
    client.close();
    await assert.rejects(waits, { code: "closed" });
    assert.throws(() => client.subscribe("x", () => {}), { code: "closed" });
  });
});

describe("presence", () => {
  test("keeps the members through changes and reconnects", async (t) => {
    const { server, client } = await start(t);
    const views = [];
    const stop = client.presence("board:7", ({ members, joined, left, count }) => views.push([members.map(({ user }) => user), joined.length, left.length, count]));
    await settle();
    server.newest.live();
    const answer = (members) => server.newest.give({ type: "ok", id: server.newest.of("presence").at(-1).id, channel: "board:7", members: members.map((user) => ({ user })), count: members.length });
    answer(["ann", "bob"]);
    await settle();
    server.newest.give({ type: "presence", channel: "board:7", joined: [{ user: "cy" }], left: [{ user: "ann" }], count: 2 });
    server.newest.end(1006);
    await pass(1000);
    server.newest.live();
    answer(["bob"]);
    await settle();
    assert.deepEqual(views, [[["ann", "bob"], 0, 0, 2], [["bob", "cy"], 1, 1, 2], [["bob"], 0, 0, 1]]);
    stop();
    assert.equal(server.newest.last.watch, false);
  });

  test("members are connections, have data, and are too many", async (t) => {
    const { server, client } = await start(t);
    let view;
    client.presence("board:7", (now) => { view = now; });
    await settle();
    server.newest.live();
    const give = (frame) => server.newest.give({ type: "presence", channel: "board:7", ...frame });
    server.newest.give({ type: "ok", id: server.newest.of("presence").at(-1).id, channel: "board:7", members: [{ user: "ann", connection: "c1" }, { user: "ann", connection: "c2" }], count: 2 });
    await settle();
    assert.deepEqual(view.members.map(({ connection }) => connection), ["c1", "c2"]);
    give({ joined: [], left: [], updated: [{ user: "ann", connection: "c2", data: { x: 1 } }], count: 2 });
    await settle();
    assert.deepEqual([view.members[1].data, view.updated.length, view.truncated], [{ x: 1 }, 1, false]);
    give({ joined: [], left: [{ user: "ann", connection: "c1" }], count: 1 });
    await settle();
    assert.deepEqual(view.members.map(({ connection }) => connection), ["c2"]);
    give({ members: null, count: 4000, truncated: true });
    await settle();
    assert.deepEqual([view.count, view.truncated], [4000, true]);
    give({ members: [{ user: "bob", connection: "c9" }], count: 1 });
    await settle();
    assert.deepEqual([view.members, view.truncated], [[{ user: "bob", connection: "c9" }], false]);
  });

  test("what was entered is entered again on each connection, with the newest data, until it is left", async (t) => {
    const { server, client, of } = await start(t);
    const entry = client.enter("board:7", { name: "Ann" }), second = client.enter("board:7", { name: "Ann B." });
    await settle();
    server.newest.live();
    const asked = () => server.newest.of("presence").map(({ enter, leave, watch }) => enter ?? leave ?? watch);
    const answer = () => { for (const { id } of server.newest.of("presence")) server.newest.give({ type: "ok", id, channel: "board:7" }); };
    assert.deepEqual(asked(), [{ name: "Ann B." }]);
    answer();
    await Promise.all([entry.ready, second.ready]);
    entry.update({ name: "Ann C." });
    await settle();
    assert.deepEqual(asked().at(-1), { name: "Ann C." });
    assert.throws(() => entry.update("x".repeat(1100)), { code: "bad-request" });
    server.newest.end(1006);
    await pass(1000);
    server.newest.live();
    await settle();
    assert.deepEqual(asked(), [{ name: "Ann C." }]);
    answer();
    entry.leave();
    await settle();
    assert.deepEqual(asked(), [{ name: "Ann C." }]); // the other is still in
    second.leave();
    second.leave();
    await settle();
    assert.deepEqual(asked(), [{ name: "Ann C." }, true]);
    const refused = client.enter("board:8", null);
    await settle();
    server.newest.give({ type: "error", id: server.newest.last.id, code: "forbidden", message: "no grant" });
    await assert.rejects(refused.ready, { code: "forbidden", channel: "board:8" });
    await assert.rejects(client.enter("not a channel", 1).ready, { code: "bad-request" });
    await settle();
    assert.deepEqual(of("error").map(({ code, channel }) => [code, channel]), [["forbidden", "board:8"], ["bad-request", "not a channel"]]);
  });

  test("forbidden is an error with the channel", async (t) => {
    const { server, client, of } = await start(t);
    client.presence("board:7", () => {});
    await settle();
    server.newest.live();
    server.newest.give({ type: "error", id: server.newest.last.id, code: "forbidden", message: "no grant" });
    await settle();
    assert.deepEqual(of("error").map(({ code, channel }) => [code, channel]), [["forbidden", "board:7"]]);
  });
});

describe("token", () => {
  const provider = (tokens) => {
    const asked = [];
    return { asked, token: async (why) => { asked.push(why.rejected); return tokens.shift(); } };
  };

  test("is renewed in-band well before its end", async (t) => {
    const { asked, token } = provider(["t1", "t2", "t3"]);
    const { server, client } = await start(t, { token });
    await settle();
    server.newest.open().welcome({ expiresAt: now + 600_000 });
    for (let ms = 0; ms < 480_000; ms += 20_000) {
      await pass(20_000);
      server.newest.give({ type: "heartbeat" });
    }
    const [refresh] = server.newest.of("refresh");
    assert.equal(refresh.token, "t2");
    server.newest.give({ type: "ok", id: refresh.id, expiresAt: now + 1_200_000 });
    await settle();
    assert.equal(client.state.expiresAt, now + 1_200_000);
    assert.deepEqual(asked, [false, false]);
    assert.equal(server.sockets.length, 1);
  });

  test("in hand is used again while it is good", async (t) => {
    const { asked, token } = provider(["t1", "t2"]);
    const { server } = await start(t, { token });
    await settle();
    server.newest.open().welcome({ expiresAt: now + 600_000 });
    server.newest.end(1006);
    await pass(1000);
    assert.deepEqual(server.newest.protocols, ["tidewire.v1.json", "bearer.t1"]);
    assert.equal(asked.length, 1);
  });

  test("that was refused is replaced, as often as it takes; after three a person is asked to sign in", async (t) => {
    const { asked, token } = provider(["t1", "t2", "t3", "t4", "t5"]);
    const { server, client } = await start(t, { token });
    await settle();
    for (let i = 1; i <= 4; i++) {
      server.newest.open().give({ type: "error", code: "expired", message: "the token has ended" }).end(4401);
      assert.deepEqual([client.state.name, client.state.code], ["reconnecting", "expired"]);
      assert.equal(client.state.action, i < 3 ? undefined : "Sign in again.");
      await pass(30_000);
    }
    assert.deepEqual(asked, [false, true, true, true, true]);
    server.newest.live();
    assert.equal(client.state.name, "live");
  });

  test("that was refused and is all that the provider has is shown again, but slowly", async (t) => {
    const { server, client } = await start(t, { token: async () => "same" });
    await settle();
    for (let i = 0; i < 3; i++) {
      server.newest.open().end(4401);
      await pass(client.state.retryAt - Date.now());
    }
    assert.equal(server.sockets.length, 4, "the server may have been wrong about it");
    server.newest.live();
    assert.equal(client.state.name, "live");
  });

  test("of a provider that says there is none is a refusal; one that fails is asked again", async (t) => {
    let answer = () => { throw new Error("no network"); };
    const { server, client, of } = await start(t, { token: async () => answer() });
    await settle();
    assert.equal(client.state.name, "reconnecting");
    assert.equal(of("error").at(-1).message, "no network");
    for (const nothing of [undefined, "", "<!doctype html><h1>502 Bad Gateway</h1>", 7, { token: "t" }, "a b", "x".repeat(20_000)]) {
      answer = () => nothing;
      await pass(40_000);
      assert.equal(client.state.name, "reconnecting", `${nothing}`);
      assert.match(of("error").at(-1).message, /token/);
    }
    assert.equal(server.sockets.length, 0);
    answer = () => null;
    await pass(40_000);
    assert.deepEqual([client.state.name, client.state.code], ["refused", "unauthorized"]);
    answer = () => "t9\n";
    client.reconnect();
    await settle();
    assert.equal(server.newest.protocols[1], "bearer.t9");
  });

  test("can be given by hand, connected or not", async (t) => {
    const { server, client } = await start(t);
    await settle();
    server.newest.live();
    const done = client.refresh("t2");
    server.newest.give({ type: "ok", id: server.newest.of("refresh")[0].id, expiresAt: now + 5 });
    await done;
    server.newest.end(4401);
    assert.equal(client.state.name, "refused");
    await client.refresh("t3");
    await settle();
    assert.equal(server.newest.protocols[1], "bearer.t3");
  });

  test("that ends in fifty years does not end at once", async (t) => {
    const { asked, token } = provider(["t1", "t2"]);
    const { server } = await start(t, { token });
    await settle();
    server.newest.open().welcome({ expiresAt: now + 50 * 365 * 86_400_000 });
    await pass(1000);
    assert.equal(asked.length, 1);
  });
});

describe("clock and latency", () => {
  test("a clock that is 90 s ahead does not show in the latency", async (t) => {
    const { server, client } = await start(t);
    const seen = [];
    client.subscribe("prices:fx", (m) => seen.push(m.latencyMs));
    await settle();
    server.newest.live();
    const [ping] = server.newest.of("ping");
    await pass(20);
    server.newest.give({ type: "pong", id: ping.id }); // a round trip of 20 ms
    assert.equal(client.latency.sure, false);
    for (const [i, way] of [10, 10, 60, 10, 10, 10, 10, 10, 10, 10].entries()) {
      await pass(100);
      server.newest.give(message("prices:fx", Date.now() - 90_000 - way, `m${i}`));
    }
    assert.deepEqual(client.clock, { offsetMs: 90_000, uncertaintyMs: 10, sure: true });
    assert.deepEqual(seen.slice(1, 4), [10, 60, 10]);
    assert.deepEqual(client.latency, { lastMs: 10, p50Ms: 10, p99Ms: 60, count: 10, uncertaintyMs: 10, sure: true });
  });

  test("without any message nothing is claimed", async (t) => {
    const { client } = await start(t);
    assert.deepEqual(client.latency, { lastMs: null, p50Ms: null, p99Ms: null, count: 0, uncertaintyMs: null, sure: false });
  });
});

test("frames of a newer server are ignored, what is no frame ends the socket", async (t) => {
  const { server, client } = await start(t);
  await settle();
  server.newest.live().give({ type: "weather", sun: true });
  assert.equal(client.state.name, "live");
  server.newest.onmessage({ data: "<html>" });
  assert.equal(client.state.name, "reconnecting");
});

test("an error that neither answers nor closes is told", async (t) => {
  const { server, of } = await start(t);
  await settle();
  server.newest.live().give({ type: "error", code: "bad-request", message: "connect: again?" });
  await pass(1000);
  assert.deepEqual(of("error").map(({ code }) => code), ["bad-request"]);
});

test("close leaves nothing behind: no timer, no socket, no second close", async (t) => {
  const { server, client, states } = await start(t);
  await settle();
  server.newest.live();
  client.close();
  client.close();
  await pass(3_600_000);
  assert.equal(server.sockets.length, 1);
  assert.equal(server.newest.closedWith, 1000);
  assert.deepEqual(states(), ["connecting", "live", "closed"]);
});

describe("maxBytesPerSecond", () => {
  test("is asked for on each connection, and can be changed", async (t) => {
    fakeTime(t);
    const server = fakeServer(), client = connect("https://example.com", { WebSocket: server.WebSocket, token: "h.p.s", maxBytesPerSecond: 7000 });
    t.after(() => client.close());
    await pass(1);
    server.newest.open();
    assert.equal(server.newest.first.maxBytesPerSecond, 7000, "also with the token in the handshake");
    server.newest.welcome();
    const tuned = client.tune({ maxBytesPerSecond: 9000 });
    const { id, ...frame } = server.newest.last;
    assert.deepEqual(frame, { type: "tune", maxBytesPerSecond: 9000 });
    server.newest.give({ type: "ok", id, maxBytesPerSecond: 9000 });
    assert.deepEqual(await tuned, { maxBytesPerSecond: 9000 });
    server.newest.end(1006);
    await pass(2000);
    assert.equal(server.newest.open().first.maxBytesPerSecond, 9000);
    for (const wrong of [0, -1, 999, 1e12, NaN, 1000.5, "7000"]) {
      await assert.rejects(client.tune({ maxBytesPerSecond: wrong }), { code: "bad-request", message: /^maxBytesPerSecond: must be an integer from 1000 to 1000000000, got / });
      assert.throws(() => connect("https://example.com", { WebSocket: server.WebSocket, maxBytesPerSecond: wrong }), { code: "bad-request" });
    }
  });
});
