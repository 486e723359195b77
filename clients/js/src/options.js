// The options of a client, checked.
import { guarded } from "./callbacks.js";
import { checkBytes } from "./checks.js";
import { checkKnown } from "./known.js";
import { checkSignal } from "./signals.js";
import { asToken } from "./tokens.js";
import { show } from "./values.js";

const KNOWN = [
  "url", "token", "tokenIn", "WebSocket", "storage", "storageKey", "maxBytesPerSecond", "backoffMs", "backoffCapMs", "connectTimeoutMs", "requestTimeoutMs",
  "maxPending", "remember", "share", "fallback", "debug", "signal",
];

/** The options of a client, checked: what is wrong with them shows at once and not in a state that nobody expects. */
export function checkOptions(url, options) {
  const given = typeof url === "object" && url !== null && !(url instanceof URL) ? url : { ...options, url };
  checkKnown(given, KNOWN, "connect");
  const set = Object.entries(given).filter(([, value]) => value !== undefined);
  const o = {
    tokenIn: "subprotocol", WebSocket: globalThis.WebSocket, backoffMs: 500, backoffCapMs: 30_000, connectTimeoutMs: 15_000,
    requestTimeoutMs: 30_000, maxPending: 256, remember: 1000, ...Object.fromEntries(set),
  };
  if (typeof o.WebSocket !== "function") throw new TypeError("WebSocket: this runtime has none; pass a class as the option WebSocket");
  if (o.tokenIn !== "frame" && o.tokenIn !== "subprotocol") throw new TypeError(`tokenIn: must be frame or subprotocol, got ${show(o.tokenIn)}`);
  for (const name of ["backoffMs", "backoffCapMs", "connectTimeoutMs", "requestTimeoutMs", "maxPending", "remember"]) {
    if (!(o[name] >= 1 && Number.isFinite(o[name]))) throw new TypeError(`${name}: must be a number of at least 1, got ${o[name]}`);
  }
  if (o.maxBytesPerSecond !== undefined) checkBytes(o.maxBytesPerSecond);
  o.token ??= undefined;
  if (!["undefined", "string", "function"].includes(typeof o.token)) throw new TypeError(`token: must be a string or a function, got ${show(o.token)}`);
  if (typeof o.token === "string" && !asToken(o.token)) throw new TypeError("token: must be a token, of letters, digits and - . _ ~ + / =, or a function that returns one");
  o.url = new URL(o.url, globalThis.location?.href);
  o.url.protocol = o.url.protocol.replace(/^http/, "ws");
  if (o.url.pathname === "/") o.url.pathname = "/v1/socket";
  checkSignal(o.signal);
  o.debug = checkDebug(o.debug);
  const own = given.WebSocket !== undefined; // whoever gives a class decides where it connects to
  o.share = checkShare(o.share, !own);
  o.fallback ??= !own;
  if (typeof o.fallback !== "boolean") throw new TypeError(`fallback: must be true or false, got ${show(o.fallback)}`);
  o.storageKey ??= `tidewire:${o.url}`;
  return Object.freeze(o);
}

/** Whether tabs share a socket, and of which namespaces something has to come although nobody sees any of them. Only who has asked for it is told why it cannot be. */
function checkShare(share, otherwise) {
  if (share === undefined && otherwise) return { isAwake: () => false, isQuiet: true };
  if (share === undefined || typeof share === "boolean") return share === true && { isAwake: () => false };
  if (typeof share !== "object" || share === null) throw new TypeError(`share: must be true, false or {keepAwake}, got ${show(share)}`);
  const { keepAwake } = checkKnown(share, ["keepAwake"], "share");
  if (keepAwake !== undefined && !(Array.isArray(keepAwake) && keepAwake.every((each) => typeof each === "string" && each))) throw new TypeError(`share.keepAwake: must be a list of namespaces, got ${show(keepAwake)}`);
  const awake = new Set(keepAwake);
  return { isAwake: (channel) => {
    const [namespace] = channel.split(":");
    return awake.has(namespace) || namespace.includes("*") && awake.size > 0;
  } };
}

/** Who is told what happens on the sockets. */
function checkDebug(debug) {
  if (debug === undefined || debug === false) return undefined;
  if (debug === true) return (what, detail) => console.debug(`tidewire: ${what}`, detail);
  if (typeof debug !== "function") throw new TypeError(`debug: must be true, false or a function, got ${show(debug)}`);
  return (what, detail) => guarded(debug, what, detail);
}
