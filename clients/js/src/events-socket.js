// A socket made of requests whose answers are Server-Sent Events: what a link needs of a WebSocket, where none gets through.
import { ticks } from "./clock.js";
import { closeOf } from "./codes.js";
import { eventsOf, problemOf } from "./event-stream.js";
import { Posts } from "./posts.js";
import { tokenOf } from "./tokens.js";
import { within } from "./values.js";

const GATHER = 20; // ms: what is asked for within this goes with one request
const STREAMS = 2; // at once that carry something; browsers have six connections to a host, or fewer
const CHANGE = 200; // ms until changes are in force, which takes a new stream
const ANSWERED = 30_000; // ms that a request may take which is no stream
const PATIENCE = 30_000; // ms until a stream has said something
const FRESH = 60_000; // ms since the last frame came, within which nothing speaks against its stream

export class EventsSocket {
  onopen; onmessage; onclose; onerror;
  #url; #token; #over = false; #heardAt = 0;
  #streams = new Set(); #bound; // stream: {abort, asOf, carries, welcome, heardAt, quiet}
  #wanted = []; #gathering; #changing; #entered = new Set();
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

  send(text) {
    const frame = JSON.parse(text), { type, id, channel } = frame;
    switch (type) {
      case "connect":
        this.#bound = frame.maxBytesPerSecond;
        return this.#open([text], frame.subscriptions.length > 0);
      case "ping": // nothing can be asked of a stream
        if (Date.now() - this.#heardAt < FRESH) this.#give({ type: "heartbeat" });
        return;
      case "subscribe": return this.#want(text);
      case "presence":
        if (frame.watch !== true && frame.enter === undefined) return this.#change({ type: "ok", id, channel });
        if (frame.enter !== undefined && this.#entered.has(channel)) return this.#change();
        if (frame.enter !== undefined) this.#entered.add(channel);
        return this.#want(text);
      case "unsubscribe": return this.#change({ type: "ok", id, channel });
      case "tune": return this.#change();
      case "refresh":
        this.#token = frame.token;
        return this.#change({ type: "ok", id, expiresAt: tokenOf(frame.token).endsAt || undefined });
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
  #want(text) {
    this.#wanted.push(text);
    this.#gathering ??= setTimeout(() => {
      const wanted = this.#wanted.splice(0);
      this.#gathering = undefined;
      if ([...this.#streams].filter(({ carries }) => carries).length >= STREAMS) return this.#change();
      this.#open([JSON.stringify({ type: "connect", maxBytesPerSecond: this.#bound, subscriptions: [] }), ...wanted], true);
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
    } catch { /* as if it had ended */ }
    if (this.#streams.has(stream)) this.#end(1006);
  }

  #take(stream, frame) {
    [this.#heardAt, stream.heardAt] = [Date.now(), ticks()];
    // The link sees that it hears something, not of which stream.
    if ([...this.#streams].some(({ heardAt, quiet }) => ticks() - heardAt > quiet)) return this.#end(1006);
    if (frame.type === "welcome" && frame.id === undefined) return this.#welcomed(stream, frame);
    if (frame.type !== "heartbeat") return this.#give(frame);
    stream.asOf = frame.asOf ?? 0;
    const asOf = Math.min(...[...this.#streams].map((each) => each.asOf)); // it vouches for all that the link reads
    this.#give({ type: "heartbeat", asOf: asOf || undefined });
  }

  /** The link is welcome once. A stream that carries nothing was opened for that alone. */
  #welcomed(stream, frame) {
    const first = ![...this.#streams].some(({ welcome }) => welcome);
    [stream.welcome, stream.quiet] = [true, 2.5 * within(frame.heartbeatMs, 1000, 600_000, PATIENCE)];
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

  #give(frame) { if (!this.#over) this.onmessage?.({ frame }); }

  /** Not in the midst of what is being done. */
  #later(frame) { queueMicrotask(() => this.#give(frame)); }

  #end(code, reason = "") {
    if (this.#over) return;
    this.close();
    this.onclose?.({ code, reason });
  }
}
