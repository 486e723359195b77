// The Tidewire client, protocol tidewire.v1.json, Apache-2.0. Built from src/ by make js: change it there.

// src/awareness.js
var AGAIN = 1e4;
var Awareness = class {
  #publish;
  #failed;
  #every;
  #data;
  #shows = false;
  #changed = false;
  #busy = false;
  #ended = false;
  #notBefore = 0;
  #timer;
  constructor({ publish, failed, maxRate }) {
    [this.#publish, this.#failed, this.#every] = [publish, failed, 1e3 / maxRate];
  }
  /** From now on this is shown. */
  set(data) {
    if (this.#ended) return;
    [this.#data, this.#shows, this.#changed] = [data, true, true];
    this.#plan();
  }
  /** Nothing is shown until the next `set`. */
  clear() {
    if (this.#ended || !this.#shows) return;
    [this.#data, this.#shows, this.#changed] = [void 0, false, true];
    this.#plan();
  }
  /** Nothing is shown any more. The server does the same when the connection ends. */
  end() {
    this.clear();
    this.#ended = true;
  }
  /** A new connection shows nothing yet. */
  connected() {
    if (!this.#shows) return;
    [this.#changed, this.#notBefore] = [true, 0];
    this.#plan();
  }
  #plan() {
    if (this.#busy) return;
    clearTimeout(this.#timer);
    const wait = this.#changed ? this.#notBefore - performance.now() : this.#shows && !this.#ended ? AGAIN : -1;
    if (!this.#changed && wait < 0) return;
    if (wait <= 0) return void this.#send();
    this.#timer = setTimeout(() => void this.#send(), wait);
    this.#timer.unref?.();
  }
  async #send() {
    const what = this.#shows ? { data: this.#data } : { delete: true };
    [this.#busy, this.#changed, this.#notBefore] = [true, false, performance.now() + this.#every];
    try {
      await this.#publish(what);
    } catch (error) {
      this.#refused(error);
    }
    this.#busy = false;
    this.#plan();
  }
  /** What may be taken another time is tried again, unless there is no connection: then the next one brings it. */
  #refused(error) {
    if (error.code === "closed") this.#ended = true;
    else if (error.code === "limited" || error.code === "unavailable") [this.#changed, this.#notBefore] = [!this.#ended, performance.now() + Math.max(1e3, error.retryAfterMs ?? 0)];
    else {
      [this.#shows, this.#ended] = [false, true];
      this.#failed(error);
    }
  }
};

// src/values.js
var MAX_NAME = 200;
var MAX_ORDER = 6e5;
function within(value, least, most, otherwise) {
  return typeof value === "number" && !Number.isNaN(value) ? Math.min(most, Math.max(least, value)) : otherwise;
}
var text = (value) => typeof value === "string" ? value : void 0;
var encoder = new TextEncoder();
var bytes = (string) => encoder.encode(string).length;
function show(value) {
  if (typeof value === "string") return JSON.stringify(value.slice(0, 64));
  return value === null || ["number", "boolean", "undefined"].includes(typeof value) ? String(value) : Array.isArray(value) ? "an array" : typeof value;
}
var moment = (value) => Number.isFinite(value) && value > 0 && value < 2 ** 48 ? Math.floor(value) : 0;
var membersOf = (list) => Array.isArray(list) ? list.filter((member) => typeof member?.user === "string") : [];
function readWelcome({ connection, user, tenant, instance, expiresAt, limits, heartbeatMs, version }) {
  const rate2 = (name, otherwise) => within(limits?.[name], 0, 1e9, otherwise);
  return {
    connection: text(connection) ?? "",
    user,
    tenant,
    instance: text(instance) ?? "",
    version: text(version),
    expiresAt: moment(expiresAt),
    heartbeatMs: within(heartbeatMs, 1e3, 6e5, 25e3),
    limits: Object.freeze({
      ...typeof limits === "object" ? limits : {},
      framesPerSecond: rate2("framesPerSecond", 50),
      publishesPerSecond: rate2("publishesPerSecond", 100),
      subscriptionsPerConnection: rate2("subscriptionsPerConnection", 128) || 1,
      messageBytes: limits?.messageBytes >= 256 ? rate2("messageBytes") : 65536
      // in less than that nothing can be said
    })
  };
}

// src/codes.js
var NOW = "retry now";
var TOKEN = "get a new token first";
var STOP = "stop";
var LATER = "retry later";
var AGAIN2 = "reconnect";
var RENEW = "renew the token";
var LESS = "reconnect with less";
var FINAL = "final";
var RETRY = "retry";
var REFUSE = "refuse";
var UPDATE = "Update this page: ";
var SIGN_IN = "Sign in again.";
var CODES = [
  // close, code, advice, verdict on the connection, verdict on a channel, what a person does
  [1e3, "closed", LATER, AGAIN2, RETRY, ""],
  [1001, "closed", LATER, AGAIN2, RETRY, ""],
  [1002, "bad-request", STOP, LESS, REFUSE, `${UPDATE}it broke the WebSocket protocol.`],
  [1003, "bad-request", STOP, LESS, REFUSE, `${UPDATE}it sent a binary message.`],
  [1006, "unreachable", NOW, AGAIN2, RETRY, ""],
  [1007, "bad-request", STOP, LESS, REFUSE, `${UPDATE}it sent text that is not UTF-8.`],
  [1011, "internal", LATER, AGAIN2, RETRY, ""],
  [1012, "draining", LATER, AGAIN2, RETRY, ""],
  [1013, "unavailable", LATER, AGAIN2, RETRY, ""],
  [4400, "bad-request", STOP, LESS, REFUSE, `${UPDATE}the server did not understand it.`],
  [4400, "not-found", STOP, LESS, RETRY, `${UPDATE}the server did not understand it.`],
  [4400, "conflict", STOP, LESS, RETRY, `${UPDATE}the server did not understand it.`],
  [4401, "unauthorized", TOKEN, RENEW, RETRY, SIGN_IN],
  [4401, "expired", TOKEN, RENEW, RETRY, SIGN_IN],
  [4403, "forbidden", STOP, FINAL, REFUSE, "Ask for access: this user or tenant may not connect."],
  [4403, "suspended", STOP, FINAL, REFUSE, "Ask for access: this user or tenant may not connect."],
  [4408, "timeout", NOW, AGAIN2, RETRY, ""],
  [4409, "replaced", STOP, FINAL, RETRY, "Another connection took this one's place. Reload this page to take it back."],
  [4413, "too-large", STOP, LESS, REFUSE, "Send less at once: a frame was over the limit."],
  [4429, "limited", LATER, AGAIN2, RETRY, ""],
  [4503, "too-slow", NOW, AGAIN2, RETRY, ""]
];
var closeCodes = Object.freeze(Object.fromEntries([...CODES].reverse().map(
  // the first row of a close code counts
  ([close, code, advice, verdict, , action]) => [close, Object.freeze({ code, advice, verdict, action })]
)));
var onConnection = (close) => closeCodes[close] ?? closeCodes[1011];
var closeOf = (code) => CODES.find(([, word]) => word === code)?.[0] ?? 1011;
var STANDING = ["subscriptionsPerConnection", "patternsPerConnection", "channelsPerPattern"];
var onChannel = ({ code, limit: limit2 }) => {
  if (code === "limited" && STANDING.includes(limit2)) return REFUSE;
  return CODES.find(([, word]) => word === code)?.[4] ?? RETRY;
};
var TidewireError = class extends Error {
  constructor({ code, message, channel, limit: limit2, retryAfterMs, lost: lost2 = false }) {
    code = typeof code === "string" && code ? code : "internal";
    super(typeof message === "string" && message ? message : code);
    this.name = "TidewireError";
    Object.assign(this, { code, channel: text(channel), limit: text(limit2), retryAfterMs: within(retryAfterMs, 0, MAX_ORDER), lost: lost2 });
  }
};
var lost = () => new TidewireError({
  code: "unavailable",
  message: "the connection was lost before the answer; the request may or may not have taken effect",
  lost: true
});
var badRequest = (message) => new TidewireError({ code: "bad-request", message });

// src/checks.js
var MAX_DEPTH = 63;
function checkChannel(name) {
  if (typeof name !== "string" || name === "") throw badRequest(`channel: must be a name such as prices:fx, got ${show(name)}`);
  if (name.length > MAX_NAME) throw badRequest(`channel: must have at most ${MAX_NAME} bytes, got ${name.length}`);
  if (!/^[\w\-./@=+~]+(:[\w\-./@=+~]+)*$/.test(name)) throw badRequest(`channel: must be segments of A-Z a-z 0-9 _ - . / @ = + ~ joined by ":", got ${show(name)}`);
  return name;
}
function checkSelection(name) {
  const reserved = typeof name === "string" && /^\$(presence|demand):/.exec(name);
  if (reserved) return checkChannel(name.slice(reserved[0].length)) && name;
  if (typeof name !== "string" || !name.includes("*")) return checkChannel(name);
  const segments = name.split(":"), misplaced = segments.findIndex((segment, i) => segment.includes("*") && segment !== "*" && !(segment === "**" && i === segments.length - 1));
  if (misplaced >= 0) throw badRequest(`channel: a pattern has "*" for a segment, and "**" at its end for the rest, got ${show(name)}`);
  checkChannel(segments.map((segment) => segment.replaceAll("*", "x")).join(":"));
  return name;
}
function checkEntered(channel, data) {
  if (data === void 0 || typeof data === "function" || typeof data === "symbol") throw badRequest("enter: data is missing; null is allowed");
  const size = bytes(checkJSON(data));
  if (size > 1024) throw badRequest(`enter: must be at most 1024 bytes as JSON, got ${size}`);
}
function checkBytes(value) {
  if (!Number.isInteger(value) || value < 1e3 || value > 1e9) throw badRequest(`maxBytesPerSecond: must be an integer from 1000 to 1000000000, got ${show(value)}`);
  return value;
}
function checkText(field, value, most = MAX_NAME) {
  if (value === void 0 || value === null) return void 0;
  if (typeof value !== "string" || /[\x00-\x1f\x7f]/.test(value) || bytes(value) > most) {
    throw badRequest(`${field}: must be a string of at most ${most} bytes without control characters, got ${show(value)}`);
  }
  return value;
}
function checkDescribed({ ttl, delete: deletes, transient, if: condition, ...texts }) {
  if (transient !== void 0 && typeof transient !== "boolean") throw badRequest(`transient: must be true or false, got ${show(transient)}`);
  if (deletes !== void 0 && typeof deletes !== "boolean") throw badRequest(`delete: must be true or false, got ${show(deletes)}`);
  const { eventType, source, contentType } = texts;
  return {
    ttl: checkText("ttl", ttl),
    delete: deletes || void 0,
    transient: transient || void 0,
    if: checkCondition(condition),
    eventType: checkText("eventType", eventType, 256),
    source: checkText("source", source, 256),
    contentType: checkText("contentType", contentType, 256)
  };
}
function checkCondition(condition) {
  if (condition === void 0 || condition === "absent" || condition === "present") return condition;
  if (typeof condition?.position === "string") return { position: checkText("if.position", condition.position, 2 * MAX_NAME) };
  throw badRequest(`if: must be "absent", "present" or {position}, got ${show(condition)}`);
}
function checkTags(tags) {
  if (tags === void 0 || tags === null) return void 0;
  const all = typeof tags === "object" && !Array.isArray(tags) ? Object.entries(tags) : null;
  if (!all || all.length > 32) throw badRequest(`tags: must be an object of at most 32 strings, got ${all ? all.length : show(tags)}`);
  for (const [name, value] of all) {
    checkText("tags", name, 256);
    if (typeof value !== "string") throw badRequest(`tags.${name.slice(0, 64)}: must be a string, got ${show(value)}`);
    checkText(`tags.${name.slice(0, 64)}`, value, 256);
  }
  return Object.fromEntries(all);
}
function checkJSON(frame) {
  let json;
  try {
    json = JSON.stringify(frame);
  } catch (error) {
    throw badRequest(`data: must be JSON: ${error.message}`);
  }
  let depth = 0, deepest = 0, quoted = false;
  for (let i = 0; i < json.length; i++) {
    const c = json.charCodeAt(i);
    if (quoted) {
      if (c === 92) i++;
      else if (c === 34) quoted = false;
    } else if (c === 34) quoted = true;
    else if (c === 123 || c === 91) deepest = Math.max(deepest, ++depth);
    else if (c === 125 || c === 93) depth--;
  }
  if (deepest > MAX_DEPTH + 1) throw badRequest(`data: must be nested at most ${MAX_DEPTH} levels deep, got ${deepest - 1}`);
  return json;
}

// src/position.js
function isPosition(value) {
  return typeof value === "string" && /^[1-9]\d{0,14}-[^\x00-\x1f\x7f]*$/.test(value) && moment(parsePosition(value).time) > 0 && bytes(parsePosition(value).id) <= MAX_NAME;
}
function parsePosition(position2) {
  const cut = position2.indexOf("-");
  return { time: Number(position2.slice(0, cut)), id: position2.slice(cut + 1) };
}
var timeOf = (position2) => position2 ? parsePosition(position2).time : 0;

// src/bookmarks.js
var VERSION = 1;
var MAX_STORED = 256;
var DAY = 864e5;
function newestOf(saved) {
  const [stands, asOf] = Array.isArray(saved) ? saved : [];
  if (asOf !== null && asOf !== void 0 && !moment(asOf)) return NaN;
  const positions = typeof stands === "object" && stands !== null ? Object.values(stands) : [stands];
  return positions.every(isPosition) ? Math.max(asOf ?? 0, ...positions.map(timeOf)) : NaN;
}
var progress = ([stands, asOf]) => typeof stands === "string" ? timeOf(stands) : asOf;
function older([a, asOfA], [b, asOfB]) {
  const asOf = asOfA && asOfB && Math.min(asOfA, asOfB), min = (p, q) => timeOf(p) < timeOf(q) ? p : q;
  if (typeof a === "string") return [min(a, b), asOf];
  return [Object.fromEntries(Object.keys(a).filter((channel) => b[channel] !== void 0).map((channel) => [channel, min(a[channel], b[channel])])), asOf];
}
function together(feeds) {
  const all = /* @__PURE__ */ new Map();
  for (const { channel, view, stored } of feeds.values()) {
    if (view) continue;
    all.set(channel, !all.has(channel) ? stored : stored && all.get(channel) && older(all.get(channel), stored));
  }
  return all;
}
var Bookmarks = class {
  #storage;
  #prefix;
  #report;
  #failed = false;
  #key = null;
  #mine = /* @__PURE__ */ new Map();
  // channel -> the JSON that this client has put there
  #kept = /* @__PURE__ */ new Map();
  #unreadable = false;
  constructor(storage, prefix, report2) {
    [this.#storage, this.#prefix, this.#report] = [storage, prefix, report2];
  }
  /** Nothing is known of where channels stand before the user is. */
  get known() {
    return !this.#storage || this.#key !== null;
  }
  open(tenant, user) {
    const key = `${this.#prefix}:${JSON.stringify([tenant, user])}`;
    if (!this.#storage || key === this.#key) return;
    [this.#key, this.#mine, this.#kept, this.#unreadable] = [key, /* @__PURE__ */ new Map(), /* @__PURE__ */ new Map(), false];
    try {
      this.#kept = this.#read();
    } catch (error) {
      this.#unreadable = true;
      this.#report(error);
    }
  }
  /** Lets a channel that has no position stand where it stood. */
  restore(feed) {
    if (this.#key === null || feed.hasBegun || feed.forgot) return;
    const saved = this.#kept.get(feed.channel), json = JSON.stringify(saved);
    if (this.#mine.has(feed.channel) && this.#mine.get(feed.channel) !== json) return;
    if (this.#unreadable) feed.forget();
    else if (saved !== void 0) {
      this.#mine.set(feed.channel, json);
      if (newestOf(saved) <= Date.now() + DAY) feed.startAt(...saved);
      else feed.forget();
    }
  }
  /** Keeps where these channels stand. What another tab has put there since goes first if it is further on. */
  keep(feeds) {
    if (this.#key === null) return;
    const standing = together(feeds);
    try {
      let all;
      try {
        all = this.#read();
      } catch {
        all = /* @__PURE__ */ new Map();
      }
      for (const channel of [...this.#mine.keys()]) {
        if (standing.has(channel)) continue;
        if (JSON.stringify(all.get(channel)) === this.#mine.get(channel)) all.delete(channel);
        this.#mine.delete(channel);
      }
      for (const [channel, stored] of standing) {
        const there = all.get(channel), json = JSON.stringify(there), newest = newestOf(there);
        const theirs = json !== void 0 && json !== this.#mine.get(channel) && newest > 0;
        if (!stored || theirs && progress(there) > progress(stored) && newest < Date.now() + DAY) {
          if (!theirs) all.delete(channel);
          continue;
        }
        all.delete(channel);
        all.set(channel, stored);
        this.#mine.set(channel, JSON.stringify(stored));
      }
      this.#storage.setItem(this.#key, JSON.stringify({ v: VERSION, channels: Object.fromEntries([...all].slice(-MAX_STORED)) }));
      this.#failed = false;
    } catch (error) {
      if (!this.#failed) this.#report(error);
      this.#failed = true;
    }
  }
  #read() {
    const json = this.#storage.getItem(this.#key) ?? null;
    if (json === null) return /* @__PURE__ */ new Map();
    const saved = JSON.parse(json), channels = saved?.channels;
    if (saved?.v !== VERSION || typeof channels !== "object" || channels === null || Array.isArray(channels)) {
      throw new TypeError(`storage: the positions under ${this.#key} cannot be read and are dropped`);
    }
    return new Map(Object.entries(channels));
  }
};

// src/clock.js
var ticks = () => performance.now();
var Minimum = class {
  #period;
  #turned = 0;
  #old = Infinity;
  #young = Infinity;
  constructor(periodMs) {
    this.#period = periodMs;
  }
  add(value) {
    if (ticks() - this.#turned > this.#period) [this.#old, this.#young, this.#turned] = [this.#young, Infinity, ticks()];
    if (value < this.#young) this.#young = value;
  }
  get value() {
    return Math.min(this.#old, this.#young);
  }
};
var Clock = class {
  #arrival = new Minimum(3e5);
  #trip = new Minimum(3e5);
  #samples = 0;
  #delays = new Float64Array(512);
  #count = 0;
  #last = null;
  #start = Math.round(Date.now() - ticks());
  /** The local time as it would be had nobody set the clock since the client was made. */
  get now() {
    return this.#start + ticks();
  }
  heard(serverTime) {
    this.past(serverTime);
    this.#samples++;
  }
  /** The server's clock is at least here. */
  past(serverTime) {
    this.#arrival.add(this.now - serverTime);
  }
  roundTrip(ms) {
    this.#trip.add(ms);
  }
  /** The steady clock minus the server's. */
  get #offset() {
    const trip = this.#trip.value, arrival = this.#arrival.value;
    return Number.isFinite(arrival) ? arrival - (Number.isFinite(trip) ? trip / 2 : 0) : 0;
  }
  get reading() {
    const trip = this.#trip.value, known = Number.isFinite(this.#arrival.value);
    return {
      offsetMs: known ? Math.round(this.#offset + Date.now() - this.now) : 0,
      uncertaintyMs: known && Number.isFinite(trip) ? Math.max(1, Math.round(trip / 2)) : null,
      // clocks tick in milliseconds
      sure: this.#samples >= 8 && Number.isFinite(trip)
    };
  }
  /** The publish time of what would arrive now at the earliest. */
  get edge() {
    return this.now - (Number.isFinite(this.#arrival.value) ? this.#arrival.value : 0);
  }
  /** What the server's clock shows at least; 0 while nothing is known of it. */
  get least() {
    return Number.isFinite(this.#arrival.value) ? this.edge : 0;
  }
  get serverNow() {
    return this.now - this.#offset;
  }
  delay(serverTime) {
    return Math.max(0, Math.round(this.now - serverTime - this.#offset));
  }
  record(ms) {
    this.#delays[this.#count++ % this.#delays.length] = this.#last = ms;
  }
  get latency() {
    const sorted = this.#delays.slice(0, this.#count).sort();
    const at = (share) => sorted.length ? sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] : null;
    const { uncertaintyMs, sure } = this.reading;
    return { lastMs: this.#last, p50Ms: at(0.5), p99Ms: at(0.99), count: sorted.length, uncertaintyMs, sure };
  }
};

// src/ids.js
function newID() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
var Recent = class {
  #size;
  #old = /* @__PURE__ */ new Set();
  #young = /* @__PURE__ */ new Set();
  constructor(size) {
    this.#size = size;
  }
  /** Remembers an ID and tells whether it was there already. */
  seen(id) {
    if (this.#young.has(id) || this.#old.has(id)) return true;
    if (this.#young.size >= this.#size) [this.#old, this.#young] = [this.#young, /* @__PURE__ */ new Set()];
    this.#young.add(id);
    return false;
  }
  clear() {
    [this.#old, this.#young] = [/* @__PURE__ */ new Set(), /* @__PURE__ */ new Set()];
  }
};

// src/cursor.js
var Cursor = class {
  position;
  recent;
  floor = 0;
  floorUntil = 0;
  // the next link may repeat what the one before has brought: older messages are repetitions
  past = 0;
  // so many messages are still to come that were published before the subscription, as it asked for
  edge = 0;
  // after a resume: messages up to this publish time were missed ones
  owed = false;
  // of a pattern: the link was asked for the channel by name, or with state for all, and has not answered
  shown;
  // with state: what the page shows of the channel
  doubt = false;
  unclear = 0;
  // of a pattern: what is not newer than floor may have been had, or not; what is older than unclear was told as a gap
  constructor(channel, remember) {
    this.channel = channel;
    this.recent = new Recent(remember);
  }
  /** What is older than where it stands may come again, for some time. */
  repeats(ms) {
    [this.floor, this.floorUntil] = [timeOf(this.position), ticks() + ms];
  }
  /** The sequence is broken here, so nothing can be inferred from times, unless it is because of what may have been had. */
  break(position2) {
    [this.floor, this.doubt, this.past, this.position] = [this.unclear, false, 0, position2];
  }
  /** Whether a message may be a repetition, or not, as was forgotten: then it is a gap, and so is all up to the floor. */
  doubtful({ position: position2 }) {
    const is = this.doubt && timeOf(position2) <= this.floor;
    if (is) [this.unclear, this.floorUntil] = [this.floor + 1, Infinity];
    this.doubt = false;
    return is;
  }
  /** Whether a message of this time is a repetition of what the link before has brought. */
  repeated(time2) {
    return time2 < this.floor && ticks() < this.floorUntil;
  }
};

// src/callbacks.js
function report(error) {
  if (typeof globalThis.reportError === "function") globalThis.reportError(error);
  else console.error("tidewire: a callback threw", error);
}
function guarded(run, ...args) {
  try {
    const result = run?.(...args);
    if (typeof result?.then === "function") result.then(void 0, report);
  } catch (error) {
    report(error);
  }
}

// src/events.js
var Events = class {
  #listeners = /* @__PURE__ */ new Map();
  /** Adds a listener and returns a function that removes it. */
  on(type, listener) {
    if (!this.#listeners.has(type)) this.#listeners.set(type, /* @__PURE__ */ new Set());
    this.#listeners.get(type).add(listener);
    return () => this.#listeners.get(type).delete(listener);
  }
  /** Whether anybody listens. */
  has(type) {
    return this.#listeners.get(type)?.size > 0;
  }
  emit(type, detail) {
    const listeners = this.#listeners.get(type);
    if (type === "error" && !listeners?.size) console.error("tidewire:", detail?.message ?? detail);
    for (const listener of [...listeners ?? []]) guarded(listener, detail);
  }
};

// src/frame.js
var FRAME = 16;
var HIDDEN = 1e3;
var Frame = class {
  #run;
  #timer;
  #request;
  constructor(run) {
    this.#run = run;
  }
  ask() {
    if (this.#timer !== void 0) return;
    const painted = typeof globalThis.requestAnimationFrame === "function";
    const fire = () => {
      this.cancel();
      this.#run();
    };
    if (painted && globalThis.document?.visibilityState !== "hidden") this.#request = globalThis.requestAnimationFrame(fire);
    this.#timer = setTimeout(fire, painted ? HIDDEN : FRAME);
  }
  cancel() {
    clearTimeout(this.#timer);
    if (this.#request !== void 0) globalThis.cancelAnimationFrame?.(this.#request);
    [this.#timer, this.#request] = [void 0, void 0];
  }
};

// src/rows.js
var MAX_GONE = 4096;
var hasPlace = ({ position: position2 }) => position2 === void 0 || isPosition(position2);
var stood = (row) => timeOf(row?.position) || moment(row?.time) || 0;
function rowOf({ key, position: position2, data, time: time2, expiresAt, tags, eventType, source, contentType }) {
  const row = { key, data, position: position2, time: moment(time2) || timeOf(position2) };
  for (const [name, value] of Object.entries({ expiresAt: moment(expiresAt) || void 0, tags, eventType, source, contentType })) if (value !== void 0) row[name] = value;
  return Object.freeze(row);
}
var Rows = class {
  all = /* @__PURE__ */ new Map();
  whole = false;
  // whole: a snapshot has been complete
  #next = null;
  #gone = /* @__PURE__ */ new Map();
  #clearedAt = 0;
  #touch;
  constructor(touch) {
    this.#touch = touch;
  }
  /** Whether a snapshot is under way. */
  get loading() {
    return this.#next !== null;
  }
  /** The server sends everything from here on. */
  begin() {
    [this.#next, this.#gone, this.#clearedAt] = [/* @__PURE__ */ new Map(), /* @__PURE__ */ new Map(), 0];
  }
  /** The server sends what has changed since `all` was whole. */
  resume() {
    this.#next = null;
  }
  /** Takes a part of a snapshot and tells whether that was the last one. What cannot be a row is left out. */
  snapshot({ reset, entries, more }) {
    if (reset === true || !this.loading) this.begin();
    for (const entry of Array.isArray(entries) ? entries : []) if (text(entry?.key) && hasPlace(entry)) this.#set(this.#next, entry);
    if (more !== false) return false;
    for (const key of [...this.all.keys(), ...this.#next.keys()]) this.#touch(key);
    [this.all, this.#next, this.whole] = [this.#next, null, true];
    return true;
  }
  /** Takes the newest of some keys. What is transient has no position; what the server says last of that counts. */
  changes({ entries }) {
    for (const entry of Array.isArray(entries) ? entries : []) {
      if (!text(entry?.key) || !hasPlace(entry)) continue;
      if (entry.position !== void 0) this.apply(entry);
      else if (entry.deleted === true || entry.left === true) this.expire(entry.key);
      else this.#set(this.#next ?? this.all, entry);
    }
  }
  /** Takes a message that is about keys and has a position. */
  apply(message) {
    const rows = this.#next ?? this.all, at = timeOf(message.position);
    if (message.cleared === true) {
      this.#clearedAt = Math.max(this.#clearedAt, at);
      for (const row of [...rows.values()]) if (stood(row) <= at) this.#remove(rows, row.key);
    } else if (message.deleted === true || message.left === true) {
      if (stood(rows.get(message.key)) > at) return;
      this.#remove(rows, message.key);
      this.#gone.delete(message.key);
      this.#gone.set(message.key, at);
      if (this.#gone.size > MAX_GONE) this.#gone.delete(this.#gone.keys().next().value);
    } else this.#set(rows, message);
  }
  /** The server says that the time of a key's row is over, which may be one that was never sent. */
  expire(key) {
    this.#remove(this.#next ?? this.all, key);
  }
  /** The time of a row that is shown is over. */
  drop(key) {
    this.#remove(this.all, key);
  }
  /** Shows nothing, and knows nothing. */
  clear() {
    for (const key of [...this.all.keys()]) this.#remove(this.all, key);
    [this.#next, this.whole] = [null, false];
  }
  #set(rows, event) {
    const at = stood(event);
    if (at < Math.max(stood(rows.get(event.key)), this.#gone.get(event.key) ?? 0, this.#clearedAt)) return;
    if (rows === this.all) this.#touch(event.key);
    rows.set(event.key, rowOf(event));
  }
  #remove(rows, key) {
    if (rows === this.all && rows.has(key)) this.#touch(key);
    rows.delete(key);
  }
};

// src/keyed-view.js
var TICK = 1e3;
var KeyedView = class {
  #rows = new Rows((key) => this.#touch(key));
  #events = new Events();
  #touched = /* @__PURE__ */ new Map();
  #frame = new Frame(() => this.#tell());
  #clock;
  #soonest = Infinity;
  #expiry;
  #ended = false;
  #isReady = false;
  #settle;
  constructor(channel, clock, control) {
    this.channel = channel;
    this.#clock = clock;
    this.ready = new Promise((resolve, reject) => {
      this.#settle = { resolve: () => resolve(this), reject };
    });
    this.ready.catch(() => {
    });
    control({
      begin: () => this.#rows.begin(),
      resume: () => this.#rows.resume(),
      snapshot: (frame) => this.#snapshot(frame),
      apply: (message) => this.#apply(message),
      changes: (frame) => this.#changes(frame),
      expired: (key) => this.#rows.expire(key),
      clear: () => this.#rows.clear(),
      end: (error) => this.#end(error),
      rows: this.#rows
    });
  }
  /** Whether a snapshot has been complete: until then, nothing is known of the channel. */
  get isReady() {
    return this.#isReady;
  }
  get size() {
    return this.#rows.all.size;
  }
  get(key) {
    return this.#rows.all.get(key);
  }
  has(key) {
    return this.#rows.all.has(key);
  }
  keys() {
    return this.#rows.all.keys();
  }
  values() {
    return this.#rows.all.values();
  }
  entries() {
    return this.#rows.all.entries();
  }
  [Symbol.iterator]() {
    return this.#rows.all.entries();
  }
  forEach(run, self) {
    this.#rows.all.forEach((row, key) => run.call(self, row, key, this));
  }
  get [Symbol.toStringTag]() {
    return "KeyedView";
  }
  /** Adds a listener and returns a function that removes it. */
  on(type, listener) {
    return this.#events.on(type, listener);
  }
  // ---- what comes
  #snapshot(frame) {
    if (!this.#rows.snapshot(frame)) return false;
    this.#soonest = Infinity;
    for (const row of this.#rows.all.values()) this.#expect(row);
    this.#isReady = true;
    this.#settle.resolve();
    return true;
  }
  #apply(message) {
    this.#rows.apply(message);
    const row = this.#rows.all.get(message.key);
    if (row) this.#expect(row);
  }
  #changes(frame) {
    this.#rows.changes(frame);
    for (const row of this.#rows.all.values()) this.#expect(row);
  }
  #end(error) {
    this.#rows.clear();
    [this.#ended, this.#isReady] = [true, false];
    clearTimeout(this.#expiry);
    this.#settle.reject(error ?? new TidewireError({ code: "closed", message: "the subscription has ended", channel: this.channel }));
  }
  // ---- rows end
  #expect({ expiresAt }) {
    if (expiresAt === void 0 || expiresAt >= this.#soonest) return;
    this.#soonest = expiresAt;
    this.#wait();
  }
  /** Waits for the soonest end, as the server's clock is known now; it may turn out to be further on. */
  #wait() {
    clearTimeout(this.#expiry);
    if (this.#ended || this.#soonest === Infinity) return;
    this.#expiry = setTimeout(() => {
      if (this.#clock.least >= this.#soonest) this.#expire();
      this.#wait();
    }, Math.min(TICK, Math.max(1, this.#soonest - this.#clock.least)));
  }
  #expire() {
    const now = this.#clock.least;
    this.#soonest = Infinity;
    for (const { key, expiresAt } of [...this.#rows.all.values()]) {
      if (expiresAt <= now) this.#rows.drop(key);
      else if (expiresAt < this.#soonest) this.#soonest = expiresAt;
    }
  }
  // ---- what has changed
  #touch(key) {
    if (!this.#events.has("change")) return;
    if (!this.#touched.has(key)) this.#touched.set(key, this.#rows.all.has(key));
    this.#frame.ask();
  }
  #tell() {
    const changed2 = /* @__PURE__ */ new Set(), removed = /* @__PURE__ */ new Set();
    for (const [key, had] of this.#touched) {
      if (this.#rows.all.has(key)) changed2.add(key);
      else if (had) removed.add(key);
    }
    this.#touched = /* @__PURE__ */ new Map();
    if (changed2.size || removed.size) this.#events.emit("change", { changed: changed2, removed });
  }
};

// src/pattern-view.js
var PatternView = class {
  #known = /* @__PURE__ */ new Map();
  #events = new Events();
  #clock;
  // channel -> {view, keyed}
  #isReady = false;
  #ended = false;
  #settle;
  constructor(pattern, clock, control) {
    this.channel = pattern;
    this.#clock = clock;
    this.ready = new Promise((resolve, reject) => {
      this.#settle = { resolve: () => resolve(this), reject };
    });
    this.ready.catch(() => {
    });
    control({ of: (channel) => this.#of(channel), complete: () => this.#complete(), clear: () => this.#clear(), end: (error) => this.#end(error) });
  }
  /** Whether the states of all channels have been complete. */
  get isReady() {
    return this.#isReady;
  }
  get size() {
    return [...this.entries()].length;
  }
  get(channel) {
    return this.has(channel) ? this.#known.get(channel).view : void 0;
  }
  has(channel) {
    return this.#known.get(channel)?.view.size > 0;
  }
  *keys() {
    for (const [channel] of this.entries()) yield channel;
  }
  *values() {
    for (const [, view] of this.entries()) yield view;
  }
  *entries() {
    for (const [channel, { view }] of this.#known) if (view.size > 0) yield [channel, view];
  }
  [Symbol.iterator]() {
    return this.entries();
  }
  forEach(run, self) {
    for (const [channel, view] of this.entries()) run.call(self, view, channel, this);
  }
  get [Symbol.toStringTag]() {
    return "PatternView";
  }
  /** Adds a listener and returns a function that removes it. */
  on(type, listener) {
    return this.#events.on(type, listener);
  }
  /** What fills the view of a channel. */
  #of(channel) {
    if (!this.#known.has(channel)) {
      const one = {};
      one.view = new KeyedView(channel, this.#clock, (keyed) => {
        one.keyed = { ...keyed, end: (error) => this.#drop(channel, keyed, error) };
      });
      one.view.on("change", (change) => this.#events.emit("change", { channel, ...change }));
      this.#known.set(channel, one);
    }
    return this.#known.get(channel).keyed;
  }
  #drop(channel, keyed, error) {
    this.#known.delete(channel);
    keyed.end(error);
  }
  #complete() {
    if (this.#ended) return;
    this.#isReady = true;
    this.#settle.resolve();
  }
  #clear() {
    for (const { keyed } of this.#known.values()) keyed.clear();
  }
  #end(error) {
    for (const { keyed } of [...this.#known.values()]) keyed.end(error);
    [this.#ended, this.#isReady] = [true, false];
    this.#settle.reject(error ?? new TidewireError({ code: "closed", message: "the subscription has ended", channel: this.channel }));
  }
};

// src/pattern.js
var MAX_CURSORS = 1e3;
var MAX_POSITIONS = MAX_CURSORS / 2;
var POSITION_BYTES = 16 << 10;
var STALLED = 6e4;
var isPattern = (name) => name.includes("*");
function selects(pattern, channel) {
  const want = pattern.split(":"), have = channel.split(":"), rest = want.at(-1) === "**";
  if (rest) want.pop();
  return (rest ? have.length > want.length : have.length === want.length) && want.every((segment, i) => segment === "*" || segment === have[i]);
}
var Cursors = class extends Map {
  forgotten = 0;
  repeats = 0;
  #edge = 0;
  #pattern;
  #remember;
  #show;
  /** With state, `show` returns what is shown of a channel. */
  constructor(pattern, remember, show2) {
    super();
    [this.#pattern, this.#remember, this.#show] = [pattern, remember, show2];
  }
  /** That of a channel, undefined if the pattern does not select it. */
  of(channel) {
    const known = this.get(channel);
    if (known || typeof channel !== "string" || isPattern(channel) || !selects(this.#pattern, channel)) return known;
    if (this.size >= MAX_CURSORS) this.#forget();
    const cursor = new Cursor(channel, this.#remember);
    [cursor.floor, cursor.doubt, cursor.edge] = [this.repeats, this.repeats > 0, this.#edge];
    cursor.shown = this.#show?.(cursor);
    this.set(channel, cursor);
    return cursor;
  }
  #forget() {
    if (this.#show) {
      const empty = [...this.values()].find(({ shown }) => shown.isEmpty);
      if (empty) this.delete(empty.channel);
      return empty?.shown.end();
    }
    const oldest = [...this.values()].reduce((a, b) => timeOf(b.position) < timeOf(a.position) ? b : a);
    this.forgotten = Math.max(this.forgotten, timeOf(oldest.position));
    if (oldest.floor > 0) this.repeats = Math.max(this.repeats, timeOf(oldest.position));
    this.delete(oldest.channel);
  }
  /** The positions that a server is told, by channel; undefined if there are none. `room` is in bytes. */
  positions(room = POSITION_BYTES, positionOf = (cursor) => cursor.shown ? cursor.shown.since : cursor.position) {
    const all = {}, newest = [...this.values()].map((cursor) => [cursor.channel, positionOf(cursor)]).filter(([, position2]) => position2 !== void 0);
    newest.sort(([, a], [, b]) => timeOf(b) - timeOf(a));
    for (const [channel, position2] of newest.slice(0, MAX_POSITIONS)) {
      if ((room -= channel.length + bytes(position2) + 6) < 0) break;
      all[channel] = position2;
    }
    return Object.keys(all).length ? all : void 0;
  }
  /** By what was shown what a server is told the positions of, by channel; undefined if all of it by nothing. */
  shownBy(positions) {
    const all = Object.keys(positions ?? {}).map((channel) => [channel, this.get(channel).shown?.by]).filter(([, by]) => by !== void 0);
    return all.length ? Object.fromEntries(all) : void 0;
  }
  /** A link begins to send the states of all channels, one by one. */
  beginStates() {
    for (const cursor of this.values()) cursor.owed = true;
  }
  /** Takes over positions of before. Tells whether all of them can be some. */
  startAt(positions) {
    for (const [channel, position2] of Object.entries(positions)) {
      const cursor = isPosition(position2) && this.of(channel);
      if (!cursor) return false;
      cursor.position = position2;
    }
    return true;
  }
  /** A link begins to send: what it was told of by name it answers, and the others from asOf on. */
  begin(since, edge, ms) {
    [this.repeats, this.#edge] = [this.forgotten, edge];
    for (const cursor of this.values()) {
      [cursor.owed, cursor.floor, cursor.edge] = [since?.[cursor.channel] !== void 0, 0, edge];
      if (since?.[cursor.channel] !== cursor.position) cursor.repeats(ms);
    }
  }
  /** A heartbeat makes superfluous what it vouches for. */
  settle(asOf) {
    if (asOf - STALLED >= this.forgotten) this.forgotten = 0;
    for (const cursor of this.values()) if (timeOf(cursor.position) < asOf - STALLED) cursor.recent.clear();
  }
  /** Forgets where it stands; not of what it shows the states. */
  clear() {
    if (this.#show) for (const cursor of this.values()) cursor.position = void 0;
    else super.clear();
    [this.forgotten, this.repeats] = [0, 0];
  }
};

// src/shown.js
var Shown = class {
  by;
  // what the server calls that by which the rows were shown at the position of the cursor; undefined if that is everything
  doubted = false;
  // until the next snapshot is complete
  #cursor;
  #keyed;
  /** `keyed` is what fills the rows. */
  constructor(cursor, keyed) {
    [this.#cursor, this.#keyed] = [cursor, keyed];
  }
  get loading() {
    return this.#keyed.rows.loading;
  }
  /** Whether it shows nothing, and nothing is on its way. */
  get isEmpty() {
    return !this.loading && this.#keyed.rows.all.size === 0;
  }
  /** Where to go on from. */
  get since() {
    return this.doubted ? void 0 : this.#cursor.position;
  }
  /** From here on the rows are shown by something else. What a snapshot will be shown by, its end says. */
  showBy(view) {
    if (!this.loading) this.by = text(view) || void 0;
  }
  /** The server sends what has changed, or everything: until that is complete, what was shown stays. */
  begin(resumed) {
    if (resumed) this.#keyed.resume();
    else this.#keyed.begin();
  }
  apply(message) {
    this.#keyed.apply(message);
  }
  expired(key) {
    this.#keyed.expired(key);
  }
  end() {
    this.#keyed.end();
  }
  /** Takes what has changed of some keys. In the middle of what a slow reader is sent it stands nowhere new. */
  changes(frame) {
    this.#keyed.changes(frame);
    if (!this.loading && isPosition(frame.position) && timeOf(frame.position) >= timeOf(this.#cursor.position)) this.#cursor.position = frame.position;
  }
  /** Takes a part of a snapshot; the last one says where the reader stands. */
  snapshot(frame) {
    if (!this.#keyed.snapshot(frame)) return;
    this.#cursor.position = isPosition(frame.position) ? frame.position : void 0;
    [this.by, this.doubted] = [text(frame.view) || void 0, false];
  }
};

// src/known.js
function distance(a, b) {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1].toLowerCase() === b[j - 1].toLowerCase() ? 0 : 1));
    row = next;
  }
  return row[b.length];
}
function meant(name, known) {
  const [best] = known.map((each) => [each, distance(name.slice(0, 64), each)]).sort(([, a], [, b]) => a - b);
  return best && best[1] <= Math.max(1, Math.floor(best[0].length / 3)) ? best[0] : void 0;
}
function unknownOption(name, known, of2) {
  const suggestion = meant(name, known);
  return badRequest(`${name.slice(0, 64)}: is not an option of ${of2}${suggestion ? `; did you mean ${suggestion}?` : `, only ${known.join(", ")}`}`);
}
function checkKnown(options, known, of2) {
  if (options === null || typeof options !== "object") throw badRequest(`options of ${of2}: must be an object, got ${show(options)}`);
  const name = Object.keys(options).find((each) => !known.includes(each));
  if (name !== void 0) throw unknownOption(name, known, of2);
  return options;
}

// src/signals.js
function checkSignal(signal) {
  if (signal !== void 0 && typeof signal?.addEventListener !== "function") throw badRequest(`signal: must be an AbortSignal, got ${show(signal)}`);
  return signal;
}
function onAbort(signal, run) {
  if (!signal) return () => {
  };
  const abort = () => run(signal.reason);
  if (signal.aborted) queueMicrotask(abort);
  else signal.addEventListener("abort", abort, { once: true });
  return () => signal.removeEventListener("abort", abort);
}

// src/wants.js
var OURS = ["since", "onGap", "onDropped", "buffer", "overflow", "signal"];
var TUNABLE = ["filter", "fields", "keys", "maxRate", "paused"];
var text2 = (name, value) => {
  if (typeof value !== "string") throw badRequest(`${name}: must be a string, got ${show(value)}`);
  return value;
};
var flag = (name, value) => {
  if (typeof value !== "boolean") throw badRequest(`${name}: must be true or false, got ${show(value)}`);
  return value;
};
var rate = (name, value) => {
  if (typeof value !== "number" || !Number.isFinite(value)) throw badRequest(`${name}: must be a number, got ${show(value)}`);
  return value;
};
var rewind = (name, value) => {
  const is = typeof value === "number" ? Number.isInteger(value) && value > 0 : typeof value === "string" && /^[0-9.]+[a-z\u00b5]/.test(value);
  if (!is) throw badRequest(`${name}: must be a number of messages or a duration such as "5m", got ${show(value)}`);
  return value;
};
var names = (name, value) => {
  const wrong = Array.isArray(value) ? value.findIndex((each) => typeof each !== "string" || each === "") : 0;
  if (!Array.isArray(value)) throw badRequest(`${name}: must be a list of strings, got ${show(value)}`);
  if (wrong >= 0) throw badRequest(`${name}[${wrong}]: must be a non-empty string, got ${show(value[wrong])}`);
  return [...new Set(value)].sort();
};
var keys = (name, value) => {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return names(name, value);
  const unknown = Object.keys(value).find((each) => each !== "add" && each !== "remove");
  if (unknown !== void 0) throw badRequest(`keys.${unknown.slice(0, 64)}: must be add or remove`);
  return { add: names("keys.add", value.add ?? []), remove: names("keys.remove", value.remove ?? []) };
};
function read(given, checks, unknown) {
  const members = {};
  for (const [name, value] of Object.entries(given)) {
    if (value === void 0) continue;
    if (!Object.hasOwn(checks, name)) throw unknown(name);
    members[name] = checks[name](name, value);
  }
  return members;
}
function checkWants(options, ofPattern = false) {
  const asked = Object.fromEntries(Object.entries(options).filter(([name]) => !OURS.includes(name)));
  const checks = { filter: text2, fields: names, keys: names, maxRate: rate, paused: flag, state: flag, rewind };
  const wants = read(asked, checks, (name) => unknownOption(name, [...Object.keys(checks), ...OURS], "subscribe"));
  checkSignal(options.signal);
  if (ofPattern && options.since !== void 0 && options.since !== null) throw badRequest("since: cannot be given for a pattern; the option storage of connect keeps its positions");
  if (wants.state && options.since !== void 0 && options.since !== null) throw badRequest("since: cannot be given with state, which begins with all of it");
  if (wants.rewind && wants.state) throw badRequest("rewind: cannot be given with state, which begins with all of it");
  if (wants.rewind && ofPattern) throw badRequest("rewind: is for a channel, and not for a pattern");
  return tidy(wants);
}
function checkChange(change) {
  if (change === null || typeof change !== "object") throw badRequest(`tune: must be an object, got ${show(change)}`);
  return read(change, { filter: text2, fields: names, keys, maxRate: rate, paused: flag }, (name) => badRequest(`${name.slice(0, 64)}: cannot be tuned, only ${TUNABLE.join(", ")}`));
}
function tidy({ filter: filter2, fields: fields2, keys: keys2, maxRate, paused, state, rewind: past }) {
  return Object.freeze({
    ...filter2 && { filter: filter2 },
    ...fields2 && { fields: fields2 },
    ...keys2 && { keys: keys2 },
    ...maxRate !== void 0 && { maxRate },
    ...paused && { paused },
    ...state && { state },
    ...past && { rewind: past }
  });
}
var without = (list, gone) => list.filter((each) => !gone.includes(each));
function changed(wants, { keys: keys2, ...change }) {
  const all = { ...wants, ...change };
  if (change.maxRate === 0) all.maxRate = void 0;
  if (Array.isArray(keys2)) all.keys = keys2;
  else if (keys2) {
    if (!wants.keys) throw badRequest("keys: the subscription has all keys; to have some only, give a list");
    all.keys = without([.../* @__PURE__ */ new Set([...wants.keys, ...keys2.add])], keys2.remove).sort();
  }
  return tidy(all);
}
function merged(first, second) {
  const both = { ...first, ...second };
  if (!first.keys || !second.keys || Array.isArray(second.keys)) return both;
  const { add, remove } = second.keys;
  if (Array.isArray(first.keys)) both.keys = without([.../* @__PURE__ */ new Set([...first.keys, ...add])], remove).sort();
  else {
    both.keys = {
      add: without([.../* @__PURE__ */ new Set([...first.keys.add, ...add])], remove),
      remove: [.../* @__PURE__ */ new Set([...without(first.keys.remove, add), ...remove])]
    };
  }
  return both;
}
var sameWants = (a, b) => JSON.stringify(tidy(a)) === JSON.stringify(tidy(b));

// src/tuning.js
function after(wants, change) {
  try {
    return changed(wants, change);
  } catch {
    return wants;
  }
}
var split = ({ parts }) => parts.map((part) => ({ change: part.change, link: null, parts: [part], alone: true }));
var Tuning = class {
  agreed;
  rate;
  // rate: as the server applies it, undefined without a bound
  #cautious = false;
  // a subscription with changes was refused: they are asked for when there is one without
  #changes = [];
  // {change, link, parts}: link is the one that was asked, null before; parts are the changes that it is made of, each with who waits for it
  constructor(wants) {
    this.agreed = wants;
  }
  /** What is asked for, whether or not the server knows it yet. */
  get wanted() {
    return this.#changes.reduce((wants, { change }) => after(wants, change), this.agreed);
  }
  /** What the next subscription asks for, and the changes that are in it: all, unless one of them may be at fault. */
  get asked() {
    return this.#cautious ? { wants: this.agreed, changes: [] } : { wants: this.wanted, changes: [...this.#changes] };
  }
  has(change) {
    return this.#changes.includes(change);
  }
  /** The change to ask the server for, unless it is being asked on this link. */
  next(link) {
    const first = this.#changes[0];
    return first && (first.link !== link || link.ended) ? first : void 0;
  }
  /** Adds a change; several that nobody was asked for are one. Resolves with what is applied. */
  add(change) {
    changed(this.wanted, change);
    return new Promise((resolve, reject) => {
      const last = this.#changes.at(-1), part = { change, resolve, reject };
      if (last?.link !== null || last.alone) return this.#changes.push({ change, link: null, parts: [part] });
      last.change = merged(last.change, change);
      last.parts.push(part);
    });
  }
  /** The server does what a subscription has asked for, some changes included. */
  granted({ wants, changes }, answer) {
    this.agreed = wants;
    this.#answered(changes.filter((one) => this.#changes.includes(one)), answer);
  }
  /** The server does what a change has asked for. */
  applied(one, answer) {
    if (!this.#changes.includes(one)) return;
    this.agreed = after(this.agreed, one.change);
    this.#answered([one], answer);
  }
  #answered(changes, answer) {
    this.rate = within(answer.maxRate, 0, 1e9) || void 0;
    const { filter: filter2 = "", fields: fields2, keys: keys2, paused = false } = this.agreed;
    this.#settle(changes, ({ resolve }) => resolve({ filter: filter2, fields: fields2, keys: keys2, maxRate: this.rate, paused }));
  }
  /** The change is not made. If it is made of several, each is asked for alone: the others are not at fault. */
  refused(one, error) {
    if (one.parts.length > 1) this.#changes = this.#changes.flatMap((each) => each === one ? split(one) : [each]);
    else this.#settle([one], ({ reject }) => reject(error));
  }
  /** A subscription was refused. Tells whether one without the changes is worth trying: then each is asked for alone, behind it. */
  suspect({ wants, changes }) {
    if (changes.length === 0 && sameWants(wants, this.agreed)) return false;
    this.#changes = this.#changes.flatMap(split);
    this.#cautious = this.#changes.length > 0;
    return true;
  }
  end(error, channel) {
    const why = error ?? new TidewireError({ code: "closed", message: "the subscription has ended", channel });
    for (const { parts } of this.#changes.splice(0)) for (const { reject } of parts) reject(why);
  }
  #settle(changes, tell) {
    const over = changes.filter((one) => this.#changes.includes(one));
    this.#changes = this.#changes.filter((one) => !over.includes(one));
    this.#cautious &&= this.#changes.length > 0;
    for (const { parts } of over) parts.forEach(tell);
  }
};

// src/feed.js
var keyOf = ({ sub, channel }) => typeof sub === "string" && sub ? `#${sub}` : channel;
var Feed = class {
  readers = /* @__PURE__ */ new Map();
  // Subscription -> {deliver, finish, waiting, stands, asOf}
  link = null;
  // messages from any other are repetitions
  attempt = 0;
  retryAt = 0;
  putOffBy = null;
  ended = false;
  // retryAt in ticks: asked again then, because that link could not
  attemptToTune = 0;
  asOf;
  begun = 0;
  // of a pattern: from when on it was read without an asOf
  forgot = false;
  // where it stood could not be used: whatever the answer, something may be missing
  view;
  #keyed;
  // with state: what the page holds, and what fills it
  cursors;
  #only;
  // by channel, of a pattern; that of the channel if it is none
  state = Object.freeze({ name: "pending", resumed: false, gap: false, caughtUp: 0 });
  /** `sub` tells it apart from other feeds of the same channel. */
  constructor(channel, { sub, since, wants, remember, clock }) {
    [this.channel, this.sub] = [channel, sub];
    this.key = keyOf(this);
    if (wants.state) this.view = new (isPattern(channel) ? PatternView : KeyedView)(channel, clock, (keyed) => {
      this.#keyed = keyed;
    });
    if (isPattern(channel)) this.cursors = new Cursors(channel, remember, this.view && ((cursor) => new Shown(cursor, this.#keyed.of(cursor.channel))));
    else this.#only = new Cursor(channel, remember);
    if (this.view && this.#only) this.#only.shown = new Shown(this.#only, this.#keyed);
    this.tuning = new Tuning(wants);
    this.ready = new Promise((resolve, reject) => Object.assign(this, { resolve, reject }));
    this.ready.catch(() => {
    });
    if (since !== void 0 && since !== null && since !== "") this.startAt(since);
  }
  get isPattern() {
    return this.cursors !== void 0;
  }
  /** Where it stands in a channel; undefined if that is none of its channels. */
  cursor(channel) {
    return this.isPattern ? this.cursors.of(channel) : channel === this.channel ? this.#only : void 0;
  }
  /** Whether a channel is one of those that it reads. */
  reads(channel) {
    return this.cursor(channel) !== void 0 || channel === this.channel;
  }
  get position() {
    return this.#only?.position;
  }
  set position(position2) {
    if (this.#only) this.#only.position = position2;
  }
  /** Whether it goes on from somewhere. */
  get hasBegun() {
    return this.position !== void 0 || this.isPattern && this.asOf !== void 0;
  }
  /** Where to go on from. */
  get since() {
    return this.isPattern ? this.cursors.positions() : this.view ? this.#only.shown.since : this.position;
  }
  /** By what that was shown from which to go on. */
  get shownBy() {
    return this.isPattern ? this.cursors.shownBy(this.since) : this.#only.shown?.by;
  }
  request() {
    const { since } = this;
    return { type: "subscribe", channel: this.channel, sub: this.sub, since, view: since && this.shownBy, asOf: this.asOf, ...this.tuning.asked.wants };
  }
  /** Takes over where it stood; what is no position is a gap, as the server says of those it does not know. */
  startAt(position2, asOf) {
    const usable = this.isPattern ? typeof position2 === "object" && position2 !== null && moment(asOf) && this.cursors.startAt(position2) : isPosition(position2);
    if (!usable) return this.forget();
    if (!this.isPattern) this.position = position2;
    this.asOf = moment(asOf) || void 0;
  }
  forget() {
    [this.position, this.asOf, this.forgot] = [void 0, void 0, true];
    this.cursors?.clear();
  }
  /** Shows nothing any more: what was shown is somebody else's. */
  clearView() {
    this.#keyed?.clear();
  }
  endView(error) {
    this.#keyed?.end(error);
  }
  /** The states have been sent of all channels of a pattern: what was not sent is no more. */
  complete() {
    for (const { channel, owed, shown } of [...this.cursors.values()]) {
      if (!owed) continue;
      this.cursors.delete(channel);
      shown.end();
    }
    this.#keyed.complete();
  }
  deliver(item) {
    for (const reader of [...this.readers.values()]) reader.deliver(item);
  }
  /** A heartbeat vouches for silence. */
  silent(asOf) {
    this.asOf = asOf;
    this.cursors?.settle(asOf);
  }
  /** Takes a message that has a position, unless it is a repetition, and tells whether it did. `resumed` counts what a reconnect has brought. */
  receive(cursor, message, resumed, clock) {
    const { time: time2, id } = parsePosition(message.position);
    if (cursor.repeated(time2)) return false;
    const edge = cursor.past > 0 ? Infinity : cursor.edge;
    cursor.floor = cursor.unclear = 0;
    cursor.past = Math.max(0, cursor.past - 1);
    if (cursor.recent.seen(id)) {
      if (time2 > timeOf(cursor.position)) cursor.position = message.position;
      return false;
    }
    this.#stamp(message, time2, edge, resumed, clock);
    this.deliver(message);
    cursor.position = message.position;
    return true;
  }
  /** Takes a message of a state: what is about keys is shown, the rest are events. One that a tune or a token has brought may be old. */
  receiveKeyed(cursor, message, resumed, clock) {
    const { time: time2, id } = parsePosition(message.position), about = message.cleared === true || message.key !== void 0, { recent, edge, shown } = cursor;
    if (!about && recent.seen(id)) return;
    if (about && time2 < timeOf(cursor.position)) message.time = moment(message.time) || time2;
    else this.#stamp(message, time2, edge, resumed, clock);
    if (about) shown.apply(message);
    else this.deliver(message);
    if (!shown.loading && time2 >= timeOf(cursor.position)) cursor.position = message.position;
  }
  /** Notes when a message came. */
  #stamp(message, time2, edge, resumed, clock) {
    message.time = moment(message.time) || time2;
    message.replayed = time2 <= edge;
    if (message.replayed) {
      this.state = Object.freeze({ ...this.state, caughtUp: this.state.caughtUp + 1 });
      if (resumed) [resumed.caughtUp, resumed.at] = [resumed.caughtUp + 1, ticks()];
    }
    clock.heard(message.time);
    message.receivedAt = Date.now();
    message.latencyMs = clock.delay(message.time);
    if (!message.replayed) clock.record(message.latencyMs);
  }
  /** What may be kept beyond this page: no reader still has it before him. The rows of a state are not kept, so neither is their position. */
  get stored() {
    if (this.view) return void 0;
    const readers = [...this.readers.values()];
    const stands = (cursor) => readers.reduce((oldest, reader) => timeOf(reader.stands(cursor)) < timeOf(oldest) ? reader.stands(cursor) : oldest, cursor.position);
    if (this.isPattern) {
      const asOf = readers.reduce((oldest, reader) => Math.min(oldest, reader.asOf ?? 0), this.asOf ?? 0);
      return asOf ? [this.cursors.positions(void 0, stands) ?? {}, asOf] : void 0;
    }
    const stored = stands(this.#only);
    return stored && [stored, !readers.some((reader) => reader.waiting) && this.asOf || null];
  }
};

// src/timers.js
var MAX_TIMER = 2 ** 31 - 1;
var Timers = class {
  #all = /* @__PURE__ */ new Map();
  #failed;
  /** `failed` is told what a timer's function throws. */
  constructor(failed) {
    this.#failed = failed;
  }
  has(name) {
    return this.#all.has(name);
  }
  after(name, ms, run) {
    this.cancel(name);
    this.#all.set(name, setTimeout(() => {
      this.#all.delete(name);
      try {
        run();
      } catch (error) {
        this.#failed(error);
      }
    }, within(Math.ceil(ms), 0, MAX_TIMER, 0)));
  }
  cancel(name) {
    clearTimeout(this.#all.get(name));
    this.#all.delete(name);
  }
  cancelAll() {
    for (const name of [...this.#all.keys()]) this.cancel(name);
  }
};
function backoff(attempt2, { backoffMs, backoffCapMs }) {
  return Math.random() * Math.min(backoffCapMs, backoffMs * 2 ** Math.min(attempt2, 30));
}

// src/tuner.js
var Tuner = class {
  #options;
  #links;
  #timers;
  constructor({ options, links, timers }) {
    [this.#options, this.#links, this.#timers] = [options, links, timers];
  }
  /** Asks for the next change of a feed, if there is one and a link that reads it. */
  flush(feed) {
    const { link, tuning } = feed, { next } = this.#links;
    if (feed.ended || !link || link.ended || !link.asked.has(feed) || link.owed.has(feed) || this.#timers.has(tuning)) return;
    if (next && next !== link && !next.ended && next.owed.has(feed)) return;
    const one = tuning.next(link);
    if (!one) return;
    one.link = link;
    const frame = { type: "tune", channel: feed.channel, sub: feed.sub, ...one.change };
    link.ask(JSON.stringify(frame), (answer) => this.#applied(feed, one, answer), (error) => this.#failed(feed, one, error), { timeoutMs: this.#options.requestTimeoutMs, what: "tune" });
  }
  #applied(feed, one, answer) {
    feed.attemptToTune = 0;
    feed.tuning.applied(one, answer);
    this.flush(feed);
  }
  #failed(feed, one, error) {
    const { tuning } = feed;
    if (feed.ended || !tuning.has(one)) return;
    const again = error.lost ? !error.fatal : onChannel(error) === RETRY && error.code !== "not-found" && error.code !== "conflict";
    if (!again) {
      error.channel ??= feed.channel;
      tuning.refused(one, error);
      return this.flush(feed);
    }
    if (one.link?.ended) return;
    const wait = (error.retryAfterMs ?? 1e3) + backoff(feed.attemptToTune++, this.#options);
    this.#timers.after(tuning, wait, () => {
      one.link = null;
      this.flush(feed);
    });
  }
};

// src/watch.js
var Watch = class {
  callbacks = /* @__PURE__ */ new Set();
  members = /* @__PURE__ */ new Map();
  count = 0;
  truncated = false;
  known = false;
  link = null;
  attempt = 0;
  retryAt = 0;
  putOffBy = null;
  ended = false;
  constructor(channel) {
    [this.channel, this.key] = [channel, channel];
  }
  request() {
    return { type: "presence", channel: this.channel, watch: true };
  }
  release() {
    return { type: "presence", channel: this.channel, watch: false };
  }
  /** Takes an answer or a frame: all that are there, what has changed, or how many there are if they are too many. */
  update({ members, joined, left, updated, count, truncated }) {
    [joined, left, updated] = [joined, left, updated].map(membersOf);
    if (Array.isArray(members)) this.members = new Map(membersOf(members).map((member) => [nameOf(member), member]));
    for (const member of [...joined, ...updated]) this.members.set(nameOf(member), member);
    for (const member of left) this.members.delete(nameOf(member));
    this.truncated = truncated === true;
    this.count = within(count, 0, Number.MAX_SAFE_INTEGER, this.members.size);
    this.known = true;
    for (const callback of [...this.callbacks]) if (this.callbacks.has(callback)) guarded(callback, this.view(joined, left, updated));
  }
  view(joined = [], left = [], updated = []) {
    return { channel: this.channel, members: [...this.members.values()], joined, left, updated, count: this.count, truncated: this.truncated };
  }
};
var nameOf = ({ user, connection }) => typeof connection === "string" ? `${user}
${connection}` : user;
var Entry = class {
  handles = /* @__PURE__ */ new Set();
  link = null;
  attempt = 0;
  retryAt = 0;
  putOffBy = null;
  ended = false;
  constructor(channel) {
    [this.channel, this.key] = [channel, channel];
  }
  request() {
    return { type: "presence", channel: this.channel, enter: this.data };
  }
  release() {
    return { type: "presence", channel: this.channel, leave: true };
  }
  granted() {
    for (const handle of this.handles) handle.resolve();
  }
  finish(error) {
    for (const handle of this.handles) handle.reject(error ?? new TidewireError({ code: "closed", message: "the channel was left", channel: this.channel }));
    this.handles.clear();
  }
};

// src/grants.js
var QUIET = 300;
var RESUME_WITHIN = 1e4;
var Grants = class {
  #options;
  #links;
  #clock;
  #timers;
  #emit;
  #taken;
  #changed;
  #ended;
  #tuner;
  /** `changed` is called when positions have changed, `ended` with a feed or watch that is no more; see Channels for `taken`. */
  constructor({ options, links, clock, timers, emit, taken: taken2, changed: changed2, ended }) {
    [this.#options, this.#links, this.#clock, this.#timers] = [options, links, clock, timers];
    [this.#emit, this.#taken, this.#changed, this.#ended] = [emit, taken2, changed2, ended];
    this.#tuner = new Tuner({ options, links, timers });
  }
  /** Notes that the link has been asked, by the first frame or alone. */
  expect(one, link) {
    const { since, shownBy, asOf } = one, asked = one.tuning?.asked;
    for (const change of asked?.changes ?? []) change.link = link;
    link.asked.set(one, { since, shownBy, asOf, ...asked });
    link.owed.add(one);
    if (since) link.resumed ??= { caughtUp: 0, gaps: [], at: 0 };
  }
  ask(one, link) {
    this.expect(one, link);
    const once = (then) => (answer) => link.asked.has(one) && then.call(this, one, link, answer);
    link.ask(JSON.stringify(one.request()), once(this.granted), once(this.denied), { timeoutMs: 2 * this.#options.requestTimeoutMs, what: one instanceof Feed ? "subscribe" : "presence" });
  }
  /** What is said of it on that link matters no more: it ended, the link did, or a newer link has it. */
  #isStale(one, link) {
    const { live, next, leaving } = this.#links;
    return one.ended || link.ended || link === leaving || link === live && next !== null && one.link === next;
  }
  /** The link has it: a feed is live, or a watch knows who is there. */
  granted(one, link, answer) {
    link.owed.delete(one);
    link.first.delete(one);
    if (this.#isStale(one, link)) return this.#taken(link);
    [one.link, one.attempt, one.retryAt] = [link, 0, 0];
    if (one instanceof Watch) one.update({ members: [], ...answer });
    else if (one instanceof Entry) one.granted();
    else {
      one.tuning.granted(link.asked.get(one), answer);
      (one.isPattern ? this.#beginPattern : one.view ? this.#beginState : this.#begin).call(this, one, link, answer);
      this.#tuner.flush(one);
    }
    this.#taken(link);
  }
  #begin(feed, link, answer) {
    const { since } = link.asked.get(feed), resumed = answer.resumed === true;
    const position2 = isPosition(answer.position) ? answer.position : void 0;
    const cursor = feed.cursor(feed.channel), ahead = feed.position !== since;
    const apart = ahead && position2 !== feed.position && timeOf(position2) >= timeOf(feed.position);
    const gap = answer.gap === true || feed.forgot || !resumed && (since !== void 0 || apart);
    cursor.floor = 0;
    if (ahead) cursor.repeats(RESUME_WITHIN);
    feed.asOf = void 0;
    cursor.edge = since !== void 0 || ahead ? this.#clock.edge : 0;
    const past = feed.tuning.asked.wants.rewind && !resumed ? { rewound: within(answer.rewound, 0, Number.MAX_SAFE_INTEGER, 0), complete: answer.complete === true } : {};
    this.become(feed, { name: "live", resumed: resumed && !gap, gap, caughtUp: 0, ...past });
    if (feed.ended) return;
    if (link.resumed) link.resumed.at = ticks();
    if (gap) {
      link.resumed?.gaps.push(feed.channel);
      this.gap(feed, cursor, position2, "resume");
    } else if (position2 && (!ahead || timeOf(position2) > timeOf(feed.position))) feed.position = position2;
    cursor.past = past.rewound ?? 0;
    feed.resolve();
    this.#changed();
  }
  /** All channels of a pattern are read from where they stand: those that were named are answered one by one. */
  #beginPattern(feed, link, answer) {
    if (feed.view) return this.#beginStates(feed, link);
    const { since, asOf } = link.asked.get(feed), at = timeOf(isPosition(answer.position) ? answer.position : void 0), known = feed.asOf !== void 0;
    const apart = known && asOf === void 0 && at > feed.begun;
    const gap = feed.forgot || apart, resumed = known && !apart;
    feed.cursors.begin(since, resumed ? this.#clock.edge : 0, RESUME_WITHIN);
    if (!known || apart) [feed.asOf, feed.begun] = [Math.max(feed.asOf ?? 0, at) || void 0, at];
    this.become(feed, { name: "live", resumed: resumed && !gap, gap, caughtUp: 0 });
    if (feed.ended) return;
    if (link.resumed) link.resumed.at = ticks();
    if (gap) {
      link.resumed?.gaps.push(feed.channel);
      this.gap(feed, void 0, answer.position, "resume");
    }
    feed.resolve();
    this.#changed();
  }
  /** A link has answered about one of the channels of a pattern. */
  channelGranted(feed, link, answer) {
    if (feed.view) return this.#beginStateIn(feed, link, answer);
    const cursor = feed.cursors.get(answer.channel), resumed = answer.resumed === true, gap = answer.gap === true || !resumed;
    if (feed.link !== link || !cursor?.owed) return;
    cursor.owed = false;
    this.#emit("subscription", Object.freeze({ channel: cursor.channel, pattern: feed.channel, name: "live", resumed: !gap, gap, caughtUp: 0 }));
    if (feed.ended || feed.link !== link) return;
    if (link.resumed) link.resumed.at = ticks();
    if (!gap) return;
    link.resumed?.gaps.push(cursor.channel);
    this.gap(feed, cursor, answer.position, "resume");
  }
  /** The state is sent anew, or what has changed of it. Until it is complete, what was shown stays. */
  #beginState(feed, link, answer) {
    const { since, shownBy } = link.asked.get(feed), resumed = since !== void 0 && answer.resumed === true, cursor = feed.cursor(feed.channel);
    if (resumed && shownBy !== cursor.shown.by) return this.gap(feed, cursor);
    [cursor.edge, feed.forgot] = [resumed ? this.#clock.edge : 0, false];
    cursor.shown.begin(resumed);
    this.become(feed, { name: "live", resumed, gap: false, caughtUp: 0 });
    if (feed.ended) return;
    if (link.resumed) link.resumed.at = ticks();
    feed.resolve();
    this.#changed();
  }
  /** The states of all channels of a pattern are sent, each as it is answered. */
  #beginStates(feed, link) {
    const { since } = link.asked.get(feed);
    feed.cursors.beginStates();
    feed.forgot = false;
    this.become(feed, { name: "live", resumed: since !== void 0, gap: false, caughtUp: 0 });
    if (feed.ended) return;
    if (link.resumed) link.resumed.at = ticks();
    feed.resolve();
    this.#changed();
  }
  /** A link has answered about the state of one of the channels of a pattern. */
  #beginStateIn(feed, link, answer) {
    const cursor = feed.link === link ? feed.cursor(answer.channel) : void 0;
    if (!cursor) return;
    const { since, shownBy } = link.asked.get(feed), resumed = cursor.owed && since?.[cursor.channel] !== void 0 && answer.resumed === true;
    if (resumed && shownBy?.[cursor.channel] !== cursor.shown.by) return this.gap(feed, cursor);
    [cursor.owed, cursor.edge] = [false, resumed ? this.#clock.edge : 0];
    cursor.shown.begin(resumed);
    if (link.resumed) link.resumed.at = ticks();
    this.#emit("subscription", Object.freeze({ channel: cursor.channel, pattern: feed.channel, name: "live", resumed, gap: false, caughtUp: 0 }));
  }
  /** A change of how a feed is read. */
  tune(feed) {
    this.#tuner.flush(feed);
  }
  /** Refused for good, or asked for again later, by the verdict on the code. */
  denied(one, link, error) {
    link.first.delete(one);
    const asked = link.asked.get(one);
    link.asked.delete(one);
    if (this.#isStale(one, link)) {
      link.owed.delete(one);
      return this.#taken(link);
    }
    let again = onChannel(error) === RETRY;
    if (!again && error.code === "bad-request" && one instanceof Feed) again = this.#withLess(one, asked);
    if (!again) {
      link.owed.delete(one);
      error.channel ??= one.channel;
      this.finish(one, error);
      this.#emit("error", error);
      return this.#taken(link);
    }
    if (error.code === "conflict" || error.code === "timeout") this.letGo(one, link);
    const wait = Math.ceil((error.retryAfterMs ?? (error.code === "bad-request" ? 0 : 1e3)) + backoff(one.attempt++, this.#options));
    [one.retryAt, one.putOffBy] = [ticks() + wait, link];
    this.#timers.after(one, wait, () => {
      one.retryAt = 0;
      for (const each of [this.#links.next, this.#links.live]) {
        if (each?.welcome && !each.ended && !each.asked.has(one)) return this.ask(one, each);
      }
    });
    const reads = one.link && !one.link.ended && one.link !== link;
    if (one instanceof Feed && !reads) this.become(one, { ...one.state, name: "waiting", retryAt: Date.now() + wait, code: error.code });
  }
  /** Leaves out a part of what was asked for that may be at fault: changes that the server has never taken, then the position. Tells whether there was one. */
  #withLess(feed, asked) {
    if (asked && feed.tuning.suspect(asked)) return true;
    if (asked?.since === void 0) return false;
    feed.forget();
    return true;
  }
  /** Tells the server that it is not wanted any more. */
  letGo(one, link) {
    const frame = one instanceof Feed ? { type: "unsubscribe", channel: one.channel, sub: one.sub } : one.release();
    link.request(frame, { timeoutMs: this.#options.requestTimeoutMs }).catch(() => {
    });
  }
  become(feed, state) {
    feed.state = Object.freeze(state);
    this.#emit("subscription", { channel: feed.channel, ...state });
  }
  /** Ends a feed or a watch on our side, with the error that refused it if there is one. */
  finish(one, error) {
    one.ended = true;
    this.#timers.cancel(one);
    this.#ended(one);
    if (one instanceof Entry) one.finish(error);
    if (!(one instanceof Feed)) return;
    this.#timers.cancel(one.tuning);
    for (const reader of one.readers.values()) reader.finish(error);
    one.tuning.end(error, one.channel);
    one.endView(error);
    one.readers.clear();
    one.reject(error ?? new TidewireError({ code: "closed", message: "the subscription has ended", channel: one.channel }));
    this.become(one, { ...one.state, name: error ? "refused" : "closed", code: error?.code });
  }
  /** Something is missing at this place of a channel, or without a cursor, of any that the feed reads. A state is asked for anew instead. */
  gap(feed, cursor, position2, reason) {
    if (feed.view) {
      for (const { shown } of cursor ? [cursor] : feed.cursors.values()) shown.doubted = true;
      if (!feed.retryAt) this.denied(feed, feed.link, new TidewireError({ code: "conflict", message: "the state is asked for anew" }));
      return;
    }
    if (!isPosition(position2)) position2 = void 0;
    const gap = { type: "gap", channel: cursor?.channel ?? feed.channel, position: position2, reason, ...feed.isPattern && { pattern: feed.channel } };
    if (!cursor || !feed.isPattern) feed.forgot = false;
    feed.deliver(gap);
    cursor?.break(position2);
    this.#emit("gap", gap);
  }
  /** Tells what the reconnect has brought, once that is over. */
  tellResumed(link) {
    this.#timers.after("resumed", QUIET, () => this.#resumed(link));
  }
  #resumed(link) {
    if (link.ended || link !== this.#links.live && link !== this.#links.next) return;
    const owed = [...link.owed].some((one) => one.retryAt === 0), now = ticks();
    if ((owed || now - link.resumed.at < QUIET) && now - link.liveAt < RESUME_WITHIN) return this.tellResumed(link);
    const { caughtUp, gaps } = link.resumed;
    link.resumed = null;
    this.#emit("resumed", { caughtUp, gaps });
  }
};

// src/presences.js
var Presences = class {
  #watches = /* @__PURE__ */ new Map();
  #entries = /* @__PURE__ */ new Map();
  // by channel
  #links;
  #grants;
  #misnamed;
  #forget;
  /** `misnamed` tells of a name that a check refuses, and returns the error; `forget` ends one of those in a map. */
  constructor({ links, grants, misnamed, forget }) {
    [this.#links, this.#grants, this.#misnamed, this.#forget] = [links, grants, misnamed, forget];
  }
  /** Watches and entries. */
  get all() {
    return [...this.#watches.values(), ...this.#entries.values()];
  }
  remove(one) {
    for (const all of [this.#watches, this.#entries]) if (all.get(one.key) === one) all.delete(one.key);
  }
  // ---- what the page asks for
  /** Watches who is on a channel, until `signal` is aborted; returns a function that stops it. */
  watch(channel, callback, options = {}) {
    const { signal } = checkKnown(options, ["signal"], "presence");
    if (checkSignal(signal)?.aborted || this.#misnamed(channel, () => checkChannel(channel))) return () => {
    };
    let watch = this.#watches.get(channel);
    if (!watch) {
      this.#watches.set(channel, watch = new Watch(channel));
      this.#ask(watch);
    }
    const entry = (view) => callback(view);
    watch.callbacks.add(entry);
    if (watch.known) queueMicrotask(() => watch.callbacks.has(entry) && guarded(entry, watch.view()));
    const stop = () => {
      off();
      if (watch.callbacks.delete(entry) && watch.callbacks.size === 0) this.#forget(this.#watches, watch);
    };
    const off = onAbort(signal, stop);
    return stop;
  }
  /** Makes the client a member of a channel, with data of its own, until `signal` is aborted. The newest data counts for all that have entered it here. */
  enter(channel, data, options = {}) {
    const { signal } = checkKnown(options, ["signal"], "enter");
    const handle = {}, ready = new Promise((resolve, reject) => Object.assign(handle, { resolve, reject }));
    ready.catch(() => {
    });
    const wrong = checkSignal(signal)?.aborted ? signal.reason : this.#misnamed(channel, () => checkEntered(checkChannel(channel), data));
    if (wrong) handle.reject(wrong);
    else this.#enter(channel, data, handle);
    const leave = () => {
      off();
      const entry = this.#entries.get(channel);
      if (entry?.handles.delete(handle) && entry.handles.size === 0) this.#forget(this.#entries, entry);
    };
    const off = onAbort(signal, (reason) => {
      handle.reject(reason);
      leave();
    });
    return Object.freeze({
      ready,
      leave,
      update: (changed2) => {
        checkEntered(channel, changed2);
        if (this.#entries.get(channel)?.handles.has(handle)) this.#enter(channel, changed2, handle);
      }
    });
  }
  #enter(channel, data, handle) {
    let entry = this.#entries.get(channel);
    if (!entry) this.#entries.set(channel, entry = new Entry(channel));
    entry.handles.add(handle);
    entry.data = data;
    if (!entry.retryAt) this.#ask(entry);
  }
  #ask(one) {
    if (this.#links.forChannels) this.#grants.ask(one, this.#links.forChannels);
  }
  // ---- frames
  /** Takes a notice that one of them has ended, and tells whether it was one. */
  ended(link, { code, channel }) {
    const all = { "presence-ended": this.#watches, "enter-ended": this.#entries }[code], one = all?.get(channel);
    if (one?.link === link) {
      const message = `the token does not grant to ${all === this.#watches ? "watch who is on" : "enter"} ${channel}`;
      this.#grants.denied(one, link, new TidewireError({ code: "forbidden", channel, message }));
    }
    return all !== void 0;
  }
  update(link, frame) {
    const watch = this.#watches.get(frame.channel);
    if (watch?.link === link) watch.update(frame);
  }
};

// src/subscription.js
var Subscription = class {
  #feed;
  #owner;
  #queue = /* @__PURE__ */ new Map();
  #serial = 0;
  #waiters = [];
  #dropped = /* @__PURE__ */ new Map();
  #done = null;
  #handed = /* @__PURE__ */ new Map();
  #handedAsOf;
  // while something waits: where the reader stands in the channels of which it does
  #onMessage;
  #onGap;
  #onDropped;
  #buffer;
  #overflow;
  #offAbort = () => {
  };
  /** `owner` is who lets the reader leave, and who tunes the feed. */
  constructor(feed, owner, onMessage, { onGap, onDropped, buffer = 1e3, overflow = "drop-oldest", signal }) {
    if (overflow !== "drop-oldest" && overflow !== "conflate") throw new TypeError(`overflow: must be drop-oldest or conflate, got ${show(overflow)}`);
    if (!(buffer >= 1)) throw new TypeError(`buffer: must be at least 1, got ${show(buffer)}`);
    this.#feed = feed;
    this.#owner = owner;
    [this.#onMessage, this.#onGap, this.#onDropped, this.#buffer, this.#overflow] = [onMessage, onGap, onDropped, buffer, overflow];
    const subscription = this;
    feed.readers.set(this, {
      deliver: (item) => this.#deliver(item),
      finish: (error) => this.#finish(error),
      get waiting() {
        return subscription.#queue.size > 0;
      },
      get asOf() {
        return subscription.#queue.size ? subscription.#handedAsOf : feed.asOf;
      },
      stands: (cursor) => this.#stands(cursor)
    });
    if (typeof signal?.addEventListener === "function") this.#offAbort = onAbort(signal, (reason) => this.#abort(reason));
  }
  get channel() {
    return this.#feed.channel;
  }
  get state() {
    return this.#done ? Object.freeze({ ...this.#feed.state, name: this.#done.refused ? "refused" : "closed" }) : this.#feed.state;
  }
  get ready() {
    return this.#feed.ready.then(() => {
      if (this.#done?.aborted) throw this.#done.error;
      return this;
    }, (error) => {
      throw this.#done?.aborted ? this.#done.error : error;
    });
  }
  get position() {
    return this.#feed.isPattern ? void 0 : this.#stands(this.#feed.cursor(this.channel));
  }
  /** Of a pattern: the position of the last item that was delivered of each channel. */
  get positions() {
    const cursors = this.#feed.isPattern ? [...this.#feed.cursors.values()] : [this.#feed.cursor(this.channel)];
    return Object.fromEntries(cursors.map((cursor) => [cursor.channel, this.#stands(cursor)]).filter(([, position2]) => position2 !== void 0));
  }
  #stands(cursor) {
    return this.#handed.has(cursor.channel) ? this.#handed.get(cursor.channel) : cursor.position;
  }
  /** The rows of the channel, with the option `state`. */
  get view() {
    return this.#feed.view;
  }
  /** How often per second the server sends what is new, at most; undefined is without a bound. */
  get rate() {
    return this.#feed.tuning.rate;
  }
  /** Changes how the channel is read, for all its readers, and resolves with what the server applies. */
  async tune(change) {
    if (this.#done) throw this.#done.error ?? new TidewireError({ code: "closed", message: "the subscription has ended", channel: this.channel });
    return this.#owner.tune(change);
  }
  /** The server sends nothing until resume. */
  pause() {
    return this.tune({ paused: true });
  }
  resume() {
    return this.tune({ paused: false });
  }
  /** The page does not want it any more, for a reason of its own. */
  #abort(reason) {
    if (this.#done) return;
    this.#finish(reason);
    this.#done = { error: reason, aborted: true };
    this.#owner.leave(this);
  }
  unsubscribe() {
    if (!this.#done) this.#owner.leave(this);
  }
  [Symbol.asyncIterator]() {
    if (this.#onMessage) throw new TypeError("this subscription has a callback; subscribe without one to iterate");
    return this;
  }
  async next() {
    for (const [key, value] of this.#queue) {
      for (const [channel, count] of this.#dropped) {
        this.#dropped.delete(channel);
        return { done: false, value: { type: "dropped", channel, count, by: "reader" } };
      }
      this.#queue.delete(key);
      if (value.position !== void 0) this.#handed.set(value.channel, value.position);
      if (this.#queue.size === 0) this.#handed.clear();
      return { done: false, value };
    }
    if (this.#done?.error) throw this.#done.error;
    if (this.#done) return { done: true, value: void 0 };
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }
  async return(value) {
    this.unsubscribe();
    this.#queue.clear();
    this.#handed.clear();
    return { done: true, value };
  }
  #deliver(item) {
    if (this.#done) return;
    if (this.#onMessage) {
      return guarded({ message: this.#onMessage, gap: this.#onGap, dropped: this.#onDropped }[item.type], item);
    }
    if (this.#waiters.length) return this.#waiters.shift().resolve({ done: false, value: item });
    if (this.#queue.size === 0) this.#handedAsOf = this.#feed.asOf;
    if (!this.#handed.has(item.channel)) this.#handed.set(item.channel, this.#feed.cursor(item.channel)?.position);
    const key = this.#overflow === "conflate" && item.key ? `${item.channel} ${item.key}` : ++this.#serial;
    this.#queue.delete(key);
    if (this.#queue.size >= this.#buffer) {
      const [oldest, { channel }] = this.#queue.entries().next().value;
      this.#queue.delete(oldest);
      this.#dropped.set(channel, (this.#dropped.get(channel) ?? 0) + 1);
    }
    this.#queue.set(key, item);
  }
  #finish(error) {
    this.#offAbort();
    this.#done ??= { error, refused: error !== void 0 };
    for (const { resolve, reject } of this.#waiters.splice(0)) {
      if (error) reject(error);
      else resolve({ done: true, value: void 0 });
    }
  }
};

// src/channels.js
var Channels = class {
  presences;
  // who is where
  #feeds = /* @__PURE__ */ new Map();
  #bookmarks;
  #grants;
  // feeds by key
  #subs = 0;
  // names that were given to tell feeds apart
  #options;
  #links;
  #clock;
  #timers;
  #emit;
  #taken;
  #isClosed;
  /** `taken` is called whenever a link may have been granted all that it was asked for. */
  constructor({ options, links, clock, timers, emit, taken: taken2, isClosed }) {
    [this.#options, this.#links, this.#clock, this.#timers] = [options, links, clock, timers];
    [this.#emit, this.#taken, this.#isClosed] = [emit, taken2, isClosed];
    this.#grants = new Grants({ options, links, clock, timers, emit, taken: taken2, changed: () => this.#saveSoon(), ended: (one) => this.#remove(one) });
    this.presences = new Presences({
      links,
      grants: this.#grants,
      misnamed: (channel, check) => this.#misnamed(channel, check),
      forget: (all, one) => this.#forget(all, one)
    });
    this.#bookmarks = new Bookmarks(options.storage, options.storageKey, (error) => emit("error", error));
  }
  /** Feeds, watches and entries. */
  get #all() {
    return [...this.#feeds.values(), ...this.presences.all];
  }
  // ---- what the page asks for
  /** Reads a channel, or all that a pattern selects. What cannot be is refused here, and nobody else knows of it. */
  subscribe(channel, onMessage, options) {
    const { wants, wrong } = this.#wants(channel, options ?? {});
    const known = wrong || wants.rewind ? void 0 : this.#of(channel).find((feed2) => sameWants(wants, feed2.tuning.wanted));
    const feed = known ?? this.#feed(channel, wrong ? {} : wants, options?.since, wrong);
    const subscription = new Subscription(feed, { leave: (reader) => this.#leave(feed, reader), tune: (change) => this.#tune(feed, change) }, onMessage, options ?? {});
    if (known) return subscription;
    if (wrong) {
      this.#grants.finish(feed, wrong);
      return subscription;
    }
    if (!feed.view) this.#bookmarks.restore(feed);
    this.#feeds.set(feed.key, feed);
    if (this.#links.forChannels) this.#grants.ask(feed, this.#links.forChannels);
    return subscription;
  }
  /** The feeds of a channel or a pattern: one for each way in which it is read. */
  #of(channel) {
    return [...this.#feeds.values()].filter((feed) => feed.channel === channel);
  }
  /** A new feed, with a name of its own where what comes of it could be taken for something else. */
  #feed(channel, wants, since, wrong) {
    const sub = !wrong && (isPattern(channel) || this.#feeds.has(channel)) ? String(++this.#subs) : void 0;
    return new Feed(wrong ? text(channel) ?? "" : channel, { sub, since, wants, remember: this.#options.remember, clock: this.#clock });
  }
  unsubscribe(channel) {
    for (const feed of this.#of(channel)) for (const reader of [...feed.readers.keys()]) reader.unsubscribe();
  }
  /** What a subscription asks the server for, or why it cannot be. */
  #wants(channel, options) {
    let wants;
    const wrong = this.#misnamed(channel, () => {
      checkSelection(channel);
      wants = checkWants(options, isPattern(channel));
    });
    return { wants, wrong };
  }
  /** Changes how a channel is read. Resolves with what the server applies. */
  async #tune(feed, change) {
    const tuned = feed.tuning.add(checkChange(change));
    this.#grants.tune(feed);
    return tuned;
  }
  /** The error of a name that no channel can have, or of what else is wrong, which is told as well. */
  #misnamed(channel, check) {
    try {
      check();
      return void 0;
    } catch (error) {
      error.channel = text(channel);
      queueMicrotask(() => this.#emit("error", error));
      return error;
    }
  }
  #leave(feed, reader) {
    feed.readers.get(reader)?.finish();
    feed.readers.delete(reader);
    if (feed.readers.size === 0) this.#forget(this.#feeds, feed);
  }
  #forget(all, one) {
    if (all.get(one.key) !== one) return;
    this.#grants.finish(one);
    this.#saveSoon();
    for (const link of [this.#links.live, this.#links.next]) {
      if (!link?.asked.delete(one)) continue;
      link.owed.delete(one);
      this.#grants.letGo(one, link);
      this.#taken(link);
    }
  }
  #remove(one) {
    if (this.#feeds.get(one.key) === one) this.#feeds.delete(one.key);
    else this.presences.remove(one);
  }
  // ---- links come and go
  /** The subscriptions of the first frame and their asOf: as many as fit into `room` bytes, and `most` at most. `rest` is the frame without them. */
  first(link, rest, room, most) {
    const now = ticks();
    const feeds = [...this.#feeds.values()].filter((feed) => feed.retryAt <= now && (this.#bookmarks.known || feed.hasBegun || feed.view));
    const asOf = feeds.reduce((newest, feed) => feed.asOf > (newest ?? 0) ? feed.asOf : newest, void 0);
    room -= bytes(JSON.stringify({ ...rest, asOf, subscriptions: [] }));
    const subscriptions = [];
    for (const feed of feeds) {
      const { type, asOf: own, ...subscription } = feed.request();
      if ((subscription.since || feed.isPattern) && !feed.view && own !== asOf) continue;
      room -= bytes(JSON.stringify(subscription)) + 1;
      if (room < 0 || subscriptions.length >= most) break;
      subscriptions.push(subscription);
      link.first.add(feed);
      this.#grants.expect(feed, link);
    }
    return { asOf, subscriptions };
  }
  /** A link is welcome: asks it for what the first frame has not. */
  welcomed(link, { tenant, user }) {
    this.#bookmarks.open(tenant, user);
    for (const one of this.#all) {
      if (link.asked.has(one) || one.retryAt > ticks()) continue;
      if (one instanceof Feed && !one.view) this.#bookmarks.restore(one);
      this.#grants.ask(one, link);
    }
    if (!link.ended && link.first.size) this.#timers.after(link.first, 2 * this.#options.requestTimeoutMs, () => this.#again(link, "timeout"));
  }
  tellResumed(link) {
    this.#grants.tellResumed(link);
  }
  /** Whether any is read from the link. */
  readsFrom(link) {
    return this.#all.some((one) => one.link === link);
  }
  /** There is no live link any more. */
  disconnected() {
    for (const feed of [...this.#feeds.values()]) {
      if (!feed.link?.ended || feed.state.name !== "live") continue;
      const wait = feed.retryAt - ticks();
      this.#grants.become(feed, wait > 0 ? { ...feed.state, name: "waiting", retryAt: Date.now() + wait } : { ...feed.state, name: "pending" });
    }
  }
  /** What a link has put off, another may give at once. */
  forgive(link) {
    this.#timers.cancel(link.first);
    for (const one of this.#all) {
      if (one instanceof Feed) this.#grants.tune(one);
      if (one.putOffBy !== link || one.retryAt === 0) continue;
      this.#timers.cancel(one);
      one.retryAt = 0;
      if (one.state?.name === "waiting") this.#grants.become(one, { ...one.state, name: "pending", retryAt: void 0, code: void 0 });
    }
  }
  /** The next link is asked for everything. */
  askAgain() {
    for (const one of this.#all) one.retryAt = 0;
  }
  /** What was read until now was somebody else's, so nothing is resumed. */
  forgetPositions() {
    for (const feed of this.#feeds.values()) {
      feed.forget();
      feed.clearView();
    }
  }
  close() {
    for (const one of this.#all) this.#grants.finish(one);
  }
  // ---- frames
  /** What a frame is about. */
  #feedOf(frame) {
    return this.#feeds.get(keyOf(frame));
  }
  message(link, message) {
    const feed = this.#feedOf(message), cursor = feed?.link === link ? feed.cursor(message.channel) : void 0;
    if (!cursor) return;
    delete message.sub;
    if (feed.view && message.expired === true && message.position === void 0) return cursor.shown.expired(message.key);
    if (!isPosition(message.position)) return this.#grants.gap(feed, cursor, cursor.position, "live");
    if (cursor.doubtful(message)) return this.#grants.gap(feed, cursor, message.position, "resume");
    if (feed.view) return feed.receiveKeyed(cursor, message, link.resumed, this.#clock);
    if (feed.receive(cursor, message, link.resumed, this.#clock)) this.#saveSoon();
  }
  /** A frame of a state that is no message: a part of a snapshot, or changes. */
  shown(link, frame) {
    const feed = this.#feedOf(frame);
    if (feed?.link === link && feed.view) feed.cursor(frame.channel)?.shown[frame.type](frame);
  }
  notice(link, frame) {
    const { code, channel, position: position2, count, maxRate, reason, view } = frame;
    if (this.presences.ended(link, frame)) return;
    if (code === "dropped") return this.#dropped(link, frame, within(count, 1, Number.MAX_SAFE_INTEGER, 1));
    const feed = this.#feedOf(frame);
    if (feed?.link !== link || !feed.reads(channel)) return;
    if (code === "gap") this.#grants.gap(feed, feed.cursor(channel), position2, "live");
    if (code === "view" && feed.view) feed.cursor(channel)?.shown.showBy(view);
    if (code === "complete" && feed.view && feed.isPattern) feed.complete();
    if (code === "tuned") {
      feed.tuning.rate = within(maxRate, 0, 1e9) || void 0;
      this.#emit("tuned", { channel, maxRate: feed.tuning.rate, reason: text(reason) });
    }
  }
  /** The queue of the connection does not tell apart for which subscription it has let something go. */
  #dropped(link, frame, count) {
    const feeds = frame.sub === void 0 ? [...this.#feeds.values()] : [this.#feedOf(frame)];
    const about = feeds.filter((feed) => feed?.link === link && feed.cursor(frame.channel)), dropped = { type: "dropped", channel: frame.channel, count, by: "server" };
    for (const feed of about) feed.deliver(dropped);
    if (about.length) this.#emit("dropped", dropped);
  }
  /** A heartbeat vouches for the silence of what is read from its link. */
  silent(link, asOf) {
    for (const feed of this.#feeds.values()) if (feed.link === link && !feed.view && !feed.tuning.wanted.paused) feed.silent(asOf);
    this.#saveSoon();
  }
  /** Takes the answer to a subscription of the first frame. */
  ok(link, frame) {
    const feed = frame.id === void 0 ? this.#feedOf(frame) : void 0;
    if (feed?.isPattern && frame.pattern !== true) this.#grants.channelGranted(feed, link, frame);
    else if (link.first.has(feed)) this.#grants.granted(feed, link, frame);
  }
  /** Takes an error that is about a channel or the first frame's subscriptions, and tells whether it was. */
  failed(link, frame, error, answersFirst) {
    const known = this.#feedOf(frame);
    const feed = known && known.channel === frame.channel && (link.first.has(known) || known.link === link) ? known : void 0;
    if (feed) this.#grants.denied(feed, link, error);
    else if (typeof frame.channel === "string" && frame.channel) this.#emit("error", error);
    else if (link.welcome && link.first.size && (answersFirst || frame.limit === "subscriptionsPerConnection")) this.#again(link, "unavailable", error.retryAfterMs);
    else return false;
    return true;
  }
  /** Asks once more for what the first frame has asked for and not got. */
  #again(link, code, retryAfterMs) {
    for (const feed of [...link.first]) this.#grants.denied(feed, link, new TidewireError({ code, message: "no answer to the subscription in the first frame", retryAfterMs }));
  }
  // ---- storage
  save() {
    this.#bookmarks.keep(this.#feeds);
  }
  #saveSoon() {
    if (this.#options.storage && !this.#timers.has("save") && !this.#isClosed()) this.#timers.after("save", 1e3, () => this.save());
  }
};

// src/event-stream.js
var LONGEST = 4 << 20;
async function* eventsOf(answer) {
  if (!/^text\/event-stream/i.test(answer.headers.get("Content-Type") ?? "")) return;
  const decoder = new TextDecoder(), reader = answer.body.getReader();
  let rest = "";
  try {
    for (; ; ) {
      const { done, value } = await reader.read();
      if (done) return;
      const events = (rest + decoder.decode(value, { stream: true })).split(/\r?\n\r?\n/);
      rest = events.pop();
      if (rest.length > LONGEST) return;
      for (const text3 of events) {
        const event = eventOf(text3);
        if (event) yield event;
      }
    }
  } finally {
    reader.cancel().catch(() => {
    });
  }
}
function eventOf(text3) {
  const fields2 = {};
  for (const line of text3.split(/\r?\n/)) {
    const [, name, value] = line.match(/^(event|data): ?(.*)$/) ?? [];
    if (name) fields2[name] = value;
  }
  return fields2.data === void 0 ? void 0 : { event: fields2.event, data: JSON.parse(fields2.data) };
}
async function problemOf(answer) {
  try {
    const { code, detail, title, limit: limit2, retryAfterMs } = await answer.json();
    return typeof code === "string" ? { code, message: detail ?? title, limit: limit2, retryAfterMs } : void 0;
  } catch {
    return void 0;
  }
}

// src/posts.js
var FRAMES = 200;
var BYTES = 2e5;
var Posts = class {
  #post;
  #on;
  #waiting = [];
  #busy = false;
  #closed = false;
  #refusals = 0;
  #why;
  // of publishes: how many were refused, and why the last one was
  /** `post` sends frames and resolves with what came of it; `answer` is called with each answer, `fail` with why there are none. */
  constructor(post, on) {
    [this.#post, this.#on] = [post, on];
  }
  add(frame) {
    this.#waiting.push(frame);
    if (!this.#busy) this.#run();
  }
  close() {
    this.#closed = true;
    this.#waiting = [];
  }
  async #run() {
    this.#busy = true;
    await null;
    while (this.#waiting.length && !this.#closed) await this.#send(this.#take());
    this.#busy = false;
  }
  /** As many frames as go into a request. A publish that was asked for before the client knew of a refusal is refused: it would overtake what comes again. */
  #take() {
    const taken2 = /* @__PURE__ */ new Map();
    let room = BYTES;
    while (this.#waiting.length && taken2.size < FRAMES) {
      const [{ refusals, ...frame }] = this.#waiting, json = JSON.stringify({ ...frame, refusals: refusals === void 0 ? void 0 : 0 });
      if (taken2.size && (room -= bytes(json)) < 0) break;
      this.#waiting.shift();
      if (refusals < this.#refusals) this.#refuse(frame, this.#why);
      else taken2.set(frame.id, { frame, json });
    }
    return taken2;
  }
  async #send(taken2) {
    if (taken2.size === 0) return;
    let came;
    try {
      came = await this.#post([...taken2.values()].map(({ json }) => json));
    } catch {
      return this.#on.fail(1006);
    }
    if (this.#closed) return;
    const { frames, problem } = came;
    if (problem?.code === "unauthorized" || problem?.code === "expired") {
      this.#on.answer({ type: "error", ...problem });
      return this.#on.fail(closeOf(problem.code));
    }
    if (problem) for (const { frame } of taken2.values()) this.#refuse(frame, problem);
    else if (!frames || !this.#answers(taken2, frames)) this.#on.fail(1006);
  }
  /** Gives the answers, and tells whether they are all. */
  #answers(taken2, frames) {
    for (const answer of frames) {
      const asked = taken2.get(answer.id);
      if (!asked) continue;
      taken2.delete(answer.id);
      if (answer.type === "error" && answer.refusals !== void 0) this.#refuse(asked.frame, answer);
      else this.#on.answer(answer);
    }
    return taken2.size === 0;
  }
  #refuse({ id, channel, type }, { code, message, limit: limit2, retryAfterMs }) {
    const answer = { type: "error", id, channel, code, message, limit: limit2, retryAfterMs };
    if (type === "publish") {
      this.#why = { code, message, limit: limit2, retryAfterMs };
      answer.refusals = ++this.#refusals;
    }
    this.#on.answer(answer);
  }
};

// src/tokens.js
var MARGIN = 3e4;
var MAX_HEADER = 4 << 10;
var MAX_TOKEN = 16 << 10;
function asToken(value) {
  const token = text(value)?.trim();
  return token && token.length <= MAX_TOKEN && /^[\w\-.~+/=]+$/.test(token) ? token : void 0;
}
var fitsHeader = (token) => token.length <= MAX_HEADER && /^[\w\-.~+]+$/.test(token);
function tokenOf(value) {
  const token = { value, takenAt: ticks(), endsAt: 0, lastsMs: Infinity }, { iat, exp } = asClaims(value) ?? {};
  token.endsAt = moment(exp * 1e3);
  if (exp > iat) token.lastsMs = (exp - iat) * 1e3;
  return token;
}
function asClaims(token) {
  try {
    const bytes2 = Uint8Array.from(atob(token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/")), (each) => each.charCodeAt(0));
    const claims = JSON.parse(new TextDecoder().decode(bytes2));
    return typeof claims === "object" && claims !== null ? claims : void 0;
  } catch {
    return void 0;
  }
}
var SignedOut = class extends TidewireError {
};
var Tokens = class {
  current = null;
  // the one in hand
  refused = false;
  // whether the server has refused the last one
  #source;
  #clock;
  #timeoutMs;
  /** `source` is a token, a function that gets one, or undefined. */
  constructor(source, clock, timeoutMs) {
    [this.#source, this.#clock, this.#timeoutMs] = [source, clock, timeoutMs];
  }
  /** Whether there may be another one. */
  get renewable() {
    return typeof this.#source === "function";
  }
  /** Whether one has to be provided before the next connection. */
  get needed() {
    return this.#source !== void 0 && !this.#reusable;
  }
  get #reusable() {
    if (!this.current) return false;
    const { byClock, byLength } = this.left(this.current);
    return !this.current.endsAt || !this.renewable || byLength > MARGIN && (byClock > MARGIN || !this.current.shown);
  }
  /** Gets a token from the provider, or takes the fixed one. What is late is kept for the next time. */
  provide() {
    const source = this.#source, before = this.current, rejected = this.refused;
    if (typeof source !== "function") return this.#take(asToken(source));
    const provided = (async () => source({ rejected }))().then((value) => {
      if (value === null) throw new SignedOut({ code: "unauthorized", message: "signed out: the token provider returned null" });
      const token = asToken(value);
      if (token === void 0) throw new TypeError(`token: the provider must return a token, or null if nobody is signed in, got ${typeof value === "string" ? "a string that is not a token" : typeof value}; check answer.ok in it`);
      if (this.current === before) this.#take(token);
    });
    provided.catch(() => {
    });
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new TidewireError({ code: "timeout", message: `the token provider did not answer within ${this.#timeoutMs} ms` })), this.#timeoutMs);
    });
    return Promise.race([provided, late]).finally(() => clearTimeout(timer));
  }
  /** Takes a token that the application gives, for good if it has no provider. */
  give(value) {
    const token = asToken(value);
    if (token === void 0) throw new TypeError("token: must be a token, of letters, digits and - . _ ~ + / =");
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
};

// src/events-socket.js
var GATHER = 20;
var STREAMS = 2;
var CHANGE = 200;
var ANSWERED = 3e4;
var PATIENCE = 3e4;
var FRESH = 6e4;
var EventsSocket = class {
  onopen;
  onmessage;
  onclose;
  onerror;
  #url;
  #token;
  #over = false;
  #heardAt = 0;
  #streams = /* @__PURE__ */ new Set();
  #bound;
  // stream: {abort, asOf, carries, welcome, heardAt, quiet}
  #wanted = [];
  #gathering;
  #changing;
  #entered = /* @__PURE__ */ new Set();
  #posts;
  constructor(url, token) {
    this.#url = new URL(url);
    this.#url.protocol = this.#url.protocol.replace(/^ws/, "http");
    this.#url.pathname = this.#url.pathname.replace(/\/socket$/, "/events");
    this.#token = token;
    const on = { answer: (frame) => this.#give(frame), fail: (code, reason) => this.#end(code, reason) };
    this.#posts = { publish: new Posts((lines) => this.#post(lines), on), other: new Posts((lines) => this.#post(lines), on) };
    queueMicrotask(() => this.#over || this.onopen?.());
  }
  send(text3) {
    const frame = JSON.parse(text3), { type, id, channel } = frame;
    switch (type) {
      case "connect":
        this.#bound = frame.maxBytesPerSecond;
        return this.#open([text3], frame.subscriptions.length > 0);
      case "ping":
        if (Date.now() - this.#heardAt < FRESH) this.#give({ type: "heartbeat" });
        return;
      case "subscribe":
        return this.#want(text3);
      case "presence":
        if (frame.watch !== true && frame.enter === void 0) return this.#change({ type: "ok", id, channel });
        if (frame.enter !== void 0 && this.#entered.has(channel)) return this.#change();
        if (frame.enter !== void 0) this.#entered.add(channel);
        return this.#want(text3);
      case "unsubscribe":
        return this.#change({ type: "ok", id, channel });
      case "tune":
        return this.#change();
      case "refresh":
        this.#token = frame.token;
        return this.#change({ type: "ok", id, expiresAt: tokenOf(frame.token).endsAt || void 0 });
      case "publish":
        if (frame.key === "$connection") return this.#later({ type: "error", id, channel, code: "bad-request", message: "publish: the key $connection needs a WebSocket, and none gets through here" });
        return this.#posts.publish.add(frame);
    }
    this.#posts.other.add(frame);
  }
  close() {
    this.#over = true;
    for (const { abort } of this.#streams) abort.abort();
    this.#streams.clear();
    for (const timer of [this.#gathering, this.#changing]) clearTimeout(timer);
    for (const posts of Object.values(this.#posts)) posts.close();
  }
  // ---- what is read from now on
  /** Asks for something on a stream of its own, with what else is asked for at the moment; if there are several already, all goes to a new connection. */
  #want(text3) {
    this.#wanted.push(text3);
    this.#gathering ??= setTimeout(() => {
      const wanted2 = this.#wanted.splice(0);
      this.#gathering = void 0;
      if ([...this.#streams].filter(({ carries }) => carries).length >= STREAMS) return this.#change();
      this.#open([JSON.stringify({ type: "connect", maxBytesPerSecond: this.#bound, subscriptions: [] }), ...wanted2], true);
    }, GATHER);
  }
  /** What a stream carries cannot be changed: the client is told to move to a new connection. */
  #change(answer) {
    if (answer) this.#later(answer);
    this.#changing ??= setTimeout(() => this.#give({ type: "move", afterMs: 0, own: true }), CHANGE);
  }
  async #open(lines, carries) {
    const stream = { abort: new AbortController(), asOf: 0, carries, welcome: false, heardAt: ticks(), quiet: PATIENCE };
    this.#streams.add(stream);
    try {
      const answer = await this.#fetch(lines, stream.abort.signal);
      if (!answer.ok) return await this.#refused(answer);
      for await (const { event, data } of eventsOf(answer)) {
        if (this.#over || !this.#streams.has(stream)) return;
        if (event === "close") return this.#end(data.code, data.reason);
        this.#take(stream, data);
      }
    } catch {
    }
    if (this.#streams.has(stream)) this.#end(1006);
  }
  #take(stream, frame) {
    [this.#heardAt, stream.heardAt] = [Date.now(), ticks()];
    if ([...this.#streams].some(({ heardAt, quiet }) => ticks() - heardAt > quiet)) return this.#end(1006);
    if (frame.type === "welcome" && frame.id === void 0) return this.#welcomed(stream, frame);
    if (frame.type !== "heartbeat") return this.#give(frame);
    stream.asOf = frame.asOf ?? 0;
    const asOf = Math.min(...[...this.#streams].map((each) => each.asOf));
    this.#give({ type: "heartbeat", asOf: asOf || void 0 });
  }
  /** The link is welcome once. A stream that carries nothing was opened for that alone. */
  #welcomed(stream, frame) {
    const first = ![...this.#streams].some(({ welcome }) => welcome);
    [stream.welcome, stream.quiet] = [true, 2.5 * within(frame.heartbeatMs, 1e3, 6e5, PATIENCE)];
    if (first) return this.#give(frame);
    for (const other of [...this.#streams]) {
      if (other.carries || !other.welcome) continue;
      this.#streams.delete(other);
      other.abort.abort();
    }
  }
  // ---- requests
  #fetch(lines, signal) {
    return fetch(this.#url, { method: "POST", body: lines.join("\n"), signal, cache: "no-store", headers: { Authorization: `Bearer ${this.#token}`, "Content-Type": "application/x-ndjson" } });
  }
  /** Resolves with the answers to frames, or with why there are none. */
  async #post(lines) {
    const abort = new AbortController(), timer = setTimeout(() => abort.abort(), ANSWERED), frames = [];
    try {
      const answer = await this.#fetch(lines, abort.signal);
      if (!answer.ok) return { problem: await problemOf(answer) };
      for await (const { event, data } of eventsOf(answer)) if (event !== "close") frames.push(data);
      return { frames };
    } finally {
      clearTimeout(timer);
    }
  }
  async #refused(answer) {
    const problem = await problemOf(answer);
    if (problem) this.#give({ type: "error", ...problem });
    this.#end(problem ? closeOf(problem.code) : 1006, problem?.message);
  }
  // ---- to the link
  #give(frame) {
    if (!this.#over) this.onmessage?.({ frame });
  }
  /** Not in the midst of what is being done. */
  #later(frame) {
    queueMicrotask(() => this.#give(frame));
  }
  #end(code, reason = "") {
    if (this.#over) return;
    this.close();
    this.onclose?.({ code, reason });
  }
};

// src/link.js
var PROBE = 5e3;
var Link = class {
  asked = /* @__PURE__ */ new Map();
  // feed or watch -> {since, wants, changes}: what it was asked for with
  owed = /* @__PURE__ */ new Set();
  // those not granted yet
  first = /* @__PURE__ */ new Set();
  // feeds that were asked for in the first frame, whose answers have no id
  welcome = null;
  failure = null;
  // the error frame that came without id and channel: why it is about to close
  opened = false;
  ended = false;
  spoken = false;
  // the server has said something
  way = "websocket";
  // or "sse"
  liveAt = 0;
  resumed = null;
  // what a reconnect brought: {caughtUp, gaps, at}
  size = 0;
  // of the newest frame, in characters
  refusals = 0;
  // the newest number of a refused publish; each publish shows it
  #socket;
  #on;
  #pending = /* @__PURE__ */ new Map();
  #nextID = 1;
  #heard = ticks();
  #pinged = false;
  #heartbeat = 25e3;
  #drift = 0;
  #listening;
  #probing;
  #backlog = /* @__PURE__ */ new Map();
  #budget = 1;
  #paced = ticks();
  #pacer;
  constructor(socket, token, on) {
    this.#socket = socket;
    this.#on = on;
    this.token = token;
    socket.onopen = () => this.#safely(() => {
      this.opened = true;
      on.open(this);
    });
    socket.onmessage = ({ data, frame }) => this.#safely(() => {
      this.size = data?.length ?? 0;
      this.#receive(frame ?? parsed(data));
    });
    socket.onclose = (event) => {
      this.spoken ||= event?.spoken === true;
      this.#end(Number.isInteger(event?.code) ? event.code : 1006, text(event?.reason) ?? "");
    };
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
    this.#on.trace?.("sent", json);
    try {
      this.#socket.send(json);
    } catch {
      setTimeout(() => this.drop(), 0);
    }
  }
  /** Sends at the pace the server allows. The backlog is bounded by the channels and by maxPending. */
  #pace() {
    const now = ticks(), rate2 = Math.max(0.1, this.welcome?.limits.framesPerSecond || 50);
    this.#budget = Math.min(Math.max(1, rate2), this.#budget + (now - this.#paced) * rate2 / 1e3);
    this.#paced = now;
    for (const [id, json] of this.#backlog) {
      if (this.#budget < 1) break;
      this.#backlog.delete(id);
      this.send(json);
    }
    clearTimeout(this.#pacer);
    if (this.#backlog.size) this.#pacer = setTimeout(() => this.#safely(() => this.#pace()), Math.ceil(Math.max(1, 1e3 * (1 - this.#budget) / rate2)));
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
   * request back, or with `true` only if it has not been sent yet: it tells whether that was so. With `whole`, a frame of an error
   * is an answer as well.
   */
  ask(json, resolve, reject, { timeoutMs, urgent = false, publishes = false, whole: wholly = false, what = "a request" } = {}) {
    const nothing = () => false;
    if (this.ended) return reject(lost()), nothing;
    const id = this.#nextID++, whole = `{"id":${id},${publishes ? `"refusals":${this.refusals},` : ""}${json.slice(1)}`;
    const limit2 = this.welcome?.limits.messageBytes ?? Infinity;
    if (whole.length * 3 > limit2 && bytes(whole) > limit2) {
      reject(new TidewireError({ code: "too-large", limit: "messageBytes", message: `the frame must have at most ${limit2} bytes, got ${bytes(whole)}` }));
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
      reject(new TidewireError({ code: "timeout", message: `no answer to ${what} within ${timeoutMs} ms`, lost: !unsent }));
    }, Math.min(timeoutMs, MAX_TIMER));
    this.#pending.set(id, { resolve, reject, timer, wholly });
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
  get busy() {
    return this.#pending.size > 0;
  }
  /**
   * Looks for signs of life. The server's heartbeats are enough; only after more than one of them is missing
   * a ping asks, and when nothing comes of that in the same time again, the socket is dropped.
   */
  #watch(heartbeatMs) {
    this.#heartbeat = heartbeatMs;
    this.#drift = Date.now() - ticks();
    this.#listen(1.25 * heartbeatMs);
    this.ping(heartbeatMs);
  }
  #listen(ms) {
    clearTimeout(this.#listening);
    this.#listening = setTimeout(() => this.#safely(() => {
      const quiet = 1.25 * this.#heartbeat, silent = ticks() - this.#heard, drift = Date.now() - ticks();
      const slept = Math.abs(drift - this.#drift) > PROBE;
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
    this.ask('{"type":"ping"}', () => this.#on.roundTrip(ticks() - sent), () => {
    }, { timeoutMs, urgent: true });
  }
  /** Pings, and drops the socket unless something comes soon: after sleep or a change of network. */
  probe() {
    if (!this.welcome || this.#probing) return;
    const since = this.#heard;
    this.ping(PROBE);
    this.#probing = setTimeout(() => {
      this.#probing = void 0;
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
      this.#socket.close(1e3);
    } catch {
    }
  }
  #receive(frame) {
    [this.#heard, this.#pinged, this.spoken] = [ticks(), false, true];
    this.#on.trace?.("received", frame);
    if (typeof frame?.type !== "string") return this.drop("the server sent something that is not a frame of this protocol");
    if (frame.type === "error") this.refusals = Math.max(this.refusals, Number.isSafeInteger(frame.refusals) ? frame.refusals : 0);
    const answers = frame.type === "ok" || frame.type === "error" || frame.type === "pong";
    const request = answers ? this.#pending.get(frame.id) : void 0;
    if (!request) return this.#on.frame(this, frame);
    this.#pending.delete(frame.id);
    this.#backlog.delete(frame.id);
    clearTimeout(request.timer);
    if (frame.type === "error" && !request.wholly) request.reject(new TidewireError(frame));
    else request.resolve(frame);
  }
  #end(code, reason) {
    if (this.ended) return;
    const { verdict } = onConnection(code);
    this.#finish(() => verdict === LESS ? Object.assign(lost(), { code: onConnection(code).code, fatal: true }) : lost());
    this.#on.trace?.("ended", { code, reason });
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
};
function parsed(data) {
  try {
    return JSON.parse(data);
  } catch {
    return null;
  }
}

// src/protocol.js
var PROTOCOL = "tidewire.v1.json";

// src/dialer.js
var FIRST_ID = 0;
var FIRST_FRAME = 32 << 10;
var Dialer = class {
  turn = 0;
  // what an earlier turn brings is stale
  #maxBytesPerSecond;
  // of each connection
  #inFrame = false;
  #headersRefused = 0;
  // where the next token goes, and how often only the first frame would do
  #messageBytes = Infinity;
  #most = Infinity;
  // limits of the last welcome
  #options;
  #links;
  #timers;
  #tokens;
  #share;
  #ways;
  #on;
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
      if (!error.lost) throw error;
    })));
  }
  /** What is under way is stale from now on. Returns the turn that it would be. */
  stop() {
    return ++this.turn;
  }
  async #open(turn) {
    if (this.#tokens.needed) await this.#tokens.provide();
    if (turn !== this.turn) return;
    const token = this.#tokens.current, { over, frame, fault, roundTrip } = this.#on, events = this.#ways?.next === "sse" && token !== null;
    const shared = token !== null && !events && this.#share?.isUsed === true;
    const inHandshake = shared || events || token !== null && this.#options.tokenIn === "subprotocol" && !this.#inFrame && fitsHeader(token.value);
    this.#inFrame = inHandshake && !shared && !events;
    const link = new Link(events ? new EventsSocket(this.#options.url, token.value) : shared ? this.#share.open(token.value) : this.#socket(inHandshake, token), token, {
      open: () => {
        this.#headersRefused = inHandshake ? 0 : this.#headersRefused;
        this.#inFrame = false;
        this.#opened(link, inHandshake ? void 0 : token?.value);
      },
      frame,
      fault,
      closed: (ended, code, reason) => {
        if (code === 1006 && !ended.spoken) this.#ways?.failed(ended.way);
        else this.#ways?.works(ended.way);
        over(ended, code, reason);
      },
      roundTrip,
      trace: this.#trace
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
    if (subscriptions.length === 0 && token === void 0 && link.inHandshake && this.#maxBytesPerSecond === void 0 && link.way === "websocket") return;
    link.send(JSON.stringify(subscriptions.length ? { ...frame, asOf, subscriptions } : { ...frame, subscriptions }));
  }
  /** A link is welcome: learns from it for the next one. */
  welcomed(link, { messageBytes, subscriptionsPerConnection }) {
    this.#ways?.works(link.way);
    if (!link.inHandshake && this.#options.tokenIn === "subprotocol" && link.token && fitsHeader(link.token.value)) this.#headersRefused++;
    this.#inFrame = this.#headersRefused > 1;
    [this.#messageBytes, this.#most] = [messageBytes, subscriptionsPerConnection];
  }
};

// src/inbox.js
var Inbox = class {
  #directs = new Recent(1e3);
  // IDs of events that belong to no channel
  #channels;
  #clock;
  #renewal;
  #emit;
  #welcomed;
  #move;
  constructor({ channels, clock, renewal, emit, welcomed, move }) {
    [this.#channels, this.#clock, this.#renewal, this.#emit, this.#welcomed, this.#move] = [channels, clock, renewal, emit, welcomed, move];
  }
  take(link, frame) {
    switch (frame.type) {
      case "message":
        return this.#channels.message(link, frame);
      case "snapshot":
      case "changes":
        return this.#channels.shown(link, frame);
      case "welcome":
        return this.#welcomed(link, frame);
      case "direct":
        return void (text(frame.event) !== void 0 && this.#directs.seen(frame.event) || this.#emit("direct", frame));
      case "ok":
        return this.#channels.ok(link, frame);
      case "error":
        return this.#failed(link, frame);
      case "heartbeat":
        return this.#heartbeat(link, moment(frame.asOf));
      case "notice":
        return this.#channels.notice(link, frame);
      case "presence":
        return this.#channels.presences.update(link, frame);
      case "move":
        return this.#move(link, frame.afterMs);
    }
  }
  #heartbeat(link, asOf) {
    if (!asOf) return;
    this.#clock.heard(asOf);
    this.#renewal.reconsider();
    this.#channels.silent(link, asOf);
  }
  #failed(link, frame) {
    if (frame.id !== void 0 && frame.id !== FIRST_ID) return;
    const error = new TidewireError(frame);
    if (this.#channels.failed(link, frame, error, frame.id === FIRST_ID)) return;
    link.failure = frame;
    setTimeout(() => {
      if (link.ended || link.failure !== frame) return;
      link.failure = null;
      this.#emit("error", error);
    }, 1e3);
  }
};

// src/links.js
var Links = class {
  live = null;
  next = null;
  // being opened; during a move beside a live one
  leaving = null;
  // moved away from, may still answer requests
  /** The one that new requests for channels go to. */
  get forChannels() {
    return this.next?.welcome ? this.next : this.live;
  }
};

// src/renewal.js
var Renewal = class {
  #at = Infinity;
  #hasty = 0;
  // in ticks; renewals in a row that came sooner than they should
  #tokens;
  #links;
  #timers;
  #timeoutMs;
  #renewed;
  #failed;
  /** `renewed` is told until when the live link is good now and `failed` why one that was planned was not. */
  constructor({ tokens, links, timers, timeoutMs, renewed, failed }) {
    [this.#tokens, this.#links, this.#timers, this.#timeoutMs, this.#renewed, this.#failed] = [tokens, links, timers, timeoutMs, renewed, failed];
  }
  /** Renews the token of the live link, with another one from the provider or the one in hand. Rejects if provider or server refuses. */
  async now(provide = true) {
    const link = this.#links.live;
    if (provide) await this.#tokens.provide();
    if (this.#tokens.current) return this.#renew(link, this.#tokens.current);
  }
  /** Until the server has taken the token, the link lives by its old one. */
  async #renew(link, token) {
    try {
      const { expiresAt } = await link.request({ type: "refresh", token: token.value }, { timeoutMs: this.#timeoutMs, urgent: true });
      token.endsAt = moment(expiresAt) || token.endsAt;
    } catch (error) {
      if (["unauthorized", "expired", "forbidden", "bad-request"].includes(error.code)) {
        this.#tokens.refused = true;
        if (this.#tokens.current === token) this.#tokens.current = link.token;
      }
      throw error;
    }
    [link.token, this.#tokens.refused] = [token, false];
    link.welcome = { ...link.welcome, expiresAt: token.endsAt };
    if (link !== this.#links.live) return;
    this.plan();
    this.#renewed(token.endsAt);
  }
  /** Plans the next one, if there is a provider, not before `ordered` milliseconds. Neither a clock that is far off nor a failure makes it a storm. */
  plan(ordered2 = 0) {
    const token = this.#links.live?.token;
    if (!this.#tokens.renewable || !token?.endsAt) return;
    const { byClock, byLength } = this.#tokens.left(token), share = 0.7 + 0.15 * Math.random();
    const wait = share * (byClock > 0 ? Math.min(byClock, byLength) : 0);
    const pause = Math.min(6e4, 1e3 * 2 ** this.#hasty, byLength > 0 ? Math.max(1e3, share * byLength) : Infinity);
    const hasty = byClock <= 0 || (byLength < Infinity ? byClock < byLength / 2 : wait < pause);
    this.#hasty = hasty ? Math.min(this.#hasty + 1, 10) : 0;
    this.#at = ticks() + Math.max(ordered2, wait, pause);
    this.#timers.after("refresh", this.#at - ticks(), async () => {
      try {
        await this.now();
      } catch (error) {
        this.plan(error?.retryAfterMs);
        this.#failed(error);
      }
    });
  }
  /** The server's clock is known better: plans anew if it is further ahead than was known. */
  reconsider() {
    const token = this.#links.live?.token, left = token?.endsAt ? this.#tokens.left(token).byClock : 0;
    if (left > 0 && this.#hasty === 0 && this.#timers.has("refresh") && this.#at - ticks() > 0.9 * left) this.plan();
  }
  /** A token has ended before it was renewed, so the pause was too long. */
  late() {
    this.#hasty = 0;
  }
};

// src/requests.js
var Requests = class {
  #all = /* @__PURE__ */ new Set();
  // in the order in which they were asked for
  #link = null;
  #most;
  #notBefore = 0;
  #timer;
  // notBefore, in ticks: of all publishes, after one was over a limit
  constructor(most) {
    this.#most = most;
  }
  /** Sends a frame. `channel` is given for publishes alone. */
  add(json, { channel, wait, repeatable, timeoutMs, signal, what }) {
    if (this.#all.size >= this.#most) {
      throw new TidewireError({ code: "limited", limit: "maxPending", message: `${this.#all.size} requests are pending, maxPending is ${this.#most}; wait for some of them` });
    }
    return new Promise((resolve, reject) => {
      const one = { json, channel, wait, repeatable, what, resolve, reject, deadline: ticks() + timeoutMs, link: null, takeBack: null, notBefore: 0, refusals: 0, lost: false };
      one.timer = setTimeout(() => {
        const { link } = one, sent = link !== null && !one.takeBack();
        if (sent) link.probe();
        const lost2 = sent || one.lost;
        this.#settle(one, reject, new TidewireError({
          code: "timeout",
          lost: lost2,
          message: lost2 ? `no answer to ${what} within ${timeoutMs} ms` : `no connection within ${timeoutMs} ms; the ${what} was not sent`
        }));
      }, Math.min(timeoutMs, MAX_TIMER));
      one.offAbort = onAbort(signal, (reason) => {
        one.takeBack?.();
        this.#settle(one, reject, reason);
      });
      this.#all.add(one);
      this.#send();
    });
  }
  /** The link to send by from now on; null: there is none, and only what may wait stays. */
  use(link) {
    [this.#link, this.#notBefore] = [link, 0];
    if (link) return this.#send();
    for (const one of [...this.#all]) {
      if (!one.wait && !one.link) this.#settle(one, one.reject, new TidewireError({ code: "unavailable", message: `the connection was lost; the ${one.what} was not sent` }));
    }
  }
  fail(error) {
    for (const one of [...this.#all]) this.#settle(one, one.reject, error);
  }
  #send() {
    clearTimeout(this.#timer);
    const held = /* @__PURE__ */ new Set();
    const flushing = [...this.#all].some(({ link, channel, refusals }) => link && link === this.#link && channel !== void 0 && refusals < link.refusals);
    let soonest = Infinity;
    for (const one of [...this.#all]) {
      const link = this.#link, now = ticks(), publishes = one.channel !== void 0;
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
    one.takeBack = link.ask(one.json, (answer) => this.#settle(one, one.resolve, answer), (error) => this.#refused(one, error), { what: one.what, publishes: one.channel !== void 0 });
  }
  #refused(one, error) {
    one.link = null;
    const soon = error.code === "unavailable" || error.code === "draining" ? 1e3 : 0;
    const later = error.retryAfterMs ?? (error.lost ? 0 : soon);
    const again = error.lost ? one.repeatable && !error.fatal : later > 0;
    error.lost = one.lost ||= error.lost;
    one.notBefore = ticks() + later;
    if (error.code === "limited" && one.channel !== void 0) this.#notBefore = Math.max(this.#notBefore, one.notBefore);
    for (const other of later > 0 ? this.#all : []) {
      if (other.link && other.channel !== void 0 && other.takeBack?.(true)) other.link = null;
    }
    if (!one.wait || !again || one.notBefore >= one.deadline) this.#settle(one, one.reject, error);
    else this.#send();
  }
  #settle(one, how, value) {
    if (!this.#all.delete(one)) return;
    clearTimeout(one.timer);
    one.offAbort();
    how(value);
    this.#send();
  }
};

// src/retry.js
var STABLE = 5e3;
var PATIENCE2 = 3;
var SLOWLY = 15e3;
var SLOWEST = 3e5;
var isStable = (link) => link.liveAt > 0 && ticks() - link.liveAt >= STABLE;
function reasonOf(link, code, message) {
  const failure = link?.failure;
  return {
    code: text(failure?.code) ?? onConnection(code).code,
    message: text(failure?.message) || text(message) || "",
    closeCode: code,
    retryAfterMs: within(failure?.retryAfterMs, 0, MAX_ORDER)
  };
}
var Retry = class {
  attempts = 0;
  // since a link was stable
  cautious = false;
  // something we sent ended a connection: the next first frame asks for nothing
  notBefore = 0;
  // in ticks: when the server lets us come back
  #rejections = 0;
  #blunders = 0;
  // in a row: tokens refused, connections ended by what we sent
  #options;
  constructor(options) {
    this.#options = options;
  }
  /** A person or the page wants it now. */
  reset() {
    [this.attempts, this.#rejections, this.#blunders] = [0, 0, 0];
  }
  welcomed() {
    [this.#rejections, this.cautious] = [0, false];
  }
  /** After a link, or a dial that made none, has ended: how long to wait, and what a person can do, if it looks as if one were needed. */
  after(link, { closeCode, retryAfterMs }) {
    const { advice, verdict, action } = onConnection(closeCode);
    if (link && isStable(link)) [this.attempts, this.#blunders] = [0, 0];
    let ordered2 = retryAfterMs ?? (advice === LATER ? 1e3 : 0), tries = 0;
    if (verdict === RENEW) {
      tries = ++this.#rejections;
      if (tries > 1) ordered2 = Math.max(ordered2, 1e3);
    }
    if (verdict === LESS) {
      this.cautious = true;
      tries = ++this.#blunders;
      ordered2 = Math.max(ordered2, tries === 1 ? 1e3 : Math.min(SLOWEST, SLOWLY * 2 ** (tries - 2)));
    }
    const notBefore = ticks() + (retryAfterMs ?? (verdict === LESS ? ordered2 : 0));
    return { wait: Math.ceil(ordered2 + backoff(this.attempts++, this.#options)), notBefore, action: tries >= PATIENCE2 ? action : void 0 };
  }
};

// src/lives.js
var Lives = class {
  #name;
  #on;
  #release = null;
  #ended = false;
  #waiting = /* @__PURE__ */ new Map();
  // tab -> AbortController
  /** `gone` is called with a tab that has ended, `fault` with what goes wrong. */
  constructor(name, on) {
    [this.#name, this.#on] = [name, on];
  }
  /** From when it resolves on, others can tell that this tab is alive. */
  begin(tab) {
    return new Promise((resolve, reject) => {
      navigator.locks.request(`${this.#name}:${tab}`, () => {
        resolve();
        if (!this.#ended) return new Promise((release) => {
          this.#release = release;
        });
      }).catch(reject);
    });
  }
  watch(tab) {
    if (this.#waiting.has(tab)) return;
    const waiting = new AbortController();
    this.#waiting.set(tab, waiting);
    const gone = () => {
      this.#waiting.delete(tab);
      this.#on.gone(tab);
    };
    navigator.locks.request(`${this.#name}:${tab}`, { mode: "shared", signal: waiting.signal }, gone).catch((error) => {
      if (error?.name !== "AbortError") this.#on.fault(error);
    });
  }
  unwatch(tab) {
    this.#waiting.get(tab)?.abort();
    this.#waiting.delete(tab);
  }
  /** This tab is not to be relied on any more. */
  end() {
    this.#ended = true;
    for (const tab of [...this.#waiting.keys()]) this.unwatch(tab);
    this.#release?.();
  }
};

// src/entries.js
var Entries = class {
  #link;
  #give;
  #watching = /* @__PURE__ */ new Map();
  #entered = /* @__PURE__ */ new Map();
  // by channel: a Set of clients; a Map from clients to data, the newest last
  /** `give` sends a frame to members. */
  constructor(link, give) {
    [this.#link, this.#give] = [link, give];
  }
  presence(client, frame) {
    const { id, type, channel, watch, leave } = frame, data = frame.enter !== void 0 ? frame.enter : frame.update;
    const answer = (said) => this.#give([{ client }], { ...said, id });
    if (watch === true) of(this.#watching, channel, Set).add(client);
    if (data !== void 0) {
      const entered = of(this.#entered, channel, Map);
      entered.delete(client);
      entered.set(client, data);
    }
    if (watch === false && !this.#unwatch(channel, client)) return answer({ type: "ok", channel, members: [], count: 0 });
    if (leave === true) return this.#leave(channel, client, answer);
    this.#ask(frame, (said) => {
      if (said.type === "error" && watch === true) drop(this.#watching, channel, client);
      if (said.type === "error" && data !== void 0) drop(this.#entered, channel, client);
      answer(said);
    });
  }
  /** Tells whether the server has to be told: no other client watches. */
  #unwatch(channel, client) {
    return !drop(this.#watching, channel, client);
  }
  /** What another client has entered with is shown instead, if there is one. */
  #leave(channel, client, answer) {
    const others = drop(this.#entered, channel, client);
    this.#ask({ type: "presence", channel, ...others ? { update: [...others.values()].at(-1) } : { leave: true } }, answer);
  }
  #ask({ id, ...frame }, answer) {
    this.#link.ask(JSON.stringify(frame), answer, () => {
    }, { whole: true });
  }
  /** Takes a frame about the presence of a channel, and tells whether it was. */
  take(frame) {
    const { type, channel, code } = frame, ends = type === "notice" && (code === "presence-ended" || code === "enter-ended");
    if (type !== "presence" && !ends) return false;
    const all = code === "enter-ended" ? this.#entered : this.#watching, clients = [...all.get(channel)?.keys() ?? []];
    if (ends) all.delete(channel);
    this.#give(clients.map((client) => ({ client })), frame);
    return true;
  }
  /** The client is gone. */
  leave(client) {
    for (const [channel, clients] of [...this.#watching]) {
      if (clients.has(client) && this.#unwatch(channel, client)) this.#ask({ type: "presence", channel, watch: false }, () => {
      });
    }
    for (const [channel, clients] of [...this.#entered]) if (clients.has(client)) this.#leave(channel, client, () => {
    });
  }
};
function of(all, channel, Kind) {
  if (!all.has(channel)) all.set(channel, new Kind());
  return all.get(channel);
}
function drop(all, channel, client) {
  const clients = all.get(channel);
  clients?.delete(client);
  if (clients?.size === 0) all.delete(channel);
  return all.get(channel);
}

// src/streams.js
var wantsOf = ({ type, id, channel, sub, since, view, asOf, rewind: rewind2, ...wants }) => JSON.stringify([channel, Object.entries(wants).sort(([a], [b]) => a < b ? -1 : 1)]);
var fromOf = ({ since, view, asOf, rewind: rewind2 }) => JSON.stringify([since ?? null, view ?? null, since === void 0 ? null : asOf ?? null, rewind2 ?? null]);
var Stream = class {
  members = /* @__PURE__ */ new Set();
  answer = null;
  position;
  view;
  loading = false;
  tuning = 0;
  paused = false;
  placeless = false;
  past = 0;
  // it has brought what has no position; so many messages of before are still to come
  constructor(sub, frame) {
    [this.sub, this.channel, this.wants, this.from] = [sub, frame.channel, wantsOf(frame), fromOf(frame)];
    [this.isPattern, this.isState, this.pausedByAll] = [isPattern(frame.channel), frame.state === true, frame.paused === true];
  }
  /** Whether all that it has brought ends at a position that says so. */
  get isSettled() {
    return this.answer !== null && !this.loading && !this.placeless && !this.past && !this.tuning && !this.isPattern && isPosition(this.position);
  }
  /** Whether somebody who has nothing of it yet can begin where it stands. */
  get canBeJoined() {
    return this.isPattern ? this.answer !== null && !this.tuning && isPosition(this.position) : this.isSettled;
  }
  /** Notes where a frame brings its readers. */
  note({ type, position: position2, more, view, reset, code, maxRate, entries }) {
    if (type === "snapshot") [this.loading, this.view] = more === false ? [false, view] : [true, void 0];
    if (type === "snapshot" || type === "changes") this.placeless ||= entries?.some?.((entry) => entry?.position === void 0) ?? true;
    if (type === "changes" && position2 === void 0) this.position = void 0;
    if (type === "notice" && code === "view") this.view = view || void 0;
    if (type === "notice" && code === "tuned" && this.answer) this.answer = { ...this.answer, maxRate: maxRate || void 0 };
    if (reset === true) this.position = void 0;
    if (type === "message") this.past = Math.max(0, this.past - 1);
    if (position2 === void 0 || this.loading && type !== "snapshot") return;
    if (type !== "message" || timeOf(position2) >= timeOf(this.position)) this.position = position2;
  }
};
var Streams = class {
  #link;
  #give;
  #named = 0;
  #all = /* @__PURE__ */ new Map();
  // by sub
  #crowded;
  #paused = null;
  /** `give` sends a frame to members, and `crowded` is told of a client that the server has no room for, and returns whether it goes elsewhere. */
  constructor(link, { give, crowded }) {
    [this.#link, this.#give, this.#crowded] = [link, give, crowded];
  }
  /** Joins a subscription of the same that stands where this one does, or asks the server. */
  subscribe(client, frame) {
    const { id, type, sub, channel, ...how } = frame, member = { client, id, sub }, key = keyOf2(frame);
    if (client.subs.has(key)) return this.#give([member], { type: "error", id, channel, code: "conflict", message: `${channel} is subscribed to already` });
    const stream = this.#joinable(frame) ?? this.#ask(frame);
    stream.members.add(member);
    client.subs.set(key, { stream, member });
    if (stream.answer) this.#welcome(stream, member, frame);
  }
  #joinable(frame) {
    const wants = wantsOf(frame), from = fromOf(frame);
    for (const stream of this.#all.values()) {
      if (stream.wants !== wants || stream.tuning) continue;
      if (!stream.answer && stream.from === from) return stream;
      const begins = frame.since === void 0 && frame.asOf === void 0 && stream.canBeJoined, goesOn = stream.isSettled && frame.since === stream.position;
      if (!frame.rewind && !stream.isState && !stream.paused && (begins || goesOn)) return stream;
    }
    return void 0;
  }
  /** A late reader goes on, or begins, where the others are. */
  #welcome(stream, member, { since }) {
    const { maxRate, pattern } = stream.answer, resumed = since !== void 0;
    if (pattern) this.#answer(member, { type: "ok", channel: stream.channel, pattern, position: `${timeOf(stream.position)}-`, maxRate });
    else this.#answer(member, { type: "ok", channel: stream.channel, resumed, gap: false, position: stream.position, maxRate });
  }
  #answer(member, frame) {
    const { id } = member;
    member.id = void 0;
    this.#give([member], { ...frame, id });
  }
  #ask(frame) {
    const { id, type, ...rest } = frame, sub = `s${++this.#named}`, stream = new Stream(sub, frame);
    this.#all.set(sub, stream);
    this.#link.ask(JSON.stringify({ type: "subscribe", ...rest, sub }), (answer) => this.#answered(stream, answer), () => {
    }, { whole: true });
    return stream;
  }
  #answered(stream, { id, ...answer }) {
    if (this.#all.get(stream.sub) !== stream) return;
    if (answer.type === "error") {
      for (const member of [...stream.members]) {
        this.#forget(stream, member);
        if (!this.#crowded(member.client, answer)) this.#answer(member, without2(answer));
      }
      return this.#all.delete(stream.sub);
    }
    [stream.answer, stream.loading] = [answer, stream.isState && answer.resumed !== true];
    stream.past = within(answer.rewound, 0, Number.MAX_SAFE_INTEGER, 0);
    stream.note(answer);
    for (const member of stream.members) this.#answer(member, without2(answer));
    this.#pauseOne(stream);
    this.#settle(stream);
  }
  /** Takes a frame about a subscription of the socket, and tells whether it was. */
  take(frame) {
    const stream = this.#all.get(frame.sub);
    if (!stream) return typeof frame.sub === "string";
    this.#give([...stream.members], without2(frame));
    if (frame.type === "error" && frame.id === void 0 && frame.channel === stream.channel) return this.#end(stream);
    stream.note(frame);
    this.#settle(stream);
    return true;
  }
  /** The server has ended it. */
  #end(stream) {
    for (const member of [...stream.members]) this.#forget(stream, member);
    this.#all.delete(stream.sub);
    return true;
  }
  /** Two subscriptions to the same that have come to one position are one from there on. */
  #settle(stream) {
    if (!stream.isSettled) return;
    for (const other of this.#all.values()) {
      if (other === stream || other.wants !== stream.wants || !other.isSettled || other.position !== stream.position || other.view !== stream.view || other.paused !== stream.paused) continue;
      for (const member of stream.members) {
        other.members.add(member);
        member.client.subs.get(keyOf2({ channel: stream.channel, sub: member.sub })).stream = other;
      }
      stream.members.clear();
      return this.#letGo(stream);
    }
  }
  unsubscribe(client, { id, channel, sub }) {
    const one = client.subs.get(keyOf2({ channel, sub }));
    if (!one) return this.#give([{ client, sub }], { type: "error", id, channel, code: "not-found", message: `${channel} is not subscribed to` });
    this.#leave(one.stream, one.member);
    this.#give([{ client, sub }], { type: "ok", id, channel });
  }
  #forget(stream, member) {
    stream.members.delete(member);
    member.client.subs.delete(keyOf2({ channel: stream.channel, sub: member.sub }));
  }
  #leave(stream, member) {
    this.#forget(stream, member);
    if (stream.members.size === 0) this.#letGo(stream);
  }
  #letGo({ sub, channel }) {
    this.#all.delete(sub);
    this.#link.ask(JSON.stringify({ type: "unsubscribe", channel, sub }), () => {
    }, () => {
    }, { whole: true });
  }
  /** The client is gone. */
  leave(client) {
    for (const { stream, member } of [...client.subs.values()]) this.#leave(stream, member);
  }
  /** Changes how a client reads a channel. If others read it with it, it subscribes anew, in the way in which it wants it now. */
  tune(client, frame) {
    const { id, type, channel, sub, ...change } = frame, one = client.subs.get(keyOf2(frame));
    if (!one) return this.#give([{ client, sub }], { type: "error", id, channel, code: "not-found", message: `${channel} is not subscribed to` });
    const { stream, member } = one;
    if (stream.members.size > 1 || stream.paused) {
      this.#leave(stream, member);
      return this.#give([member], { type: "error", channel, code: "conflict", message: "others read it with this client: it is subscribed to anew", retryAfterMs: 0 });
    }
    stream.tuning++;
    this.#link.ask(JSON.stringify({ type: "tune", channel, sub: stream.sub, ...change }), (answer) => {
      stream.tuning--;
      if (answer.type === "ok") [stream.wants, stream.pausedByAll] = [`${stream.sub} tuned`, change.paused ?? stream.pausedByAll];
      this.#give([member], { ...without2(answer), id });
    }, () => {
    }, { whole: true });
  }
  /** Nothing is sent of what nobody sees, unless `awake` says so of its channel; null ends that. */
  pause(awake) {
    this.#paused = awake;
    for (const stream of this.#all.values()) this.#pauseOne(stream);
  }
  #pauseOne(stream) {
    const paused = this.#paused !== null && !stream.pausedByAll && !this.#paused(stream.channel);
    if (stream.answer === null || stream.paused === paused) return;
    stream.paused = paused;
    this.#link.ask(JSON.stringify({ type: "tune", channel: stream.channel, sub: stream.sub, paused }), () => {
    }, () => {
    }, { whole: true });
  }
  get channels() {
    return [...this.#all.values()].map(({ channel }) => channel);
  }
};
var keyOf2 = ({ channel, sub }) => sub ? `#${sub}` : channel;
var without2 = ({ sub, ...frame }) => frame;

// src/mux.js
var WINDOW = 4096;
var WINDOW_SIZE = 16 << 20;
var CLIENTS = 64;
var OWN_SIZE = 256;
var RETIRING = 1e4;
var SEVERAL = ["subscriptionsPerConnection", "patternsPerConnection"];
var MOST_BYTES = 1e9;
var Client = class {
  subs = /* @__PURE__ */ new Map();
  link = null;
  refusals = 0;
  bytes;
  sent = 0;
  sentSize = 0;
  confirmed = 0;
  confirmedSize = 0;
  constructor(id, tab, token) {
    [this.id, this.tab, this.token] = [id, tab, tokenOf(token)];
  }
};
var Mux = class {
  #options;
  #post;
  #on;
  #clients = /* @__PURE__ */ new Map();
  #timers;
  #links = new Links();
  #dialer;
  #clock = new Clock();
  #tokens = { current: null, needed: false };
  #uses = /* @__PURE__ */ new Map();
  // link -> {streams, entries, welcome, clients}
  #retired = false;
  #paused = null;
  /**
   * `post` sends something to a tab; Called are `left` when a tab has no more clients, `empty` when there are none after `retire`, and `fault`.
   * `isOurs` tells whether a token has the same rights.
   */
  constructor({ options, post, ...on }) {
    [this.#options, this.#post, this.#on] = [options, post, on];
    this.#timers = new Timers(on.fault);
    this.#dialer = new Dialer({
      options,
      links: this.#links,
      timers: this.#timers,
      tokens: this.#tokens,
      first: () => ({ subscriptions: [] }),
      frame: (link, frame) => this.#frame(link, frame),
      over: (link, code, message) => this.#over(link, code, message),
      failed: (error) => this.#over(null, 1011, error?.message),
      fault: on.fault,
      roundTrip: (ms) => this.#clock.roundTrip(ms)
    });
  }
  serves(tab) {
    return [...this.#clients.values()].some((client) => client.tab === tab);
  }
  get channels() {
    return [...this.#uses.values()].flatMap(({ streams }) => streams.channels);
  }
  // ---- clients
  open(tab, id, token) {
    const client = new Client(id, tab, token), { live } = this.#links;
    if (this.#retired) return this.#post(tab, { kind: "closed", socket: id, code: 1006, reason: "" });
    this.#clients.set(id, client);
    if (this.#clients.size > CLIENTS) {
      this.#post(tab, { kind: "alone", socket: id });
      return this.#end(client, 1006);
    }
    if (live && !live.ended) this.#attach(client, live);
    else if (!this.#timers.has("dial")) this.#dial();
  }
  close(id) {
    const client = this.#clients.get(id);
    if (client) this.#forget(client);
  }
  /** A tab is gone, with all its clients. */
  gone(tab) {
    for (const client of [...this.#clients.values()]) if (client.tab === tab) this.#forget(client);
  }
  confirm(id, { count, size }) {
    const client = this.#clients.get(id);
    if (client) [client.confirmed, client.confirmedSize] = [count, size];
  }
  /** Sends the clients elsewhere, each when it reads there, and ends with the last of them. */
  retire() {
    this.#retired = true;
    for (const client of this.#clients.values()) if (!client.link) this.#end(client, 1006);
    this.#give([...this.#clients.values()].map((client) => ({ client })), { type: "move", afterMs: 0 });
    this.#timers.after("retire", RETIRING, () => this.shut());
    this.#done();
  }
  /** Ends at once. */
  shut() {
    this.#retired = true;
    for (const client of [...this.#clients.values()]) this.#end(client, 1006);
    this.#done();
  }
  /** Nobody sees any of it: nothing is sent but what `awake` says of its channel. null: somebody does. */
  pause(awake) {
    this.#paused = awake;
    for (const { streams } of this.#uses.values()) streams.pause(awake);
  }
  #done() {
    if (!this.#retired || this.#clients.size > 0) return;
    this.#dialer.stop();
    this.#timers.cancelAll();
    for (const link of /* @__PURE__ */ new Set([...this.#uses.keys(), this.#links.next])) link?.shut();
    this.#uses.clear();
    this.#on.empty();
  }
  #forget(client) {
    this.#clients.delete(client.id);
    const { link } = client, use = this.#uses.get(link);
    if (use && !link.ended) {
      use.clients.delete(client);
      use.streams.leave(client);
      use.entries.leave(client);
      if (use.clients.size === 0) this.#shut(link);
      else this.#bound(link);
    }
    if (!this.serves(client.tab)) this.#on.left(client.tab);
    this.#done();
  }
  #shut(link) {
    if (this.#links.live === link) this.#links.live = null;
    this.#uses.delete(link);
    link.shut();
  }
  #end(client, code, reason = "", spoken = true) {
    this.#post(client.tab, { kind: "closed", socket: client.id, code, reason, spoken });
    this.#forget(client);
  }
  // ---- the socket
  #dial() {
    const waiting = [...this.#clients.values()].filter(({ link }) => link === null);
    this.#tokens.current = waiting.reduce((best, { token }) => token.endsAt > best.endsAt ? token : best, waiting[0].token);
    this.#dialer.dial(this.#dialer.begin());
  }
  #welcomed(link, frame) {
    if (link.welcome || link !== this.#links.next) return;
    if (text(frame.tenant) === void 0 || text(frame.user) === void 0) return link.drop("welcome: tenant and user must be strings");
    const welcome = readWelcome(frame);
    this.#timers.cancel("dial");
    link.greet(welcome);
    this.#dialer.welcomed(link, welcome.limits);
    [this.#links.live, this.#links.next] = [link, null];
    link.token.endsAt = welcome.expiresAt || link.token.endsAt;
    const streams = new Streams(link, { give: (members, each) => this.#give(members, each), crowded: (client, error) => this.#crowded(client, error) });
    const entries = new Entries(link, (members, each) => this.#give(members, each));
    const { id, ...whole } = frame;
    this.#uses.set(link, { streams, entries, welcome: whole, clients: /* @__PURE__ */ new Set() });
    streams.pause(this.#paused);
    for (const client of [...this.#clients.values()]) if (client.link === null) this.#attach(client, link);
  }
  #attach(client, link) {
    client.link = link;
    this.#uses.get(link).clients.add(client);
    this.#post(client.tab, { kind: "opened", socket: client.id });
    this.#greet(client);
    if (client.token.endsAt > link.token.endsAt) this.#refresh(link, client.token, () => {
    });
  }
  /** Each client renews its own token, so it is told when that ends. */
  #greet(client, id) {
    const { welcome } = this.#uses.get(client.link);
    this.#give([{ client }], { ...welcome, id, expiresAt: client.token.endsAt || welcome.expiresAt });
  }
  #over(link, code, message) {
    const use = this.#uses.get(link), { failure } = link ?? {};
    if (this.#links.live === link) this.#links.live = null;
    if (use) {
      this.#uses.delete(link);
      for (const client of use.clients) this.#end(client, code, message);
      return;
    }
    if (link !== null && link !== this.#links.next) return;
    this.#timers.cancel("dial");
    this.#links.next = null;
    for (const client of [...this.#clients.values()]) {
      if (client.link !== null) continue;
      this.#post(client.tab, { kind: "opened", socket: client.id });
      if (failure) this.#give([{ client }], failure);
      this.#end(client, code, message, link === null || link.spoken);
    }
  }
  // ---- what the server says
  #frame(link, frame) {
    const use = this.#uses.get(link), all = () => [...use?.clients ?? []].map((client) => ({ client }));
    if (frame.type === "welcome") return this.#welcomed(link, frame);
    if (!use) {
      if (frame.type === "error") link.failure = frame;
      return;
    }
    if (use.streams.take(frame) || use.entries.take(frame)) return;
    if (frame.type === "heartbeat" && this.#paused) return this.#give(all(), { type: "heartbeat" });
    this.#give(all(), frame);
    if (frame.type === "move" && this.#links.live === link) this.#links.live = null;
  }
  /** Sends a frame to members, once to each tab. */
  #give(members, frame) {
    const size = members[0]?.client.link?.size || OWN_SIZE, tabs = /* @__PURE__ */ new Map();
    for (const { client, sub } of members) {
      if (frame.type === "error") client.refusals = Math.max(client.refusals, Number.isSafeInteger(frame.refusals) ? frame.refusals : 0);
      if (!tabs.has(client.tab)) tabs.set(client.tab, []);
      tabs.get(client.tab).push([client.id, ++client.sent, sub]);
      client.sentSize += size;
    }
    this.#post([...tabs.keys()], { kind: "frame", sockets: [...tabs.values()].flat(), frame, size });
    for (const { client } of members) {
      const behind = client.sent - client.confirmed > WINDOW || client.sentSize - client.confirmedSize > WINDOW_SIZE;
      if (behind && this.#clients.has(client.id)) this.#end(client, 4503, "too slow");
    }
  }
  // ---- what clients say
  take(id, json) {
    const client = this.#clients.get(id), use = this.#uses.get(client?.link);
    if (!use) return;
    const frame = JSON.parse(json), { link } = client;
    switch (frame.type) {
      case "connect":
        return this.#connect(client, use, frame);
      case "subscribe":
        return use.streams.subscribe(client, frame);
      case "unsubscribe":
        return use.streams.unsubscribe(client, frame);
      case "tune":
        return frame.channel === void 0 ? this.#tune(client, frame) : use.streams.tune(client, frame);
      case "presence":
        return use.entries.presence(client, frame);
      case "refresh":
        return this.#renew(client, frame);
      case "publish":
        return this.#pass(client, { ...frame, refusals: frame.refusals < client.refusals ? frame.refusals : link.refusals });
      case "ping":
        link.probe();
    }
    this.#pass(client, frame);
  }
  #connect(client, { streams }, { id, asOf, subscriptions, maxBytesPerSecond }) {
    if (id !== void 0) this.#greet(client, id);
    client.bytes = maxBytesPerSecond;
    this.#bound(client.link);
    for (const subscription of subscriptions) streams.subscribe(client, { ...subscription, asOf });
  }
  /** Asks the server, and gives its answer back. */
  #pass(client, { id, ...frame }) {
    client.link.ask(JSON.stringify(frame), (answer) => this.#give([{ client }], { ...answer, id }), (error) => {
      if (!client.link.ended) this.#give([{ client }], { type: "error", id, code: error.code, message: error.message, limit: error.limit });
    }, { whole: true, urgent: frame.type === "ping" });
  }
  /** The server is told of a token only if it lasts longer. One with other rights is for another socket. */
  async #renew(client, { id, token: value }) {
    const token = tokenOf(value), { link } = client, answer = (frame) => this.#give([{ client }], { ...frame, id });
    if (!await this.#on.isOurs(value)) {
      answer({ type: "ok", expiresAt: token.endsAt || void 0 });
      return this.#give([{ client }], { type: "move", afterMs: 0 });
    }
    const done = (frame) => {
      if (frame.type === "ok") client.token = token;
      answer(frame.type === "ok" ? { type: "ok", expiresAt: token.endsAt || moment(frame.expiresAt) } : frame);
    };
    if (token.endsAt > link.token.endsAt) this.#refresh(link, token, done);
    else done({ type: "ok" });
  }
  #refresh(link, token, done) {
    link.ask(JSON.stringify({ type: "refresh", token: token.value }), (answer) => {
      if (answer.type === "ok") link.token = Object.assign(token, { endsAt: moment(answer.expiresAt) || token.endsAt });
      done(answer);
    }, () => {
    }, { whole: true, urgent: true });
  }
  /** How much a client wants to be sent. The lowest that one of them wants holds for all. */
  #tune(client, { id, maxBytesPerSecond }) {
    client.bytes = maxBytesPerSecond;
    this.#bound(client.link);
    this.#give([{ client }], { type: "ok", id, maxBytesPerSecond });
  }
  #bound(link) {
    const use = this.#uses.get(link), lowest = Math.min(...[...use.clients].map(({ bytes: bytes2 }) => bytes2 ?? MOST_BYTES));
    if (lowest === (use.bytes ?? MOST_BYTES)) return;
    use.bytes = lowest;
    link.ask(JSON.stringify({ type: "tune", maxBytesPerSecond: lowest }), () => {
    }, () => {
    }, { whole: true });
  }
  /** The server has no room for one more: this client has its own socket from now on, unless it is the only one here. */
  #crowded(client, { code, limit: limit2 }) {
    const { clients } = this.#uses.get(client.link);
    if (code !== "limited" || !SEVERAL.includes(limit2) || clients.size === 1) return false;
    this.#post(client.tab, { kind: "alone", socket: client.id });
    return true;
  }
};

// src/sight.js
var HIDDEN2 = 1e3;
var UNSEEN = 3e4;
var PARKED = 3e5;
var isSeen = () => globalThis.document?.visibilityState !== "hidden";
var Sight = class {
  #tabs = /* @__PURE__ */ new Map();
  // the others, as far as they are known: id -> since when they are seen, 0 if they are not
  #timers;
  #on;
  #rests = false;
  /**
   * Called are, of the tab that holds the socket: `take` with a tab that is to take over, `pause` when nobody has seen any for some time, `park` when it was long,
   * and `wake` when somebody does. `holds` tells whether this tab is the one.
   */
  constructor(timers, on) {
    [this.#timers, this.#on] = [timers, on];
  }
  get tabs() {
    return [...this.#tabs.keys()];
  }
  has(tab) {
    return this.#tabs.has(tab);
  }
  /** Notes whether another tab is seen, and tells whether that is new. */
  note(tab, seen) {
    if (this.#tabs.has(tab) && this.#tabs.get(tab) > 0 === seen) return false;
    this.#tabs.set(tab, seen ? ticks() : 0);
    return true;
  }
  forget(tab) {
    this.#tabs.delete(tab);
  }
  /** This tab holds the socket from now on: for all that is known, nobody sees any. */
  begin() {
    this.#rests = true;
    this.look();
  }
  /** It does not any more. */
  end() {
    for (const name of ["hidden", "unseen", "parked"]) this.#timers.cancel(name);
  }
  /** The holder decides: a tab that is seen takes over from one that is not; what nobody sees is paused, and later ends. */
  look() {
    if (!this.#on.holds()) return;
    const [seen] = [...this.#tabs].filter(([, since]) => since > 0).sort(([, a], [, b]) => b - a).map(([tab]) => tab);
    if (isSeen() || seen === void 0) this.#timers.cancel("hidden");
    else if (!this.#timers.has("hidden")) {
      this.#timers.after("hidden", HIDDEN2, () => {
        this.#on.take(seen);
        this.look();
      });
    }
    if (isSeen() || seen !== void 0) {
      for (const name of ["unseen", "parked"]) this.#timers.cancel(name);
      return this.#wake();
    }
    if (this.#timers.has("unseen") || this.#timers.has("parked")) return;
    this.#timers.after("unseen", UNSEEN, () => {
      this.#rests = true;
      this.#on.pause();
      this.#timers.after("parked", PARKED - UNSEEN, () => this.#on.park());
    });
  }
  #wake() {
    if (!this.#rests) return;
    this.#rests = false;
    this.#on.wake();
  }
};

// src/group.js
var QUIET2 = 1e3;
var ANSWER = 2e3;
var Group = class {
  #options;
  #on;
  #bus;
  #sockets = /* @__PURE__ */ new Map();
  #timers;
  #over = false;
  #leader = null;
  #claimed = null;
  #mux = null;
  #retiring = /* @__PURE__ */ new Set();
  // muxes that were another's turn to hold the socket
  #steal = false;
  #queued = null;
  #release = null;
  #lives;
  #pings = 0;
  #heardAt = ticks();
  #sight;
  started;
  // resolves when the tabs know of each other
  /**
   * `isOurs` tells whether a token is of this group. Called are: `park` when no tab is seen for long and `wake` when one is, `alone` with a socket that
   * there is no room for, `idle` when no socket is left here, and `fault`.
   */
  constructor({ name, id, options, ...on }) {
    [this.name, this.id, this.#options, this.#on] = [name, id, options, on];
    this.#timers = new Timers(on.fault);
    this.#lives = new Lives(name, { gone: (tab) => this.#gone(tab), fault: on.fault });
    this.#sight = new Sight(this.#timers, {
      holds: () => this.#mux !== null,
      take: (tab) => this.#post(tab, { kind: "take" }),
      pause: () => this.#mux?.pause(this.#isAwake),
      park: () => this.#park(),
      wake: () => this.#wake()
    });
    this.#bus = new BroadcastChannel(name);
    this.#bus.onmessage = ({ data }) => this.#heard(data);
    this.started = this.#start();
  }
  /** Whether no socket of this tab is served. */
  get isIdle() {
    return this.#sockets.size === 0;
  }
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
  #endAt(tab, code) {
    for (const socket of [...this.#sockets.values()]) if (socket.at === tab) socket.end(code);
  }
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
    queueMicrotask(() => this.#bus.close());
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
    if (this.#over) return void 0;
    const mux = new Mux({
      options: this.#options,
      isOurs: this.#on.isOurs,
      fault: this.#on.fault,
      post: (tabs, message) => this.#post(tabs, message),
      left: (tab) => this.#unwatch(tab),
      empty: () => {
        this.#retiring.delete(mux);
        this.#end();
      }
    });
    [this.#mux, this.#steal] = [mux, false];
    const unheard = this.#leader !== null && this.#pings > 1 ? this.#leader : void 0;
    this.#post(null, { kind: "leads", seen: isSeen(), instead: unheard });
    this.#led(this.id, unheard);
    for (const tab of this.#sight.tabs) this.#watch(tab);
    this.#sight.begin();
    return new Promise((release) => {
      this.#release = release;
    });
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
  #ask() {
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
  #watch(tab) {
    if (tab !== this.id) this.#lives.watch(tab);
  }
  #unwatch(tab) {
    if (tab === null || tab === this.#leader || this.#mux && this.#sight.has(tab) || [...this.#sockets.values()].some(({ at }) => at === tab) || this.#muxes.some((mux) => mux.serves(tab))) return;
    this.#lives.unwatch(tab);
  }
  get #muxes() {
    return [this.#mux, ...this.#retiring].filter(Boolean);
  }
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
    if (this.#leader === null) return this.#timers.after("listen", ANSWER, () => this.#take());
    const quiet = ticks() - this.#heardAt, patience = this.#pings ? ANSWER : QUIET2;
    this.#timers.after("listen", Math.max(1, patience - (this.#pings ? 0 : quiet)), () => {
      if (!this.#pings && ticks() - this.#heardAt < QUIET2) return this.#listen();
      if (this.#pings++ > 0) return this.#take();
      this.#post(this.#leader, { kind: "ping" });
      this.#listen();
    });
  }
  // ---- who sees what
  shown() {
    if (this.#over) return;
    this.#post(null, { kind: "seen", seen: isSeen() });
    [this.#pings, this.#heardAt] = [0, ticks()];
    this.#listen();
    this.#sight.look();
    if (isSeen()) this.#on.wake();
  }
  get #isAwake() {
    return this.#options.share.isAwake;
  }
  #wake() {
    this.#mux.pause(null);
    this.#post(null, { kind: "wake" });
    this.#on.wake();
  }
  #park() {
    if (this.#mux?.channels.some(this.#isAwake)) return;
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
      case "frame":
        return this.#frames(from, message);
      case "opened":
        return socket?.at === from ? socket.opened() : void 0;
      case "closed":
        return socket?.at === from ? socket.end(message.code, message.reason, message.spoken) : void 0;
      case "alone":
        return this.#on.alone(socket);
      case "open":
        return this.#opens(from, message);
      case "text":
        for (const mux of this.#muxes) mux.take(id, message.text);
        return;
      case "close":
        for (const mux of this.#muxes) mux.close(id);
        return;
      case "confirm":
        for (const mux of this.#muxes) mux.confirm(id, message);
        return;
      case "leads":
        this.#note(from, message.seen);
        this.#post(from, { kind: "seen", seen: isSeen() });
        if (message.instead === this.id) this.#unheard();
        if (this.#mux) this.#claimed = from;
        else this.#led(from, message.instead);
        return;
      case "leaves":
        return this.#left(from);
      case "who":
        this.#note(from, message.seen);
        if (this.#mux) this.#post(from, { kind: "leads", seen: isSeen() });
        return;
      case "seen":
        return this.#note(from, message.seen);
      case "take":
        return isSeen() ? this.#take() : void 0;
      case "ping":
        return this.#post(from, { kind: "pong" });
      case "park":
        return isSeen() ? this.#post(from, { kind: "seen", seen: true }) : this.#on.park();
      case "wake":
        return this.#on.wake();
    }
  }
  #frames(from, { sockets, frame, size }) {
    for (const [id, count, sub] of sockets) {
      const socket = this.#sockets.get(id);
      if (socket?.at === from) socket.receive(count, sub === void 0 ? { ...frame } : { ...frame, sub }, size);
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
};

// src/groups.js
var FORMAT = 1;
var PASSING = ["iat", "exp", "nbf", "jti"];
function ordered(value) {
  if (Array.isArray(value)) return value.map(ordered);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.keys(value).sort().map((name) => [name, ordered(value[name])]));
}
async function groupOf(url, token) {
  const claims = asClaims(token);
  const rights = claims ? Object.fromEntries(Object.entries(claims).filter(([name]) => !PASSING.includes(name))) : token;
  const text3 = JSON.stringify([FORMAT, url.href, ordered(rights)]);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text3)));
  return `tidewire:${Array.from(hash.subarray(0, 16), (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

// src/shared-socket.js
var CONFIRM = 256;
var CONFIRM_SIZE = 512 << 10;
var SharedSocket = class {
  onopen;
  onmessage;
  onclose;
  onerror;
  at = null;
  // the tab that holds it; null: it is not known yet
  #post = () => {
  };
  #over = false;
  #heard = 0;
  #size = 0;
  #confirmed = 0;
  // frames, and characters; those that the holder was told of
  constructor(id, token) {
    [this.id, this.token] = [id, token];
  }
  get isOver() {
    return this.#over;
  }
  /** From here on what is sent goes to the holder by `post`. */
  use(at, post) {
    [this.at, this.#post] = [at, post];
  }
  send(text3) {
    this.#post({ kind: "text", socket: this.id, text: text3 });
  }
  /** The link has enough of it. */
  close() {
    if (this.#over) return;
    this.#over = true;
    this.#post({ kind: "close", socket: this.id });
    this.onended?.();
  }
  opened() {
    if (!this.#over) this.onopen?.();
  }
  /** Takes a frame, which has to be the next one: what is missing is asked for over another socket. */
  receive(count, frame, size) {
    if (this.#over) return;
    if (count !== this.#heard + 1) {
      this.#post({ kind: "close", socket: this.id });
      return this.end(1006);
    }
    this.#heard = count;
    this.#size += size;
    if (count % CONFIRM === 0 || this.#size - this.#confirmed > CONFIRM_SIZE) {
      this.#confirmed = this.#size;
      this.#post({ kind: "confirm", socket: this.id, count, size: this.#size });
    }
    this.onmessage?.({ frame });
  }
  /** Takes a frame that is this tab's own. */
  order(frame) {
    if (!this.#over) this.onmessage?.({ frame });
  }
  /** The holder has ended it, or is no more. `spoken` is false if the server has said nothing to it. */
  end(code, reason = "", spoken = true) {
    if (this.#over) return;
    this.#over = true;
    this.onended?.();
    this.onclose?.({ code, reason, spoken });
  }
};

// src/share.js
var isPossible = () => globalThis.origin !== "null" && typeof globalThis.navigator?.locks?.request === "function" && typeof globalThis.BroadcastChannel === "function" && typeof globalThis.crypto?.subtle?.digest === "function" && globalThis.document !== void 0;
var Share = class {
  #options;
  #on;
  #group = null;
  #former = /* @__PURE__ */ new Set();
  #alone;
  #asleep = false;
  #waiting = /* @__PURE__ */ new Set();
  #ended = false;
  /** `park` is called when no tab of the user was seen for long, `wake` when one is, and `fault` with what goes wrong here. */
  constructor(options, on) {
    [this.#options, this.#on] = [options, on];
    this.#alone = options.share === false || !isPossible();
  }
  /** Whether the next link can have a socket from here. */
  get isUsed() {
    return !this.#alone && !this.#ended;
  }
  /** A socket for a link that has a token. */
  open(token) {
    const socket = new SharedSocket(newID(), token);
    this.#place(socket).catch((error) => this.#fails(socket, error));
    return socket;
  }
  /** The tab is about to stand still, or to go: others must not depend on it. */
  sleep() {
    this.#asleep = true;
    for (const group of [this.#group, ...this.#former]) group?.suspend();
    this.#group = null;
    this.#former.clear();
  }
  /** The tab is back, or is seen, or is hidden. */
  shown() {
    this.#asleep = false;
    for (const socket of this.#waiting) this.#place(socket).catch((error) => this.#fails(socket, error));
    this.#waiting.clear();
    for (const group of [this.#group, ...this.#former]) group?.shown();
  }
  end() {
    this.#ended = true;
    for (const group of [this.#group, ...this.#former]) group?.leave();
  }
  async #place(socket) {
    const name = await groupOf(this.#options.url, socket.token);
    if (socket.isOver || this.#ended) return;
    if (this.#asleep) return void this.#waiting.add(socket);
    if (this.#group?.name !== name) this.#join(name);
    const group = this.#group;
    await group.started;
    if (group === this.#group && !socket.isOver && !this.#ended) group.attach(socket);
    else socket.end(1006);
  }
  #join(name) {
    const before = this.#group, isOurs = async (token) => await groupOf(this.#options.url, token) === name;
    if (before?.isIdle) before.leave();
    else if (before) this.#former.add(before);
    const group = this.#group = new Group({
      name,
      id: newID(),
      options: this.#options,
      ...this.#on,
      isOurs,
      alone: (socket) => this.#goAlone(socket),
      idle: () => {
        if (this.#former.delete(group)) group.leave();
      }
    });
  }
  /** This page may not share, or cannot. */
  #fails(socket, error) {
    this.#alone = true;
    if (!this.#options.share.isQuiet) this.#on.fault(error);
    socket.end(1006);
  }
  /** The shared socket has no room for this client. */
  #goAlone(socket) {
    this.#alone = true;
    socket?.order({ type: "move", afterMs: 0 });
  }
};

// src/trials.js
var SOON = 1e3;
var Trials = class {
  #options;
  #links;
  #timers;
  #ways;
  #move;
  /** `move` is called with the live link when there is a better way. */
  constructor({ options, links, timers, ways, move }) {
    [this.#options, this.#links, this.#timers, this.#ways, this.#move] = [options, links, timers, ways, move];
  }
  get #live() {
    return this.#links.live?.way === "sse" ? this.#links.live : void 0;
  }
  /** Plans the next one, if it is needed and there is none. */
  plan() {
    if (!this.#live) this.#timers.cancel("trial");
    else if (!this.#timers.has("trial")) this.#after(this.#ways.patience);
  }
  /** The network may be another one. */
  soon() {
    if (this.#timers.has("trial")) this.#after(SOON);
  }
  #after(ms) {
    this.#timers.after("trial", ms, async () => {
      const works = this.#live !== void 0 && await tryWebSocket(this.#options, this.#live.token.value);
      if (works) this.#ways.works("websocket");
      if (works && this.#live) this.#move(this.#live);
      this.plan();
    });
  }
};
function tryWebSocket({ WebSocket, url, connectTimeoutMs }, token) {
  return new Promise((resolve) => {
    let socket;
    const end2 = (works) => {
      clearTimeout(timer);
      resolve(works);
      try {
        socket?.close(1e3);
      } catch {
      }
    };
    const timer = setTimeout(() => end2(false), connectTimeoutMs);
    try {
      socket = new WebSocket(url.href, [PROTOCOL]);
    } catch {
      return end2(false);
    }
    socket.onopen = () => socket.send(JSON.stringify({ id: 0, type: "connect", token, subscriptions: [] }));
    socket.onmessage = () => end2(true);
    socket.onclose = ({ code }) => end2(code >= 3e3);
    socket.onerror = () => setTimeout(() => end2(false), 100);
  });
}

// src/ways.js
var BLOCKED = 2;
var TRY_AGAIN = 3e4;
var SELDOM = 6e5;
var Ways = class {
  #possible;
  #silent = 0;
  #events = false;
  #trials = 0;
  /** `possible` says whether there may be another way than a WebSocket. */
  constructor(possible) {
    this.#possible = possible;
  }
  /** "websocket" or "sse". */
  get next() {
    return this.#events ? "sse" : "websocket";
  }
  /** The server has said nothing on a connection. Where neither way leads to it, they take turns. */
  failed(way) {
    if (way === "sse") this.#events = false;
    else this.#events = this.#possible && ++this.#silent >= BLOCKED;
  }
  /** The server has said something. */
  works(way) {
    if (way === "websocket") [this.#silent, this.#events, this.#trials] = [0, false, 0];
  }
  /** How long to wait before a socket is tried again. */
  get patience() {
    return Math.min(SELDOM, TRY_AGAIN * 2 ** this.#trials++) * (0.8 + 0.4 * Math.random());
  }
};

// src/connector.js
var HANDOVER = 5e3;
var Connector = class {
  clock = new Clock();
  channels;
  requests;
  #options;
  #emit;
  #state = Object.freeze({ name: "connecting", since: Date.now() });
  #links = new Links();
  #timers;
  #tokens;
  #renewal;
  #retry;
  #dialer;
  #share;
  #trials;
  #who = null;
  // tenant and user of the last welcome, as JSON
  #quick = 0;
  // moves from links that were not stable
  constructor(options, emit) {
    [this.#options, this.#emit] = [options, emit];
    this.#timers = new Timers((error) => emit("error", error));
    this.#tokens = new Tokens(options.token, this.clock, options.connectTimeoutMs);
    this.#retry = new Retry(options);
    this.#renewal = new Renewal({
      tokens: this.#tokens,
      links: this.#links,
      timers: this.#timers,
      timeoutMs: options.requestTimeoutMs,
      renewed: (expiresAt) => this.#set({ ...this.#state, expiresAt }),
      failed: (error) => this.isClosed || emit("error", error)
    });
    this.requests = new Requests(options.maxPending);
    this.channels = new Channels({
      options,
      links: this.#links,
      clock: this.clock,
      timers: this.#timers,
      emit,
      taken: (link) => this.#handOver(link),
      isClosed: () => this.isClosed
    });
    this.#share = new Share(options, { park: () => this.#park(), wake: () => this.#unpark(), fault: (error) => this.isClosed || emit("error", error) });
    const inbox = new Inbox({
      channels: this.channels,
      clock: this.clock,
      renewal: this.#renewal,
      emit,
      welcomed: (link, frame) => this.#welcomed(link, frame),
      move: (link, afterMs) => this.#move(link, afterMs)
    });
    const ways = new Ways(options.fallback && typeof globalThis.fetch === "function");
    this.#trials = new Trials({ options, links: this.#links, timers: this.#timers, ways, move: (link) => this.#move(link, 0) });
    this.#dialer = new Dialer({
      options,
      links: this.#links,
      timers: this.#timers,
      tokens: this.#tokens,
      share: this.#share,
      ways,
      first: (link, frame, room, most) => this.#retry.cautious ? { subscriptions: [] } : this.channels.first(link, frame, room, most),
      frame: (link, frame) => inbox.take(link, frame),
      over: (link, code, message) => this.#over(link, code, message),
      failed: (error) => this.#undialled(error),
      fault: (error) => emit("error", error),
      roundTrip: (ms) => this.clock.roundTrip(ms)
    });
  }
  get state() {
    return this.#state;
  }
  get isClosed() {
    return this.#state.name === "closed";
  }
  get isLive() {
    return this.#links.live !== null;
  }
  /** Connects, unless something else has happened since the client was made. */
  start() {
    if (this.#state.name === "connecting" && this.#dialer.turn === 0) this.#dial();
  }
  /** Renews the token now, with the one given or the provider's. */
  async refresh(token) {
    if (token !== void 0) this.#tokens.give(token);
    if (this.isLive) return this.#renewal.now(token === void 0);
    if (token === void 0) this.#tokens.current = null;
    this.reconnect();
  }
  /** Bounds how many bytes a second the server sends, on this connection and the next. */
  bound(maxBytesPerSecond) {
    return this.#dialer.bound(maxBytesPerSecond);
  }
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
  #unpark() {
    if (this.#state.name === "parked") this.#dial();
  }
  // ---- connecting: state connecting, or reconnecting without retryAt
  #dial() {
    this.#cancel("retry");
    this.#cancel("move");
    const turn = this.#dialer.begin();
    if (!this.isLive) {
      const { name, attempt: attempt2, code, message, action } = this.#state;
      this.#set(name === "reconnecting" ? { name, attempt: attempt2, code, message, action, retryAt: null } : { name: "connecting" });
    }
    this.#dialer.dial(turn);
  }
  /** A dial made no link. */
  #undialled(error) {
    if (error instanceof SignedOut) return this.#stop({ code: error.code, message: error.message, closeCode: 4401, action: SIGN_IN });
    this.#emit("error", error);
    if (!this.isClosed) this.#over(null, 1011, error?.message);
  }
  #welcomed(link, frame) {
    if (link.welcome || link !== this.#links.next) return;
    if (text(frame.tenant) === void 0 || text(frame.user) === void 0) return link.drop("welcome: tenant and user must be strings");
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
    if (link.ended) return;
    if (!moving && link.resumed) this.channels.tellResumed(link);
    if (moving) link.resumed = null;
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
    const wait = within(afterMs, 0, MAX_ORDER, 0) + (this.#quick ? backoff(this.#quick - 1, this.#options) : 0);
    this.#emit("move", { phase: "planned", afterMs: wait });
    this.#after("move", wait, () => this.#dial());
  }
  // ---- ends
  /** A link ended, or a dial that made none (null): decides what is left and what comes next. */
  #over(link, code, message) {
    const reason = reasonOf(link, code, message);
    if (link) this.channels.forgive(link);
    if (reason.code === "expired" && link?.token?.endsAt) {
      this.clock.past(link.token.endsAt);
      this.#renewal.late();
    }
    if (link && link === this.#links.live) {
      this.#unlink();
      if (this.#links.next?.welcome) return this.#promote(this.#links.next);
      this.#cancel("move");
      if (this.#timers.has("dial")) {
        if (onConnection(code).verdict === RENEW) this.#tokens.discard(link.token);
        return this.#set({ name: "reconnecting", retryAt: null, attempt: this.#retry.attempts, ...reason });
      }
    } else if (link === this.#links.next) {
      this.#cancel("dial");
      this.#links.next = null;
      const moved = link && this.channels.readsFrom(link);
      if (this.#links.live && !moved) return this.#comeBack(reason, link);
      this.#links.live?.shut();
      this.#unlink();
    } else return;
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
    if (this.isClosed || this.#timers.has("dial")) return;
    const { verdict, action } = onConnection(reason.closeCode);
    if (verdict === FINAL) return this.#stop({ ...reason, action });
    if (verdict === RENEW) {
      this.#tokens.discard(link?.token);
      if (!this.#tokens.renewable && !this.#tokens.current) return this.#stop({ ...reason, action });
    }
    const { wait, notBefore, action: wanted2 } = this.#retry.after(link, reason), retryAt = Date.now() + wait;
    if (this.#links.live) {
      this.#after("move", wait, () => this.#dial());
      return this.#emit("move", { phase: "failed", retryAt });
    }
    this.#retry.notBefore = notBefore;
    this.#after("retry", wait, () => this.#dial());
    this.#set({ name: "reconnecting", retryAt, attempt: this.#retry.attempts, ...reason, ...wanted2 !== void 0 && { action: wanted2 } });
  }
  /** Stops until a person acts, because a person has decided so: the application, or an operator with a final code. */
  #stop(reason) {
    const error = new TidewireError(reason);
    if (this.#links.live) return this.#emit("error", error);
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
  #after(name, ms, run) {
    this.#timers.after(name, ms, run);
  }
  #cancel(name) {
    this.#timers.cancel(name);
  }
};

// src/history.js
var MOST = 1e3;
var limit = (name, value) => {
  if (!Number.isInteger(value) || value < 1 || value > MOST) throw badRequest(`${name}: must be 1 to ${MOST}, got ${show(value)}`);
  return value;
};
var position = (name, value) => {
  if (!isPosition(value)) throw badRequest(`${name}: must be a position as the server sent it, got ${show(value)}`);
  return value;
};
var time = (name, value) => {
  const at = moment(value instanceof Date ? value.getTime() : value);
  if (!at) throw badRequest(`${name}: must be a Date or milliseconds since 1970, got ${show(value)}`);
  return at;
};
var filter = (name, value) => {
  if (typeof value !== "string") throw badRequest(`${name}: must be a string, got ${show(value)}`);
  return value || void 0;
};
var fields = (name, value) => {
  if (!Array.isArray(value) || value.some((each) => typeof each !== "string" || each === "")) throw badRequest(`${name}: must be a list of non-empty strings, got ${show(value)}`);
  return value.length ? [...value] : void 0;
};
var CHECKS = { limit, before: position, after: position, from: time, to: time, filter, fields };
function checkQuery(channel, options) {
  const query = { channel: checkChannel(channel) };
  for (const [name, value] of Object.entries(options)) {
    if (value === void 0 || value === null) continue;
    if (!Object.hasOwn(CHECKS, name)) throw unknownOption(name, [...Object.keys(CHECKS), "timeoutMs", "signal"], "history");
    query[name] = CHECKS[name](name, value);
  }
  const { before, after: after2, from, to } = query;
  if (after2 && from) throw badRequest("from: must be left out where after says it");
  if (before && to) throw badRequest("to: must be left out where before says it");
  if (after2 && before) throw badRequest("before: must be left out where after is given; to bounds it");
  if (from && to && from >= to) throw badRequest(`to: must be later than from, which is ${from}, got ${to}`);
  return query;
}
async function* pagesOf(query, ask) {
  for (; ; ) {
    const answer = await ask(checkJSON({ type: "history", ...query }));
    const messages = (Array.isArray(answer.messages) ? answer.messages : []).filter((each) => isPosition(each?.position));
    const more = answer.more === true && messages.length > 0;
    yield Object.freeze({
      messages: messages.map((each) => ({ ...each, type: "message", channel: query.channel })),
      more,
      complete: answer.complete === true,
      beyond: answer.hint === "http"
    });
    if (!more) return;
    const { before, after: after2, from, to, ...rest } = query;
    query = (after2 || from) && !before ? { ...rest, after: messages.at(-1).position, to } : { ...rest, before: messages[0].position, from };
  }
}

// src/lock.js
var ATTEMPT = 1e4;
function stopwatch() {
  const [steady, wall] = [ticks(), Date.now()];
  return () => Math.max(ticks() - steady, Date.now() - wall);
}
var Lock = class {
  #publish;
  #ttl;
  #data;
  #position;
  #since;
  #asked = /* @__PURE__ */ new Map();
  // since: a stopwatch; asked: those of attempts, by event
  #state = "held";
  #renewing = null;
  #renewal;
  #deadline;
  #abort = new AbortController();
  #lose;
  #failed;
  /** `publish` publishes about the key of the lock. `since` is the stopwatch of the attempt that has got it. */
  constructor({ channel, name, key, publish, ttlMs, data, position: position2, since }) {
    Object.assign(this, { channel, name, key });
    [this.#publish, this.#ttl, this.#data, this.#position, this.#since] = [publish, ttlMs, data, position2, since];
    this.lost = new Promise((resolve) => {
      this.#lose = resolve;
    });
    this.#plan();
  }
  /** Where the lock was got or last renewed. It only grows, from one holder to the next as well: a fencing token. */
  get position() {
    return this.#position;
  }
  /** Whether it is certain that nobody else has it. */
  get isHeld() {
    return this.#state === "held" && this.#left > 0;
  }
  /** Is aborted when the lock is lost. */
  get signal() {
    return this.#abort.signal;
  }
  get #left() {
    return this.#ttl - this.#since();
  }
  /** Gives the lock back, and tells whether the server has taken it. If it has not, the lock ends by itself. */
  async release() {
    if (this.#state !== "held") return false;
    this.#state = "released";
    this.#stop();
    await this.#renewing;
    if (this.#left <= 0) return false;
    try {
      return (await this.#publish(void 0, { delete: true, if: { position: this.#position }, event: newID(), wait: true, timeoutMs: Math.max(1, this.#left) })).applied;
    } catch {
      return false;
    }
  }
  #stop() {
    clearTimeout(this.#renewal);
    clearTimeout(this.#deadline);
  }
  #plan() {
    this.#stop();
    if (this.#state !== "held") return;
    this.#deadline = setTimeout(() => this.#left > 0 ? this.#plan() : this.#end(), Math.max(0, Math.ceil(this.#left)));
    this.#renewal = setTimeout(() => {
      this.#renewing = this.#renew();
    }, Math.max(0, this.#left - this.#ttl * 2 / 3));
  }
  async #renew() {
    if (this.#left <= 0) return this.#end();
    const event = newID(), since = stopwatch();
    this.#asked.set(event, since);
    let wait = 0;
    try {
      const ttl = `${this.#ttl}ms`;
      const answer = await this.#publish(this.#data, { ttl, if: { position: this.#position }, event, wait: true, timeoutMs: Math.max(1, Math.min(ATTEMPT, this.#left)) });
      const own = answer.applied ? since : this.#asked.get(idOf(answer.position));
      if (!own) return this.#end(new TidewireError({ code: "conflict", channel: this.channel, message: `${this.key}: somebody else has it, or has removed it` }));
      [this.#position, this.#since, this.#failed] = [answer.position, own, void 0];
      this.#asked.clear();
    } catch (error) {
      this.#failed = error;
      if (error.code === "closed") return this.#end(error);
      wait = Math.max(error.retryAfterMs ?? 0, 500 * (1 + Math.random()));
    }
    if (this.#left <= 0) return this.#end();
    this.#plan();
    if (wait > 0 && this.#state === "held") {
      clearTimeout(this.#renewal);
      this.#renewal = setTimeout(() => {
        this.#renewing = this.#renew();
      }, wait);
    }
  }
  #end(why = this.#failed) {
    this.#stop();
    if (this.#state !== "held") return;
    this.#state = "lost";
    const error = why ?? new TidewireError({ code: "timeout", channel: this.channel, message: `${this.key}: could not be renewed in time` });
    this.#abort.abort(error);
    this.#lose(error);
  }
};
var idOf = (position2) => position2 === void 0 ? void 0 : parsePosition(position2).id;

// src/locks.js
var UNITS = { s: 1e3, m: 6e4 };
var SHORTEST = 3e3;
var LONGEST2 = 24e4;
var SPREAD = 50;
var WIDEST = 2e3;
var ATTEMPT2 = 1e4;
var MARGIN2 = 1e3;
function wanted(name, { ttl = "30s", data = null, signal, ...unknown }) {
  const other = Object.keys(unknown)[0];
  if (other !== void 0) throw unknownOption(other, ["ttl", "data", "signal"], "lock");
  if (typeof name !== "string" || name === "") throw badRequest(`name: must be a non-empty string, got ${show(name)}`);
  checkText("name", name, MAX_NAME - "lock:".length);
  const [, number, unit] = /^(\d{1,6})(s|m)$/.exec(ttl) ?? [], ttlMs = Number(number) * UNITS[unit];
  if (!(ttlMs >= SHORTEST && ttlMs <= LONGEST2)) throw badRequest(`ttl: must be from 3s to 4m, got ${show(ttl)}`);
  return { ttlMs, data, signal: checkSignal(signal), key: `lock:${name}` };
}
async function tryLock(client, channel, name, options = {}) {
  const want = wanted(name, options);
  want.signal?.throwIfAborted();
  return abortable(attempt(client, channel, name, want), want.signal);
}
async function lock(client, channel, name, options = {}) {
  const want = wanted(name, options);
  want.signal?.throwIfAborted();
  const subscription = client.subscribe(channel, { state: true, keys: [want.key] });
  const ended = end(subscription, channel);
  try {
    await abortable(subscription.view.ready, want.signal);
    for (let spread = SPREAD; ; spread = Math.min(2 * spread, WIDEST)) {
      await free(subscription.view, ended, want);
      await until(Math.random() * spread, want.signal);
      if (subscription.view.has(want.key)) continue;
      try {
        const got = await abortable(attempt(client, channel, name, want), want.signal);
        if (got) return got;
        await until(MARGIN2, want.signal, (done) => taken(subscription.view, want.key, done));
      } catch (error) {
        want.signal?.throwIfAborted();
        if (!["unavailable", "draining", "limited", "timeout", "conflict"].includes(error.code)) throw error;
        await until((error.retryAfterMs ?? 0) + MARGIN2 * (1 + Math.random()), want.signal);
      }
    }
  } finally {
    subscription.unsubscribe();
  }
}
async function attempt(client, channel, name, { ttlMs, data, signal, key }) {
  const publish = (what, how) => client.publish(channel, what, { key, ...how });
  const event = newID(), since = stopwatch();
  const answer = await publish(data, { ttl: `${ttlMs}ms`, if: "absent", event, wait: true, timeoutMs: Math.min(ATTEMPT2, ttlMs) });
  if (!answer.applied && idOf(answer.position) !== event) return null;
  const held = new Lock({ channel, name, key, publish, ttlMs, data, position: answer.position, since });
  if (!held.isHeld) {
    held.release();
    throw new TidewireError({ code: "timeout", channel, message: `${key}: it was got, but too late` });
  }
  if (signal?.aborted) held.release();
  return held;
}
function end(subscription, channel) {
  const ended = (async () => {
    for await (const item of subscription) void item;
    throw new TidewireError({ code: "closed", channel, message: "the subscription that waits for the lock has ended" });
  })();
  ended.catch(() => {
  });
  return ended;
}
async function free(view, ended, { key, signal }) {
  let off;
  const freed = new Promise((resolve) => {
    const look = () => {
      if (!view.has(key)) resolve();
    };
    off = view.on("change", look);
    look();
  });
  try {
    await abortable(Promise.race([ended, freed]), signal);
  } finally {
    off();
  }
}
function taken(view, key, done) {
  if (view.has(key)) done();
  return view.on("change", () => {
    if (view.has(key)) done();
  });
}
async function until(ms, signal, otherwise) {
  let timer, off;
  try {
    await abortable(new Promise((resolve) => {
      timer = setTimeout(resolve, ms);
      off = otherwise?.(resolve);
    }), signal);
  } finally {
    clearTimeout(timer);
    off?.();
  }
}
function abortable(promise, signal) {
  if (!signal) return promise;
  promise.catch(() => {
  });
  let abort;
  return Promise.race([promise, new Promise((resolve, reject) => {
    abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort);
  })]).finally(() => signal.removeEventListener("abort", abort));
}

// src/options.js
var KNOWN = [
  "url",
  "token",
  "tokenIn",
  "WebSocket",
  "storage",
  "storageKey",
  "maxBytesPerSecond",
  "backoffMs",
  "backoffCapMs",
  "connectTimeoutMs",
  "requestTimeoutMs",
  "maxPending",
  "remember",
  "share",
  "fallback",
  "debug",
  "signal"
];
function checkOptions(url, options) {
  const given = typeof url === "object" && url !== null && !(url instanceof URL) ? url : { ...options, url };
  checkKnown(given, KNOWN, "connect");
  const set = Object.entries(given).filter(([, value]) => value !== void 0);
  const o = {
    tokenIn: "subprotocol",
    WebSocket: globalThis.WebSocket,
    backoffMs: 500,
    backoffCapMs: 3e4,
    connectTimeoutMs: 15e3,
    requestTimeoutMs: 3e4,
    maxPending: 256,
    remember: 1e3,
    ...Object.fromEntries(set)
  };
  if (typeof o.WebSocket !== "function") throw new TypeError("WebSocket: this runtime has none; pass a class as the option WebSocket");
  if (o.tokenIn !== "frame" && o.tokenIn !== "subprotocol") throw new TypeError(`tokenIn: must be frame or subprotocol, got ${show(o.tokenIn)}`);
  for (const name of ["backoffMs", "backoffCapMs", "connectTimeoutMs", "requestTimeoutMs", "maxPending", "remember"]) {
    if (!(o[name] >= 1 && Number.isFinite(o[name]))) throw new TypeError(`${name}: must be a number of at least 1, got ${o[name]}`);
  }
  if (o.maxBytesPerSecond !== void 0) checkBytes(o.maxBytesPerSecond);
  o.token ??= void 0;
  if (!["undefined", "string", "function"].includes(typeof o.token)) throw new TypeError(`token: must be a string or a function, got ${show(o.token)}`);
  if (typeof o.token === "string" && !asToken(o.token)) throw new TypeError("token: must be a token, of letters, digits and - . _ ~ + / =, or a function that returns one");
  o.url = new URL(o.url, globalThis.location?.href);
  o.url.protocol = o.url.protocol.replace(/^http/, "ws");
  if (o.url.pathname === "/") o.url.pathname = "/v1/socket";
  checkSignal(o.signal);
  o.debug = checkDebug(o.debug);
  const own = given.WebSocket !== void 0;
  o.share = checkShare(o.share, !own);
  o.fallback ??= !own;
  if (typeof o.fallback !== "boolean") throw new TypeError(`fallback: must be true or false, got ${show(o.fallback)}`);
  o.storageKey ??= `tidewire:${o.url}`;
  return Object.freeze(o);
}
function checkShare(share, otherwise) {
  if (share === void 0 && otherwise) return { isAwake: () => false, isQuiet: true };
  if (share === void 0 || typeof share === "boolean") return share === true && { isAwake: () => false };
  if (typeof share !== "object" || share === null) throw new TypeError(`share: must be true, false or {keepAwake}, got ${show(share)}`);
  const { keepAwake } = checkKnown(share, ["keepAwake"], "share");
  if (keepAwake !== void 0 && !(Array.isArray(keepAwake) && keepAwake.every((each) => typeof each === "string" && each))) throw new TypeError(`share.keepAwake: must be a list of namespaces, got ${show(keepAwake)}`);
  const awake = new Set(keepAwake);
  return { isAwake: (channel) => {
    const [namespace] = channel.split(":");
    return awake.has(namespace) || namespace.includes("*") && awake.size > 0;
  } };
}
function checkDebug(debug) {
  if (debug === void 0 || debug === false) return void 0;
  if (debug === true) return (what, detail) => console.debug(`tidewire: ${what}`, detail);
  if (typeof debug !== "function") throw new TypeError(`debug: must be true, false or a function, got ${show(debug)}`);
  return (what, detail) => guarded(debug, what, detail);
}

// src/client.js
var REQUEST = ["wait", "timeoutMs", "signal"];
var PUBLISH = ["key", "tags", "event", "ttl", "delete", "transient", "if", "eventType", "source", "contentType", ...REQUEST];
var Tidewire = class {
  #options;
  #events = new Events();
  #connector;
  #offAbort;
  constructor(url, options = {}) {
    this.#options = checkOptions(url, options);
    this.#connector = new Connector(this.#options, (type, detail) => this.#events.emit(type, detail));
    this.#hear("addEventListener");
    this.#offAbort = onAbort(this.#options.signal, () => this.close());
    queueMicrotask(() => this.#connector.start());
  }
  get state() {
    return this.#connector.state;
  }
  get clock() {
    return this.#connector.clock.reading;
  }
  get latency() {
    return this.#connector.clock.latency;
  }
  /** Adds a listener and returns a function that removes it. */
  on(type, listener) {
    return this.#events.on(type, listener);
  }
  /** Reads a channel. One whose name cannot be is refused here, and nobody else knows of it. */
  subscribe(channel, onMessage, options) {
    if (typeof onMessage !== "function") [onMessage, options] = [void 0, options ?? onMessage];
    this.#checkOpen();
    return this.#connector.channels.subscribe(channel, onMessage, options);
  }
  /** Ends every subscription of the channel. */
  unsubscribe(channel) {
    this.#connector.channels.unsubscribe(channel);
  }
  /**
   * Publishes; with `wait` also across reconnects, once, because the server drops a repeated `event`. What is published
   * on a channel keeps its order. With `delete`, there is no data.
   */
  async publish(channel, data, options = {}) {
    this.#checkOpen();
    let { key, tags, event, wait = false, timeoutMs, signal, ...more } = checkKnown(options, PUBLISH, "publish");
    const described = checkDescribed(more);
    if (described.delete ? data !== void 0 : data === void 0 || typeof data === "function" || typeof data === "symbol") {
      throw badRequest(described.delete ? "data: must be undefined with delete" : "data: is missing; null is allowed");
    }
    if (wait) event ??= newID();
    const json = checkJSON({ type: "publish", channel: checkChannel(channel), data, key: checkText("key", key), tags: checkTags(tags), event: checkText("event", event), ...described });
    const answer = await this.#request(json, { channel, wait, repeatable: true, timeoutMs, signal, what: "publish" });
    const published = { event: text(answer.event) ?? event };
    return described.if ? { ...published, applied: answer.applied === true, position: text(answer.position) } : published;
  }
  /** Gets a lock if nobody has it: resolves with it, or with null. */
  async tryLock(channel, name, options) {
    this.#checkOpen();
    return tryLock(this, checkChannel(channel), name, options);
  }
  /** Gets a lock as soon as nobody else has it. */
  async lock(channel, name, options) {
    this.#checkOpen();
    return lock(this, checkChannel(channel), name, options);
  }
  /**
   * Shows something of this page on a channel whose state is transient, such as where its pointer is: what `set` says, at most `maxRate` times a
   * second, until `clear`, `end`, or the connection ends.
   */
  cursor(channel, options = {}) {
    this.#checkOpen();
    const { maxRate = 20 } = checkKnown(options, ["maxRate"], "cursor");
    checkChannel(channel);
    if (!(maxRate > 0 && maxRate <= 1e3)) throw badRequest(`maxRate: must be a number above 0 and up to 1000, got ${show(maxRate)}`);
    const shown = new Awareness({
      maxRate,
      failed: (error) => this.#events.emit("error", error),
      publish: ({ data, delete: deletes }) => this.publish(channel, data, { key: "$connection", transient: true, delete: deletes })
    });
    const off = this.on("state", ({ name }) => name === "live" && shown.connected());
    return {
      set: (data) => shown.set(data),
      clear: () => shown.clear(),
      end: () => {
        off();
        shown.end();
      }
    };
  }
  /** Asks a route of the server; with `wait` it waits for a connection, but is never sent twice. */
  async call(route, data, options = {}) {
    this.#checkOpen();
    const { wait = false, timeoutMs, signal } = checkKnown(options, REQUEST, "call");
    if (typeof route !== "string" || route === "") throw badRequest(`route: must be a non-empty string, got ${show(route)}`);
    return (await this.#request(checkJSON({ type: "call", route, data }), { wait, repeatable: false, timeoutMs, signal, what: "call" })).data;
  }
  /** The pages of what was published to a channel before, as an async iterator. A page that is lost is asked for again. */
  history(channel, { timeoutMs, signal, ...query } = {}) {
    this.#checkOpen();
    return pagesOf(checkQuery(channel, query), (json) => {
      this.#checkOpen();
      return this.#request(json, { wait: true, repeatable: true, timeoutMs, signal, what: "history" });
    });
  }
  /** Watches who is on a channel; returns a function that stops it. */
  presence(channel, callback, options) {
    this.#checkOpen();
    return this.#connector.channels.presences.watch(channel, callback, options);
  }
  /** Makes the client a member of a channel, with data of its own. Returns {ready, update, leave}. */
  enter(channel, data, options) {
    this.#checkOpen();
    return this.#connector.channels.presences.enter(channel, data, options);
  }
  /** Renews the token now, with the one given or the provider's. */
  async refresh(token) {
    this.#checkOpen();
    return this.#connector.refresh(token);
  }
  /** Changes the option `maxBytesPerSecond`. Resolves when the server obeys, or at once without a connection. */
  async tune(change) {
    this.#checkOpen();
    const { maxBytesPerSecond } = checkKnown(change, ["maxBytesPerSecond"], "tune");
    await this.#connector.bound(checkBytes(maxBytesPerSecond));
    return { maxBytesPerSecond };
  }
  /** Tries now instead of at the planned moment, also after a refusal. */
  reconnect() {
    this.#checkOpen();
    this.#connector.reconnect();
  }
  /** Ends everything; positions are kept in the storage, if there is one. */
  close() {
    if (this.#connector.isClosed) return;
    this.#connector.close();
    this.#offAbort();
    this.#hear("removeEventListener");
  }
  #request(json, { wait, timeoutMs = this.#options.requestTimeoutMs, ...how }) {
    if (!(timeoutMs > 0)) throw new TypeError(`timeoutMs: must be positive, got ${timeoutMs}`);
    checkSignal(how.signal)?.throwIfAborted();
    const { isLive, state, requests } = this.#connector;
    if (!isLive && (!wait || state.name === "refused")) {
      throw new TidewireError({ code: "unavailable", message: `not connected (${state.name}): try again when the client is live, or set wait` });
    }
    return requests.add(json, { wait, timeoutMs, ...how });
  }
  #checkOpen() {
    if (this.#connector.isClosed) throw new TidewireError({ code: "closed", message: "the client is closed; create a new one" });
  }
  #sleep = () => this.#connector.sleep();
  #wake = () => {
    if (globalThis.document?.visibilityState === "hidden") this.#connector.hide();
    else this.#connector.wake();
  };
  /** Listens to the page: it may go, sleep, come back, and the network with it. */
  #hear(how) {
    for (const type of ["online", "pageshow"]) globalThis[how]?.(type, this.#wake);
    for (const type of ["visibilitychange", "resume"]) globalThis.document?.[how]?.(type, this.#wake);
    globalThis[how]?.("pagehide", this.#sleep);
    globalThis.document?.[how]?.("freeze", this.#sleep);
  }
};

// src/index.js
function connect(url, options) {
  return new Tidewire(url, options);
}
export {
  Tidewire,
  TidewireError,
  closeCodes,
  connect,
  parsePosition
};
