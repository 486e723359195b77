// How a subscription wants its channel: what it asks for, checked, and how changes of that add up.
import { badRequest } from "./codes.js";
import { unknownOption } from "./known.js";
import { checkSignal } from "./signals.js";
import { show } from "./values.js";

/** The options of subscribe that are this client's own; all others go to the server. */
const OURS = ["since", "onGap", "onDropped", "buffer", "overflow", "signal"];
const TUNABLE = ["filter", "fields", "keys", "maxRate", "paused"];

const text = (name, value) => {
  if (typeof value !== "string") throw badRequest(`${name}: must be a string, got ${show(value)}`);
  return value;
};
const flag = (name, value) => {
  if (typeof value !== "boolean") throw badRequest(`${name}: must be true or false, got ${show(value)}`);
  return value;
};
const rate = (name, value) => {
  if (typeof value !== "number" || !Number.isFinite(value)) throw badRequest(`${name}: must be a number, got ${show(value)}`);
  return value;
};
const rewind = (name, value) => {
  const is = typeof value === "number" ? Number.isInteger(value) && value > 0 : typeof value === "string" && /^[0-9.]+[a-z\u00b5]/.test(value);
  if (!is) throw badRequest(`${name}: must be a number of messages or a duration such as "5m", got ${show(value)}`);
  return value;
};
const names = (name, value) => {
  const wrong = Array.isArray(value) ? value.findIndex((each) => typeof each !== "string" || each === "") : 0;
  if (!Array.isArray(value)) throw badRequest(`${name}: must be a list of strings, got ${show(value)}`);
  if (wrong >= 0) throw badRequest(`${name}[${wrong}]: must be a non-empty string, got ${show(value[wrong])}`);
  return [...new Set(value)].sort();
};
const keys = (name, value) => {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return names(name, value);
  const unknown = Object.keys(value).find((each) => each !== "add" && each !== "remove");
  if (unknown !== undefined) throw badRequest(`keys.${unknown.slice(0, 64)}: must be add or remove`);
  return { add: names("keys.add", value.add ?? []), remove: names("keys.remove", value.remove ?? []) };
};

/** Reads the members that are given, each with its check. What a name, a filter or a rate may be, the server knows. */
function read(given, checks, unknown) {
  const members = {};
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    if (!Object.hasOwn(checks, name)) throw unknown(name);
    members[name] = checks[name](name, value);
  }
  return members;
}

/** What the options of a subscription ask the server for. What is not asked for has no member. */
export function checkWants(options, ofPattern = false) {
  const asked = Object.fromEntries(Object.entries(options).filter(([name]) => !OURS.includes(name)));
  const checks = { filter: text, fields: names, keys: names, maxRate: rate, paused: flag, state: flag, rewind };
  const wants = read(asked, checks, (name) => unknownOption(name, [...Object.keys(checks), ...OURS], "subscribe"));
  checkSignal(options.signal);
  if (ofPattern && options.since !== undefined && options.since !== null) throw badRequest("since: cannot be given for a pattern; the option storage of connect keeps its positions");
  if (wants.state && options.since !== undefined && options.since !== null) throw badRequest("since: cannot be given with state, which begins with all of it");
  if (wants.rewind && wants.state) throw badRequest("rewind: cannot be given with state, which begins with all of it");
  if (wants.rewind && ofPattern) throw badRequest("rewind: is for a channel, and not for a pattern");
  return tidy(wants);
}

/** A change of what is asked for. */
export function checkChange(change) {
  if (change === null || typeof change !== "object") throw badRequest(`tune: must be an object, got ${show(change)}`);
  return read(change, { filter: text, fields: names, keys, maxRate: rate, paused: flag }, (name) => badRequest(`${name.slice(0, 64)}: cannot be tuned, only ${TUNABLE.join(", ")}`));
}

/** Without what is as if it had not been asked for. */
function tidy({ filter, fields, keys, maxRate, paused, state, rewind: past }) {
  return Object.freeze({
    ...(filter && { filter }), ...(fields && { fields }), ...(keys && { keys }),
    ...(maxRate !== undefined && { maxRate }), ...(paused && { paused }), ...(state && { state }), ...(past && { rewind: past }),
  });
}

const without = (list, gone) => list.filter((each) => !gone.includes(each));

/** What is asked for after a change. To add keys to all of them is an error. */
export function changed(wants, { keys, ...change }) {
  const all = { ...wants, ...change };
  if (change.maxRate === 0) all.maxRate = undefined;
  if (Array.isArray(keys)) all.keys = keys;
  else if (keys) {
    if (!wants.keys) throw badRequest("keys: the subscription has all keys; to have some only, give a list");
    all.keys = without([...new Set([...wants.keys, ...keys.add])], keys.remove).sort();
  }
  return tidy(all);
}

/** One change that does what two do. */
export function merged(first, second) {
  const both = { ...first, ...second };
  if (!first.keys || !second.keys || Array.isArray(second.keys)) return both;
  const { add, remove } = second.keys;
  if (Array.isArray(first.keys)) both.keys = without([...new Set([...first.keys, ...add])], remove).sort();
  else {
    both.keys = {
      add: without([...new Set([...first.keys.add, ...add])], remove),
      remove: [...new Set([...without(first.keys.remove, add), ...remove])],
    };
  }
  return both;
}

export const sameWants = (a, b) => JSON.stringify(tidy(a)) === JSON.stringify(tidy(b));
