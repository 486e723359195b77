// Runs before the page's modules, and is none: when one of them cannot be loaded, no code of the page runs that could say
// so. It says so, and loads the page again once the server answers.

(() => {
  const retryMs = 5000;

  addEventListener(
    "error",
    ({ target }) => {
      if (target instanceof HTMLScriptElement && target.type === "module") failed();
    },
    { capture: true, once: true },
  );

  function failed() {
    const show = () => {
      document.querySelector("#connection").dataset.state = "reconnecting";
      document.querySelector("#connection .word").textContent = "Not loaded";
      const notice = document.querySelector("#notice");
      notice.dataset.kind = "error";
      notice.hidden = false;
      const title = Object.assign(document.createElement("strong"), { textContent: "The page could not be loaded." });
      const text = Object.assign(document.createElement("span"), { textContent: "The page retries every few seconds." });
      notice.replaceChildren(title, " ", text);
    };
    if (document.readyState === "loading") addEventListener("DOMContentLoaded", show);
    else show();
    setInterval(async () => {
      const answer = await fetch(location.href, { cache: "no-store", signal: AbortSignal.timeout(retryMs) }).catch(() => null);
      if (answer?.ok) location.reload();
    }, retryMs);
  }
})();
