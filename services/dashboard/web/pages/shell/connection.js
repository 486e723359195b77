// Is it live? One word, one shape and one colour, always in the same place.

// How long good news stays before it is plain "Live" again.
const newsMs = 6000;
const gapMs = 15_000;

// mount takes announce, which says a change to those who do not see it.
export function mount(element, { announce }) {
  const word = element.querySelector(".word");
  let timer = 0;
  let said = "";

  function show(state, text, title = "") {
    element.dataset.state = state;
    element.title = title;
    word.textContent = text;
    // The seconds of a countdown are not news.
    const news = text.replace(/\d+ s\b/, "some seconds");
    if (news !== said) announce((said = news));
  }

  return {
    // update takes { state: "connecting" | "live" | "reconnecting" (with at) | "resumed" (with count)
    // | "gap" | "refused" (with why) }; times are this machine's.
    update(now) {
      clearInterval(timer);
      const live = () => show("live", "Live");
      switch (now.state) {
        case "live":
          return live();
        case "resumed":
          show("resumed", `Caught up ${now.count} ${now.count === 1 ? "message" : "messages"}`);
          timer = setTimeout(live, newsMs);
          return;
        case "gap":
          show("gap", "Some updates were missed, reloaded", "All prices are the newest. The charts mark a gap where updates are missing.");
          timer = setTimeout(live, gapMs);
          return;
        case "reconnecting": {
          const count = () => {
            const seconds = Math.ceil((now.at - Date.now()) / 1000);
            show("reconnecting", seconds > 0 ? `Reconnecting in ${seconds} s` : "Reconnecting now", now.why);
          };
          count();
          timer = setInterval(count, 250);
          return;
        }
        case "refused":
          return show("refused", "Refused", now.why);
        default:
          return show("connecting", "Connecting");
      }
    },
    unmount() {
      clearInterval(timer);
    },
  };
}
