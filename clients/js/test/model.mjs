// Whatever happens to a client, it comes back, unless a person has decided otherwise: random scenarios on a virtual clock that jumps,
// with a storage that lies, token providers of every mood, networks that swallow, and servers that answer anything.
//
//   SCENARIOS=100000 SEED=1 node test/model.mjs      (npm run soak: 50,000 from a seed of its own)
//
// A program of its own, because node:test looks after every promise, which takes longer than the scenarios.
import assert from "node:assert/strict";
import { connect, parsePosition } from "../tidewire.js";
import { settle } from "./clock.mjs";
import { Fleet } from "./fleet.mjs";
import { matches, PatternPage } from "./pattern.mjs";
import { generator, World } from "./world.mjs";

const HOUR = 3_600_000, MINUTE = 60_000;
const channels = ["prices:fx", "board:7", "a"];
const badNames = ["", "x".repeat(201), "a b", ":", "a:", "é", undefined, null, 7, {}, "a\u0000"];

/** From each state, those that may follow. `refused` is left by the application alone. */
const follows = {
  connecting: ["live", "reconnecting", "refused", "closed", "connecting"],
  live: ["live", "reconnecting", "refused", "closed"],
  reconnecting: ["reconnecting", "live", "refused", "closed"],
  refused: ["connecting", "closed"],
  closed: [],
};

class Storage {
  items = new Map(); mood = "good";
  constructor(random) { this.random = random; }
  getItem(key) {
    const saved = this.items.get(key) ?? null, future = Date.now() + 30 * 24 * HOUR;
    switch (this.mood) {
      case "throws": throw new Error("SecurityError");
      case "corrupt": return saved?.slice(0, saved.length / 2) ?? "{";
      case "types": return this.random.of([7, {}, true, Promise.resolve("{}"), "null", "[]", "7", '"x"', '{"v":1,"channels":[]}', '{"v":1,"channels":null}']);
      case "future": return JSON.stringify({ v: 2, channels: { "prices:fx": [1, 2, 3] } });
      case "foreign": return JSON.stringify({ v: 1, channels: Object.fromEntries([...channels.map((channel) => [channel, this.random.of([
        ["1700000000000-other", 5], [`${future}-x`, null], ["x", 1], ["1700000000000-\u0000", 1], [], null, {}, 7, ["1700000000000-a", "x"], ["1700000000000-a", future], ["1700000000000-a", -1],
      ])]), ["prices:*", this.random.of([
        [{ "prices:fx": "1700000000000-a" }, 5], [{ "prices:fx": `${future}-x` }, 5], [{ "prices:fx": 7 }, 5], [{}, future], [{}, null], [[], 5], [null, 5], ["1700000000000-a", 5], [{ "board:7": "1700000000000-a" }, 5],
      ])]]) });
    }
    return saved;
  }
  setItem(key, value) {
    if (this.mood === "full" || this.mood === "throws") throw new Error("QuotaExceededError");
    this.items.set(key, value);
  }
}

/** One client in one world, with what is remembered to judge it. */
class Run {
  states = []; gaps = 0; seen = new Map(); sent = []; errors = []; stops = []; wrong = [];

  constructor(seed) {
    this.random = generator(seed);
    this.world = new World(this.random);
    this.falls = seed % 3 === 0; // back to events, where WebSockets are blocked
    [this.fetch, globalThis.fetch] = [globalThis.fetch, this.world.fetch];
    if (this.falls) this.world.clock.rounds = 30;
    this.page = Object.assign(new EventTarget(), { visibilityState: "visible" });
    [globalThis.document, globalThis.addEventListener, globalThis.removeEventListener] = [this.page, this.page.addEventListener.bind(this.page), this.page.removeEventListener.bind(this.page)];
    this.chance = Math.random;
    Math.random = () => this.random.fraction();
    this.complain = console.error;
    console.error = () => {};
    globalThis.reportError = () => {};
    const { world, random } = this;
    world.lifetimeMs = random.of([HOUR, HOUR, 10 * MINUTE, 40_000, 15_000]);
    world.opaque = random.chance(0.2) && world.lifetimeMs >= 10 * MINUTE; // one that does not say how long it lasts
    world.heartbeatMs = random.of([25_000, 5_000]);
    world.headerLimit = random.chance(0.15) ? 40 : Infinity;
    world.limits = random.of([{}, {}, { messageBytes: 400 }, { framesPerSecond: 2 }, { subscriptionsPerConnection: 2 }]);
    this.storage = random.chance(0.4) ? new Storage(random) : undefined;
    if (this.storage && random.chance(0.3)) this.storage.mood = random.of(["corrupt", "types", "future", "foreign", "throws"]);
    world.clock.jump(random.of([0, 0, HOUR, -HOUR, 1000 * HOUR, -1000 * HOUR])); // the server's time is not the page's
    this.client = connect("https://example.com", { WebSocket: world.WebSocket, token: world.source, storage: this.storage, fallback: this.falls, tokenIn: random.of([undefined, "frame"]) });
    let last = "connecting";
    this.client.on("state", (state) => {
      if (!follows[last].includes(state.name)) this.wrong.push(`${last} -> ${state.name}`);
      last = state.name;
      if (process.env.TRACE) process.stderr.write(`${Math.floor(world.clock.ticks)} state ${JSON.stringify(state)}\n`);
      this.states.push(state.name);
      if (state.name === "refused" && world.finals === 0) this.wrong.push(`refused, though nobody has decided so: ${JSON.stringify(state)}`);
      if (state.retryAt && state.retryAt - Date.now() > 10 * MINUTE + 31_000) this.wrong.push(`comes back in ${state.retryAt - Date.now()} ms`);
      if (random.chance(0.02)) throw new Error("a listener's");
      if (random.chance(0.01) && state.name !== "closed") this.client.reconnect();
    });
    if (process.env.TRACE) this.client.on("subscription", (state) => process.stderr.write(`${Math.floor(world.clock.ticks)} channel ${JSON.stringify(state)}\n`));
    this.client.on("error", (error) => this.errors.push(error));
    this.client.on("gap", () => this.gaps++);
    this.wants = Object.fromEntries(channels.map((channel) => [channel, random.of([{}, {}, { maxRate: random.of([1, 20]) }])]));
    for (const channel of channels.slice(0, 2)) this.read(channel);
    if (random.chance(0.5)) this.fleet = new Fleet(this, random.chance(0.4) ? "fleet:*" : "fleet:eu");
    this.patterns = random.chance(0.6) ? random.of([["prices:*"], ["prices:*", "**"], ["*:7", "prices:**"]]).map((pattern) => new PatternPage(this, pattern)) : [];
  }

  /** Reads a pattern anew. */
  readPattern(i) {
    const { pattern, subscription } = this.patterns[i];
    subscription.unsubscribe();
    this.patterns[i] = new PatternPage(this, pattern);
  }

  /** Reads a channel and looks at what comes: each message once and in order, or a gap was told. */
  read(channel) {
    const { random } = this, begun = { last: undefined, free: true };
    this.seen.set(channel, begun);
    return this.client.subscribe(channel, (message) => {
      if (message.evil) return this.wrong.push("garbage was delivered");
      const index = this.world.record(channel).findIndex(({ id }) => id === parsePosition(message.position).id);
      if (this.seen.get(channel) === begun && !begun.free && index !== begun.last + 1) this.wrong.push(`${channel}: ${index} after ${begun.last}, and no gap`);
      [begun.last, begun.free] = [index, false];
      if (random.chance(0.02)) throw new Error("a callback's");
      if (!this.isCalm && random.chance(0.01)) { // from inside: leave, and read again
        this.client.unsubscribe(channel);
        this.read(channel);
      }
    }, { onGap: () => { begun.free = true; }, since: random.chance(0.05) ? random.of(["x", 7, "99999999999999-a", "1700000000000-z", ""]) : undefined, ...this.wants[channel] });
  }

  publish() {
    const { random, client } = this, n = this.sent.length, one = { n, channel: random.of(channels), settled: false };
    this.sent.push(one);
    client.publish(one.channel, { n }, { wait: random.chance(0.7), timeoutMs: random.of([undefined, 5000, 60_000]) })
      .then(() => { one.settled = true; }, (error) => { [one.settled, one.error] = [true, error]; });
  }

  /** Something happens. */
  step() {
    const { random, world, client, storage } = this;
    if (this.falls && random.chance(0.08)) world.upgrade = random.of(["free", "refused", "refused", "swallowed"]);
    if (this.fleet && random.chance(0.5)) return this.fleet.step();
    switch (random(32)) {
      case 0: case 1: case 2: return this.publish();
      case 3: case 4: return world.publish(random.of([...channels, `prices:${random(9)}`, `prices:${random(9)}`]), { server: true });
      case 5: return world.clock.jump(random.of([-HOUR, HOUR, -24 * HOUR, 24 * HOUR, -5000, 5000]));
      case 6: world.network = random.of(["up", "down", "silent"]); return;
      case 7: { const socket = world.sockets.at(-1); if (socket && random.chance(0.5)) socket.half = true; return; }
      case 8: world.evil = random.of([0, 0, 0.5, 1]); this.wasEvil ||= world.evil > 0; return;
      case 9: world.provider = random.of(["good", "good", "throws", "hangs", "slow", "undefined", "empty", "html", "object", "expired", "foreign", "cached", ...(random.chance(0.1) ? ["signed out"] : [])]); return;
      case 10: if (storage) storage.mood = random.of(["good", "throws", "corrupt", "types", "future", "foreign", "full"]); return;
      case 11: this.page.visibilityState = random.of(["visible", "hidden"]); this.page.dispatchEvent(new Event("visibilitychange")); return;
      case 12: this.page.dispatchEvent(new Event(random.of(["online", "offline", "pageshow", "pagehide", "freeze", "resume"]))); return;
      case 13: world.sockets.at(-1)?.end(random.of([1006, 1012, 1011, 4503, 4408, 1001, 1013, 4429, ...(random.chance(0.1) ? [4403, 4409] : [])]), random.chance(0.3) ? { code: "unavailable", retryAfterMs: random.of([1, 5000, -7, 1e300]) } : undefined); return;
      case 14: world.sockets.at(-1)?.end(random.of([4400, 4401, 4413, 1007, 1002, 4499])); return;
      case 15: world.sockets.at(-1)?.give({ type: "move", afterMs: random(5000) }); return;
      case 16: world.keys = `k${random(3)}`; return; // a rotation: what was issued before is no good
      case 17: world.user = random.of(["ann", "ann", "ann", "bob"]); return;
      case 18: { const channel = random.of(channels); client.unsubscribe(channel); if (random.chance(0.8)) this.read(channel); return; }
      case 19: { const name = random.of(badNames); client.subscribe(name, () => {}); client.publish(name, 1).catch(() => {}); client.presence(name, () => {}); return; }
      case 20: client.subscribe("secret:x", () => {}); return;
      case 21: if (random.chance(0.3)) { const entry = client.enter("board:7", 1); if (random.chance(0.5)) entry.leave(); } client.presence("board:7", () => { if (random.chance(0.2)) throw new Error("a watcher's"); }); return;
      case 22: client.call("r", 1, { wait: random.chance(0.5), timeoutMs: random.of([undefined, 100]) }).catch(() => {}); return;
      case 23: client.reconnect(); return;
      case 24: client.refresh(random.of([undefined, world.token()])).catch(() => {}); return;
      case 25: world.limitPublishes = random.of([0, 0, 0.3]); world.uplinkMs = random.of([0, 0, 200, 3000]); return;
      case 26: for (let i = 0; i < 5; i++) client.subscribe(`many:${random(300)}`, () => {}); return;
      case 30: if (this.patterns.length && random.chance(0.3)) this.readPattern(random(this.patterns.length)); return;
      case 31: { // beside the others, in another way
        const { channel } = random.of([{ channel: "a" }, { channel: "prices:*" }]), subscription = client.subscribe(channel, () => {}, { maxRate: random.of([1, 7]) });
        if (random.chance(0.5)) subscription.unsubscribe();
        return;
      }
      case 27: { const subscription = client.subscribe("a", this.wants.a); subscription.next().catch(() => {}); subscription.ready.catch(() => {}); return; }
      case 29: world.busy = random.of([0, 0, 0.3]); return;
      case 28: world.limits = random.of([{}, { messageBytes: 300 }, { subscriptionsPerConnection: 1 }, { framesPerSecond: 1 }]); return;
    }
  }

  check() {
    const { client, world } = this;
    assert.deepEqual(this.wrong, []);
    assert.deepEqual(world.faults.map(({ stack }) => stack), [], "nothing is thrown into the socket");
    const broken = this.errors.find((error) => error instanceof ReferenceError || (error instanceof TypeError && !/^(token|storage|Cannot read properties of (null|undefined) \(reading 'next'\))/.test(error.message) && !/JSON|storage/.test(error.message)));
    assert.equal(broken?.stack, undefined, "no step of the client fails");
    if (client.state.name !== "refused" && client.state.name !== "closed") assert.ok(world.clock.pending > 0, `${client.state.name}: no timer leads out of it`);
    this.fleet?.check();
    assert.ok(world.clock.pending < 2000, "timers do not pile up");
    const open = world.sockets.filter(({ closed, page }) => !closed && page.readyState < 2).length;
    assert.ok(open <= (this.falls ? 9 : 3), `${open} sockets at once`);
  }

  /** All behave from here on. The client has to be where it should be, in bounded time. */
  async calm() {
    const { world, client, storage } = this;
    this.isCalm = true;
    [world.network, world.evil, world.provider, world.limitPublishes, world.uplinkMs, world.user, world.busy] = ["up", 0, "good", 0, 0, "ann", 0];
    world.limits = {};
    this.page.visibilityState = "visible";
    if (storage) storage.mood = "good";
    for (const socket of world.sockets) if (socket.evil || socket.welcome?.limits.subscriptionsPerConnection < 9) socket.end(1006);
    const reads = ["prices:fx", "board:7"].map((channel) => this.read(channel));
    for (const [i, { subscription }] of this.patterns.entries()) if (subscription.state.name === "refused") this.readPattern(i);
    if (this.falls) await this.calmWithout(reads);
    const isLive = () => client.state.name === "live" && world.sockets.some(({ closed, welcome }) => !closed && welcome);
    for (let minute = 0; minute < 16 && !isLive(); minute++) { // ten minutes is the longest order of a server that is obeyed
      if (client.state.name === "refused") {
        assert.ok(world.finals > 0);
        client.reconnect(); // what the person does
      }
      await world.clock.pass(MINUTE);
      this.check();
    }
    for (const { channel, state } of reads) if (state.name === "refused") this.read(channel); // what was on its way said so
    for (const [i, { subscription }] of this.patterns.entries()) if (subscription.state.name === "refused") this.readPattern(i);
    await world.clock.pass(2 * MINUTE);
    if ([...reads, ...this.patterns.map(({ subscription }) => subscription)].some(({ state }) => state.name === "waiting")) await world.clock.pass(11 * MINUTE);
    assert.equal(client.state.name, "live", `not live again: ${JSON.stringify(client.state)}`);
    world.user = world.sockets.findLast(({ closed, claims }) => !closed && claims).claims.user; // a token in hand may have been of another
    const { expiries } = world, sockets = world.sockets.length, pings = world.sockets.reduce((sum, each) => sum + each.pings, 0), asked = world.asked;
    // Every channel reads, what is published comes, and in the order in which it was asked for.
    const before = ["prices:fx", "board:7"].map((channel) => this.seen.get(channel).last), published = [];
    for (let n = 0; n < 5; n++) for (const channel of ["prices:fx", "board:7"]) published.push(client.publish(channel, { calm: n }, { wait: n % 2 === 0 }));
    await world.clock.pass(5 * MINUTE);
    await Promise.all(published);
    for (const [i, channel] of ["prices:fx", "board:7"].entries()) {
      const record = world.record(channel), seen = this.seen.get(channel);
      assert.deepEqual(record.slice(-5).map(({ data }) => data.calm), [0, 1, 2, 3, 4], "published in order");
      assert.equal(seen.last, record.length - 1, `${channel} is read (was ${before[i]})`);
    }
    world.publish("prices:last", { server: true });
    await world.clock.pass(1000);
    assert.deepEqual(this.patterns.flatMap((page) => [...page.missing, ...(page.subscription.state.name === "live" && page.seen.has("prices:last") === matches(page.pattern, "prices:last") ? [] : [`${page.pattern} is ${page.subscription.state.name}`])]), []);
    this.check();
    assert.ok(this.sent.every(({ settled }) => settled), "no request hangs");
    assert.equal(world.expiries, expiries, "tokens are renewed before their end, whatever the clock says");
    const again = world.sockets.length - sockets, pinged = world.sockets.reduce((sum, each) => sum + each.pings, 0) - pings;
    assert.ok(again <= 1 && pinged <= again + 1, `calm, but ${again} new sockets, ${pinged} pings`);
    assert.ok(world.asked - asked <= (7 * MINUTE) / Math.min(1000, world.lifetimeMs / 2) && world.asked - asked <= 120, `${world.asked - asked} tokens in five minutes`);
    assert.equal(world.sockets.filter(({ closed }) => !closed).length, 1, "one socket");
    for (const channel of this.wasEvil ? [] : channels) { // a server that refuses one and takes the next cannot be helped
      const mine = world.record(channel).filter(({ data }) => data.n !== undefined).map(({ data }) => data.n);
      assert.deepEqual(mine, [...mine].sort((a, b) => a - b), `${channel}: publishes keep their order`);
    }
  }

  /** No WebSocket gets through: everything goes on over events, until one does. */
  async calmWithout(reads) {
    const { world, client } = this;
    world.upgrade = "refused";
    for (const socket of world.sockets) if (!socket.events) socket.end(1006);
    for (let minute = 0; minute < 16 && !(client.state.name === "live" && client.state.transport === "sse"); minute++) {
      if (client.state.name === "refused") client.reconnect();
      await world.clock.pass(MINUTE);
      this.check();
    }
    for (const { channel, state } of reads) if (state.name === "refused") this.read(channel); // what was on its way said so
    await world.clock.pass(11 * MINUTE);
    assert.equal(client.state.transport, "sse", JSON.stringify(client.state));
    world.user = world.sockets.findLast(({ closed, claims }) => !closed && claims).claims.user;
    const both = ["prices:fx", "board:7"], published = [1, 2, 3].flatMap((n) => both.map((channel) => client.publish(channel, { events: n }, { wait: true })));
    await Promise.all([...published, world.clock.pass(MINUTE)]);
    for (const channel of both) {
      const record = world.record(channel);
      assert.deepEqual(record.slice(-3).map(({ data }) => data.events), [1, 2, 3], "published in order");
      assert.equal(this.seen.get(channel).last, record.length - 1, `${channel} is read over events: ${JSON.stringify(reads.map(({ channel: name, state }) => [name, state]))}`);
    }
    this.check();
    world.upgrade = "free";
    await world.clock.pass(13 * MINUTE);
    assert.equal(client.state.transport, "websocket", "back");
  }

  async play() {
    const { random, world, client } = this;
    await settle();
    for (let i = 0, steps = 10 + random(50); i < steps; i++) {
      this.step();
      if (random.chance(0.05)) await this.fleet?.compare();
      await world.clock.pass(random.of([0, 1, 30, 500, 3000, 20_000, random.chance(0.1) ? 10 * MINUTE : 1000]));
      this.check();
    }
    await this.calm();
    await this.fleet?.calm();
    client.close();
    client.close();
    await world.clock.pass(3 * HOUR);
    assert.equal(world.sockets.filter(({ closed }) => !closed).length, 0, "closed is closed");
    assert.ok(world.clock.pending < 60, "and leaves nothing behind"); // the timers are the world's
  }

  end() {
    this.world.end();
    [Math.random, console.error, globalThis.fetch] = [this.chance, this.complain, this.fetch];
    for (const name of ["document", "addEventListener", "removeEventListener", "reportError"]) delete globalThis[name];
  }
}

const from = process.env.SEED === "random" ? Date.now() % 1e9 : Number(process.env.SEED ?? 1), count = Number(process.env.SCENARIOS ?? 600);

const tally = {};
let compared = 0;
for (let seed = from; seed < from + count; seed++) {
  const run = new Run(seed);
  let failed;
  try {
    await run.play();
  } catch (error) {
    failed = error;
  } finally {
    run.end();
  }
  if (failed) {
    console.error(`SEED=${seed} SCENARIOS=1 node test/model.mjs\n${failed.stack}`);
    process.exit(1);
  }
  compared += run.fleet?.compared ?? 0;
  for (const name of new Set(run.states)) tally[name] = (tally[name] ?? 0) + 1;
}
console.log(`${count} scenarios; those that came by a state: ${JSON.stringify(tally)}; what is shown compared ${compared} times`);
