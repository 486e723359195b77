// Reads values that may be anything: from a server, a storage or a page. Throws nothing.

export const MAX_NAME = 200; // bytes of a channel, an ID or a key

/** The longest delay, in milliseconds, that is taken from a server: one that orders a year is wrong. */
export const MAX_ORDER = 600_000;

/** A number between two bounds; `otherwise` if it is none. */
export function within(value, least, most, otherwise) {
  return typeof value === "number" && !Number.isNaN(value) ? Math.min(most, Math.max(least, value)) : otherwise;
}

export const text = (value) => (typeof value === "string" ? value : undefined);

const encoder = new TextEncoder();

export const bytes = (string) => encoder.encode(string).length;

/** A value as an error shows it. */
export function show(value) {
  if (typeof value === "string") return JSON.stringify(value.slice(0, 64));
  return value === null || ["number", "boolean", "undefined"].includes(typeof value) ? String(value) : Array.isArray(value) ? "an array" : typeof value;
}

/** A time as the protocol has it; 0 if it is none. */
export const moment = (value) => (Number.isFinite(value) && value > 0 && value < 2 ** 48 ? Math.floor(value) : 0);

/** The members of a presence, whatever came. */
export const membersOf = (list) => (Array.isArray(list) ? list.filter((member) => typeof member?.user === "string") : []);

/** What a welcome says, whatever it says. */
export function readWelcome({ connection, user, tenant, instance, expiresAt, limits, heartbeatMs, version }) {
  const rate = (name, otherwise) => within(limits?.[name], 0, 1e9, otherwise);
  return {
    connection: text(connection) ?? "", user, tenant, instance: text(instance) ?? "", version: text(version),
    expiresAt: moment(expiresAt), heartbeatMs: within(heartbeatMs, 1000, 600_000, 25_000),
    limits: Object.freeze({
      ...(typeof limits === "object" ? limits : {}), framesPerSecond: rate("framesPerSecond", 50), publishesPerSecond: rate("publishesPerSecond", 100),
      subscriptionsPerConnection: rate("subscriptionsPerConnection", 128) || 1,
      messageBytes: limits?.messageBytes >= 256 ? rate("messageBytes") : 65_536, // in less than that nothing can be said
    }),
  };
}
