// While there are events instead of a WebSocket, tries now and then whether one gets through.
import { PROTOCOL } from "./protocol.js";

const SOON = 1000; // ms after something of the network has changed

export class Trials {
  #options; #links; #timers; #ways; #move;

  /** `move` is called with the live link when there is a better way. */
  constructor({ options, links, timers, ways, move }) { [this.#options, this.#links, this.#timers, this.#ways, this.#move] = [options, links, timers, ways, move]; }

  get #live() { return this.#links.live?.way === "sse" ? this.#links.live : undefined; }

  /** Plans the next one, if it is needed and there is none. */
  plan() {
    if (!this.#live) this.#timers.cancel("trial");
    else if (!this.#timers.has("trial")) this.#after(this.#ways.patience);
  }

  /** The network may be another one. */
  soon() { if (this.#timers.has("trial")) this.#after(SOON); }

  #after(ms) {
    this.#timers.after("trial", ms, async () => {
      const works = this.#live !== undefined && await tryWebSocket(this.#options, this.#live.token.value);
      if (works) this.#ways.works("websocket");
      if (works && this.#live) this.#move(this.#live);
      this.plan(); // also if the move fails
    });
  }
}

/** Resolves with whether the server says anything on a WebSocket, which is not used for more. */
export function tryWebSocket({ WebSocket, url, connectTimeoutMs }, token) {
  return new Promise((resolve) => {
    let socket;
    const end = (works) => {
      clearTimeout(timer);
      resolve(works);
      try {
        socket?.close(1000);
      } catch { /* it is no more */ }
    };
    const timer = setTimeout(() => end(false), connectTimeoutMs);
    try {
      socket = new WebSocket(url.href, [PROTOCOL]);
    } catch {
      return end(false);
    }
    socket.onopen = () => socket.send(JSON.stringify({ id: 0, type: "connect", token, subscriptions: [] }));
    socket.onmessage = () => end(true);
    socket.onclose = ({ code }) => end(code >= 3000); // by the server
    socket.onerror = () => setTimeout(() => end(false), 100);
  });
}
