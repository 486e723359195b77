// A dialog that asks for a token. It is kept by whoever asked, and nowhere else.

import * as form from "../widgets/form.js";
import { element as make } from "../widgets/format.js";
import { claims } from "./management.js";

// askForToken calls given with a token that somebody has typed.
export function askForToken(given) {
  const dialog = document.body.appendChild(make("dialog", { className: "sign-in", ariaLabel: "Sign in" }, make("h2", { textContent: "Sign in with a token" }), make("p", { className: "quiet", textContent: "Of a tenant with the claim manage, or of an operator. It stays in the memory of this page." })));
  form.mount(dialog, { fields: [{ name: "token", label: "Token", type: "password", wide: true }], actions: [{ text: "Sign in", run: ({ token }) => {
    if (!claims(token.trim()).tenant) throw new Error("This is not a token.");
    dialog.close();
    given(token.trim());
  } }, { text: "Cancel", run: () => dialog.close() }] });
  dialog.onclose = () => dialog.remove();
  dialog.showModal();
}
