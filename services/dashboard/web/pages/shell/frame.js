// Conflates painting to the display: however often it is asked for, paint runs
// once per frame, no more often than every leastMs, and not at all in a hidden tab, whose frame comes when it is shown.

export function painter(paint, leastMs = 0) {
  let frame = 0;
  let timer = 0;
  let painted = -Infinity;
  const run = (now) => {
    frame = 0;
    painted = now;
    paint();
  };
  const ask = () => {
    timer = 0;
    frame ||= requestAnimationFrame(run);
  };
  return {
    request() {
      if (frame || timer) return;
      const wait = leastMs - (performance.now() - painted);
      if (wait > 4) timer = setTimeout(ask, wait);
      else ask();
    },
    stop() {
      clearTimeout(timer);
      cancelAnimationFrame(frame);
    },
  };
}

// every calls tick each ms milliseconds while the tab is shown, and returns how to stop it.
export function every(ms, tick) {
  const timer = setInterval(() => document.hidden || tick(), ms);
  return () => clearInterval(timer);
}
