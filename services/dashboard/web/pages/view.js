// The view is in the URL, so that it can be shared, reloaded and gone back to. What cannot be shown falls back to the
// default, and that is said.

const defaults = { tenant: "", group: "", channel: "", q: "", sort: "symbol", span: "2", charts: "" };

const bytes = (text) => new TextEncoder().encode(text).length;
const name = (text) => bytes(text) <= 200 && !/[\p{Cc}\p{Cs}]/u.test(text);

// Each parameter: what a good value is, what it is called, and what is shown in place of another one.
const rules = {
  tenant: [name, "tenant", "your first one is shown"],
  group: [name, "group", "your first one is shown"],
  // A channel's name as docs/protocol.md has it. One that has the form and may not be read is refused by the server.
  channel: [(text) => bytes(text) <= 200 && /^[\w./@=+~-]+(:[\w./@=+~-]+)*$/.test(text), "channel", "your first one is shown"],
  q: [name, "filter", "nothing is filtered"],
  sort: [(text) => /^-?(symbol|name|price|change|percent|date|age)$/.test(text), "column to sort by", "the symbol is used"],
  span: [(text) => ["1", "2", "5"].includes(text), "time span", "2 min are shown"],
  charts: [name, "list of charts", "all are shown"],
};

// read returns the view, and a sentence for each parameter that is not as the URL has it.
export function read() {
  const given = new URLSearchParams(location.search);
  const view = { ...defaults };
  const notes = [];
  for (const [parameter, [good, what, instead]] of Object.entries(rules)) {
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
export function write(view, { elsewhere = false } = {}) {
  const query = new URLSearchParams(Object.entries(view).filter(([parameter, value]) => value !== defaults[parameter]));
  const url = query.size ? `?${query}` : location.pathname;
  if (elsewhere) history.pushState(null, "", url);
  else history.replaceState(null, "", url);
}
