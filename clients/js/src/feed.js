// One channel: where its reader stands, and who reads it.
import { ticks } from "./clock.js";
import { Recent } from "./ids.js";
import { isPosition, parsePosition, timeOf } from "./position.js";
import { moment } from "./values.js";

/** One channel. `position` is the newest one received, `asOf` the moment up to which silence is vouched for. */
export class Feed {
  readers = new Map(); // Subscription -> {deliver, finish, stored}
  link = null; // messages from any other are repetitions
  attempt = 0; retryAt = 0; putOffBy = null; ended = false; // retryAt in ticks: asked again then, because that link could not
  forgot = false; // where it stood could not be used: whatever the answer, something may be missing
  floor = 0; floorUntil = 0; // during a move: older messages are repetitions
  edge = 0; // after a resume: messages up to this publish time were missed ones
  state = Object.freeze({ name: "pending", resumed: false, gap: false, caughtUp: 0 });

  constructor(channel, since, remember) {
    this.channel = channel;
    this.recent = new Recent(remember);
    this.ready = new Promise((resolve, reject) => Object.assign(this, { resolve, reject }));
    this.ready.catch(() => {}); // who does not wait for it learns it from the error event
    if (since !== undefined && since !== null && since !== "") this.startAt(since);
  }

  get request() { return { type: "subscribe", channel: this.channel, since: this.position, asOf: this.asOf }; }

  /** Takes over where it stood; what is no position is a gap, as the server says of those it does not know. */
  startAt(position, asOf) {
    if (isPosition(position)) [this.position, this.asOf] = [position, moment(asOf) || undefined];
    else this.forget();
  }

  forget() { [this.position, this.asOf, this.forgot] = [undefined, undefined, true]; }

  deliver(item) { for (const reader of [...this.readers.values()]) reader.deliver(item); }

  /** Takes a message that has a position, unless it is a repetition, and tells whether it did. `resumed` counts what a reconnect has brought. */
  receive(message, resumed, clock) {
    const now = ticks(), { time, id } = parsePosition(message.position);
    if (time < this.floor && now < this.floorUntil) return false; // came by the link before
    this.floor = 0;
    if (this.recent.seen(id)) {
      if (time > timeOf(this.position)) this.position = message.position;
      return false;
    }
    message.time = moment(message.time) || time;
    message.replayed = time <= this.edge;
    if (message.replayed) {
      this.state = Object.freeze({ ...this.state, caughtUp: this.state.caughtUp + 1 });
      if (resumed) [resumed.caughtUp, resumed.at] = [resumed.caughtUp + 1, now];
    }
    clock.heard(message.time);
    message.receivedAt = Date.now();
    message.latencyMs = clock.delay(message.time);
    if (!message.replayed) clock.record(message.latencyMs);
    this.deliver(message);
    this.position = message.position;
    return true;
  }

  /** What may be kept beyond this page: no reader still has it before him. */
  get stored() {
    let stored = this.position;
    for (const reader of this.readers.values()) if (timeOf(reader.stored) < timeOf(stored)) stored = reader.stored;
    const behind = [...this.readers.values()].some((reader) => reader.waiting);
    return stored && [stored, (!behind && this.asOf) || null];
  }
}
