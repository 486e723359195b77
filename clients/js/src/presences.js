// Who is on the channels that a page watches, and which it has entered.
import { guarded } from "./callbacks.js";
import { checkChannel, checkEntered } from "./checks.js";
import { TidewireError } from "./codes.js";
import { checkKnown } from "./known.js";
import { checkSignal, onAbort } from "./signals.js";
import { Entry, Watch } from "./watch.js";

export class Presences {
  #watches = new Map(); #entries = new Map(); // by channel
  #links; #grants; #misnamed; #forget;

  /** `misnamed` tells of a name that a check refuses, and returns the error; `forget` ends one of those in a map. */
  constructor({ links, grants, misnamed, forget }) { [this.#links, this.#grants, this.#misnamed, this.#forget] = [links, grants, misnamed, forget]; }

  /** Watches and entries. */
  get all() { return [...this.#watches.values(), ...this.#entries.values()]; }

  remove(one) { for (const all of [this.#watches, this.#entries]) if (all.get(one.key) === one) all.delete(one.key); }

  // ---- what the page asks for

  /** Watches who is on a channel, until `signal` is aborted; returns a function that stops it. */
  watch(channel, callback, options = {}) {
    const { signal } = checkKnown(options, ["signal"], "presence");
    if (checkSignal(signal)?.aborted || this.#misnamed(channel, () => checkChannel(channel))) return () => {};
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
    ready.catch(() => {}); // it is an event "error" as well
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
      ready, leave,
      update: (changed) => {
        checkEntered(channel, changed);
        if (this.#entries.get(channel)?.handles.has(handle)) this.#enter(channel, changed, handle);
      },
    });
  }

  #enter(channel, data, handle) {
    let entry = this.#entries.get(channel);
    if (!entry) this.#entries.set(channel, entry = new Entry(channel));
    entry.handles.add(handle);
    entry.data = data;
    if (!entry.retryAt) this.#ask(entry);
  }

  #ask(one) { if (this.#links.forChannels) this.#grants.ask(one, this.#links.forChannels); }

  // ---- frames

  /** Takes a notice that one of them has ended, and tells whether it was one. */
  ended(link, { code, channel }) {
    const all = { "presence-ended": this.#watches, "enter-ended": this.#entries }[code], one = all?.get(channel);
    if (one?.link === link) {
      const message = `the token does not grant to ${all === this.#watches ? "watch who is on" : "enter"} ${channel}`;
      this.#grants.denied(one, link, new TidewireError({ code: "forbidden", channel, message }));
    }
    return all !== undefined;
  }

  update(link, frame) {
    const watch = this.#watches.get(frame.channel);
    if (watch?.link === link) watch.update(frame);
  }
}
