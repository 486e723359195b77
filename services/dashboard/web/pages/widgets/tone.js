// A short tone for what cannot wait. It is off until somebody switches it on, for a page may not make sounds before that.

export function mount(element) {
  const button = element.appendChild(document.createElement("button"));
  let audio = null;
  const show = () => {
    button.textContent = audio ? "Sound on" : "Sound off";
    button.ariaPressed = String(Boolean(audio));
  };
  button.onclick = () => {
    if (audio) audio.close();
    audio = audio ? null : new AudioContext();
    show();
    widget.ring();
  };
  const widget = {
    ring() {
      if (!audio) return;
      [660, 880].forEach((pitch, i) => {
        const from = audio.currentTime + i * 0.16;
        const [wave, loud] = [audio.createOscillator(), audio.createGain()];
        wave.frequency.value = pitch;
        loud.gain.setValueAtTime(0.08, from);
        loud.gain.exponentialRampToValueAtTime(0.001, from + 0.15);
        wave.connect(loud).connect(audio.destination);
        wave.start(from);
        wave.stop(from + 0.16);
      });
    },
    update() {},
    unmount() {
      audio?.close();
      button.remove();
    },
  };
  show();
  return widget;
}
