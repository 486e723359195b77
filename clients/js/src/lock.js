// A lock that is held: renewed while there is time, released, or lost.
import { ticks } from "./clock.js";
import { TidewireError } from "./codes.js";
import { newID } from "./ids.js";
import { parsePosition } from "./position.js";

const ATTEMPT = 10_000; // how long one renewal may take; the next one finds out what became of it

/** Milliseconds since now, by whichever clock went further: one may stand still while the machine sleeps, the other may be set. */
export function stopwatch() {
  const [steady, wall] = [ticks(), Date.now()];
  return () => Math.max(ticks() - steady, Date.now() - wall);
}

/**
 * A lock that this client has. The server counts its time from when it has stored the last renewal, and this client from before it has asked for that: so
 * it is over here first.
 */
export class Lock {
  #publish; #ttl; #data; #position; #since; #asked = new Map(); // since: a stopwatch; asked: those of attempts, by event
  #state = "held"; #renewing = null; #renewal; #deadline; #abort = new AbortController(); #lose; #failed;

  /** `publish` publishes about the key of the lock. `since` is the stopwatch of the attempt that has got it. */
  constructor({ channel, name, key, publish, ttlMs, data, position, since }) {
    Object.assign(this, { channel, name, key });
    [this.#publish, this.#ttl, this.#data, this.#position, this.#since] = [publish, ttlMs, data, position, since];
    this.lost = new Promise((resolve) => { this.#lose = resolve; });
    this.#plan();
  }

  /** Where the lock was got or last renewed. It only grows, from one holder to the next as well: a fencing token. */
  get position() { return this.#position; }
  /** Whether it is certain that nobody else has it. */
  get isHeld() { return this.#state === "held" && this.#left > 0; }
  /** Is aborted when the lock is lost. */
  get signal() { return this.#abort.signal; }

  get #left() { return this.#ttl - this.#since(); }

  /** Gives the lock back, and tells whether the server has taken it. If it has not, the lock ends by itself. */
  async release() {
    if (this.#state !== "held") return false;
    this.#state = "released";
    this.#stop();
    await this.#renewing; // or nobody could tell whose position it has
    if (this.#left <= 0) return false;
    try {
      return (await this.#publish(undefined, { delete: true, if: { position: this.#position }, event: newID(), wait: true, timeoutMs: Math.max(1, this.#left) })).applied;
    } catch {
      return false;
    }
  }

  #stop() {
    clearTimeout(this.#renewal);
    clearTimeout(this.#deadline);
  }

  #plan() {
    this.#stop();
    if (this.#state !== "held") return;
    this.#deadline = setTimeout(() => (this.#left > 0 ? this.#plan() : this.#end()), Math.max(0, Math.ceil(this.#left)));
    this.#renewal = setTimeout(() => { this.#renewing = this.#renew(); }, Math.max(0, this.#left - (this.#ttl * 2) / 3));
  }

  async #renew() {
    if (this.#left <= 0) return this.#end();
    const event = newID(), since = stopwatch();
    this.#asked.set(event, since);
    let wait = 0;
    try {
      const ttl = `${this.#ttl}ms`;
      const answer = await this.#publish(this.#data, { ttl, if: { position: this.#position }, event, wait: true, timeoutMs: Math.max(1, Math.min(ATTEMPT, this.#left)) });
      // What an earlier attempt has done, whose answer was lost, is known by its event.
      const own = answer.applied ? since : this.#asked.get(idOf(answer.position));
      if (!own) return this.#end(new TidewireError({ code: "conflict", channel: this.channel, message: `${this.key}: somebody else has it, or has removed it` }));
      [this.#position, this.#since, this.#failed] = [answer.position, own, undefined];
      this.#asked.clear();
    } catch (error) {
      this.#failed = error;
      if (error.code === "closed") return this.#end(error);
      wait = Math.max(error.retryAfterMs ?? 0, 500 * (1 + Math.random()));
    }
    if (this.#left <= 0) return this.#end();
    this.#plan();
    if (wait > 0 && this.#state === "held") {
      clearTimeout(this.#renewal);
      this.#renewal = setTimeout(() => { this.#renewing = this.#renew(); }, wait);
    }
  }

  #end(why = this.#failed) {
    this.#stop();
    if (this.#state !== "held") return;
    this.#state = "lost";
    const error = why ?? new TidewireError({ code: "timeout", channel: this.channel, message: `${this.key}: could not be renewed in time` });
    this.#abort.abort(error);
    this.#lose(error);
  }
}

/** The event that has published what is at a position. */
export const idOf = (position) => (position === undefined ? undefined : parsePosition(position).id);
