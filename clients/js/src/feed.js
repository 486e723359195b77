// One channel: where its reader stands, how it is read, and who reads it.
import { ticks } from "./clock.js";
import { Recent } from "./ids.js";
import { KeyedView } from "./keyed-view.js";
import { isPosition, parsePosition, timeOf } from "./position.js";
import { Tuning } from "./tuning.js";
import { moment, text } from "./values.js";

/** One channel. `position` is the newest one that there is nothing missing before, `asOf` the moment up to which silence is vouched for. */
export class Feed {
  readers = new Map(); // Subscription -> {deliver, finish, stored}
  link = null; // messages from any other are repetitions
  attempt = 0; retryAt = 0; putOffBy = null; ended = false; // retryAt in ticks: asked again then, because that link could not
  attemptToTune = 0;
  forgot = false; // where it stood could not be used: whatever the answer, something may be missing
  floor = 0; floorUntil = 0; // during a move: older messages are repetitions
  edge = 0; // after a resume: messages up to this publish time were missed ones
  view; keyed; // with state: what the page holds, and what fills it
  shownBy; // with state: what the server calls that by which the rows were shown at `position`; undefined if that is everything
  #doubted = false; // with state: until the next snapshot is complete
  state = Object.freeze({ name: "pending", resumed: false, gap: false, caughtUp: 0 });

  constructor(channel, { since, wants, remember, clock }) {
    this.channel = channel;
    this.recent = new Recent(remember);
    this.tuning = new Tuning(wants);
    this.ready = new Promise((resolve, reject) => Object.assign(this, { resolve, reject }));
    this.ready.catch(() => {}); // who does not wait for it learns it from the error event
    if (wants.state) this.view = new KeyedView(channel, clock, (keyed) => { this.keyed = keyed; });
    if (since !== undefined && since !== null && since !== "") this.startAt(since);
  }

  /** Where to go on from. */
  get since() { return this.#doubted ? undefined : this.position; }

  request() { return { type: "subscribe", channel: this.channel, since: this.since, view: this.since && this.shownBy, asOf: this.asOf, ...this.tuning.asked.wants }; }

  /** Takes over where it stood; what is no position is a gap, as the server says of those it does not know. */
  startAt(position, asOf) {
    if (isPosition(position)) [this.position, this.asOf] = [position, moment(asOf) || undefined];
    else this.forget();
  }

  forget() { [this.position, this.asOf, this.forgot] = [undefined, undefined, true]; }

  /** Something may be missing among the rows: they are to be sent anew. */
  doubt() { this.#doubted = true; }

  /** From here on the rows are shown by something else. What a snapshot will be shown by, its end says. */
  showBy(view) { if (!this.keyed.rows.loading) this.shownBy = text(view) || undefined; }

  deliver(item) { for (const reader of [...this.readers.values()]) reader.deliver(item); }

  /** Takes a message that has a position, unless it is a repetition, and tells whether it did. `resumed` counts what a reconnect has brought. */
  receive(message, resumed, clock) {
    const { time, id } = parsePosition(message.position);
    if (time < this.floor && ticks() < this.floorUntil) return false; // came by the link before
    this.floor = 0;
    if (this.recent.seen(id)) {
      if (time > timeOf(this.position)) this.position = message.position;
      return false;
    }
    this.#stamp(message, time, resumed, clock);
    this.deliver(message);
    this.position = message.position;
    return true;
  }

  /** Takes a message of a state: what is about keys is shown, the rest are events. One that a tune or a token has brought may be old. */
  receiveKeyed(message, resumed, clock) {
    const { time, id } = parsePosition(message.position), about = message.cleared === true || message.key !== undefined;
    if (!about && this.recent.seen(id)) return;
    if (about && time < timeOf(this.position)) message.time = moment(message.time) || time;
    else this.#stamp(message, time, resumed, clock);
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
  #stamp(message, time, resumed, clock) {
    message.time = moment(message.time) || time;
    message.replayed = time <= this.edge;
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
    let stored = this.position;
    for (const reader of this.readers.values()) if (timeOf(reader.stored) < timeOf(stored)) stored = reader.stored;
    const behind = [...this.readers.values()].some((reader) => reader.waiting);
    return stored && [stored, (!behind && this.asOf) || null];
  }
}
