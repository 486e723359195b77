// What a page gives to abort something with.
import { badRequest } from "./codes.js";
import { show } from "./values.js";

export function checkSignal(signal) {
  if (signal !== undefined && typeof signal?.addEventListener !== "function") throw badRequest(`signal: must be an AbortSignal, got ${show(signal)}`);
  return signal;
}

/** Calls `run` with the reason when the signal is aborted. Returns a function that ends that. */
export function onAbort(signal, run) {
  if (!signal) return () => {};
  const abort = () => run(signal.reason);
  if (signal.aborted) queueMicrotask(abort);
  else signal.addEventListener("abort", abort, { once: true });
  return () => signal.removeEventListener("abort", abort);
}
