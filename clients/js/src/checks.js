// Checks what a page passes in. What the server would refuse is refused here, with the name of the field.
import { badRequest } from "./codes.js";
import { bytes, MAX_NAME, show } from "./values.js";

const MAX_DEPTH = 63; // of data; the frame around it is one level of the protocol's 64

/** Throws unless the value can name a channel, as protocol.md says. */
export function checkChannel(name) {
  if (typeof name !== "string" || name === "") throw badRequest(`channel: must be a name such as prices:fx, got ${show(name)}`);
  if (name.length > MAX_NAME) throw badRequest(`channel: must have at most ${MAX_NAME} bytes, got ${name.length}`);
  if (!/^[\w\-./@=+~]+(:[\w\-./@=+~]+)*$/.test(name)) throw badRequest(`channel: must be segments of A-Z a-z 0-9 _ - . / @ = + ~ joined by ":", got ${show(name)}`);
  return name;
}

/** Throws unless the value can be subscribed to: the name of a channel, or a pattern of whose segments some are "*", or the last "**". */
export function checkSelection(name) {
  const reserved = typeof name === "string" && /^\$(presence|demand):/.exec(name);
  if (reserved) return checkChannel(name.slice(reserved[0].length)) && name;
  if (typeof name !== "string" || !name.includes("*")) return checkChannel(name);
  const segments = name.split(":"), misplaced = segments.findIndex((segment, i) => segment.includes("*") && segment !== "*" && !(segment === "**" && i === segments.length - 1));
  if (misplaced >= 0) throw badRequest(`channel: a pattern has "*" for a segment, and "**" at its end for the rest, got ${show(name)}`);
  checkChannel(segments.map((segment) => segment.replaceAll("*", "x")).join(":"));
  return name;
}

/** Throws unless a channel can be entered with the data. */
export function checkEntered(channel, data) {
  if (data === undefined || typeof data === "function" || typeof data === "symbol") throw badRequest("enter: data is missing; null is allowed");
  const size = bytes(checkJSON(data));
  if (size > 1024) throw badRequest(`enter: must be at most 1024 bytes as JSON, got ${size}`);
}

/** Throws unless the value can be how many bytes a second the server sends at most. */
export function checkBytes(value) {
  if (!Number.isInteger(value) || value < 1000 || value > 1e9) throw badRequest(`maxBytesPerSecond: must be an integer from 1000 to 1000000000, got ${show(value)}`);
  return value;
}

export function checkText(field, value, most = MAX_NAME) {
  if (value === undefined || value === null) return undefined;
  // eslint-disable-next-line no-control-regex
  if (typeof value !== "string" || /[\x00-\x1f\x7f]/.test(value) || bytes(value) > most) {
    throw badRequest(`${field}: must be a string of at most ${most} bytes without control characters, got ${show(value)}`);
  }
  return value;
}

/** What else a publish may say of its event. */
export function checkDescribed({ ttl, delete: deletes, transient, if: condition, ...texts }) {
  if (transient !== undefined && typeof transient !== "boolean") throw badRequest(`transient: must be true or false, got ${show(transient)}`);
  if (deletes !== undefined && typeof deletes !== "boolean") throw badRequest(`delete: must be true or false, got ${show(deletes)}`);
  const { eventType, source, contentType } = texts;
  return {
    ttl: checkText("ttl", ttl), delete: deletes || undefined, transient: transient || undefined, if: checkCondition(condition),
    eventType: checkText("eventType", eventType, 256), source: checkText("source", source, 256), contentType: checkText("contentType", contentType, 256),
  };
}

/** What has to hold of the key for a publish to count. */
function checkCondition(condition) {
  if (condition === undefined || condition === "absent" || condition === "present") return condition;
  if (typeof condition?.position === "string") return { position: checkText("if.position", condition.position, 2 * MAX_NAME) };
  throw badRequest(`if: must be "absent", "present" or {position}, got ${show(condition)}`);
}

export function checkTags(tags) {
  if (tags === undefined || tags === null) return undefined;
  const all = typeof tags === "object" && !Array.isArray(tags) ? Object.entries(tags) : null;
  if (!all || all.length > 32) throw badRequest(`tags: must be an object of at most 32 strings, got ${all ? all.length : show(tags)}`);
  for (const [name, value] of all) {
    checkText("tags", name, 256);
    if (typeof value !== "string") throw badRequest(`tags.${name.slice(0, 64)}: must be a string, got ${show(value)}`);
    checkText(`tags.${name.slice(0, 64)}`, value, 256);
  }
  return Object.fromEntries(all);
}

/** The JSON of what a page sends. A frame that the server cannot read would cost the connection, so it is not sent. */
export function checkJSON(frame) {
  let json;
  try {
    json = JSON.stringify(frame);
  } catch (error) {
    throw badRequest(`data: must be JSON: ${error.message}`);
  }
  let depth = 0, deepest = 0, quoted = false;
  for (let i = 0; i < json.length; i++) {
    const c = json.charCodeAt(i);
    if (quoted) {
      if (c === 0x5c) i++;
      else if (c === 0x22) quoted = false;
    } else if (c === 0x22) quoted = true;
    else if (c === 0x7b || c === 0x5b) deepest = Math.max(deepest, ++depth);
    else if (c === 0x7d || c === 0x5d) depth--;
  }
  if (deepest > MAX_DEPTH + 1) throw badRequest(`data: must be nested at most ${MAX_DEPTH} levels deep, got ${deepest - 1}`);
  return json;
}
