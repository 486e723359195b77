// Positions that outlive the page, in a storage that may hold anything.
import { isPosition, timeOf } from "./position.js";
import { moment, text } from "./values.js";

const VERSION = 1; // of what is stored
const MAX_STORED = 256; // channels
const DAY = 86_400_000;

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
    if (this.#key === null || feed.position || feed.forgot || this.#mine.has(feed.channel)) return;
    const saved = this.#kept.get(feed.channel);
    if (this.#unreadable) feed.forget();
    else if (saved !== undefined) {
      this.#mine.set(feed.channel, JSON.stringify(saved));
      const [position, asOf] = Array.isArray(saved) ? saved : [];
      const soon = Date.now() + DAY; // no clock is so wrong
      if (timeOf(text(position)) > soon || asOf > soon || (asOf !== null && asOf !== undefined && !moment(asOf))) feed.forget();
      else feed.startAt(position, asOf);
    }
  }

  /** Keeps where these channels stand. What another tab has put there since goes first if it is further on. */
  keep(feeds) {
    if (this.#key === null) return;
    try {
      let all;
      try {
        all = this.#read();
      } catch {
        all = new Map(); // it is of no use to anybody
      }
      for (const channel of [...this.#mine.keys()]) {
        if (feeds.has(channel)) continue;
        if (JSON.stringify(all.get(channel)) === this.#mine.get(channel)) all.delete(channel);
        this.#mine.delete(channel);
      }
      for (const feed of feeds.values()) {
        const { stored, channel } = feed, there = all.get(channel), json = JSON.stringify(there);
        const theirs = json !== undefined && json !== this.#mine.get(channel) && Array.isArray(there) && isPosition(there[0]);
        if (!stored || (theirs && timeOf(there[0]) > timeOf(stored[0]) && timeOf(there[0]) < Date.now() + DAY)) {
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
