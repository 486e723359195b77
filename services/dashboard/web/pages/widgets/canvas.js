// A canvas that fills its element, in the pixels of the screen.

// fill makes one. resized is called whenever its size has changed; the widget then draws again.
export function fill(element, resized) {
  const canvas = element.appendChild(document.createElement("canvas"));
  canvas.className = "fill";
  const size = { width: 0, height: 0, px: 1 };
  const observer = new ResizeObserver(() => {
    const px = devicePixelRatio || 1;
    const [width, height] = [element.clientWidth, element.clientHeight];
    if (width === size.width && height === size.height && px === size.px) return;
    Object.assign(size, { width, height, px });
    canvas.width = Math.round(width * px);
    canvas.height = Math.round(height * px);
    resized();
  });
  observer.observe(element);
  return {
    canvas,
    size,
    // context draws in CSS pixels.
    context() {
      const ctx = canvas.getContext("2d");
      ctx.setTransform(size.px, 0, 0, size.px, 0, 0);
      return ctx;
    },
    unmount() {
      observer.disconnect();
      canvas.remove();
    },
  };
}
