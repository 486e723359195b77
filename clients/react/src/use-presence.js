// Who is on a channel, and, if it is wanted, this page among them.
import { useEffect } from "react";
import { useTidewire } from "./client.js";
import { useStore } from "./store.js";

const nobody = Object.freeze({ members: Object.freeze([]), count: 0, truncated: false, isReady: false });

export function usePresence(channel, { enter, ...unknown } = {}) {
  const other = Object.keys(unknown)[0];
  if (other !== undefined) throw new TypeError(`${other}: is not an option of usePresence, only enter`);
  const client = useTidewire(), data = JSON.stringify(enter);
  useEffect(() => {
    if (data === undefined) return undefined;
    const mine = client.enter(channel, JSON.parse(data));
    return () => queueMicrotask(() => mine.leave()); // behind the one that takes its place
  }, [client, channel, data]);
  return useStore(nobody, (set) => client.presence(channel, ({ members, count, truncated }) => set(Object.freeze({ members, count, truncated, isReady: true }))), [client, channel]);
}
