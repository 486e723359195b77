// One reader of a channel: a callback, or an async iterator with a bounded queue.
import { guarded } from "./callbacks.js";
import { TidewireError } from "./codes.js";
import { onAbort } from "./signals.js";
import { show } from "./values.js";

/** One reader of a channel. Without a callback it is an async iterator with a bounded queue. */
export class Subscription {
  #feed; #owner; #queue = new Map(); #serial = 0; #waiters = []; #dropped = new Map(); #done = null;
  #handed = new Map(); #handedAsOf; // while something waits: where the reader stands in the channels of which it does
  #onMessage; #onGap; #onDropped; #buffer; #overflow; #offAbort = () => {};

  /** `owner` is who lets the reader leave, and who tunes the feed. */
  constructor(feed, owner, onMessage, { onGap, onDropped, buffer = 1000, overflow = "drop-oldest", signal }) {
    if (overflow !== "drop-oldest" && overflow !== "conflate") throw new TypeError(`overflow: must be drop-oldest or conflate, got ${show(overflow)}`);
    if (!(buffer >= 1)) throw new TypeError(`buffer: must be at least 1, got ${show(buffer)}`);
    this.#feed = feed;
    this.#owner = owner;
    [this.#onMessage, this.#onGap, this.#onDropped, this.#buffer, this.#overflow] = [onMessage, onGap, onDropped, buffer, overflow];
    const subscription = this;
    feed.readers.set(this, {
      deliver: (item) => this.#deliver(item),
      finish: (error) => this.#finish(error),
      get waiting() { return subscription.#queue.size > 0; },
      get asOf() { return subscription.#queue.size ? subscription.#handedAsOf : feed.asOf; },
      stands: (cursor) => this.#stands(cursor),
    });
    if (typeof signal?.addEventListener === "function") this.#offAbort = onAbort(signal, (reason) => this.#abort(reason));
  }

  get channel() { return this.#feed.channel; }
  get state() { return this.#done ? Object.freeze({ ...this.#feed.state, name: this.#done.refused ? "refused" : "closed" }) : this.#feed.state; }
  get ready() {
    return this.#feed.ready.then(() => {
      if (this.#done?.aborted) throw this.#done.error;
      return this;
    }, (error) => { throw this.#done?.aborted ? this.#done.error : error; });
  }
  get position() { return this.#feed.isPattern ? undefined : this.#stands(this.#feed.cursor(this.channel)); }
  /** Of a pattern: the position of the last item that was delivered of each channel. */
  get positions() {
    const cursors = this.#feed.isPattern ? [...this.#feed.cursors.values()] : [this.#feed.cursor(this.channel)];
    return Object.fromEntries(cursors.map((cursor) => [cursor.channel, this.#stands(cursor)]).filter(([, position]) => position !== undefined));
  }

  #stands(cursor) { return this.#handed.has(cursor.channel) ? this.#handed.get(cursor.channel) : cursor.position; }

  /** The rows of the channel, with the option `state`. */
  get view() { return this.#feed.view; }
  /** How often per second the server sends what is new, at most; undefined is without a bound. */
  get rate() { return this.#feed.tuning.rate; }

  /** Changes how the channel is read, for all its readers, and resolves with what the server applies. */
  async tune(change) {
    if (this.#done) throw this.#done.error ?? new TidewireError({ code: "closed", message: "the subscription has ended", channel: this.channel });
    return this.#owner.tune(change);
  }

  /** The server sends nothing until resume. */
  pause() { return this.tune({ paused: true }); }
  resume() { return this.tune({ paused: false }); }

  /** The page does not want it any more, for a reason of its own. */
  #abort(reason) {
    if (this.#done) return;
    this.#finish(reason);
    this.#done = { error: reason, aborted: true };
    this.#owner.leave(this);
  }

  unsubscribe() { if (!this.#done) this.#owner.leave(this); }

  [Symbol.asyncIterator]() {
    if (this.#onMessage) throw new TypeError("this subscription has a callback; subscribe without one to iterate");
    return this;
  }

  async next() {
    for (const [key, value] of this.#queue) {
      for (const [channel, count] of this.#dropped) {
        this.#dropped.delete(channel);
        return { done: false, value: { type: "dropped", channel, count, by: "reader" } };
      }
      this.#queue.delete(key);
      if (value.position !== undefined) this.#handed.set(value.channel, value.position);
      if (this.#queue.size === 0) this.#handed.clear();
      return { done: false, value };
    }
    if (this.#done?.error) throw this.#done.error;
    if (this.#done) return { done: true, value: undefined };
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }

  async return(value) {
    this.unsubscribe();
    this.#queue.clear();
    this.#handed.clear();
    return { done: true, value };
  }

  #deliver(item) {
    if (this.#done) return; // left by a reader that was served before it
    if (this.#onMessage) {
      return guarded({ message: this.#onMessage, gap: this.#onGap, dropped: this.#onDropped }[item.type], item);
    }
    if (this.#waiters.length) return this.#waiters.shift().resolve({ done: false, value: item });
    if (this.#queue.size === 0) this.#handedAsOf = this.#feed.asOf;
    if (!this.#handed.has(item.channel)) this.#handed.set(item.channel, this.#feed.cursor(item.channel)?.position);
    const key = this.#overflow === "conflate" && item.key ? `${item.channel} ${item.key}` : ++this.#serial;
    this.#queue.delete(key);
    if (this.#queue.size >= this.#buffer) {
      const [oldest, { channel }] = this.#queue.entries().next().value;
      this.#queue.delete(oldest);
      this.#dropped.set(channel, (this.#dropped.get(channel) ?? 0) + 1);
    }
    this.#queue.set(key, item);
  }

  #finish(error) {
    this.#offAbort();
    this.#done ??= { error, refused: error !== undefined };
    for (const { resolve, reject } of this.#waiters.splice(0)) {
      if (error) reject(error);
      else resolve({ done: true, value: undefined });
    }
  }
}
