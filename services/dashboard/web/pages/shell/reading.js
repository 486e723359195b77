// How a dashboard reads channels: as keyed state that the client library keeps, no faster than a screen can use it. A hidden
// page reads nothing, and has all that is new a moment after it is shown.

const patience = 3; // a value older than so many expected intervals is stale
const mostRate = 10; // how often a second a key is sent at most

// reader reads for one client. told is called with the state of each subscription, and fresh with when the events were sent that
// have come since the page reads them as they come.
export function reader(client, { told, fresh }) {
  const readings = new Set();
  let since = Infinity; // by the server's clock
  const serverNow = () => Date.now() - client.clock.offsetMs;

  // read calls onChange with the rows that are new ({ changed: [rows], removed: [keys] }) whenever there are some. Options are those
  // of subscribe. everyMs is how often a value of a key is expected.
  function read(name, { onChange = () => {}, onEvent = () => {}, everyMs = 0, ...options } = {}) {
    const subscription = client.subscribe(name, onEvent, { state: true, maxRate: mostRate, paused: document.hidden, ...options });
    const { view } = subscription;
    view.on("change", ({ changed, removed }) => {
      const rows = [...changed].map((key) => view.get(key)).filter(Boolean);
      fresh(rows.filter(({ time }) => time >= since).map(({ time, data }) => data?.sentAt ?? time));
      onChange({ changed: rows, removed: [...removed] });
    });
    const reading = {
      name,
      view,
      subscription,
      stale: (row, now = serverNow()) => everyMs > 0 && now - row.time > patience * everyMs,
      tune: (change) => subscription.tune(change),
      stop() {
        readings.delete(reading);
        subscription.unsubscribe();
      },
    };
    readings.add(reading);
    return reading;
  }

  const hidden = () => {
    since = document.hidden ? Infinity : serverNow() + 500;
    for (const { subscription } of readings) (document.hidden ? subscription.pause() : subscription.resume()).catch(() => {}); // refused, it goes on as before
  };
  document.addEventListener("visibilitychange", hidden);
  const stopTelling = client.on("subscription", (state) => {
    if (state.name === "live") since = serverNow();
    told(state);
  });

  return {
    read,
    serverNow,
    stop() {
      document.removeEventListener("visibilitychange", hidden);
      stopTelling();
      for (const { stop } of [...readings]) stop();
    },
  };
}
