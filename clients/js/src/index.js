// The entry point: what a page can import.

import { Tidewire } from "./client.js";

export { closeCodes, TidewireError } from "./codes.js";
export { parsePosition } from "./position.js";
export { Tidewire };

/** Connects: the same as `new Tidewire(url, options)`. */
export function connect(url, options) {
  return new Tidewire(url, options);
}
