// The newest messages of a channel.
import { useTidewire } from "./client.js";
import { keyOf, useNewest } from "./options.js";
import { useStore } from "./store.js";

const nothing = Object.freeze({ messages: Object.freeze([]), last: undefined, gaps: 0, state: Object.freeze({ name: "pending", resumed: false, gap: false, caughtUp: 0 }), error: undefined });

export function useChannel(channel, { limit = 100, onMessage, onGap, onDropped, ...options } = {}) {
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
      ...options, onDropped: (dropped) => call("onDropped", dropped),
      onGap: (gap) => {
        change({ gaps: now.gaps + 1 });
        call("onGap", gap);
      },
    });
    const tell = () => change({ state: subscription.state }), off = client.on("subscription", (about) => about.channel === channel && tell());
    subscription.ready.then(tell, (error) => change({ state: subscription.state, error: error.code === "closed" ? undefined : error }));
    return () => {
      off();
      subscription.unsubscribe();
    };
  }, [client, channel, limit, keyOf(options)]);
}
