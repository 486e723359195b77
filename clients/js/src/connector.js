// The state of a client as a machine: decides when to connect, when a link takes over from another, and what follows when one ends.
import { Channels } from "./channels.js";
import { Clock, ticks } from "./clock.js";
import { FINAL, onConnection, RENEW, SIGN_IN, TidewireError } from "./codes.js";
import { Dialer } from "./dialer.js";
import { Inbox } from "./inbox.js";
import { Links } from "./links.js";
import { Renewal } from "./renewal.js";
import { Requests } from "./requests.js";
import { isStable, reasonOf, Retry } from "./retry.js";
import { Share } from "./share.js";
import { backoff, Timers } from "./timers.js";
import { SignedOut, Tokens } from "./tokens.js";
import { Trials } from "./trials.js";
import { MAX_ORDER, readWelcome, text, within } from "./values.js";
import { Ways } from "./ways.js";

const HANDOVER = 5_000; // how long a link that was moved away from may still answer requests

/** README.md has the states as a table. `emit` tells the page, except of what happens before it has listeners. */
export class Connector {
  clock = new Clock(); channels; requests;
  #options; #emit; #state = Object.freeze({ name: "connecting", since: Date.now() });
  #links = new Links(); #timers; #tokens; #renewal; #retry; #dialer; #share; #trials;
  #who = null; // tenant and user of the last welcome, as JSON
  #quick = 0; // moves from links that were not stable

  constructor(options, emit) {
    [this.#options, this.#emit] = [options, emit];
    this.#timers = new Timers((error) => emit("error", error));
    this.#tokens = new Tokens(options.token, this.clock, options.connectTimeoutMs);
    this.#retry = new Retry(options);
    this.#renewal = new Renewal({
      tokens: this.#tokens, links: this.#links, timers: this.#timers, timeoutMs: options.requestTimeoutMs,
      renewed: (expiresAt) => this.#set({ ...this.#state, expiresAt }), failed: (error) => this.isClosed || emit("error", error),
    });
    this.requests = new Requests(options.maxPending);
    this.channels = new Channels({
      options, links: this.#links, clock: this.clock, timers: this.#timers, emit, taken: (link) => this.#handOver(link), isClosed: () => this.isClosed,
    });
    this.#share = new Share(options, { park: () => this.#park(), wake: () => this.#unpark(), fault: (error) => this.isClosed || emit("error", error) });
    const inbox = new Inbox({
      channels: this.channels, clock: this.clock, renewal: this.#renewal, emit, welcomed: (link, frame) => this.#welcomed(link, frame), move: (link, afterMs) => this.#move(link, afterMs),
    });
    const ways = new Ways(options.fallback && typeof globalThis.fetch === "function");
    this.#trials = new Trials({ options, links: this.#links, timers: this.#timers, ways, move: (link) => this.#move(link, 0) });
    this.#dialer = new Dialer({
      options, links: this.#links, timers: this.#timers, tokens: this.#tokens, share: this.#share, ways,
      first: (link, frame, room, most) => (this.#retry.cautious ? { subscriptions: [] } : this.channels.first(link, frame, room, most)),
      frame: (link, frame) => inbox.take(link, frame), over: (link, code, message) => this.#over(link, code, message),
      failed: (error) => this.#undialled(error), fault: (error) => emit("error", error), roundTrip: (ms) => this.clock.roundTrip(ms),
    });
  }

  get state() { return this.#state; }
  get isClosed() { return this.#state.name === "closed"; }
  get isLive() { return this.#links.live !== null; }

  /** Connects, unless something else has happened since the client was made. */
  start() { if (this.#state.name === "connecting" && this.#dialer.turn === 0) this.#dial(); }

  /** Renews the token now, with the one given or the provider's. */
  async refresh(token) {
    if (token !== undefined) this.#tokens.give(token);
    if (this.isLive) return this.#renewal.now(token === undefined);
    if (token === undefined) this.#tokens.current = null; // another one than in hand
    this.reconnect();
  }

  /** Bounds how many bytes a second the server sends, on this connection and the next. */
  bound(maxBytesPerSecond) { return this.#dialer.bound(maxBytesPerSecond); }

  /** Tries now instead of at the planned moment, also after a refusal. */
  reconnect() {
    if (this.isLive || this.#timers.has("dial")) return;
    this.#tokens.refused = false;
    this.#retry.reset();
    this.#dial();
  }

  /** The page is about to stand still or to go. */
  sleep() {
    this.channels.save();
    this.#share.sleep();
  }

  /** The page is hidden. */
  hide() {
    this.channels.save();
    this.#share.shown();
  }

  /** Looks whether the socket has died unseen, and waits no longer than the server wants: the page is shown again, or the network is back. */
  wake() {
    this.#share.shown();
    this.#unpark();
    this.#links.live?.probe();
    this.#trials.soon();
    if (this.#timers.has("retry")) this.#after("retry", Math.max(0, this.#retry.notBefore - ticks()), () => this.#dial());
  }

  /** Ends everything. */
  close() {
    if (this.isClosed) return;
    this.#hangUp(new TidewireError({ code: "closed", message: "the client was closed" }));
    this.#set({ name: "closed" });
    this.channels.close();
    this.#share.end();
  }

  /** Nobody sees the tabs that share a socket: there is none until one of them is seen. */
  #park() {
    if (!["connecting", "reconnecting", "live"].includes(this.#state.name)) return;
    this.#cut();
    this.#set({ name: "parked" });
  }

  #unpark() { if (this.#state.name === "parked") this.#dial(); }

  // ---- connecting: state connecting, or reconnecting without retryAt

  #dial() {
    this.#cancel("retry");
    this.#cancel("move");
    const turn = this.#dialer.begin();
    if (!this.isLive) {
      const { name, attempt, code, message, action } = this.#state;
      this.#set(name === "reconnecting" ? { name, attempt, code, message, action, retryAt: null } : { name: "connecting" });
    }
    this.#dialer.dial(turn); // unless a listener has closed the client
  }

  /** A dial made no link. */
  #undialled(error) {
    if (error instanceof SignedOut) return this.#stop({ code: error.code, message: error.message, closeCode: 4401, action: SIGN_IN });
    this.#emit("error", error);
    if (!this.isClosed) this.#over(null, 1011, error?.message);
  }

  #welcomed(link, frame) {
    if (link.welcome || link !== this.#links.next) return;
    if (text(frame.tenant) === undefined || text(frame.user) === undefined) return link.drop("welcome: tenant and user must be strings");
    const welcome = readWelcome(frame), who = JSON.stringify([welcome.tenant, welcome.user]);
    if (this.#who !== null && who !== this.#who) return this.#changeUser(link, who);
    this.#cancel("dial");
    link.greet(welcome);
    [this.#who, this.#tokens.refused] = [who, false];
    this.#retry.welcomed();
    this.#dialer.welcomed(link, welcome.limits);
    if (link.token) [link.token.endsAt, link.token.shown] = [welcome.expiresAt || link.token.endsAt, true];
    const moving = this.#links.live !== null;
    this.channels.welcomed(link, welcome);
    if (link.ended) return; // by a listener of what was refused
    if (!moving && link.resumed) this.channels.tellResumed(link);
    if (moving) link.resumed = null; // nothing was interrupted
    if (!moving) this.#promote(link);
    else this.#handOver(link);
  }

  /** The server welcomes another user than before. What was read until now was of the previous one, so nothing is resumed. */
  #changeUser(link, who) {
    this.#who = who;
    this.channels.forgetPositions();
    this.requests.fail(new TidewireError({ code: "forbidden", message: "the token is of another user now; requests of the previous user are not sent" }));
    if (this.#links.live) {
      this.#links.live.shut();
      this.#unlink();
    }
    link.drop("the token is of another user; the previous user's positions are dropped");
  }

  // ---- live, and moving

  /** During a move: lets the old link go when the new one has taken every channel over. */
  #handOver(link) {
    if (link === this.#links.next && !link.ended && this.#links.live && link.welcome && link.owed.size === 0) this.#promote(link);
  }

  #promote(link) {
    const old = this.#links.live;
    [this.#links.live, this.#links.next, this.#retry.notBefore] = [link, null, 0];
    this.#cancel("move");
    if (old) {
      this.#links.leaving?.shut();
      this.#links.leaving = old;
      this.#quick = isStable(old) || old.way === "sse" ? 0 : this.#quick + 1;
      this.#after("leave", old.busy ? HANDOVER : 0, () => old.shut());
    }
    this.#renewal.plan();
    this.requests.use(link);
    const { heartbeatMs, ...welcome } = link.welcome;
    this.#set({ name: "live", transport: link.way, ...welcome });
    this.#trials.plan();
    if (old) this.#emit("move", { phase: "done", connection: welcome.connection });
  }

  #move(link, afterMs) {
    if (link !== this.#links.live || this.#links.next || this.#timers.has("dial") || this.#timers.has("move")) return;
    // One after another is no order but a fault, and must not become a storm.
    const wait = within(afterMs, 0, MAX_ORDER, 0) + (this.#quick ? backoff(this.#quick - 1, this.#options) : 0);
    this.#emit("move", { phase: "planned", afterMs: wait });
    this.#after("move", wait, () => this.#dial());
  }

  // ---- ends

  /** A link ended, or a dial that made none (null): decides what is left and what comes next. */
  #over(link, code, message) {
    const reason = reasonOf(link, code, message);
    if (link) this.channels.forgive(link);
    if (reason.code === "expired" && link?.token?.endsAt) { // so the pause was too long, and the server's clock is there
      this.clock.past(link.token.endsAt);
      this.#renewal.late();
    }
    if (link && link === this.#links.live) {
      this.#unlink();
      if (this.#links.next?.welcome) return this.#promote(this.#links.next);
      this.#cancel("move");
      if (this.#timers.has("dial")) { // a move that has become a reconnect
        if (onConnection(code).verdict === RENEW) this.#tokens.discard(link.token);
        return this.#set({ name: "reconnecting", retryAt: null, attempt: this.#retry.attempts, ...reason });
      }
    } else if (link === this.#links.next) {
      this.#cancel("dial");
      this.#links.next = null;
      const moved = link && this.channels.readsFrom(link);
      if (this.#links.live && !moved) return this.#comeBack(reason, link);
      // Channels that read from the new link already have no way back to the old one.
      this.#links.live?.shut();
      this.#unlink();
    } else return; // one that was moved away from
    this.#comeBack(reason, link);
  }

  #unlink() {
    this.#links.live = null;
    this.#cancel("refresh");
    this.requests.use(null);
    this.channels.disconnected();
  }

  /** Follows the verdict on the close code. With a live link it is only a move that failed. */
  #comeBack(reason, link) {
    if (this.isClosed || this.#timers.has("dial")) return; // a listener has decided otherwise
    const { verdict, action } = onConnection(reason.closeCode);
    if (verdict === FINAL) return this.#stop({ ...reason, action });
    if (verdict === RENEW) {
      this.#tokens.discard(link?.token);
      if (!this.#tokens.renewable && !this.#tokens.current) return this.#stop({ ...reason, action });
    }
    const { wait, notBefore, action: wanted } = this.#retry.after(link, reason), retryAt = Date.now() + wait;
    if (this.#links.live) {
      this.#after("move", wait, () => this.#dial());
      return this.#emit("move", { phase: "failed", retryAt });
    }
    this.#retry.notBefore = notBefore;
    this.#after("retry", wait, () => this.#dial());
    this.#set({ name: "reconnecting", retryAt, attempt: this.#retry.attempts, ...reason, ...(wanted !== undefined && { action: wanted }) });
  }

  /** Stops until a person acts, because a person has decided so: the application, or an operator with a final code. */
  #stop(reason) {
    const error = new TidewireError(reason);
    if (this.#links.live) return this.#emit("error", error); // a move was refused: the old link lives on until it is closed
    if (!this.#hangUp(error)) return;
    this.#set({ name: "refused", ...reason });
    this.#emit("error", error);
  }

  /** Ends what there is. Tells whether it stays so: a listener may have dialled anew. */
  #hangUp(error) {
    const turn = this.#cut();
    this.requests.fail(error);
    return turn === this.#dialer.turn;
  }

  #cut() {
    const turn = this.#dialer.stop();
    this.channels.save();
    this.#timers.cancelAll();
    for (const link of [this.#links.leaving, this.#links.next, this.#links.live]) {
      link?.shut();
      if (link) this.channels.forgive(link);
    }
    this.channels.askAgain();
    [this.#links.leaving, this.#links.next] = [null, null];
    this.#unlink();
    return turn;
  }

  #set(state) {
    if (this.isClosed) return;
    this.#state = Object.freeze({ ...state, since: Date.now() });
    this.#options.debug?.("state", this.#state);
    this.#emit("state", this.#state);
  }
  #after(name, ms, run) { this.#timers.after(name, ms, run); }
  #cancel(name) { this.#timers.cancel(name); }
}
