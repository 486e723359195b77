// Whether the tabs of a group are alive: each holds a Web Lock of its own for as long as it is, and the browser lets those have it who wait for its end.

export class Lives {
  #name; #on; #release = null; #ended = false; #waiting = new Map(); // tab -> AbortController

  /** `gone` is called with a tab that has ended, `fault` with what goes wrong. */
  constructor(name, on) { [this.#name, this.#on] = [name, on]; }

  /** From when it resolves on, others can tell that this tab is alive. */
  begin(tab) {
    return new Promise((resolve, reject) => {
      navigator.locks.request(`${this.#name}:${tab}`, () => {
        resolve();
        if (!this.#ended) return new Promise((release) => { this.#release = release; });
      }).catch(reject);
    });
  }

  watch(tab) {
    if (this.#waiting.has(tab)) return;
    const waiting = new AbortController();
    this.#waiting.set(tab, waiting);
    const gone = () => {
      this.#waiting.delete(tab);
      this.#on.gone(tab);
    };
    navigator.locks.request(`${this.#name}:${tab}`, { mode: "shared", signal: waiting.signal }, gone).catch((error) => {
      if (error?.name !== "AbortError") this.#on.fault(error);
    });
  }

  unwatch(tab) {
    this.#waiting.get(tab)?.abort();
    this.#waiting.delete(tab);
  }

  /** This tab is not to be relied on any more. */
  end() {
    this.#ended = true;
    for (const tab of [...this.#waiting.keys()]) this.unwatch(tab);
    this.#release?.();
  }
}
