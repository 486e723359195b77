// A board to draw on: strokes, shapes and notes, each of which is an item with a key of its own. The widget tells what a user does, and draws what it is given.

const ns = "http://www.w3.org/2000/svg";
const svg = (tag, attributes = {}) => {
  const made = document.createElementNS(ns, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
};
export const tools = { select: "Select", pen: "Pen", line: "Line", rect: "Box", ellipse: "Ellipse", note: "Note", erase: "Erase" };
export const hues = ["ink", "accent", "up", "warn", "down"];
const tellEveryMs = 120;
const nearEnough = 1.2; // of a stroke's points, in pixels

// mount draws on element. onItem is told (key, item) of what is drawn or changed, whether it is done, and what was there before or null; onErase a key; onPointer where the pointer is, or null.
// texts has the texts of notes: read(key, item), write(key, item, text), and begin and end, which are told when somebody writes one here.
export function mount(element, { label, newKey, texts, onItem, onErase, onPointer, onTool }) {
  element.classList.add("board");
  const root = element.appendChild(svg("svg", { tabindex: 0, role: "application", "aria-label": label }));
  const hint = element.appendChild(Object.assign(document.createElement("p"), { className: "board-hint quiet", textContent: "Draw here: everybody on this board sees it at once. Space and drag moves the sheet, Ctrl and the wheel zooms." }));
  const world = root.appendChild(svg("g"));
  const items = world.appendChild(svg("g"));
  const others = world.appendChild(svg("g"));
  const shapes = new Map(); // key -> { item, node }
  const pointers = new Map(); // key -> { node, place }
  let [tool, hue, selected] = ["pen", "ink", ""];
  let eye = { x: 0, y: 0, k: 1 }; // what is at the left top, and pixels per unit
  let acting = null;
  let editing = null; // the note that is written here
  let space = false;
  const turn = () => {
    world.setAttribute("transform", `scale(${eye.k}) translate(${-eye.x} ${-eye.y})`);
    for (const { node, place } of pointers.values()) node.setAttribute("transform", `translate(${place.x} ${place.y}) scale(${1 / eye.k})`);
  };
  turn();

  const at = ({ clientX, clientY }) => {
    const box = root.getBoundingClientRect();
    return { x: eye.x + (clientX - box.left) / eye.k, y: eye.y + (clientY - box.top) / eye.k };
  };
  const round = (n) => Math.round(n * 10) / 10;

  function draw(key, item) {
    let shape = shapes.get(key);
    if (!shape || shape.item.type !== item.type) {
      shape?.node.remove();
      const node = items.appendChild(svg(item.type === "note" ? "g" : item.type === "rect" ? "rect" : item.type === "ellipse" ? "ellipse" : "path"));
      node.dataset.key = key;
      shape = { node };
      shapes.set(key, shape);
      hint.hidden = true;
    }
    shape.item = item;
    const { node } = shape;
    node.setAttribute("class", `item ${item.type} hue-${hues.includes(item.hue) ? item.hue : "ink"}${key === selected ? " selected" : ""}`);
    const [x, y, w, h] = [item.x ?? 0, item.y ?? 0, item.w ?? 0, item.h ?? 0].map(Number);
    if (item.type === "rect") set(node, { x: Math.min(x, x + w), y: Math.min(y, y + h), width: Math.abs(w), height: Math.abs(h), rx: 4 });
    else if (item.type === "ellipse") set(node, { cx: x + w / 2, cy: y + h / 2, rx: Math.abs(w / 2), ry: Math.abs(h / 2) });
    else if (item.type === "note") drawNote(node, item, x, y);
    else set(node, { d: path(item.points ?? []), transform: `translate(${x} ${y})` });
  }
  function set(node, attributes) {
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  }

  // path is a smooth line through points [x, y, x, y, …].
  function path(p) {
    if (!Array.isArray(p) || p.length < 2 || !p.every(Number.isFinite)) return "";
    let d = `M${p[0]} ${p[1]}`;
    if (p.length < 6) return `${d}L${p[p.length - 2] + 0.1} ${p[p.length - 1]}`;
    for (let i = 2; i + 3 < p.length; i += 2) d += `Q${p[i]} ${p[i + 1]} ${(p[i] + p[i + 2]) / 2} ${(p[i + 1] + p[i + 3]) / 2}`;
    return `${d}L${p[p.length - 2]} ${p[p.length - 1]}`;
  }

  function drawNote(node, item, x, y) {
    const lines = String(texts.read(node.dataset.key, item)).split("\n").flatMap((line) => line.match(/.{1,22}(?:\s|$)|.{1,22}/g) ?? [""]);
    const box = svg("rect", { x, y, width: 180, height: Math.max(64, 24 + lines.length * 20), rx: 4 });
    node.replaceChildren(box, ...lines.map((line, i) => Object.assign(svg("text", { x: x + 12, y: y + 26 + i * 20 }), { textContent: line })));
  }

  // edit has a note written in a field that stands over it, while others may write in it.
  function edit(key, item) {
    const field = element.appendChild(document.createElement("textarea"));
    field.className = "note-field";
    field.value = texts.read(key, item);
    field.maxLength = 500;
    field.ariaLabel = "Text of the note";
    for (const [name, value] of Object.entries({ left: (item.x - eye.x) * eye.k, top: (item.y - eye.y) * eye.k, width: 180 * eye.k, height: 90 * eye.k })) field.style.setProperty(name, `${value}px`);
    field.focus();
    editing = { key, show };
    texts.begin(key);
    // Behind what others write before it, the cursor moves on.
    function show() {
      const now = texts.read(key, item);
      if (now === field.value) return;
      let same = 0;
      while (same < now.length && now[same] === field.value[same]) same++;
      const at = field.selectionStart + (same < field.selectionStart ? now.length - field.value.length : 0);
      field.value = now;
      field.setSelectionRange(at, at);
    }
    field.oninput = () => {
      const fresh = !shapes.get(key)?.kept;
      texts.write(key, item, field.value);
      if (fresh) onItem(key, item, true, null); // before that, a note without a text is nothing
    };
    field.onkeydown = (event) => {
      event.stopPropagation();
      if (event.key === "Escape" || (event.key === "Enter" && !event.shiftKey)) field.blur();
    };
    field.onblur = () => {
      field.remove();
      editing = null;
      texts.end(key);
      if (!field.value.trim()) onErase(key);
    };
  }

  const under = ({ target }) => target.closest?.("[data-key]")?.dataset.key ?? "";
  const begin = {
    select(event, point) {
      const key = under(event);
      select(key);
      if (!key) return { move: pan(event), end() {} };
      const { item } = shapes.get(key);
      let moved = item;
      return {
        move: (now) => draw(key, (moved = { ...item, x: round((item.x ?? 0) + now.x - point.x), y: round((item.y ?? 0) + now.y - point.y) })),
        tell: () => moved !== item && onItem(key, moved, false, item),
        end: () => moved !== item && onItem(key, moved, true, item),
      };
    },
    pen(_, point) {
      const [key, item] = [newKey(), { type: "pen", hue, points: [round(point.x), round(point.y)] }];
      return {
        move(now) {
          const p = item.points;
          if (Math.hypot(now.x - p.at(-2), now.y - p.at(-1)) * eye.k < nearEnough || p.length > 4000) return;
          p.push(round(now.x), round(now.y));
          draw(key, item);
        },
        tell: () => onItem(key, { ...item, points: [...item.points] }, false, null),
        end: () => onItem(key, item, true, null),
      };
    },
    erase: (event) => {
      const rub = (key) => key && onErase(key);
      rub(under(event));
      return { move: (_, now) => rub(document.elementFromPoint(now.clientX, now.clientY)?.closest("[data-key]")?.dataset.key), end() {} };
    },
    note(event, point) {
      event.preventDefault();
      const item = { type: "note", hue, x: round(point.x), y: round(point.y), text: "" };
      const key = newKey();
      draw(key, item);
      edit(key, item);
      onTool("select");
      return null;
    },
  };
  const shape = (type) => (_, point) => {
    const key = newKey();
    const made = (now) => (type === "line" ? { type, hue, points: [point.x, point.y, now.x, now.y].map(round) } : { type, hue, x: round(point.x), y: round(point.y), w: round(now.x - point.x), h: round(now.y - point.y) });
    let item = made(point);
    return { move: (now) => draw(key, (item = made(now))), tell: () => onItem(key, item, false, null), end: () => onItem(key, item, true, null) };
  };
  for (const type of ["line", "rect", "ellipse"]) begin[type] = shape(type);

  function pan({ clientX, clientY }) {
    const from = { ...eye };
    return (_, now) => {
      eye = { ...eye, x: from.x - (now.clientX - clientX) / eye.k, y: from.y - (now.clientY - clientY) / eye.k };
      turn();
    };
  }

  root.onpointerdown = (event) => {
    root.focus();
    if (acting || (event.button !== 0 && event.button !== 1)) return;
    acting = space || event.button === 1 ? { move: pan(event), end() {} } : begin[tool](event, at(event));
    if (!acting) return;
    root.setPointerCapture(event.pointerId);
    acting.told = performance.now();
  };
  root.onpointermove = (event) => {
    const point = at(event);
    onPointer({ x: round(point.x), y: round(point.y) });
    if (!acting) return;
    for (const each of event.getCoalescedEvents?.() ?? [event]) acting.move(at(each), each);
    if (acting.tell && performance.now() - acting.told > tellEveryMs) {
      acting.told = performance.now();
      acting.tell();
    }
  };
  const end = () => {
    acting?.end();
    acting = null;
  };
  root.onpointerup = end;
  root.onpointercancel = end;
  root.onpointerleave = () => onPointer(null);
  root.ondblclick = (event) => {
    const key = under(event);
    if (shapes.get(key)?.item.type === "note") edit(key, shapes.get(key).item);
  };
  root.onwheel = (event) => {
    event.preventDefault();
    if (!event.ctrlKey && !event.metaKey) eye = { ...eye, x: eye.x + event.deltaX / eye.k, y: eye.y + event.deltaY / eye.k };
    else zoom(event.deltaY > 0 ? 0.9 : 1.1, event);
    turn();
  };
  function zoom(by, event) {
    const [before, box] = [event ? at(event) : { x: eye.x + root.clientWidth / 2 / eye.k, y: eye.y + root.clientHeight / 2 / eye.k }, root.getBoundingClientRect()];
    const k = Math.min(6, Math.max(0.1, eye.k * by));
    const [px, py] = event ? [event.clientX - box.left, event.clientY - box.top] : [root.clientWidth / 2, root.clientHeight / 2];
    eye = { x: before.x - px / k, y: before.y - py / k, k };
    turn();
  }
  root.onkeydown = (event) => {
    if (event.key === " ") space = true;
    if ((event.key === "Delete" || event.key === "Backspace") && selected) onErase(selected);
    if (event.key === "Escape") select("");
    if (event.key === " ") event.preventDefault();
  };
  root.onkeyup = ({ key }) => key === " " && (space = false);

  function select(key) {
    const before = selected;
    selected = key;
    for (const each of [before, key]) if (shapes.has(each)) draw(each, shapes.get(each).item);
  }

  return {
    // put draws an item.
    put(key, item) {
      draw(key, item);
      shapes.get(key).kept = true;
      if (editing?.key === key) editing.show();
    },
    drop(key) {
      shapes.get(key)?.node.remove();
      shapes.delete(key);
      hint.hidden = shapes.size > 0;
      if (selected === key) selected = "";
    },
    keys: () => [...shapes.keys()],
    // point shows where somebody else's pointer is; null takes it away.
    point(key, place) {
      if (!place) {
        pointers.get(key)?.node.remove();
        return pointers.delete(key);
      }
      if (!pointers.has(key)) {
        const node = others.appendChild(svg("g", { class: `pointer hue-${hues.includes(place.hue) ? place.hue : "accent"}` }));
        node.append(svg("path", { d: "M0 0L4 13L7 8L13 7Z" }), svg("text", { x: 14, y: 20 }));
        pointers.set(key, { node });
      }
      const pointer = pointers.get(key);
      pointer.place = place;
      pointer.node.lastChild.textContent = place.name ?? "";
      pointer.node.setAttribute("transform", `translate(${place.x} ${place.y}) scale(${1 / eye.k})`);
    },
    use(next) {
      tool = next;
      root.dataset.tool = next;
    },
    paint: (next) => (hue = next),
    zoom: (by) => zoom(by),
    // look shows a place in the middle.
    look({ x, y }) {
      eye = { ...eye, x: x - root.clientWidth / 2 / eye.k, y: y - root.clientHeight / 2 / eye.k };
      turn();
    },
    fit() {
      if (shapes.size === 0) eye = { x: 0, y: 0, k: 1 };
      else {
        const box = items.getBBox();
        const k = Math.min(2, Math.max(0.1, Math.min(root.clientWidth / (box.width + 80), root.clientHeight / (box.height + 80))));
        eye = { x: box.x + box.width / 2 - root.clientWidth / 2 / k, y: box.y + box.height / 2 - root.clientHeight / 2 / k, k };
      }
      turn();
    },
    update() {},
    unmount() {
      element.replaceChildren();
      element.classList.remove("board");
    },
  };
}
