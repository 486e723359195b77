// How the world's server gives a channel to one who asked for its state, a rate, a filter or a pause. It remembers what it has told each
// reader and tells the difference, which is not how a real one does it, and what protocol.md says of it.

/** What a channel's state is: the events of a record, folded up to a moment. */
export function fold(record, now, upTo = record.length) {
  const rows = new Map();
  for (const event of record.slice(0, upTo)) {
    if (event.op === "clear") rows.clear();
    else if (event.key !== undefined && event.op === "delete") rows.delete(event.key);
    else if (event.key !== undefined) rows.set(event.key, event);
  }
  for (const [key, { expiresAt }] of rows) if (expiresAt <= now) rows.delete(key);
  return rows;
}

/** The filter of the world: tags.desk == 'x', or one that cannot be. */
const filterOf = (text) => (text ? /^tags\.desk == '(\w*)'$/.exec(text) : ["", undefined]);

export function shows({ filter, keys }, rights, event) {
  const desk = filterOf(filter)[1];
  if (rights !== undefined && event.desk !== rights) return false;
  if (desk !== undefined && event.desk !== desk) return false;
  return event.key === undefined || !keys || keys.some((key) => (key.endsWith("*") ? event.key.startsWith(key.slice(0, -1)) : key === event.key));
}

export const project = ({ fields }, data) => (fields ? Object.fromEntries(Object.entries(data).filter(([name]) => fields.includes(name))) : data);

/** Why options cannot be obeyed; undefined if they can. */
export function faultOf({ filter, keys, maxRate, state, fields, paused }, channel, tunes) {
  if (filter !== undefined && !filterOf(filter)) return "filter: line 1, column 17";
  if (maxRate !== undefined && !(maxRate >= 0.05 && maxRate <= 1000) && !(tunes && maxRate === 0)) return "maxRate: must be 0.05 to 1000";
  if (state !== undefined && (tunes || state !== true || !channel.startsWith("fleet:"))) return "state: there is none";
  if (Array.isArray(keys) && keys.some((key) => key.slice(0, -1).includes("*"))) return "keys: * may stand at the end only";
  if (fields !== undefined && !Array.isArray(fields)) return "fields: must be a list";
  return paused === undefined || typeof paused === "boolean" ? undefined : "paused: must be true or false";
}

const positionOf = ({ time, id }) => `${time}-${id}`;

export class Reader {
  told = new Map(); // key -> ID of the event that the client was told last
  whole; // is told of the end of each snapshot
  snapshot = null; reset = false; nextAt = 0; timer; over = false;

  constructor(socket, channel, wants, at, sub) { Object.assign(this, { socket, channel, wants, at, sub, world: socket.world }); }

  give(frame) { this.socket.give({ ...frame, sub: this.sub }); }

  get record() { return this.world.record(this.channel); }
  /** What the token shows of a fleet; of other channels it shows all. */
  get rights() { return this.channel.startsWith("fleet:") ? this.socket.claims.desk : undefined; }
  get rate() { return this.wants.maxRate; }
  get filtered() { return this.wants.filter || this.wants.keys || this.rights !== undefined; }
  /** What the client is told of by what it is shown: undefined if by nothing. */
  get view() {
    const { filter, keys, fields } = this.wants, by = JSON.stringify([filter || undefined, keys, fields, this.rights]);
    return by === "[null,null,null,null]" ? undefined : `v${[...by].reduce((sum, c) => (sum * 31 + c.charCodeAt(0)) % 2 ** 32, 0)}`;
  }
  get rows() { return new Map([...fold(this.record, this.world.now)].filter(([, event]) => shows(this.wants, this.rights, event))); }

  /** Goes on from an index of the record: the client has all up to there. */
  resume(at) {
    this.at = at;
    if (this.wants.state) for (const [key, event] of fold(this.record, this.world.now - 60_000, at)) this.told.set(key, event.id);
  }

  end() {
    this.over = true;
    clearTimeout(this.timer);
  }

  again() { this.begin(true); }

  /** Begins to send the state. */
  begin(reset) {
    [this.snapshot, this.reset, this.told] = [{ todo: [...this.rows.keys()], at: this.record.length }, reset, new Map()];
    this.pump();
  }

  /** Sends what is new, as far as pause and rate allow. */
  pump() {
    if (this.over || this.socket.closed || this.wants.paused) return;
    if (this.snapshot) return this.#part();
    const now = this.world.now;
    if (this.rate && now < this.nextAt) return this.#later(this.nextAt - now);
    if (this.rate) this.nextAt = now + 1000 / this.rate;
    this.#flush();
  }

  #later(ms) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.pump(), ms);
  }

  /** One frame of the snapshot, and the next one later: the state changes meanwhile. */
  #part() {
    const { random } = this.world, { todo, at } = this.snapshot, rows = this.rows, cleared = this.record.slice(at).some(({ op }) => op === "clear");
    if (cleared) return this.begin(true);
    const entries = [];
    for (const key of todo.splice(0, 1 + random(4))) {
      const event = rows.get(key);
      if (!event) continue;
      this.told.set(key, event.id);
      entries.push({ key, position: positionOf(event), time: event.time, expiresAt: event.expiresAt, data: project(this.wants, event.data) });
    }
    const more = todo.length > 0, from = this.record[at - 1];
    this.give({ type: "snapshot", channel: this.channel, reset: this.reset || undefined, entries, more, position: more ? undefined : from ? positionOf(from) : `${this.world.begin}-`, view: more ? undefined : this.view });
    this.reset = false;
    if (more) return this.#later(random.of([0, 1, 50, 2000]));
    [this.snapshot, this.at] = [null, at];
    this.whole?.();
    this.#later(random(100));
  }

  #flush() {
    const news = this.record.slice(this.at);
    this.at = this.record.length;
    if (!this.wants.state) {
      for (const event of news) if (event.key === undefined && shows(this.wants, this.rights, event)) this.#send(event, { data: project(this.wants, event.data) });
      return;
    }
    const rows = this.rows, steps = [];
    const clear = news.findLastIndex(({ op }) => op === "clear");
    if (clear >= 0) {
      steps.push([news[clear], { cleared: true }]);
      this.told.clear();
    }
    for (const [key, event] of rows) if (this.told.get(key) !== event.id || this.world.random.chance(0.05)) steps.push([event, { data: project(this.wants, event.data) }]);
    const all = fold(this.record, this.world.now);
    for (const key of this.told.keys()) {
      if (rows.has(key)) continue;
      const last = this.record.findLast((event) => event.key === key);
      if (all.has(key)) steps.push([all.get(key), { left: true }]);
      else if (last.op === "delete") steps.push([last, { deleted: true }]);
      else steps.push([last, { deleted: true, expired: true }]);
    }
    for (const event of news) if (event.key === undefined && event.op !== "clear" && shows(this.wants, this.rights, event)) steps.push([event, { data: event.data }]);
    steps.sort(([a], [b]) => this.record.indexOf(a) - this.record.indexOf(b));
    for (const [event, what] of steps) this.#send(event, what);
    this.told = new Map([...rows].map(([key, { id }]) => [key, id]));
    const ends = Math.min(...[...rows.values()].map(({ expiresAt }) => expiresAt ?? Infinity));
    if (ends < Infinity) this.#later(Math.max(1, ends - this.world.now + this.world.random(1000)));
  }

  #send(event, what) {
    const { key, time, expiresAt } = event;
    const { expired } = what;
    this.give({ type: "message", channel: this.channel, position: expired ? undefined : positionOf(event), key, time: expired || what.left ? undefined : time, expiresAt: what.data === undefined ? undefined : expiresAt, ...what });
  }

  /** Another view, by a tune or a token: the client is told the difference, or everything anew. */
  see(wants, rights = false) {
    const behind = this.snapshot !== null || this.wants.paused || this.at < this.record.length || this.world.random.chance(0.3);
    const rates = wants.paused !== this.wants.paused || wants.maxRate !== this.wants.maxRate;
    const same = ["filter", "keys", "fields"].every((name) => JSON.stringify(wants[name]) === JSON.stringify(this.wants[name])) && !rights;
    const before = this.wants;
    this.wants = wants;
    if (!this.wants.state || (same && rates)) return this.pump();
    if (same) return;
    if (behind) return this.begin(true);
    const notice = (view) => this.give({ type: "notice", code: "view", channel: this.channel, view });
    notice("-"); // what has been told of the difference is by neither
    const fields = JSON.stringify(before.fields) !== JSON.stringify(wants.fields), all = fold(this.record, this.world.now), rows = this.rows;
    for (const [key, event] of all) {
      if (this.told.has(key) && !rows.has(key)) this.#send(event, { left: true });
      else if (rows.has(key) && (!this.told.has(key) || fields)) this.#send(event, { data: project(wants, event.data) });
    }
    const gone = [...this.told].filter(([key]) => !all.has(key)); // they have expired, and are told of it
    this.told = new Map([...gone, ...[...rows].map(([key, { id }]) => [key, id])]);
    notice(this.view ?? "");
    this.pump();
  }
}
