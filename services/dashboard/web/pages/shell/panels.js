// The panels of a dashboard: they fill the stage, are moved by their heading and resized by the gaps between them, and one of
// them may have the stage for itself. On a narrow screen they stand below each other.

import * as tiles from "./tiles.js";

const step = 0.03; // of a row or column, for each press of an arrow key

// fits reports whether a text is a layout of these panels.
export const fits = (layout, ids) => tiles.parse(layout, ids) !== null;

// mount makes the panels of { id: title }. standard is their layout as text; onChange is told the layout that a user has made, and which
// panel is alone.
export function mount(stage, { titles, standard, layout, alone, onChange }) {
  const ids = Object.keys(titles);
  let root = (layout && tiles.parse(layout, ids)) || tiles.parse(standard, ids);
  let single = ids.includes(alone) ? alone : "";
  const panels = new Map(ids.map((id) => [id, make(id)]));
  const target = Object.assign(document.createElement("div"), { className: "drop", hidden: true });
  let gaps = [];
  stage.replaceChildren(...[...panels.values()].map(({ section }) => section), target);

  function make(id) {
    const section = document.createElement("section");
    section.className = "panel";
    section.dataset.panel = id;
    section.setAttribute("aria-labelledby", `panel-${id}`);
    const head = section.appendChild(document.createElement("header"));
    const title = head.appendChild(Object.assign(document.createElement("h2"), { textContent: titles[id], id: `panel-${id}` }));
    const tools = head.appendChild(Object.assign(document.createElement("div"), { className: "panel-tools" }));
    const whole = head.appendChild(document.createElement("button"));
    whole.className = "whole icon";
    whole.onclick = () => api.alone(single === id ? "" : id);
    head.ondblclick = ({ target: on }) => on.closest("button, input, select, label") || whole.click();
    head.onpointerdown = (event) => drag(event, id);
    const body = section.appendChild(Object.assign(document.createElement("div"), { className: "panel-body" }));
    return { section, title, tools, body, whole };
  }

  function draw() {
    const { panels: boxes, gaps: between } = tiles.place(root);
    stage.toggleAttribute("data-alone", single !== "");
    for (const [id, { section, whole }] of panels) {
      fit(section, single === id ? { x: 0, y: 0, w: 1, h: 1 } : boxes.get(id));
      section.toggleAttribute("data-alone", single === id);
      whole.textContent = single === id ? "⤡" : "⤢";
      whole.title = whole.ariaLabel = single === id ? `Show all panels beside ${titles[id]}` : `Show ${titles[id]} alone`;
    }
    const focused = gaps.findIndex(({ bar }) => bar === document.activeElement);
    for (const { bar } of gaps) bar.remove();
    gaps = single ? [] : between.map(separator);
    stage.append(...gaps.map(({ bar }) => bar), target);
    gaps[focused]?.bar.focus();
  }

  function fit({ style }, { x, y, w, h }) {
    for (const [name, part] of Object.entries({ left: x, top: y, width: w, height: h })) style.setProperty(name, `${100 * part}%`);
  }

  function separator(gap) {
    const bar = document.createElement("div");
    const row = gap.node.way === "row";
    bar.className = `gap ${gap.node.way}`;
    bar.role = "separator";
    bar.tabIndex = 0;
    bar.ariaOrientation = row ? "vertical" : "horizontal";
    bar.ariaLabel = "Resize the panels beside it";
    bar.ariaValueNow = String(Math.round(100 * (row ? gap.box.x : gap.box.y)));
    fit(bar, gap.box);
    const shift = (by) => {
      tiles.shift(gap.node, gap.index, by);
      draw();
    };
    bar.onkeydown = (event) => {
      const by = { ArrowLeft: -step, ArrowUp: -step, ArrowRight: step, ArrowDown: step }[event.key];
      if (!by) return;
      event.preventDefault();
      shift(by);
      changed();
    };
    bar.onpointerdown = (event) => {
      event.preventDefault();
      const along = ({ clientX, clientY }) => (row ? clientX / stage.clientWidth : clientY / stage.clientHeight) / gap.whole;
      let last = along(event);
      stage.dataset.busy = gap.node.way;
      follow(stage, (now) => {
        shift(along(now) - last);
        last = along(now);
      }, () => {
        delete stage.dataset.busy;
        changed();
      });
    };
    return { bar };
  }

  // drag moves a panel by its heading, to a side of another panel or into its place.
  function drag(event, id) {
    if (event.button !== 0 || event.target.closest("button, input, select, label") || single || stage.hasAttribute("data-stacked")) return;
    const [x, y] = [event.clientX, event.clientY];
    let to = null;
    follow(stage, ({ clientX, clientY }) => {
      if (!to && Math.hypot(clientX - x, clientY - y) < 8) return;
      stage.dataset.busy = "move";
      to = aim(clientX, clientY);
      target.hidden = !to || to.id === id;
      if (to) fit(target, to.box);
    }, (dropped) => {
      delete stage.dataset.busy;
      target.hidden = true;
      if (dropped && to && to.id !== id) api.move(id, to.id, to.side);
    });
  }

  function aim(clientX, clientY) {
    const box = stage.getBoundingClientRect();
    const [x, y] = [(clientX - box.left) / box.width, (clientY - box.top) / box.height];
    for (const [id, b] of tiles.place(root).panels) {
      const [u, v] = [(x - b.x) / b.w, (y - b.y) / b.h];
      if (u < 0 || u > 1 || v < 0 || v > 1) continue;
      if (u < 0.25) return { id, side: "left", box: { ...b, w: b.w / 2 } };
      if (u > 0.75) return { id, side: "right", box: { ...b, x: b.x + b.w / 2, w: b.w / 2 } };
      if (v < 0.25) return { id, side: "top", box: { ...b, h: b.h / 2 } };
      if (v > 0.75) return { id, side: "bottom", box: { ...b, y: b.y + b.h / 2, h: b.h / 2 } };
      return { id, side: "middle", box: b };
    }
    return null;
  }

  const changed = () => onChange({ layout: tiles.format(root) === tiles.format(tiles.parse(standard, ids)) ? "" : tiles.format(root), alone: single });
  const narrow = matchMedia("(width < 760px)");
  const stack = () => stage.toggleAttribute("data-stacked", narrow.matches);
  narrow.addEventListener("change", stack);

  const api = {
    body: (id) => panels.get(id).body,
    tools: (id) => panels.get(id).tools,
    title: (id, text) => panels.get(id).title.textContent === text || (panels.get(id).title.textContent = text),
    get single() {
      return single;
    },
    alone(id) {
      single = id;
      draw();
      changed();
    },
    move(id, to, side) {
      root = tiles.move(root, id, to, side);
      draw();
      changed();
    },
    reset() {
      root = tiles.parse(standard, ids);
      single = "";
      draw();
      changed();
    },
    // commands are for the palette.
    commands: () => [
      ...ids.map((id) => ({ title: single === id ? "Show all panels" : `Show ${titles[id]} alone`, run: () => api.alone(single === id ? "" : id) })),
      ...ids.slice(1).map((id) => ({ title: `Put ${titles[id]} first`, run: () => api.move(id, [...tiles.place(root).panels.keys()][0], "middle") })),
      { title: "Reset the layout", run: api.reset },
    ],
    unmount() {
      narrow.removeEventListener("change", stack);
      delete stage.dataset.busy;
      stage.replaceChildren();
    },
  };
  stack();
  draw();
  return api;
}

// follow calls move until the pointer is released, and then end with whether it was not cancelled.
function follow(element, move, end) {
  const stop = ({ type }) => {
    removeEventListener("pointermove", move);
    for (const name of ["pointerup", "pointercancel"]) removeEventListener(name, stop);
    end(type === "pointerup");
  };
  addEventListener("pointermove", move);
  for (const name of ["pointerup", "pointercancel"]) addEventListener(name, stop);
}
