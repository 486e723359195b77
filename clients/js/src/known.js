// Refuses options that do not exist, by their names: what is misspelled must not be ignored.
import { badRequest } from "./codes.js";
import { show } from "./values.js";

/** How many letters differ, are missing or too many. */
function distance(a, b) {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1].toLowerCase() === b[j - 1].toLowerCase() ? 0 : 1));
    row = next;
  }
  return row[b.length];
}

/** What may have been meant by a name. */
function meant(name, known) {
  const [best] = known.map((each) => [each, distance(name.slice(0, 64), each)]).sort(([, a], [, b]) => a - b);
  return best && best[1] <= Math.max(1, Math.floor(best[0].length / 3)) ? best[0] : undefined;
}

/** The error of an option that does not exist. */
export function unknownOption(name, known, of) {
  const suggestion = meant(name, known);
  return badRequest(`${name.slice(0, 64)}: is not an option of ${of}${suggestion ? `; did you mean ${suggestion}?` : `, only ${known.join(", ")}`}`);
}

/** Throws unless the value is an object that has no other members than these. */
export function checkKnown(options, known, of) {
  if (options === null || typeof options !== "object") throw badRequest(`options of ${of}: must be an object, got ${show(options)}`);
  const name = Object.keys(options).find((each) => !known.includes(each));
  if (name !== undefined) throw unknownOption(name, known, of);
  return options;
}
