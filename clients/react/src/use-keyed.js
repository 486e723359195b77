// The state of a channel: a row for each key.
import { useTidewire } from "./client.js";
import { keyOf } from "./options.js";
import { useStore } from "./store.js";

const nothing = Object.freeze({ rows: new Map(), isReady: false, error: undefined });

export function useKeyed(channel, options = {}) {
  if (typeof channel === "string" && channel.includes("*")) throw new TypeError(`channel: useKeyed shows one channel, got ${JSON.stringify(channel)}`);
  const client = useTidewire();
  return useStore(nothing, (set) => {
    const subscription = client.subscribe(channel, () => {}, { ...options, state: true }), { view } = subscription;
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
