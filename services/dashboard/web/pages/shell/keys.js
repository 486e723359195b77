// The keyboard: what each key does, and the list of them.

// mount takes keys: { "/": ["searches", run], ... }; one without run is only listed. otherwise is given every other key, and tells whether it
// was one. Keys that are typed into a field are left to it.
export function mount(element, { keys, otherwise = () => false }) {
  const button = element.appendChild(document.createElement("button"));
  button.className = "icon";
  button.textContent = "?";
  button.ariaLabel = "List of keys";
  const dialog = element.appendChild(document.createElement("dialog"));
  dialog.setAttribute("aria-labelledby", "keys-title");
  const title = dialog.appendChild(document.createElement("h2"));
  title.id = "keys-title";
  title.textContent = "Keys";
  const pairs = dialog.appendChild(document.createElement("dl"));
  pairs.className = "pairs";
  const all = { ...keys, "?": ["this list", () => dialog.showModal()] };
  for (const [key, [what]] of [...Object.entries(all), ["Escape", ["closes, and clears the filter"]]]) {
    const term = pairs.appendChild(document.createElement("dt"));
    term.appendChild(document.createElement("kbd")).textContent = key;
    pairs.appendChild(document.createElement("dd")).textContent = what;
  }
  const close = dialog.appendChild(document.createElement("button"));
  close.textContent = "Close";
  close.onclick = () => dialog.close();
  button.onclick = () => dialog.showModal();

  const press = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, dialog[open], [contenteditable]")) return;
    const run = all[event.key]?.[1];
    if (!run && !otherwise(event.key)) return;
    event.preventDefault();
    run?.();
  };
  document.addEventListener("keydown", press);

  return {
    open: () => dialog.showModal(),
    update() {},
    unmount() {
      document.removeEventListener("keydown", press);
      button.remove();
      dialog.remove();
    },
  };
}
