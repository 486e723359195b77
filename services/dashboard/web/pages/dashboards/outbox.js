// What a user has made and the server has not taken yet: kept and sent until it is, through cuts of any length, in the order in which it was made. What there is no
// room for lets the others go first: one of them may make room.

// outbox sends { key, data } with publish(key, data), where data is undefined for a removal; of several of one key, the newest counts. failed is told what is refused for good,
// unless there is something newer of the key by then.
export function outbox({ publish, failed }) {
  const waiting = new Map();
  let [sending, stopped] = [false, false];

  async function send() {
    if (sending) return;
    sending = true;
    while (waiting.size > 0 && !stopped) {
      const [key, entry] = waiting.entries().next().value;
      try {
        await publish(key, entry.data);
        if (waiting.get(key) === entry) waiting.delete(key);
      } catch (error) {
        if (stopped) break;
        const newest = waiting.get(key) === entry;
        if (["forbidden", "bad-request", "too-large", "suspended", "not-found"].includes(error.code)) {
          if (newest) waiting.delete(key);
          if (newest) failed(error, key);
          continue;
        }
        if (error.code === "limited" && newest) waiting.delete(key) && waiting.set(key, entry);
        await new Promise((resolve) => setTimeout(resolve, Math.min(5000, error.retryAfterMs ?? 500)));
      }
    }
    sending = false;
  }

  return {
    put(key, data) {
      waiting.set(key, { data });
      send();
    },
    has: (key) => waiting.has(key),
    get: (key) => waiting.get(key)?.data,
    get size() {
      return waiting.size;
    },
    stop: () => (stopped = true),
  };
}
