// A virtual clock under setTimeout, Date.now and performance.now. Time passes when a test says so, in the order of the
// timers, and what promises do is done between two of them. The wall clock can be set without that any time passes.

/** Lets promises run. Nothing here waits for the outside, so microtasks are enough. */
export async function settle(rounds = 8) { for (let i = 0; i < rounds; i++) await null; }

export class VirtualClock {
  rounds = 8; // how many promises may wait for each other
  #ticks = 0; #wall; #timers = new Map(); #nextID = 1; #kept;

  constructor(wall = 1_800_000_000_000) { this.#wall = wall; }

  get wall() { return Math.floor(this.#wall + this.#ticks); }
  get ticks() { return this.#ticks; }
  /** Timers that wait. */
  get pending() { return this.#timers.size; }
  get next() { return Math.min(...[...this.#timers.values()].map(({ at }) => at)); }

  /** A person or NTP sets the clock. */
  jump(ms) { this.#wall += ms; }

  install() {
    this.#kept = [globalThis.setTimeout, globalThis.clearTimeout, globalThis.setInterval, globalThis.clearInterval, Date.now, performance.now];
    globalThis.setTimeout = (run, ms = 0, ...args) => this.#add(() => run(...args), ms, undefined);
    globalThis.setInterval = (run, ms = 0, ...args) => this.#add(() => run(...args), ms, Math.max(1, ms));
    globalThis.clearTimeout = globalThis.clearInterval = (id) => { this.#timers.delete(id); };
    Date.now = () => this.wall;
    performance.now = () => this.#ticks;
    return this;
  }

  uninstall() {
    [globalThis.setTimeout, globalThis.clearTimeout, globalThis.setInterval, globalThis.clearInterval, Date.now, performance.now] = this.#kept;
  }

  #add(run, ms, every) {
    if (!(ms >= 0 && ms < 2 ** 31)) ms = 1; // as runtimes do
    const id = this.#nextID++;
    this.#timers.set(id, { run, every, at: this.#ticks + ms });
    return id;
  }

  async pass(ms) {
    const end = this.#ticks + ms;
    await settle(this.rounds);
    for (;;) {
      let first;
      for (const [id, timer] of this.#timers) if (timer.at <= end && (!first || timer.at < first.timer.at)) first = { id, timer };
      if (!first) break;
      const { id, timer } = first;
      this.#ticks = Math.max(this.#ticks, timer.at);
      if (timer.every) timer.at += timer.every;
      else this.#timers.delete(id);
      timer.run();
      await settle(this.rounds);
    }
    this.#ticks = Math.max(this.#ticks, end);
  }
}
