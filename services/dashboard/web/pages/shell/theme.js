// Light, dark, or as the system has it. The choice belongs to the device, so it is kept there and not in the URL.

const names = { system: "System theme", light: "Light theme", dark: "Dark theme" };
const marks = { system: "◐", light: "○", dark: "●" };

export function mount(element, { onChange }) {
  const button = element.appendChild(document.createElement("button"));
  button.className = "icon";
  let chosen = document.documentElement.dataset.theme ?? "system";
  const show = () => {
    button.textContent = marks[chosen];
    button.title = button.ariaLabel = `${names[chosen]}; change it`;
  };
  show();
  const system = matchMedia("(prefers-color-scheme: dark)");
  system.addEventListener("change", onChange);

  const widget = {
    update(theme) {
      chosen = theme;
      show();
      if (theme === "system") delete document.documentElement.dataset.theme;
      else document.documentElement.dataset.theme = theme;
      try {
        localStorage.setItem("tidewire-theme", theme);
      } catch {
        // Storage is switched off: the choice holds until the page is left.
      }
      onChange();
    },
    // next goes from one theme to the one after it.
    next() {
      const all = Object.keys(names);
      widget.update(all[(all.indexOf(chosen) + 1) % all.length]);
    },
    unmount() {
      system.removeEventListener("change", onChange);
      button.remove();
    },
  };
  button.onclick = () => widget.next();
  return widget;
}
