// Conflates painting to the display: however often it is asked for, paint runs
// once per frame, and not at all in a hidden tab, whose frame comes when it is shown.

export function painter(paint) {
  let frame = 0;
  const run = () => {
    frame = 0;
    paint();
  };
  return {
    request() {
      frame ||= requestAnimationFrame(run);
    },
    stop() {
      cancelAnimationFrame(frame);
    },
  };
}

// every calls tick each ms milliseconds while the tab is shown, and returns how to stop it.
export function every(ms, tick) {
  const timer = setInterval(() => document.hidden || tick(), ms);
  return () => clearInterval(timer);
}
