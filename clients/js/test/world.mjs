// A world for the client, on a virtual clock: a server with records, tokens and limits, a network between them that loses and
// delays, and a page's storage. Each part can be told to misbehave. What a well-behaved server does is protocol.md's.
import { VirtualClock } from "./clock.mjs";
import { faultOf, Reader } from "./keyed.mjs";
import { PatternReader, PatternStates } from "./pattern.mjs";

export function generator(seed) { // mulberry32
  const next = () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let x = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
  const random = (below) => Math.floor(next() * below);
  return Object.assign(random, { fraction: next, of: (list) => list[random(list.length)], chance: (share) => next() < share });
}

export const closeCodes = [1000, 1001, 1002, 1003, 1006, 1007, 1011, 1012, 1013, 4400, 4401, 4403, 4408, 4409, 4413, 4429, 4503, 1008, 4999];
export const errorCodes = [
  "bad-request", "unauthorized", "expired", "forbidden", "suspended", "not-found", "too-large", "limited", "timeout", "replaced",
  "too-slow", "draining", "unavailable", "conflict", "internal", "weather",
];

/** What may stand where something else is expected. */
const anything = [undefined, null, 0, -1, 1.5, 1e308, -1e308, "", "x", "1700000000000-a", "9999999999999-z", "-", [], {}, [[]], true, { length: -1 }];

const position = /^[1-9]\d{0,14}-[^\x00-\x1f\x7f]*$/;

/** TRACE=1 tells what goes over the wire, to see how a seed came to its end. */
const trace = process.env.TRACE ? (...said) => process.stderr.write(`${said.join(" ")}\n`) : () => {};

export class World {
  sockets = []; records = new Map(); network = "up"; evil = 0; limits = {}; user = "ann"; lifetimeMs = 3_600_000; opaque = false;
  finals = 0; expiries = 0; faults = []; keys = "k1"; headerLimit = Infinity; serial = 0; limitPublishes = 0; uplinkMs = 0;
  provider = "good"; asked = 0; heartbeatMs = 25_000; desk = undefined; busy = 0; // desk: the one that tokens show; busy: how often the state and tunes are put off

  upgrade = "free"; // what a proxy does to WebSockets: free, refused, swallowed

  constructor(random) {
    this.random = random;
    this.clock = new VirtualClock().install();
    this.begin = this.clock.wall; // the server's time is this and the ticks, whatever the page's clock says
    const world = this;
    this.WebSocket = class { constructor(url, protocols) { new Socket(world, this, url, protocols); } };
    this.WebSocket.Real = class { constructor(page, url, protocols) { new Socket(world, page, url, protocols); } }; // of a page elsewhere
  }

  end() { this.clock.uninstall(); }

  /** The same server, asked by requests whose answers are streams of events. */
  fetch = (url, { body, headers, signal }) => new Promise((resolve, reject) => {
    const page = {}, events = new Events(), lines = body.split("\n"), goesOn = lines[0].includes('"type":"connect"');
    const owed = new Set(lines.map((line) => JSON.parse(line).id));
    let opened = false;
    page.onopen = () => {
      opened = true;
      resolve({ ok: true, status: 200, headers: { get: () => "text/event-stream" }, body: { getReader: () => events } });
      for (const line of lines) page.send(line);
    };
    page.onmessage = ({ data }) => {
      events.push(`data: ${data}\n\n`);
      try { owed.delete(JSON.parse(data)?.id); } catch { /* it misbehaves */ }
      if (goesOn || owed.size > 0) return;
      page.close();
      events.end();
    };
    page.onclose = ({ code }) => {
      if (!opened) return reject(new TypeError("fetch failed"));
      if (code !== 1006 && code !== 1000) events.push(`event: close\ndata: {"code":${code},"reason":"r"}\n\n`);
      events.end();
    };
    signal?.addEventListener("abort", () => {
      page.close();
      events.end();
      reject(Object.assign(new Error("aborted"), { name: "AbortError" }));
    });
    new Socket(this, page, url, ["tidewire.v1.json", `bearer.${headers.Authorization.slice(7)}`], true);
  });

  get now() { return Math.floor(this.begin + this.clock.ticks); }

  record(channel) {
    if (!this.records.has(channel)) this.records.set(channel, []);
    return this.records.get(channel);
  }

  /** `op` is set, delete or clear; `desk` is a tag. */
  publish(channel, data, { event = `e${++this.serial}`, key, op = "set", ttlMs, desk } = {}) {
    const record = this.record(channel), last = record.at(-1)?.time ?? 0;
    if (record.some(({ id }) => id === event)) return event; // had already
    const time = Math.max(last, this.now);
    record.push({ id: event, time, data, key, op, desk, expiresAt: ttlMs && time + ttlMs });
    for (const socket of this.sockets) socket.pump();
    return event;
  }

  token() {
    const claims = { sub: this.user, desk: this.desk, jti: ++this.serial, iat: Math.floor(this.now / 1000), exp: Math.ceil((this.now + this.lifetimeMs) / 1000) };
    const body = btoa(JSON.stringify(claims)).replace(/=/g, "").replace(/\+/g, "-").replace(/\//g, "_");
    this.issued ??= new Map();
    const token = this.opaque ? `opaque.${claims.jti}` : `${this.keys}.${body}.s`;
    this.issued.set(token, { user: this.user, desk: this.desk, key: this.keys, expiresAt: claims.exp * 1000 });
    return token;
  }

  /** Judges a token: the claims, or the code that refuses it. */
  judge(token) {
    const claims = this.issued?.get(token);
    if (!claims || claims.key !== this.keys) return "unauthorized";
    return claims.expiresAt <= this.now ? "expired" : claims;
  }

  /** What the page gives as its token provider, in one of many moods. */
  source = async ({ rejected }) => {
    this.asked++;
    const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
    switch (this.provider) {
      case "throws": throw new Error("no network");
      case "hangs": return new Promise(() => {});
      case "slow": await wait(18_000); return this.token();
      case "undefined": return undefined;
      case "empty": return "";
      case "html": return "<!doctype html><title>502</title><h1>Bad Gateway</h1>";
      case "object": return { token: this.token() };
      case "expired": { const token = this.token(); this.issued.get(token).expiresAt = this.now - 1; return token; }
      case "foreign": return "k9.e30.s";
      case "cached": return (this.cached = rejected || !this.cached ? this.token() : this.cached);
      case "signed out": this.finals++; return null;
      default: await wait(this.random(200)); return this.token();
    }
  };
}

/** The body of an answer. */
class Events {
  #parts = []; #ended = false; #wake = () => {};

  push(text) {
    this.#parts.push(text);
    this.#wake();
  }

  end() {
    this.#ended = true;
    this.#wake();
  }

  async read() {
    while (!this.#parts.length && !this.#ended) await new Promise((resolve) => { this.#wake = resolve; });
    return this.#parts.length ? { done: false, value: new TextEncoder().encode(this.#parts.splice(0).join("")) } : { done: true };
  }

  async cancel() { this.end(); }
}

/** How the server tells the subscriptions of a connection apart. */
const keyOf = ({ sub, channel }) => (sub ? `#${sub}` : channel);

/** One connection: the page's socket at one end, the server at the other, the network between. */
class Socket {
  closed = false; open = false; welcome = null; queue = []; subscriptions = new Map(); half = false; received = []; pings = 0; at = 0; barred = 0; upAt = 0; refusals = 0; fences = new Map();

  constructor(world, page, url, protocols, events = false) {
    Object.assign(this, { world, page, protocols, events });
    world.sockets.push(this);
    this.evil = world.random.chance(world.evil);
    this.born = world.clock.ticks;
    page.readyState = 0;
    page.send = (text) => {
      if (page.readyState !== 1) { if (page.readyState === 0) throw new Error("InvalidStateError"); return; }
      if (!this.half) this.up(() => this.take(text));
    };
    page.close = (code) => {
      if (code !== undefined && code !== 1000 && !(code >= 3000 && code < 5000)) throw new Error("InvalidAccessError");
      if (page.readyState >= 2) return;
      page.readyState = 2;
      this.closed = true;
      clearInterval(this.beat);
      this.later(() => { page.readyState = 3; page.onclose?.({ code: code ?? 1005, reason: "" }); });
    };
    const bearer = protocols.find((entry) => entry.startsWith("bearer."));
    if (world.network === "silent") return;
    const refused = world.network === "down" || !events && world.upgrade === "refused" || !events && (bearer?.length ?? 0) > world.headerLimit;
    this.later(() => {
      if (this.closed) return;
      if (refused) return this.end(1006);
      page.readyState = 1;
      this.open = true;
      this.half = !events && world.upgrade === "swallowed";
      this.guard(() => page.onopen?.());
      if (this.evil && world.random.chance(0.5)) this.misbehave();
      if (bearer) this.admit(bearer.slice(7));
      else setTimeout(() => this.welcome || this.end(4408), 10_000);
    });
  }

  guard(run) {
    try { run(); } catch (error) { this.world.faults.push(error); }
  }

  /** What the page sends comes at the server later, perhaps much later, in the order in which it was sent. */
  up(run) {
    const { clock, random, uplinkMs } = this.world;
    this.upAt = uplinkMs ? Math.max(this.upAt, clock.ticks) + 1 + random(uplinkMs) : Math.max(this.upAt, clock.ticks + 1 + random(40));
    setTimeout(run, this.upAt - clock.ticks);
  }

  /** Later, in the order in which it was sent. */
  later(run) {
    const at = this.at = Math.max(this.at, this.world.clock.ticks + 1 + this.world.random(40));
    setTimeout(run, at - this.world.clock.ticks);
  }

  give(frame) { this.raw(JSON.stringify(frame)); }

  raw(data) {
    if (this.closed || this.half) return;
    this.later(() => {
      if (this.page.readyState === 1 && !this.half) trace(Math.floor(this.world.clock.ticks), this.world.sockets.indexOf(this), "<-", data);
      if (this.page.readyState === 1 && !this.half) this.guard(() => this.page.onmessage?.({ data }));
    });
  }

  /** The server closes, with the reason before. */
  end(code, error) {
    if (this.closed) return;
    trace(Math.floor(this.world.clock.ticks), this.world.sockets.indexOf(this), "server ends", code);
    if (code === 4403 || code === 4409) this.world.finals++;
    if (error) this.give({ type: "error", message: "because", ...error });
    this.closed = true;
    clearInterval(this.beat);
    if (this.half) return;
    this.later(() => {
      if (this.page.readyState === 3) return;
      this.page.readyState = 3;
      this.guard(() => this.page.onclose?.({ code, reason: "" }));
    });
  }

  admit(token, id) {
    const { world } = this, claims = world.judge(token);
    if (typeof claims === "string") return this.end(4401, { code: claims });
    this.claims = claims;
    this.greet(id);
    const expire = () => {
      if (this.closed) return;
      if (this.claims.expiresAt > world.now) return setTimeout(expire, Math.min(this.claims.expiresAt - world.now, 2 ** 31 - 1));
      world.expiries++;
      this.end(4401, { code: "expired" });
    };
    expire();
    this.beat ??= setInterval(() => this.give({ type: "heartbeat", asOf: world.now }), world.heartbeatMs);
  }

  greet(id) {
    const { world } = this;
    this.welcome = {
      type: "welcome", id, connection: `c${world.sockets.indexOf(this)}`, user: this.claims.user, tenant: "acme", instance: "i1", expiresAt: this.claims.expiresAt,
      limits: { framesPerSecond: 50, publishesPerSecond: 100, subscriptionsPerConnection: 128, messageBytes: 65536, ...world.limits }, heartbeatMs: world.heartbeatMs,
    };
    this.give(this.welcome);
  }

  take(json) {
    if (this.closed) return;
    const { world } = this, { messageBytes } = this.welcome?.limits ?? { messageBytes: world.limits.messageBytes ?? 65_536 };
    let frame;
    try { frame = JSON.parse(json); } catch { return this.end(4400, { code: "bad-request" }); }
    this.received.push(frame);
    trace(Math.floor(world.clock.ticks), world.sockets.indexOf(this), "->", json);
    if (json.length > messageBytes) return this.end(4413, { code: "too-large" });
    if (this.evil && world.random.chance(0.6)) return this.misbehave(frame);
    this.serve(frame);
    if (this.evil && world.random.chance(0.1)) this.serve(frame); // an answer that comes twice
  }

  serve(frame) {
    const { id, type, channel, sub } = frame, { world } = this;
    const refuse = (code, more) => this.give({ type: "error", id, code, channel, sub, message: code, ...more });
    if (!this.welcome && type !== "connect") return this.end(4401, { code: "unauthorized" });
    switch (type) {
      case "connect":
        if (this.welcome) this.greet(id);
        else this.admit(frame.token, id);
        if (!this.welcome) return;
        if (frame.subscriptions.length > this.welcome.limits.subscriptionsPerConnection) return this.give({ type: "error", code: "limited", limit: "subscriptionsPerConnection", message: "none was taken" });
        for (const each of frame.subscriptions) {
          if (this.valid(each)) this.subscribe(undefined, { ...each, asOf: frame.asOf });
          else this.give({ type: "error", code: "bad-request", channel: each.channel, sub: each.sub, message: "subscriptions" });
        }
        return;
      case "subscribe":
        return this.valid(frame) ? this.subscribe(id, frame) : refuse("bad-request");
      case "tune": return this.tune(frame, refuse);
      case "unsubscribe":
        this.subscriptions.get(keyOf(frame))?.end();
        return this.subscriptions.delete(keyOf(frame)) ? this.give({ type: "ok", id, channel, sub }) : refuse("not-found");
      case "publish":
        if (this.isEarly(frame)) return refuse("limited", { limit: "publishesPerSecond", retryAfterMs: Math.max(1, this.barred - world.now), ...this.refused(frame, channel) });
        if (world.random.chance(world.limitPublishes)) {
          this.barred = world.now + 1000; // nothing that was sent behind it overtakes it
          if (world.random.chance(0.3)) return refuse("unavailable", { retryAfterMs: 1 + world.random(3000), ...this.refused(frame, channel) });
          return refuse("limited", { limit: "publishesPerSecond", retryAfterMs: 1000, ...this.refused(frame, "") });
        }
        return this.give({ type: "ok", id, event: world.publish(channel, frame.data, { event: frame.event }) });
      case "call": return this.give({ type: "ok", id, data: frame.data });
      case "presence": return this.give({ type: "ok", id, channel, members: [{ user: "ann" }], count: 1 });
      case "refresh": {
        const claims = world.judge(frame.token);
        if (typeof claims === "string") return refuse(claims);
        if (claims.user !== this.claims.user) return refuse("forbidden");
        const other = claims.desk !== this.claims.desk;
        this.claims = claims;
        if (other) for (const reader of this.subscriptions.values()) reader.see?.(reader.wants, true);
        return this.give({ type: "ok", id, expiresAt: claims.expiresAt });
      }
      case "ping":
        this.pings++;
        return this.give({ type: "pong", id });
    }
  }

  /** Whether a publish was sent before the client knew of a refusal: by its number, or by the time if it shows none. */
  isEarly({ refusals, channel }) {
    return refusals === undefined ? this.world.now < this.barred : refusals < Math.max(this.fences.get(channel) ?? 0, this.fences.get("") ?? 0);
  }

  /** Numbers the refusal of a publish: none to the channel, or to any, comes by that was sent without knowing of it. */
  refused({ refusals }, channel) {
    this.fences.set(channel, ++this.refusals);
    return refusals === undefined ? {} : { refusals: this.refusals };
  }

  valid({ channel, since, view, type, id, asOf, sub, ...wants }) {
    if (String(channel).includes("*")) return /^(\w+|\*)(:(\w+|\*))*(:\*\*)?$|^\*\*$/.test(channel) && faultOf(wants, channel, false) === undefined && (since === undefined || Object.values(since).every((each) => position.test(each)));
    return faultOf(wants, String(channel), false) === undefined && typeof channel === "string" && /^[\w\-./@=+~]+(:[\w\-./@=+~]+)*$/.test(channel) && channel.length <= 200 && (since === undefined || position.test(since));
  }

  /** Changes how a channel is read; what leaves and enters comes before the answer, or everything anew around it. */
  tune({ id, type, channel, sub, keys, ...change }, refuse) {
    const reader = this.subscriptions.get(keyOf({ sub, channel })), wants = { ...reader?.wants, ...change };
    if (!reader) return refuse("not-found");
    if (channel.includes("*") && !wants.state) return refuse("bad-request");
    if (this.world.random.chance(this.world.busy)) return refuse("limited", { limit: "tunesPerSecond", retryAfterMs: 100 });
    if (faultOf({ ...change, keys }, channel, true) || (keys && !Array.isArray(keys) && !wants.keys)) return refuse("bad-request");
    if (Array.isArray(keys)) wants.keys = keys;
    else if (keys) wants.keys = [...new Set([...wants.keys, ...keys.add])].filter((key) => !keys.remove.includes(key));
    if (wants.maxRate === 0) delete wants.maxRate;
    reader.see(wants);
    this.give({ type: "ok", id, channel, sub, filter: wants.filter || undefined, fields: wants.fields, keys: wants.keys, maxRate: wants.maxRate, paused: wants.paused === true });
  }

  /** The index of a record that a position is before; -1 if it is none of its. */
  indexOf(record, since) {
    const [ms, ...rest] = since.split("-"), event = rest.join("-");
    const found = event ? record.findIndex((each) => each.id === event && each.time === Number(ms)) + 1 : record.findIndex(({ time }) => time > Number(ms));
    if ((event && found === 0) || Number(ms) > this.world.now) return -1;
    return event ? found : found < 0 ? record.length : found;
  }

  /** Answers a subscription with state, or about one of the channels of a pattern: what has changed, or everything. */
  subscribeState(id, reader, since, view) {
    const { world } = this, at = since === undefined ? -1 : this.indexOf(reader.record, since), { channel, record } = reader, end = record.length ? `${record.at(-1).time}-${record.at(-1).id}` : `${world.now}-`;
    const answer = { type: "ok", id, channel, sub: reader.sub, resumed: false, gap: false, state: { keys: 0 }, view: reader.view, maxRate: reader.rate };
    if (at >= 0 && !reader.filtered && view === reader.view && world.random.chance(0.8)) {
      this.give({ ...answer, resumed: true, position: since });
      reader.resume(at);
      return reader.pump();
    }
    this.give({ ...answer, position: end, reset: since === undefined ? undefined : true });
    reader.begin(since !== undefined);
  }

  subscribe(id, { channel, since, view, type, id: _, asOf, sub, ...wants }) {
    const { world } = this, key = keyOf({ sub, channel }), refuse = (more) => this.give({ type: "error", id, channel, sub, message: more.code, ...more });
    if (channel.startsWith("secret:")) return refuse({ code: "forbidden" });
    if (this.subscriptions.has(key)) return refuse({ code: "conflict" });
    if (this.subscriptions.size >= this.welcome.limits.subscriptionsPerConnection) return refuse({ code: "limited", limit: "subscriptionsPerConnection" });
    if (wants.state && world.random.chance(world.busy)) return refuse({ code: "unavailable", retryAfterMs: 700 });
    if (channel.includes("*")) {
      const reader = wants.state ? new PatternStates(this, channel, wants, sub) : new PatternReader(this, { channel, sub });
      this.subscriptions.set(key, reader);
      return reader.begin(id, since, wants.state ? view : asOf);
    }
    const record = world.record(channel), reader = new Reader(this, channel, wants, record.length, sub);
    const answer = { type: "ok", id, channel, sub, resumed: false, gap: false, maxRate: wants.maxRate };
    const end = record.length ? `${record.at(-1).time}-${record.at(-1).id}` : `${world.now}-`;
    this.subscriptions.set(key, reader);
    if (wants.state) return this.subscribeState(id, reader, since, view);
    if (since === undefined) return this.give({ ...answer, position: end });
    const at = this.indexOf(record, since);
    if (at < 0) this.give({ ...answer, gap: true, position: end });
    else {
      this.give({ ...answer, resumed: true, position: since });
      reader.resume(at);
    }
    reader.pump();
  }

  pump() { for (const reader of this.subscriptions.values()) reader.pump(); }

  /** Answers with anything: garbage, other types, codes, silence, the end. What would be a lie about a channel that is checked is left out. */
  misbehave(frame = {}) {
    const { random } = this.world, any = () => random.of(anything), channel = random.of([frame.channel, frame.subscriptions?.[0]?.channel, any(), "prices:fx"]), sub = random.of([frame.sub, undefined, "1"]);
    const code = () => random.of([...errorCodes, any()]), id = () => random.of([frame.id, any()]);
    switch (random(15)) {
      case 0: return; // no answer
      case 1: return this.end(random.of(closeCodes), random.chance(0.5) ? { code: code(), retryAfterMs: any() } : undefined);
      case 2: return this.give({ type: "error", id: id(), code: code(), channel, sub, message: any(), limit: any(), retryAfterMs: random.of([any(), 50, 1e15, -5, NaN]), refusals: random.of([any(), 1, 1e15]) });
      case 3: return this.raw(random.of(["", "{", "[]", "null", "7", "<html>", "{}", '{"type":7}', '"x"', "\u0000", "{\"type\":\"ok\"}", undefined]));
      case 4: return this.give({ type: "welcome", id: id(), connection: any(), user: random.of(["ann", "ann", any()]), tenant: random.of(["acme", any()]), expiresAt: any(), limits: random.of([any(), { messageBytes: any(), framesPerSecond: any(), subscriptionsPerConnection: any() }]), heartbeatMs: any() });
      case 5: return this.give({ type: random.of(["heartbeat", "pong", "move", "presence", "direct", "weather", "__proto__", "constructor"]), id: id(), asOf: random.of([-1, "x", null, NaN]), afterMs: any(), channel, joined: any(), left: any(), count: any(), event: any() });
      case 6: return this.give({ type: "message", channel, sub, position: random.of([undefined, null, 7, "", "x", "-", "0-a", "12", [], "a-1"]), time: any(), data: any(), evil: true });
      case 7: return this.give({ type: "notice", code: random.of(["gap", "dropped", "weather", any()]), channel, sub, position: any(), count: any() });
      case 8: return this.give({ type: "ok", id: id(), channel: random.of([channel, undefined]), sub, pattern: random.of([true, undefined]), resumed: any(), gap: random.of([true, any()]), position: random.of([any(), "x"]), members: any(), expiresAt: any(), count: any() });
      case 9: for (let i = 0; i < 5; i++) this.give({ type: "move", afterMs: random.of([0, 1, any()]) }); return;
      case 10: this.half = true; return; // swallows everything from now on
      case 11: if (frame.type) { this.serve(frame); this.serve(frame); } return;
      case 12: return this.end(1006);
      case 13: return this.give({ type: "snapshot", channel: random.of([channel, "fleet:eu"]), reset: any(), entries: random.of([any(), [any()], [{ key: any(), position: any(), evil: true }]]), more: any(), position: any() });
      default: if (frame.type) this.serve(frame);
    }
  }
}
