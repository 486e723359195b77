// What several clients read over one socket: a subscription of the socket serves all that want the same, from where each of them stands.
import { isPattern } from "./pattern.js";
import { isPosition, timeOf } from "./position.js";
import { within } from "./values.js";

/** What a subscription asks for, apart from where it goes on. `rewind` is over when it goes on. */
const wantsOf = ({ type, id, channel, sub, since, view, asOf, rewind, ...wants }) => JSON.stringify([channel, Object.entries(wants).sort(([a], [b]) => (a < b ? -1 : 1))]);

/** Where it goes on. */
const fromOf = ({ since, view, asOf, rewind }) => JSON.stringify([since ?? null, view ?? null, since === undefined ? null : asOf ?? null, rewind ?? null]);

/** One subscription of the socket. A member is a client's: {client, id, sub}; id is the one of the frame that is not answered yet. */
class Stream {
  members = new Set(); answer = null; position; view; loading = false; tuning = 0; paused = false;
  placeless = false; past = 0; // it has brought what has no position; so many messages of before are still to come

  constructor(sub, frame) {
    [this.sub, this.channel, this.wants, this.from] = [sub, frame.channel, wantsOf(frame), fromOf(frame)];
    [this.isPattern, this.isState, this.pausedByAll] = [isPattern(frame.channel), frame.state === true, frame.paused === true];
  }

  /** Whether all that it has brought ends at a position that says so. */
  get isSettled() { return this.answer !== null && !this.loading && !this.placeless && !this.past && !this.tuning && !this.isPattern && isPosition(this.position); }

  /** Whether somebody who has nothing of it yet can begin where it stands. */
  get canBeJoined() { return this.isPattern ? this.answer !== null && !this.tuning && isPosition(this.position) : this.isSettled; }

  /** Notes where a frame brings its readers. */
  note({ type, position, more, view, reset, code, maxRate, entries }) {
    if (type === "snapshot") [this.loading, this.view] = more === false ? [false, view] : [true, undefined];
    if (type === "snapshot" || type === "changes") this.placeless ||= entries?.some?.((entry) => entry?.position === undefined) ?? true;
    if (type === "changes" && position === undefined) this.position = undefined;
    if (type === "notice" && code === "view") this.view = view || undefined;
    if (type === "notice" && code === "tuned" && this.answer) this.answer = { ...this.answer, maxRate: maxRate || undefined };
    if (reset === true) this.position = undefined;
    if (type === "message") this.past = Math.max(0, this.past - 1);
    if (position === undefined || this.loading && type !== "snapshot") return;
    if (type !== "message" || timeOf(position) >= timeOf(this.position)) this.position = position; // what a new right has brought may be old
  }
}

export class Streams {
  #link; #give; #named = 0; #all = new Map(); // by sub
  #crowded; #paused = null;

  /** `give` sends a frame to members, and `crowded` is told of a client that the server has no room for, and returns whether it goes elsewhere. */
  constructor(link, { give, crowded }) { [this.#link, this.#give, this.#crowded] = [link, give, crowded]; }

  /** Joins a subscription of the same that stands where this one does, or asks the server. */
  subscribe(client, frame) {
    const { id, type, sub, channel, ...how } = frame, member = { client, id, sub }, key = keyOf(frame);
    if (client.subs.has(key)) return this.#give([member], { type: "error", id, channel, code: "conflict", message: `${channel} is subscribed to already` });
    const stream = this.#joinable(frame) ?? this.#ask(frame);
    stream.members.add(member);
    client.subs.set(key, { stream, member });
    if (stream.answer) this.#welcome(stream, member, frame);
  }

  #joinable(frame) {
    const wants = wantsOf(frame), from = fromOf(frame);
    for (const stream of this.#all.values()) {
      if (stream.wants !== wants || stream.tuning) continue;
      if (!stream.answer && stream.from === from) return stream;
      const begins = frame.since === undefined && frame.asOf === undefined && stream.canBeJoined, goesOn = stream.isSettled && frame.since === stream.position;
      if (!frame.rewind && !stream.isState && !stream.paused && (begins || goesOn)) return stream;
    }
    return undefined;
  }

  /** A late reader goes on, or begins, where the others are. */
  #welcome(stream, member, { since }) {
    const { maxRate, pattern } = stream.answer, resumed = since !== undefined;
    if (pattern) this.#answer(member, { type: "ok", channel: stream.channel, pattern, position: `${timeOf(stream.position)}-`, maxRate });
    else this.#answer(member, { type: "ok", channel: stream.channel, resumed, gap: false, position: stream.position, maxRate });
  }

  #answer(member, frame) {
    const { id } = member;
    member.id = undefined;
    this.#give([member], { ...frame, id });
  }

  #ask(frame) {
    const { id, type, ...rest } = frame, sub = `s${++this.#named}`, stream = new Stream(sub, frame);
    this.#all.set(sub, stream);
    this.#link.ask(JSON.stringify({ type: "subscribe", ...rest, sub }), (answer) => this.#answered(stream, answer), () => {}, { whole: true });
    return stream;
  }

  #answered(stream, { id, ...answer }) {
    if (this.#all.get(stream.sub) !== stream) return;
    if (answer.type === "error") {
      for (const member of [...stream.members]) {
        this.#forget(stream, member);
        if (!this.#crowded(member.client, answer)) this.#answer(member, without(answer));
      }
      return this.#all.delete(stream.sub);
    }
    [stream.answer, stream.loading] = [answer, stream.isState && answer.resumed !== true];
    stream.past = within(answer.rewound, 0, Number.MAX_SAFE_INTEGER, 0);
    stream.note(answer);
    for (const member of stream.members) this.#answer(member, without(answer));
    this.#pauseOne(stream);
    this.#settle(stream);
  }

  /** Takes a frame about a subscription of the socket, and tells whether it was. */
  take(frame) {
    const stream = this.#all.get(frame.sub);
    if (!stream) return typeof frame.sub === "string"; // one that has ended here
    this.#give([...stream.members], without(frame));
    if (frame.type === "error" && frame.id === undefined && frame.channel === stream.channel) return this.#end(stream);
    stream.note(frame);
    this.#settle(stream);
    return true;
  }

  /** The server has ended it. */
  #end(stream) {
    for (const member of [...stream.members]) this.#forget(stream, member);
    this.#all.delete(stream.sub);
    return true;
  }

  /** Two subscriptions to the same that have come to one position are one from there on. */
  #settle(stream) {
    if (!stream.isSettled) return;
    for (const other of this.#all.values()) {
      if (other === stream || other.wants !== stream.wants || !other.isSettled || other.position !== stream.position || other.view !== stream.view || other.paused !== stream.paused) continue;
      for (const member of stream.members) {
        other.members.add(member);
        member.client.subs.get(keyOf({ channel: stream.channel, sub: member.sub })).stream = other;
      }
      stream.members.clear();
      return this.#letGo(stream);
    }
  }

  unsubscribe(client, { id, channel, sub }) {
    const one = client.subs.get(keyOf({ channel, sub }));
    if (!one) return this.#give([{ client, sub }], { type: "error", id, channel, code: "not-found", message: `${channel} is not subscribed to` });
    this.#leave(one.stream, one.member);
    this.#give([{ client, sub }], { type: "ok", id, channel });
  }

  #forget(stream, member) {
    stream.members.delete(member);
    member.client.subs.delete(keyOf({ channel: stream.channel, sub: member.sub }));
  }

  #leave(stream, member) {
    this.#forget(stream, member);
    if (stream.members.size === 0) this.#letGo(stream);
  }

  #letGo({ sub, channel }) {
    this.#all.delete(sub);
    this.#link.ask(JSON.stringify({ type: "unsubscribe", channel, sub }), () => {}, () => {}, { whole: true });
  }

  /** The client is gone. */
  leave(client) { for (const { stream, member } of [...client.subs.values()]) this.#leave(stream, member); }

  /** Changes how a client reads a channel. If others read it with it, it subscribes anew, in the way in which it wants it now. */
  tune(client, frame) {
    const { id, type, channel, sub, ...change } = frame, one = client.subs.get(keyOf(frame));
    if (!one) return this.#give([{ client, sub }], { type: "error", id, channel, code: "not-found", message: `${channel} is not subscribed to` });
    const { stream, member } = one;
    if (stream.members.size > 1 || stream.paused) {
      this.#leave(stream, member);
      return this.#give([member], { type: "error", channel, code: "conflict", message: "others read it with this client: it is subscribed to anew", retryAfterMs: 0 });
    }
    stream.tuning++;
    this.#link.ask(JSON.stringify({ type: "tune", channel, sub: stream.sub, ...change }), (answer) => {
      stream.tuning--;
      if (answer.type === "ok") [stream.wants, stream.pausedByAll] = [`${stream.sub} tuned`, change.paused ?? stream.pausedByAll]; // as nobody else
      this.#give([member], { ...without(answer), id });
    }, () => {}, { whole: true });
  }

  /** Nothing is sent of what nobody sees, unless `awake` says so of its channel; null ends that. */
  pause(awake) {
    this.#paused = awake;
    for (const stream of this.#all.values()) this.#pauseOne(stream);
  }

  #pauseOne(stream) {
    const paused = this.#paused !== null && !stream.pausedByAll && !this.#paused(stream.channel);
    if (stream.answer === null || stream.paused === paused) return;
    stream.paused = paused;
    this.#link.ask(JSON.stringify({ type: "tune", channel: stream.channel, sub: stream.sub, paused }), () => {}, () => {}, { whole: true });
  }

  get channels() { return [...this.#all.values()].map(({ channel }) => channel); }
}

const keyOf = ({ channel, sub }) => (sub ? `#${sub}` : channel);
const without = ({ sub, ...frame }) => frame;
