// IDs: makes them, and remembers those that have come, so that a repeated message can be dropped.

/** Makes an idempotency key. Not randomUUID, which pages on plain HTTP do not have. */
export function newID() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The last IDs of a channel: at least `size` of them, at most twice as many. */
export class Recent {
  #size; #old = new Set(); #young = new Set();
  constructor(size) { this.#size = size; }
  /** Remembers an ID and tells whether it was there already. */
  seen(id) {
    if (this.#young.has(id) || this.#old.has(id)) return true;
    if (this.#young.size >= this.#size) [this.#old, this.#young] = [this.#young, new Set()];
    this.#young.add(id);
    return false;
  }
  clear() { [this.#old, this.#young] = [new Set(), new Set()]; }
}
