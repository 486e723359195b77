// Frames that go by requests, one request after the other, so that what they publish keeps its order.
import { closeOf } from "./codes.js";
import { bytes } from "./values.js";

const FRAMES = 200, BYTES = 200_000; // of a request: fewer than the server takes

export class Posts {
  #post; #on; #waiting = []; #busy = false; #closed = false;
  #refusals = 0; #why; // of publishes: how many were refused, and why the last one was

  /** `post` sends frames and resolves with what came of it; `answer` is called with each answer, `fail` with why there are none. */
  constructor(post, on) { [this.#post, this.#on] = [post, on]; }

  add(frame) {
    this.#waiting.push(frame);
    if (!this.#busy) this.#run();
  }

  close() {
    this.#closed = true;
    this.#waiting = [];
  }

  async #run() {
    this.#busy = true;
    await null; // what comes with it goes with it
    while (this.#waiting.length && !this.#closed) await this.#send(this.#take());
    this.#busy = false;
  }

  /** As many frames as go into a request. A publish that was asked for before the client knew of a refusal is refused: it would overtake what comes again. */
  #take() {
    const taken = new Map(); // id -> frame
    let room = BYTES;
    while (this.#waiting.length && taken.size < FRAMES) {
      const [{ refusals, ...frame }] = this.#waiting, json = JSON.stringify({ ...frame, refusals: refusals === undefined ? undefined : 0 });
      if (taken.size && (room -= bytes(json)) < 0) break;
      this.#waiting.shift();
      if (refusals < this.#refusals) this.#refuse(frame, this.#why);
      else taken.set(frame.id, { frame, json });
    }
    return taken;
  }

  async #send(taken) {
    if (taken.size === 0) return;
    let came;
    try {
      came = await this.#post([...taken.values()].map(({ json }) => json));
    } catch {
      return this.#on.fail(1006);
    }
    if (this.#closed) return;
    const { frames, problem } = came;
    if (problem?.code === "unauthorized" || problem?.code === "expired") {
      this.#on.answer({ type: "error", ...problem });
      return this.#on.fail(closeOf(problem.code));
    }
    if (problem) for (const { frame } of taken.values()) this.#refuse(frame, problem);
    else if (!frames || !this.#answers(taken, frames)) this.#on.fail(1006);
  }

  /** Gives the answers, and tells whether they are all. */
  #answers(taken, frames) {
    for (const answer of frames) {
      const asked = taken.get(answer.id);
      if (!asked) continue;
      taken.delete(answer.id);
      if (answer.type === "error" && answer.refusals !== undefined) this.#refuse(asked.frame, answer);
      else this.#on.answer(answer);
    }
    return taken.size === 0;
  }

  #refuse({ id, channel, type }, { code, message, limit, retryAfterMs }) {
    const answer = { type: "error", id, channel, code, message, limit, retryAfterMs };
    if (type === "publish") {
      this.#why = { code, message, limit, retryAfterMs };
      answer.refusals = ++this.#refusals;
    }
    this.#on.answer(answer);
  }
}
