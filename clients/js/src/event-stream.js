// Reads answers of the server: streams of events whose data is JSON, and problem documents.

const LONGEST = 4 << 20; // characters of an event

/** The events of an answer. What is no stream of events has none. */
export async function* eventsOf(answer) {
  if (!/^text\/event-stream/i.test(answer.headers.get("Content-Type") ?? "")) return;
  const decoder = new TextDecoder(), reader = answer.body.getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const events = (rest + decoder.decode(value, { stream: true })).split(/\r?\n\r?\n/);
      rest = events.pop();
      if (rest.length > LONGEST) return;
      for (const text of events) {
        const event = eventOf(text);
        if (event) yield event;
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** An event, if it has data. */
function eventOf(text) {
  const fields = {};
  for (const line of text.split(/\r?\n/)) {
    const [, name, value] = line.match(/^(event|data): ?(.*)$/) ?? [];
    if (name) fields[name] = value;
  }
  return fields.data === undefined ? undefined : { event: fields.event, data: JSON.parse(fields.data) };
}

/** What a problem document says, as a frame of an error does; undefined if the answer is somebody else's. */
export async function problemOf(answer) {
  try {
    const { code, detail, title, limit, retryAfterMs } = await answer.json();
    return typeof code === "string" ? { code, message: detail ?? title, limit, retryAfterMs } : undefined;
  } catch {
    return undefined;
  }
}
