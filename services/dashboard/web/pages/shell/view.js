// The view is in the URL, so that it can be shared, reloaded and gone back to. What cannot be shown falls back to the
// default, and that is said.

const bytes = (text) => new TextEncoder().encode(text).length;

// name is what a name may be.
export const name = (text) => bytes(text) <= 200 && !/[\p{Cc}\p{Cs}]/u.test(text);

// one makes a rule of a few words.
export const one = (...words) => (text) => words.includes(text);

// What every dashboard has. A rule is: what a good value is, what it is called, and what is shown in place of another one.
const common = {
  dashboard: [(text) => /^[a-z]{1,20}$/.test(text), "dashboard", "your first one is shown"],
  tenant: [name, "tenant", "your first one is shown"],
  group: [name, "group", "your first one is shown"],
  layout: [(text) => bytes(text) <= 500 && /^[a-z0-9().,*]*$/.test(text), "layout", "the usual one is shown"],
  alone: [(text) => /^[a-z]{1,20}$/.test(text), "panel", "all are shown"],
};

// read returns the view by these rules, and a sentence for each parameter that is not as the URL has it.
export function read(rules = {}, defaults = {}) {
  const given = new URLSearchParams(location.search);
  const view = { ...Object.fromEntries(Object.keys({ ...common, ...rules }).map((key) => [key, ""])), ...defaults };
  const notes = [];
  for (const [parameter, [good, what, instead]] of Object.entries({ ...common, ...rules })) {
    const value = given.get(parameter) ?? "";
    if (value === "") continue;
    if (good(value)) view[parameter] = value;
    else notes.push(`${quote(value)} is not a ${what}: ${instead}.`);
  }
  return { view, notes };
}

// quote shows a value that may be long, or not fit to be shown.
export function quote(text) {
  const shown = [...text.replace(/[\p{Cc}\p{Cs}]/gu, "\ufffd")];
  return `“${shown.length > 40 ? `${shown.slice(0, 40).join("")}…` : shown.join("")}”`;
}

// write puts the view into the URL; what has its default is left out. Going elsewhere makes an entry in the history.
export function write(view, defaults, { elsewhere = false } = {}) {
  const query = new URLSearchParams(Object.entries(view).filter(([parameter, value]) => value !== (defaults[parameter] ?? "")));
  const url = query.size ? `?${query}` : location.pathname;
  if (elsewhere) history.pushState(null, "", url);
  else history.replaceState(null, "", url);
}
