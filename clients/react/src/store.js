// What a component shows of something outside of React: begun with the first who looks, and ended with the last.
import { useMemo, useSyncExternalStore } from "react";

/**
 * `start` is given a function that sets the value, and returns one that ends it. React looks, looks away and looks again when it tries a component out
 * (StrictMode): what is looked at again in the same breath goes on.
 */
function createStore(value, start) {
  const listeners = new Set();
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
          stop = undefined;
        });
      };
    },
  };
}

/** The value of a store, which is another one when one of `by` is. */
export function useStore(value, start, by) {
  const store = useMemo(() => createStore(value, start), by);
  return useSyncExternalStore(store.subscribe, store.get, store.get);
}
