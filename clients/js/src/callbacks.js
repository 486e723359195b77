// Calls what a page has given, so that what it throws stops nothing here.

/** Tells what a callback of the page threw. It is the page's, and must stop neither the client nor a program in Node. */
function report(error) {
  if (typeof globalThis.reportError === "function") globalThis.reportError(error);
  else console.error("tidewire: a callback threw", error);
}

export function guarded(run, ...args) {
  try {
    const result = run?.(...args);
    if (typeof result?.then === "function") result.then(undefined, report);
  } catch (error) {
    report(error);
  }
}
