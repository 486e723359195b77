// Positions: their form, and what they say.
import { bytes, MAX_NAME, moment } from "./values.js";

/** Whether a value is a position, "<ms>-<id>". */
export function isPosition(value) {
  // eslint-disable-next-line no-control-regex
  return typeof value === "string" && /^[1-9]\d{0,14}-[^\x00-\x1f\x7f]*$/.test(value) && moment(parsePosition(value).time) > 0 && bytes(parsePosition(value).id) <= MAX_NAME;
}

/** Splits "<ms>-<id>" at its first "-"; the id may hold more of them, and is empty for a moment. */
export function parsePosition(position) {
  const cut = position.indexOf("-");
  return { time: Number(position.slice(0, cut)), id: position.slice(cut + 1) };
}

export const timeOf = (position) => (position ? parsePosition(position).time : 0);
