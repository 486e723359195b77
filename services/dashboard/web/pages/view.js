// The view is in the URL, so that it can be shared, reloaded and gone back to.

const defaults = { tenant: "", group: "", channel: "", q: "", sort: "symbol", span: "2", charts: "" };

export function read() {
  const given = new URLSearchParams(location.search);
  return Object.fromEntries(Object.entries(defaults).map(([name, value]) => [name, given.get(name) ?? value]));
}

// write puts the view into the URL; what has its default is left out. Going elsewhere makes an entry in the history.
export function write(view, { elsewhere = false } = {}) {
  const query = new URLSearchParams(Object.entries(view).filter(([name, value]) => value !== defaults[name]));
  const url = query.size ? `?${query}` : location.pathname;
  if (elsewhere) history.pushState(null, "", url);
  else history.replaceState(null, "", url);
}
