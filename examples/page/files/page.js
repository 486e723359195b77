import { connect } from "/tidewire.js";

const [form, said, state] = [document.forms[0], document.getElementById("said"), document.getElementById("state")];
const tidewire = connect("/v1/socket", { token });
tidewire.on("state", ({ name }) => (state.textContent = name));
tidewire.subscribe("talk:all", ({ data }) => said.appendChild(document.createElement("li")).append(data));

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  await tidewire.publish("talk:all", form.text.value, { wait: true }); // until there is a connection
  form.reset();
});

// Called whenever a token is needed. What it throws is tried again; null says that nobody is signed in.
async function token() {
  const answer = await fetch("/token");
  if (answer.status === 401) return null;
  if (!answer.ok) throw new Error(`no token: ${answer.status}`);
  return answer.text();
}
