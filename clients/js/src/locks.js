// How a client gets a lock: at once or not at all, or when it is free.
import { checkText } from "./checks.js";
import { badRequest, TidewireError } from "./codes.js";
import { newID } from "./ids.js";
import { unknownOption } from "./known.js";
import { idOf, Lock, stopwatch } from "./lock.js";
import { checkSignal } from "./signals.js";
import { MAX_NAME, show } from "./values.js";

const UNITS = { s: 1000, m: 60_000 }, SHORTEST = 3000, LONGEST = 240_000; // what is longer, not every channel keeps
const SPREAD = 50, WIDEST = 2000; // those who wait do not all try at the same moment
const ATTEMPT = 10_000, MARGIN = 1000;

/** What a page wants, checked. */
function wanted(name, { ttl = "30s", data = null, signal, ...unknown }) {
  const other = Object.keys(unknown)[0];
  if (other !== undefined) throw unknownOption(other, ["ttl", "data", "signal"], "lock");
  if (typeof name !== "string" || name === "") throw badRequest(`name: must be a non-empty string, got ${show(name)}`);
  checkText("name", name, MAX_NAME - "lock:".length);
  const [, number, unit] = /^(\d{1,6})(s|m)$/.exec(ttl) ?? [], ttlMs = Number(number) * UNITS[unit];
  if (!(ttlMs >= SHORTEST && ttlMs <= LONGEST)) throw badRequest(`ttl: must be from 3s to 4m, got ${show(ttl)}`);
  return { ttlMs, data, signal: checkSignal(signal), key: `lock:${name}` };
}

/** Tries once. Resolves with the lock, or with null if somebody else has it. `client` publishes. */
export async function tryLock(client, channel, name, options = {}) {
  const want = wanted(name, options);
  want.signal?.throwIfAborted();
  return abortable(attempt(client, channel, name, want), want.signal);
}

/** Resolves with the lock when it could be had. It is told when it is free, and asks nothing meanwhile. `client` publishes and subscribes. */
export async function lock(client, channel, name, options = {}) {
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
        await until(MARGIN, want.signal, (done) => taken(subscription.view, want.key, done)); // the view is about to tell so
      } catch (error) {
        want.signal?.throwIfAborted();
        if (!["unavailable", "draining", "limited", "timeout", "conflict"].includes(error.code)) throw error;
        await until((error.retryAfterMs ?? 0) + MARGIN * (1 + Math.random()), want.signal);
      }
    }
  } finally {
    subscription.unsubscribe();
  }
}

/** Publishes that the lock is wanted, if nobody has it. */
async function attempt(client, channel, name, { ttlMs, data, signal, key }) {
  const publish = (what, how) => client.publish(channel, what, { key, ...how });
  const event = newID(), since = stopwatch();
  const answer = await publish(data, { ttl: `${ttlMs}ms`, if: "absent", event, wait: true, timeoutMs: Math.min(ATTEMPT, ttlMs) });
  if (!answer.applied && idOf(answer.position) !== event) return null;
  const held = new Lock({ channel, name, key, publish, ttlMs, data, position: answer.position, since });
  if (!held.isHeld) {
    held.release();
    throw new TidewireError({ code: "timeout", channel, message: `${key}: it was got, but too late` });
  }
  if (signal?.aborted) held.release(); // nobody waits for it any more
  return held;
}

/** Rejects when a subscription has ended. */
function end(subscription, channel) {
  const ended = (async () => {
    for await (const item of subscription) void item; // what has no key
    throw new TidewireError({ code: "closed", channel, message: "the subscription that waits for the lock has ended" });
  })();
  ended.catch(() => {}); // for who waits for something else
  return ended;
}

/** Resolves when a key has no value. */
async function free(view, ended, { key, signal }) {
  let off;
  const freed = new Promise((resolve) => {
    const look = () => { if (!view.has(key)) resolve(); };
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
  return view.on("change", () => { if (view.has(key)) done(); });
}

/** Waits, unless something else is done before. */
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

/** What a promise resolves with, or why a signal was aborted before. */
function abortable(promise, signal) {
  if (!signal) return promise;
  promise.catch(() => {}); // if nobody waits for it any more
  let abort;
  return Promise.race([promise, new Promise((resolve, reject) => {
    abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort);
  })]).finally(() => signal.removeEventListener("abort", abort));
}
