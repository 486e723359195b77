// How the world's server gives all channels that a pattern selects, and a page that reads them: each message of each channel once and in
// order, or a gap of that channel was told.
import { parsePosition } from "../tidewire.js";
import { fold, Reader } from "./keyed.mjs";

const STALLED = 60_000; // what an asOf does not vouch for

export const matches = (pattern, channel) => new RegExp(`^${pattern.replaceAll("**", ".+").replaceAll(/(?<!\.)\*/g, "[^:]+").replaceAll(".+", "(.+)")}$`).test(channel);

/** A subscription to a pattern, on the server's side. */
export class PatternReader {
  at = new Map(); // channel -> index of the record
  over = false;

  constructor(socket, frame) { Object.assign(this, { socket, world: socket.world, pattern: frame.channel, sub: frame.sub, wants: {} }); }

  get channels() { return [...this.world.records.keys()].filter((channel) => matches(this.pattern, channel)); }

  give(frame) { this.socket.give({ ...frame, sub: this.sub }); }

  begin(id, since, asOf) {
    const { world } = this, { random, now } = world;
    this.give({ type: "ok", id, channel: this.pattern, pattern: true, position: `${now}-` });
    for (const [channel, position] of Object.entries(since ?? {})) {
      const record = world.record(channel), { time, id: event } = parsePosition(position);
      const found = event ? record.findIndex((each) => each.id === event && each.time === time) + 1 : record.findIndex((each) => each.time > time);
      const lost = time > now || (event && found === 0) || random.chance(0.2);
      this.at.set(channel, lost ? record.length : event || found >= 0 ? found : record.length);
      const end = record.at(-1) ? `${record.at(-1).time}-${record.at(-1).id}` : `${now}-`;
      this.give({ type: "ok", channel, resumed: !lost, gap: lost, position: lost ? end : position });
    }
    const unknown = asOf !== undefined && (asOf > now || random.chance(0.05)); // nobody knows what was missed
    for (const channel of this.channels) {
      if (this.at.has(channel)) continue;
      const record = world.record(channel), from = asOf === undefined || unknown ? -1 : record.findIndex(({ time }) => time > asOf - STALLED);
      if (from >= 0 && random.chance(0.1)) {
        this.at.set(channel, record.length);
        this.give({ type: "notice", code: "gap", channel, position: `${now}-` });
      } else this.at.set(channel, from < 0 ? record.length : from);
    }
    if (unknown) this.give({ type: "notice", code: "gap", channel: this.pattern, position: `${now}-` });
    this.pump();
  }

  end() { this.over = true; }

  pump() {
    if (this.over || this.socket.closed) return;
    for (const channel of this.channels) {
      const record = this.world.record(channel);
      for (const { time, id, data, key } of record.slice(this.at.get(channel) ?? 0)) this.give({ type: "message", channel, position: `${time}-${id}`, key, time, data });
      this.at.set(channel, record.length);
    }
  }
}

/** A subscription to the states of all channels of a pattern: a reader for each, of which something is known. */
export class PatternStates {
  readers = new Map(); owed; over = false;

  constructor(socket, pattern, wants, sub) { Object.assign(this, { socket, world: socket.world, pattern, wants, sub }); }

  get channels() { return [...this.world.records.keys()].filter((channel) => channel.startsWith("fleet:") && matches(this.pattern, channel)); }
  get told() { return [...this.readers.values()].flatMap(({ channel, told }) => [...told].map(([key, id]) => [`${channel} ${key}`, id])); }

  begin(id, since = {}, views = {}) {
    const { random, now } = this.world;
    this.socket.give({ type: "ok", id, channel: this.pattern, pattern: true, sub: this.sub, position: `${now}-` });
    // Of a channel without rows nothing may be known any more, and a state may not be known at the moment.
    this.owed = new Set(this.channels.filter((channel) => fold(this.world.record(channel), now).size || random.chance(0.5)));
    for (const channel of [...this.owed]) {
      const read = () => this.#read(channel, since[channel], views[channel]);
      if (random.chance(0.1)) setTimeout(read, random.of([10, 3000]));
      else read();
    }
    this.#check();
  }

  #read(channel, since, view) {
    if (this.over || this.socket.closed) return;
    const reader = new Reader(this.socket, channel, this.wants, this.world.record(channel).length, this.sub);
    this.readers.set(channel, reader);
    reader.whole = () => { this.owed?.delete(channel); this.#check(); };
    this.socket.subscribeState(undefined, reader, since, view);
    if (!reader.snapshot) reader.whole();
  }

  #check() {
    if (this.owed?.size !== 0) return;
    this.owed = undefined;
    this.socket.give({ type: "notice", code: "complete", channel: this.pattern, sub: this.sub });
  }

  pump() {
    if (this.over || this.socket.closed) return;
    for (const reader of this.readers.values()) reader.pump();
    for (const channel of this.channels) if (!this.readers.has(channel) && !this.owed?.has(channel)) this.#read(channel);
    for (const [channel, { told, snapshot }] of this.readers) { // of which nothing is left to be known
      if (this.owed || snapshot || told.size || fold(this.world.record(channel), this.world.now).size || this.world.random.chance(0.9)) continue;
      this.readers.get(channel).end();
      this.readers.delete(channel);
    }
  }

  see(wants, rights) {
    this.wants = wants;
    for (const reader of this.readers.values()) reader.see(wants, rights);
  }

  /** It has forgotten what was removed. */
  again() { for (const reader of this.readers.values()) reader.begin(true); }

  end() {
    this.over = true;
    for (const reader of this.readers.values()) reader.end();
  }
}

/** One page's subscription to a pattern. */
export class PatternPage {
  seen = new Map(); // channel -> {last, free}
  begunAt = Infinity; // all that is later has to come, of channels that were not seen

  constructor(run, pattern, wants = {}) {
    Object.assign(this, { run, world: run.world, pattern });
    this.subscription = run.client.subscribe(pattern, (message) => this.take(message), { onGap: (gap) => this.gap(gap), ...wants });
    this.subscription.ready.then(() => { this.begunAt = Math.min(this.begunAt, this.world.now); }, () => {});
  }

  take({ channel, position, evil, sub }) {
    const { wrong } = this.run, record = this.world.record(channel);
    if (evil) return wrong.push("garbage was delivered");
    if (sub !== undefined || !matches(this.pattern, channel)) wrong.push(`${this.pattern}: ${channel} was delivered, ${sub}`);
    const index = record.findIndex(({ id }) => id === parsePosition(position).id), known = this.seen.get(channel);
    if (known && !known.free && index !== known.last + 1) wrong.push(`${this.pattern}: ${channel}: ${index} after ${known.last}, and no gap`);
    if (known?.free && index <= known.last) wrong.push(`${this.pattern}: ${channel}: ${index} after ${known.last}, behind a gap`);
    if (!known && index > 0 && record[index - 1].time > this.begunAt) wrong.push(`${this.pattern}: ${channel} begins with ${index}, and no gap`);
    this.seen.set(channel, { last: index, free: false });
    if (this.run.random.chance(0.02)) throw new Error("a callback's");
  }

  gap({ channel }) {
    if (channel !== this.pattern) return void this.seen.set(channel, { last: this.seen.get(channel)?.last ?? -1, free: true });
    this.begunAt = this.world.now;
    const { user } = this.run.client.state;
    if (user !== this.user) this.seen.clear(); // what another user was given is forgotten, and may come again
    this.user = user;
    for (const known of this.seen.values()) known.free = true;
  }

  /** What is missing, now that everything has come that comes. */
  get missing() {
    return [...this.world.records].filter(([channel, record]) => matches(this.pattern, channel) && record.length && record.at(-1).time > this.begunAt
      && this.seen.get(channel)?.last !== record.length - 1 && !this.seen.get(channel)?.free).map(([channel, record]) => `${this.pattern}: ${channel} ${this.seen.get(channel)?.last} of ${record.length}`);
  }
}
