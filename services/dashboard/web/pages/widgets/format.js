// How figures, times and ages are written.

// grouped writes a number that is not negative, as Intl would; a thousand times a second, Intl is too slow.
function grouped(n, decimals) {
  const [whole, part] = n.toFixed(decimals).split(".");
  const parted = whole.length < 4 ? whole : whole.replace(/\d(?=(?:\d{3})+$)/g, "$&,");
  return part === undefined ? parted : `${parted}.${part}`;
}

const clockTime = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const shortTime = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

export const none = "–";
export const known = (n) => typeof n === "number" && Number.isFinite(n);
const zero = (text) => !/[1-9]/.test(text);
export function figure(n, decimals = 2) {
  if (!known(n)) return none;
  const text = grouped(Math.abs(n), decimals);
  return n < 0 && !zero(text) ? `−${text}` : text;
}
export function move(n, decimals = 2) {
  if (!known(n)) return none;
  const text = grouped(Math.abs(n), decimals);
  return zero(text) ? text : `${n < 0 ? "−" : "+"}${text}`;
}
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
