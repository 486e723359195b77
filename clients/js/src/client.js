// The client that a page holds: what it can be asked for, and what it hears from the page.
import { Awareness } from "./awareness.js";
import { checkBytes, checkChannel, checkDescribed, checkJSON, checkTags, checkText } from "./checks.js";
import { badRequest, TidewireError } from "./codes.js";
import { Connector } from "./connector.js";
import { Events } from "./events.js";
import { checkQuery, pagesOf } from "./history.js";
import { newID } from "./ids.js";
import { checkKnown } from "./known.js";
import { lock, tryLock } from "./locks.js";
import { checkOptions } from "./options.js";
import { checkSignal, onAbort } from "./signals.js";
import { show, text } from "./values.js";

const REQUEST = ["wait", "timeoutMs", "signal"];
const PUBLISH = ["key", "tags", "event", "ttl", "delete", "transient", "if", "eventType", "source", "contentType", ...REQUEST];

/** A connection that comes back. Starts at once; see README.md for options, events and states. */
export class Tidewire {
  #options; #events = new Events(); #connector; #offAbort;

  constructor(url, options = {}) {
    this.#options = checkOptions(url, options);
    this.#connector = new Connector(this.#options, (type, detail) => this.#events.emit(type, detail));
    this.#hear("addEventListener");
    this.#offAbort = onAbort(this.#options.signal, () => this.close());
    queueMicrotask(() => this.#connector.start()); // listeners and subscriptions made right after this are in time
  }

  get state() { return this.#connector.state; }
  get clock() { return this.#connector.clock.reading; }
  get latency() { return this.#connector.clock.latency; }

  /** Adds a listener and returns a function that removes it. */
  on(type, listener) { return this.#events.on(type, listener); }

  /** Reads a channel. One whose name cannot be is refused here, and nobody else knows of it. */
  subscribe(channel, onMessage, options) {
    if (typeof onMessage !== "function") [onMessage, options] = [undefined, options ?? onMessage];
    this.#checkOpen();
    return this.#connector.channels.subscribe(channel, onMessage, options);
  }

  /** Ends every subscription of the channel. */
  unsubscribe(channel) { this.#connector.channels.unsubscribe(channel); }

  /**
   * Publishes; with `wait` also across reconnects, once, because the server drops a repeated `event`. What is published
   * on a channel keeps its order. With `delete`, there is no data.
   */
  async publish(channel, data, options = {}) {
    this.#checkOpen();
    let { key, tags, event, wait = false, timeoutMs, signal, ...more } = checkKnown(options, PUBLISH, "publish");
    const described = checkDescribed(more);
    if (described.delete ? data !== undefined : data === undefined || typeof data === "function" || typeof data === "symbol") {
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
    if (!(maxRate > 0 && maxRate <= 1000)) throw badRequest(`maxRate: must be a number above 0 and up to 1000, got ${show(maxRate)}`);
    const shown = new Awareness({
      maxRate, failed: (error) => this.#events.emit("error", error),
      publish: ({ data, delete: deletes }) => this.publish(channel, data, { key: "$connection", transient: true, delete: deletes }),
    });
    const off = this.on("state", ({ name }) => name === "live" && shown.connected());
    return {
      set: (data) => shown.set(data), clear: () => shown.clear(),
      end: () => {
        off();
        shown.end();
      },
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
}
