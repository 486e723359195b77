// The one socket of a browser, at the tab that holds it: serves the clients of all tabs as a server does, each by what it says.
import { Clock } from "./clock.js";
import { Dialer } from "./dialer.js";
import { Entries } from "./entries.js";
import { Links } from "./links.js";
import { Streams } from "./streams.js";
import { Timers } from "./timers.js";
import { tokenOf } from "./tokens.js";
import { moment, readWelcome, text } from "./values.js";

// Frames that a client has not confirmed, and their characters: the browser keeps them, and one that takes no more is given up.
const WINDOW = 4096, WINDOW_SIZE = 16 << 20;
const CLIENTS = 64; // at once; one more has a socket of its own
const OWN_SIZE = 256; // of a frame that is made here
const RETIRING = 10_000; // how long those who were told to move elsewhere may take
const SEVERAL = ["subscriptionsPerConnection", "patternsPerConnection"]; // limits that all clients of a socket share
const MOST_BYTES = 1e9;

/** One client of a tab, as the socket's holder sees it. */
class Client {
  subs = new Map(); link = null; refusals = 0; bytes;
  sent = 0; sentSize = 0; confirmed = 0; confirmedSize = 0;
  constructor(id, tab, token) { [this.id, this.tab, this.token] = [id, tab, tokenOf(token)]; }
}

export class Mux {
  #options; #post; #on; #clients = new Map(); #timers; #links = new Links(); #dialer; #clock = new Clock();
  #tokens = { current: null, needed: false };
  #uses = new Map(); // link -> {streams, entries, welcome, clients}
  #retired = false; #paused = null;

  /**
   * `post` sends something to a tab; Called are `left` when a tab has no more clients, `empty` when there are none after `retire`, and `fault`.
   * `isOurs` tells whether a token has the same rights.
   */
  constructor({ options, post, ...on }) {
    [this.#options, this.#post, this.#on] = [options, post, on];
    this.#timers = new Timers(on.fault);
    this.#dialer = new Dialer({
      options, links: this.#links, timers: this.#timers, tokens: this.#tokens, first: () => ({ subscriptions: [] }),
      frame: (link, frame) => this.#frame(link, frame), over: (link, code, message) => this.#over(link, code, message),
      failed: (error) => this.#over(null, 1011, error?.message), fault: on.fault, roundTrip: (ms) => this.#clock.roundTrip(ms),
    });
  }

  serves(tab) { return [...this.#clients.values()].some((client) => client.tab === tab); }

  get channels() { return [...this.#uses.values()].flatMap(({ streams }) => streams.channels); }

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
  gone(tab) { for (const client of [...this.#clients.values()]) if (client.tab === tab) this.#forget(client); }

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
    for (const link of new Set([...this.#uses.keys(), this.#links.next])) link?.shut();
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
    this.#tokens.current = waiting.reduce((best, { token }) => (token.endsAt > best.endsAt ? token : best), waiting[0].token);
    this.#dialer.dial(this.#dialer.begin());
  }

  #welcomed(link, frame) {
    if (link.welcome || link !== this.#links.next) return;
    if (text(frame.tenant) === undefined || text(frame.user) === undefined) return link.drop("welcome: tenant and user must be strings");
    const welcome = readWelcome(frame);
    this.#timers.cancel("dial");
    link.greet(welcome);
    this.#dialer.welcomed(link, welcome.limits);
    [this.#links.live, this.#links.next] = [link, null];
    link.token.endsAt = welcome.expiresAt || link.token.endsAt;
    const streams = new Streams(link, { give: (members, each) => this.#give(members, each), crowded: (client, error) => this.#crowded(client, error) });
    const entries = new Entries(link, (members, each) => this.#give(members, each));
    const { id, ...whole } = frame;
    this.#uses.set(link, { streams, entries, welcome: whole, clients: new Set() });
    streams.pause(this.#paused);
    for (const client of [...this.#clients.values()]) if (client.link === null) this.#attach(client, link);
  }

  #attach(client, link) {
    client.link = link;
    this.#uses.get(link).clients.add(client);
    this.#post(client.tab, { kind: "opened", socket: client.id });
    this.#greet(client);
    if (client.token.endsAt > link.token.endsAt) this.#refresh(link, client.token, () => {});
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
    const use = this.#uses.get(link), all = () => [...(use?.clients ?? [])].map((client) => ({ client }));
    if (frame.type === "welcome") return this.#welcomed(link, frame);
    if (!use) {
      if (frame.type === "error") link.failure = frame;
      return;
    }
    if (use.streams.take(frame) || use.entries.take(frame)) return;
    if (frame.type === "heartbeat" && this.#paused) return this.#give(all(), { type: "heartbeat" }); // it does not vouch for what is not sent
    this.#give(all(), frame);
    if (frame.type === "move" && this.#links.live === link) this.#links.live = null; // who comes now gets the next one
  }

  /** Sends a frame to members, once to each tab. */
  #give(members, frame) {
    const size = members[0]?.client.link?.size || OWN_SIZE, tabs = new Map(); // what is made here is smaller, or about as large
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
      case "connect": return this.#connect(client, use, frame);
      case "subscribe": return use.streams.subscribe(client, frame);
      case "unsubscribe": return use.streams.unsubscribe(client, frame);
      case "tune": return frame.channel === undefined ? this.#tune(client, frame) : use.streams.tune(client, frame);
      case "presence": return use.entries.presence(client, frame);
      case "refresh": return this.#renew(client, frame);
      case "publish": // what others were refused is not in its way
        return this.#pass(client, { ...frame, refusals: frame.refusals < client.refusals ? frame.refusals : link.refusals });
      case "ping": link.probe();
    }
    this.#pass(client, frame);
  }

  #connect(client, { streams }, { id, asOf, subscriptions, maxBytesPerSecond }) {
    if (id !== undefined) this.#greet(client, id);
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
      answer({ type: "ok", expiresAt: token.endsAt || undefined });
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
    }, () => {}, { whole: true, urgent: true });
  }

  /** How much a client wants to be sent. The lowest that one of them wants holds for all. */
  #tune(client, { id, maxBytesPerSecond }) {
    client.bytes = maxBytesPerSecond;
    this.#bound(client.link);
    this.#give([{ client }], { type: "ok", id, maxBytesPerSecond });
  }

  #bound(link) {
    const use = this.#uses.get(link), lowest = Math.min(...[...use.clients].map(({ bytes }) => bytes ?? MOST_BYTES));
    if (lowest === (use.bytes ?? MOST_BYTES)) return;
    use.bytes = lowest;
    link.ask(JSON.stringify({ type: "tune", maxBytesPerSecond: lowest }), () => {}, () => {}, { whole: true });
  }

  /** The server has no room for one more: this client has its own socket from now on, unless it is the only one here. */
  #crowded(client, { code, limit }) {
    const { clients } = this.#uses.get(client.link);
    if (code !== "limited" || !SEVERAL.includes(limit) || clients.size === 1) return false;
    this.#post(client.tab, { kind: "alone", socket: client.id });
    return true;
  }
}
