// One subscription on the wire, to a channel or to a pattern: where it stands, how it is read, and who reads it.
import { ticks } from "./clock.js";
import { Cursor } from "./cursor.js";
import { KeyedView } from "./keyed-view.js";
import { PatternView } from "./pattern-view.js";
import { Cursors, isPattern } from "./pattern.js";
import { isPosition, parsePosition, timeOf } from "./position.js";
import { Shown } from "./shown.js";
import { Tuning } from "./tuning.js";
import { moment } from "./values.js";

/** How a frame names a feed or a watch. */
export const keyOf = ({ sub, channel }) => (typeof sub === "string" && sub ? `#${sub}` : channel);

/** One subscription. `asOf` is the moment up to which silence is vouched for. */
export class Feed {
  readers = new Map(); // Subscription -> {deliver, finish, waiting, stands, asOf}
  link = null; // messages from any other are repetitions
  attempt = 0; retryAt = 0; putOffBy = null; ended = false; // retryAt in ticks: asked again then, because that link could not
  attemptToTune = 0; asOf;
  begun = 0; // of a pattern: from when on it was read without an asOf
  forgot = false; // where it stood could not be used: whatever the answer, something may be missing
  view; #keyed; // with state: what the page holds, and what fills it
  cursors; #only; // by channel, of a pattern; that of the channel if it is none
  state = Object.freeze({ name: "pending", resumed: false, gap: false, caughtUp: 0 });

  /** `sub` tells it apart from other feeds of the same channel. */
  constructor(channel, { sub, since, wants, remember, clock }) {
    [this.channel, this.sub] = [channel, sub];
    this.key = keyOf(this);
    if (wants.state) this.view = new (isPattern(channel) ? PatternView : KeyedView)(channel, clock, (keyed) => { this.#keyed = keyed; });
    if (isPattern(channel)) this.cursors = new Cursors(channel, remember, this.view && ((cursor) => new Shown(cursor, this.#keyed.of(cursor.channel))));
    else this.#only = new Cursor(channel, remember);
    if (this.view && this.#only) this.#only.shown = new Shown(this.#only, this.#keyed);
    this.tuning = new Tuning(wants);
    this.ready = new Promise((resolve, reject) => Object.assign(this, { resolve, reject }));
    this.ready.catch(() => {}); // who does not wait for it learns it from the error event
    if (since !== undefined && since !== null && since !== "") this.startAt(since);
  }

  get isPattern() { return this.cursors !== undefined; }

  /** Where it stands in a channel; undefined if that is none of its channels. */
  cursor(channel) { return this.isPattern ? this.cursors.of(channel) : channel === this.channel ? this.#only : undefined; }

  /** Whether a channel is one of those that it reads. */
  reads(channel) { return this.cursor(channel) !== undefined || channel === this.channel; }

  get position() { return this.#only?.position; }
  set position(position) { if (this.#only) this.#only.position = position; }

  /** Whether it goes on from somewhere. */
  get hasBegun() { return this.position !== undefined || this.isPattern && this.asOf !== undefined; }

  /** Where to go on from. */
  get since() { return this.isPattern ? this.cursors.positions() : this.view ? this.#only.shown.since : this.position; }

  /** By what that was shown from which to go on. */
  get shownBy() { return this.isPattern ? this.cursors.shownBy(this.since) : this.#only.shown?.by; }

  request() {
    const { since } = this;
    return { type: "subscribe", channel: this.channel, sub: this.sub, since, view: since && this.shownBy, asOf: this.asOf, ...this.tuning.asked.wants };
  }

  /** Takes over where it stood; what is no position is a gap, as the server says of those it does not know. */
  startAt(position, asOf) {
    const usable = this.isPattern ? typeof position === "object" && position !== null && moment(asOf) && this.cursors.startAt(position) : isPosition(position);
    if (!usable) return this.forget();
    if (!this.isPattern) this.position = position;
    this.asOf = moment(asOf) || undefined;
  }

  forget() {
    [this.position, this.asOf, this.forgot] = [undefined, undefined, true];
    this.cursors?.clear();
  }

  /** Shows nothing any more: what was shown is somebody else's. */
  clearView() { this.#keyed?.clear(); }

  endView(error) { this.#keyed?.end(error); }

  /** The states have been sent of all channels of a pattern: what was not sent is no more. */
  complete() {
    for (const { channel, owed, shown } of [...this.cursors.values()]) {
      if (!owed) continue;
      this.cursors.delete(channel);
      shown.end();
    }
    this.#keyed.complete();
  }

  deliver(item) { for (const reader of [...this.readers.values()]) reader.deliver(item); }

  /** A heartbeat vouches for silence. */
  silent(asOf) {
    this.asOf = asOf;
    this.cursors?.settle(asOf);
  }

  /** Takes a message that has a position, unless it is a repetition, and tells whether it did. `resumed` counts what a reconnect has brought. */
  receive(cursor, message, resumed, clock) {
    const { time, id } = parsePosition(message.position);
    if (cursor.repeated(time)) return false;
    const edge = cursor.past > 0 ? Infinity : cursor.edge;
    cursor.floor = cursor.unclear = 0;
    cursor.past = Math.max(0, cursor.past - 1);
    if (cursor.recent.seen(id)) {
      if (time > timeOf(cursor.position)) cursor.position = message.position;
      return false;
    }
    this.#stamp(message, time, edge, resumed, clock);
    this.deliver(message);
    cursor.position = message.position;
    return true;
  }

  /** Takes a message of a state: what is about keys is shown, the rest are events. One that a tune or a token has brought may be old. */
  receiveKeyed(cursor, message, resumed, clock) {
    const { time, id } = parsePosition(message.position), about = message.cleared === true || message.key !== undefined, { recent, edge, shown } = cursor;
    if (!about && recent.seen(id)) return;
    if (about && time < timeOf(cursor.position)) message.time = moment(message.time) || time;
    else this.#stamp(message, time, edge, resumed, clock);
    if (about) shown.apply(message);
    else this.deliver(message);
    if (!shown.loading && time >= timeOf(cursor.position)) cursor.position = message.position;
  }

  /** Notes when a message came. */
  #stamp(message, time, edge, resumed, clock) {
    message.time = moment(message.time) || time;
    message.replayed = time <= edge;
    if (message.replayed) {
      this.state = Object.freeze({ ...this.state, caughtUp: this.state.caughtUp + 1 });
      if (resumed) [resumed.caughtUp, resumed.at] = [resumed.caughtUp + 1, ticks()];
    }
    clock.heard(message.time);
    message.receivedAt = Date.now();
    message.latencyMs = clock.delay(message.time);
    if (!message.replayed) clock.record(message.latencyMs);
  }

  /** What may be kept beyond this page: no reader still has it before him. The rows of a state are not kept, so neither is their position. */
  get stored() {
    if (this.view) return undefined;
    const readers = [...this.readers.values()];
    const stands = (cursor) => readers.reduce((oldest, reader) => (timeOf(reader.stands(cursor)) < timeOf(oldest) ? reader.stands(cursor) : oldest), cursor.position);
    if (this.isPattern) {
      const asOf = readers.reduce((oldest, reader) => Math.min(oldest, reader.asOf ?? 0), this.asOf ?? 0);
      return asOf ? [this.cursors.positions(undefined, stands) ?? {}, asOf] : undefined;
    }
    const stored = stands(this.#only);
    return stored && [stored, (!readers.some((reader) => reader.waiting) && this.asOf) || null];
  }
}
