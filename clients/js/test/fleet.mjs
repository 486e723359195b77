// A page that shows the state of a channel, or of all that a pattern selects, in the world of model.mjs: what it shows is compared with what the server has, whenever nothing is
// under way; what change events tell adds up to what it shows; and a row never becomes older.
import assert from "node:assert/strict";
import { fold, project, shows } from "./keyed.mjs";

const SETTLED = 15_000, all = ["fleet:eu", "fleet:us", "fleet:x"];

export class Fleet {
  told = new Map(); compared = 0; events = []; wants = {}; pending = 0; gaps = 0;

  constructor(run, name) {
    Object.assign(this, { run, name, world: run.world, random: run.random, channels: name === "fleet:*" ? all : [name] });
    run.client.on("gap", (gap) => { if (this.isPattern ? gap.pattern === name : gap.channel === name && gap.pattern === undefined) this.gaps++; });
    this.read();
  }

  get isPattern() { return this.channels.length > 1; }

  /** The rows that are shown of a channel. */
  rows(channel, { view } = this.subscription) { return [...(this.isPattern ? view.get(channel) ?? [] : view)].map(([key, row]) => [`${channel} ${key}`, row]); }

  get shown() { return this.channels.flatMap((channel) => this.rows(channel)); }

  options() {
    const { random } = this;
    return Object.fromEntries(Object.entries({
      filter: random.of([undefined, undefined, "tags.desk == 'a'", "tags.desk == 'b'"]), keys: random.of([undefined, undefined, ["v1", "v2", "w*"], ["v*"], []]),
      fields: random.of([undefined, undefined, ["n"]]), maxRate: random.of([undefined, undefined, 1, 5]), paused: random.of([undefined, undefined, undefined, true]),
    }).filter(([, value]) => value !== undefined));
  }

  read(options = this.options()) {
    this.subscription?.unsubscribe();
    const wants = { ...options }, mine = this.subscription = this.run.client.subscribe(this.name, (event) => this.events.push(event), { ...options, state: true, onGap: () => this.gaps++ });
    [this.wants, this.pending] = [wants, 0];
    mine.ready.catch(() => {});
    mine.view?.ready.catch(() => {});
    this.told = new Map();
    mine.view?.on("change", ({ channel = this.name, changed, removed }) => {
      const { wrong } = this.run, isMine = mine === this.subscription, told = isMine ? this.told : new Map(), now = new Map(this.rows(channel, mine));
      for (const key of changed) {
        const name = `${channel} ${key}`;
        if (removed.has(key) || !now.has(name)) wrong.push(`${name} changed, and is not there`);
        told.set(name, now.get(name));
      }
      for (const key of removed) if (!told.delete(`${channel} ${key}`) && isMine) wrong.push(`${channel} ${key} removed, and was never told`);
      if (!isMine) return;
      const known = [...told].filter(([name]) => name.startsWith(`${channel} `));
      if (known.length !== now.size || known.some(([name, row]) => now.get(name) !== row)) wrong.push("what was told is not what is shown");
    });
  }

  tune(change) {
    const mine = this.subscription;
    this.pending++;
    return mine.tune(change).then(
      ({ filter, fields, keys, maxRate, paused }) => {
        if (mine !== this.subscription) return;
        this.pending--;
        this.wants = { filter, fields, keys, maxRate, paused };
      },
      () => { if (mine === this.subscription) this.pending--; },
    );
  }

  /** Something happens to the state, or to how it is read. */
  step() {
    const { random, world } = this, key = random.of(["v1", "v2", "v3", "w1", "w2", "x"]), desk = random.of(["a", "b"]), channel = random.of(this.channels);
    switch (random(13)) {
      case 0: case 1: case 2: case 3: return world.publish(channel, { n: world.serial, m: 1 }, { key, desk, ttlMs: random.of([undefined, undefined, 1000, 30_000]) });
      case 4: return world.publish(channel, undefined, { key, op: "delete", desk });
      case 5: return random.chance(0.3) && world.publish(channel, undefined, { op: "clear" });
      case 6: return world.publish(channel, { n: world.serial }, { desk });
      case 7: case 8: return this.tune(random.of([{ filter: "" }, { filter: "tags.desk == 'a'" }, { filter: "tags.desk == 'b'" }, { filter: "tags.desk = " }, { keys: ["v1", "x"] }, { keys: { add: ["w1"], remove: ["v1"] } }, { maxRate: 0 }, { maxRate: 2 }, { paused: true }, { paused: false }, { fields: ["n"] }, { fields: ["m", "n"] }, { rewind: 1 }]));
      case 9: world.desk = random.of([undefined, "a", "b"]); if (random.chance(0.7)) this.run.client.refresh().catch(() => {}); return;
      case 10: if (random.chance(0.2)) this.read(random.chance(0.1) ? { filter: "bad", maxRate: 1 } : undefined); return;
      case 12: for (const socket of world.sockets) { for (const reader of socket.subscriptions.values()) if (reader.wants.state) reader.again(); } return; // it has forgotten what was removed
      case 11: for (let i = 0; i < 8; i++) world.publish(channel, { n: i, m: i }, { key: random.of(["v1", "v2", "v3", "w1", "w2", "x"]), desk: random.of(["a", "b"]) }); return;
    }
  }

  check() {
    assert.equal(this.gaps, 0, "a state has no gaps");
  }

  get open() { return this.world.sockets.filter(({ closed, page }) => !closed && page.readyState === 1); }

  /** Whether the page has to show exactly what the server has, once some time has passed. */
  get settled() {
    const { world, subscription, run, open } = this;
    return run.client.state.name === "live" && subscription.state.name === "live" && subscription.view.isReady && this.pending === 0 && !this.wants.paused
      && open.length === 1 && open[0].welcome && !open[0].evil && !open[0].half && world.network === "up";
  }

  /** Lets things come to rest, and compares. */
  async compare() {
    const { world } = this, sockets = world.sockets.length;
    if (!this.settled) return false;
    await world.clock.pass(SETTLED);
    if (!this.settled || sockets !== world.sockets.length) return false;
    const [{ claims, subscriptions }] = this.open, now = world.now;
    const rows = this.channels.flatMap((channel) => [...fold(world.record(channel), now - 1500)].map(([key, event]) => [`${channel} ${key}`, event])).filter(([, event]) => shows(this.wants, claims.desk, event));
    const soon = new Set(rows.filter(([, { expiresAt }]) => expiresAt <= now + 500).map(([key]) => key)); // of which both may be right
    const want = rows.filter(([key]) => !soon.has(key)).map(([key, { time, id, data }]) => [key, `${time}-${id}`, project(this.wants, data)]);
    const have = this.shown.filter(([key]) => !soon.has(key)).map(([key, { position, data }]) => [key, position, data]);
    const byKey = (all) => all.sort(([a], [b]) => (a < b ? -1 : 1));
    assert.deepEqual(byKey(have), byKey(want), `shown: ${JSON.stringify(this.wants)} ${claims.desk} ${JSON.stringify([...subscriptions.values()].filter(({ wants }) => wants.state).map(({ told }) => [...told]))}`);
    assert.deepEqual([...this.told.keys()].sort(), this.shown.map(([name]) => name).sort(), "what was told is what is shown");
    this.compared++;
    return true;
  }

  /** All behave: the page shows what the server has, also after more has happened and after a cut. */
  async calm() {
    const { world } = this;
    for (let i = 0; i < 3; i++) {
      this.tune({ paused: false });
      for (let minute = 0; minute < 15 && !this.settled; minute++) {
        if (["refused", "closed"].includes(this.subscription.state.name)) this.read({});
        await world.clock.pass(60_000);
      }
      assert.ok(await this.compare(), `not settled: ${JSON.stringify([this.subscription.state, this.pending, this.wants, this.run.client.state.name])}`);
      for (let n = 0; n < 6; n++) this.step();
      await world.clock.pass(this.random.of([0, 100, 5000]));
      if (i === 1) world.sockets.at(-1).end(1006);
    }
  }
}
