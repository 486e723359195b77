import { connect } from "./tidewire.js";

const [state, rows] = [document.getElementById("state"), document.getElementById("rows")];
const tidewire = connect("/v1/socket", { token });
tidewire.on("state", ({ name }) => (state.textContent = name));

// The newest reading of each sensor: all there are first, then what changes. A page that comes late, or comes back, has the same table.
const sensors = tidewire.subscribe("sensors:hall", { state: true });
sensors.view.on("change", ({ changed, removed }) => {
  for (const key of changed) show(key, sensors.view.get(key));
  for (const key of removed) document.getElementById(key)?.remove();
});

function show(key, { data, time }) {
  const row = document.getElementById(key) ?? Object.assign(rows.insertRow(), { id: key });
  row.replaceChildren(...[key, data.celsius.toFixed(1), new Date(time).toLocaleTimeString()].map((text) => {
    const cell = document.createElement("td");
    cell.textContent = text;
    return cell;
  }));
}

// Called whenever a token is needed. tidewire dev --page answers this; elsewhere your own server does, for whoever has signed in.
async function token() {
  const answer = await fetch("/token");
  if (answer.status === 401) return null;
  if (!answer.ok) throw new Error(`no token: ${answer.status}`);
  return answer.text();
}
