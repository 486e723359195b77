// What a page holds of the states of all channels that a pattern selects: a map for each of them.
import { TidewireError } from "./codes.js";
import { Events } from "./events.js";
import { KeyedView } from "./keyed-view.js";

/** The channels of a pattern that have rows, and their rows. */
export class PatternView {
  #known = new Map(); #events = new Events(); #clock; // channel -> {view, keyed}
  #isReady = false; #ended = false; #settle;

  constructor(pattern, clock, control) {
    this.channel = pattern;
    this.#clock = clock;
    this.ready = new Promise((resolve, reject) => { this.#settle = { resolve: () => resolve(this), reject }; });
    this.ready.catch(() => {}); // who does not wait for it learns it from the error event
    control({ of: (channel) => this.#of(channel), complete: () => this.#complete(), clear: () => this.#clear(), end: (error) => this.#end(error) });
  }

  /** Whether the states of all channels have been complete. */
  get isReady() { return this.#isReady; }
  get size() { return [...this.entries()].length; }
  get(channel) { return this.has(channel) ? this.#known.get(channel).view : undefined; }
  has(channel) { return this.#known.get(channel)?.view.size > 0; }
  * keys() { for (const [channel] of this.entries()) yield channel; }
  * values() { for (const [, view] of this.entries()) yield view; }
  * entries() { for (const [channel, { view }] of this.#known) if (view.size > 0) yield [channel, view]; }
  [Symbol.iterator]() { return this.entries(); }
  forEach(run, self) { for (const [channel, view] of this.entries()) run.call(self, view, channel, this); }
  get [Symbol.toStringTag]() { return "PatternView"; }

  /** Adds a listener and returns a function that removes it. */
  on(type, listener) { return this.#events.on(type, listener); }

  /** What fills the view of a channel. */
  #of(channel) {
    if (!this.#known.has(channel)) {
      const one = {};
      one.view = new KeyedView(channel, this.#clock, (keyed) => { one.keyed = { ...keyed, end: (error) => this.#drop(channel, keyed, error) }; });
      one.view.on("change", (change) => this.#events.emit("change", { channel, ...change }));
      this.#known.set(channel, one);
    }
    return this.#known.get(channel).keyed;
  }

  #drop(channel, keyed, error) {
    this.#known.delete(channel);
    keyed.end(error);
  }

  #complete() {
    if (this.#ended) return;
    this.#isReady = true;
    this.#settle.resolve();
  }

  #clear() { for (const { keyed } of this.#known.values()) keyed.clear(); }

  #end(error) {
    for (const { keyed } of [...this.#known.values()]) keyed.end(error);
    [this.#ended, this.#isReady] = [true, false];
    this.#settle.reject(error ?? new TidewireError({ code: "closed", message: "the subscription has ended", channel: this.channel }));
  }
}
