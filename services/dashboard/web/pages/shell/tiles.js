// How panels share a rectangle without a hole: rows and columns of panels, in parts of any size. Nothing here touches the document.
//
// A node is { id, size } or { way: "row" | "column", parts: [nodes], size }. As text: r(watchlist*3,c(chart*2,wall)*5).

const least = 0.06; // of its row or column

// parse reads a layout, and returns null if it is none or does not hold each of ids once.
export function parse(text, ids) {
  let at = 0;
  const seen = new Set();
  function node(depth) {
    if (depth > 6) throw new SyntaxError("too deep");
    const word = /^[a-z]+/.exec(text.slice(at))?.[0] ?? "";
    at += word.length;
    let made;
    if (text[at] === "(") {
      if (word !== "r" && word !== "c") throw new SyntaxError("neither row nor column");
      made = { way: word === "r" ? "row" : "column", parts: [] };
      do {
        at++;
        made.parts.push(node(depth + 1));
      } while (text[at] === ",");
      if (text[at++] !== ")") throw new SyntaxError("not closed");
    } else {
      if (!ids.includes(word) || seen.has(word)) throw new SyntaxError("no such panel, or twice");
      seen.add(word);
      made = { id: word };
    }
    const size = /^\*(\d{1,4}(?:\.\d{1,3})?)/.exec(text.slice(at));
    at += size?.[0].length ?? 0;
    made.size = Math.max(0.01, Number(size?.[1] ?? 1));
    return made;
  }
  try {
    const root = node(0);
    return at === text.length && seen.size === ids.length ? tidy(root) : null;
  } catch {
    return null;
  }
}

export function format({ id, way, parts, size }) {
  const text = id ?? `${way[0]}(${parts.map(format).join()})`;
  return size === 1 ? text : `${text}*${Number(size.toFixed(2))}`;
}

// place returns where everything is, in parts of 1: panels by id, and the gaps between them.
export function place(root) {
  const panels = new Map();
  const gaps = [];
  (function walk(node, box) {
    if (node.id) return panels.set(node.id, box);
    const total = node.parts.reduce((sum, { size }) => sum + size, 0);
    const row = node.way === "row";
    let from = 0;
    node.parts.forEach((part, i) => {
      const share = part.size / total;
      const inner = row ? { ...box, x: box.x + from * box.w, w: share * box.w } : { ...box, y: box.y + from * box.h, h: share * box.h };
      if (i > 0) gaps.push({ node, index: i, box: row ? { ...inner, w: 0 } : { ...inner, h: 0 }, whole: row ? box.w : box.h });
      walk(part, inner);
      from += share;
    });
  })(root, { x: 0, y: 0, w: 1, h: 1 });
  return { panels, gaps };
}

// shift moves the gap before a part by a share of its row or column.
export function shift({ parts }, index, by) {
  const total = parts.reduce((sum, { size }) => sum + size, 0);
  const [a, b] = [parts[index - 1], parts[index]];
  const both = a.size + b.size;
  a.size = Math.min(both - least * total, Math.max(least * total, a.size + by * total));
  b.size = both - a.size;
}

// move takes a panel to a side of another one, or with "middle" has the two change places.
export function move(root, id, to, side) {
  if (id === to) return root;
  const copy = structuredClone(root);
  if (side === "middle") {
    const [a, b] = [find(copy, id), find(copy, to)];
    [a.id, b.id] = [to, id];
    return copy;
  }
  remove(copy, id);
  const target = find(copy, to);
  const [mine, theirs] = [{ id, size: 1 }, { id: to, size: 1 }];
  const first = side === "left" || side === "top";
  delete target.id;
  Object.assign(target, { way: side === "left" || side === "right" ? "row" : "column", parts: first ? [mine, theirs] : [theirs, mine] });
  return tidy(copy);
}

function find(node, id) {
  if (node.id === id) return node;
  for (const part of node.parts ?? []) {
    const found = find(part, id);
    if (found) return found;
  }
  return null;
}

function remove(node, id) {
  if (!node.parts) return;
  node.parts = node.parts.filter((part) => part.id !== id);
  for (const part of node.parts) remove(part, id);
}

// tidy takes out rows and columns that are empty, or of one part, or of the same way as what they are in.
function tidy(node) {
  if (!node.parts) return node;
  const parts = node.parts.map(tidy).filter((part) => part.id || part.parts.length > 0);
  node.parts = parts.flatMap((part) => {
    if (part.way !== node.way) return [part];
    const total = part.parts.reduce((sum, { size }) => sum + size, 0);
    return part.parts.map((inner) => ({ ...inner, size: (inner.size / total) * part.size }));
  });
  return node.parts.length === 1 ? { ...node.parts[0], size: node.size } : node;
}
