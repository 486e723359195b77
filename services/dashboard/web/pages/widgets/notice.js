// What happened, what was kept, and what to do: for states in which the page has nothing to show, or less than it should.

export function mount(element) {
  return {
    // update takes null, or { kind: "error" | "warning" | "empty", title, text, action: { label, run } }.
    update(notice) {
      element.hidden = !notice;
      if (!notice) return element.replaceChildren();
      element.dataset.kind = notice.kind;
      const title = Object.assign(document.createElement("strong"), { textContent: notice.title });
      const text = Object.assign(document.createElement("span"), { textContent: notice.text });
      element.replaceChildren(title, text);
      if (notice.action) {
        element.append(Object.assign(document.createElement("button"), { textContent: notice.action.label, onclick: notice.action.run }));
      }
    },
    unmount() {
      element.replaceChildren();
      element.hidden = true;
    },
  };
}
