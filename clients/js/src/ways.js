// By which way the next connection is opened: a WebSocket, or Server-Sent Events where these do not get through.

const BLOCKED = 2; // sockets in a row on which the server has said nothing
const TRY_AGAIN = 30_000, SELDOM = 600_000; // when a socket is tried beside a stream of events: each time after twice as long

export class Ways {
  #possible; #silent = 0; #events = false; #trials = 0;

  /** `possible` says whether there may be another way than a WebSocket. */
  constructor(possible) { this.#possible = possible; }

  /** "websocket" or "sse". */
  get next() { return this.#events ? "sse" : "websocket"; }

  /** The server has said nothing on a connection. Where neither way leads to it, they take turns. */
  failed(way) {
    if (way === "sse") this.#events = false;
    else this.#events = this.#possible && ++this.#silent >= BLOCKED;
  }

  /** The server has said something. */
  works(way) { if (way === "websocket") [this.#silent, this.#events, this.#trials] = [0, false, 0]; }

  /** How long to wait before a socket is tried again. */
  get patience() { return Math.min(SELDOM, TRY_AGAIN * 2 ** this.#trials++) * (0.8 + 0.4 * Math.random()); }
}
