// One reader of a channel: a callback, or an async iterator with a bounded queue.
import { guarded } from "./callbacks.js";
import { TidewireError } from "./codes.js";
import { show } from "./values.js";

/** One reader of a channel. Without a callback it is an async iterator with a bounded queue. */
export class Subscription {
  #feed; #owner; #queue = new Map(); #serial = 0; #waiters = []; #handed; #dropped = 0; #done = null;
  #onMessage; #onGap; #onDropped; #buffer; #overflow;

  /** `owner` is who lets the reader leave, and who tunes the feed. */
  constructor(feed, owner, onMessage, { onGap, onDropped, buffer = 1000, overflow = "drop-oldest" }) {
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
      get stored() { return subscription.position; },
    });
  }

  get channel() { return this.#feed.channel; }
  get state() { return this.#done ? Object.freeze({ ...this.#feed.state, name: this.#done.error ? "refused" : "closed" }) : this.#feed.state; }
  get ready() { return this.#feed.ready.then(() => this); }
  get position() { return this.#queue.size ? this.#handed : this.#feed.position; }

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

  unsubscribe() { if (!this.#done) this.#owner.leave(this); }

  [Symbol.asyncIterator]() {
    if (this.#onMessage) throw new TypeError("this subscription has a callback; subscribe without one to iterate");
    return this;
  }

  async next() {
    for (const [key, value] of this.#queue) {
      if (this.#dropped) {
        const count = this.#dropped;
        this.#dropped = 0;
        return { done: false, value: { type: "dropped", channel: this.channel, count, by: "reader" } };
      }
      this.#queue.delete(key);
      this.#handed = value.position ?? this.#handed;
      return { done: false, value };
    }
    if (this.#done?.error) throw this.#done.error;
    if (this.#done) return { done: true, value: undefined };
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }

  async return(value) {
    this.unsubscribe();
    this.#queue.clear();
    return { done: true, value };
  }

  #deliver(item) {
    if (this.#done) return; // left by a reader that was served before it
    if (this.#onMessage) {
      return guarded({ message: this.#onMessage, gap: this.#onGap, dropped: this.#onDropped }[item.type], item);
    }
    if (this.#waiters.length) return this.#waiters.shift().resolve({ done: false, value: item });
    if (this.#queue.size === 0) this.#handed = this.#feed.position;
    const key = this.#overflow === "conflate" && item.key ? item.key : ++this.#serial;
    this.#queue.delete(key);
    if (this.#queue.size >= this.#buffer) {
      this.#queue.delete(this.#queue.keys().next().value);
      this.#dropped++;
    }
    this.#queue.set(key, item);
  }

  #finish(error) {
    this.#done = { error };
    for (const { resolve, reject } of this.#waiters.splice(0)) {
      if (error) reject(error);
      else resolve({ done: true, value: undefined });
    }
  }
}
