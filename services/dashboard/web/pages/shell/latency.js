// How fresh? The time from the producer to the screen, with its distribution on demand.

const samplesKept = 500;
const shownEveryMs = 500;

export function mount(element) {
  const label = element.appendChild(document.createElement("span"));
  label.className = "quiet label";
  label.textContent = "Latency";
  const button = element.appendChild(document.createElement("button"));
  button.setAttribute("popovertarget", "latency-details");
  const unknown = "– ms";
  button.textContent = unknown;
  const details = element.appendChild(document.createElement("div"));
  details.id = "latency-details";
  details.popover = "auto";
  const pairs = details.appendChild(document.createElement("dl"));
  pairs.className = "pairs";
  const text = details.appendChild(document.createElement("p"));
  text.className = "quiet";

  const samples = [];
  let shownAt = 0;

  function quantile(sorted, q) {
    return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
  }

  function show({ sure, uncertaintyMs, offsetMs }) {
    const sorted = samples.toSorted((a, b) => a - b);
    const p50 = ms(quantile(sorted, 0.5));
    const impossible = sorted[0] < -(uncertaintyMs ?? 0) - 1; // it came before it was sent
    const unsure = !sure || impossible;
    button.textContent = unsure ? `~ ${p50} unsure` : p50;
    button.classList.toggle("unsure", unsure);
    button.ariaLabel = `Latency from producer to screen ${button.textContent}; details`;
    element.dataset.p50 = Math.round(quantile(sorted, 0.5));
    if (!details.matches(":popover-open")) return;
    const lines = [
      ["Half arrive within (p50)", p50],
      ["99 of 100 within (p99)", ms(quantile(sorted, 0.99))],
      ["Slowest", ms(sorted.at(-1))],
      ["Updates measured", String(sorted.length)],
      ["This clock is ahead by", ms(offsetMs)],
      ["Known within", uncertaintyMs === null ? "not known" : `± ${ms(uncertaintyMs)}`],
    ];
    pairs.replaceChildren(
      ...lines.flatMap(([term, value]) => [Object.assign(document.createElement("dt"), { textContent: term }), Object.assign(document.createElement("dd"), { textContent: value })]),
    );
    text.textContent = unsure
      ? "The clocks of producer, server and this machine do not agree well enough: take the figure as a hint."
      : "From the producer's clock to the painted frame. What was replayed is not counted.";
  }

  const ms = (n) => (Math.abs(n) < 10_000 ? `${Math.round(n)} ms` : `${Math.round(n / 1000)} s`);

  return {
    // update takes the latencies of this frame in milliseconds, how the server's clock compares with this one
    // ({ offsetMs, uncertaintyMs, sure }), and whether the page is live: a figure of before is none of now.
    update({ latencies, clock, live }) {
      if (!live) {
        if (button.textContent === unknown) return;
        samples.length = 0;
        shownAt = 0;
        button.textContent = unknown;
        button.classList.remove("unsure");
        button.ariaLabel = "Latency from producer to screen: not known while disconnected; details";
        delete element.dataset.p50;
        pairs.replaceChildren();
        text.textContent = "Nothing is measured while the page is not connected.";
        return;
      }
      samples.push(...latencies);
      if (samples.length > samplesKept) samples.splice(0, samples.length - samplesKept);
      const now = performance.now();
      if (samples.length === 0 || now - shownAt < shownEveryMs) return;
      shownAt = now;
      show(clock);
    },
    unmount() {
      element.replaceChildren();
    },
  };
}
