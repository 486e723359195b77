import { connect } from "/tidewire.js";

const show = (id, text) => (document.getElementById(id).textContent = text);
const tidewire = connect("/v1/socket", { token: () => fetch("/token").then((answer) => answer.text()) });
tidewire.on("state", ({ name }) => show("state", name));
tidewire.subscribe("clock:utc", ({ data }) => show("time", data));
