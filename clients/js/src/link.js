// One socket: sends at the server's pace, matches answers with requests, and notices when the socket is dead.
import { ticks } from "./clock.js";
import { LESS, lost, onConnection, TidewireError } from "./codes.js";
import { MAX_TIMER } from "./timers.js";
import { bytes, text } from "./values.js";

const PROBE = 5_000; // a ping after sleep is answered within this, or the socket is dead

/** One socket: answers find their requests here, everything else goes to `on`. */
export class Link {
  asked = new Map(); // feed or watch -> {since, wants, changes}: what it was asked for with
  owed = new Set(); // those not granted yet
  first = new Set(); // feeds that were asked for in the first frame, whose answers have no id
  welcome = null;
  failure = null; // the error frame that came without id and channel: why it is about to close
  opened = false; ended = false;
  spoken = false; // the server has said something
  way = "websocket"; // or "sse"
  liveAt = 0;
  resumed = null; // what a reconnect brought: {caughtUp, gaps, at}
  size = 0; // of the newest frame, in characters
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
    socket.onmessage = ({ data, frame }) => this.#safely(() => {
      this.size = data?.length ?? 0;
      this.#receive(frame ?? parsed(data));
    }); // one that is shared brings frames
    socket.onclose = (event) => {
      this.spoken ||= event?.spoken === true; // of one that is shared
      this.#end(Number.isInteger(event?.code) ? event.code : 1006, text(event?.reason) ?? "");
    };
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
    this.#on.trace?.("sent", json);
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
   * request back, or with `true` only if it has not been sent yet: it tells whether that was so. With `whole`, a frame of an error
   * is an answer as well.
   */
  ask(json, resolve, reject, { timeoutMs, urgent = false, publishes = false, whole: wholly = false, what = "a request" } = {}) {
    const nothing = () => false;
    if (this.ended) return reject(lost()), nothing;
    const id = this.#nextID++, whole = `{"id":${id},${publishes ? `"refusals":${this.refusals},` : ""}${json.slice(1)}`;
    const limit = this.welcome?.limits.messageBytes ?? Infinity;
    if (whole.length * 3 > limit && bytes(whole) > limit) {
      reject(new TidewireError({ code: "too-large", limit: "messageBytes", message: `the frame must have at most ${limit} bytes, got ${bytes(whole)}` }));
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

  #receive(frame) {
    [this.#heard, this.#pinged, this.spoken] = [ticks(), false, true];
    this.#on.trace?.("received", frame);
    if (typeof frame?.type !== "string") return this.drop("the server sent something that is not a frame of this protocol"); // the backoff keeps it from being a storm
    if (frame.type === "error") this.refusals = Math.max(this.refusals, Number.isSafeInteger(frame.refusals) ? frame.refusals : 0);
    const answers = frame.type === "ok" || frame.type === "error" || frame.type === "pong";
    const request = answers ? this.#pending.get(frame.id) : undefined;
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
    // What was sent may be what ended it: that must not be sent again.
    this.#finish(() => (verdict === LESS ? Object.assign(lost(), { code: onConnection(code).code, fatal: true }) : lost()));
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
}

/** What a message says; null if it is not JSON. */
function parsed(data) {
  try {
    return JSON.parse(data);
  } catch {
    return null;
  }
}
