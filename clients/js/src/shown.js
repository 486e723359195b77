// What a page shows of one channel with state, and where that stands.
import { isPosition, timeOf } from "./position.js";
import { text } from "./values.js";

export class Shown {
  by; // what the server calls that by which the rows were shown at the position of the cursor; undefined if that is everything
  doubted = false; // until the next snapshot is complete
  #cursor; #keyed;

  /** `keyed` is what fills the rows. */
  constructor(cursor, keyed) { [this.#cursor, this.#keyed] = [cursor, keyed]; }

  get loading() { return this.#keyed.rows.loading; }

  /** Whether it shows nothing, and nothing is on its way. */
  get isEmpty() { return !this.loading && this.#keyed.rows.all.size === 0; }

  /** Where to go on from. */
  get since() { return this.doubted ? undefined : this.#cursor.position; }

  /** From here on the rows are shown by something else. What a snapshot will be shown by, its end says. */
  showBy(view) { if (!this.loading) this.by = text(view) || undefined; }

  /** The server sends what has changed, or everything: until that is complete, what was shown stays. */
  begin(resumed) {
    if (resumed) this.#keyed.resume();
    else this.#keyed.begin();
  }

  apply(message) { this.#keyed.apply(message); }
  expired(key) { this.#keyed.expired(key); }
  end() { this.#keyed.end(); }

  /** Takes what has changed of some keys. In the middle of what a slow reader is sent it stands nowhere new. */
  changes(frame) {
    this.#keyed.changes(frame);
    if (!this.loading && isPosition(frame.position) && timeOf(frame.position) >= timeOf(this.#cursor.position)) this.#cursor.position = frame.position;
  }

  /** Takes a part of a snapshot; the last one says where the reader stands. */
  snapshot(frame) {
    if (!this.#keyed.snapshot(frame)) return;
    this.#cursor.position = isPosition(frame.position) ? frame.position : undefined;
    [this.by, this.doubted] = [text(frame.view) || undefined, false];
  }
}
