// What the page has seen of a channel: the newest value of each key, and its recent points. It
// draws nothing; widgets take from it what changed since they last asked.

// A value that is older than this many expected intervals is stale, and a line that pauses for so long breaks.
const patience = 3;
// Updates that are kept for one take; a hidden tab takes none for hours.
const mostFresh = 200;

export function series({ everyMs, keepMs }) {
  const rows = new Map();
  let changed = new Set();
  let fresh = [];

  // The points are columns, as a chart wants them: times in seconds, and null where a line breaks.
  function point({ times, prices, dates, gaps }, { time, price, date }, broken, missed) {
    const last = times.at(-1);
    if (missed && last !== undefined) gaps.push({ from: last, to: time / 1000 });
    while (gaps.length > 0 && gaps[0].to * 1000 < time - keepMs) gaps.shift();
    const push = (at, value, recorded) => {
      times.push(at);
      prices.push(value);
      dates.push(recorded);
    };
    if (broken && last !== undefined) push(Math.min(last + everyMs / 1000, (last + time / 1000) / 2), null, missed ? "gap" : "");
    push(time / 1000, price, date);
    // The point before the window stays: the line comes from there.
    let old = 0;
    while (old + 1 < times.length && times[old + 1] * 1000 < time - keepMs) old++;
    if (old > 16) for (const column of [times, prices, dates]) column.splice(0, old);
  }

  return {
    rows,
    // add takes the newest value of a key; seen is false for one that was not watched
    // as it came: it is older than the page, or arrived in a hidden tab. One that is here already changes nothing.
    add({ key, time, data, position }, seen) {
      let row = rows.get(key);
      if (row && (time < row.time || position === row.position)) return;
      if (!row) rows.set(key, (row = { key, times: [], prices: [], dates: [], gaps: [], lap: data.lap, time: 0, cut: false }));
      const missed = row.cut;
      const broken = missed || row.lap !== data.lap || time - row.time > patience * everyMs;
      Object.assign(row, data, { time, position, seen, cut: false, change: data.change ?? null });
      row.percent = row.change === null ? null : (100 * row.change) / (row.price - row.change);
      point(row, row, broken, missed);
      changed.add(key);
      fresh.push({ key, time, ...data, change: row.change, seen });
      if (fresh.length > mostFresh) fresh.splice(0, fresh.length - mostFresh);
    },
    // remove forgets a key that is not there any more.
    remove(key) {
      rows.delete(key);
      changed.delete(key);
      fresh = fresh.filter((message) => message.key !== key);
    },
    // overlook says that what was added since the last take was not watched after all.
    overlook() {
      for (const message of fresh) message.seen = false;
    },
    // cut breaks every line: something was missed here.
    cut() {
      for (const row of rows.values()) row.cut = true;
    },
    take() {
      const taken = { changed, fresh };
      changed = new Set();
      fresh = [];
      return taken;
    },
    stale: (row, now) => now - row.time > patience * everyMs,
  };
}
