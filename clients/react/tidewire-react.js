// The Tidewire hooks, protocol tidewire.v1.json, Apache-2.0.

// src/client.js
import { createContext, createElement, useContext } from "react";
var Client = createContext(null);
function TidewireProvider({ client, children }) {
  return createElement(Client.Provider, { value: client }, children);
}
function useTidewire() {
  const client = useContext(Client);
  if (!client) throw new Error("tidewire: there is no <TidewireProvider client={...}> above this component");
  return client;
}

// src/options.js
import { useEffect, useRef } from "react";
var keyOf = (options) => JSON.stringify(options, (_, value) => typeof value === "function" ? void 0 : value);
function useNewest(functions) {
  const newest = useRef(functions);
  useEffect(() => {
    newest.current = functions;
  });
  return (name, ...args) => newest.current[name]?.(...args);
}

// src/store.js
import { useMemo, useSyncExternalStore } from "react";
function createStore(value, start) {
  const listeners = /* @__PURE__ */ new Set();
  let stop;
  const set = (next) => {
    value = next;
    for (const listener of [...listeners]) listener();
  };
  return {
    get: () => value,
    subscribe(listener) {
      listeners.add(listener);
      stop ??= start(set);
      return () => {
        listeners.delete(listener);
        queueMicrotask(() => {
          if (listeners.size > 0) return;
          stop?.();
          stop = void 0;
        });
      };
    }
  };
}
function useStore(value, start, by) {
  const store = useMemo(() => createStore(value, start), by);
  return useSyncExternalStore(store.subscribe, store.get, store.get);
}

// src/use-channel.js
var nothing = Object.freeze({ messages: Object.freeze([]), last: void 0, gaps: 0, state: Object.freeze({ name: "pending", resumed: false, gap: false, caughtUp: 0 }), error: void 0 });
function useChannel(channel, { limit = 100, onMessage, onGap, onDropped, ...options } = {}) {
  if (!(Number.isInteger(limit) && limit > 0)) throw new TypeError(`limit: must be a positive integer, got ${limit}`);
  const client = useTidewire(), call = useNewest({ onMessage, onGap, onDropped });
  return useStore(nothing, (set) => {
    let now = nothing;
    const change = (what) => set(now = Object.freeze({ ...now, ...what }));
    change({});
    const subscription = client.subscribe(channel, (message) => {
      change({ messages: Object.freeze([...now.messages, message].slice(-limit)), last: message });
      call("onMessage", message);
    }, {
      ...options,
      onDropped: (dropped) => call("onDropped", dropped),
      onGap: (gap) => {
        change({ gaps: now.gaps + 1 });
        call("onGap", gap);
      }
    });
    const tell = () => change({ state: subscription.state }), off = client.on("subscription", (about) => about.channel === channel && tell());
    subscription.ready.then(tell, (error) => change({ state: subscription.state, error: error.code === "closed" ? void 0 : error }));
    return () => {
      off();
      subscription.unsubscribe();
    };
  }, [client, channel, limit, keyOf(options)]);
}

// src/use-connection.js
function useConnection() {
  const client = useTidewire();
  return useStore(client.state, (set) => {
    const off = client.on("state", set);
    set(client.state);
    return off;
  }, [client]);
}

// src/use-keyed.js
var nothing2 = Object.freeze({ rows: /* @__PURE__ */ new Map(), isReady: false, error: void 0 });
function useKeyed(channel, options = {}) {
  if (typeof channel === "string" && channel.includes("*")) throw new TypeError(`channel: useKeyed shows one channel, got ${JSON.stringify(channel)}`);
  const client = useTidewire();
  return useStore(nothing2, (set) => {
    const subscription = client.subscribe(channel, () => {
    }, { ...options, state: true }), { view } = subscription;
    const tell = (error) => set(Object.freeze({ rows: new Map(view), isReady: view?.isReady ?? false, error }));
    const off = view?.on("change", () => tell());
    (view ?? subscription).ready.then(() => tell(), (error) => error.code !== "closed" && tell(error));
    const offEnd = client.on("subscription", ({ channel: about, name }) => about === channel && name === "refused" && subscription.ready.catch(tell));
    return () => {
      off?.();
      offEnd();
      subscription.unsubscribe();
    };
  }, [client, channel, keyOf(options)]);
}

// src/use-presence.js
import { useEffect as useEffect2 } from "react";
var nobody = Object.freeze({ members: Object.freeze([]), count: 0, truncated: false, isReady: false });
function usePresence(channel, { enter, ...unknown } = {}) {
  const other = Object.keys(unknown)[0];
  if (other !== void 0) throw new TypeError(`${other}: is not an option of usePresence, only enter`);
  const client = useTidewire(), data = JSON.stringify(enter);
  useEffect2(() => {
    if (data === void 0) return void 0;
    const mine = client.enter(channel, JSON.parse(data));
    return () => queueMicrotask(() => mine.leave());
  }, [client, channel, data]);
  return useStore(nobody, (set) => client.presence(channel, ({ members, count, truncated }) => set(Object.freeze({ members, count, truncated, isReady: true }))), [client, channel]);
}
export {
  TidewireProvider,
  useChannel,
  useConnection,
  useKeyed,
  usePresence,
  useTidewire
};
