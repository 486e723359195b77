// The entry point: the hooks, and the provider of the client that they use.
export { TidewireProvider, useTidewire } from "./client.js";
export { useChannel } from "./use-channel.js";
export { useConnection } from "./use-connection.js";
export { useKeyed } from "./use-keyed.js";
export { usePresence } from "./use-presence.js";
