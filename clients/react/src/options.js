// Options of a hook: what the subscription asks for, told apart from the functions that a component makes anew each time.
import { useEffect, useRef } from "react";

/** What of the options is the same as long as it says the same. */
export const keyOf = (options) => JSON.stringify(options, (_, value) => (typeof value === "function" ? undefined : value));

/** A function that calls the newest of these functions by its name. */
export function useNewest(functions) {
  const newest = useRef(functions);
  useEffect(() => { newest.current = functions; });
  return (name, ...args) => newest.current[name]?.(...args);
}
