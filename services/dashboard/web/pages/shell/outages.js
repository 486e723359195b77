// Channels that are read and that the server cannot give yet. What is over in a moment is not worth a word; what is said is taken back when all of them
// are there.

const worthAWordMs = 1500;

const reasons = {
  timeout: "The server has not answered in time.",
  limited: "The server is asked for more than it may give at once.",
  draining: "The server is being replaced.",
};

export function outages({ notice }) {
  const waiting = new Map(); // channel -> the code of the refusal
  let timer = 0;
  let said = false;

  function say() {
    said = true;
    const [[first, code]] = waiting;
    const others = waiting.size > 1 ? `, and ${waiting.size - 1} more` : "";
    notice.update({ kind: "warning", title: `${first}${others}: not available at the moment.`, text: reasons[code] ?? `The server says: ${code}.`, advice: "What is shown of it is old. The page asks again by itself." });
  }

  function forget() {
    clearTimeout(timer);
    timer = 0;
    waiting.clear();
    if (said) notice.update(null);
    said = false;
  }

  return {
    forget,
    // told takes each state of a subscription: live, waiting, refused and so on.
    told(channel, state, code) {
      if (state === "waiting" && code !== "conflict") waiting.set(channel, code);
      else if (state !== "pending") waiting.delete(channel);
      if (waiting.size === 0) return forget();
      if (said) say();
      else timer ||= setTimeout(say, worthAWordMs);
    },
  };
}
