// Sets the chosen theme before anything is painted, so that a dark room sees no white flash; and which dashboard the link names, so that what
// stands there until it comes has its shape.
// A classic script, because a module would come after the first paint.
try {
  const chosen = localStorage.getItem("tidewire-theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
  // Storage is switched off: the page follows the system.
}
document.documentElement.dataset.first = new URLSearchParams(location.search).get("dashboard") ?? "";
