// The client of Tidewire for browsers and Node, protocol tidewire.v1.json. One file without
// dependencies, so that a page can serve it as it is. README.md has the states as a table.
//
//   1 Codes      every close code and error code, with the verdict on it
//   2 Checks     of what the page, the storage, the token provider and the server give
//   3 Time       a clock that nobody sets, and the server's
//   4 Link       one socket; during a move there are two
//   5 Channels   Feed (one channel), Subscription (one reader of it), Watch (its presence)
//   6 Bookmarks  positions that outlive the page
//   7 Requests   publishes and calls, in order
//   8 Tidewire   what a page holds: decides when to dial, and what ends it

const PROTOCOL = "tidewire.v1.json";
const VERSION = 1; // of what is stored
const MAX_TIMER = 2 ** 31 - 1; // setTimeout fires at once beyond this
const MAX_ORDER = 600_000; // the longest delay that is taken from a server: one that orders a year is wrong
const STABLE = 5_000; // a link that lived this long starts the backoff anew
const QUIET = 300; // a replay is over when nothing older has come for this long
const RESUME_WITHIN = 10_000; // and at the latest after this, should the clocks deceive
const HANDOVER = 5_000; // how long a link that was moved away from may still answer requests
const PROBE = 5_000; // a ping after sleep is answered within this, or the socket is dead
const PATIENCE = 3; // tokens or connections refused in a row, before a person is asked to do something
const SLOWLY = 15_000, SLOWEST = 300_000; // between connections that end because of what this client sends
const FIRST_ID = 0; // of the connect frame; requests count from 1
const MAX_STORED = 256; // channels
const FIRST_FRAME = 32 << 10; // bytes; what is more follows the welcome
const MARGIN = 30_000; // a token that ends sooner is not used for another connection
const MAX_HEADER = 4 << 10; // of a token in the handshake: proxies refuse header lines over 8 KiB, some all headers over that
const MAX_TOKEN = 16 << 10; // the server takes half of it
const MAX_NAME = 200; // bytes of a channel, an ID or a key
const MAX_DEPTH = 63; // of data; the frame around it is one level of the protocol's 64
const DAY = 86_400_000;

// ---- 1 Codes

const NOW = "retry now", LATER = "retry later", TOKEN = "get a new token first", STOP = "stop";

// Verdicts on a connection that ended. Only `final` waits for a person.
const AGAIN = "reconnect", RENEW = "renew the token", LESS = "reconnect with less", FINAL = "final";

// Verdicts on one channel, whose connection goes on.
const RETRY = "retry", REFUSE = "refuse";

const UPDATE = "Update this page: ", SIGN_IN = "Sign in again.";

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
  [4409, "replaced", STOP, FINAL, RETRY, "Another connection took this one's place. Reload to take it back."],
  [4413, "too-large", STOP, LESS, REFUSE, "Send less at once: a frame was over the limit."],
  [4429, "limited", LATER, AGAIN, RETRY, ""],
  [4503, "too-slow", NOW, AGAIN, RETRY, ""],
];

/** Every close code: the word for it, the protocol's advice, what this client does, and what is left to a person. */
export const closeCodes = Object.freeze(Object.fromEntries([...CODES].reverse().map( // the first row of a close code counts
  ([close, code, advice, verdict, , action]) => [close, Object.freeze({ code, advice, verdict, action })],
)));

const onConnection = (close) => closeCodes[close] ?? closeCodes[1011];

const onChannel = ({ code, limit }) => {
  if (code === "limited" && limit === "subscriptionsPerConnection") return REFUSE; // a number that an operator has set
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

const lost = () => new TidewireError({
  code: "unavailable", message: "the connection was lost before the answer; it may or may not have been done", lost: true,
});

const badRequest = (message) => new TidewireError({ code: "bad-request", message });

// ---- 2 Checks

/** A number between two bounds; `otherwise` if it is none. */
function within(value, least, most, otherwise) {
  return typeof value === "number" && !Number.isNaN(value) ? Math.min(most, Math.max(least, value)) : otherwise;
}

const text = (value) => (typeof value === "string" ? value : undefined);

const encoder = new TextEncoder();

const bytes = (string) => encoder.encode(string).length;

const show = (value) => (typeof value === "string" ? JSON.stringify(value.slice(0, 64)) : value === null ? "null" : typeof value);

/** Throws unless the value can name a channel, as protocol.md says. */
function checkChannel(name) {
  if (typeof name !== "string" || name === "") throw badRequest(`channel: must be a name such as prices:fx, got ${name === "" ? "an empty one" : show(name)}`);
  if (name.length > MAX_NAME) throw badRequest(`channel: must have at most ${MAX_NAME} bytes, got ${name.length}`);
  if (!/^[\w\-./@=+~]+(:[\w\-./@=+~]+)*$/.test(name)) throw badRequest(`channel: must be segments of A-Z a-z 0-9 _ - . / @ = + ~ joined by ":", got ${show(name)}`);
  return name;
}

function checkText(field, value, most = MAX_NAME) {
  if (value === undefined || value === null) return undefined;
  // eslint-disable-next-line no-control-regex
  if (typeof value !== "string" || /[\x00-\x1f\x7f]/.test(value) || bytes(value) > most) {
    throw badRequest(`${field}: must be a string of at most ${most} bytes without control characters, got ${show(value)}`);
  }
  return value;
}

function checkTags(tags) {
  if (tags === undefined || tags === null) return undefined;
  const all = typeof tags === "object" && !Array.isArray(tags) ? Object.entries(tags) : null;
  if (!all || all.length > 32) throw badRequest(`tags: must be an object of at most 32 strings, got ${all ? all.length : show(tags)}`);
  for (const [name, value] of all) {
    checkText("tags", name, 256);
    if (typeof value !== "string") throw badRequest(`tags.${name.slice(0, 64)}: must be a string, got ${show(value)}`);
    checkText(`tags.${name.slice(0, 64)}`, value, 256);
  }
  return Object.fromEntries(all);
}

/** The JSON of what a page sends. A frame that the server cannot read would cost the connection, so it is not sent. */
function checkJSON(frame) {
  let json;
  try {
    json = JSON.stringify(frame);
  } catch (error) {
    throw badRequest(`data: must be JSON, got ${error.message}`);
  }
  let depth = 0, deepest = 0, quoted = false;
  for (let i = 0; i < json.length; i++) {
    const c = json.charCodeAt(i);
    if (quoted) {
      if (c === 0x5c) i++;
      else if (c === 0x22) quoted = false;
    } else if (c === 0x22) quoted = true;
    else if (c === 0x7b || c === 0x5b) deepest = Math.max(deepest, ++depth);
    else if (c === 0x7d || c === 0x5d) depth--;
  }
  if (deepest > MAX_DEPTH + 1) throw badRequest(`data: must be nested at most ${MAX_DEPTH} levels deep, got ${deepest - 1}`);
  return json;
}

/** A token as it is sent; undefined if it cannot be one, such as the page of an error. */
function asToken(value) {
  const token = text(value)?.trim();
  return token && token.length <= MAX_TOKEN && /^[\w\-.~+/=]+$/.test(token) ? token : undefined;
}

/** Whether a token can stand in the handshake: characters of a subprotocol (RFC 6455, 4.1), and no more than proxies pass on. */
const fitsHeader = (token) => token.length <= MAX_HEADER && /^[\w\-.~+]+$/.test(token);

/**
 * A token in hand: when it was taken, in ticks, when it ends by the server's clock, and how long it lasts if it says so.
 * Nothing is verified here: it serves the timing alone.
 */
function tokenOf(value) {
  const token = { value, takenAt: ticks(), endsAt: 0, lastsMs: Infinity };
  try {
    const { iat, exp } = JSON.parse(atob(value.split(".")[1].replace(/-/g, "+").replace(/_/g, "/")));
    token.endsAt = moment(exp * 1000);
    if (exp > iat) token.lastsMs = (exp - iat) * 1000;
  } catch { /* the welcome will tell */ }
  return token;
}

/** A time as the protocol has it; 0 if it is none. */
const moment = (value) => (Number.isFinite(value) && value > 0 && value < 2 ** 48 ? Math.floor(value) : 0);

/** Whether a value is a position, "<ms>-<id>". */
function isPosition(value) {
  // eslint-disable-next-line no-control-regex
  return typeof value === "string" && /^[1-9]\d{0,14}-[^\x00-\x1f\x7f]*$/.test(value) && moment(parsePosition(value).time) > 0 && bytes(parsePosition(value).id) <= MAX_NAME;
}

/** Splits "<ms>-<id>" at its first "-"; the id may hold more of them, and is empty for a moment. */
export function parsePosition(position) {
  const cut = position.indexOf("-");
  return { time: Number(position.slice(0, cut)), id: position.slice(cut + 1) };
}

const timeOf = (position) => (position ? parsePosition(position).time : 0);

/** The members of a presence, whatever came. */
const membersOf = (list) => (Array.isArray(list) ? list.filter((member) => typeof member?.user === "string") : []);

/** What a welcome says, whatever it says. */
function readWelcome({ connection, user, tenant, instance, expiresAt, limits, heartbeatMs }) {
  const rate = (name, otherwise) => within(limits?.[name], 0, 1e9, otherwise);
  return {
    connection: text(connection) ?? "", user, tenant, instance: text(instance) ?? "",
    expiresAt: moment(expiresAt), heartbeatMs: within(heartbeatMs, 1000, 600_000, 25_000),
    limits: Object.freeze({
      ...(typeof limits === "object" ? limits : {}), framesPerSecond: rate("framesPerSecond", 50), publishesPerSecond: rate("publishesPerSecond", 100),
      subscriptionsPerConnection: rate("subscriptionsPerConnection", 128) || 1,
      messageBytes: limits?.messageBytes >= 256 ? rate("messageBytes") : 65_536, // in less than that nothing can be said
    }),
  };
}

/** Tells what a callback of the page threw. It is the page's, and must stop neither the client nor a program in Node. */
function report(error) {
  if (typeof globalThis.reportError === "function") globalThis.reportError(error);
  else console.error("tidewire: a callback threw", error);
}

function guarded(run, ...args) {
  try {
    const result = run?.(...args);
    if (typeof result?.then === "function") result.then(undefined, report);
  } catch (error) {
    report(error);
  }
}

/** Makes an idempotency key. Not randomUUID, which pages on plain HTTP do not have. */
function newID() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// ---- 3 Time

/** Milliseconds of a clock that only goes forwards. Whatever measures how long something took reads this one. */
const ticks = () => performance.now();

/** The smallest value of the last one or two periods. */
class Minimum {
  #period; #turned = 0; #old = Infinity; #young = Infinity;
  constructor(periodMs) { this.#period = periodMs; }
  add(value) {
    if (ticks() - this.#turned > this.#period) [this.#old, this.#young, this.#turned] = [this.#young, Infinity, ticks()];
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
 * to be half the quickest round trip. It is kept against the steady clock: setting the local one changes nothing.
 */
class Clock {
  #arrival = new Minimum(300_000); #trip = new Minimum(300_000); #samples = 0;
  #delays = new Float64Array(512); #count = 0; #last = null;
  #start = Math.round(Date.now() - ticks());

  /** The local time as it would be had nobody set the clock since the client was made. */
  get now() { return this.#start + ticks(); }

  heard(serverTime) {
    this.past(serverTime);
    this.#samples++;
  }

  /** The server's clock is at least here. */
  past(serverTime) { this.#arrival.add(this.now - serverTime); }

  roundTrip(ms) { this.#trip.add(ms); }

  /** The steady clock minus the server's. */
  get #offset() {
    const trip = this.#trip.value, arrival = this.#arrival.value;
    return Number.isFinite(arrival) ? arrival - (Number.isFinite(trip) ? trip / 2 : 0) : 0;
  }

  get reading() {
    const trip = this.#trip.value, known = Number.isFinite(this.#arrival.value);
    return {
      offsetMs: known ? Math.round(this.#offset + Date.now() - this.now) : 0,
      uncertaintyMs: known && Number.isFinite(trip) ? Math.max(1, Math.round(trip / 2)) : null, // clocks tick in milliseconds
      sure: this.#samples >= 8 && Number.isFinite(trip),
    };
  }

  /** The publish time of what would arrive now at the earliest. */
  get edge() { return this.now - (Number.isFinite(this.#arrival.value) ? this.#arrival.value : 0); }

  get serverNow() { return this.now - this.#offset; }

  delay(serverTime) { return Math.max(0, Math.round(this.now - serverTime - this.#offset)); }

  record(ms) { this.#delays[this.#count++ % this.#delays.length] = this.#last = ms; }

  get latency() {
    const sorted = this.#delays.slice(0, this.#count).sort();
    const at = (share) => (sorted.length ? sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] : null);
    const { uncertaintyMs, sure } = this.reading;
    return { lastMs: this.#last, p50Ms: at(0.5), p99Ms: at(0.99), count: sorted.length, uncertaintyMs, sure };
  }
}

// ---- 4 Link

/** One socket: answers find their requests here, everything else goes to `on`. */
class Link {
  asked = new Map(); // feed or watch -> the position that it was asked with
  owed = new Set(); // those not granted yet
  first = new Map(); // channel -> feed: asked for in the first frame, whose answers have no id
  welcome = null;
  failure = null; // the error frame that came without id and channel: why it is about to close
  opened = false; ended = false;
  liveAt = 0;
  resumed = null; // what a reconnect brought: {caughtUp, gaps, at}
  refusals = 0; // the newest number of a refused publish; each publish shows it
  #socket; #on; #pending = new Map(); #nextID = 1;
  #heard = ticks(); #pinged = false; #heartbeat = 25_000; #drift = 0; #listening; #probing;
  #backlog = new Map(); #budget = 1; #paced = ticks(); #pacer;

  constructor(socket, token, on) {
    this.#socket = socket;
    this.#on = on;
    this.token = token; // that it was opened with, or that has replaced that one
    socket.onopen = () => this.#safely(() => {
      this.opened = true;
      on.open(this);
    });
    socket.onmessage = (event) => this.#safely(() => this.#receive(event.data));
    socket.onclose = (event) => this.#end(Number.isInteger(event?.code) ? event.code : 1006, text(event?.reason) ?? "");
    // Some runtimes report a connection that could not be made by an error alone.
    socket.onerror = () => setTimeout(() => this.#end(1006, ""), 100);
  }

  /** A fault of this client costs the connection, never the client. */
  #safely(run) {
    if (this.ended) return;
    try {
      run();
    } catch (error) {
      this.#on.fault(error);
      this.drop();
    }
  }

  /** Sends now: the first frame, and what must not wait for the pace. */
  send(json) {
    this.#budget--;
    try {
      this.#socket.send(json);
    } catch {
      setTimeout(() => this.drop(), 0); // not in the midst of what is being done
    }
  }

  /** Sends at the pace the server allows. The backlog is bounded by the channels and by maxPending. */
  #pace() {
    const now = ticks(), rate = Math.max(0.1, this.welcome?.limits.framesPerSecond || 50);
    this.#budget = Math.min(Math.max(1, rate), this.#budget + ((now - this.#paced) * rate) / 1000);
    this.#paced = now;
    for (const [id, json] of this.#backlog) {
      if (this.#budget < 1) break;
      this.#backlog.delete(id);
      this.send(json);
    }
    clearTimeout(this.#pacer);
    if (this.#backlog.size) this.#pacer = setTimeout(() => this.#safely(() => this.#pace()), Math.ceil(Math.max(1, 1000 * (1 - this.#budget) / rate)));
  }

  /** The pace is that of the welcome from now on; a second's worth may go at once. */
  greet(welcome) {
    this.welcome = welcome;
    this.liveAt = ticks();
    this.#budget = Math.max(1, welcome.limits.framesPerSecond);
    this.#watch(welcome.heartbeatMs);
  }

  /**
   * Sends a frame with an id and calls one of the two with its answer: at once, because the next frame,
   * which may come before any promise has run, is read in the light of this one. Returns what takes the
   * request back, or with `true` only if it has not been sent yet: it tells whether that was so.
   */
  ask(json, resolve, reject, { timeoutMs, urgent = false, publishes = false, what = "a request" } = {}) {
    const nothing = () => false;
    if (this.ended) return reject(lost()), nothing;
    const id = this.#nextID++, whole = `{"id":${id},${publishes ? `"refusals":${this.refusals},` : ""}${json.slice(1)}`;
    const limit = this.welcome?.limits.messageBytes ?? Infinity;
    if (whole.length * 3 > limit && bytes(whole) > limit) {
      reject(new TidewireError({ code: "too-large", limit: "messageBytes", message: `a frame may have ${limit} bytes; send less` }));
      return nothing;
    }
    const forget = (ifUnsent = false) => {
      if (ifUnsent && !this.#backlog.has(id)) return false;
      clearTimeout(timer);
      this.#pending.delete(id);
      return this.#backlog.delete(id);
    };
    const timer = timeoutMs && setTimeout(() => {
      const unsent = forget();
      reject(new TidewireError({ code: "timeout", message: `no answer to ${what} in ${timeoutMs} ms`, lost: !unsent }));
    }, Math.min(timeoutMs, MAX_TIMER));
    this.#pending.set(id, { resolve, reject, timer });
    if (urgent) this.send(whole);
    else {
      this.#backlog.set(id, whole);
      this.#pace();
    }
    return forget;
  }

  request(frame, options) {
    return new Promise((resolve, reject) => this.ask(JSON.stringify(frame), resolve, reject, { what: frame.type, ...options }));
  }

  get busy() { return this.#pending.size > 0; }

  /**
   * Looks for signs of life. The server's heartbeats are enough; only after more than one of them is missing
   * a ping asks, and when nothing comes of that in the same time again, the socket is dropped.
   */
  #watch(heartbeatMs) {
    this.#heartbeat = heartbeatMs;
    this.#drift = Date.now() - ticks();
    this.#listen(1.25 * heartbeatMs);
    this.ping(heartbeatMs); // for the round trip, once
  }

  #listen(ms) {
    clearTimeout(this.#listening);
    this.#listening = setTimeout(() => this.#safely(() => {
      const quiet = 1.25 * this.#heartbeat, silent = ticks() - this.#heard, drift = Date.now() - ticks();
      const slept = Math.abs(drift - this.#drift) > PROBE; // or the clock was set, which costs a ping
      this.#drift = drift;
      if (silent >= quiet && this.#pinged) return this.drop();
      if (silent < quiet) {
        if (slept) this.probe();
        return this.#listen(quiet - silent);
      }
      this.#pinged = true;
      this.ping(quiet);
      this.#listen(slept ? PROBE : quiet);
    }), Math.ceil(ms));
  }

  ping(timeoutMs) {
    const sent = ticks();
    this.ask('{"type":"ping"}', () => this.#on.roundTrip(ticks() - sent), () => {}, { timeoutMs, urgent: true }); // silence is judged elsewhere
  }

  /** Pings, and drops the socket unless something comes soon: after sleep or a change of network. */
  probe() {
    if (!this.welcome || this.#probing) return;
    const since = this.#heard;
    this.ping(PROBE);
    this.#probing = setTimeout(() => {
      this.#probing = undefined;
      if (this.#heard === since) this.drop();
    }, PROBE);
  }

  /** Gives the socket up as dead. */
  drop(message = "") {
    this.#close();
    this.#end(1006, message);
  }

  /** Ends the socket because we want to; nobody is told but those who wait for answers. */
  shut() {
    this.#finish(lost);
    this.#close();
  }

  #close() {
    try {
      this.#socket.close(1000);
    } catch { /* it is no more */ }
  }

  #receive(data) {
    [this.#heard, this.#pinged] = [ticks(), false];
    let frame = null;
    try {
      frame = JSON.parse(data);
    } catch { /* the next line's case */ }
    if (typeof frame?.type !== "string") return this.drop("what came is no frame of this protocol"); // the backoff keeps it from being a storm
    if (frame.type === "error") this.refusals = Math.max(this.refusals, within(frame.refusals, 0, Number.MAX_SAFE_INTEGER, 0));
    const answers = frame.type === "ok" || frame.type === "error" || frame.type === "pong";
    const request = answers ? this.#pending.get(frame.id) : undefined;
    if (!request) return this.#on.frame(this, frame);
    this.#pending.delete(frame.id);
    this.#backlog.delete(frame.id);
    clearTimeout(request.timer);
    if (frame.type === "error") request.reject(new TidewireError(frame));
    else request.resolve(frame);
  }

  #end(code, reason) {
    if (this.ended) return;
    const { verdict } = onConnection(code);
    // What was sent may be what ended it: that must not be sent again.
    this.#finish(() => (verdict === LESS ? Object.assign(lost(), { code: onConnection(code).code, fatal: true }) : lost()));
    this.#on.closed(this, code, reason);
  }

  #finish(error) {
    if (this.ended) return;
    this.ended = true;
    for (const timer of [this.#listening, this.#probing, this.#pacer]) clearTimeout(timer);
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    this.#backlog.clear();
    for (const { reject, timer } of pending) {
      clearTimeout(timer);
      reject(error());
    }
  }
}

// ---- 5 Channels

/** One channel. `position` is the newest one received, `asOf` the moment up to which silence is vouched for. */
class Feed {
  readers = new Map(); // Subscription -> {deliver, finish, stored}
  link = null; // messages from any other are repetitions
  attempt = 0; retryAt = 0; putOffBy = null; ended = false; // retryAt in ticks: asked again then, because that link could not
  forgot = false; // where it stood could not be used: whatever the answer, something may be missing
  floor = 0; floorUntil = 0; // during a move: older messages are repetitions
  edge = 0; // after a resume: messages up to this publish time were missed ones
  state = Object.freeze({ name: "pending", resumed: false, gap: false, caughtUp: 0 });

  constructor(channel, since, remember) {
    this.channel = channel;
    this.recent = new Recent(remember);
    this.ready = new Promise((resolve, reject) => Object.assign(this, { resolve, reject }));
    this.ready.catch(() => {}); // who does not wait for it learns it from the error event
    if (since !== undefined && since !== null && since !== "") this.stand(since);
  }

  get request() { return { type: "subscribe", channel: this.channel, since: this.position, asOf: this.asOf }; }

  /** Takes over where it stood; what is no position is a gap, as the server says of those it does not know. */
  stand(position, asOf) {
    if (isPosition(position)) [this.position, this.asOf] = [position, moment(asOf) || undefined];
    else this.forget();
  }

  forget() { [this.position, this.asOf, this.forgot] = [undefined, undefined, true]; }

  deliver(item) { for (const reader of [...this.readers.values()]) reader.deliver(item); }

  /** What may be kept beyond this page: no reader still has it before him. */
  get stored() {
    let stored = this.position;
    for (const reader of this.readers.values()) if (timeOf(reader.stored) < timeOf(stored)) stored = reader.stored;
    const behind = [...this.readers.values()].some((reader) => reader.waiting);
    return stored && [stored, (!behind && this.asOf) || null];
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
    if (this.#done) return; // left by a reader that was served before it
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
  link = null; attempt = 0; retryAt = 0; putOffBy = null; ended = false;

  constructor(channel) { this.channel = channel; }

  get request() { return { type: "presence", channel: this.channel, watch: true }; }

  update({ members, joined, left, count }) {
    [joined, left] = [membersOf(joined), membersOf(left)];
    if (members) this.members = new Map(membersOf(members).map((member) => [member.user, member]));
    for (const member of joined) this.members.set(member.user, member);
    for (const member of left) this.members.delete(member.user);
    this.count = within(count, 0, Number.MAX_SAFE_INTEGER, this.members.size);
    this.known = true;
    for (const callback of [...this.callbacks]) if (this.callbacks.has(callback)) guarded(callback, this.view(joined, left));
  }

  view(joined = [], left = []) { return { channel: this.channel, members: [...this.members.values()], joined, left, count: this.count }; }
}

// ---- 6 Bookmarks

/**
 * Where one user's channels stand, beyond the life of the page. Tabs may share a storage, so only this client's own channels
 * are changed in it. What it holds may be anything: what cannot be used counts as forgotten, which its reader is told as a gap.
 */
class Bookmarks {
  #storage; #prefix; #report; #failed = false;
  #key = null; #mine = new Map(); // channel -> the JSON that this client has put there
  #kept = new Map(); #unreadable = false;

  constructor(storage, prefix, report) {
    [this.#storage, this.#prefix, this.#report] = [storage, prefix, report];
  }

  /** Nothing is known of where channels stand before the user is. */
  get known() { return !this.#storage || this.#key !== null; }

  open(tenant, user) {
    const key = `${this.#prefix}:${JSON.stringify([tenant, user])}`;
    if (!this.#storage || key === this.#key) return;
    [this.#key, this.#mine, this.#kept, this.#unreadable] = [key, new Map(), new Map(), false];
    try {
      this.#kept = this.#read();
    } catch (error) {
      this.#unreadable = true;
      this.#report(error);
    }
  }

  /** Lets a channel that has no position stand where it stood. */
  restore(feed) {
    if (this.#key === null || feed.position || feed.forgot || this.#mine.has(feed.channel)) return;
    const saved = this.#kept.get(feed.channel);
    if (this.#unreadable) feed.forget();
    else if (saved !== undefined) {
      this.#mine.set(feed.channel, JSON.stringify(saved));
      const [position, asOf] = Array.isArray(saved) ? saved : [];
      const soon = Date.now() + DAY; // no clock is so wrong
      if (timeOf(text(position)) > soon || asOf > soon || (asOf !== null && asOf !== undefined && !moment(asOf))) feed.forget();
      else feed.stand(position, asOf);
    }
  }

  /** Keeps where these channels stand. What another tab has put there since goes first if it is further on. */
  keep(feeds) {
    if (this.#key === null) return;
    try {
      let all;
      try {
        all = this.#read();
      } catch {
        all = new Map(); // it is of no use to anybody
      }
      for (const channel of [...this.#mine.keys()]) {
        if (feeds.has(channel)) continue;
        if (JSON.stringify(all.get(channel)) === this.#mine.get(channel)) all.delete(channel);
        this.#mine.delete(channel);
      }
      for (const feed of feeds.values()) {
        const { stored, channel } = feed, there = all.get(channel), json = JSON.stringify(there);
        const theirs = json !== undefined && json !== this.#mine.get(channel) && Array.isArray(there) && isPosition(there[0]);
        if (!stored || (theirs && timeOf(there[0]) > timeOf(stored[0]) && timeOf(there[0]) < Date.now() + DAY)) {
          if (!theirs) all.delete(channel);
          continue;
        }
        all.delete(channel); // to the end, so that the oldest go first
        all.set(channel, stored);
        this.#mine.set(channel, JSON.stringify(stored));
      }
      this.#storage.setItem(this.#key, JSON.stringify({ v: VERSION, channels: Object.fromEntries([...all].slice(-MAX_STORED)) }));
      this.#failed = false;
    } catch (error) {
      if (!this.#failed) this.#report(error); // once, not each second
      this.#failed = true;
    }
  }

  #read() {
    const json = this.#storage.getItem(this.#key) ?? null;
    if (json === null) return new Map();
    const saved = JSON.parse(json), channels = saved?.channels;
    if (saved?.v !== VERSION || typeof channels !== "object" || channels === null || Array.isArray(channels)) {
      throw new TypeError(`storage: the positions under ${this.#key} cannot be read; they are given up`);
    }
    return new Map(Object.entries(channels));
  }
}

// ---- 7 Requests

/**
 * Publishes and calls under way. Publishes of one channel keep their order, as protocol.md says: they are sent without waiting for
 * answers, but none before an earlier one that has to be sent again, or that is still unanswered on another link. The server takes none that
 * was sent before a refusal was known here, and after one nothing is published until all that was sent before it is answered.
 */
class Requests {
  #all = new Set(); // in the order in which they were asked for
  #link = null; #most; #notBefore = 0; #timer; // notBefore, in ticks: of all publishes, after one was over a limit

  constructor(most) { this.#most = most; }

  /** Sends a frame. `channel` is given for publishes alone. */
  add(json, { channel, wait, repeatable, timeoutMs, what }) {
    if (this.#all.size >= this.#most) {
      throw new TidewireError({ code: "limited", limit: "maxPending", message: `${this.#all.size} requests are under way; wait for some of them` });
    }
    return new Promise((resolve, reject) => {
      const one = { json, channel, wait, repeatable, what, resolve, reject, deadline: ticks() + timeoutMs, link: null, takeBack: null, notBefore: 0, refusals: 0, lost: false };
      one.timer = setTimeout(() => {
        const { link } = one, sent = link !== null && !one.takeBack();
        if (sent) link.probe(); // perhaps nothing gets through any more
        const lost = sent || one.lost;
        this.#settle(one, reject, new TidewireError({
          code: "timeout", lost, message: lost ? `no answer to ${what} in ${timeoutMs} ms` : "no connection in time; it was not sent",
        }));
      }, Math.min(timeoutMs, MAX_TIMER));
      this.#all.add(one);
      this.#send();
    });
  }

  /** The link to send by from now on; null: there is none, and only what may wait stays. */
  use(link) {
    [this.#link, this.#notBefore] = [link, 0];
    if (link) return this.#send();
    for (const one of [...this.#all]) {
      if (!one.wait && !one.link) this.#settle(one, one.reject, new TidewireError({ code: "unavailable", message: "the connection was lost; it was not sent" }));
    }
  }

  fail(error) { for (const one of [...this.#all]) this.#settle(one, one.reject, error); }

  #send() {
    clearTimeout(this.#timer);
    const held = new Set(); // channels on which an earlier publish has to go first
    // What was sent before a refusal was known will be refused as well, and what goes before its answer would be after it.
    const flushing = [...this.#all].some(({ link, channel, refusals }) => link && link === this.#link && channel !== undefined && refusals < link.refusals);
    let soonest = Infinity;
    for (const one of [...this.#all]) {
      const link = this.#link, now = ticks(), publishes = one.channel !== undefined;
      if (!link || link.ended) return;
      if (!this.#all.has(one)) continue;
      const from = Math.max(one.notBefore, publishes ? this.#notBefore : 0);
      if (!one.link && !held.has(one.channel) && from <= now && !(publishes && flushing)) this.#sendOne(one, link);
      if (!one.link && from > now) soonest = Math.min(soonest, from - now);
      if (publishes && one.link !== link && this.#all.has(one)) held.add(one.channel);
    }
    if (soonest < Infinity) this.#timer = setTimeout(() => this.#send(), Math.ceil(soonest));
  }

  #sendOne(one, link) {
    [one.link, one.refusals] = [link, link.refusals];
    one.takeBack = link.ask(one.json, (answer) => this.#settle(one, one.resolve, answer), (error) => this.#refused(one, error), { what: one.what, publishes: one.channel !== undefined });
  }

  #refused(one, error) {
    one.link = null;
    const soon = error.code === "unavailable" || error.code === "draining" ? 1000 : 0;
    const later = error.retryAfterMs ?? (error.lost ? 0 : soon);
    const again = error.lost ? one.repeatable && !error.fatal : later > 0;
    error.lost = one.lost ||= error.lost;
    one.notBefore = ticks() + later;
    if (error.code === "limited" && one.channel !== undefined) this.#notBefore = Math.max(this.#notBefore, one.notBefore);
    for (const other of later > 0 ? this.#all : []) { // what has not gone out yet must not overtake it
      if (other.link && other.channel !== undefined && other.takeBack?.(true)) other.link = null;
    }
    if (!one.wait || !again || one.notBefore >= one.deadline) this.#settle(one, one.reject, error);
    else this.#send();
  }

  #settle(one, how, value) {
    if (!this.#all.delete(one)) return;
    clearTimeout(one.timer);
    how(value);
    this.#send();
  }
}

// ---- 8 Tidewire

/** Why there is no token to be had: the application has said so. */
class SignedOut extends TidewireError {}

/** The options of a client, checked: what is wrong with them shows at once and not in a state that nobody expects. */
function checkOptions(url, options) {
  const given = typeof url === "object" && url !== null && !(url instanceof URL) ? url : { ...options, url };
  const set = Object.entries(given).filter(([, value]) => value !== undefined);
  const o = {
    tokenIn: "subprotocol", WebSocket: globalThis.WebSocket, backoffMs: 500, backoffCapMs: 30_000, connectTimeoutMs: 15_000,
    requestTimeoutMs: 30_000, maxPending: 256, remember: 1000, ...Object.fromEntries(set),
  };
  if (typeof o.WebSocket !== "function") throw new TypeError("WebSocket: this runtime has none; give a constructor as an option");
  if (o.tokenIn !== "frame" && o.tokenIn !== "subprotocol") throw new TypeError(`tokenIn: must be frame or subprotocol, got ${show(o.tokenIn)}`);
  for (const name of ["backoffMs", "backoffCapMs", "connectTimeoutMs", "requestTimeoutMs", "maxPending", "remember"]) {
    if (!(o[name] >= 1 && Number.isFinite(o[name]))) throw new TypeError(`${name}: must be a number of at least 1, got ${o[name]}`);
  }
  o.token ??= undefined;
  if (!["undefined", "string", "function"].includes(typeof o.token)) throw new TypeError(`token: must be a string or a function, got ${typeof o.token}`);
  if (typeof o.token === "string" && !asToken(o.token)) throw new TypeError("token: must be a token or a function that gets one, got a string with other characters than letters, digits and - . _ ~ + / =");
  o.url = new URL(o.url, globalThis.location?.href);
  o.url.protocol = o.url.protocol.replace(/^http/, "ws");
  if (o.url.pathname === "/") o.url.pathname = "/v1/socket";
  o.storageKey ??= `tidewire:${o.url}`;
  return Object.freeze(o);
}

/** A connection that comes back. Starts at once; see README.md for options, events and states. */
export class Tidewire {
  #options; #state = Object.freeze({ name: "connecting", since: Date.now() });
  #listeners = new Map(); #timers = new Map(); #clock = new Clock();
  #feeds = new Map(); #watches = new Map(); #bookmarks; #requests;
  #directs = new Recent(1000); // IDs of events that belong to no channel
  #link = null; // the one that is live
  #next = null; // the one being opened; during a move beside a live one
  #leaving = null; // the one moved away from, which may still answer requests
  #who = null; // tenant and user of the last welcome, as JSON
  #turn = 0; // of dialling: what an earlier turn brings is stale
  #attempt = 0; #notBefore = 0; // in ticks: when the server lets us come back
  #quick = 0; // moves from links that were not stable
  #source; #token = null; #refused = false; #rejections = 0; // what gives tokens, the one in hand, whether the last was refused, how many in a row
  #renewAt = Infinity; #hasty = 0; // in ticks; renewals in a row that came sooner than they should
  #inFrame = false; #headersRefused = 0; // where the next token goes, and how often only the first frame would do
  #cautious = false; #blunders = 0; // something we sent ended a connection: send less at once
  #messageBytes = Infinity; #most = Infinity; // limits of the last welcome

  constructor(url, options = {}) {
    const o = this.#options = checkOptions(url, options);
    this.#source = o.token;
    this.#requests = new Requests(o.maxPending);
    this.#bookmarks = new Bookmarks(o.storage, o.storageKey, (error) => this.#emit("error", error));
    this.#hear("addEventListener");
    queueMicrotask(() => { // listeners and subscriptions made right after this are in time
      if (this.#state.name === "connecting" && this.#turn === 0) this.#dial();
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

  /** Reads a channel. One whose name cannot be is refused here, and nobody else knows of it. */
  subscribe(channel, onMessage, options) {
    if (typeof onMessage !== "function") [onMessage, options] = [undefined, options ?? onMessage];
    this.#checkOpen();
    const known = this.#feeds.get(channel);
    const feed = known ?? new Feed(channel, options?.since, this.#options.remember);
    const subscription = new Subscription(feed, (reader) => this.#leave(feed, reader), onMessage, options ?? {});
    if (known) return subscription;
    try {
      checkChannel(channel);
    } catch (error) {
      error.channel = text(channel);
      this.#finish(feed, error);
      queueMicrotask(() => this.#emit("error", error));
      return subscription;
    }
    this.#bookmarks.restore(feed);
    this.#feeds.set(channel, feed);
    if (this.#speaker) this.#ask(feed, this.#speaker);
    return subscription;
  }

  /** Ends every subscription of the channel. */
  unsubscribe(channel) {
    const feed = this.#feeds.get(channel);
    for (const reader of [...(feed?.readers.keys() ?? [])]) reader.unsubscribe();
  }

  /**
   * Publishes; with `wait` also across reconnects, once, because the server drops a repeated `event`. What is published
   * on a channel keeps its order.
   */
  async publish(channel, data, { key, tags, event, wait = false, timeoutMs } = {}) {
    this.#checkOpen();
    if (data === undefined || typeof data === "function" || typeof data === "symbol") throw badRequest("data: is missing; null is a value");
    if (wait) event ??= newID();
    const json = checkJSON({ type: "publish", channel: checkChannel(channel), data, key: checkText("key", key), tags: checkTags(tags), event: checkText("event", event) });
    const answer = await this.#request(json, { channel, wait, repeatable: true, timeoutMs, what: "publish" });
    return { event: text(answer.event) ?? event };
  }

  /** Asks a route of the server; with `wait` it waits for a connection, but is never sent twice. */
  async call(route, data, { wait = false, timeoutMs } = {}) {
    this.#checkOpen();
    if (typeof route !== "string" || route === "") throw badRequest(`route: must be a name, got ${show(route)}`);
    return (await this.#request(checkJSON({ type: "call", route, data }), { wait, repeatable: false, timeoutMs, what: "call" })).data;
  }

  /** Watches who is on a channel; returns a function that stops it. */
  presence(channel, callback) {
    this.#checkOpen();
    try {
      checkChannel(channel);
    } catch (error) {
      error.channel = text(channel);
      queueMicrotask(() => this.#emit("error", error));
      return () => {};
    }
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
    if (token !== undefined) {
      const given = asToken(token);
      if (given === undefined) throw new TypeError("token: must be a token, got something with other characters than letters, digits and - . _ ~ + / =");
      if (typeof this.#source !== "function") this.#source = given;
      this.#take(given);
    }
    const link = this.#link;
    if (!link) {
      if (token === undefined) this.#token = null; // another one than in hand
      return this.reconnect();
    }
    if (token === undefined) await this.#provide();
    if (this.#token) return this.#renew(link, this.#token);
  }

  /** Tries now instead of at the planned moment, also after a refusal. */
  reconnect() {
    this.#checkOpen();
    if (this.#link || this.#timers.has("dial")) return;
    [this.#attempt, this.#refused, this.#rejections, this.#blunders] = [0, false, 0, 0];
    this.#dial();
  }

  /** Ends everything; positions are kept in the storage, if there is one. */
  close() {
    if (this.#state.name === "closed") return;
    this.#hangUp(new TidewireError({ code: "closed", message: "the client was closed" }));
    this.#set({ name: "closed" });
    for (const standing of this.#standing) this.#finish(standing);
    this.#hear("removeEventListener");
  }

  // ---- 8.1 dialling: state connecting, or reconnecting without retryAt

  #dial() {
    const turn = ++this.#turn;
    this.#cancel("retry");
    this.#cancel("move");
    this.#next?.shut();
    this.#next = null;
    if (!this.#link) {
      const { name, attempt, code, message, action } = this.#state;
      this.#set(name === "reconnecting" ? { name, attempt, code, message, action, retryAt: null } : { name: "connecting" });
      if (turn !== this.#turn) return; // a listener of that has closed the client, or dialled by itself
    }
    this.#after("dial", this.#options.connectTimeoutMs, () => {
      this.#turn++;
      const late = this.#next;
      late?.shut();
      this.#over(late, 4408, "no welcome in time");
    });
    this.#open(turn).catch((error) => {
      if (turn !== this.#turn) return;
      this.#turn++;
      this.#cancel("dial");
      if (error instanceof SignedOut) return this.#stop({ code: error.code, message: error.message, closeCode: 4401, action: SIGN_IN });
      this.#emit("error", error);
      if (this.#state.name !== "closed") this.#over(null, 1011, error?.message);
    });
  }

  async #open(turn) {
    if (this.#source !== undefined && !this.#inHand) await this.#provide();
    if (turn !== this.#turn) return;
    const token = this.#token, { WebSocket, tokenIn, url } = this.#options;
    const inHandshake = token !== null && tokenIn === "subprotocol" && !this.#inFrame && fitsHeader(token.value);
    this.#inFrame = inHandshake; // next time, should it not even open: perhaps a proxy minds the header
    const link = new Link(new WebSocket(url.href, inHandshake ? [PROTOCOL, `bearer.${token.value}`] : [PROTOCOL]), token, {
      open: () => {
        this.#headersRefused = inHandshake ? 0 : this.#headersRefused;
        this.#inFrame = false;
        this.#opened(link, inHandshake ? undefined : token?.value);
      },
      frame: (_, frame) => this.#frame(link, frame),
      closed: (_, code, message) => this.#over(link, code, message),
      fault: (error) => this.#emit("error", error),
      roundTrip: (ms) => this.#clock.roundTrip(ms),
    });
    link.inHandshake = inHandshake;
    this.#next = link;
  }

  /** Whether the token in hand may be used again. */
  get #inHand() {
    if (!this.#token) return false;
    const { byClock, byLength } = this.#left(this.#token);
    // One that has never been shown is not called over because of a clock.
    return !this.#token.endsAt || typeof this.#source !== "function" || byLength > MARGIN && (byClock > MARGIN || !this.#token.shown);
  }

  /** Gets a token from the provider, or takes the fixed one. What is late is kept for the next turn. */
  #provide() {
    const source = this.#source, before = this.#token, rejected = this.#refused;
    if (typeof source !== "function") return this.#take(asToken(source));
    const provided = (async () => source({ rejected }))().then((value) => {
      if (value === null) throw new SignedOut({ code: "unauthorized", message: "the token provider has no token: signed out" });
      const token = asToken(value);
      if (token === undefined) throw new TypeError(`token: the provider must return a token, or null if nobody is signed in, got ${typeof value === "string" ? "a string that is no token" : typeof value}; check answer.ok in it`);
      if (this.#token === before) this.#take(token); // nobody was quicker
    });
    provided.catch(() => {}); // when nobody waits any more
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new TidewireError({ code: "timeout", message: "the token provider did not answer in time" })), this.#options.connectTimeoutMs);
    });
    return Promise.race([provided, late]).finally(() => clearTimeout(timer));
  }

  #take(value) {
    if (value !== this.#token?.value) this.#token = value ? tokenOf(value) : null;
  }

  /**
   * How long a token is good, in milliseconds: by the clocks, which may be wrong, and by its own length, which is too long if it was
   * not new when it came, and Infinity if it does not tell. The shorter one counts, since renewing early does no harm.
   */
  #left({ takenAt, endsAt, lastsMs }) {
    return { byClock: endsAt - this.#clock.serverNow, byLength: lastsMs - (ticks() - takenAt) };
  }

  /** Sends the first frame: the token and where each channel stands, as much as goes in at once. */
  #opened(link, token) {
    const now = ticks(), frame = { id: FIRST_ID, type: "connect", token };
    // Whose positions they are is known only after the welcome of the first connection.
    const feeds = this.#cautious ? [] : [...this.#feeds.values()].filter((feed) => feed.retryAt <= now && (this.#bookmarks.known || feed.position));
    // asOf speaks for all of the frame, so a feed that has another one asks by itself.
    const asOf = feeds.reduce((newest, feed) => (feed.asOf > (newest ?? 0) ? feed.asOf : newest), undefined);
    let room = Math.min(FIRST_FRAME, this.#messageBytes) - bytes(JSON.stringify({ ...frame, asOf, subscriptions: [] }));
    const subscriptions = [];
    for (const feed of feeds) {
      const { type, asOf: own, ...subscription } = feed.request;
      if (feed.position && own !== asOf) continue;
      room -= bytes(JSON.stringify(subscription)) + 1;
      if (room < 0 || subscriptions.length >= this.#most) break;
      subscriptions.push(subscription);
      link.first.set(feed.channel, feed);
      this.#expect(feed, link);
    }
    if (subscriptions.length === 0 && token === undefined && link.inHandshake) return; // the welcome comes unasked
    link.send(JSON.stringify(subscriptions.length ? { ...frame, asOf, subscriptions } : { ...frame, subscriptions }));
  }

  #welcomed(link, frame) {
    if (link.welcome || link !== this.#next) return;
    if (text(frame.tenant) === undefined || text(frame.user) === undefined) return link.drop("the welcome does not say whose it is");
    const welcome = readWelcome(frame), who = JSON.stringify([welcome.tenant, welcome.user]);
    if (this.#who !== null && who !== this.#who) return this.#changeUser(link, who);
    this.#cancel("dial");
    if (!link.inHandshake && this.#options.tokenIn === "subprotocol" && link.token && fitsHeader(link.token.value)) this.#headersRefused++;
    this.#inFrame = this.#headersRefused > 1;
    link.greet(welcome);
    [this.#who, this.#refused, this.#rejections, this.#cautious] = [who, false, 0, false];
    [this.#messageBytes, this.#most] = [welcome.limits.messageBytes, welcome.limits.subscriptionsPerConnection];
    if (link.token) [link.token.endsAt, link.token.shown] = [welcome.expiresAt || link.token.endsAt, true];
    this.#bookmarks.open(welcome.tenant, welcome.user);
    const moving = this.#link !== null;
    for (const standing of this.#standing) {
      if (link.asked.has(standing) || standing.retryAt > ticks()) continue;
      if (standing instanceof Feed) this.#bookmarks.restore(standing);
      this.#ask(standing, link);
    }
    if (link.ended) return; // by a listener of what was refused
    if (link.first.size) this.#after(link.first, 2 * this.#options.requestTimeoutMs, () => this.#again(link, "timeout"));
    if (!moving && link.resumed) this.#after("resumed", QUIET, () => this.#tellResumed(link));
    if (moving) link.resumed = null; // nothing was interrupted
    if (!moving) this.#promote(link);
    else this.#handOver(link);
  }

  /** Somebody else is welcome here than before: what was read until now was not his, so nothing is resumed. */
  #changeUser(link, who) {
    this.#who = who;
    for (const feed of this.#feeds.values()) feed.forget();
    this.#requests.fail(new TidewireError({ code: "forbidden", message: "another user has come; what the last one asked for is not done in his name" }));
    if (this.#link) {
      this.#link.shut();
      this.#unlink();
    }
    link.drop("the token is of another user; what was read is given up");
  }

  /** The feeds and watches: each new link is asked for them. */
  get #standing() { return [...this.#feeds.values(), ...this.#watches.values()]; }

  /** The link that new requests for channels go to. */
  get #speaker() { return this.#next?.welcome ? this.#next : this.#link; }

  // ---- 8.2 live, and moving

  /** During a move: lets the old link go when the new one has taken every channel over. */
  #handOver(link) {
    if (link === this.#next && !link.ended && this.#link && link.welcome && link.owed.size === 0) this.#promote(link);
  }

  #promote(link) {
    const old = this.#link;
    [this.#link, this.#next, this.#notBefore] = [link, null, 0];
    this.#cancel("move");
    if (old) {
      this.#leaving?.shut();
      this.#leaving = old;
      this.#quick = ticks() - old.liveAt < STABLE ? this.#quick + 1 : 0;
      this.#after("leave", old.busy ? HANDOVER : 0, () => old.shut());
    }
    this.#planRenewal();
    this.#requests.use(link);
    const { heartbeatMs, ...welcome } = link.welcome;
    this.#set({ name: "live", ...welcome });
    if (old) this.#emit("move", { phase: "done", connection: welcome.connection });
  }

  #move(link, afterMs) {
    if (link !== this.#link || this.#next || this.#timers.has("dial") || this.#timers.has("move")) return;
    // One after another is no order but a fault, and must not become a storm.
    const wait = within(afterMs, 0, MAX_ORDER, 0) + (this.#quick ? this.#backoff(this.#quick - 1) : 0);
    this.#emit("move", { phase: "planned", afterMs: wait });
    this.#after("move", wait, () => this.#dial());
  }

  // ---- 8.3 ends

  /** A link ended, or a dial that made none (null): decides what is left and what comes next. */
  #over(link, code, message) {
    const failure = link?.failure;
    const reason = {
      code: text(failure?.code) ?? onConnection(code).code, message: text(failure?.message) || text(message) || "",
      closeCode: code, retryAfterMs: within(failure?.retryAfterMs, 0, MAX_ORDER),
    };
    if (link) this.#forgive(link);
    if (reason.code === "expired" && link?.token?.endsAt) { // so the pause was too long, and the server's clock is there
      this.#clock.past(link.token.endsAt);
      this.#hasty = 0;
    }
    if (link && link === this.#link) {
      this.#unlink();
      if (this.#next?.welcome) return this.#promote(this.#next);
      this.#cancel("move");
      if (this.#timers.has("dial")) { // a move that has become a reconnect
        this.#discard(link, code);
        return this.#set({ name: "reconnecting", retryAt: null, attempt: this.#attempt, ...reason });
      }
    } else if (link === this.#next) {
      this.#cancel("dial");
      this.#next = null;
      const moved = link && this.#standing.some((standing) => standing.link === link);
      if (this.#link && !moved) return this.#comeBack(reason, link);
      // Channels that read from the new link already have no way back to the old one.
      this.#link?.shut();
      this.#unlink();
    } else return; // one that was moved away from
    this.#comeBack(reason, link);
  }

  #unlink() {
    this.#link = null;
    this.#cancel("refresh");
    this.#requests.use(null);
    for (const feed of [...this.#feeds.values()]) {
      if (!feed.link?.ended || feed.state.name !== "live") continue;
      const wait = feed.retryAt - ticks(); // the next link of a move had put it off
      this.#become(feed, wait > 0 ? { ...feed.state, name: "waiting", retryAt: Date.now() + wait } : { ...feed.state, name: "pending" });
    }
  }

  /** What a link has put off, another may give at once. */
  #forgive(link) {
    this.#cancel(link.first);
    for (const standing of this.#standing) {
      if (standing.putOffBy !== link || standing.retryAt === 0) continue;
      this.#cancel(standing);
      standing.retryAt = 0;
      if (standing.state?.name === "waiting") this.#become(standing, { ...standing.state, name: "pending", retryAt: undefined, code: undefined });
    }
  }

  /** A token that was refused is not used again. One that has never been shown to the server is not to blame. */
  #discard(link, code) {
    if (onConnection(code).verdict !== RENEW) return;
    this.#refused = true;
    if (this.#token === link?.token) this.#token = null;
  }

  /** Follows the verdict on the close code. With a live link it is only a move that failed. */
  #comeBack(reason, link) {
    if (this.#state.name === "closed" || this.#timers.has("dial")) return; // a listener has decided otherwise
    const { advice, verdict, action } = onConnection(reason.closeCode);
    if (link?.liveAt > 0 && ticks() - link.liveAt >= STABLE) [this.#attempt, this.#blunders] = [0, 0];
    let ordered = reason.retryAfterMs ?? (advice === LATER ? 1000 : 0), tries = 0;
    if (verdict === FINAL) return this.#stop({ ...reason, action });
    if (verdict === RENEW) {
      this.#discard(link, reason.closeCode);
      if (typeof this.#source !== "function" && !this.#token) return this.#stop({ ...reason, action });
      tries = ++this.#rejections;
      if (tries > 1) ordered = Math.max(ordered, 1000);
    }
    if (verdict === LESS) {
      this.#cautious = true;
      tries = ++this.#blunders;
      ordered = Math.max(ordered, tries === 1 ? 1000 : Math.min(SLOWEST, SLOWLY * 2 ** (tries - 2)));
    }
    const wait = Math.ceil(ordered + this.#backoff(this.#attempt++)), retryAt = Date.now() + wait;
    if (this.#link) {
      this.#after("move", wait, () => this.#dial());
      return this.#emit("move", { phase: "failed", retryAt });
    }
    this.#notBefore = ticks() + (reason.retryAfterMs ?? (verdict === LESS ? ordered : 0));
    this.#after("retry", wait, () => this.#dial());
    this.#set({ name: "reconnecting", retryAt, attempt: this.#attempt, ...reason, ...(tries >= PATIENCE && { action }) });
  }

  /** A random wait, up to twice as long after each failure. */
  #backoff(attempt) { return Math.random() * Math.min(this.#options.backoffCapMs, this.#options.backoffMs * 2 ** Math.min(attempt, 30)); }

  /** Ends it until a person does something, because a person has said so: the application, or an operator by a final code. */
  #stop(reason) {
    const error = new TidewireError(reason);
    if (this.#link) return this.#emit("error", error); // a move was refused: the old link lives on until it is closed
    if (!this.#hangUp(error)) return;
    this.#set({ name: "refused", ...reason });
    this.#emit("error", error);
  }

  /** Ends what there is. Tells whether it stays so: a listener may have dialled anew. */
  #hangUp(error) {
    const turn = ++this.#turn;
    this.#save();
    for (const name of [...this.#timers.keys()]) this.#cancel(name);
    for (const link of [this.#leaving, this.#next, this.#link]) {
      link?.shut();
      if (link) this.#forgive(link);
    }
    for (const standing of this.#standing) standing.retryAt = 0; // the next link is asked for it
    [this.#leaving, this.#next] = [null, null];
    this.#unlink();
    this.#requests.fail(error);
    return turn === this.#turn;
  }

  /** The page is shown again, or the network is back: sockets may have died unseen, and waiting is over. */
  #wake = () => {
    if (globalThis.document?.visibilityState === "hidden") return this.#save();
    this.#link?.probe();
    if (this.#timers.has("retry")) this.#after("retry", Math.max(0, this.#notBefore - ticks()), () => this.#dial());
  };

  #hear(how) {
    for (const type of ["online", "pageshow"]) globalThis[how]?.(type, this.#wake);
    for (const type of ["visibilitychange", "resume"]) globalThis.document?.[how]?.(type, this.#wake);
    globalThis[how]?.("pagehide", this.#save);
    globalThis.document?.[how]?.("freeze", this.#save);
  }

  // ---- 8.4 frames

  #frame(link, frame) {
    switch (frame.type) {
      case "message": return this.#message(link, frame);
      case "welcome": return this.#welcomed(link, frame);
      case "direct": // both links of a move may bring it
        if (text(frame.event) === undefined || !this.#directs.seen(frame.event)) this.#emit("direct", frame);
        return;
      case "ok": { // the answer to a subscription of the first frame
        const feed = frame.id === undefined ? link.first.get(frame.channel) : undefined;
        return feed && this.#granted(feed, link, frame);
      }
      case "error": return this.#failed(link, frame);
      case "heartbeat": return this.#heartbeat(link, moment(frame.asOf));
      case "notice": return this.#notice(link, frame);
      case "presence": {
        const watch = this.#watches.get(frame.channel);
        if (watch?.link === link) watch.update({ ...frame, members: undefined });
        return;
      }
      case "move": return this.#move(link, frame.afterMs);
    } // any other is from a newer server
  }

  #message(link, message) {
    const feed = this.#feeds.get(message.channel);
    if (feed?.link !== link) return;
    if (!isPosition(message.position)) return this.#gap(feed, feed.position, "live"); // it cannot be told what this is
    const now = ticks(), { time, id } = parsePosition(message.position);
    if (time < feed.floor && now < feed.floorUntil) return; // came by the link before
    feed.floor = 0;
    if (feed.recent.seen(id)) {
      if (time > timeOf(feed.position)) feed.position = message.position;
      return;
    }
    message.time = moment(message.time) || time;
    message.replayed = time <= feed.edge;
    if (message.replayed) {
      feed.state = Object.freeze({ ...feed.state, caughtUp: feed.state.caughtUp + 1 });
      if (link.resumed) {
        link.resumed.caughtUp++;
        link.resumed.at = now;
      }
    }
    this.#clock.heard(message.time);
    message.receivedAt = Date.now();
    message.latencyMs = this.#clock.delay(message.time);
    if (!message.replayed) this.#clock.record(message.latencyMs);
    feed.deliver(message);
    feed.position = message.position;
    this.#saveSoon();
  }

  #notice(link, { code, channel, position, count }) {
    if (code === "presence-ended") {
      const watch = this.#watches.get(channel);
      if (watch?.link === link) this.#denied(watch, link, new TidewireError({ code: "forbidden", channel, message: `the token does not grant the presence of ${channel}` }));
      return;
    }
    const feed = this.#feeds.get(channel);
    if (feed?.link !== link) return;
    if (code === "gap") this.#gap(feed, position, "live");
    if (code !== "dropped") return;
    const dropped = { type: "dropped", channel, count: within(count, 1, Number.MAX_SAFE_INTEGER, 1), by: "server" };
    feed.deliver(dropped);
    this.#emit("dropped", dropped);
  }

  #gap(feed, position, reason) {
    if (!isPosition(position)) position = undefined;
    const gap = { type: "gap", channel: feed.channel, position, reason };
    [feed.floor, feed.forgot] = [0, false]; // the sequence is broken here, so nothing can be inferred from times
    feed.deliver(gap);
    feed.position = position;
    this.#emit("gap", gap);
  }

  #heartbeat(link, asOf) {
    if (!asOf) return; // it stands still
    this.#clock.heard(asOf);
    const token = this.#link?.token, left = token?.endsAt ? this.#left(token).byClock : 0;
    if (left > 0 && this.#hasty === 0 && this.#timers.has("refresh") && this.#renewAt - ticks() > 0.9 * left) this.#planRenewal(); // the clocks are further apart than was known
    for (const feed of this.#feeds.values()) if (feed.link === link) feed.asOf = asOf;
    this.#saveSoon();
  }

  #failed(link, frame) {
    if (frame.id !== undefined && frame.id !== FIRST_ID) return; // the answer to a request that was given up
    const error = new TidewireError(frame), reading = this.#feeds.get(frame.channel);
    const feed = link.first.get(frame.channel) ?? (reading?.link === link ? reading : undefined); // a new token may end it
    if (feed) return this.#denied(feed, link, error);
    if (typeof frame.channel === "string" && frame.channel) return this.#emit("error", error);
    // None of the first frame's subscriptions was taken; asked for one by one, each has its own answer.
    if (link.welcome && link.first.size && (frame.id === FIRST_ID || frame.limit === "subscriptionsPerConnection")) return this.#again(link, "unavailable", error.retryAfterMs);
    link.failure = frame; // a close follows, and the state will tell; if none does, the event
    setTimeout(() => {
      if (link.ended || link.failure !== frame) return;
      link.failure = null;
      this.#emit("error", error);
    }, 1000);
  }

  /** Asks once more for what the first frame has asked for and not got. */
  #again(link, code, retryAfterMs) {
    for (const feed of [...link.first.values()]) this.#denied(feed, link, new TidewireError({ code, message: "no answer to the first frame", retryAfterMs }));
  }

  // ---- 8.5 channels and presence, which stand: each new link is asked for them

  #expect(standing, link) {
    link.asked.set(standing, standing.position);
    link.owed.add(standing);
    if (standing.position) link.resumed ??= { caughtUp: 0, gaps: [], at: 0 };
  }

  #ask(standing, link) {
    this.#expect(standing, link);
    const once = (then) => (answer) => link.asked.has(standing) && then.call(this, standing, link, answer);
    link.ask(JSON.stringify(standing.request), once(this.#granted), once(this.#denied), { timeoutMs: 2 * this.#options.requestTimeoutMs, what: standing.request.type });
  }

  /** What is said of it on that link matters no more: it ended, the link did, or a newer link has it. */
  #isStale(standing, link) {
    if (standing.ended || link.ended || link === this.#leaving) return true;
    return link === this.#link && this.#next !== null && standing.link === this.#next;
  }

  #granted(standing, link, answer) {
    link.owed.delete(standing);
    if (link.first.get(standing.channel) === standing) link.first.delete(standing.channel);
    if (this.#isStale(standing, link)) return this.#handOver(link);
    [standing.link, standing.attempt, standing.retryAt] = [link, 0, 0];
    if (standing instanceof Watch) standing.update({ members: [], ...answer });
    else this.#begin(standing, link, answer);
    this.#handOver(link);
  }

  #begin(feed, link, answer) {
    const since = link.asked.get(feed), resumed = answer.resumed === true;
    const position = isPosition(answer.position) ? answer.position : undefined;
    // A server that does not say that nothing was missed has not said it; nor do we, if we do not know where we stood.
    const gap = answer.gap === true || feed.forgot || (since !== undefined && !resumed);
    const ahead = feed.position !== since; // by the other link of a move
    [feed.floor, feed.floorUntil] = ahead ? [timeOf(feed.position), ticks() + RESUME_WITHIN] : [0, 0];
    feed.asOf = undefined; // until a heartbeat comes after this answer
    feed.edge = since !== undefined || ahead ? this.#clock.edge : 0;
    this.#become(feed, { name: "live", resumed: resumed && !gap, gap, caughtUp: 0 });
    if (feed.ended) return; // by a listener of that
    if (link.resumed) link.resumed.at = ticks();
    if (gap) {
      link.resumed?.gaps.push(feed.channel);
      this.#gap(feed, position, "resume");
    } else if (position && (!ahead || timeOf(position) > timeOf(feed.position))) feed.position = position;
    feed.resolve();
    this.#saveSoon();
  }

  #denied(standing, link, error) {
    if (link.first.get(standing.channel) === standing) link.first.delete(standing.channel);
    const asked = link.asked.get(standing);
    link.asked.delete(standing);
    if (this.#isStale(standing, link)) {
      link.owed.delete(standing);
      return this.#handOver(link);
    }
    let again = onChannel(error) === RETRY;
    if (!again && error.code === "bad-request" && asked !== undefined) { // perhaps it is the position
      standing.forget();
      again = true;
    }
    if (!again) {
      link.owed.delete(standing);
      error.channel ??= standing.channel;
      this.#finish(standing, error);
      this.#emit("error", error);
      return this.#handOver(link);
    }
    // The server has it already, or has it still in hand: let go of that first.
    if (error.code === "conflict" || error.code === "timeout") this.#letGo(standing, link);
    const wait = Math.ceil((error.retryAfterMs ?? (error.code === "bad-request" ? 0 : 1000)) + this.#backoff(standing.attempt++));
    [standing.retryAt, standing.putOffBy] = [ticks() + wait, link];
    this.#after(standing, wait, () => {
      standing.retryAt = 0;
      for (const each of [this.#next, this.#link]) {
        if (each?.welcome && !each.ended && !each.asked.has(standing)) return this.#ask(standing, each);
      }
    });
    const reads = standing.link && !standing.link.ended && standing.link !== link; // by the old link of a move
    if (standing instanceof Feed && !reads) this.#become(standing, { ...standing.state, name: "waiting", retryAt: Date.now() + wait, code: error.code });
  }

  #letGo(standing, link) {
    const frame = standing instanceof Feed ? { type: "unsubscribe", channel: standing.channel } : { type: "presence", channel: standing.channel, watch: false };
    link.request(frame, { timeoutMs: this.#options.requestTimeoutMs }).catch(() => {}); // it is ended here either way
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
    if (feed.readers.size === 0) this.#forget(this.#feeds, feed);
  }

  #forget(all, standing) {
    if (all.get(standing.channel) !== standing) return;
    this.#finish(standing);
    this.#saveSoon();
    for (const link of [this.#link, this.#next]) {
      if (!link?.asked.delete(standing)) continue;
      link.owed.delete(standing);
      this.#letGo(standing, link);
      this.#handOver(link);
    }
  }

  #tellResumed(link) {
    if (link.ended || link !== this.#link && link !== this.#next) return;
    const owed = [...link.owed].some((standing) => standing.retryAt === 0), now = ticks();
    if ((owed || now - link.resumed.at < QUIET) && now - link.liveAt < RESUME_WITHIN) return this.#after("resumed", QUIET, () => this.#tellResumed(link));
    const { caughtUp, gaps } = link.resumed;
    link.resumed = null;
    this.#emit("resumed", { caughtUp, gaps });
  }

  // ---- 8.6 requests, renewal of the token, storage, timers, events

  #request(json, { wait, timeoutMs = this.#options.requestTimeoutMs, ...how }) {
    if (!(timeoutMs > 0)) throw new TypeError(`timeoutMs: must be positive, got ${timeoutMs}`);
    if (!this.#link && (!wait || this.#state.name === "refused")) {
      throw new TidewireError({ code: "unavailable", message: `not connected (${this.#state.name}); try again when live, or ask with wait` });
    }
    return this.#requests.add(json, { wait, timeoutMs, ...how });
  }

  /** Renews in-band. Until the server has taken the token, the link lives by its old one. */
  async #renew(link, token) {
    try {
      const { expiresAt } = await link.request({ type: "refresh", token: token.value }, { timeoutMs: this.#options.requestTimeoutMs, urgent: true });
      token.endsAt = moment(expiresAt) || token.endsAt;
    } catch (error) {
      if (["unauthorized", "expired", "forbidden", "bad-request"].includes(error.code)) {
        this.#refused = true;
        if (this.#token === token) this.#token = link.token; // which goes on
      }
      throw error;
    }
    [link.token, this.#refused] = [token, false];
    link.welcome = { ...link.welcome, expiresAt: token.endsAt };
    if (link !== this.#link) return;
    this.#planRenewal();
    this.#set({ ...this.#state, expiresAt: token.endsAt });
  }

  /** Renews well before the end, if there is a provider. Neither a clock that is far off nor a failure makes it a storm. */
  #planRenewal(ordered = 0) {
    const token = this.#link?.token;
    if (typeof this.#source !== "function" || !token?.endsAt) return;
    const { byClock, byLength } = this.#left(token), share = 0.7 + 0.15 * Math.random();
    const wait = share * (byClock > 0 ? Math.min(byClock, byLength) : 0); // 0: not even that is known
    const pause = Math.min(60_000, 1000 * 2 ** this.#hasty, byLength > 0 ? Math.max(1000, share * byLength) : Infinity);
    const hasty = byClock <= 0 || (byLength < Infinity ? byClock < byLength / 2 : wait < pause); // then the clocks are probably wrong
    this.#hasty = hasty ? Math.min(this.#hasty + 1, 10) : 0;
    this.#renewAt = ticks() + Math.max(ordered, wait, pause);
    this.#after("refresh", this.#renewAt - ticks(), async () => {
      try {
        await this.refresh();
      } catch (error) {
        if (this.#state.name === "closed") return;
        this.#planRenewal(error?.retryAfterMs);
        this.#emit("error", error);
      }
    });
  }

  #saveSoon() {
    if (this.#options.storage && !this.#timers.has("save") && this.#state.name !== "closed") this.#after("save", 1000, this.#save);
  }

  #save = () => this.#bookmarks.keep(this.#feeds);

  #checkOpen() {
    if (this.#state.name === "closed") throw new TidewireError({ code: "closed", message: "the client was closed; make a new one" });
  }

  #set(state) {
    if (this.#state.name === "closed") return;
    this.#state = Object.freeze({ ...state, since: Date.now() });
    this.#emit("state", this.#state);
  }

  #emit(type, detail) {
    const listeners = this.#listeners.get(type);
    if (type === "error" && !listeners?.size) console.error("tidewire:", detail?.message ?? detail);
    for (const listener of [...(listeners ?? [])]) guarded(listener, detail);
  }

  #after(name, ms, run) {
    this.#cancel(name);
    this.#timers.set(name, setTimeout(() => {
      this.#timers.delete(name);
      try {
        run();
      } catch (error) {
        this.#emit("error", error);
      }
    }, within(Math.ceil(ms), 0, MAX_TIMER, 0)));
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
