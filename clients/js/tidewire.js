// The client of Tidewire for browsers and Node, protocol tidewire.v1.json.
//
//   Tidewire          what a page holds: the state, the channels, the requests; decides when to dial
//     Link            one socket; during a move there are two
//     Feed            one channel: its newest position, the IDs lately seen, the link it reads from
//       Subscription  one reader of a feed: a callback or an async iterator
//     Watch           one channel's presence
//     Clock           how far the server's clock is away, and how long messages take

const PROTOCOL = "tidewire.v1.json";
const NOW = "retry now", LATER = "retry later", TOKEN = "get a new token first", STOP = "stop";
const MAX_TIMER = 2 ** 31 - 1; // setTimeout fires at once beyond this
const STABLE = 5_000; // a link that lived this long starts the backoff anew
const QUIET = 300; // a replay is over when nothing older has come for this long
const RESUME_WITHIN = 10_000; // and at the latest after this, should the clocks deceive
const HANDOVER = 5_000; // how long a link that was moved away from may still answer requests
const MAX_REJECTIONS = 3; // tokens in a row
const FIRST_ID = 0; // of the connect frame; requests count from 1
const MAX_STORED = 256; // channels
const FIRST_FRAME = 32 << 10; // characters of subscriptions; what is more follows the welcome

/** Every close code: the word for it, what this client does, and what is left to a person. */
export const closeCodes = Object.freeze({
  1000: { code: "closed", advice: LATER, action: "" },
  1001: { code: "closed", advice: LATER, action: "" },
  1002: { code: "bad-request", advice: STOP, action: "Update this page: it broke the WebSocket protocol." },
  1003: { code: "bad-request", advice: STOP, action: "Update this page: it sent a binary message." },
  1006: { code: "unreachable", advice: NOW, action: "" },
  1007: { code: "bad-request", advice: STOP, action: "Update this page: it sent text that is not UTF-8." },
  1011: { code: "internal", advice: LATER, action: "" },
  1012: { code: "draining", advice: LATER, action: "" },
  1013: { code: "unavailable", advice: LATER, action: "" },
  4400: { code: "bad-request", advice: STOP, action: "Update this page: the server did not understand it." },
  4401: { code: "unauthorized", advice: TOKEN, action: "Sign in again." },
  4403: { code: "forbidden", advice: STOP, action: "Ask for access: this user or tenant may not connect." },
  4408: { code: "timeout", advice: NOW, action: "" },
  4409: { code: "replaced", advice: STOP, action: "Another connection took this one's place. Reload to take it back." },
  4413: { code: "too-large", advice: STOP, action: "Send less at once: a frame was over the limit." },
  4429: { code: "limited", advice: LATER, action: "" },
  4503: { code: "too-slow", advice: NOW, action: "" },
});

/** An error with one of the protocol's codes. */
export class TidewireError extends Error {
  constructor({ code, message, channel, limit, retryAfterMs, lost = false }) {
    super(message || code);
    this.name = "TidewireError";
    Object.assign(this, { code, channel, limit, retryAfterMs, lost });
  }
}

/** Splits "<ms>-<id>" at its first "-"; the id may hold more of them, and is empty for a moment. */
export function parsePosition(position) {
  const cut = position.indexOf("-");
  return { time: Number(position.slice(0, cut)), id: position.slice(cut + 1) };
}

const timeOf = (position) => (position ? parsePosition(position).time : 0);

const lost = () => new TidewireError({
  code: "unavailable", message: "the connection was lost before the answer; it may or may not have been done", lost: true,
});

/** Runs a callback of the page; what it throws is the page's, and must not stop the client. */
function guarded(run, ...args) {
  try {
    run?.(...args);
  } catch (error) {
    queueMicrotask(() => { throw error; });
  }
}

/** Makes an idempotency key. Not randomUUID, which pages on plain HTTP do not have. */
function newID() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The smallest value of the last one or two periods. */
class Minimum {
  #period; #turned = 0; #old = Infinity; #young = Infinity;
  constructor(periodMs) { this.#period = periodMs; }
  add(value, now) {
    if (now - this.#turned > this.#period) [this.#old, this.#young, this.#turned] = [this.#young, Infinity, now];
    if (value < this.#young) this.#young = value;
  }
  get value() { return Math.min(this.#old, this.#young); }
}

/** The last IDs of a channel: at least `size` of them, at most twice as many. */
class Recent {
  #size; #old = new Set(); #young = new Set();
  constructor(size) { this.#size = size; }
  /** Remembers an ID and tells whether it was there already. */
  seen(id) {
    if (this.#young.has(id) || this.#old.has(id)) return true;
    if (this.#young.size >= this.#size) [this.#old, this.#young] = [this.#young, new Set()];
    this.#young.add(id);
    return false;
  }
}

/**
 * Compares the clocks. A message cannot arrive before it was sent, so the smallest
 * (arrival - publish time) lately seen is the offset plus the quickest way here, which is taken
 * to be half the quickest round trip.
 */
class Clock {
  #arrival = new Minimum(300_000); #trip = new Minimum(300_000); #samples = 0;
  #delays = new Float64Array(512); #count = 0; #last = null;

  heard(serverTime, now) {
    this.#arrival.add(now - serverTime, now);
    this.#samples++;
  }

  roundTrip(ms, now) { this.#trip.add(ms, now); }

  get reading() {
    const trip = this.#trip.value, known = Number.isFinite(this.#arrival.value);
    return {
      offsetMs: known ? this.#arrival.value - (Number.isFinite(trip) ? trip / 2 : 0) : 0,
      uncertaintyMs: known && Number.isFinite(trip) ? Math.max(1, trip / 2) : null, // clocks tick in milliseconds
      sure: this.#samples >= 8 && Number.isFinite(trip),
    };
  }

  /** The publish time of what would arrive now at the earliest. */
  get edge() { return Date.now() - (Number.isFinite(this.#arrival.value) ? this.#arrival.value : 0); }

  get serverNow() { return Date.now() - this.reading.offsetMs; }

  delay(serverTime, now) { return Math.max(0, now - serverTime - this.reading.offsetMs); }

  record(ms) { this.#delays[this.#count++ % this.#delays.length] = this.#last = ms; }

  get latency() {
    const sorted = this.#delays.slice(0, this.#count).sort();
    const at = (share) => (sorted.length ? sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] : null);
    const { uncertaintyMs, sure } = this.reading;
    return { lastMs: this.#last, p50Ms: at(0.5), p99Ms: at(0.99), count: sorted.length, uncertaintyMs, sure };
  }
}

/** One socket: answers find their requests here, everything else goes to `on`. */
class Link {
  asked = new Set(); // feeds and watches it was asked for
  owed = new Set(); // those not granted yet
  first = new Map(); // channel -> feed: asked for in the first frame, whose answers have no id
  welcome = null;
  failure = null; // the error frame that came without id and channel: why it is about to close
  ended = false;
  liveAt = 0;
  resumed = null; // what a reconnect brought: {caughtUp, gaps, at}
  #socket; #on; #pending = new Map(); #nextID = 1; #heard = Date.now(); #silent = false; #timer;
  #backlog = []; #budget = Infinity; #paced = 0; #pacer;

  constructor(socket, on) {
    this.#socket = socket;
    this.#on = on;
    socket.onopen = () => this.ended || on.open(this);
    socket.onmessage = (event) => this.ended || this.#receive(event.data);
    socket.onclose = (event) => this.#end(event.code, event.reason);
    // Some runtimes report a connection that could not be made by an error alone.
    socket.onerror = () => setTimeout(() => this.#end(1006, ""), 100);
  }

  send(frame) { this.#socket.send(JSON.stringify(frame)); }

  /** Sends at the pace the server allows. The backlog is bounded by the channels and by maxPending. */
  #pace(text) {
    if (text) this.#backlog.push(text);
    const now = Date.now(), rate = this.welcome?.limits?.framesPerSecond || 50;
    this.#budget = Math.min(rate, this.#budget + ((now - this.#paced) * rate) / 1000);
    this.#paced = now;
    while (this.#backlog.length && this.#budget >= 1) {
      this.#budget--;
      this.#socket.send(this.#backlog.shift());
    }
    clearTimeout(this.#pacer);
    if (this.#backlog.length) this.#pacer = setTimeout(() => this.#pace(), 1000 / rate);
  }

  /**
   * Sends a frame with an id and calls one of the two with its answer: at once, because the next frame,
   * which may come before any promise has run, is read in the light of this one.
   */
  ask(frame, resolve, reject, timeoutMs) {
    if (this.ended) return reject(lost());
    const id = this.#nextID++, text = JSON.stringify({ id, ...frame });
    const limit = this.welcome?.limits?.messageBytes ?? Infinity;
    if (text.length * 3 > limit && new TextEncoder().encode(text).length > limit) {
      return reject(new TidewireError({ code: "too-large", limit: "messageBytes", message: `a frame may have ${limit} bytes; send less` }));
    }
    const timer = timeoutMs && setTimeout(() => {
      this.#pending.delete(id);
      reject(new TidewireError({ code: "timeout", message: `no answer to ${frame.type} in ${timeoutMs} ms`, lost: true }));
    }, timeoutMs);
    this.#pending.set(id, { resolve, reject, timer });
    this.#pace(text);
  }

  request(frame, timeoutMs) {
    return new Promise((resolve, reject) => this.ask(frame, resolve, reject, timeoutMs));
  }

  get busy() { return this.#pending.size > 0; }

  /** Begins to ask for signs of life, and drops the socket when there are none. */
  watch(heartbeatMs) {
    clearInterval(this.#timer);
    this.#timer = setInterval(() => {
      if (Date.now() - this.#heard > 2.5 * heartbeatMs) this.drop();
      else this.ping(heartbeatMs);
    }, heartbeatMs / 2);
    this.ping(heartbeatMs);
  }

  ping(timeoutMs) {
    const sent = Date.now();
    this.ask({ type: "ping" }, () => this.#on.roundTrip(Date.now() - sent), () => {}, timeoutMs); // silence is watch's to judge
  }

  /** Pings, and drops the socket unless something comes soon: after sleep or a change of network. */
  probe(withinMs) {
    this.#silent = true;
    this.ping(withinMs);
    setTimeout(() => { if (this.#silent) this.drop(); }, withinMs);
  }

  /** Gives the socket up as dead. */
  drop() {
    this.#socket.close();
    this.#end(1006, "");
  }

  /** Ends the socket because we want to; nobody is told but those who wait for answers. */
  shut() {
    this.#finish();
    this.#socket.close(1000);
  }

  #receive(data) {
    [this.#heard, this.#silent] = [Date.now(), false];
    let frame = null;
    try {
      frame = JSON.parse(data);
    } catch { /* the next line's case */ }
    if (typeof frame?.type !== "string") return this.drop(); // not our protocol; the backoff keeps it from being a storm
    const request = this.#pending.get(frame.id);
    if (!request) return this.#on.frame(this, frame);
    this.#pending.delete(frame.id);
    clearTimeout(request.timer);
    if (frame.type === "error") request.reject(new TidewireError(frame));
    else request.resolve(frame);
  }

  #end(code, reason) {
    if (this.ended) return;
    this.#finish();
    this.#on.closed(this, code, reason);
  }

  #finish() {
    this.ended = true;
    clearInterval(this.#timer);
    clearTimeout(this.#pacer);
    this.#backlog = [];
    for (const { reject, timer } of this.#pending.values()) {
      clearTimeout(timer);
      reject(lost());
    }
    this.#pending.clear();
  }
}

/** One channel. `position` is the newest one received, `asOf` the moment up to which silence is vouched for. */
class Feed {
  readers = new Map(); // Subscription -> {deliver, finish, stored}
  link = null; // messages from any other are repetitions
  attempt = 0; retryAt = 0; ended = false;
  floor = 0; // after a change of link: older messages are repetitions
  edge = 0; // after a resume: messages up to this publish time were missed ones
  state = Object.freeze({ name: "pending", resumed: false, gap: false, caughtUp: 0 });

  constructor(channel, { position, asOf }, remember) {
    Object.assign(this, { channel, position, asOf });
    this.recent = new Recent(remember);
    this.ready = new Promise((resolve, reject) => Object.assign(this, { resolve, reject }));
    this.ready.catch(() => {}); // who does not wait for it learns it from the error event
  }

  get request() { return { type: "subscribe", channel: this.channel, since: this.position, asOf: this.asOf }; }

  deliver(item) { for (const reader of [...this.readers.values()]) reader.deliver(item); }

  /** What may be kept beyond this page: no reader still has it before him. */
  get stored() {
    let stored = this.position;
    for (const reader of this.readers.values()) if (timeOf(reader.stored) < timeOf(stored)) stored = reader.stored;
    const behind = [...this.readers.values()].some((reader) => reader.waiting);
    return stored && [stored, behind ? undefined : this.asOf];
  }
}

/** One reader of a channel. Without a callback it is an async iterator with a bounded queue. */
class Subscription {
  #feed; #leave; #queue = new Map(); #serial = 0; #waiters = []; #handed; #dropped = 0; #done = null;
  #onMessage; #onGap; #onDropped; #buffer; #overflow;

  constructor(feed, leave, onMessage, { onGap, onDropped, buffer = 1000, overflow = "drop-oldest" }) {
    if (overflow !== "drop-oldest" && overflow !== "conflate") throw new TypeError(`overflow: ${overflow} is not drop-oldest or conflate`);
    if (!(buffer >= 1)) throw new TypeError("buffer: must be at least 1");
    this.#feed = feed;
    this.#leave = leave;
    [this.#onMessage, this.#onGap, this.#onDropped, this.#buffer, this.#overflow] = [onMessage, onGap, onDropped, buffer, overflow];
    const subscription = this;
    feed.readers.set(this, {
      deliver: (item) => this.#deliver(item),
      finish: (error) => this.#finish(error),
      get waiting() { return subscription.#queue.size > 0; },
      get stored() { return subscription.position; },
    });
  }

  get channel() { return this.#feed.channel; }
  get state() { return this.#done ? Object.freeze({ ...this.#feed.state, name: this.#done.error ? "refused" : "closed" }) : this.#feed.state; }
  get ready() { return this.#feed.ready.then(() => this); }
  get position() { return this.#queue.size ? this.#handed : this.#feed.position; }

  unsubscribe() { if (!this.#done) this.#leave(this); }

  [Symbol.asyncIterator]() {
    if (this.#onMessage) throw new TypeError("this subscription has a callback; subscribe without one to iterate");
    return this;
  }

  async next() {
    for (const [key, value] of this.#queue) {
      if (this.#dropped) {
        const count = this.#dropped;
        this.#dropped = 0;
        return { done: false, value: { type: "dropped", channel: this.channel, count, by: "reader" } };
      }
      this.#queue.delete(key);
      this.#handed = value.position ?? this.#handed;
      return { done: false, value };
    }
    if (this.#done?.error) throw this.#done.error;
    if (this.#done) return { done: true, value: undefined };
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }

  async return(value) {
    this.unsubscribe();
    this.#queue.clear();
    return { done: true, value };
  }

  #deliver(item) {
    if (this.#onMessage) {
      return guarded({ message: this.#onMessage, gap: this.#onGap, dropped: this.#onDropped }[item.type], item);
    }
    if (this.#waiters.length) return this.#waiters.shift().resolve({ done: false, value: item });
    if (this.#queue.size === 0) this.#handed = this.#feed.position;
    const key = this.#overflow === "conflate" && item.key ? item.key : ++this.#serial;
    this.#queue.delete(key);
    if (this.#queue.size >= this.#buffer) {
      this.#queue.delete(this.#queue.keys().next().value);
      this.#dropped++;
    }
    this.#queue.set(key, item);
  }

  #finish(error) {
    this.#done = { error };
    for (const { resolve, reject } of this.#waiters.splice(0)) {
      if (error) reject(error);
      else resolve({ done: true, value: undefined });
    }
  }
}

/** Who is on a channel. */
class Watch {
  callbacks = new Set(); members = new Map(); count = 0; known = false;
  link = null; attempt = 0; retryAt = 0; ended = false;

  constructor(channel) { this.channel = channel; }

  get request() { return { type: "presence", channel: this.channel, watch: true }; }

  update({ members, joined = [], left = [], count }) {
    if (members) this.members = new Map(members.map((member) => [member.user, member]));
    for (const member of joined) this.members.set(member.user, member);
    for (const member of left) this.members.delete(member.user);
    this.count = count ?? this.members.size;
    this.known = true;
    for (const callback of [...this.callbacks]) guarded(callback, this.view(joined, left));
  }

  view(joined = [], left = []) { return { channel: this.channel, members: [...this.members.values()], joined, left, count: this.count }; }
}

/** A connection that comes back. Starts at once; see README.md for options and events. */
export class Tidewire {
  #options; #url; #state = Object.freeze({ name: "connecting", since: Date.now() });
  #listeners = new Map(); #timers = new Map(); #clock = new Clock();
  #feeds = new Map(); #watches = new Map(); #saved = new Map();
  #link = null; // the one that is live
  #directs = new Recent(1000); // IDs of events that belong to no channel
  #next = null; // the one being opened; during a move beside a live one
  #leaving = null; // the one moved away from, which may still answer requests
  #turn = 0; // of dialling: what an earlier turn brings is stale
  #attempt = 0; #notBefore = 0;
  #token; #expiresAt = 0; #rejected; #rejections = 0;
  #busy = 0; #waiting = new Set(); // requests that wait for a link

  constructor(url, options = {}) {
    const given = typeof url === "object" && !(url instanceof URL) ? url : { ...options, url };
    const set = Object.entries(given).filter(([, value]) => value !== undefined);
    const o = this.#options = {
      tokenIn: "frame", WebSocket: globalThis.WebSocket, backoffMs: 500, backoffCapMs: 30_000, connectTimeoutMs: 15_000,
      requestTimeoutMs: 30_000, maxPending: 256, remember: 1000, ...Object.fromEntries(set),
    };
    if (!o.WebSocket) throw new TypeError("WebSocket: this runtime has none; give a constructor as an option");
    this.#url = new URL(o.url, globalThis.location?.href);
    this.#url.protocol = this.#url.protocol.replace(/^http/, "ws");
    if (this.#url.pathname === "/") this.#url.pathname = "/v1/socket";
    o.storageKey ??= `tidewire:${this.#url}`;
    globalThis.addEventListener?.("online", this.#wake);
    globalThis.addEventListener?.("pagehide", this.#save);
    globalThis.document?.addEventListener("visibilitychange", this.#wake);
    queueMicrotask(() => { // listeners and subscriptions made right after this are in time
      this.#load();
      if (this.#state.name !== "closed") this.#dial();
    });
  }

  get state() { return this.#state; }
  get clock() { return this.#clock.reading; }
  get latency() { return this.#clock.latency; }

  /** Adds a listener and returns a function that removes it. */
  on(type, listener) {
    if (!this.#listeners.has(type)) this.#listeners.set(type, new Set());
    this.#listeners.get(type).add(listener);
    return () => this.#listeners.get(type).delete(listener);
  }

  subscribe(channel, onMessage, options) {
    if (typeof onMessage !== "function") [onMessage, options] = [undefined, onMessage];
    this.#checkOpen();
    let feed = this.#feeds.get(channel);
    const isNew = !feed;
    if (isNew) feed = new Feed(channel, { position: options?.since }, this.#options.remember);
    const subscription = new Subscription(feed, (reader) => this.#leave(feed, reader), onMessage, options ?? {});
    if (isNew) {
      this.#restore(feed);
      this.#feeds.set(channel, feed);
      if (this.#speaker) this.#ask(feed, this.#speaker);
    }
    return subscription;
  }

  /** Ends every subscription of the channel. */
  unsubscribe(channel) {
    const feed = this.#feeds.get(channel);
    for (const reader of [...(feed?.readers.keys() ?? [])]) reader.unsubscribe();
  }

  /** Publishes; with `wait` also across reconnects, once, because the server drops a repeated `event`. */
  async publish(channel, data, { key, tags, event, wait = false, timeoutMs } = {}) {
    if (wait) event ??= newID();
    const answer = await this.#request({ type: "publish", channel, data, key, tags, event }, wait, timeoutMs, true);
    return { event: answer.event };
  }

  /** Asks a route of the server; with `wait` it waits for a connection, but is never sent twice. */
  async call(route, data, { wait = false, timeoutMs } = {}) {
    return (await this.#request({ type: "call", route, data }, wait, timeoutMs, false)).data;
  }

  /** Watches who is on a channel; returns a function that stops it. */
  presence(channel, callback) {
    this.#checkOpen();
    let watch = this.#watches.get(channel);
    if (!watch) {
      this.#watches.set(channel, watch = new Watch(channel));
      if (this.#speaker) this.#ask(watch, this.#speaker);
    }
    const entry = (view) => callback(view);
    watch.callbacks.add(entry);
    if (watch.known) queueMicrotask(() => watch.callbacks.has(entry) && guarded(entry, watch.view()));
    return () => {
      if (!watch.callbacks.delete(entry) || watch.callbacks.size) return;
      this.#forget(this.#watches, watch, { type: "presence", channel, watch: false });
    };
  }

  /** Renews the token now, with the one given or the provider's. */
  async refresh(token) {
    this.#checkOpen();
    const link = this.#link, source = this.#options.token;
    if (token !== undefined && typeof source !== "function") this.#options.token = token;
    if (token === undefined && link) token = typeof source === "function" ? await source({ rejected: false }) : source;
    this.#token = token; // also for the next connection, should this one be lost now
    if (!link) {
      this.#expiresAt = 0;
      return this.reconnect();
    }
    const { expiresAt } = await link.request({ type: "refresh", token }, this.#options.requestTimeoutMs);
    this.#expiresAt = expiresAt;
    if (link === this.#link) this.#set({ ...this.#state, expiresAt });
    this.#planRefresh();
  }

  /** Tries now instead of at the planned moment, also after a refusal. */
  reconnect() {
    this.#checkOpen();
    if (this.#link || this.#timers.has("dial")) return;
    [this.#attempt, this.#rejected, this.#rejections] = [0, undefined, 0];
    this.#dial();
  }

  /** Ends everything; positions are kept in the storage, if there is one. */
  close() {
    if (this.#state.name === "closed") return;
    this.#hangUp(new TidewireError({ code: "closed", message: "the client was closed" }));
    this.#set({ name: "closed" });
    for (const standing of this.#standing) this.#finish(standing);
    globalThis.removeEventListener?.("online", this.#wake);
    globalThis.removeEventListener?.("pagehide", this.#save);
    globalThis.document?.removeEventListener("visibilitychange", this.#wake);
  }

  // ---- dialling

  async #dial() {
    const turn = ++this.#turn;
    this.#cancel("retry");
    if (!this.#link) {
      const { name, attempt, code, message } = this.#state;
      this.#set(name === "reconnecting" ? { name, attempt, code, message, retryAt: null } : { name: "connecting" });
    }
    this.#after("dial", this.#options.connectTimeoutMs, () => {
      this.#turn++;
      const late = this.#next;
      late?.shut();
      this.#over(late, 4408, { message: "no welcome in time" });
    });
    try {
      const token = await this.#credentials();
      if (turn !== this.#turn) return;
      const { WebSocket, tokenIn } = this.#options;
      const inHandshake = tokenIn === "subprotocol" && token;
      this.#next = new Link(new WebSocket(this.#url.href, inHandshake ? [PROTOCOL, `bearer.${token}`] : [PROTOCOL]), {
        open: (link) => this.#opened(link, inHandshake ? undefined : token),
        frame: (link, frame) => this.#frame(link, frame),
        closed: (link, code, reason) => this.#over(link, code, { message: reason }),
        roundTrip: (ms) => this.#clock.roundTrip(ms, Date.now()),
      });
    } catch (error) {
      if (turn !== this.#turn) return;
      if (!(error instanceof TidewireError)) this.#emit("error", error);
      this.#over(null, error instanceof TidewireError ? 4401 : 1011, { message: error.message });
    }
  }

  /** The token to use: the one in hand while it is good, else the provider's. */
  async #credentials() {
    const source = this.#options.token;
    const good = this.#token && this.#token !== this.#rejected && !(this.#expiresAt && this.#expiresAt - this.#clock.serverNow < 30_000);
    if (!good) this.#token = typeof source === "function" ? await source({ rejected: this.#rejected !== undefined }) : source;
    if (source !== undefined && (!this.#token || this.#token === this.#rejected)) {
      this.#rejected = this.#token;
      this.#rejections = Infinity; // there is nothing else to try
      throw new TidewireError({ code: "unauthorized", message: this.#token ? "the token was refused" : "there is no token" });
    }
    return this.#token;
  }

  /** Sends the first frame: the token and where each channel stands. */
  #opened(link, token) {
    const subscriptions = [];
    const feeds = [...this.#feeds.values()].filter((feed) => feed.retryAt <= Date.now());
    // asOf speaks for all of the frame, so a feed that has another one asks by itself.
    const asOf = feeds.reduce((newest, feed) => (feed.asOf > (newest ?? 0) ? feed.asOf : newest), undefined);
    let room = FIRST_FRAME;
    for (const feed of feeds) {
      const { type, asOf: own, ...subscription } = feed.request;
      room -= 60 + feed.channel.length + (feed.position?.length ?? 0);
      if (room < 0) break;
      if (feed.position && own !== asOf) continue;
      subscriptions.push(subscription);
      link.first.set(feed.channel, feed);
      this.#expect(feed, link);
    }
    link.send({ id: FIRST_ID, type: "connect", token, asOf, subscriptions });
  }

  #welcomed(link, welcome) {
    if (link.welcome) return;
    this.#cancel("dial");
    link.welcome = welcome;
    link.liveAt = Date.now();
    link.watch(welcome.heartbeatMs ?? 25_000);
    [this.#rejected, this.#rejections, this.#expiresAt] = [undefined, 0, welcome.expiresAt ?? 0];
    const moving = this.#link !== null;
    for (const standing of this.#standing) {
      if (!link.asked.has(standing) && standing.retryAt <= Date.now()) this.#ask(standing, link);
    }
    if (!moving && link.resumed) this.#after("resumed", QUIET, () => this.#tellResumed(link));
    if (moving) link.resumed = null; // nothing was interrupted
    if (!moving) this.#promote(link);
    else this.#handOver(link);
  }

  /** The feeds and watches: each new link is asked for them. */
  get #standing() { return [...this.#feeds.values(), ...this.#watches.values()]; }

  /** The link that new requests for channels go to. */
  get #speaker() { return this.#next?.welcome ? this.#next : this.#link; }

  /** During a move: lets the old link go when the new one has taken every channel over. */
  #handOver(link) {
    if (link === this.#next && this.#link && link.welcome && link.owed.size === 0) this.#promote(link);
  }

  #promote(link) {
    const old = this.#link;
    [this.#link, this.#next, this.#notBefore] = [link, null, 0];
    this.#cancel("move");
    const { connection, user, tenant, instance, expiresAt, limits } = link.welcome;
    this.#set({ name: "live", connection, user, tenant, instance, expiresAt, limits });
    if (old) {
      this.#emit("move", { phase: "done", connection });
      this.#leaving?.shut();
      this.#leaving = old;
      this.#after("leave", old.busy ? HANDOVER : 0, () => old.shut());
    }
    this.#planRefresh();
    for (const { resolve } of this.#waiting) resolve(link);
    this.#waiting.clear();
  }

  /** A link ended, or a dial that made none (null): decides what is left and what comes next. */
  #over(link, code, why) {
    const failure = link?.failure;
    const reason = {
      code: failure?.code ?? closeCodes[code]?.code ?? "internal", message: failure?.message || why.message || "",
      closeCode: code, retryAfterMs: failure?.retryAfterMs,
    };
    if (link && link === this.#link) {
      this.#unlink();
      if (this.#next?.welcome) return this.#promote(this.#next);
      this.#cancel("move");
      if (this.#timers.has("dial")) return this.#set({ name: "reconnecting", retryAt: null, attempt: this.#attempt, ...reason });
    } else if (link === this.#next) {
      this.#cancel("dial");
      this.#next = null;
      const moved = link && this.#standing.some((standing) => standing.link === link);
      if (this.#link && !moved) return this.#comeBack(reason, false);
      // Channels that read from the new link already have no way back to the old one.
      this.#link?.shut();
      this.#unlink();
    } else return; // one that was moved away from
    this.#comeBack(reason, link?.liveAt > 0 && Date.now() - link.liveAt >= STABLE);
  }

  #unlink() {
    this.#link = null;
    this.#cancel("refresh");
    for (const feed of this.#feeds.values()) {
      if (feed.link?.ended && feed.state.name === "live") this.#become(feed, { ...feed.state, name: "pending" });
    }
  }

  /** Follows the advice of the close code. With a live link it is only a move that failed. */
  #comeBack(reason, stable) {
    const { advice, action } = closeCodes[reason.closeCode] ?? closeCodes[1011];
    if (advice === TOKEN) {
      this.#rejected = this.#token ?? this.#rejected;
      this.#token = undefined;
    }
    const hopeless = advice === TOKEN && (typeof this.#options.token !== "function" || ++this.#rejections >= MAX_REJECTIONS);
    if (advice === STOP || hopeless) {
      if (this.#link) return this.#emit("error", new TidewireError(reason)); // the old link lives on until it is closed
      return this.#refuse({ ...reason, action: action || closeCodes[4401].action });
    }
    if (stable) this.#attempt = 0;
    const jitter = Math.random() * Math.min(this.#options.backoffCapMs, this.#options.backoffMs * 2 ** this.#attempt++);
    const ordered = reason.retryAfterMs ?? (advice === LATER ? 1000 : 0);
    const retryAt = Date.now() + ordered + jitter;
    if (this.#link) {
      this.#emit("move", { phase: "failed", retryAt });
      return this.#after("move", ordered + jitter, () => this.#dial());
    }
    this.#notBefore = reason.retryAfterMs ? Date.now() + reason.retryAfterMs : 0;
    this.#set({ name: "reconnecting", retryAt, attempt: this.#attempt, ...reason });
    this.#after("retry", ordered + jitter, () => this.#dial());
  }

  #refuse(reason) {
    const error = new TidewireError(reason);
    this.#hangUp(error);
    this.#set({ name: "refused", ...reason });
    this.#emit("error", error);
  }

  #hangUp(error) {
    this.#turn++;
    this.#save();
    for (const name of [...this.#timers.keys()]) if (typeof name === "string") this.#cancel(name);
    for (const link of [this.#leaving, this.#next, this.#link]) link?.shut();
    [this.#leaving, this.#next, this.#link] = [null, null, null];
    for (const { reject } of this.#waiting) reject(error);
    this.#waiting.clear();
  }

  /** The page is shown again, or the network is back: sockets may have died unseen, and waiting is over. */
  #wake = () => {
    if (globalThis.document?.visibilityState === "hidden") return this.#save();
    if (this.#link) this.#link.probe(5_000);
    else if (this.#timers.has("retry")) this.#after("retry", Math.max(0, this.#notBefore - Date.now()), () => this.#dial());
  };

  // ---- frames

  #frame(link, frame) {
    switch (frame.type) {
      case "message": return this.#message(link, frame);
      case "welcome": return this.#welcomed(link, frame);
      case "direct": // both links of a move may bring it
        if (!this.#directs.seen(frame.event)) this.#emit("direct", frame);
        return;
      case "ok": { // the answer to a subscription of the first frame
        const feed = link.first.get(frame.channel);
        return feed && this.#granted(feed, link, frame);
      }
      case "error": return this.#failed(link, frame);
      case "heartbeat": return this.#heartbeat(link, frame.asOf);
      case "notice": return this.#notice(link, frame);
      case "presence": {
        const watch = this.#watches.get(frame.channel);
        if (watch?.link === link) watch.update(frame);
        return;
      }
      case "move":
        if (link !== this.#link || this.#next) return;
        this.#emit("move", { phase: "planned", afterMs: frame.afterMs });
        return this.#after("move", frame.afterMs, () => this.#dial());
    } // any other is from a newer server
  }

  #message(link, message) {
    const feed = this.#feeds.get(message.channel);
    if (feed?.link !== link) return;
    const now = Date.now(), { time, id } = parsePosition(message.position);
    if (time < feed.floor) return; // came by the link before
    feed.floor = 0;
    if (feed.recent.seen(id)) {
      if (time > timeOf(feed.position)) feed.position = message.position;
      return;
    }
    message.replayed = time <= feed.edge;
    if (message.replayed) {
      feed.state = Object.freeze({ ...feed.state, caughtUp: feed.state.caughtUp + 1 });
      if (link.resumed) {
        link.resumed.caughtUp++;
        link.resumed.at = now;
      }
    }
    this.#clock.heard(message.time, now);
    message.receivedAt = now;
    message.latencyMs = this.#clock.delay(message.time, now);
    if (!message.replayed) this.#clock.record(message.latencyMs);
    feed.deliver(message);
    feed.position = message.position;
    this.#saveSoon();
  }

  #notice(link, { code, channel, position, count }) {
    const feed = this.#feeds.get(channel);
    if (feed?.link !== link) return;
    if (code === "gap") this.#gap(feed, position, "live");
    if (code !== "dropped") return;
    const dropped = { type: "dropped", channel, count, by: "server" };
    feed.deliver(dropped);
    this.#emit("dropped", dropped);
  }

  #gap(feed, position, reason) {
    const gap = { type: "gap", channel: feed.channel, position, reason };
    feed.floor = 0; // the sequence is broken here, so nothing can be inferred from times
    feed.deliver(gap);
    feed.position = position || undefined;
    this.#emit("gap", gap);
  }

  #heartbeat(link, asOf) {
    if (!asOf) return; // it stands still
    this.#clock.heard(asOf, Date.now());
    for (const feed of this.#feeds.values()) if (feed.link === link) feed.asOf = asOf;
    this.#saveSoon();
  }

  #failed(link, frame) {
    const error = new TidewireError(frame), reading = this.#feeds.get(frame.channel);
    const feed = link.first.get(frame.channel) ?? (reading?.link === link ? reading : undefined); // a new token may end it
    if (feed) return this.#denied(feed, link, error);
    if (frame.channel) return this.#emit("error", error);
    if (link.welcome && (frame.id === FIRST_ID || frame.limit === "subscriptionsPerConnection")) {
      // None of the first frame's subscriptions was taken; asked for one by one, each has its own answer.
      const again = new TidewireError({ ...frame, code: "unavailable" });
      for (const each of [...link.first.values()]) this.#denied(each, link, again);
      return;
    }
    link.failure = frame; // a close follows, and the state will tell; if none does, the event
    setTimeout(() => {
      if (link.ended) return;
      link.failure = null;
      this.#emit("error", error);
    }, 1000);
  }

  // ---- channels and presence, which stand: each new link is asked for them

  #expect(standing, link) {
    link.asked.add(standing);
    link.owed.add(standing);
    if (standing.position) link.resumed ??= { caughtUp: 0, gaps: [], at: 0 };
  }

  #ask(standing, link) {
    this.#expect(standing, link);
    link.ask(standing.request, (answer) => this.#granted(standing, link, answer), (error) => this.#denied(standing, link, error));
  }

  /** What is said of it on that link matters no more: it ended, the link did, or a newer link has it. */
  #isStale(standing, link) {
    if (standing.ended || link.ended || link === this.#leaving) return true;
    return link === this.#link && this.#next !== null && standing.link === this.#next;
  }

  #granted(standing, link, answer) {
    link.owed.delete(standing);
    if (link.first.get(standing.channel) === standing) link.first.delete(standing.channel);
    if (this.#isStale(standing, link)) return;
    const resumes = standing.link !== null || standing.position !== undefined;
    [standing.link, standing.attempt, standing.retryAt] = [link, 0, 0];
    if (standing instanceof Watch) standing.update(answer);
    else this.#begin(standing, link, answer, resumes);
    this.#handOver(link);
  }

  #begin(feed, link, { position, resumed = false, gap = false }, resumes) {
    feed.floor = timeOf(feed.position);
    feed.asOf = undefined; // until a heartbeat comes after this answer
    feed.edge = resumes ? this.#clock.edge : 0;
    this.#become(feed, { name: "live", resumed, gap, caughtUp: 0 });
    if (link.resumed) link.resumed.at = Date.now();
    if (gap) {
      link.resumed?.gaps.push(feed.channel);
      this.#gap(feed, position, "resume");
    } else if (timeOf(position) > timeOf(feed.position)) feed.position = position;
    feed.resolve();
    this.#saveSoon();
  }

  #denied(standing, link, error) {
    if (link.first.get(standing.channel) === standing) link.first.delete(standing.channel);
    if (this.#isStale(standing, link)) return;
    link.asked.delete(standing);
    const again = error.code === "unavailable" || error.code === "internal" || error.code === "timeout" || error.code === "limited" && error.retryAfterMs > 0;
    if (!again) {
      link.owed.delete(standing);
      error.channel ??= standing.channel;
      this.#finish(standing, error);
      this.#emit("error", error);
      return this.#handOver(link);
    }
    const { backoffMs, backoffCapMs } = this.#options;
    const wait = (error.retryAfterMs ?? 1000) + Math.random() * Math.min(backoffCapMs, backoffMs * 2 ** standing.attempt++);
    standing.retryAt = Date.now() + wait;
    const reads = standing.link && !standing.link.ended; // by the old link of a move
    if (standing instanceof Feed && !reads) this.#become(standing, { ...standing.state, name: "waiting", retryAt: standing.retryAt, code: error.code });
    this.#after(standing, wait, () => {
      standing.retryAt = 0;
      for (const each of [this.#next, this.#link]) {
        if (each?.welcome && (!each.asked.has(standing))) return this.#ask(standing, each);
      }
    });
  }

  #become(feed, state) {
    feed.state = Object.freeze(state);
    this.#emit("subscription", { channel: feed.channel, ...state });
  }

  /** Ends a feed or a watch on our side, with the error that refused it if there is one. */
  #finish(standing, error) {
    standing.ended = true;
    this.#cancel(standing);
    const all = standing instanceof Feed ? this.#feeds : this.#watches;
    if (all.get(standing.channel) === standing) all.delete(standing.channel);
    if (!(standing instanceof Feed)) return;
    for (const reader of standing.readers.values()) reader.finish(error);
    standing.readers.clear();
    standing.reject(error ?? new TidewireError({ code: "closed", message: "the subscription was ended", channel: standing.channel }));
    this.#become(standing, { ...standing.state, name: error ? "refused" : "closed", code: error?.code });
  }

  #leave(feed, reader) {
    feed.readers.get(reader)?.finish();
    feed.readers.delete(reader);
    if (feed.readers.size === 0) this.#forget(this.#feeds, feed, { type: "unsubscribe", channel: feed.channel });
  }

  #forget(all, standing, frame) {
    if (all.get(standing.channel) !== standing) return;
    this.#finish(standing);
    this.#saved.delete(standing.channel);
    for (const link of [this.#link, this.#next]) {
      if (!link?.asked.delete(standing)) continue;
      link.owed.delete(standing);
      link.request(frame, this.#options.requestTimeoutMs).catch(() => {}); // it is ended here either way
      this.#handOver(link);
    }
  }

  #tellResumed(link) {
    if (link.ended || link !== this.#link && link !== this.#next) return;
    const owed = [...link.owed].some((standing) => standing.retryAt === 0), now = Date.now();
    if ((owed || now - link.resumed.at < QUIET) && now - link.liveAt < RESUME_WITHIN) return this.#after("resumed", QUIET, () => this.#tellResumed(link));
    const { caughtUp, gaps } = link.resumed;
    link.resumed = null;
    this.#emit("resumed", { caughtUp, gaps });
  }

  // ---- requests

  async #request(frame, wait, timeoutMs = this.#options.requestTimeoutMs, repeatable) {
    this.#checkOpen();
    if (this.#busy >= this.#options.maxPending) {
      throw new TidewireError({ code: "limited", limit: "maxPending", message: `${this.#busy} requests are under way; wait for some of them` });
    }
    this.#busy++;
    const deadline = Date.now() + timeoutMs;
    try {
      for (;;) {
        const link = await this.#ready(wait, deadline);
        try {
          return await link.request(frame, Math.max(1, deadline - Date.now()));
        } catch (error) {
          const again = error.lost ? repeatable && error.code !== "timeout" : error.retryAfterMs > 0;
          if (!wait || !again || Date.now() + (error.retryAfterMs ?? 0) >= deadline) throw error;
          if (error.retryAfterMs) await new Promise((resolve) => setTimeout(resolve, error.retryAfterMs));
        }
      }
    } finally {
      this.#busy--;
    }
  }

  /** The live link, or with `wait` the next one. */
  #ready(wait, deadline) {
    if (this.#link) return this.#link;
    if (!wait || this.#state.name === "refused" || this.#state.name === "closed") {
      throw new TidewireError({ code: "unavailable", message: `not connected (${this.#state.name}); try again when live, or ask with wait` });
    }
    return new Promise((resolve, reject) => {
      const entry = {
        resolve: (link) => { clearTimeout(timer); resolve(link); },
        reject: (error) => { clearTimeout(timer); reject(error); },
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(entry);
        reject(new TidewireError({ code: "timeout", message: "no connection in time; it was not sent" }));
      }, deadline - Date.now());
      this.#waiting.add(entry);
    });
  }

  // ---- token, storage, timers, events

  /** Renews well before the end. A clock that is far off must not make it a storm. */
  #planRefresh() {
    if (typeof this.#options.token !== "function" || !this.#expiresAt) return;
    const left = this.#expiresAt - this.#clock.serverNow;
    this.#after("refresh", left < 0 ? 60_000 : Math.max(1000, left * (0.7 + 0.15 * Math.random())), async () => {
      try {
        await this.refresh();
      } catch (error) {
        this.#emit("error", error);
        if (this.#link) this.#planRefresh();
      }
    });
  }

  #load() {
    try {
      const saved = Object.entries(JSON.parse(this.#options.storage?.getItem(this.#options.storageKey) ?? "{}"));
      this.#saved = new Map(saved.filter(([, stored]) => typeof stored?.[0] === "string"));
    } catch (error) {
      this.#emit("error", error);
    }
    for (const feed of this.#feeds.values()) this.#restore(feed);
  }

  #restore(feed) {
    const saved = this.#saved.get(feed.channel);
    if (!feed.position && saved) [feed.position, feed.asOf] = [saved[0], saved[1] ?? undefined];
  }

  #saveSoon() {
    if (this.#options.storage && !this.#timers.has("save")) this.#after("save", 1000, this.#save);
  }

  #save = () => {
    if (!this.#options.storage) return;
    for (const feed of this.#feeds.values()) {
      this.#saved.delete(feed.channel); // to the end, so that the oldest go first
      if (feed.stored) this.#saved.set(feed.channel, feed.stored);
    }
    const kept = [...this.#saved].slice(-MAX_STORED);
    try {
      this.#options.storage.setItem(this.#options.storageKey, JSON.stringify(Object.fromEntries(kept)));
    } catch (error) {
      this.#emit("error", error);
    }
  };

  #checkOpen() {
    if (this.#state.name === "closed") throw new TidewireError({ code: "closed", message: "the client was closed; make a new one" });
  }

  #set(state) {
    this.#state = Object.freeze({ ...state, since: Date.now() });
    this.#emit("state", this.#state);
  }

  #emit(type, detail) {
    const listeners = this.#listeners.get(type);
    if (type === "error" && !listeners?.size) console.error("tidewire:", detail.message);
    for (const listener of [...(listeners ?? [])]) guarded(listener, detail);
  }

  #after(name, ms, run) {
    this.#cancel(name);
    this.#timers.set(name, setTimeout(() => {
      this.#timers.delete(name);
      run();
    }, Math.min(ms, MAX_TIMER)));
  }

  #cancel(name) {
    clearTimeout(this.#timers.get(name));
    this.#timers.delete(name);
  }
}

/** Connects: the same as `new Tidewire(url, options)`. */
export function connect(url, options) {
  return new Tidewire(url, options);
}
