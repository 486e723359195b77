// Why an event arrives, or does not: what would become of one that is not published, for each subscription, or for each connection of a user.

import * as form from "../widgets/form.js";
import { element as make } from "../widgets/format.js";

const good = new Set(["accepted", "delivered", "projected"]);

// mount takes ask(question), which answers as the management API does.
export function mount(element, { channel, ask }) {
  const lines = make("ul", { className: "lines", tabIndex: 0, ariaLabel: "What would become of it" });
  const line = (who, outcome, why) => {
    const row = lines.appendChild(make("li"));
    row.dataset.outcome = outcome;
    row.append(make("strong", { textContent: who }), make("span", { className: good.has(outcome) ? "up" : "down", textContent: outcome.replace("-", " ") }), make("span", { className: "why", textContent: why }));
  };
  const asked = form.mount(element, {
    fields: [
      { name: "channel", label: "Channel", value: channel }, { name: "user", label: "User", placeholder: "whoever reads it" }, { name: "key", label: "Key", placeholder: "none" },
      { name: "tags", label: "Tags", placeholder: "region=eu desk=a" }, { name: "data", label: "Data, as JSON", wide: true, placeholder: "null" },
    ],
    actions: [{ text: "Explain", run }],
  });
  element.append(lines);

  async function run({ channel, user, key, tags, data }) {
    const pairs = tags.split(/\s+/).filter(Boolean).map((pair) => pair.split(/=(.*)/s).slice(0, 2));
    const bad = pairs.find(([name, value]) => !name || value === undefined);
    if (bad) throw new Error(`Tags: must be name=value, got ${bad[0]}.`);
    lines.replaceChildren();
    const told = await ask({ channel, ...(user && { user }), ...(key && { key }), ...(pairs.length > 0 && { tags: Object.fromEntries(pairs) }), ...(data.trim() && { data: JSON.parse(data) }) });
    if (told.publish.outcome !== "accepted") line("Publish", told.publish.outcome, told.publish.detail);
    for (const { user, connection, pattern, sub, outcome, rule, detail } of told.subscriptions) line([user, pattern, sub].filter(Boolean).join(" "), outcome, [rule, detail].filter(Boolean).join(": ") || connection);
    if (!told.complete) return `${told.missing?.join(", ") || "An instance"} has not answered: there may be more.`;
    if (told.publish.outcome !== "accepted") return "It would not be published.";
    if (told.subscriptions.length > 0) return told.more ? "These are the first of more." : "";
    return user ? `${user} is not connected to this tenant.` : `Nobody reads ${channel}.`;
  }
  return { ...asked, unmount: () => (asked.unmount(), lines.remove()) };
}
