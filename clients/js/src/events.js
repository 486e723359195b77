// The listeners of a page, by the type of event.
import { guarded } from "./callbacks.js";

export class Events {
  #listeners = new Map();

  /** Adds a listener and returns a function that removes it. */
  on(type, listener) {
    if (!this.#listeners.has(type)) this.#listeners.set(type, new Set());
    this.#listeners.get(type).add(listener);
    return () => this.#listeners.get(type).delete(listener);
  }

  /** Whether anybody listens. */
  has(type) { return this.#listeners.get(type)?.size > 0; }

  emit(type, detail) {
    const listeners = this.#listeners.get(type);
    if (type === "error" && !listeners?.size) console.error("tidewire:", detail?.message ?? detail);
    for (const listener of [...(listeners ?? [])]) guarded(listener, detail);
  }
}
