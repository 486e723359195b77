// Which of the tabs that share a socket are seen, and what follows from it for the one that holds the socket.
import { ticks } from "./clock.js";

const HIDDEN = 1000; // how long a holder is hidden before a tab that is seen takes over
const UNSEEN = 30_000, PARKED = 300_000; // how long nobody sees any of the tabs before nothing is sent, and before there is no socket

export const isSeen = () => globalThis.document?.visibilityState !== "hidden";

export class Sight {
  #tabs = new Map(); // the others, as far as they are known: id -> since when they are seen, 0 if they are not
  #timers; #on; #rests = false;

  /**
   * Called are, of the tab that holds the socket: `take` with a tab that is to take over, `pause` when nobody has seen any for some time, `park` when it was long,
   * and `wake` when somebody does. `holds` tells whether this tab is the one.
   */
  constructor(timers, on) { [this.#timers, this.#on] = [timers, on]; }

  get tabs() { return [...this.#tabs.keys()]; }

  has(tab) { return this.#tabs.has(tab); }

  /** Notes whether another tab is seen, and tells whether that is new. */
  note(tab, seen) {
    if (this.#tabs.has(tab) && this.#tabs.get(tab) > 0 === seen) return false;
    this.#tabs.set(tab, seen ? ticks() : 0);
    return true;
  }

  forget(tab) { this.#tabs.delete(tab); }

  /** This tab holds the socket from now on: for all that is known, nobody sees any. */
  begin() {
    this.#rests = true;
    this.look();
  }

  /** It does not any more. */
  end() { for (const name of ["hidden", "unseen", "parked"]) this.#timers.cancel(name); }

  /** The holder decides: a tab that is seen takes over from one that is not; what nobody sees is paused, and later ends. */
  look() {
    if (!this.#on.holds()) return;
    const [seen] = [...this.#tabs].filter(([, since]) => since > 0).sort(([, a], [, b]) => b - a).map(([tab]) => tab);
    if (isSeen() || seen === undefined) this.#timers.cancel("hidden");
    else if (!this.#timers.has("hidden")) {
      this.#timers.after("hidden", HIDDEN, () => {
        this.#on.take(seen);
        this.look(); // it may have gone
      });
    }
    if (isSeen() || seen !== undefined) {
      for (const name of ["unseen", "parked"]) this.#timers.cancel(name);
      return this.#wake();
    }
    if (this.#timers.has("unseen") || this.#timers.has("parked")) return;
    this.#timers.after("unseen", UNSEEN, () => {
      this.#rests = true;
      this.#on.pause();
      this.#timers.after("parked", PARKED - UNSEEN, () => this.#on.park());
    });
  }

  #wake() {
    if (!this.#rests) return;
    this.#rests = false;
    this.#on.wake();
  }
}
