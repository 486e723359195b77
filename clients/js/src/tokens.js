// The token in hand: where it comes from, whether it may be used again, and how long it lasts. Nothing is verified here.
import { ticks } from "./clock.js";
import { TidewireError } from "./codes.js";
import { moment, text } from "./values.js";

const MARGIN = 30_000; // a token that ends sooner is not used for another connection
const MAX_HEADER = 4 << 10; // of a token in the handshake: proxies refuse header lines over 8 KiB, some all headers over that
const MAX_TOKEN = 16 << 10; // the server takes half of it

/** A token as it is sent; undefined if it cannot be one, such as the page of an error. */
export function asToken(value) {
  const token = text(value)?.trim();
  return token && token.length <= MAX_TOKEN && /^[\w\-.~+/=]+$/.test(token) ? token : undefined;
}

/** Whether a token can stand in the handshake: characters of a subprotocol (RFC 6455, 4.1), and no more than proxies pass on. */
export const fitsHeader = (token) => token.length <= MAX_HEADER && /^[\w\-.~+]+$/.test(token);

/**
 * A token in hand: when it was taken, in ticks, when it ends by the server's clock, and how long it lasts if it says so.
 * Nothing is verified here: it serves the timing alone.
 */
export function tokenOf(value) {
  const token = { value, takenAt: ticks(), endsAt: 0, lastsMs: Infinity }, { iat, exp } = asClaims(value) ?? {}; // if they cannot be read, the welcome will tell
  token.endsAt = moment(exp * 1000);
  if (exp > iat) token.lastsMs = (exp - iat) * 1000;
  return token;
}

/** What a token says, if that can be read. */
export function asClaims(token) {
  try {
    const bytes = Uint8Array.from(atob(token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/")), (each) => each.charCodeAt(0));
    const claims = JSON.parse(new TextDecoder().decode(bytes));
    return typeof claims === "object" && claims !== null ? claims : undefined;
  } catch {
    return undefined;
  }
}

/** Why there is no token to be had: the application has said so. */
export class SignedOut extends TidewireError {}

export class Tokens {
  current = null; // the one in hand
  refused = false; // whether the server has refused the last one
  #source; #clock; #timeoutMs;

  /** `source` is a token, a function that gets one, or undefined. */
  constructor(source, clock, timeoutMs) { [this.#source, this.#clock, this.#timeoutMs] = [source, clock, timeoutMs]; }

  /** Whether there may be another one. */
  get renewable() { return typeof this.#source === "function"; }

  /** Whether one has to be provided before the next connection. */
  get needed() { return this.#source !== undefined && !this.#reusable; }

  get #reusable() {
    if (!this.current) return false;
    const { byClock, byLength } = this.left(this.current);
    // One that has never been shown is not called over because of a clock.
    return !this.current.endsAt || !this.renewable || byLength > MARGIN && (byClock > MARGIN || !this.current.shown);
  }

  /** Gets a token from the provider, or takes the fixed one. What is late is kept for the next time. */
  provide() {
    const source = this.#source, before = this.current, rejected = this.refused;
    if (typeof source !== "function") return this.#take(asToken(source));
    const provided = (async () => source({ rejected }))().then((value) => {
      if (value === null) throw new SignedOut({ code: "unauthorized", message: "signed out: the token provider returned null" });
      const token = asToken(value);
      if (token === undefined) throw new TypeError(`token: the provider must return a token, or null if nobody is signed in, got ${typeof value === "string" ? "a string that is not a token" : typeof value}; check answer.ok in it`);
      if (this.current === before) this.#take(token); // nobody was quicker
    });
    provided.catch(() => {}); // when nobody waits any more
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new TidewireError({ code: "timeout", message: `the token provider did not answer within ${this.#timeoutMs} ms` })), this.#timeoutMs);
    });
    return Promise.race([provided, late]).finally(() => clearTimeout(timer));
  }

  /** Takes a token that the application gives, for good if it has no provider. */
  give(value) {
    const token = asToken(value);
    if (token === undefined) throw new TypeError("token: must be a token, of letters, digits and - . _ ~ + / =");
    if (!this.renewable) this.#source = token;
    this.#take(token);
  }

  #take(value) {
    if (value !== this.current?.value) this.current = value ? tokenOf(value) : null;
  }

  /** The server has refused a token, which is not used again. One that has never been shown to it is not to blame. */
  discard(token) {
    this.refused = true;
    if (this.current === token) this.current = null;
  }

  /**
   * How long a token is good, in milliseconds: by the clocks, which may be wrong, and by its own length, which is too long if it was
   * not new when it came, and Infinity if it does not tell. The shorter one counts, since renewing early does no harm.
   */
  left({ takenAt, endsAt, lastsMs }) {
    return { byClock: endsAt - this.#clock.serverNow, byLength: lastsMs - (ticks() - takenAt) };
  }
}
