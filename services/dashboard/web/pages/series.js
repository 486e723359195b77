// What a page has seen of many keys: recent points of each, with a break where something was missed. It draws nothing.

export function series({ keepMs, breakMs }) {
  const all = new Map(); // key -> { times, values, gaps, cut }
  const of = (key) => {
    if (!all.has(key)) all.set(key, { times: [], values: [], gaps: [], cut: false });
    return all.get(key);
  };
  return {
    of,
    add(key, time, value) {
      const line = of(key);
      const { times, values, gaps } = line;
      const last = times.at(-1);
      if (last !== undefined && time <= last) return;
      if (last !== undefined && (line.cut || time - last > breakMs)) {
        times.push(last + 1);
        values.push(null);
        if (line.cut) gaps.push([last, time]);
      }
      line.cut = false;
      times.push(time);
      values.push(value);
      let old = 0;
      while (old + 1 < times.length && times[old + 1] < time - keepMs) old++;
      if (old > 64) for (const column of [times, values]) column.splice(0, old);
      while (gaps.length > 0 && gaps[0][1] < time - keepMs) gaps.shift();
    },
    remove: (key) => all.delete(key),
    // cut breaks every line: something was missed here.
    cut() {
      for (const line of all.values()) line.cut = line.times.length > 0;
    },
  };
}
