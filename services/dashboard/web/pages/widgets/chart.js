// One line over time: now at the right edge, its last value labelled there, breaks where something is missing.

import uPlot from "/vendor/uplot/uPlot.esm.js";
import { price, time } from "../prices.js";

const height = 180;
const gutter = 76; // to the right of now: the axis and the label
const tableRows = 50;
const shortest = 15; // seconds that are shown at least; a young line fills the width, and the span is the most

// mount makes a figure in element. Charts of one page share a crosshair; colours() returns { ink, quiet, line, ground, warn }.
export function mount(element, { symbol, name, unit, spanMs, colours }) {
  const figure = element.appendChild(document.createElement("figure"));
  figure.className = "chart";
  figure.dataset.key = symbol;
  const caption = figure.appendChild(document.createElement("figcaption"));
  const part = (tag, className, textContent = "") => caption.appendChild(Object.assign(document.createElement(tag), { className, textContent }));
  part("span", "symbol", symbol);
  part("span", "name quiet", name);
  const reading = part("span", "reading quiet");
  const toggle = part("button", "", "Table");
  toggle.ariaLabel = `Table of ${symbol}`;
  toggle.ariaPressed = "false";
  const plot = figure.appendChild(document.createElement("div"));
  plot.className = "plot";
  plot.role = "img";
  const data = figure.appendChild(document.createElement("div"));
  data.className = "data";
  data.hidden = true;
  data.tabIndex = 0;

  let row = null;
  let edge = 0; // now, in seconds
  let drawn = 0;
  let holds = false; // a price holds until the next one, while we can know that none is missing
  let near = true;

  toggle.onclick = () => {
    data.hidden = !data.hidden;
    plot.hidden = !data.hidden;
    toggle.ariaPressed = String(!data.hidden);
    if (row) draw();
  };

  const shade = () => (figure.hasAttribute("data-stale") ? colours().quiet : colours().ink);
  const axis = { stroke: () => colours().quiet, grid: { stroke: () => colours().line, width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
  const chart = new uPlot(
    {
      width: Math.max(plot.clientWidth, 200),
      height,
      padding: [22, 0, 0, 4], // above the axis stands its unit
      legend: { show: false },
      cursor: { sync: { key: "page" }, drag: { x: false, y: false }, y: false, points: { size: 6 } },
      scales: { x: { range: () => [Math.max(edge - spanMs() / 1000, Math.min(row?.times[0] ?? edge, edge - shortest)), edge] }, y: { range: (_, low, high) => around(low, high) } },
      axes: [
        { ...axis, size: 24, gap: 4, space: 72, values: moments },
        { ...axis, side: 1, size: gutter, gap: 6, space: 32, values: levels },
      ],
      series: [{}, { stroke: () => shade(), width: 1.5, paths: uPlot.paths.stepped({ align: 1 }), points: { show: false }, spanGaps: false, gaps: wider }],
      hooks: { drawClear: [(u) => row && missing(u, row.gaps, colours())], draw: [(u) => row && mark(u, row, unit, { ...colours(), ink: shade() })], setCursor: [(u) => read(u.cursor.idx)] },
    },
    [[], []],
    plot,
  );

  const resized = new ResizeObserver(() => plot.clientWidth > 0 && chart.setSize({ width: plot.clientWidth, height }));
  resized.observe(plot);
  const seen = new IntersectionObserver(([entry]) => (near = entry.isIntersecting), { rootMargin: "50%" });
  seen.observe(figure);

  // read says what stands under the crosshair, else the last value.
  function read(i) {
    if (!row) return;
    const at = i ?? -1;
    const known = at >= 0 && at < row.times.length && row.prices[at] !== null;
    const text = known ? `${time(row.times[at] * 1000)}  ${row.dates[at]}  ${price(row.prices[at])}` : price(row.price);
    if (reading.textContent !== text) reading.textContent = text;
  }

  function draw() {
    const { times, prices } = row;
    if (!data.hidden) return list(data, row, unit);
    chart.setData(holds && times.at(-1) < edge ? [[...times, edge], [...prices, prices.at(-1)]] : [times, prices]);
    read(chart.cursor.idx);
  }

  return {
    figure,
    // update draws again if the row has changed or time has moved by a pixel. Nothing is drawn far off the screen.
    update({ row: next, changed, now, live, stale }) {
      const turned = holds !== (live && !stale) || figure.hasAttribute("data-stale") !== stale; // it must not look live any longer
      figure.toggleAttribute("data-stale", stale);
      figure.toggleAttribute("data-gap", next.gaps.length > 0);
      row = next;
      const moved = now - drawn >= spanMs() / Math.max(200, plot.clientWidth - gutter);
      if (!near || (!changed && !moved && !turned)) return;
      if (changed && data.hidden) plot.ariaLabel = `${symbol}: ${price(row.price)} ${unit}, ${row.date}${row.gaps.length ? ", with a gap where updates were missed" : ""}`;
      drawn = now;
      edge = now / 1000;
      holds = live && !stale;
      draw();
    },
    repaint: () => chart.redraw(false),
    unmount() {
      resized.disconnect();
      seen.disconnect();
      chart.destroy();
      figure.remove();
    },
  };
}

// wider lets a gap end a pixel later, so that the step out of it is not seen at its edge.
function wider(_u, _series, _from, _to, gaps) {
  return gaps.map(([from, to]) => [from, to + devicePixelRatio]);
}

// moments names the times of the axis, but for those that would be cut off or touch the word "now".
function moments(u, splits) {
  const right = u.bbox.width / devicePixelRatio;
  const room = (at) => at >= 28 && at <= right - 36;
  return splits.map((s) => (room(u.valToPos(s, "x")) ? time(s * 1000) : ""));
}

// levels names the levels of the price axis, but for those that the last value's label would cover.
function levels(u, splits, _, __, step) {
  const last = u.data[1].findLast((n) => n !== null);
  const covered = (n) => last !== undefined && Math.abs(u.valToPos(n, "y") - u.valToPos(last, "y")) < 16;
  return splits.map((n) => (covered(n) ? "" : n.toLocaleString("en", { minimumFractionDigits: step < 1 ? 2 : 0 })));
}

// around is the range of an axis: the values with some air, never without height.
function around(low, high) {
  if (low === null) return [0, 1];
  const air = Math.max((high - low) * 0.12, Math.abs(high) * 0.002, 0.01);
  return [low - air, high + air];
}

// missing marks where updates were missed: a band with its word, however narrow it is.
function missing(u, gaps, { warn }) {
  const { ctx, bbox } = u;
  const px = devicePixelRatio;
  const within = (seconds) => Math.min(bbox.left + bbox.width, Math.max(bbox.left, u.valToPos(seconds, "x", true)));
  ctx.save();
  ctx.fillStyle = ctx.strokeStyle = warn;
  ctx.font = `${12 * px}px system-ui, sans-serif`;
  ctx.textBaseline = "bottom";
  ctx.textAlign = "center";
  ctx.setLineDash([2 * px, 3 * px]);
  for (const { from, to } of gaps) {
    const [left, right] = [within(from), within(to)];
    if (right <= bbox.left) continue;
    ctx.globalAlpha = 0.16;
    ctx.fillRect(left, bbox.top, Math.max(px, right - left), bbox.height);
    ctx.globalAlpha = 1;
    for (const x of [left, right]) {
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
    }
    ctx.fillText("gap", Math.max(bbox.left + 12 * px, Math.min((left + right) / 2, bbox.left + bbox.width - 12 * px)), bbox.top - 2 * px);
  }
  ctx.restore();
}

// mark draws now, the unit, and the last value at the end of its line.
function mark(u, row, unit, { ink, quiet, ground }) {
  const { ctx, bbox } = u;
  const px = devicePixelRatio;
  const right = bbox.left + bbox.width;
  const y = Math.min(bbox.top + bbox.height, Math.max(bbox.top, u.valToPos(row.price, "y", true)));
  ctx.save();
  ctx.fillStyle = quiet;
  ctx.fillRect(Math.round(right), bbox.top, Math.max(1, Math.round(px)), bbox.height + 4 * px);
  ctx.font = `${12 * px}px system-ui, sans-serif`;
  ctx.textBaseline = "middle";
  ctx.textAlign = "left";
  ctx.fillText("now", right + 6 * px, bbox.top + bbox.height + 12 * px);
  ctx.fillText(unit, right + 6 * px, bbox.top - 15 * px);
  ctx.fillStyle = ink;
  ctx.fillRect(right, y - 9 * px, gutter * px, 18 * px);
  ctx.fillStyle = ground;
  ctx.font = `600 ${12 * px}px system-ui, sans-serif`;
  ctx.fillText(price(row.price), right + 6 * px, y + px / 2);
  ctx.restore();
}

// list shows the newest points as a table.
function list(element, row, unit) {
  const table = document.createElement("table");
  table.ariaLabel = `${row.key}, newest first`;
  const head = table.createTHead().insertRow();
  for (const [title, figure] of [["Time"], ["Recorded", true], [`Price, ${unit}`, true]]) {
    head.appendChild(Object.assign(document.createElement("th"), { textContent: title, scope: "col", className: figure ? "figure" : "" }));
  }
  const body = table.createTBody();
  for (let i = row.times.length - 1; i >= 0 && body.rows.length < tableRows; i--) {
    const none = row.prices[i] === null;
    const tr = body.insertRow();
    tr.insertCell().textContent = none ? row.dates[i] || "pause" : time(row.times[i] * 1000);
    for (const text of none ? ["", ""] : [row.dates[i], price(row.prices[i])]) Object.assign(tr.insertCell(), { textContent: text, className: "figure" });
  }
  const { scrollTop } = element;
  element.replaceChildren(table);
  element.scrollTop = scrollTop;
}
