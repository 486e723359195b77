// When a page can paint next.

const FRAME = 16; // where there is no display
const HIDDEN = 1000; // a display that shows nothing has no frames; what is collected must not grow meanwhile

/** Calls `run` once at the next frame of the display after it was asked to. */
export class Frame {
  #run; #timer; #request;

  constructor(run) { this.#run = run; }

  ask() {
    if (this.#timer !== undefined) return;
    const painted = typeof globalThis.requestAnimationFrame === "function";
    const fire = () => {
      this.cancel();
      this.#run();
    };
    if (painted && globalThis.document?.visibilityState !== "hidden") this.#request = globalThis.requestAnimationFrame(fire);
    this.#timer = setTimeout(fire, painted ? HIDDEN : FRAME);
  }

  cancel() {
    clearTimeout(this.#timer);
    if (this.#request !== undefined) globalThis.cancelAnimationFrame?.(this.#request);
    [this.#timer, this.#request] = [undefined, undefined];
  }
}
