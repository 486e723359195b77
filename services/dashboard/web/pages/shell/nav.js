// The way between dashboards.

const titles = { trading: "Trading", sensors: "Sensors", operations: "IT ops", logistics: "Logistics", whiteboard: "Board", crawl: "Crawl", console: "Console" };

// Each icon is one path on a grid of 24.
const icons = {
  trading: "M7 4v3M7 15v4M5 7h4v8H5zM17 3v5M17 17v3M15 8h4v9h-4z",
  sensors: "M3 12h4l3-8 4 16 3-8h4",
  operations: "M12 3l9 16H3zM12 10v4M12 16.5v.5",
  logistics: "M2 7h12v10H2zM14 10h4l4 4v3h-8zM6 19.5a2 2 0 1 0 0-4 2 2 0 0 0 0 4M17.500 19.500a2 2 0 1 0 0-4 2 2 0 0 0 0 4",
  whiteboard: "M3 4h18v13H3zM7 13c2-6 4 3 6-2s3 1 4-2M9 21l3-4 3 4",
  crawl: "M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18M3 12h18M12 3c-5 5-5 13 0 18M12 3c5 5 5 13 0 18",
  console: "M3 4h18v16H3zM7 9l3 3-3 3M12.500 15h4",
};

export function mount(element, { onGo }) {
  return {
    // update takes the dashboards that can be gone to: [{ id, why }], and which is shown.
    update({ dashboards, shown }) {
      element.replaceChildren(...dashboards.map(({ id, href, why }) => {
        const link = Object.assign(document.createElement("a"), { href, title: why });
        if (id === shown) link.setAttribute("aria-current", "page");
        link.dataset.dashboard = id;
        link.append(icon(icons[id] ?? ""), Object.assign(document.createElement("span"), { textContent: titles[id] ?? id }));
        link.onclick = (event) => {
          if (event.ctrlKey || event.metaKey || event.shiftKey) return;
          event.preventDefault();
          onGo(id);
        };
        return link;
      }));
    },
    unmount() {
      element.replaceChildren();
    },
  };
}

function icon(path) {
  const ns = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(ns, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const line = svg.appendChild(document.createElementNS(ns, "path"));
  line.setAttribute("d", path);
  return svg;
}
