// Publishes and calls under way: their order, their deadlines, and when they are sent again.
import { ticks } from "./clock.js";
import { TidewireError } from "./codes.js";
import { onAbort } from "./signals.js";
import { MAX_TIMER } from "./timers.js";

/**
 * Publishes and calls under way. Publishes of one channel keep their order, as protocol.md says: they are sent without waiting for
 * answers, but none before an earlier one that has to be sent again, or that is still unanswered on another link. The server takes none that
 * was sent before a refusal was known here, and after one nothing is published until all that was sent before it is answered.
 */
export class Requests {
  #all = new Set(); // in the order in which they were asked for
  #link = null; #most; #notBefore = 0; #timer; // notBefore, in ticks: of all publishes, after one was over a limit

  constructor(most) { this.#most = most; }

  /** Sends a frame. `channel` is given for publishes alone. */
  add(json, { channel, wait, repeatable, timeoutMs, signal, what }) {
    if (this.#all.size >= this.#most) {
      throw new TidewireError({ code: "limited", limit: "maxPending", message: `${this.#all.size} requests are pending, maxPending is ${this.#most}; wait for some of them` });
    }
    return new Promise((resolve, reject) => {
      const one = { json, channel, wait, repeatable, what, resolve, reject, deadline: ticks() + timeoutMs, link: null, takeBack: null, notBefore: 0, refusals: 0, lost: false };
      one.timer = setTimeout(() => {
        const { link } = one, sent = link !== null && !one.takeBack();
        if (sent) link.probe(); // perhaps nothing gets through any more
        const lost = sent || one.lost;
        this.#settle(one, reject, new TidewireError({
          code: "timeout", lost, message: lost ? `no answer to ${what} within ${timeoutMs} ms` : `no connection within ${timeoutMs} ms; the ${what} was not sent`,
        }));
      }, Math.min(timeoutMs, MAX_TIMER));
      one.offAbort = onAbort(signal, (reason) => {
        one.takeBack?.();
        this.#settle(one, reject, reason);
      });
      this.#all.add(one);
      this.#send();
    });
  }

  /** The link to send by from now on; null: there is none, and only what may wait stays. */
  use(link) {
    [this.#link, this.#notBefore] = [link, 0];
    if (link) return this.#send();
    for (const one of [...this.#all]) {
      if (!one.wait && !one.link) this.#settle(one, one.reject, new TidewireError({ code: "unavailable", message: `the connection was lost; the ${one.what} was not sent` }));
    }
  }

  fail(error) { for (const one of [...this.#all]) this.#settle(one, one.reject, error); }

  #send() {
    clearTimeout(this.#timer);
    const held = new Set(); // channels on which an earlier publish has to go first
    // What was sent before a refusal was known will be refused as well, and what goes before its answer would be after it.
    const flushing = [...this.#all].some(({ link, channel, refusals }) => link && link === this.#link && channel !== undefined && refusals < link.refusals);
    let soonest = Infinity;
    for (const one of [...this.#all]) {
      const link = this.#link, now = ticks(), publishes = one.channel !== undefined;
      if (!link || link.ended) return;
      if (!this.#all.has(one)) continue;
      const from = Math.max(one.notBefore, publishes ? this.#notBefore : 0);
      if (!one.link && !held.has(one.channel) && from <= now && !(publishes && flushing)) this.#sendOne(one, link);
      if (!one.link && from > now) soonest = Math.min(soonest, from - now);
      if (publishes && one.link !== link && this.#all.has(one)) held.add(one.channel);
    }
    if (soonest < Infinity) this.#timer = setTimeout(() => this.#send(), Math.ceil(soonest));
  }

  #sendOne(one, link) {
    [one.link, one.refusals] = [link, link.refusals];
    one.takeBack = link.ask(one.json, (answer) => this.#settle(one, one.resolve, answer), (error) => this.#refused(one, error), { what: one.what, publishes: one.channel !== undefined });
  }

  #refused(one, error) {
    one.link = null;
    const soon = error.code === "unavailable" || error.code === "draining" ? 1000 : 0;
    const later = error.retryAfterMs ?? (error.lost ? 0 : soon);
    const again = error.lost ? one.repeatable && !error.fatal : later > 0;
    error.lost = one.lost ||= error.lost;
    one.notBefore = ticks() + later;
    if (error.code === "limited" && one.channel !== undefined) this.#notBefore = Math.max(this.#notBefore, one.notBefore);
    for (const other of later > 0 ? this.#all : []) { // what has not gone out yet must not overtake it
      if (other.link && other.channel !== undefined && other.takeBack?.(true)) other.link = null;
    }
    if (!one.wait || !again || one.notBefore >= one.deadline) this.#settle(one, one.reject, error);
    else this.#send();
  }

  #settle(one, how, value) {
    if (!this.#all.delete(one)) return;
    clearTimeout(one.timer);
    one.offAbort();
    how(value);
    this.#send();
  }
}
