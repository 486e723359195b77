// One chart over time that fills its element: bars with open, high, low and close where it is zoomed out, and a line of single values where
// it is zoomed in. Now is at the right edge, the last value is labelled there, and what is missing is not bridged.

import uPlot from "/vendor/uplot/uPlot.esm.js";
import { colours as resolve, compact, figure, minute, time } from "./format.js";

const gutter = 84; // to the right of now: the axis and the label
const leastBar = 6; // pixels

// mount makes the chart. onZoom is told the span that a user wants to see, in milliseconds.
export function mount(element, { label, onZoom }) {
  let colours = resolve(element);
  let data = null; // what update was given
  let candles = []; // as drawn: [time, open, high, low, close, volume]
  const reading = element.appendChild(Object.assign(document.createElement("p"), { className: "reading quiet", ariaHidden: "true" }));
  const plot = element.appendChild(Object.assign(document.createElement("div"), { className: "plot", role: "img", ariaLabel: label }));
  const axis = { stroke: () => colours.quiet, grid: { stroke: () => colours.line, width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
  const chart = new uPlot(
    {
      width: Math.max(plot.clientWidth, 200),
      height: Math.max(plot.clientHeight, 80),
      padding: [12, 0, 0, 0],
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, points: { show: false }, sync: { key: "page" } },
      scales: { x: { range: () => [data ? data.from / 1000 : 0, data ? data.to / 1000 : 1] }, y: { range: () => heights() } },
      axes: [
        { ...axis, size: 26, gap: 6, space: 84, values: (u, splits, _, __, step) => splits.map((s) => (u.bbox.width / devicePixelRatio - u.valToPos(s, "x") < 40 ? "" : step < 60 ? time(s * 1000) : minute(s * 1000))) },
        { ...axis, side: 1, size: gutter, gap: 6, space: 36, values: levels },
      ],
      series: [{}, { paths: () => null, points: { show: false } }],
      hooks: { drawAxes: [() => data && paint()], setCursor: [() => read()] },
    },
    [[], []],
    plot,
  );
  // signOf is the same as long as the chart looks the same: now moves by pixels.
  function signOf({ from, to, times, bars, gaps = [], limits = [], last, way, decimals, unit, live, stale }) {
    const pixel = (to - from) / Math.max(1, chart.bbox.width);
    const line = times ?? bars;
    return [Math.floor(to / pixel), Math.round(to - from), line.length, line.at(-1), line[0], gaps.length, limits.map(({ value, text }) => `${value} ${text}`), last, way, decimals, unit, live, stale].join("|");
  }
  let drawn = "";
  const resized = new ResizeObserver(() => {
    if (plot.clientWidth === 0) return;
    chart.setSize({ width: plot.clientWidth, height: plot.clientHeight });
    if (data) draw();
  });
  resized.observe(plot);
  plot.addEventListener("wheel", (event) => {
    if (!data || !onZoom) return;
    event.preventDefault();
    onZoom((data.to - data.from) * (event.deltaY > 0 ? 1.25 : 0.8));
  }, { passive: false });

  const lined = () => data.bars === undefined;

  // heights are the range of the axis: the values that are seen with some air, never without height.
  function heights() {
    let [low, high] = [Infinity, -Infinity];
    const take = (a, b = a) => {
      low = Math.min(low, a);
      high = Math.max(high, b);
    };
    if (data && lined()) for (let i = 0; i < data.times.length; i++) data.times[i] >= data.from && data.values[i] !== null && take(data.values[i]);
    if (data && !lined()) for (const [, , h, l] of candles) take(l, h);
    if (data?.last !== undefined) take(data.last);
    if (low === Infinity) return [0, 1];
    for (const { value } of data.limits ?? []) if (value > low - (high - low) * 1.5 && value < high + (high - low) * 1.5) take(value);
    const air = Math.max((high - low) * 0.1, Math.abs(high) * 0.0001, 1e-9);
    return [low - air * (lined() ? 1 : 2.2), high + air];
  }

  function levels(u, splits) {
    const covered = (n) => data?.last !== undefined && Math.abs(u.valToPos(n, "y") - u.valToPos(data.last, "y")) < 16;
    return splits.map((n) => (covered(n) ? "" : figure(n, data?.decimals)));
  }

  // gather makes bars wide enough to be seen out of those there are.
  function gather() {
    const { bars, stepMs, from, to } = data;
    const width = Math.max(100, chart.width - gutter); // the element is not asked, which would have it laid out anew
    const most = Math.max(8, Math.floor(width / leastBar));
    const every = Math.max(1, Math.ceil((to - from) / stepMs / most));
    const made = [];
    for (const [at, open, high, low, close, volume] of bars) {
      if (at + stepMs < from) continue;
      const start = Math.floor(at / (stepMs * every)) * stepMs * every;
      const bar = made.at(-1);
      if (bar?.[0] !== start) made.push([start, open, high, low, close, volume]);
      else made[made.length - 1] = [start, bar[1], Math.max(bar[2], high), Math.min(bar[3], low), close, bar[5] + volume];
    }
    return { made, step: stepMs * every };
  }
  let barMs = 0;

  function draw() {
    if (lined()) candles = [];
    else ({ made: candles, step: barMs } = gather());
    const xs = lined() ? data.times : candles.map(([at]) => at + barMs / 2);
    chart.setData([xs.map((at) => at / 1000), lined() ? data.values : candles.map(([, , , , close]) => close)]);
    read();
  }

  function paint() {
    const { ctx, bbox } = chart;
    const px = devicePixelRatio;
    const X = (at) => chart.valToPos(at / 1000, "x", true);
    const Y = (n) => chart.valToPos(n, "y", true);
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    missing(ctx, bbox, X, px);
    if (lined()) stepped(ctx, X, Y, px);
    else bars(ctx, bbox, X, Y, px);
    ctx.restore();
    limits(ctx, bbox, Y, px);
    lastValue(ctx, bbox, Y, px);
  }

  function missing(ctx, bbox, X, px) {
    for (const [from, to] of data.gaps ?? []) {
      const [left, right] = [X(from), X(to)];
      ctx.fillStyle = colours["warn-tint"];
      ctx.fillRect(left, bbox.top, Math.max(px, right - left), bbox.height);
      ctx.fillStyle = colours.warn;
      ctx.font = `${12 * px}px system-ui, sans-serif`;
      ctx.textAlign = "center";
      ctx.fillText("gap", (left + right) / 2, bbox.top + 14 * px);
    }
  }

  function stepped(ctx, X, Y, px) {
    ctx.strokeStyle = data.stale ? colours.quiet : colours.ink;
    ctx.lineWidth = 1.5 * px;
    ctx.lineJoin = "round";
    ctx.beginPath();
    let y = null;
    data.times.forEach((at, i) => {
      const n = data.values[i];
      if (n === null) return (y = null);
      const next = Y(n);
      if (y === null) ctx.moveTo(X(at), next);
      else {
        if (data.stepped) ctx.lineTo(X(at), y);
        ctx.lineTo(X(at), next);
      }
      y = next;
    });
    if (y !== null && data.live && !data.stale) ctx.lineTo(X(data.to), y);
    ctx.stroke();
  }

  function bars(ctx, bbox, X, Y, px) {
    const width = Math.max(px, X(barMs) - X(0) - Math.max(1, Math.round(1.5 * px)));
    const most = Math.max(1, ...candles.map((bar) => bar[5]));
    const floor = bbox.top + bbox.height;
    for (const [at, open, high, low, close, volume] of candles) {
      const left = Math.round(X(at) + px);
      const middle = Math.round(left + width / 2);
      const up = close >= open;
      const ink = data.stale ? colours.quiet : up ? colours.up : colours.down;
      ctx.fillStyle = colours.line;
      const tall = (volume / most) * bbox.height * 0.14;
      ctx.fillRect(left, floor - tall, width, tall);
      ctx.fillStyle = ink;
      ctx.fillRect(middle - Math.round(px / 2), Y(high), Math.max(1, Math.round(px)), Math.max(1, Y(low) - Y(high)));
      const [top, bottom] = [Y(Math.max(open, close)), Y(Math.min(open, close))];
      ctx.fillRect(left, top, width, Math.max(px, bottom - top));
      if (up && width > 4 * px && bottom - top > 3 * px) { // hollow where it rose: not told by colour alone
        ctx.fillStyle = colours.ground;
        ctx.fillRect(left + px, top + px, width - 2 * px, bottom - top - 2 * px);
      }
    }
  }

  function limits(ctx, bbox, Y, px) {
    ctx.save();
    ctx.font = `${12 * px}px system-ui, sans-serif`;
    ctx.setLineDash([5 * px, 4 * px]);
    ctx.lineWidth = px;
    for (const { value, text, kind } of data.limits ?? []) {
      const y = Math.round(Y(value)) + 0.5;
      if (y < bbox.top || y > bbox.top + bbox.height) continue;
      ctx.strokeStyle = ctx.fillStyle = kind === "alarm" ? colours.warn : colours.quiet;
      ctx.beginPath();
      ctx.moveTo(bbox.left, y);
      ctx.lineTo(bbox.left + bbox.width, y);
      ctx.stroke();
      ctx.textAlign = "left";
      ctx.textBaseline = "bottom";
      ctx.fillText(text, bbox.left + 8 * px, y - 3 * px);
    }
    ctx.restore();
  }

  function lastValue(ctx, bbox, Y, px) {
    if (data.last === undefined) return;
    const right = bbox.left + bbox.width;
    const y = Math.min(bbox.top + bbox.height, Math.max(bbox.top, Y(data.last)));
    const ink = data.stale ? colours.quiet : data.way === "up" ? colours.up : data.way === "down" ? colours.down : colours.ink;
    ctx.save();
    ctx.fillStyle = colours.quiet;
    ctx.fillRect(Math.round(right), bbox.top, Math.max(1, Math.round(px)), bbox.height);
    ctx.font = `${12 * px}px system-ui, sans-serif`;
    ctx.textBaseline = "middle";
    ctx.fillText("now", right + 6 * px, bbox.top + bbox.height + 14 * px);
    ctx.strokeStyle = ink;
    ctx.globalAlpha = 0.5;
    ctx.setLineDash([1 * px, 3 * px]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(right, y);
    ctx.stroke();
    ctx.globalAlpha = 1;
    ctx.fillStyle = ink;
    ctx.fillRect(right, y - 10 * px, gutter * px, 20 * px);
    ctx.fillStyle = colours.ground;
    ctx.font = `600 ${12 * px}px system-ui, sans-serif`;
    ctx.fillText(figure(data.last, data.decimals), right + 6 * px, y + px / 2);
    ctx.restore();
  }

  // read says what stands under the crosshair, else the last bar or value.
  function read() {
    if (!data) return;
    const i = chart.cursor.idx ?? null;
    let text = "";
    if (!lined()) {
      const bar = candles[i ?? candles.length - 1];
      if (bar) text = [minute(bar[0]), ...["O", "H", "L", "C"].map((name, at) => `${name} ${figure(bar[at + 1], data.decimals)}`), ...(bar[5] ? [`V ${compact(bar[5])}`] : [])].join("  ");
    } else {
      const at = i ?? data.times.length - 1;
      if (data.times[at] !== undefined) text = `${time(data.times[at])}   ${figure(data.values[at], data.decimals)} ${data.unit ?? ""}`;
    }
    if (reading.textContent !== text) reading.textContent = text;
  }

  return {
    // update takes bars [[time, open, high, low, close, volume], …] with stepMs, or times and values (null where the line breaks); from and to, what
    // is shown; last, its way and decimals; limits [{ value, text, kind }]; gaps [[from, to], …]; and whether it is live and stale.
    update(next) {
      const sign = signOf(next);
      data = next;
      if (sign === drawn) return;
      drawn = sign;
      draw();
      plot.ariaLabel = `${label}: ${figure(data.last, data.decimals)} ${data.unit ?? ""}${data.gaps?.length ? ", with a gap where updates were missed" : ""}`;
    },
    repaint() {
      colours = resolve(element);
      chart.redraw(false);
    },
    unmount() {
      resized.disconnect();
      chart.destroy();
      element.replaceChildren();
    },
  };
}
