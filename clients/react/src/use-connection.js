// The state of the connection.
import { useTidewire } from "./client.js";
import { useStore } from "./store.js";

export function useConnection() {
  const client = useTidewire();
  return useStore(client.state, (set) => {
    const off = client.on("state", set);
    set(client.state); // it may have changed since the component was made
    return off;
  }, [client]);
}
