// Light, dark, or as the system has it. The choice belongs to the device, so it is kept there and not in the URL.

const names = { system: "System theme", light: "Light theme", dark: "Dark theme" };

export function mount(element, { onChange }) {
  const select = element.appendChild(document.createElement("select"));
  select.ariaLabel = "Theme";
  select.name = "theme";
  for (const [value, name] of Object.entries(names)) select.add(new Option(name, value));
  select.value = document.documentElement.dataset.theme ?? "system";
  const system = matchMedia("(prefers-color-scheme: dark)");
  system.addEventListener("change", onChange);

  const widget = {
    update(theme) {
      select.value = theme;
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
      widget.update(all[(all.indexOf(select.value) + 1) % all.length]);
    },
    unmount() {
      system.removeEventListener("change", onChange);
      select.remove();
    },
  };
  select.onchange = () => widget.update(select.value);
  return widget;
}
