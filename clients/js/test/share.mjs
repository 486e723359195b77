// Tabs that share a socket, in random scenarios: whatever tab is closed, killed, hidden, frozen or stands still, and whatever the network does, each
// tab sees each publication once and in order, or is told a gap; and in the end there is one socket, and everybody reads.
//
//   SCENARIOS=2000 SEED=1 node test/share.mjs
import assert from "node:assert/strict";
import { settle } from "./clock.mjs";
import { Browser } from "./tabs.mjs";
import { generator, World } from "./world.mjs";

const MINUTE = 60_000, channels = ["prices:fx", "board:7", "a"];
const trace = process.env.TRACE ? (...said) => process.stderr.write(`${said.join(" ")}\n`) : () => {};

class Run {
  wrong = []; gaps = 0; sent = [];

  constructor(seed) {
    this.random = generator(seed);
    this.world = new World(this.random);
    this.world.complaints = [];
    this.world.clock.rounds = 24;
    this.browser = new Browser(this.world);
    this.world.lifetimeMs = this.random.of([3_600_000, 10 * MINUTE, 60_000]);
    this.world.limits = this.random.of([{}, {}, {}, { subscriptionsPerConnection: 3 }, { framesPerSecond: 5 }]);
    for (let i = 0, n = 1 + this.random(6); i < n; i++) this.open();
  }

  open() {
    if (this.browser.alive.length >= 8) return;
    const { random } = this, tab = this.browser.open({}, random.chance(0.5));
    tab.name = `t${this.browser.tabs.length}`;
    tab.reads = new Map();
    tab.client.on("error", (error) => { if (error instanceof TypeError || error instanceof ReferenceError || /TypeError|ReferenceError/.test(error?.name)) this.wrong.push(error.stack); });
    if (process.env.TRACE) tab.client.on("state", (state) => trace(Math.floor(this.world.clock.ticks), tab.name, JSON.stringify(state)));
    for (const channel of channels) if (random.chance(0.8)) this.read(tab, channel);
    if (random.chance(0.5)) this.show(tab);
  }

  read(tab, channel) {
    const { random, world } = this, begun = { last: undefined, free: true };
    tab.reads.get(channel)?.subscription.unsubscribe();
    const wants = random.of([{}, {}, {}, { maxRate: 20 }]);
    begun.subscription = tab.client.subscribe(channel, (message) => {
      const index = world.record(channel).findIndex(({ id }) => message.position.endsWith(`-${id}`));
      if (tab.reads.get(channel) === begun && !begun.free && index !== begun.last + 1) this.wrong.push(`${tab.name} ${channel}: ${index} after ${begun.last}, and no gap`);
      [begun.last, begun.free] = [index, false];
    }, { ...wants, onGap: () => { [begun.free, this.gaps] = [true, this.gaps + 1]; } });
    begun.subscription.ready.then?.(() => {}, () => {});
    tab.reads.set(channel, begun);
  }

  /** Shows the state of a channel, which has to be the server's in the end. */
  show(tab) {
    tab.fleet?.unsubscribe();
    tab.fleet = tab.client.subscribe("fleet:eu", { state: true });
    tab.fleet.ready.catch(() => {});
    tab.fleet.view.ready.catch(() => {});
  }

  publish(tab) {
    const channel = this.random.of(channels), one = { channel, tab, settled: false }, n = this.sent.push(one);
    tab.client.publish(channel, { n }, { wait: true, timeoutMs: 5 * MINUTE }).then(() => { one.done = true; }, (error) => { one.error = error; });
  }

  step() {
    const { random, world, browser } = this, tab = random.of(browser.alive);
    if (!tab) return this.open();
    const what = random(20);
    if (process.env.TRACE) trace(Math.floor(world.clock.ticks), "step", what, tab.name, tab.state);
    switch (what) {
      case 0: return this.open();
      case 1: return random.chance(0.3) && tab.leave();
      case 2: return random.chance(0.4) && tab.kill();
      case 3: return tab.freeze(random.chance(0.5));
      case 4: case 5: return tab.thaw();
      case 6: case 7: return tab.show(random.chance(0.5));
      case 8: for (const each of browser.alive) each.show(each === tab); return; // another one is looked at
      case 9: if (random.chance(0.3)) for (const each of browser.alive) each.show(false); return;
      case 10: case 11: case 12: for (let i = random(5); i >= 0; i--) world.publish(random.of(channels), { server: true }); return;
      case 13: return tab.state === "alive" && this.publish(tab);
      case 14: return tab.state === "alive" && this.read(tab, random.of(channels));
      case 15: world.sockets.at(-1)?.end(random.of([1006, 1012, 1011, 4503, 1001])); return;
      case 16: world.sockets.at(-1)?.give({ type: "move", afterMs: random(3000) }); return;
      case 17: world.network = random.of(["up", "up", "down"]); return;
      case 18: world.publish("fleet:eu", { n: world.serial }, { key: random.of(["v1", "v2", "v3"]), op: random.of([undefined, undefined, "delete"]) }); return;
      case 19: if (tab.state === "alive") tab.client.refresh().catch(() => {}); return;
    }
  }

  check() {
    assert.deepEqual(this.wrong, []);
    assert.deepEqual(this.world.faults.map(({ stack }) => stack), []);
  }

  get sockets() { return this.world.sockets.filter(({ closed, page }) => !closed && page.readyState < 2); }

  /** All behave from here on. */
  async calm() {
    const { world, browser } = this;
    [world.network, world.limits] = ["up", {}];
    if (browser.alive.length === 0) this.open();
    for (const tab of browser.alive) tab.thaw();
    for (const tab of browser.alive) tab.show(true);
    for (const socket of this.sockets) if (socket.welcome?.limits.subscriptionsPerConnection < 9 || socket.welcome?.limits.framesPerSecond < 9) socket.end(1006);
    await world.clock.pass(3 * MINUTE);
    for (const tab of browser.alive) {
      assert.equal(tab.client.state.name, "live", `${tab.name}: ${JSON.stringify(tab.client.state)}`);
      for (const [channel, { subscription }] of tab.reads) if (subscription.state.name === "refused") this.read(tab, channel);
      if (tab.fleet?.state.name === "refused") this.show(tab);
    }
    await world.clock.pass(MINUTE);
    const alone = world.sockets.some(({ welcome }) => welcome?.limits.subscriptionsPerConnection < 9); // some had no room, and have their own
    if (!alone) assert.equal(this.sockets.length, 1, `${this.sockets.length} sockets for ${browser.alive.length} tabs`);
    for (let i = 0; i < 5; i++) for (const channel of channels) world.publish(channel, { calm: i });
    world.publish("fleet:eu", { calm: true }, { key: "v9" });
    await world.clock.pass(5000);
    this.check();
    for (const tab of browser.alive) {
      for (const [channel, { last, subscription }] of tab.reads) assert.equal(last, world.record(channel).length - 1, `${tab.name} ${channel} ${JSON.stringify(subscription.state)}`);
      if (tab.fleet) assert.deepEqual([...tab.fleet.view.keys()].sort(), [...this.fold().keys()].sort(), tab.name);
    }
    if (!alone) for (const socket of this.sockets) this.bounded(socket);
    await world.clock.pass(6 * MINUTE);
    for (const { tab, done, error, channel } of this.sent) if (tab.state === "alive") assert.ok(done || error, `${tab.name}: a publish hangs`);
    for (const channel of channels) {
      const mine = world.record(channel).map(({ data }) => data.n).filter(Boolean);
      assert.equal(new Set(mine).size, mine.length, "published once");
    }
    // Nobody looks any more: nothing is sent, then there is no socket; and back.
    for (const tab of browser.alive) tab.show(false);
    if (alone) return;
    await world.clock.pass(45_000);
    assert.ok([...this.sockets[0].subscriptions.values()].every(({ wants }) => wants.paused), "paused");
    await world.clock.pass(3 * 60 * MINUTE);
    assert.equal(this.sockets.length, 0, "parked");
    assert.ok(browser.alive.every(({ client }) => client.state.name === "parked"));
    for (const channel of channels) world.publish(channel, { parked: true });
    browser.alive[0].show(true);
    await world.clock.pass(3000);
    assert.deepEqual([...new Set(browser.alive.map(({ client }) => client.state.name))], ["live"]);
    await world.clock.pass(60_000);
    assert.equal(this.sockets.length, 1);
    this.check();
    for (const tab of browser.alive) for (const [channel, { last }] of tab.reads) assert.equal(last, world.record(channel).length - 1, `${tab.name} ${channel} after parking`);
  }

  /** As many subscriptions as there are ways in which something is read, once they have come to the same place. */
  bounded({ subscriptions }) {
    const ways = new Set([...subscriptions.values()].map(({ channel, wants }) => JSON.stringify([channel, wants])));
    assert.ok(subscriptions.size <= ways.size, `${subscriptions.size} subscriptions for ${ways.size} ways: ${[...subscriptions.values()].map(({ channel, wants }) => JSON.stringify([channel, wants])).join(" ")}`);
  }

  fold() {
    const rows = new Map();
    for (const { key, op } of this.world.record("fleet:eu")) if (op === "delete") rows.delete(key); else rows.set(key, true);
    return rows;
  }

  async play() {
    const { random, world } = this;
    await settle(24);
    for (let i = 0, steps = 10 + random(60); i < steps; i++) {
      this.step();
      await world.clock.pass(random.of([0, 1, 5, 30, 300, 1000, 3000, 20_000, random.chance(0.03) ? 10 * MINUTE : 1000]));
      this.check();
    }
    await this.calm();
    for (const tab of this.browser.alive) tab.client.close();
    await world.clock.pass(60_000);
    assert.equal(this.sockets.length, 0, "closed is closed");
    assert.equal(this.browser.channels.size, 0, "and leaves nothing behind");
    assert.deepEqual([this.browser.locks.held.length, this.browser.locks.queue.length], [0, 0]);
  }
}

const from = process.env.SEED === "random" ? Date.now() % 1e9 : Number(process.env.SEED ?? 1), count = Number(process.env.SCENARIOS ?? 12);
let gaps = 0, sockets = 0;
for (let seed = from; seed < from + count; seed++) {
  const run = new Run(seed);
  let failed;
  try {
    await run.play();
  } catch (error) {
    failed = error;
  } finally {
    run.world.end();
  }
  if (failed) {
    console.error(`SEED=${seed} SCENARIOS=1 node test/share.mjs\n${failed.stack}`);
    process.exit(1);
  }
  [gaps, sockets] = [gaps + run.gaps, sockets + run.world.sockets.length];
}
console.log(`${count} scenarios; ${gaps} gaps were told, ${sockets} sockets opened`);
