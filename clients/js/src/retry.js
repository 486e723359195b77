// When to connect again, and how carefully, by what has ended the connections before.
import { ticks } from "./clock.js";
import { LATER, LESS, onConnection, RENEW } from "./codes.js";
import { backoff } from "./timers.js";
import { MAX_ORDER, text, within } from "./values.js";

const STABLE = 5_000; // a link that lived this long starts the backoff anew
const PATIENCE = 3; // tokens or connections refused in a row, before a person is asked to do something
const SLOWLY = 15_000, SLOWEST = 300_000; // between connections that end because of what this client sends

/** Whether a link has lived for long enough to be no sign of a fault. */
export const isStable = (link) => link.liveAt > 0 && ticks() - link.liveAt >= STABLE;

/** Why a link has ended: what the server has said before, or the close code. */
export function reasonOf(link, code, message) {
  const failure = link?.failure;
  return {
    code: text(failure?.code) ?? onConnection(code).code, message: text(failure?.message) || text(message) || "",
    closeCode: code, retryAfterMs: within(failure?.retryAfterMs, 0, MAX_ORDER),
  };
}

export class Retry {
  attempts = 0; // since a link was stable
  cautious = false; // something we sent ended a connection: the next first frame asks for nothing
  notBefore = 0; // in ticks: when the server lets us come back
  #rejections = 0; #blunders = 0; // in a row: tokens refused, connections ended by what we sent
  #options;

  constructor(options) { this.#options = options; }

  /** A person or the page wants it now. */
  reset() { [this.attempts, this.#rejections, this.#blunders] = [0, 0, 0]; }

  welcomed() { [this.#rejections, this.cautious] = [0, false]; }

  /** After a link, or a dial that made none, has ended: how long to wait, and what a person can do, if it looks as if one were needed. */
  after(link, { closeCode, retryAfterMs }) {
    const { advice, verdict, action } = onConnection(closeCode);
    if (link && isStable(link)) [this.attempts, this.#blunders] = [0, 0];
    let ordered = retryAfterMs ?? (advice === LATER ? 1000 : 0), tries = 0;
    if (verdict === RENEW) {
      tries = ++this.#rejections;
      if (tries > 1) ordered = Math.max(ordered, 1000);
    }
    if (verdict === LESS) {
      this.cautious = true;
      tries = ++this.#blunders;
      ordered = Math.max(ordered, tries === 1 ? 1000 : Math.min(SLOWEST, SLOWLY * 2 ** (tries - 2)));
    }
    const notBefore = ticks() + (retryAfterMs ?? (verdict === LESS ? ordered : 0));
    return { wait: Math.ceil(ordered + backoff(this.attempts++, this.#options)), notBefore, action: tries >= PATIENCE ? action : undefined };
  }
}
