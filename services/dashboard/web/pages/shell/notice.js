// What happened, what was kept, and what to do: for states in which the page has nothing to show, or less than it should.

export function mount(element) {
  return {
    // update takes null, or { kind: "error" | "warning" | "empty", title, text, advice, action: { label, run } }: what
    // happened, the reason, and what to do. Each is a sentence of its own, also where it comes from a server.
    update(notice) {
      element.hidden = !notice;
      if (!notice) return element.replaceChildren();
      element.dataset.kind = notice.kind;
      const title = Object.assign(document.createElement("strong"), { textContent: notice.title });
      element.replaceChildren(title);
      for (const part of [notice.text, notice.advice]) {
        if (part) element.append(" ", Object.assign(document.createElement("span"), { textContent: sentence(part) }));
      }
      if (notice.action) {
        element.append(" ", Object.assign(document.createElement("button"), { textContent: notice.action.label, onclick: notice.action.run }));
      }
    },
    unmount() {
      element.replaceChildren();
      element.hidden = true;
    },
  };
}

// sentence begins with a capital and ends with a stop.
export function sentence(text) {
  const trimmed = text.trim();
  const begun = trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
  return /[.!?…]$/.test(begun) ? begun : `${begun}.`;
}
