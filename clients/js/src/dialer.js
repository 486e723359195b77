// Opens a link: gets a token, opens a socket, sends the first frame, and waits for the welcome no longer than it may.
import { EventsSocket } from "./events-socket.js";
import { Link } from "./link.js";
import { PROTOCOL } from "./protocol.js";
import { fitsHeader } from "./tokens.js";

/** The id of the connect frame; requests count from 1. */
export const FIRST_ID = 0;
const FIRST_FRAME = 32 << 10; // bytes; what is more follows the welcome

export class Dialer {
  turn = 0; // what an earlier turn brings is stale
  #maxBytesPerSecond; // of each connection
  #inFrame = false; #headersRefused = 0; // where the next token goes, and how often only the first frame would do
  #messageBytes = Infinity; #most = Infinity; // limits of the last welcome
  #options; #links; #timers; #tokens; #share; #ways; #on;

  /**
   * `share` has sockets of other tabs, and `ways` says whether to use WebSockets, if they are given. `first` returns what the first frame asks for, `over` is told that a link has ended or is
   * late, `failed` why there is none. The others are of a link.
   */
  constructor({ options, links, timers, tokens, share, ways, ...on }) {
    [this.#options, this.#links, this.#timers, this.#tokens, this.#share, this.#ways, this.#on] = [options, links, timers, tokens, share, ways, on];
    this.#maxBytesPerSecond = options.maxBytesPerSecond;
  }

  /** Begins a turn, which is over when the welcome is not there in time. */
  begin() {
    const turn = ++this.turn;
    this.#links.next?.shut();
    this.#links.next = null;
    this.#timers.after("dial", this.#options.connectTimeoutMs, () => {
      this.turn++;
      const late = this.#links.next;
      late?.shut();
      if (late && !late.spoken) this.#ways?.failed(late.way);
      this.#on.over(late, 4408, `no welcome within ${this.#options.connectTimeoutMs} ms`);
    });
    return turn;
  }

  dial(turn) {
    if (turn !== this.turn) return;
    this.#open(turn).catch((error) => {
      if (turn !== this.turn) return;
      this.turn++;
      this.#timers.cancel("dial");
      this.#on.failed(error);
    });
  }

  /** Bounds how many bytes a second the server sends, on the links that there are and on the next. */
  async bound(maxBytesPerSecond) {
    this.#maxBytesPerSecond = maxBytesPerSecond;
    const links = [this.#links.live, this.#links.next].filter((link) => link?.welcome);
    await Promise.all(links.map((link) => link.request({ type: "tune", maxBytesPerSecond }, { timeoutMs: this.#options.requestTimeoutMs }).catch((error) => {
      if (!error.lost) throw error; // else the next begins with it
    })));
  }

  /** What is under way is stale from now on. Returns the turn that it would be. */
  stop() { return ++this.turn; }

  async #open(turn) {
    if (this.#tokens.needed) await this.#tokens.provide();
    if (turn !== this.turn) return;
    const token = this.#tokens.current, { over, frame, fault, roundTrip } = this.#on, events = this.#ways?.next === "sse" && token !== null;
    const shared = token !== null && !events && this.#share?.isUsed === true;
    const inHandshake = shared || events || token !== null && this.#options.tokenIn === "subprotocol" && !this.#inFrame && fitsHeader(token.value);
    this.#inFrame = inHandshake && !shared && !events; // next time, should it not even open: perhaps a proxy minds the header
    const link = new Link(events ? new EventsSocket(this.#options.url, token.value) : shared ? this.#share.open(token.value) : this.#socket(inHandshake, token), token, {
      open: () => {
        this.#headersRefused = inHandshake ? 0 : this.#headersRefused;
        this.#inFrame = false;
        this.#opened(link, inHandshake ? undefined : token?.value);
      },
      frame, fault, closed: (ended, code, reason) => {
        if (code === 1006 && !ended.spoken) this.#ways?.failed(ended.way);
        else this.#ways?.works(ended.way);
        over(ended, code, reason);
      },
      roundTrip, trace: this.#trace,
    });
    [link.inHandshake, link.way] = [inHandshake, events ? "sse" : "websocket"];
    this.#links.next = link;
  }

  /** Tells who debugs what goes over the wire, without tokens. */
  get #trace() {
    const { debug } = this.#options;
    return debug && ((what, detail) => debug(what, typeof detail === "string" ? JSON.parse(detail.replace(/"token":"[^"]*"/, '"token":"..."')) : structuredClone(detail)));
  }

  #socket(inHandshake, token) {
    const { WebSocket, url } = this.#options;
    return new WebSocket(url.href, inHandshake ? [PROTOCOL, `bearer.${token.value}`] : [PROTOCOL]);
  }

  /** Sends the first frame: the token and where each channel stands, as much as goes in at once. */
  #opened(link, token) {
    const frame = { id: FIRST_ID, type: "connect", token, maxBytesPerSecond: this.#maxBytesPerSecond };
    const { asOf, subscriptions } = this.#on.first(link, frame, Math.min(FIRST_FRAME, this.#messageBytes), this.#most);
    if (subscriptions.length === 0 && token === undefined && link.inHandshake && this.#maxBytesPerSecond === undefined && link.way === "websocket") return; // the welcome comes unasked
    link.send(JSON.stringify(subscriptions.length ? { ...frame, asOf, subscriptions } : { ...frame, subscriptions }));
  }

  /** A link is welcome: learns from it for the next one. */
  welcomed(link, { messageBytes, subscriptionsPerConnection }) {
    this.#ways?.works(link.way);
    if (!link.inHandshake && this.#options.tokenIn === "subprotocol" && link.token && fitsHeader(link.token.value)) this.#headersRefused++;
    this.#inFrame = this.#headersRefused > 1;
    [this.#messageBytes, this.#most] = [messageBytes, subscriptionsPerConnection];
  }
}
