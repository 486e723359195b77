// How long to wait, and timers by name, of which there is one each: a new one replaces the old.
import { within } from "./values.js";

/** setTimeout fires at once beyond this. */
export const MAX_TIMER = 2 ** 31 - 1;

export class Timers {
  #all = new Map(); #failed;

  /** `failed` is told what a timer's function throws. */
  constructor(failed) { this.#failed = failed; }

  has(name) { return this.#all.has(name); }

  after(name, ms, run) {
    this.cancel(name);
    this.#all.set(name, setTimeout(() => {
      this.#all.delete(name);
      try {
        run();
      } catch (error) {
        this.#failed(error);
      }
    }, within(Math.ceil(ms), 0, MAX_TIMER, 0)));
  }

  cancel(name) {
    clearTimeout(this.#all.get(name));
    this.#all.delete(name);
  }

  cancelAll() { for (const name of [...this.#all.keys()]) this.cancel(name); }
}

/** A random wait, up to twice as long after each failure. */
export function backoff(attempt, { backoffMs, backoffCapMs }) {
  return Math.random() * Math.min(backoffCapMs, backoffMs * 2 ** Math.min(attempt, 30));
}
