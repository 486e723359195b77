// The rows of a channel's state: what each key is, and the snapshot that is under way.
import { isPosition, timeOf } from "./position.js";
import { moment, text } from "./values.js";

const MAX_GONE = 4096; // keys of which it is remembered when they were removed

/** Whether an entry has a position, or is transient and has none. */
const hasPlace = ({ position }) => position === undefined || isPosition(position);

/** When a row or an event was published. */
const stood = (row) => timeOf(row?.position) || moment(row?.time) || 0;

/** The row that an event makes of its key. */
function rowOf({ key, position, data, time, expiresAt, tags, eventType, source, contentType }) {
  const row = { key, data, position, time: moment(time) || timeOf(position) };
  for (const [name, value] of Object.entries({ expiresAt: moment(expiresAt) || undefined, tags, eventType, source, contentType })) if (value !== undefined) row[name] = value;
  return Object.freeze(row);
}

/**
 * `all` has every key as of a Position; a snapshot that is under way does not touch it, and takes its place when it is complete: so there is
 * always a Position that `all` can be resumed from. Within a key, what is older never replaces what is newer: during a move, the next connection
 * may be behind the one before. `touch` is called with a key before its row in `all` changes.
 */
export class Rows {
  all = new Map(); whole = false; // whole: a snapshot has been complete
  #next = null; #gone = new Map(); #clearedAt = 0; #touch;

  constructor(touch) { this.#touch = touch; }

  /** Whether a snapshot is under way. */
  get loading() { return this.#next !== null; }

  /** The server sends everything from here on. */
  begin() { [this.#next, this.#gone, this.#clearedAt] = [new Map(), new Map(), 0]; }

  /** The server sends what has changed since `all` was whole. */
  resume() { this.#next = null; }

  /** Takes a part of a snapshot and tells whether that was the last one. What cannot be a row is left out. */
  snapshot({ reset, entries, more }) {
    if (reset === true || !this.loading) this.begin();
    for (const entry of Array.isArray(entries) ? entries : []) if (text(entry?.key) && hasPlace(entry)) this.#set(this.#next, entry);
    if (more !== false) return false;
    for (const key of [...this.all.keys(), ...this.#next.keys()]) this.#touch(key);
    [this.all, this.#next, this.whole] = [this.#next, null, true];
    return true;
  }

  /** Takes the newest of some keys. What is transient has no position; what the server says last of that counts. */
  changes({ entries }) {
    for (const entry of Array.isArray(entries) ? entries : []) {
      if (!text(entry?.key) || !hasPlace(entry)) continue;
      if (entry.position !== undefined) this.apply(entry);
      else if (entry.deleted === true || entry.left === true) this.expire(entry.key);
      else this.#set(this.#next ?? this.all, entry);
    }
  }

  /** Takes a message that is about keys and has a position. */
  apply(message) {
    const rows = this.#next ?? this.all, at = timeOf(message.position);
    if (message.cleared === true) {
      this.#clearedAt = Math.max(this.#clearedAt, at);
      for (const row of [...rows.values()]) if (stood(row) <= at) this.#remove(rows, row.key);
    } else if (message.deleted === true || message.left === true) {
      if (stood(rows.get(message.key)) > at) return;
      this.#remove(rows, message.key);
      this.#gone.delete(message.key); // to the end, so that the oldest go first
      this.#gone.set(message.key, at);
      if (this.#gone.size > MAX_GONE) this.#gone.delete(this.#gone.keys().next().value);
    } else this.#set(rows, message);
  }

  /** The server says that the time of a key's row is over, which may be one that was never sent. */
  expire(key) { this.#remove(this.#next ?? this.all, key); }

  /** The time of a row that is shown is over. */
  drop(key) { this.#remove(this.all, key); }

  /** Shows nothing, and knows nothing. */
  clear() {
    for (const key of [...this.all.keys()]) this.#remove(this.all, key);
    [this.#next, this.whole] = [null, false];
  }

  #set(rows, event) {
    const at = stood(event);
    if (at < Math.max(stood(rows.get(event.key)), this.#gone.get(event.key) ?? 0, this.#clearedAt)) return;
    if (rows === this.all) this.#touch(event.key);
    rows.set(event.key, rowOf(event));
  }

  #remove(rows, key) {
    if (rows === this.all && rows.has(key)) this.#touch(key);
    rows.delete(key);
  }
}
