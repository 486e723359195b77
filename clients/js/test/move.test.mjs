// Moves and cuts: nothing lost, nothing twice, nothing out of order.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { connect, parsePosition } from "../tidewire.js";
import { fakeServer, fakeTime, message, pass, record, settle } from "./fake.mjs";

const now = 1_800_000_000_000;
const move = { type: "move", afterMs: 2000 };

async function start(t, ...channels) {
  fakeTime(t);
  const server = fakeServer();
  const client = connect("wss://example.com", { WebSocket: server.WebSocket, token: "t1" });
  t.after(() => client.close());
  const ids = [];
  for (const channel of channels) client.subscribe(channel, (m) => ids.push(m.data.id), { onGap: () => ids.push("gap") });
  await settle();
  server.newest.live();
  return { server, client, ids, said: record(client, "move", "state", "error") };
}

describe("move", () => {
  test("opens the second socket before the first is closed, and resumes with the newest positions there", async (t) => {
    const { server, client, ids, said } = await start(t, "prices:fx");
    const [a] = server.sockets;
    a.give(message("prices:fx", now, "1"), move);
    await pass(1999);
    assert.equal(server.sockets.length, 1);
    await pass(1);
    const [, b] = server.sockets;
    a.give(message("prices:fx", now + 1, "2"));
    b.open();
    assert.deepEqual(b.first.subscriptions, [{ channel: "prices:fx", since: `${now + 1}-2` }]);
    a.give(message("prices:fx", now + 2, "3")); // on its way while the new one is answered
    b.welcome();
    assert.equal(a.closedWith, undefined);
    b.give({ type: "ok", channel: "prices:fx", resumed: true, gap: false, position: `${now + 1}-2` });
    b.give(message("prices:fx", now + 2, "3"), message("prices:fx", now + 3, "4"));
    await pass(5000);
    assert.equal(a.closedWith, 1000);
    a.onmessage({ data: JSON.stringify(message("prices:fx", now + 9, "late")) });
    assert.deepEqual(ids, ["1", "2", "3", "4"]);
    assert.equal(client.state.connection, "c1");
    assert.deepEqual(said.map(([type, { phase, name }]) => phase ?? name), ["planned", "live", "done"]);
  });

  test("a new link that lags is skipped up to where the old one was, beyond any memory of IDs", async (t) => {
    fakeTime(t);
    const server = fakeServer(), ids = [];
    const client = connect("wss://example.com", { WebSocket: server.WebSocket, remember: 5 });
    t.after(() => client.close());
    client.subscribe("prices:fx", (m) => ids.push(Number(m.data.id)));
    await settle();
    const a = server.newest.live();
    a.give(message("prices:fx", now, "0"), { ...move, afterMs: 0 });
    await pass(0);
    const b = server.newest.open().welcome();
    const stream = Array.from({ length: 100 }, (_, i) => message("prices:fx", now + 1 + i, `${i + 1}`));
    a.give(...stream.slice(0, 90));
    b.give({ type: "ok", channel: "prices:fx", resumed: true, gap: false, position: `${now}-0` }, ...stream);
    assert.deepEqual(ids, Array.from({ length: 101 }, (_, i) => i));
  });

  test("channel by channel: the old link is read until the new one has answered", async (t) => {
    const { server, ids } = await start(t, "prices:fx", "board:7");
    const [a] = server.sockets;
    a.give({ ...move, afterMs: 0 });
    await pass(0);
    const b = server.newest.open().welcome();
    b.give({ type: "ok", channel: "prices:fx", resumed: true, gap: false, position: `${now}-` });
    a.give(message("prices:fx", now + 1, "fx1"), message("board:7", now + 1, "b1"));
    b.give(message("prices:fx", now + 1, "fx1"), message("board:7", now + 1, "too early: not answered"));
    assert.deepEqual(ids, ["b1", "fx1"]);
    assert.equal(a.closedWith, undefined);
    b.give({ type: "ok", channel: "board:7", resumed: true, gap: false, position: `${now}-` }, message("board:7", now + 1, "b1"), message("board:7", now + 2, "b2"));
    await pass(5000);
    assert.equal(a.closedWith, 1000);
    assert.deepEqual(ids, ["b1", "fx1", "b2"]);
  });

  for (const [name, { oks, closes, want }] of Object.entries({
    "further on": { oks: [[10, 11], [15, 16]], want: ["11", "gap", "16"] },
    "from where the old one is": { oks: [[10, 11], [11, 12]], want: ["11", "12"] },
    "further back": { oks: [[12, 13], [10, 11, 12, 13, 14]], want: ["13", "14"] },
    "first, and is lost, after which all is resumed by another": { oks: [[15, 16], [10, 11]], closes: true, want: ["11"] },
    "first, and stays": { oks: [[10, 11, 12, 13], [12, 13]], want: ["13"] },
  })) {
    test(`both links are asked before there is a position, and the new one begins ${name}`, async (t) => {
      fakeTime(t);
      const server = fakeServer(), ids = [];
      const client = connect("wss://example.com", { WebSocket: server.WebSocket });
      t.after(() => client.close());
      client.subscribe("prices:fx", (m) => ids.push(m.data.id), { onGap: () => ids.push("gap") });
      client.subscribe("board:7", () => {}); // that is not answered, so that the move goes on
      await settle();
      const a = server.newest.open().welcome();
      a.give({ ...move, afterMs: 0 });
      await pass(0);
      const b = server.newest.open().welcome();
      assert.deepEqual(b.first.subscriptions, [{ channel: "prices:fx" }, { channel: "board:7" }]);
      const answer = (link, [at, ...messages]) => link.give({ type: "ok", channel: "prices:fx", resumed: false, gap: false, position: `${now + at}-${at}` },
        ...messages.map((n) => message("prices:fx", now + n, `${n}`)));
      const turns = [() => answer(a, oks[0]), () => answer(b, oks[1])];
      if (name.startsWith("first")) turns.reverse();
      turns[0]();
      if (closes) b.end(1006);
      turns[1]();
      assert.deepEqual(ids, want);
    });
  }

  test("the old socket may end first", async (t) => {
    const { server, client, ids } = await start(t, "prices:fx");
    const [a] = server.sockets;
    a.give({ ...move, afterMs: 0 });
    await pass(0);
    const b = server.newest.open().welcome();
    a.end(1012);
    assert.deepEqual([client.state.name, client.state.connection], ["live", "c1"]);
    b.give({ type: "ok", channel: "prices:fx", resumed: true, gap: false, position: `${now}-` }, message("prices:fx", now + 1, "1"));
    assert.deepEqual(ids, ["1"]);
  });

  test("or before the new one is welcome", async (t) => {
    const { server, client } = await start(t, "prices:fx");
    server.newest.give({ ...move, afterMs: 0 });
    await pass(0);
    server.sockets[0].end(1012);
    assert.deepEqual([client.state.name, client.state.retryAt], ["reconnecting", null]);
    server.newest.live();
    assert.equal(client.state.name, "live");
    assert.equal(server.sockets.length, 2);
  });

  test("that fails is tried again while the old link serves", async (t) => {
    const { server, client, ids, said } = await start(t, "prices:fx");
    const [a] = server.sockets;
    a.give({ ...move, afterMs: 0 });
    await pass(0);
    server.newest.open().give({ type: "error", code: "limited", message: "too many", retryAfterMs: 4000 }).end(4429);
    a.give(message("prices:fx", now + 1, "1"));
    assert.equal(client.state.connection, "c0");
    await pass(4250);
    server.newest.live();
    assert.equal(client.state.connection, "c2");
    assert.deepEqual(ids, ["1"]);
    assert.deepEqual(said.filter(([type]) => type === "move").map(([, { phase }]) => phase), ["planned", "failed", "done"]);
  });

  test("that fails half-way starts from where each channel stands", async (t) => {
    const { server, client, ids } = await start(t, "prices:fx", "board:7");
    const [a] = server.sockets;
    a.give({ ...move, afterMs: 0 });
    await pass(0);
    const b = server.newest.open().welcome();
    b.give({ type: "ok", channel: "prices:fx", resumed: true, gap: false, position: `${now}-` }, message("prices:fx", now + 1, "fx1"));
    b.end(1006);
    assert.equal(a.closedWith, 1000);
    assert.equal(client.state.name, "reconnecting");
    await pass(client.state.retryAt - Date.now());
    assert.deepEqual(server.newest.open().first.subscriptions, [{ channel: "prices:fx", since: `${now + 1}-fx1` }, { channel: "board:7", since: `${now}-` }]);
    assert.deepEqual(ids, ["fx1"]);
  });

  test("waits for a channel that the new link cannot give yet", async (t) => {
    const { server, client, ids } = await start(t, "prices:fx");
    const [a] = server.sockets;
    a.give({ ...move, afterMs: 0 });
    await pass(0);
    const b = server.newest.open().welcome().give({ type: "error", channel: "prices:fx", code: "unavailable", message: "catching up", retryAfterMs: 1000 });
    a.give(message("prices:fx", now + 1, "1"));
    await pass(1250);
    assert.equal(client.state.connection, "c0");
    const asked = b.of("subscribe")[0];
    assert.equal(asked.since, `${now + 1}-1`);
    b.give({ type: "ok", id: asked.id, channel: "prices:fx", resumed: true, gap: false, position: asked.since }, message("prices:fx", now + 2, "2"));
    assert.equal(client.state.connection, "c1");
    assert.deepEqual(ids, ["1", "2"]);
  });

  test("a channel subscribed during it is read once", async (t) => {
    const { server, client, ids } = await start(t);
    const [a] = server.sockets;
    a.give({ ...move, afterMs: 0 });
    await pass(0);
    const b = server.newest.open();
    client.subscribe("prices:fx", (m) => ids.push(m.data.id)); // the new link is not welcome yet: asked of the old one
    const asked = a.of("subscribe")[0];
    b.welcome();
    const again = b.of("subscribe")[0];
    b.give({ type: "ok", id: again.id, channel: "prices:fx", resumed: false, gap: false, position: `${now}-` });
    a.give({ type: "ok", id: asked.id, channel: "prices:fx", resumed: false, gap: false, position: `${now}-` }, message("prices:fx", now + 1, "1"));
    b.give(message("prices:fx", now + 1, "1"), message("prices:fx", now + 2, "2"));
    assert.deepEqual(ids, ["1", "2"]);
    assert.equal(client.state.connection, "c1");
  });

  test("a request under way is still answered by the old link", async (t) => {
    const { server, client } = await start(t);
    const [a] = server.sockets;
    const called = client.call("slow");
    await settle();
    a.give({ ...move, afterMs: 0 });
    await pass(0);
    server.newest.live();
    await pass(1000);
    assert.equal(a.closedWith, undefined);
    a.give({ type: "ok", id: a.of("call")[0].id, data: 42 });
    assert.equal(await called, 42);
    await pass(4000);
    assert.equal(a.closedWith, 1000);
  });
});

/** A hub as the client sees it: one record, and sockets that each get it in order, at their own pace. */
class Hub {
  events = []; readers = new Map();
  constructor(random) { this.random = random; }
  publish(time) { this.events.push(message("prices:fx", time, `${this.events.length}-x`, { data: this.events.length })); }
  tend(socket) {
    const reader = this.readers.get(socket);
    if (socket.closedWith !== undefined || reader?.dead) return;
    if (!reader) {
      socket.open().welcome();
      const { since } = socket.first.subscriptions[0];
      const found = since ? this.events.findIndex(({ position }) => position === since) : this.events.length - 1;
      this.readers.set(socket, { at: found + 1, since });
    } else if (!reader.answered) {
      reader.answered = true;
      socket.give({ type: "ok", channel: "prices:fx", resumed: reader.since !== undefined, gap: false, position: reader.since ?? this.events.at(-1)?.position ?? "" });
    } else {
      for (let n = this.random(4); n > 0 && reader.at < this.events.length; n--) socket.give(this.events[reader.at++]);
    }
  }
}

function generator(seed) { // mulberry32
  return (below) => {
    seed = (seed + 0x6d2b79f5) | 0;
    let x = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return ((x ^ (x >>> 14)) >>> 0) % below;
  };
}

for (const seed of [1, 2, 3, 4, 5]) {
  test(`cuts and moves at random, seed ${seed}: every message once and in order`, async (t) => {
    fakeTime(t);
    const random = generator(seed), hub = new Hub(random), server = fakeServer(), seen = [];
    const client = connect("wss://example.com", { WebSocket: server.WebSocket, remember: 8, backoffMs: 20, backoffCapMs: 20 });
    t.after(() => client.close());
    const counts = record(client, "gap", "move");
    hub.publish(Date.now());
    client.subscribe("prices:fx", ({ data }) => seen.push(data));
    await settle();
    let cuts = 0;
    for (let step = 0; step < 6000; step++) {
      for (const socket of server.sockets.slice(-3)) hub.tend(socket);
      if (hub.events.length > 1 || client.state.name === "live" && seen !== null && hub.readers.get(server.newest)?.answered) {
        for (let n = random(3); n > 0; n--) hub.publish(Date.now()); // several of one millisecond
      }
      const open = server.sockets.slice(-3).filter((socket) => hub.readers.has(socket) && socket.closedWith === undefined && !hub.readers.get(socket).dead);
      if (random(50) === 0 && open.length) {
        const victim = open[random(open.length)];
        hub.readers.get(victim).dead = true;
        victim.end([1006, 1012, 4503][random(3)]);
        cuts++;
      } else if (random(40) === 0) open.at(-1)?.give({ type: "move", afterMs: random(20) });
      await pass(random(4));
    }
    for (let i = 0; i < 30_000 && seen.at(-1) !== hub.events.length - 1; i++) {
      for (const socket of server.sockets.slice(-3)) hub.tend(socket);
      await pass(5);
    }
    assert.deepEqual(seen, Array.from({ length: hub.events.length - 1 }, (_, i) => i + 1));
    const moves = counts.filter(([, { phase }]) => phase === "done").length;
    assert.ok(cuts >= 20 && moves >= 10, `${cuts} cuts, ${moves} moves`);
    assert.equal(parsePosition(hub.events.at(-1).position).id, `${seen.at(-1)}-x`);
  });
}
