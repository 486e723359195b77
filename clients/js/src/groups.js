// Which clients of a browser may share a socket: those of the same server, user and rights.
import { asClaims } from "./tokens.js";

const FORMAT = 1; // of what tabs tell each other: those that differ share nothing

/** What says nothing of who somebody is and what they may do. */
const PASSING = ["iat", "exp", "nbf", "jti"];

/** A value with the members of its objects in one order. */
function ordered(value) {
  if (Array.isArray(value)) return value.map(ordered);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.keys(value).sort().map((name) => [name, ordered(value[name])]));
}

/** The name that clients have in common which may share a socket. What a token that cannot be read grants, only the same token does. */
export async function groupOf(url, token) {
  const claims = asClaims(token);
  const rights = claims ? Object.fromEntries(Object.entries(claims).filter(([name]) => !PASSING.includes(name))) : token;
  const text = JSON.stringify([FORMAT, url.href, ordered(rights)]);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  return `tidewire:${Array.from(hash.subarray(0, 16), (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
