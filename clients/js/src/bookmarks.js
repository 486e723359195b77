// Positions that outlive the page, in a storage that may hold anything.
import { isPosition, timeOf } from "./position.js";
import { moment } from "./values.js";

const VERSION = 1; // of what is stored
const MAX_STORED = 256; // channels
const DAY = 86_400_000;

/** The newest moment that what is stored speaks of: `[position, asOf]`, or for a pattern `[{channel: position}, asOf]`. NaN if it cannot be used. */
function newestOf(saved) {
  const [stands, asOf] = Array.isArray(saved) ? saved : [];
  if (asOf !== null && asOf !== undefined && !moment(asOf)) return NaN;
  const positions = typeof stands === "object" && stands !== null ? Object.values(stands) : [stands];
  return positions.every(isPosition) ? Math.max(asOf ?? 0, ...positions.map(timeOf)) : NaN;
}

/** How far on it is: by its position, or for a pattern by its asOf. */
const progress = ([stands, asOf]) => (typeof stands === "string" ? timeOf(stands) : asOf);

/** Where both of two subscriptions of a channel or a pattern stand: what is older of each. */
function older([a, asOfA], [b, asOfB]) {
  const asOf = asOfA && asOfB && Math.min(asOfA, asOfB), min = (p, q) => (timeOf(p) < timeOf(q) ? p : q);
  if (typeof a === "string") return [min(a, b), asOf];
  return [Object.fromEntries(Object.keys(a).filter((channel) => b[channel] !== undefined).map((channel) => [channel, min(a[channel], b[channel])])), asOf];
}

/** By channel, where the feeds stand together; undefined if one of them does not say. */
function together(feeds) {
  const all = new Map();
  for (const { channel, view, stored } of feeds.values()) {
    if (view) continue; // it begins anew
    all.set(channel, !all.has(channel) ? stored : stored && all.get(channel) && older(all.get(channel), stored));
  }
  return all;
}

/**
 * Where one user's channels stand, beyond the life of the page. Tabs may share a storage, so only this client's own channels
 * are changed in it. What it holds may be anything: what cannot be used counts as forgotten, which its reader is told as a gap.
 */
export class Bookmarks {
  #storage; #prefix; #report; #failed = false;
  #key = null; #mine = new Map(); // channel -> the JSON that this client has put there
  #kept = new Map(); #unreadable = false;

  constructor(storage, prefix, report) {
    [this.#storage, this.#prefix, this.#report] = [storage, prefix, report];
  }

  /** Nothing is known of where channels stand before the user is. */
  get known() { return !this.#storage || this.#key !== null; }

  open(tenant, user) {
    const key = `${this.#prefix}:${JSON.stringify([tenant, user])}`;
    if (!this.#storage || key === this.#key) return;
    [this.#key, this.#mine, this.#kept, this.#unreadable] = [key, new Map(), new Map(), false];
    try {
      this.#kept = this.#read();
    } catch (error) {
      this.#unreadable = true;
      this.#report(error);
    }
  }

  /** Lets a channel that has no position stand where it stood. */
  restore(feed) {
    if (this.#key === null || feed.hasBegun || feed.forgot) return;
    const saved = this.#kept.get(feed.channel), json = JSON.stringify(saved);
    if (this.#mine.has(feed.channel) && this.#mine.get(feed.channel) !== json) return; // it was gone on from
    if (this.#unreadable) feed.forget();
    else if (saved !== undefined) {
      this.#mine.set(feed.channel, json);
      if (newestOf(saved) <= Date.now() + DAY) feed.startAt(...saved); // no clock is so wrong
      else feed.forget();
    }
  }

  /** Keeps where these channels stand. What another tab has put there since goes first if it is further on. */
  keep(feeds) {
    if (this.#key === null) return;
    const standing = together(feeds);
    try {
      let all;
      try {
        all = this.#read();
      } catch {
        all = new Map(); // it is of no use to anybody
      }
      for (const channel of [...this.#mine.keys()]) {
        if (standing.has(channel)) continue;
        if (JSON.stringify(all.get(channel)) === this.#mine.get(channel)) all.delete(channel);
        this.#mine.delete(channel);
      }
      for (const [channel, stored] of standing) {
        const there = all.get(channel), json = JSON.stringify(there), newest = newestOf(there);
        const theirs = json !== undefined && json !== this.#mine.get(channel) && newest > 0;
        if (!stored || (theirs && progress(there) > progress(stored) && newest < Date.now() + DAY)) {
          if (!theirs) all.delete(channel);
          continue;
        }
        all.delete(channel); // to the end, so that the oldest go first
        all.set(channel, stored);
        this.#mine.set(channel, JSON.stringify(stored));
      }
      this.#storage.setItem(this.#key, JSON.stringify({ v: VERSION, channels: Object.fromEntries([...all].slice(-MAX_STORED)) }));
      this.#failed = false;
    } catch (error) {
      if (!this.#failed) this.#report(error); // once, not each second
      this.#failed = true;
    }
  }

  #read() {
    const json = this.#storage.getItem(this.#key) ?? null;
    if (json === null) return new Map();
    const saved = JSON.parse(json), channels = saved?.channels;
    if (saved?.v !== VERSION || typeof channels !== "object" || channels === null || Array.isArray(channels)) {
      throw new TypeError(`storage: the positions under ${this.#key} cannot be read and are dropped`);
    }
    return new Map(Object.entries(channels));
  }
}
