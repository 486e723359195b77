// The command palette: everything that can be done here, found by typing some of its letters.

// mount takes commands(), a list of { title, hint, run }, asked for at each opening.
export function mount(element, { commands }) {
  const button = element.appendChild(Object.assign(document.createElement("button"), { className: "icon", textContent: "⌘K", title: "Find a command (Ctrl K)", ariaLabel: "⌘K, find a command" }));
  const dialog = element.appendChild(Object.assign(document.createElement("dialog"), { className: "palette", ariaLabel: "Commands" }));
  const input = dialog.appendChild(Object.assign(document.createElement("input"), { type: "search", placeholder: "Go to, show, change …", autocomplete: "off", spellcheck: false, role: "combobox", ariaExpanded: "true", ariaLabel: "Command" }));
  const list = dialog.appendChild(Object.assign(document.createElement("ul"), { role: "listbox", id: "palette-list", ariaLabel: "Commands that match" }));
  input.setAttribute("aria-controls", list.id);
  let all = [];
  let shown = [];
  let chosen = 0;

  // score is smaller for what fits better; Infinity does not fit.
  function score(title, words) {
    const text = title.toLowerCase();
    return words.reduce((sum, word) => {
      const at = text.indexOf(word);
      return sum + (at < 0 ? Infinity : at === 0 || text[at - 1] === " " ? at / 100 : 1 + at / 100);
    }, 0);
  }

  function fill() {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    shown = all.map((command) => ({ command, fit: score(command.title, words) })).filter(({ fit }) => fit < Infinity).sort((a, b) => a.fit - b.fit).slice(0, 40).map(({ command }) => command);
    chosen = 0;
    list.replaceChildren(...shown.map(({ title, hint = "" }, i) => {
      const item = Object.assign(document.createElement("li"), { role: "option", id: `palette-${i}`, textContent: title });
      item.append(Object.assign(document.createElement("span"), { className: "quiet", textContent: hint }));
      item.onclick = () => run(i);
      return item;
    }));
    choose(0);
  }

  function choose(i) {
    chosen = shown.length ? (i + shown.length) % shown.length : 0;
    [...list.children].forEach((item, at) => item.setAttribute("aria-selected", String(at === chosen)));
    input.setAttribute("aria-activedescendant", shown.length ? `palette-${chosen}` : "");
    list.children[chosen]?.scrollIntoView({ block: "nearest" });
  }

  function run(i) {
    dialog.close();
    shown[i]?.run();
  }

  function open() {
    if (dialog.open) return;
    all = commands();
    input.value = "";
    fill();
    dialog.showModal();
    input.focus();
  }

  input.oninput = fill;
  input.onkeydown = (event) => {
    const act = { ArrowDown: () => choose(chosen + 1), ArrowUp: () => choose(chosen - 1), Enter: () => run(chosen) }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  };
  dialog.onclick = ({ target }) => target === dialog && dialog.close();
  button.onclick = open;
  const press = (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.key !== "k") return;
    event.preventDefault();
    open();
  };
  document.addEventListener("keydown", press);
  return {
    open,
    update() {},
    unmount() {
      document.removeEventListener("keydown", press);
      button.remove();
      dialog.remove();
    },
  };
}
