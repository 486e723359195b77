// A subscription to all channels that a pattern selects: where it stands in each of them.
import { Cursor } from "./cursor.js";
import { isPosition, timeOf } from "./position.js";
import { bytes } from "./values.js";

/**
 * How many channels of a pattern are remembered: as many as a server reads for it at once. Beyond that, those are forgotten that have been
 * quiet for longest; asOf speaks for them.
 */
export const MAX_CURSORS = 1000;
/** How many of them the server is told by name, the newest first, in how many bytes; asOf speaks for the others. It leaves room for channels that have begun meanwhile. */
const MAX_POSITIONS = MAX_CURSORS / 2, POSITION_BYTES = 16 << 10;
/** How much later than a heartbeat a message may come that was published before its asOf, in milliseconds: until then its channel's IDs are remembered. */
const STALLED = 60_000;

export const isPattern = (name) => name.includes("*");

/** Whether a pattern selects a channel: "*" is any one segment, "**" at the end the rest. */
export function selects(pattern, channel) {
  const want = pattern.split(":"), have = channel.split(":"), rest = want.at(-1) === "**";
  if (rest) want.pop();
  return (rest ? have.length > want.length : have.length === want.length) && want.every((segment, i) => segment === "*" || segment === have[i]);
}

/** The cursors of a pattern. Up to `forgotten` something may have been had of channels that have none. */
export class Cursors extends Map {
  forgotten = 0; repeats = 0; #edge = 0; #pattern; #remember; #show;

  /** With state, `show` returns what is shown of a channel. */
  constructor(pattern, remember, show) {
    super();
    [this.#pattern, this.#remember, this.#show] = [pattern, remember, show];
  }

  /** That of a channel, undefined if the pattern does not select it. */
  of(channel) {
    const known = this.get(channel);
    if (known || typeof channel !== "string" || isPattern(channel) || !selects(this.#pattern, channel)) return known;
    if (this.size >= MAX_CURSORS) this.#forget();
    const cursor = new Cursor(channel, this.#remember);
    [cursor.floor, cursor.doubt, cursor.edge] = [this.repeats, this.repeats > 0, this.#edge];
    cursor.shown = this.#show?.(cursor);
    this.set(channel, cursor);
    return cursor;
  }

  #forget() {
    if (this.#show) { // what is shown has to be kept, and there is no more of it than a server has
      const empty = [...this.values()].find(({ shown }) => shown.isEmpty);
      if (empty) this.delete(empty.channel);
      return empty?.shown.end();
    }
    const oldest = [...this.values()].reduce((a, b) => (timeOf(b.position) < timeOf(a.position) ? b : a));
    this.forgotten = Math.max(this.forgotten, timeOf(oldest.position));
    if (oldest.floor > 0) this.repeats = Math.max(this.repeats, timeOf(oldest.position)); // which may be about to be repeated
    this.delete(oldest.channel);
  }

  /** The positions that a server is told, by channel; undefined if there are none. `room` is in bytes. */
  positions(room = POSITION_BYTES, positionOf = (cursor) => (cursor.shown ? cursor.shown.since : cursor.position)) {
    const all = {}, newest = [...this.values()].map((cursor) => [cursor.channel, positionOf(cursor)]).filter(([, position]) => position !== undefined);
    newest.sort(([, a], [, b]) => timeOf(b) - timeOf(a));
    for (const [channel, position] of newest.slice(0, MAX_POSITIONS)) {
      if ((room -= channel.length + bytes(position) + 6) < 0) break;
      all[channel] = position;
    }
    return Object.keys(all).length ? all : undefined;
  }

  /** By what was shown what a server is told the positions of, by channel; undefined if all of it by nothing. */
  shownBy(positions) {
    const all = Object.keys(positions ?? {}).map((channel) => [channel, this.get(channel).shown?.by]).filter(([, by]) => by !== undefined);
    return all.length ? Object.fromEntries(all) : undefined;
  }

  /** A link begins to send the states of all channels, one by one. */
  beginStates() { for (const cursor of this.values()) cursor.owed = true; }

  /** Takes over positions of before. Tells whether all of them can be some. */
  startAt(positions) {
    for (const [channel, position] of Object.entries(positions)) {
      const cursor = isPosition(position) && this.of(channel);
      if (!cursor) return false;
      cursor.position = position;
    }
    return true;
  }

  /** A link begins to send: what it was told of by name it answers, and the others from asOf on. */
  begin(since, edge, ms) {
    [this.repeats, this.#edge] = [this.forgotten, edge];
    for (const cursor of this.values()) {
      [cursor.owed, cursor.floor, cursor.edge] = [since?.[cursor.channel] !== undefined, 0, edge];
      if (since?.[cursor.channel] !== cursor.position) cursor.repeats(ms);
    }
  }

  /** A heartbeat makes superfluous what it vouches for. */
  settle(asOf) {
    if (asOf - STALLED >= this.forgotten) this.forgotten = 0;
    for (const cursor of this.values()) if (timeOf(cursor.position) < asOf - STALLED) cursor.recent.clear();
  }

  /** Forgets where it stands; not of what it shows the states. */
  clear() {
    if (this.#show) for (const cursor of this.values()) cursor.position = undefined;
    else super.clear();
    [this.forgotten, this.repeats] = [0, 0];
  }
}
