// Every close code and error code, what this client does about each, and the error that carries one.
import { MAX_ORDER, text, within } from "./values.js";

// The protocol's advice.
const NOW = "retry now", TOKEN = "get a new token first", STOP = "stop";
export const LATER = "retry later";

// Verdicts on a connection that ended. Only `final` waits for a person.
const AGAIN = "reconnect";
export const RENEW = "renew the token", LESS = "reconnect with less", FINAL = "final";

// Verdicts on one channel, whose connection goes on.
export const RETRY = "retry", REFUSE = "refuse";

const UPDATE = "Update this page: ";
export const SIGN_IN = "Sign in again.";

/**
 * The one table of codes. `advice` is the protocol's. Where that is "stop" because of something that this client
 * sent, it comes back without it and slowly, since a page on a wall has nobody to reload it.
 */
const CODES = [
  // close, code, advice, verdict on the connection, verdict on a channel, what a person does
  [1000, "closed", LATER, AGAIN, RETRY, ""],
  [1001, "closed", LATER, AGAIN, RETRY, ""],
  [1002, "bad-request", STOP, LESS, REFUSE, `${UPDATE}it broke the WebSocket protocol.`],
  [1003, "bad-request", STOP, LESS, REFUSE, `${UPDATE}it sent a binary message.`],
  [1006, "unreachable", NOW, AGAIN, RETRY, ""],
  [1007, "bad-request", STOP, LESS, REFUSE, `${UPDATE}it sent text that is not UTF-8.`],
  [1011, "internal", LATER, AGAIN, RETRY, ""],
  [1012, "draining", LATER, AGAIN, RETRY, ""],
  [1013, "unavailable", LATER, AGAIN, RETRY, ""],
  [4400, "bad-request", STOP, LESS, REFUSE, `${UPDATE}the server did not understand it.`],
  [4400, "not-found", STOP, LESS, RETRY, `${UPDATE}the server did not understand it.`],
  [4400, "conflict", STOP, LESS, RETRY, `${UPDATE}the server did not understand it.`],
  [4401, "unauthorized", TOKEN, RENEW, RETRY, SIGN_IN],
  [4401, "expired", TOKEN, RENEW, RETRY, SIGN_IN],
  [4403, "forbidden", STOP, FINAL, REFUSE, "Ask for access: this user or tenant may not connect."],
  [4403, "suspended", STOP, FINAL, REFUSE, "Ask for access: this user or tenant may not connect."],
  [4408, "timeout", NOW, AGAIN, RETRY, ""],
  [4409, "replaced", STOP, FINAL, RETRY, "Another connection took this one's place. Reload this page to take it back."],
  [4413, "too-large", STOP, LESS, REFUSE, "Send less at once: a frame was over the limit."],
  [4429, "limited", LATER, AGAIN, RETRY, ""],
  [4503, "too-slow", NOW, AGAIN, RETRY, ""],
];

/** Every close code: the word for it, the protocol's advice, what this client does, and what is left to a person. */
export const closeCodes = Object.freeze(Object.fromEntries([...CODES].reverse().map( // the first row of a close code counts
  ([close, code, advice, verdict, , action]) => [close, Object.freeze({ code, advice, verdict, action })],
)));

export const onConnection = (close) => closeCodes[close] ?? closeCodes[1011];

/** The close code that ends a connection with a code. */
export const closeOf = (code) => CODES.find(([, word]) => word === code)?.[0] ?? 1011;

/** The limits that another try does not help against. */
const STANDING = ["subscriptionsPerConnection", "patternsPerConnection", "channelsPerPattern"];

export const onChannel = ({ code, limit }) => {
  if (code === "limited" && STANDING.includes(limit)) return REFUSE; // numbers that an operator has set, or nobody
  return CODES.find(([, word]) => word === code)?.[4] ?? RETRY;
};

/** An error with one of the protocol's codes. */
export class TidewireError extends Error {
  constructor({ code, message, channel, limit, retryAfterMs, lost = false }) {
    code = typeof code === "string" && code ? code : "internal";
    super(typeof message === "string" && message ? message : code);
    this.name = "TidewireError";
    Object.assign(this, { code, channel: text(channel), limit: text(limit), retryAfterMs: within(retryAfterMs, 0, MAX_ORDER), lost });
  }
}

export const lost = () => new TidewireError({
  code: "unavailable", message: "the connection was lost before the answer; the request may or may not have taken effect", lost: true,
});

export const badRequest = (message) => new TidewireError({ code: "bad-request", message });
