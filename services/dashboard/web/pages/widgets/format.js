// How figures, times and ages are written.

const byDecimals = new Map();
const signed = new Map();

function format(cache, decimals, options) {
  if (!cache.has(decimals)) cache.set(decimals, new Intl.NumberFormat("en", { minimumFractionDigits: decimals, maximumFractionDigits: decimals, ...options }));
  return cache.get(decimals);
}

const clockTime = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const shortTime = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

export const none = "–";
export const known = (n) => typeof n === "number" && Number.isFinite(n);
export const figure = (n, decimals = 2) => (known(n) ? format(byDecimals, decimals).format(n).replace("-", "−") : none);
export const move = (n, decimals = 2) => (known(n) ? format(signed, decimals, { signDisplay: "exceptZero" }).format(n).replace("-", "−") : none);
export const compact = (n) => (known(n) ? short.format(n) : none);
export const time = (ms) => clockTime.format(ms);
export const minute = (ms) => shortTime.format(ms);

// age is short and never changes its width much: 3 s, 4 min, 2 h.
export function age(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  return s < 100 ? `${s} s` : s < 6000 ? `${Math.floor(s / 60)} min` : `${Math.floor(s / 3600)} h`;
}

export const arrow = (n) => (n > 0 ? "▲" : n < 0 ? "▼" : "");
export const way = (n) => (n > 0 ? "up" : n < 0 ? "down" : "same");

// element makes one, with the properties and children that it is given.
export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

// colours resolves the tokens for a canvas, which knows no custom properties.
export function colours(within) {
  const probe = within.appendChild(document.createElement("span"));
  const found = {};
  for (const token of ["ink", "quiet", "line", "ground", "raised", "accent", "up", "down", "warn", "up-tint", "down-tint", "warn-tint", "land", "sea"]) {
    probe.style.color = `var(--${token})`;
    found[token] = getComputedStyle(probe).color;
  }
  probe.remove();
  return found;
}
