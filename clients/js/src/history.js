// What was published to a channel before: what a page can ask for, and the pages that come of it.
import { checkChannel, checkJSON } from "./checks.js";
import { badRequest } from "./codes.js";
import { unknownOption } from "./known.js";
import { isPosition } from "./position.js";
import { moment, show } from "./values.js";

const MOST = 1000; // messages in a page

const limit = (name, value) => {
  if (!Number.isInteger(value) || value < 1 || value > MOST) throw badRequest(`${name}: must be 1 to ${MOST}, got ${show(value)}`);
  return value;
};
const position = (name, value) => {
  if (!isPosition(value)) throw badRequest(`${name}: must be a position as the server sent it, got ${show(value)}`);
  return value;
};
const time = (name, value) => {
  const at = moment(value instanceof Date ? value.getTime() : value);
  if (!at) throw badRequest(`${name}: must be a Date or milliseconds since 1970, got ${show(value)}`);
  return at;
};
const filter = (name, value) => {
  if (typeof value !== "string") throw badRequest(`${name}: must be a string, got ${show(value)}`);
  return value || undefined;
};
const fields = (name, value) => {
  if (!Array.isArray(value) || value.some((each) => typeof each !== "string" || each === "")) throw badRequest(`${name}: must be a list of non-empty strings, got ${show(value)}`);
  return value.length ? [...value] : undefined;
};
const CHECKS = { limit, before: position, after: position, from: time, to: time, filter, fields };

/** What is asked for, as the server reads it. What it cannot be is refused here, as the server would. */
export function checkQuery(channel, options) {
  const query = { channel: checkChannel(channel) };
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || value === null) continue;
    if (!Object.hasOwn(CHECKS, name)) throw unknownOption(name, [...Object.keys(CHECKS), "timeoutMs", "signal"], "history");
    query[name] = CHECKS[name](name, value);
  }
  const { before, after, from, to } = query;
  if (after && from) throw badRequest("from: must be left out where after says it");
  if (before && to) throw badRequest("to: must be left out where before says it");
  if (after && before) throw badRequest("before: must be left out where after is given; to bounds it");
  if (from && to && from >= to) throw badRequest(`to: must be later than from, which is ${from}, got ${to}`);
  return query;
}

/** The pages of a query, one after the other. `ask` sends a frame and resolves with its answer. */
export async function* pagesOf(query, ask) {
  for (;;) {
    const answer = await ask(checkJSON({ type: "history", ...query }));
    const messages = (Array.isArray(answer.messages) ? answer.messages : []).filter((each) => isPosition(each?.position));
    const more = answer.more === true && messages.length > 0;
    yield Object.freeze({
      messages: messages.map((each) => ({ ...each, type: "message", channel: query.channel })),
      more, complete: answer.complete === true, beyond: answer.hint === "http",
    });
    if (!more) return;
    const { before, after, from, to, ...rest } = query;
    query = (after || from) && !before ? { ...rest, after: messages.at(-1).position, to } : { ...rest, before: messages[0].position, from };
  }
}
