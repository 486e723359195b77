// A form of a few fields and what can be done with them, with a line below that says what came of it.

import { element as make } from "./format.js";

// mount takes fields [{ name, label, value, placeholder, rows, type, wide }] and actions [{ text, run(values), danger }]. run may return a sentence, or throw an error that has one.
export function mount(element, { fields, actions }) {
  const form = element.appendChild(make("form", { className: "form" }));
  const inputs = Object.fromEntries(fields.map(({ name, label, value = "", placeholder = "", rows, type = "text", wide }) => {
    const input = rows ? make("textarea", { rows, value }) : make("input", { type, value });
    Object.assign(input, { name, placeholder, spellcheck: false, autocomplete: "off" });
    form.append(make("label", { className: rows || wide ? "wide" : "" }, make("span", { textContent: label }), input));
    return [name, input];
  }));
  const row = form.appendChild(make("div", { className: "actions" }));
  const said = make("p", { className: "said", role: "status" });
  const act = async (run) => {
    said.textContent = "…";
    said.dataset.kind = "";
    try {
      said.textContent = (await run(Object.fromEntries(Object.entries(inputs).map(([name, { value }]) => [name, value])))) ?? "";
    } catch (error) {
      said.dataset.kind = "error";
      said.textContent = error instanceof SyntaxError ? `This is not JSON: ${error.message}` : error.message;
    }
  };
  actions.forEach(({ text, run, danger }, i) => {
    const button = row.appendChild(make("button", { textContent: text, type: i === 0 ? "submit" : "button", className: danger ? "danger" : "" }));
    if (i > 0) button.onclick = () => act(run);
  });
  form.onsubmit = (event) => {
    event.preventDefault();
    act(actions[0].run);
  };
  form.append(said);
  return {
    inputs,
    element: form,
    // update sets fields.
    update(values) {
      for (const [name, value] of Object.entries(values)) inputs[name].value = value;
    },
    unmount: () => form.remove(),
  };
}
