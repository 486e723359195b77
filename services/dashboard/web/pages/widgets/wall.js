// Many small charts on one canvas: each key has a cell with its name, its last value and its line. They share the room there is.

import { fill } from "./canvas.js";
import { colours as resolve } from "./format.js";

const drawEveryMs = 240; // a line of a day says nothing new ten times a second
const [leastWidth, leastHeight, mostHeight] = [132, 44, 132];

// mount makes the wall. cell(row) returns { title, text: [words], unit, way, line: [numbers or null], base, low, high, detail }; onSelect is told a key. The
// last of the words is always shown, and with its unit where there is room.
export function mount(element, { label, cell, onSelect }) {
  element.classList.add("wall");
  element.tabIndex = 0; // it scrolls
  const box = element.appendChild(Object.assign(document.createElement("div"), { className: "wall-box" }));
  let colours = resolve(element);
  const made = fill(box, () => ((all = true), last && draw()));
  const { canvas, size } = made;
  canvas.role = "img";
  canvas.ariaLabel = label;
  let last = null;
  let drawnAt = 0;
  let all = true;
  let grid = { columns: 1, rows: 1, width: 1, height: 1 };
  let hover = "";

  function arrange(count) {
    const [width, room] = [element.clientWidth, element.clientHeight];
    const most = Math.max(1, Math.floor(width / leastWidth));
    let best = null;
    for (let columns = 1; columns <= Math.min(most, count); columns++) {
      const rows = Math.ceil(count / columns);
      const height = Math.min(mostHeight * 3, Math.max(leastHeight, room / rows));
      const shape = width / columns / height;
      const off = Math.abs(Math.log(shape / 2.4)) + (rows * leastHeight > room + 1 ? (columns === most ? 0 : 10) : 0) + (columns * rows - count) / count;
      if (!best || off < best.off) best = { off, columns, rows, width: width / columns, height };
    }
    grid = best ?? grid;
    const tall = `${Math.round(grid.rows * grid.height)}px`;
    if (box.style.height !== tall) {
      box.style.setProperty("height", tall);
      all = true;
    }
  }

  function draw() {
    const { keys, rows, changed, stale, selected } = last;
    arrange(keys.length);
    if (size.width === 0) return;
    const ctx = made.context();
    if (all) ctx.clearRect(0, 0, size.width, size.height);
    const from = element.scrollTop - grid.height;
    const to = element.scrollTop + element.clientHeight;
    keys.forEach((key, i) => {
      if (!rows.has(key)) return; // it left since
      const y = Math.floor(i / grid.columns) * grid.height;
      if (y < from || y > to) return;
      const old = stale(rows.get(key));
      const sign = `${old}${key === selected}${key === hover}`;
      if (!all && !changed.has(key) && signs.get(key) === sign) return;
      signs.set(key, sign);
      paint(ctx, key, rows.get(key), (i % grid.columns) * grid.width, y, old, key === selected);
    });
    all = false;
  }
  const signs = new Map();

  function paint(ctx, key, row, x, y, old, chosen) {
    const { width: w, height: h } = grid;
    const { title, text, unit, way, line, base, low, high, alarm, detail } = cell(row);
    ctx.clearRect(x, y, w, h);
    ctx.save();
    ctx.beginPath();
    ctx.rect(x, y, w, h);
    ctx.clip();
    if (alarm || chosen || key === hover) {
      ctx.fillStyle = alarm ? colours["warn-tint"] : colours.raised;
      ctx.fillRect(x, y, w, h);
    }
    ctx.fillStyle = colours.line;
    ctx.fillRect(x, y + h - 1, w, 1);
    ctx.fillRect(x + w - 1, y, 1, h);
    if (chosen) {
      ctx.fillStyle = colours.accent;
      ctx.fillRect(x, y, 2, h);
    }
    const ink = old ? colours.quiet : alarm ? colours.warn : way === "up" ? colours.up : way === "down" ? colours.down : colours.ink;
    ctx.textBaseline = "alphabetic";
    ctx.font = "600 12px system-ui, sans-serif";
    ctx.fillStyle = old ? colours.quiet : colours.ink;
    const titled = ctx.measureText(title).width;
    ctx.font = "12px system-ui, sans-serif";
    const most = w - 24; // for the title and the words
    const value = text.at(-1) ?? "";
    const full = unit ? `${value} ${unit}` : value;
    const last = ctx.measureText(full).width + titled > most ? value : full;
    ctx.font = "600 12px system-ui, sans-serif";
    ctx.fillText(title, x + 8, y + 17, Math.max(24, most - ctx.measureText(last).width));
    ctx.textAlign = "right";
    ctx.font = "12px system-ui, sans-serif";
    ctx.fillStyle = ink;
    let room = Math.max(ctx.measureText(last).width, most - titled);
    let right = x + w - 8;
    for (const each of w < 190 ? [last] : [...text.slice(0, -1), last].reverse()) { // what matters most stands last, and the others where there is room
      const wide = ctx.measureText(each).width;
      if (wide > room) break;
      ctx.fillText(each, right, y + 17);
      room -= wide + 10;
      right -= wide + 10;
    }
    if (detail && h > 72) {
      ctx.textAlign = "left";
      ctx.fillStyle = colours.quiet;
      ctx.fillText(detail, x + 8, y + 33);
    }
    sketch(ctx, line, { x: x + 8, y: y + (detail && h > 72 ? 40 : 24), w: w - 16, h: h - (detail && h > 72 ? 48 : 32) }, { base, low, high, ink });
    ctx.restore();
  }

  function sketch(ctx, line, box, { base, low, high, ink }) {
    const values = line.filter((n) => n !== null);
    if (values.length < 2 || box.h < 8) return;
    const [least, most] = [Math.min(...values, base ?? Infinity), Math.max(...values, base ?? -Infinity)];
    const air = (most - least) * 0.08 || Math.abs(most) * 0.01 || 1;
    const [bottom, top] = [least - air, most + air];
    const at = (n) => box.y + box.h * (1 - (n - bottom) / (top - bottom));
    for (const limit of [base, low, high]) {
      if (limit === undefined || limit < bottom || limit > top) continue;
      ctx.fillStyle = limit === base ? colours.line : colours.warn;
      for (let x = 0; x < box.w; x += 5) ctx.fillRect(box.x + x, Math.round(at(limit)), limit === base ? 5 : 3, 1);
    }
    ctx.strokeStyle = ink;
    ctx.lineWidth = 1.25;
    ctx.lineJoin = "round";
    ctx.beginPath();
    let pen = false;
    line.forEach((n, i) => {
      if (n === null) return (pen = false);
      const [px, py] = [box.x + (box.w * i) / (line.length - 1), at(n)];
      if (pen) ctx.lineTo(px, py);
      else ctx.moveTo(px, py);
      pen = true;
    });
    ctx.stroke();
  }

  const under = ({ offsetX, offsetY }) => last?.keys[Math.floor(offsetY / grid.height) * grid.columns + Math.floor(offsetX / grid.width)] ?? "";
  const repaint = () => {
    all = true;
    if (last) draw();
  };
  canvas.onclick = (event) => under(event) && onSelect(under(event));
  canvas.onpointermove = (event) => {
    const key = under(event);
    if (key === hover) return;
    hover = key;
    canvas.style.setProperty("cursor", key ? "pointer" : "default");
    if (last) draw();
  };
  canvas.onpointerleave = () => ((hover = ""), last && draw());
  element.addEventListener("scroll", repaint, { passive: true });

  return {
    // update draws what is in changed, some time later if it has just drawn: call it again within a second or so. keys are those that are shown, in their order.
    update({ keys, rows, changed, stale, selected }) {
      const same = last && last.selected === selected && last.rows === rows && last.keys.length === keys.length && keys.every((key, i) => key === last.keys[i]);
      if (!same) all = true;
      last = { keys, rows, changed: last?.changed.union(changed) ?? new Set(changed), stale, selected };
      if (!all && performance.now() - drawnAt < drawEveryMs) return; // it is called again soon
      draw();
      drawnAt = performance.now();
      last.changed = new Set();
    },
    repaint() {
      colours = resolve(element);
      repaint();
    },
    unmount() {
      made.unmount();
      element.removeEventListener("scroll", repaint);
      element.replaceChildren();
    },
  };
}
