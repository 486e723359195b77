// Who am I? Tenant, user, groups; and the switch to other views, where there are some.

export function mount(element, { onSwitch }) {
  const user = element.appendChild(document.createElement("span"));
  user.className = "user";
  const tenants = select(element, "Tenant");
  const groups = select(element, "Role", "group");
  let views = [];

  tenants.onchange = () => onSwitch(views.find(({ tenant }) => tenant === tenants.value));
  groups.onchange = () => onSwitch({ tenant: tenants.value, group: groups.value });

  return {
    update(session) {
      views = session.views ?? [{ tenant: session.tenant, group: session.groups[0] }];
      user.textContent = session.user;
      user.title = `${session.user} of ${session.tenant}, in ${session.groups.join(", ")}`;
      fill(tenants, [...new Set(views.map(({ tenant }) => tenant))].map((tenant) => [tenant, tenant]), session.tenant);
      fill(groups, views.filter(({ tenant }) => tenant === session.tenant).map(({ group, title }) => [group, title ?? group]), session.groups[0]);
    },
    unmount() {
      element.replaceChildren();
    },
  };
}

function select(element, name, field = name.toLowerCase()) {
  const label = element.appendChild(document.createElement("label"));
  label.appendChild(document.createElement("span")).textContent = name;
  const s = label.appendChild(document.createElement("select"));
  s.name = field;
  s.ariaLabel = name; // narrow screens do not show the word
  return s;
}

function fill(select, values, chosen) {
  select.replaceChildren(...values.map(([value, text]) => new Option(text, value, false, value === chosen)));
}
