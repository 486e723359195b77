// What a page shows of itself on a channel while it is connected: the newest of it, now and then, and again before it ends.

const AGAIN = 10_000; // it ends 30 s after it was published

/** Publishes as one transient entry what `set` says, at most `maxRate` times a second, and the last of it always. `publish` takes {data} or {delete}. */
export class Awareness {
  #publish; #failed; #every;
  #data; #shows = false; #changed = false; #busy = false; #ended = false;
  #notBefore = 0; #timer;

  constructor({ publish, failed, maxRate }) {
    [this.#publish, this.#failed, this.#every] = [publish, failed, 1000 / maxRate];
  }

  /** From now on this is shown. */
  set(data) {
    if (this.#ended) return;
    [this.#data, this.#shows, this.#changed] = [data, true, true];
    this.#plan();
  }

  /** Nothing is shown until the next `set`. */
  clear() {
    if (this.#ended || !this.#shows) return;
    [this.#data, this.#shows, this.#changed] = [undefined, false, true];
    this.#plan();
  }

  /** Nothing is shown any more. The server does the same when the connection ends. */
  end() {
    this.clear();
    this.#ended = true;
  }

  /** A new connection shows nothing yet. */
  connected() {
    if (!this.#shows) return;
    [this.#changed, this.#notBefore] = [true, 0];
    this.#plan();
  }

  #plan() {
    if (this.#busy) return;
    clearTimeout(this.#timer);
    const wait = this.#changed ? this.#notBefore - performance.now() : this.#shows && !this.#ended ? AGAIN : -1;
    if (!this.#changed && wait < 0) return;
    if (wait <= 0) return void this.#send();
    this.#timer = setTimeout(() => void this.#send(), wait);
    this.#timer.unref?.();
  }

  async #send() {
    const what = this.#shows ? { data: this.#data } : { delete: true };
    [this.#busy, this.#changed, this.#notBefore] = [true, false, performance.now() + this.#every];
    try {
      await this.#publish(what);
    } catch (error) {
      this.#refused(error);
    }
    this.#busy = false;
    this.#plan();
  }

  /** What may be taken another time is tried again, unless there is no connection: then the next one brings it. */
  #refused(error) {
    if (error.code === "closed") this.#ended = true;
    else if (error.code === "limited" || error.code === "unavailable") [this.#changed, this.#notBefore] = [!this.#ended, performance.now() + Math.max(1000, error.retryAfterMs ?? 0)];
    else {
      [this.#shows, this.#ended] = [false, true];
      this.#failed(error);
    }
  }
}
