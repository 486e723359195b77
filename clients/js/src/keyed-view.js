// What a page holds of a channel's state: a map that is kept as the server's is.
import { TidewireError } from "./codes.js";
import { Events } from "./events.js";
import { Frame } from "./frame.js";
import { Rows } from "./rows.js";

const TICK = 1000; // the server's clock may be better known by then

/** The rows of a channel, key by key, in the order of the snapshot and behind it in that in which they came. */
export class KeyedView {
  #rows = new Rows((key) => this.#touch(key)); #events = new Events(); #touched = new Map(); #frame = new Frame(() => this.#tell());
  #clock; #soonest = Infinity; #expiry; #ended = false;
  #isReady = false; #settle;

  constructor(channel, clock, control) {
    this.channel = channel;
    this.#clock = clock;
    this.ready = new Promise((resolve, reject) => { this.#settle = { resolve: () => resolve(this), reject }; });
    this.ready.catch(() => {}); // who does not wait for it learns it from the error event
    control({
      begin: () => this.#rows.begin(), resume: () => this.#rows.resume(), snapshot: (frame) => this.#snapshot(frame), apply: (message) => this.#apply(message),
      changes: (frame) => this.#changes(frame), expired: (key) => this.#rows.expire(key), clear: () => this.#rows.clear(), end: (error) => this.#end(error),
      rows: this.#rows,
    });
  }

  /** Whether a snapshot has been complete: until then, nothing is known of the channel. */
  get isReady() { return this.#isReady; }
  get size() { return this.#rows.all.size; }
  get(key) { return this.#rows.all.get(key); }
  has(key) { return this.#rows.all.has(key); }
  keys() { return this.#rows.all.keys(); }
  values() { return this.#rows.all.values(); }
  entries() { return this.#rows.all.entries(); }
  [Symbol.iterator]() { return this.#rows.all.entries(); }
  forEach(run, self) { this.#rows.all.forEach((row, key) => run.call(self, row, key, this)); }
  get [Symbol.toStringTag]() { return "KeyedView"; }

  /** Adds a listener and returns a function that removes it. */
  on(type, listener) { return this.#events.on(type, listener); }

  // ---- what comes

  #snapshot(frame) {
    if (!this.#rows.snapshot(frame)) return false;
    this.#soonest = Infinity;
    for (const row of this.#rows.all.values()) this.#expect(row);
    this.#isReady = true;
    this.#settle.resolve();
    return true;
  }

  #apply(message) {
    this.#rows.apply(message);
    const row = this.#rows.all.get(message.key);
    if (row) this.#expect(row);
  }

  #changes(frame) {
    this.#rows.changes(frame);
    for (const row of this.#rows.all.values()) this.#expect(row);
  }

  #end(error) {
    this.#rows.clear();
    [this.#ended, this.#isReady] = [true, false];
    clearTimeout(this.#expiry);
    this.#settle.reject(error ?? new TidewireError({ code: "closed", message: "the subscription has ended", channel: this.channel }));
  }

  // ---- rows end

  #expect({ expiresAt }) {
    if (expiresAt === undefined || expiresAt >= this.#soonest) return;
    this.#soonest = expiresAt;
    this.#wait();
  }

  /** Waits for the soonest end, as the server's clock is known now; it may turn out to be further on. */
  #wait() {
    clearTimeout(this.#expiry);
    if (this.#ended || this.#soonest === Infinity) return;
    this.#expiry = setTimeout(() => {
      if (this.#clock.least >= this.#soonest) this.#expire();
      this.#wait();
    }, Math.min(TICK, Math.max(1, this.#soonest - this.#clock.least)));
  }

  #expire() {
    const now = this.#clock.least;
    this.#soonest = Infinity;
    for (const { key, expiresAt } of [...this.#rows.all.values()]) {
      if (expiresAt <= now) this.#rows.drop(key);
      else if (expiresAt < this.#soonest) this.#soonest = expiresAt;
    }
  }

  // ---- what has changed

  #touch(key) {
    if (!this.#events.has("change")) return;
    if (!this.#touched.has(key)) this.#touched.set(key, this.#rows.all.has(key));
    this.#frame.ask();
  }

  #tell() {
    const changed = new Set(), removed = new Set();
    for (const [key, had] of this.#touched) {
      if (this.#rows.all.has(key)) changed.add(key);
      else if (had) removed.add(key);
    }
    this.#touched = new Map();
    if (changed.size || removed.size) this.#events.emit("change", { changed, removed });
  }
}
