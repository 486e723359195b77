// The small things of a panel's heading.

import { element as make } from "./format.js";

// search is a field that filters. onInput is told its text; Escape clears it, and then lets go of it.
export function search(element, { label, value, onInput }) {
  const input = make("input", { type: "search", placeholder: "Filter  /", ariaLabel: label, value, autocomplete: "off", spellcheck: false });
  element.append(input);
  input.oninput = () => onInput(input.value);
  input.onkeydown = ({ key }) => {
    if (key !== "Escape") return;
    if (input.value === "") input.blur();
    else onInput((input.value = ""));
  };
  return input;
}

// choice is a few buttons of which one is chosen. options is { value: text }.
export function choice(element, { label, options, value, onChoose }) {
  const group = make("div", { className: "choice", role: "group", ariaLabel: label });
  const buttons = Object.entries(options).map(([each, text]) => {
    const button = make("button", { textContent: text });
    button.dataset.value = each;
    button.onclick = () => onChoose(each);
    return button;
  });
  group.append(...buttons);
  element.append(group);
  const update = (chosen) => {
    for (const button of buttons) button.ariaPressed = String(button.dataset.value === chosen);
  };
  update(value);
  return { update };
}

// button does something, and is told what it is called.
export function button(element, text, run, properties = {}) {
  const made = make("button", { textContent: text, ...properties });
  made.onclick = run;
  element.append(made);
  return made;
}

// pick is a list of which one is chosen, or none. Options are [value, text] each.
export function pick(element, { label, none, options, value, onChoose }) {
  const select = make("select", { ariaLabel: label });
  select.append(...[["", none], ...options].map(([each, text]) => new Option(text, each, false, each === value)));
  select.onchange = () => onChoose(select.value);
  element.append(select);
  return select;
}
