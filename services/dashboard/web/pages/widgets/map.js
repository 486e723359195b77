// A map without a tile server: land and borders from a file, and what moves on it. Things glide to where they were last seen; what was not heard of
// is hollow and says how long.

import { fill } from "./canvas.js";
import { age, colours as resolve } from "./format.js";

const degree = Math.PI / 180;
const north = (lat) => Math.log(Math.tan(Math.PI / 4 + (lat * degree) / 2)) / degree; // Mercator, in degrees
const lat = (y) => (2 * Math.atan(Math.exp(y * degree)) - Math.PI / 2) / degree;
const frameMs = 80;
const [crowdRadius, leastCrowd] = [15, 3]; // pixels; things

// mount takes shapes(), a promise of { scale, land, borders }; places [{ name, lat, lon }]; glideMs, how long a thing takes to its next place; onSelect, which is
// told a key or ""; and onView, which is told the box that is seen.
export function mount(element, { label, shapes, places = [], box, glideMs, onSelect, onView }) {
  element.classList.add("map");
  let colours = resolve(element);
  let paths = null;
  let seen = null; // { x, y, k }: what is in the middle, and pixels per degree
  let rows = new Map();
  let [selected, stale, now, live] = ["", () => false, 0, true];
  const shown = new Map(); // key -> { from, to, at }: between which places it glides, and since when
  let ground = null; // land, drawn once for each view
  let drawn = 0;
  let crowds = []; // as they were drawn
  let timer = 0;
  const made = fill(element, () => {
    ground = null;
    if (!seen || !touched) fit();
    draw();
  });
  const { canvas, size } = made;
  canvas.role = "img";
  canvas.ariaLabel = label;
  canvas.tabIndex = 0;
  let touched = false;
  shapes().then((data) => {
    paths = { land: outline(data.land, data.scale, true), borders: outline(data.borders, data.scale, false) };
    ground = null;
    draw();
  }, () => {});

  function outline(lines, scale, closed) {
    const path = new Path2D();
    for (const line of lines) {
      let [x, y] = [0, 0];
      for (let i = 0; i < line.length; i += 2) {
        x += line[i];
        y += line[i + 1];
        if (i === 0) path.moveTo(x / scale, -north(y / scale));
        else path.lineTo(x / scale, -north(y / scale));
      }
      if (closed) path.closePath();
    }
    return path;
  }

  function fit() {
    if (size.width === 0) return;
    const [[west, south], [east, top]] = box;
    const k = Math.min(size.width / (east - west), size.height / (north(top) - north(south)));
    seen = { x: (west + east) / 2, y: (north(south) + north(top)) / 2, k };
    tellView();
  }
  const X = (lon) => size.width / 2 + (lon - seen.x) * seen.k;
  const Y = (at) => size.height / 2 - (north(at) - seen.y) * seen.k;

  let telling = 0;
  function tellView() {
    clearTimeout(telling);
    telling = setTimeout(() => {
      const [w, h] = [size.width / 2 / seen.k, size.height / 2 / seen.k];
      onView({ west: seen.x - w, east: seen.x + w, south: lat(seen.y - h), north: lat(seen.y + h) });
    }, 250);
  }

  function drawGround() {
    ground = new OffscreenCanvas(Math.max(1, canvas.width), Math.max(1, canvas.height));
    const ctx = ground.getContext("2d");
    ctx.fillStyle = colours.sea;
    ctx.fillRect(0, 0, canvas.width, canvas.height);
    if (!paths) return;
    const { px } = size;
    ctx.setTransform(seen.k * px, 0, 0, seen.k * px, (size.width / 2 - seen.x * seen.k) * px, (size.height / 2 + seen.y * seen.k) * px);
    ctx.fillStyle = colours.land;
    ctx.fill(paths.land);
    ctx.lineWidth = 1 / seen.k;
    ctx.strokeStyle = colours.line;
    ctx.stroke(paths.borders);
    ctx.strokeStyle = colours.quiet;
    ctx.globalAlpha = 0.5;
    ctx.stroke(paths.land);
  }

  // place is where a thing is drawn now.
  function place(key, row) {
    const glide = shown.get(key);
    const part = Math.min(1, (performance.now() - glide.at) / glideMs);
    return [glide.from[0] + (row.lon - glide.from[0]) * part, glide.from[1] + (row.lat - glide.from[1]) * part, part];
  }

  function draw() {
    clearTimeout(timer);
    timer = 0;
    if (!seen || size.width === 0) return;
    if (!ground) drawGround();
    drawn = performance.now();
    const ctx = made.context();
    ctx.save();
    ctx.setTransform(1, 0, 0, 1, 0, 0);
    ctx.drawImage(ground, 0, 0);
    ctx.restore();
    scale(ctx);
    names(ctx);
    let moving = false;
    const seenNow = [];
    for (const [key, row] of rows) {
      if (!shown.has(key)) continue; // it has come since the last update
      const [lon, at, part] = place(key, row);
      const [x, y] = [X(lon), Y(at)];
      if (x < -40 || y < -40 || x > size.width + 40 || y > size.height + 40) continue;
      moving ||= part < 1;
      seenNow.push({ key, row, x, y });
    }
    crowds = gather(seenNow);
    const hidden = new Set(crowds.flatMap(({ all }) => all));
    for (const each of seenNow) {
      if (hidden.has(each)) continue;
      trail(ctx, each.row, [each.x, each.y], each.key === selected);
      thing(ctx, each.key, each.row, each.x, each.y);
    }
    for (const crowd of crowds) circle(ctx, crowd);
    if (moving && live && !document.hidden) timer = setTimeout(() => requestAnimationFrame(draw), frameMs);
  }

  // gather finds where so many things stand upon each other that none could be told from the others. The one that is chosen, and what was not heard of, stay
  // alone.
  function gather(all) {
    const left = new Set(all.filter(({ key, row }) => key !== selected && !stale(row)));
    const found = [];
    for (const first of left) {
      const near = [...left].filter(({ x, y }) => Math.hypot(x - first.x, y - first.y) < crowdRadius);
      if (near.length < leastCrowd) continue;
      for (const each of near) left.delete(each);
      const mean = (of) => near.reduce((sum, each) => sum + of(each), 0) / near.length;
      found.push({ all: near, x: mean(({ x }) => x), y: mean(({ y }) => y), r: 9 + Math.min(9, Math.sqrt(near.length) * 1.5) });
    }
    return found;
  }

  function circle(ctx, { all, x, y, r }) {
    const late = all.some(({ row }) => row.status === "delayed");
    ctx.beginPath();
    ctx.arc(x, y, r, 0, 2 * Math.PI);
    ctx.fillStyle = colours.ground;
    ctx.fill();
    ctx.lineWidth = 2;
    ctx.strokeStyle = late ? colours.warn : colours.up;
    ctx.stroke();
    ctx.font = "600 12px system-ui, sans-serif";
    ctx.fillStyle = colours.ink;
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    ctx.fillText(`${all.length}`, x, y + 0.5);
    ctx.textAlign = "start";
    ctx.textBaseline = "alphabetic";
  }

  function trail(ctx, row, [x, y], chosen) {
    const trail = row.trail ?? [];
    if (trail.length < 2) return;
    ctx.strokeStyle = chosen ? colours.accent : colours.quiet;
    ctx.lineWidth = chosen ? 2 : 1;
    ctx.globalAlpha = chosen ? 0.9 : 0.35;
    ctx.beginPath();
    trail.forEach(([lon, at], i) => (i ? ctx.lineTo(X(lon), Y(at)) : ctx.moveTo(X(lon), Y(at))));
    ctx.lineTo(x, y);
    ctx.stroke();
    ctx.globalAlpha = 1;
  }

  function thing(ctx, key, row, x, y) {
    const old = stale(row);
    const ink = old ? colours.quiet : row.status === "delayed" ? colours.warn : row.status === "loading" ? colours.accent : colours.up;
    const r = key === selected ? 8 : Math.min(7, 4.5 + seen.k / 60);
    ctx.save();
    ctx.translate(x, y);
    ctx.beginPath();
    if (row.status === "loading") ctx.rect(-r * 0.7, -r * 0.7, r * 1.4, r * 1.4);
    else {
      ctx.rotate((row.heading ?? 0) * degree);
      ctx.moveTo(0, -r * 1.3);
      ctx.lineTo(r * 0.85, r);
      ctx.lineTo(0, r * 0.5);
      ctx.lineTo(-r * 0.85, r);
      ctx.closePath();
    }
    ctx.fillStyle = old ? colours.land : ink;
    ctx.fill();
    ctx.strokeStyle = old ? ink : colours.ground;
    ctx.lineWidth = 1;
    if (old) ctx.setLineDash([2, 2]);
    ctx.stroke();
    ctx.restore();
    if (key === selected || (old && seen.k > 34) || seen.k > 90) {
      ctx.font = `${key === selected ? 600 : 400} 12px system-ui, sans-serif`;
      ctx.fillStyle = key === selected ? colours.ink : colours.quiet;
      ctx.strokeStyle = colours.land;
      ctx.lineWidth = 3;
      ctx.strokeText(old ? `${key}, ${age(now - row.time)} ago` : key, x + 10, y + 4);
      ctx.fillText(old ? `${key}, ${age(now - row.time)} ago` : key, x + 10, y + 4);
    }
  }

  // names writes those of places, the largest first, where there is room.
  function names(ctx) {
    const taken = [];
    ctx.font = "12px system-ui, sans-serif";
    for (const [name, at, lon] of places) {
      const [x, y] = [X(lon), Y(at)];
      if (x < 0 || y < 0 || x > size.width || y > size.height || (x < 260 && y > size.height - 44)) continue; // there stands the scale
      const w = ctx.measureText(name).width;
      if (taken.some(([a, b, c]) => Math.abs(b - y) < 18 && x < a + c + 16 && a < x + w + 16)) continue;
      taken.push([x, y, w]);
      ctx.fillStyle = colours.quiet;
      ctx.fillRect(x - 1.5, y - 1.5, 3, 3);
      ctx.globalAlpha = 0.8;
      ctx.fillText(name, Math.min(x + 6, size.width - w - 4), y - 5); // nothing is cut off at the edge
      ctx.globalAlpha = 1;
    }
  }

  // scale draws a length that a reader can compare with.
  function scale(ctx) {
    const perPixel = (111.2 * Math.cos(lat(seen.y) * degree)) / seen.k;
    const km = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].find((each) => each / perPixel > 60) ?? 1000;
    const [x, y, w] = [16, size.height - 16, km / perPixel];
    ctx.strokeStyle = ctx.fillStyle = colours.quiet;
    ctx.lineWidth = 1;
    ctx.beginPath();
    ctx.moveTo(x, y - 4);
    ctx.lineTo(x, y);
    ctx.lineTo(x + w, y);
    ctx.lineTo(x + w, y - 4);
    ctx.stroke();
    ctx.font = "12px system-ui, sans-serif";
    ctx.fillText(`${km} km`, x + w + 6, y);
  }

  function zoom(by, x = size.width / 2, y = size.height / 2) {
    const k = Math.min(1200, Math.max(20, seen.k * by));
    seen = { x: seen.x + (x - size.width / 2) * (1 / seen.k - 1 / k), y: seen.y - (y - size.height / 2) * (1 / seen.k - 1 / k), k };
    look();
  }
  function look() {
    touched = true;
    ground = null;
    tellView();
    draw();
  }
  canvas.onwheel = (event) => {
    event.preventDefault();
    zoom(event.deltaY > 0 ? 0.8 : 1.25, event.offsetX, event.offsetY);
  };
  canvas.onkeydown = ({ key }) => {
    const by = { ArrowLeft: [-60, 0], ArrowRight: [60, 0], ArrowUp: [0, -60], ArrowDown: [0, 60] }[key];
    if (key === "+" || key === "-") return zoom(key === "+" ? 1.25 : 0.8);
    if (!by) return;
    seen = { ...seen, x: seen.x + by[0] / seen.k, y: seen.y - by[1] / seen.k };
    look();
  };
  canvas.onpointerdown = (event) => {
    const start = { ...seen, px: event.offsetX, py: event.offsetY };
    let moved = false;
    canvas.setPointerCapture(event.pointerId);
    canvas.onpointermove = ({ offsetX, offsetY }) => {
      moved ||= Math.hypot(offsetX - start.px, offsetY - start.py) > 4;
      if (!moved) return;
      seen = { k: start.k, x: start.x - (offsetX - start.px) / start.k, y: start.y + (offsetY - start.py) / start.k };
      look();
    };
    canvas.onpointerup = ({ offsetX, offsetY }) => {
      canvas.onpointermove = canvas.onpointerup = null;
      if (moved) return;
      const crowd = crowds.find(({ x, y, r }) => Math.hypot(x - offsetX, y - offsetY) < r);
      if (crowd) zoom(2.5, crowd.x, crowd.y);
      else onSelect(nearest(offsetX, offsetY));
    };
  };
  function nearest(x, y) {
    let best = ["", 16];
    for (const [key, row] of rows) {
      if (!shown.has(key)) continue;
      const [lon, at] = place(key, row);
      const off = Math.hypot(X(lon) - x, Y(at) - y);
      if (off < best[1]) best = [key, off];
    }
    return best[0];
  }

  return {
    // update takes the rows, each with lat and lon, of which those in changed have moved.
    update(next) {
      for (const key of next.changed) {
        const row = next.rows.get(key);
        if (!row) continue;
        const before = rows.get(key);
        const from = before && shown.has(key) ? place(key, shown.get(key).row).slice(0, 2) : [row.lon, row.lat];
        const far = Math.hypot(from[0] - row.lon, from[1] - row.lat) > 2; // it was away, and does not fly
        shown.set(key, { from: far ? [row.lon, row.lat] : from, at: performance.now(), row });
      }
      for (const key of shown.keys()) if (!next.rows.has(key)) shown.delete(key);
      rows = next.rows;
      ({ selected, stale, now, live } = next);
      if (!timer && performance.now() - drawn > frameMs) draw();
    },
    zoom,
    reset() {
      fit();
      touched = false;
      ground = null;
      draw();
    },
    repaint() {
      colours = resolve(element);
      ground = null;
      draw();
    },
    unmount() {
      clearTimeout(timer);
      clearTimeout(telling);
      made.unmount();
    },
  };
}
