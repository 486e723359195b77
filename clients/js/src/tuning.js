// What is asked of one channel, and the changes of that which the server has not confirmed.
import { TidewireError } from "./codes.js";
import { within } from "./values.js";
import { changed, merged, sameWants } from "./wants.js";

/** What is asked for after a change that was made of something else: keys may be added to a list that was refused since. */
function after(wants, change) {
  try {
    return changed(wants, change);
  } catch {
    return wants; // the server refuses it
  }
}

const split = ({ parts }) => parts.map((part) => ({ change: part.change, link: null, parts: [part], alone: true }));

/** `agreed` is what the server has last said that it does, or what is asked for first. Changes apply in the order in which they were made. */
export class Tuning {
  agreed; rate; // rate: as the server applies it, undefined without a bound
  #cautious = false; // a subscription with changes was refused: they are asked for when there is one without
  #changes = []; // {change, link, parts}: link is the one that was asked, null before; parts are the changes that it is made of, each with who waits for it

  constructor(wants) { this.agreed = wants; }

  /** What is asked for, whether or not the server knows it yet. */
  get wanted() { return this.#changes.reduce((wants, { change }) => after(wants, change), this.agreed); }

  /** What the next subscription asks for, and the changes that are in it: all, unless one of them may be at fault. */
  get asked() { return this.#cautious ? { wants: this.agreed, changes: [] } : { wants: this.wanted, changes: [...this.#changes] }; }

  has(change) { return this.#changes.includes(change); }

  /** The change to ask the server for, unless it is being asked on this link. */
  next(link) {
    const first = this.#changes[0];
    return first && (first.link !== link || link.ended) ? first : undefined;
  }

  /** Adds a change; several that nobody was asked for are one. Resolves with what is applied. */
  add(change) {
    changed(this.wanted, change); // throws if it cannot be
    return new Promise((resolve, reject) => {
      const last = this.#changes.at(-1), part = { change, resolve, reject };
      if (last?.link !== null || last.alone) return this.#changes.push({ change, link: null, parts: [part] });
      last.change = merged(last.change, change);
      last.parts.push(part);
    });
  }

  /** The server does what a subscription has asked for, some changes included. */
  granted({ wants, changes }, answer) {
    this.agreed = wants;
    this.#answered(changes.filter((one) => this.#changes.includes(one)), answer);
  }

  /** The server does what a change has asked for. */
  applied(one, answer) {
    if (!this.#changes.includes(one)) return; // confirmed by another link
    this.agreed = after(this.agreed, one.change);
    this.#answered([one], answer);
  }

  #answered(changes, answer) {
    this.rate = within(answer.maxRate, 0, 1e9) || undefined;
    const { filter = "", fields, keys, paused = false } = this.agreed;
    this.#settle(changes, ({ resolve }) => resolve({ filter, fields, keys, maxRate: this.rate, paused }));
  }

  /** The change is not made. If it is made of several, each is asked for alone: the others are not at fault. */
  refused(one, error) {
    if (one.parts.length > 1) this.#changes = this.#changes.flatMap((each) => (each === one ? split(one) : [each]));
    else this.#settle([one], ({ reject }) => reject(error));
  }

  /** A subscription was refused. Tells whether one without the changes is worth trying: then each is asked for alone, behind it. */
  suspect({ wants, changes }) {
    if (changes.length === 0 && sameWants(wants, this.agreed)) return false;
    this.#changes = this.#changes.flatMap(split);
    this.#cautious = this.#changes.length > 0;
    return true;
  }

  end(error, channel) {
    const why = error ?? new TidewireError({ code: "closed", message: "the subscription has ended", channel });
    for (const { parts } of this.#changes.splice(0)) for (const { reject } of parts) reject(why);
  }

  #settle(changes, tell) {
    const over = changes.filter((one) => this.#changes.includes(one));
    this.#changes = this.#changes.filter((one) => !over.includes(one));
    this.#cautious &&= this.#changes.length > 0;
    for (const { parts } of over) parts.forEach(tell);
  }
}
