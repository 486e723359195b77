// The tabs that share one socket: the one that holds a Web Lock has it, and serves the others over a BroadcastChannel.
import { ticks } from "./clock.js";
import { Lives } from "./lives.js";
import { Mux } from "./mux.js";
import { isSeen, Sight } from "./sight.js";
import { Timers } from "./timers.js";

const QUIET = 1000, ANSWER = 2000; // how long nothing is heard from the holder before it is asked, and how long it has for the answer

export class Group {
  #options; #on; #bus; #sockets = new Map(); #timers; #over = false;
  #leader = null; #claimed = null; #mux = null; #retiring = new Set(); // muxes that were another's turn to hold the socket
  #steal = false; #queued = null; #release = null; #lives; #pings = 0; #heardAt = ticks(); #sight;
  started; // resolves when the tabs know of each other

  /**
   * `isOurs` tells whether a token is of this group. Called are: `park` when no tab is seen for long and `wake` when one is, `alone` with a socket that
   * there is no room for, `idle` when no socket is left here, and `fault`.
   */
  constructor({ name, id, options, ...on }) {
    [this.name, this.id, this.#options, this.#on] = [name, id, options, on];
    this.#timers = new Timers(on.fault);
    this.#lives = new Lives(name, { gone: (tab) => this.#gone(tab), fault: on.fault });
    this.#sight = new Sight(this.#timers, {
      holds: () => this.#mux !== null, take: (tab) => this.#post(tab, { kind: "take" }), pause: () => this.#mux?.pause(this.#isAwake), park: () => this.#park(), wake: () => this.#wake(),
    });
    this.#bus = new BroadcastChannel(name);
    this.#bus.onmessage = ({ data }) => this.#heard(data);
    this.started = this.#start();
  }

  /** Whether no socket of this tab is served. */
  get isIdle() { return this.#sockets.size === 0; }

  /** Others can tell from here on whether this tab is alive. */
  async #start() {
    await this.#lives.begin(this.id);
    if (this.#over) return;
    this.#ask();
    this.#campaign();
  }

  // ---- sockets of this tab's client

  /** Gives a link's socket a way to the server. */
  attach(socket) {
    if (this.#over) return socket.end(1006);
    this.#sockets.set(socket.id, socket);
    socket.onended = () => {
      this.#sockets.delete(socket.id);
      this.#unwatch(socket.at);
      if (this.isIdle) this.#on.idle();
    };
    if (this.#leader) this.#open(socket);
    else this.#listen();
  }

  #open(socket) {
    const at = this.#leader;
    socket.use(at, (message) => this.#post(at, message));
    this.#watch(at);
    this.#post(at, { kind: "open", socket: socket.id, token: socket.token, seen: isSeen() });
    this.#listen();
  }

  #endAt(tab, code) { for (const socket of [...this.#sockets.values()]) if (socket.at === tab) socket.end(code); }

  /** The client is closed: others may lead. */
  leave() {
    this.#over = true;
    for (const socket of [...this.#sockets.values()]) socket.close();
    this.#queued?.abort();
    this.#depose();
    this.#end();
  }

  /** The tab is about to stand still or to go: it holds nothing any more. */
  suspend() {
    this.#over = true;
    this.#queued?.abort();
    for (const mux of [this.#mux, ...this.#retiring]) mux?.shut();
    for (const socket of [...this.#sockets.values()]) {
      this.#post(socket.at, { kind: "close", socket: socket.id });
      socket.end(1006);
    }
    this.#depose();
    this.#end();
  }

  /** Lets go of everything, once nobody is served any more. */
  #end() {
    if (!this.#over || this.#retiring.size) return;
    this.#timers.cancelAll();
    this.#lives.end();
    queueMicrotask(() => this.#bus.close()); // behind what was just sent
  }

  // ---- who holds the socket

  async #campaign() {
    while (!this.#over) {
      const steals = this.#steal;
      [this.#steal, this.#queued] = [false, new AbortController()];
      try {
        await navigator.locks.request(this.name, steals ? { steal: true } : { signal: this.#queued.signal }, () => this.#lead());
      } catch (error) {
        if (error?.name !== "AbortError") return this.#on.fault(error);
      }
      this.#depose();
    }
  }

  /** This tab holds the socket until what is returned resolves. */
  #lead() {
    if (this.#over) return undefined;
    const mux = new Mux({
      options: this.#options, isOurs: this.#on.isOurs, fault: this.#on.fault, post: (tabs, message) => this.#post(tabs, message), left: (tab) => this.#unwatch(tab),
      empty: () => {
        this.#retiring.delete(mux);
        this.#end();
      },
    });
    [this.#mux, this.#steal] = [mux, false];
    const unheard = this.#leader !== null && this.#pings > 1 ? this.#leader : undefined;
    this.#post(null, { kind: "leads", seen: isSeen(), instead: unheard });
    this.#led(this.id, unheard);
    for (const tab of this.#sight.tabs) this.#watch(tab);
    this.#sight.begin();
    return new Promise((release) => { this.#release = release; });
  }

  /** Another tab holds the socket now, or this one is to give it up. */
  #depose() {
    this.#release?.();
    this.#release = null;
    const mux = this.#mux;
    if (!mux) return;
    this.#mux = null;
    this.#sight.end();
    const claimed = this.#claimed;
    [this.#leader, this.#claimed] = [null, null];
    this.#retiring.add(mux);
    this.#post(null, { kind: "leaves" });
    if (claimed) this.#led(claimed);
    else this.#ask();
    mux.retire();
  }

  #ask() { // who holds the socket
    if (this.#over) return;
    this.#post(null, { kind: "who", seen: isSeen() });
    this.#listen();
  }

  /** A tab holds the socket: this one, or another that says so. `instead` is one that did not answer. */
  #led(tab, instead) {
    [this.#leader, this.#pings] = [tab, 0];
    if (instead) this.#endAt(instead, 1006);
    for (const socket of [...this.#sockets.values()]) if (socket.at === null) this.#open(socket);
    this.#listen();
  }

  /** Another tab holds the socket because this one has not answered: nobody listens to it any more. */
  #unheard() {
    for (const mux of this.#muxes) mux.shut();
    this.#endAt(this.id, 1006);
  }

  #left(tab) {
    if (this.#leader !== tab) return;
    this.#leader = null;
    this.#ask();
  }

  #take() {
    if (this.#mux || this.#over) return;
    this.#steal = true;
    this.#queued?.abort();
  }

  // ---- whether tabs are alive, as their locks say

  #watch(tab) { if (tab !== this.id) this.#lives.watch(tab); }
  #unwatch(tab) {
    if (tab === null || tab === this.#leader || this.#mux && this.#sight.has(tab) || [...this.#sockets.values()].some(({ at }) => at === tab) || this.#muxes.some((mux) => mux.serves(tab))) return;
    this.#lives.unwatch(tab);
  }

  get #muxes() { return [this.#mux, ...this.#retiring].filter(Boolean); }
  #gone(tab) {
    this.#sight.forget(tab);
    this.#left(tab);
    for (const mux of this.#muxes) mux.gone(tab);
    this.#endAt(tab, 1006);
    this.#sight.look();
  }

  /** A tab that is seen asks the holder for a sign of life when there is none. */
  #listen() {
    this.#timers.cancel("listen");
    if (!isSeen() || this.#over || this.#leader === this.id || this.#sockets.size === 0) return;
    if (this.#leader === null) return this.#timers.after("listen", ANSWER, () => this.#take()); // whoever has the lock says nothing
    const quiet = ticks() - this.#heardAt, patience = this.#pings ? ANSWER : QUIET;
    this.#timers.after("listen", Math.max(1, patience - (this.#pings ? 0 : quiet)), () => {
      if (!this.#pings && ticks() - this.#heardAt < QUIET) return this.#listen();
      if (this.#pings++ > 0) return this.#take();
      this.#post(this.#leader, { kind: "ping" });
      this.#listen();
    });
  }

  // ---- who sees what

  shown() { // or hidden
    if (this.#over) return;
    this.#post(null, { kind: "seen", seen: isSeen() });
    [this.#pings, this.#heardAt] = [0, ticks()];
    this.#listen();
    this.#sight.look();
    if (isSeen()) this.#on.wake();
  }

  get #isAwake() { return this.#options.share.isAwake; }
  #wake() {
    this.#mux.pause(null);
    this.#post(null, { kind: "wake" });
    this.#on.wake();
  }

  #park() {
    if (this.#mux?.channels.some(this.#isAwake)) return; // something has to come
    this.#post(null, { kind: "park" });
    this.#on.park();
  }

  // ---- messages between tabs

  /** Sends to tabs; null is all of the others. What is for this one is delivered behind what is being done. */
  #post(to, message) {
    const tabs = to === null || Array.isArray(to) ? to : [to];
    if (tabs?.length === 0) return;
    if (tabs?.includes(this.id)) queueMicrotask(() => this.#message(this.id, message));
    if (!tabs?.every((tab) => tab === this.id)) this.#bus.postMessage({ from: this.id, to: tabs, ...message });
  }

  #heard({ from, to, ...message }) {
    if (this.#over && this.#retiring.size === 0 || to && !to.includes(this.id)) return;
    if (from === this.#leader) [this.#heardAt, this.#pings] = [ticks(), 0];
    this.#message(from, message);
  }

  #message(from, message) {
    const { kind, socket: id } = message, socket = this.#sockets.get(id);
    switch (kind) {
      case "frame": return this.#frames(from, message);
      case "opened": return socket?.at === from ? socket.opened() : undefined;
      case "closed": return socket?.at === from ? socket.end(message.code, message.reason, message.spoken) : undefined;
      case "alone": return this.#on.alone(socket);
      case "open": return this.#opens(from, message);
      case "text": for (const mux of this.#muxes) mux.take(id, message.text); return;
      case "close": for (const mux of this.#muxes) mux.close(id); return;
      case "confirm": for (const mux of this.#muxes) mux.confirm(id, message); return;
      case "leads":
        this.#note(from, message.seen);
        this.#post(from, { kind: "seen", seen: isSeen() });
        if (message.instead === this.id) this.#unheard();
        if (this.#mux) this.#claimed = from; // the lock will tell whether it is so
        else this.#led(from, message.instead);
        return;
      case "leaves": return this.#left(from);
      case "who": this.#note(from, message.seen); if (this.#mux) this.#post(from, { kind: "leads", seen: isSeen() }); return;
      case "seen": return this.#note(from, message.seen);
      case "take": return isSeen() ? this.#take() : undefined;
      case "ping": return this.#post(from, { kind: "pong" });
      case "park": return isSeen() ? this.#post(from, { kind: "seen", seen: true }) : this.#on.park();
      case "wake": return this.#on.wake();
    }
  }

  #frames(from, { sockets, frame, size }) {
    for (const [id, count, sub] of sockets) {
      const socket = this.#sockets.get(id);
      if (socket?.at === from) socket.receive(count, sub === undefined ? { ...frame } : { ...frame, sub }, size);
    }
  }

  #opens(from, { socket, token, seen }) {
    if (!this.#mux) return this.#post(from, { kind: "closed", socket, code: 1006, reason: "" });
    if (from !== this.id) this.#watch(from);
    this.#mux.open(from, socket, token);
    this.#note(from, seen);
  }

  #note(tab, seen) {
    if (tab === this.id || !this.#sight.note(tab, seen)) return;
    if (this.#mux) this.#watch(tab);
    this.#sight.look();
  }
}
