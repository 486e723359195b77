// Time: a clock that nobody can set, and how far the server's is from it.

/** Milliseconds of a clock that only goes forwards. Whatever measures how long something took reads this one. */
export const ticks = () => performance.now();

/** The smallest value of the last one or two periods. */
class Minimum {
  #period; #turned = 0; #old = Infinity; #young = Infinity;
  constructor(periodMs) { this.#period = periodMs; }
  add(value) {
    if (ticks() - this.#turned > this.#period) [this.#old, this.#young, this.#turned] = [this.#young, Infinity, ticks()];
    if (value < this.#young) this.#young = value;
  }
  get value() { return Math.min(this.#old, this.#young); }
}

/**
 * Compares the clocks. A message cannot arrive before it was sent, so the smallest
 * (arrival - publish time) lately seen is the offset plus the quickest way here, which is taken
 * to be half the quickest round trip. It is kept against the steady clock: setting the local one changes nothing.
 */
export class Clock {
  #arrival = new Minimum(300_000); #trip = new Minimum(300_000); #samples = 0;
  #delays = new Float64Array(512); #count = 0; #last = null;
  #start = Math.round(Date.now() - ticks());

  /** The local time as it would be had nobody set the clock since the client was made. */
  get now() { return this.#start + ticks(); }

  heard(serverTime) {
    this.past(serverTime);
    this.#samples++;
  }

  /** The server's clock is at least here. */
  past(serverTime) { this.#arrival.add(this.now - serverTime); }

  roundTrip(ms) { this.#trip.add(ms); }

  /** The steady clock minus the server's. */
  get #offset() {
    const trip = this.#trip.value, arrival = this.#arrival.value;
    return Number.isFinite(arrival) ? arrival - (Number.isFinite(trip) ? trip / 2 : 0) : 0;
  }

  get reading() {
    const trip = this.#trip.value, known = Number.isFinite(this.#arrival.value);
    return {
      offsetMs: known ? Math.round(this.#offset + Date.now() - this.now) : 0,
      uncertaintyMs: known && Number.isFinite(trip) ? Math.max(1, Math.round(trip / 2)) : null, // clocks tick in milliseconds
      sure: this.#samples >= 8 && Number.isFinite(trip),
    };
  }

  /** The publish time of what would arrive now at the earliest. */
  get edge() { return this.now - (Number.isFinite(this.#arrival.value) ? this.#arrival.value : 0); }

  /** What the server's clock shows at least; 0 while nothing is known of it. */
  get least() { return Number.isFinite(this.#arrival.value) ? this.edge : 0; }

  get serverNow() { return this.now - this.#offset; }

  delay(serverTime) { return Math.max(0, Math.round(this.now - serverTime - this.#offset)); }

  record(ms) { this.#delays[this.#count++ % this.#delays.length] = this.#last = ms; }

  get latency() {
    const sorted = this.#delays.slice(0, this.#count).sort();
    const at = (share) => (sorted.length ? sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] : null);
    const { uncertaintyMs, sure } = this.reading;
    return { lastMs: this.#last, p50Ms: at(0.5), p99Ms: at(0.99), count: sorted.length, uncertaintyMs, sure };
  }
}
