// Locks, against a server that decides conditions, and against a network and clocks that do what they like.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { connect } from "../tidewire.js";
import { clock, fakeServer, fakeTime, pass, settle } from "./fake.mjs";

const CHANNEL = "lock:board", KEY = "lock:7";

/** The server of one channel: a log of its own, by the time that passes. What it does with a frame, a test can change. */
class LockServer {
  fake = fakeServer(); keys = new Map(); outcomes = new Map(); published = []; readers = new Map(); // socket to its subscription
  behave = () => "answer"; // of a publish: "answer", "ignore", "apply" without an answer, "unavailable"
  deaf = false; // nothing gets through

  constructor() {
    const serve = (socket, frame) => this.#serve(socket, frame), isDeaf = () => this.deaf;
    this.WebSocket = class extends this.fake.WebSocket {
      constructor(...args) {
        super(...args);
        queueMicrotask(() => { if (!isDeaf()) this.open().welcome(); else this.end(1006); });
      }
      send(text) {
        super.send(text);
        if (!isDeaf()) queueMicrotask(() => serve(this, JSON.parse(text)));
      }
    };
  }

  get now() { return 1_700_000_000_000 + Math.floor(clock.ticks); }

  /** Ends what is over, as the sweep of a server does. */
  sweep() {
    for (const [key, { ends }] of this.keys) if (ends <= this.now) this.#tell(key, { deleted: true, expired: true }, this.keys.delete(key));
  }

  cut() {
    this.readers.clear();
    for (const socket of this.fake.sockets) if (!socket.over) { socket.over = true; socket.end(1006); }
  }

  /** Somebody else publishes. */
  set(key, id, ttlMs) { this.#put({ key, event: id, ttl: `${ttlMs}ms`, data: id }); }
  remove(key) { this.#put({ key, event: `gone${this.now}`, delete: true }); }

  #tell(key, more) {
    for (const [socket, { keys }] of this.readers) if (keys.includes(key)) socket.give({ type: "message", channel: CHANNEL, key, time: this.now, ...more });
  }

  #put(frame) {
    const { key, event, delete: removes, ttl, data } = frame, position = `${this.now}-${event}`;
    if (removes) this.keys.delete(key);
    else this.keys.set(key, { key, position, time: this.now, data, ends: this.now + parseInt(ttl, 10), expiresAt: this.now + parseInt(ttl, 10) });
    this.#tell(key, { position, ...(removes ? { deleted: true } : { data, expiresAt: this.keys.get(key).expiresAt }) });
  }

  #serve(socket, frame) {
    if (socket.over) return;
    if (frame.type === "ping") socket.give({ type: "pong", id: frame.id, time: this.now });
    for (const subscription of frame.type === "subscribe" ? [frame] : frame.subscriptions ?? []) this.#subscribe(socket, subscription);
    if (frame.type === "unsubscribe") {
      this.readers.delete(socket);
      socket.give({ type: "ok", id: frame.id });
    }
    if (frame.type === "publish") this.#publish(socket, frame);
  }

  #subscribe(socket, { id, keys }) {
    this.readers.set(socket, { keys });
    this.sweep();
    const entries = [...this.keys.values()].filter(({ key }) => keys.includes(key)).map(({ ends: _ends, ...entry }) => entry);
    socket.give({ type: "ok", id, channel: CHANNEL, resumed: false, gap: false, position: `${this.now}-`, state: { keys: entries.length } });
    socket.give({ type: "snapshot", channel: CHANNEL, entries, more: false, position: `${this.now}-` });
  }

  #publish(socket, frame) {
    const how = this.behave(frame);
    if (how === "ignore") return;
    if (how === "unavailable") return socket.give({ type: "error", id: frame.id, code: "unavailable", message: "not yet", retryAfterMs: 700, channel: CHANNEL });
    if (!this.outcomes.has(frame.event)) {
      this.sweep();
      const have = this.keys.get(frame.key), own = have?.position.endsWith(`-${frame.event}`);
      const holds = frame.if === "absent" ? !have : have?.position === frame.if.position;
      if (holds && !own) {
        this.#put(frame);
        this.published.push(frame);
      }
      this.outcomes.set(frame.event, { applied: holds || own === true, position: this.keys.get(frame.key)?.position });
    }
    if (how === "apply") this.outcomes.delete(frame.event);
    else socket.give({ type: "ok", id: frame.id, event: frame.event, ...this.outcomes.get(frame.event) });
  }
}

async function start(t, n = 1) {
  fakeTime(t);
  const server = new LockServer();
  const clients = Array.from({ length: n }, () => connect("https://example.com", { WebSocket: server.WebSocket, token: "t1" }));
  t.after(() => clients.forEach((client) => client.close()));
  for (const client of clients) client.on("error", () => {});
  await settle();
  return { server, clients, client: clients[0], sent: () => server.fake.sockets.flatMap((socket) => socket.of("publish")) };
}

/** What has become of a promise by now. */
async function known(promise) {
  let is = { state: "pending" };
  promise.then((value) => { is = { state: "resolved", value }; }, (error) => { is = { state: "rejected", error }; });
  await settle();
  return is;
}

describe("a lock", () => {
  test("is got, renewed while it is held, and released", async (t) => {
    const { server, client, sent } = await start(t);
    const got = client.tryLock(CHANNEL, "7", { ttl: "30s", data: { holder: "ann" } });
    await pass(1);
    const lock = await got;
    assert.deepEqual([lock.channel, lock.name, lock.key, lock.isHeld], [CHANNEL, "7", KEY, true]);
    const first = lock.position;
    assert.equal(server.keys.get(KEY).position, first);
    assert.deepEqual(server.keys.get(KEY).data, { holder: "ann" });
    await pass(120_000);
    assert.ok(lock.isHeld && lock.position > first);
    assert.equal(sent().length, 13); // every third of its time
    assert.equal((await known(lock.release())).value, true);
    assert.ok(!server.keys.has(KEY) && !lock.isHeld && !lock.signal.aborted);
    await pass(120_000);
    assert.equal(sent().length, 14);
    assert.equal((await known(lock.lost)).state, "pending");
    assert.equal(await lock.release(), false);
  });

  test("that somebody has is not got", async (t) => {
    const { server, client } = await start(t);
    server.set(KEY, "bob", 60_000);
    assert.equal((await known(client.tryLock(CHANNEL, "7"))).value, null);
  });

  test("is waited for without a sound, and got when it is free", async (t) => {
    const { server, client, sent } = await start(t);
    server.set(KEY, "bob", 200_000);
    const got = client.lock(CHANNEL, "7");
    await pass(150_000);
    assert.deepEqual([(await known(got)).state, sent().length], ["pending", 0]);
    server.remove(KEY);
    await pass(100);
    assert.ok((await known(got)).value.isHeld);
    assert.equal(sent().length, 1);
  });

  test("is got when that of another ends by itself", async (t) => {
    const { server, client } = await start(t);
    server.set(KEY, "bob", 20_000);
    const got = client.lock(CHANNEL, "7");
    for (let i = 0; i < 25; i++) { await pass(1000); server.sweep(); }
    assert.ok((await known(got)).value.isHeld);
  });

  test("goes to one of those who wait, and the others wait on", async (t) => {
    const { server, clients, sent } = await start(t, 5);
    server.set(KEY, "bob", 60_000);
    const held = [];
    for (const client of clients) client.lock(CHANNEL, "7").then((lock) => held.push(lock));
    await pass(5000);
    server.remove(KEY);
    for (let i = 1; i <= 5; i++) {
      await pass(30_000);
      assert.equal(held.length, i);
      assert.deepEqual(held.map((lock) => lock.isHeld), held.map((_, n) => n === i - 1));
      held[i - 1].release();
    }
    assert.ok(sent().filter((frame) => frame.if === "absent").length <= 15);
  });

  test("is lost when it cannot be renewed, before the server ends it", async (t) => {
    const { server, client } = await start(t);
    const lock = (await known(client.tryLock(CHANNEL, "7", { ttl: "30s" }))).value;
    await pass(15_000);
    const { ends } = server.keys.get(KEY);
    server.deaf = true;
    server.cut();
    await pass(24_000);
    assert.ok(lock.isHeld);
    await pass(1000);
    assert.ok(!lock.isHeld && lock.signal.aborted && server.now <= ends);
    assert.equal((await lock.lost).code !== undefined, true);
    assert.equal(lock.signal.reason, await lock.lost);
    assert.equal(await lock.release(), false);
  });

  test("outlives a short cut, and a server that is unavailable for a while", async (t) => {
    const { server, client } = await start(t);
    const lock = (await known(client.tryLock(CHANNEL, "7", { ttl: "30s" }))).value;
    await pass(8000);
    server.deaf = true;
    server.cut();
    await pass(12_000);
    server.deaf = false;
    await pass(30_000);
    server.behave = () => "unavailable";
    await pass(15_000);
    server.behave = () => "answer";
    await pass(30_000);
    assert.ok(lock.isHeld);
    assert.equal(server.keys.get(KEY).position, lock.position);
  });

  test("is known to be this client's though the answer to a renewal was lost, and the server has forgotten it", async (t) => {
    const { server, client } = await start(t);
    const lock = (await known(client.tryLock(CHANNEL, "7", { ttl: "60s" }))).value;
    let lost = 0;
    server.behave = () => (lost++ === 0 ? "apply" : "answer");
    await pass(45_000);
    assert.ok(lock.isHeld && lost > 1);
    assert.equal(server.keys.get(KEY).position, lock.position);
    await pass(200_000);
    assert.ok(lock.isHeld);
  });

  test("is lost when somebody removes it", async (t) => {
    const { server, client } = await start(t);
    const lock = (await known(client.tryLock(CHANNEL, "7"))).value;
    server.remove(KEY);
    await pass(11_000);
    assert.ok(!lock.isHeld);
    assert.equal((await lock.lost).code, "conflict");
  });

  test("is not believed in after a clock has gone on, be it that of the wall or the other, and is when one is set back", async (t) => {
    const { client } = await start(t);
    const lock = (await known(client.tryLock(CHANNEL, "7"))).value;
    clock.jump(-3_600_000);
    await pass(60_000);
    assert.ok(lock.isHeld);
    clock.jump(3_600_000);
    assert.ok(!lock.isHeld);
    await pass(30_000);
    assert.equal((await known(lock.lost)).state, "resolved");
  });

  test("is lost when the client is closed", async (t) => {
    const { client } = await start(t);
    const lock = (await known(client.tryLock(CHANNEL, "7"))).value;
    client.close();
    await pass(11_000);
    assert.equal((await lock.lost).code, "closed");
  });

  test("is not waited for any more when its signal says so", async (t) => {
    const { server, client, sent } = await start(t);
    server.set(KEY, "bob", 60_000);
    const gaveUp = new AbortController(), waiting = client.lock(CHANNEL, "7", { signal: gaveUp.signal });
    await pass(1000);
    gaveUp.abort(new Error("enough"));
    await assert.rejects(waiting, { message: "enough" });
    await settle();
    assert.equal(server.readers.size, 0);
    server.remove(KEY);
    await pass(10_000);
    assert.equal(sent().length, 0);
    // What is got for nobody is given back.
    const late = new AbortController(), tried = client.tryLock(CHANNEL, "7", { signal: late.signal });
    late.abort(new Error("enough"));
    await assert.rejects(tried, { message: "enough" });
    await pass(1000);
    assert.equal(server.published.length, 2);
    assert.ok(!server.keys.has(KEY));
  });

  test("ends its waiting when the channel is left", async (t) => {
    const { server, client } = await start(t);
    server.set(KEY, "bob", 60_000);
    const waiting = client.lock(CHANNEL, "7");
    waiting.catch(() => {});
    await pass(1000);
    client.unsubscribe(CHANNEL);
    await assert.rejects(waiting, { code: "closed" });
  });

  test("has options that are checked", async (t) => {
    const { client } = await start(t);
    for (const [name, options] of [["", {}], [7, {}], ["x".repeat(196), {}], ["7", { ttl: "2s" }], ["7", { ttl: "5m" }], ["7", { ttl: 30 }], ["7", { signal: 7 }], ["7", { wait: true }]]) {
      await assert.rejects(client.lock(CHANNEL, name, options), { code: "bad-request" });
      await assert.rejects(client.tryLock(CHANNEL, name, options), { code: "bad-request" });
    }
  });
});

// Whatever the network, the server and the clocks do, no two clients believe at once that they have the lock, and who does is right.
test("a lock is never held twice", async (t) => {
  let granted = 0, lost = 0;
  for (let seed = 1; seed <= 10; seed++) {
    await t.test(`world ${seed}`, async (t) => {
      let state = seed * 7919;
      const chance = (n) => { state = (state * 1103515245 + 12345) % 2147483648; return Math.floor(state / 65536) % n; };
      const { server, clients } = await start(t, 3);
      const held = clients.map(() => null);
      let over = false;
      const want = (i) => clients[i].lock(CHANNEL, "7", { ttl: `${5 + chance(20)}s`, data: i }).then((lock) => { held[i] = lock; granted++; }, () => {}).then(() => { if (!held[i] && !over) setTimeout(() => want(i), 1000); });
      clients.forEach((_, i) => want(i));
      server.behave = () => (chance(12) ? "answer" : ["ignore", "apply", "unavailable"][chance(3)]);
      for (let step = 0; step < 400; step++) {
        switch (chance(20)) {
          case 0: server.cut(); break;
          case 1: server.deaf = chance(3) === 0; if (server.deaf) server.cut(); break;
          case 2: clock.jump((chance(2) ? 1 : -1) * chance(20_000)); break;
        }
        await pass(chance(2000));
        server.sweep();
        await settle();
        held.forEach((lock, i) => {
          if (!lock) return;
          if (lock.isHeld) assert.equal(server.keys.get(KEY)?.data, i, `step ${step}: client ${i} believes that it has the lock`);
          if (!lock.isHeld || chance(15) === 0) {
            if (!lock.isHeld) lost++;
            lock.release();
            held[i] = null;
            setTimeout(() => want(i), 1);
          }
        });
      }
      over = true;
    });
  }
  assert.ok(granted > 100 && lost > 10, `${granted} granted, ${lost} lost`);
});
