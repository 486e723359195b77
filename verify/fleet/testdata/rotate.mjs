// A page's client in Node: it reads one channel and says, when its input ends, what it was given and how often it moved.
//   node --experimental-websocket rotate.mjs URL TOKEN CHANNEL
import { connect } from "../../../clients/js/tidewire.js";

const [url, token, channel] = process.argv.slice(2);
const said = { first: 0, last: 0, given: 0, missing: 0, again: 0, gaps: 0, moves: 0, bare: 0 };
const client = connect(url, { token });
client.on("move", ({ phase }) => { if (phase === "done") said.moves++; tell(); });
let live = false;
client.on("state", ({ name }) => {
  if (live && name !== "live") said.bare++;
  live ||= name === "live";
});
const subscription = client.subscribe(channel, ({ data }) => {
  if (said.given++ === 0) said.first = data.n;
  else if (data.n <= said.last) said.again++;
  else said.missing += data.n - said.last - 1;
  said.last = Math.max(said.last, data.n);
}, { onGap: () => said.gaps++ });

function tell() { process.stdout.write(`${JSON.stringify(said)}\n`); }

await subscription.ready;
tell();
const every = setInterval(tell, 200);
process.stdin.resume().on("end", () => { clearInterval(every); tell(); live = false; client.close(); });
