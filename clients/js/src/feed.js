// One subscription on the wire, to a channel or to a pattern: where it stands, how it is read, and who reads it.
import { ticks } from "./clock.js";
import { Cursor } from "./cursor.js";
import { KeyedView } from "./keyed-view.js";
import { Cursors, isPattern } from "./pattern.js";
import { isPosition, parsePosition, timeOf } from "./position.js";
import { Tuning } from "./tuning.js";
import { moment, text } from "./values.js";

/** How a frame names a feed or a watch. */
export const keyOf = ({ sub, channel }) => (typeof sub === "string" && sub ? `#${sub}` : channel);

/** One subscription. `asOf` is the moment up to which silence is vouched for. */
export class Feed {
  readers = new Map(); // Subscription -> {deliver, finish, waiting, stands, asOf}
  link = null; // messages from any other are repetitions
  attempt = 0; retryAt = 0; putOffBy = null; ended = false; // retryAt in ticks: asked again then, because that link could not
  attemptToTune = 0; asOf;
  forgot = false; // where it stood could not be used: whatever the answer, something may be missing
  view; keyed; // with state: what the page holds, and what fills it
  cursors; #only; // by channel, of a pattern; that of the channel if it is none
  shownBy; // with state: what the server calls that by which the rows were shown at `position`; undefined if that is everything
  #doubted = false; // with state: until the next snapshot is complete
  state = Object.freeze({ name: "pending", resumed: false, gap: false, caughtUp: 0 });

  /** `sub` tells it apart from other feeds of the same channel. */
  constructor(channel, { sub, since, wants, remember, clock }) {
    [this.channel, this.sub] = [channel, sub];
    this.key = keyOf(this);
    if (isPattern(channel)) this.cursors = new Cursors(channel, remember);
    else this.#only = new Cursor(channel, remember);
    this.tuning = new Tuning(wants);
    this.ready = new Promise((resolve, reject) => Object.assign(this, { resolve, reject }));
    this.ready.catch(() => {}); // who does not wait for it learns it from the error event
    if (wants.state) this.view = new KeyedView(channel, clock, (keyed) => { this.keyed = keyed; });
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
  get since() { return this.isPattern ? this.cursors.positions() : this.#doubted ? undefined : this.position; }

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

  /** Something may be missing among the rows: they are to be sent anew. */
  doubt() { this.#doubted = true; }

  /** From here on the rows are shown by something else. What a snapshot will be shown by, its end says. */
  showBy(view) { if (!this.keyed.rows.loading) this.shownBy = text(view) || undefined; }

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
    cursor.floor = cursor.unclear = 0;
    if (cursor.recent.seen(id)) {
      if (time > timeOf(cursor.position)) cursor.position = message.position;
      return false;
    }
    this.#stamp(message, time, cursor.edge, resumed, clock);
    this.deliver(message);
    cursor.position = message.position;
    return true;
  }

  /** Takes a message of a state: what is about keys is shown, the rest are events. One that a tune or a token has brought may be old. */
  receiveKeyed(message, resumed, clock) {
    const { time, id } = parsePosition(message.position), about = message.cleared === true || message.key !== undefined, { recent, edge } = this.#only;
    if (!about && recent.seen(id)) return;
    if (about && time < timeOf(this.position)) message.time = moment(message.time) || time;
    else this.#stamp(message, time, edge, resumed, clock);
    if (about) this.keyed.apply(message);
    else this.deliver(message);
    if (!this.keyed.rows.loading && time >= timeOf(this.position)) this.position = message.position;
  }

  /** Takes a part of a snapshot; the last one says where the reader stands. */
  receiveSnapshot(frame) {
    if (!this.keyed.snapshot(frame)) return false;
    this.position = isPosition(frame.position) ? frame.position : undefined;
    [this.shownBy, this.#doubted] = [text(frame.view) || undefined, false];
    return true;
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
