// A browser with tabs, on the virtual clock of a world: each tab is a realm of its own, with its timers, its Web Locks and its BroadcastChannels,
// and can be hidden, frozen, killed, or stand still without a word.
import { readFileSync } from "node:fs";
import { createHash } from "node:crypto";
import vm from "node:vm";

const client = new vm.Script(`(function (module) {${readFileSync(new URL("../tidewire.cjs", import.meta.url), "utf8")}\n})`);

const aborted = () => Object.assign(new Error("the lock was taken away"), { name: "AbortError" });

/** The lock manager of a browser. */
class Locks {
  held = []; queue = [];

  request(tab, name, options, run) {
    if (typeof options === "function") [options, run] = [{}, options];
    const { mode = "exclusive", steal = false, signal } = options;
    return new Promise((resolve, reject) => {
      if (tab.state === "dead") return;
      if (signal?.aborted) return reject(aborted());
      const one = { tab, name, mode, run, resolve, reject };
      signal?.addEventListener("abort", () => {
        if (!this.queue.includes(one)) return;
        this.queue.splice(this.queue.indexOf(one), 1);
        reject(aborted());
        this.turn();
      });
      if (steal) {
        for (const other of this.held.filter((each) => each.name === name)) {
          this.held.splice(this.held.indexOf(other), 1);
          other.tab.do(() => other.reject(aborted()));
        }
        this.queue.unshift(one);
      } else this.queue.push(one);
      this.turn();
    });
  }

  turn() {
    const blocked = new Set();
    for (const one of [...this.queue]) {
      if (!this.queue.includes(one)) continue; // granted meanwhile
      const holders = this.held.filter(({ name }) => name === one.name);
      if (blocked.has(one.name) || holders.some(({ mode }) => mode === "exclusive" || one.mode === "exclusive")) {
        blocked.add(one.name);
        continue;
      }
      this.queue.splice(this.queue.indexOf(one), 1);
      this.held.push(one);
      one.tab.do(async () => {
        let settle = one.resolve, value;
        try {
          value = await one.run({ name: one.name });
        } catch (error) {
          [settle, value] = [one.reject, error];
        }
        if (this.held.includes(one)) this.held.splice(this.held.indexOf(one), 1);
        settle(value);
        this.turn();
      });
    }
  }

  /** A tab is no more. */
  drop(tab) {
    this.queue = this.queue.filter((one) => one.tab !== tab);
    this.held = this.held.filter((one) => one.tab !== tab);
    this.turn();
  }
}

export class Browser {
  tabs = []; locks = new Locks(); channels = new Set(); delay = 0;

  constructor(world) { [this.world, this.random] = [world, world.random]; }

  get alive() { return this.tabs.filter(({ state }) => state !== "dead"); }

  open(options, seen = true) {
    const tab = new Tab(this, seen);
    this.tabs.push(tab);
    tab.client = tab.connect("https://example.com", { WebSocket: tab.WebSocket, token: this.world.source, share: true, ...options });
    return tab;
  }
}

/** `state` is alive, frozen or dead. What happens to one that is frozen, it learns later. */
class Tab {
  state = "alive"; #later = []; #timers = new Map(); sockets = new Set(); #events = new EventTarget();

  constructor(browser, seen) {
    const { world, locks, channels, random } = browser, tab = this;
    Object.assign(this, { browser, world, seen });
    const { clock } = world;
    const events = { addEventListener: (...args) => this.#events.addEventListener(...args), removeEventListener: (...args) => this.#events.removeEventListener(...args) };
    const context = vm.createContext({
      setTimeout: (run, ms) => {
        const id = setTimeout(() => tab.do(() => {
          if (tab.#timers.delete(id)) run();
        }), ms);
        tab.#timers.set(id, true);
        return id;
      },
      clearTimeout: (id) => { tab.#timers.delete(id); clearTimeout(id); },
      performance: { now: () => clock.ticks }, queueMicrotask: (run) => queueMicrotask(() => tab.state === "dead" || run()),
      crypto: {
        getRandomValues: (array) => array.map(() => random(256)),
        subtle: { digest: async (_, data) => { const hash = createHash("sha256").update(data).digest(); return hash.buffer.slice(hash.byteOffset, hash.byteOffset + hash.length); } },
      },
      TextEncoder, TextDecoder, URL, AbortController, atob, console: { error: (...said) => process.env.TRACE ? console.error(...said) : world.complaints?.push(said.join(" ")) }, ...events,
      document: { get visibilityState() { return tab.seen ? "visible" : "hidden"; }, ...events },
      navigator: { locks: { request: (...args) => locks.request(tab, ...args) } },
      BroadcastChannel: class {
        constructor(name) { Object.assign(this, { name, tab, closed: tab.state === "dead" }); if (!this.closed) channels.add(this); }
        postMessage(message) {
          if (this.closed || tab.state === "dead") return;
          if (process.env.TRACE && !["frame", "text"].includes(message.kind)) process.stderr.write(`${Math.floor(clock.ticks)} ${tab.name} says ${JSON.stringify(message)}\n`);
          for (const other of [...channels]) {
            if (other === this || other.name !== this.name) continue;
            const copy = structuredClone(message);
            this.deliver(other, copy);
          }
        }
        deliver(other, data) {
          const at = other.at = Math.max(other.at ?? 0, clock.ticks + random(4)); // in order
          setTimeout(() => other.tab.do(() => other.closed || other.onmessage?.({ data })), at - clock.ticks);
        }
        close() { this.closed = true; channels.delete(this); }
      },
    });
    vm.runInContext("Date", context).now = () => clock.wall;
    vm.runInContext("Math", context).random = () => random.fraction();
    const module = { exports: {} };
    client.runInContext(context)(module);
    this.connect = module.exports.connect;
    this.WebSocket = class {
      constructor(url, protocols) {
        const page = { onopen: () => tab.do(() => this.onopen?.()), onmessage: (event) => tab.do(() => this.onmessage?.(event)), onclose: (event) => tab.do(() => {
          tab.sockets.delete(page);
          this.onclose?.(event);
        }) };
        if (tab.state === "dead") return;
        new world.WebSocket.Real(page, url, protocols);
        tab.sockets.add(page);
        [this.send, this.close] = [page.send, page.close];
      }
    };
  }

  /** Something happens in the tab, now or when it moves again. */
  do(run) {
    if (this.state === "alive") run();
    else if (this.state === "frozen") this.#later.push(run);
  }

  #event(type) { this.#events.dispatchEvent(new Event(type)); }

  show(seen) {
    if (this.seen === seen) return;
    this.seen = seen;
    this.do(() => this.#event("visibilitychange"));
  }

  /** Stands still: the page is told before, or not. */
  freeze(told) {
    if (this.state !== "alive") return;
    if (told) this.#event("freeze");
    queueMicrotask(() => { if (this.state === "alive") this.state = "frozen"; });
  }

  thaw() {
    if (this.state !== "frozen") return;
    this.state = "alive";
    for (const run of this.#later.splice(0)) this.do(run);
    this.do(() => this.#event("resume"));
  }

  /** Is closed by its user, who goes elsewhere: the page is told. */
  leave() {
    if (this.state === "alive") this.#event("pagehide");
    this.kill();
  }

  kill() {
    this.state = "dead";
    for (const id of this.#timers.keys()) clearTimeout(id);
    for (const page of this.sockets) page.close();
    for (const channel of [...this.browser.channels]) if (channel.tab === this) channel.close();
    this.browser.locks.drop(this);
  }
}
