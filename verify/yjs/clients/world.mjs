// Some editors of one document, on several gateways that are cut, killed and started again at random. In the end all have the same document, and so has who
// comes then.
//
//   node world.mjs SEED CONTROL TOKEN VIEWER
//
// CONTROL is the URL of the test: /gateways lists those there are, /cut/N cuts the connections of one, /kill/N kills it and starts another in its place,
// /break/N cuts the next handshake with it in the middle.
import WebSocket from "ws"; // the one that Node 20 has says of a handshake that has failed neither that it is closed nor by its state
import * as Y from "yjs";
import { WebsocketProvider } from "y-websocket";

const [seed, control, token, viewerToken] = process.argv.slice(2);
let state = Number(seed) * 2654435761 + 1;
const random = (n) => {
  state = (Math.imul(state ^ (state >>> 15), 2246822519) + 3266489917) >>> 0;
  return ((state ^ (state >>> 13)) >>> 0) % n;
};
const get = async (path) => (await fetch(control + path)).json();
const gateways = await get("/gateways");
const name = `docs:${seed}`;
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const said = [];
console.warn = (...text) => said.push(text.join(" "));
const errors = [];
console.error = (...text) => errors.push(text.map(String).join(" "));

function open(gateway, use = token, doc = new Y.Doc()) {
  const provider = new WebsocketProvider(`${gateways[gateway]}/v1/yjs`, name, doc, { protocols: ["tidewire.yjs", `bearer.${use}`], disableBc: true, maxBackoffTime: 200, WebSocketPolyfill: WebSocket });
  const note = (what) => story.push(`${new Date().toISOString().slice(17, 23)} ${doc.clientID} at ${gateway}: ${what}`);
  provider.on("status", ({ status }) => note(`${status} ${JSON.stringify([...Y.decodeStateVector(Y.encodeStateVector(doc))].sort())}`));
  provider.on("sync", (is) => note(`synced ${is} ${JSON.stringify([...Y.decodeStateVector(Y.encodeStateVector(doc))].sort())}`));
  provider.on("connection-close", (event) => note(`closed ${event?.code} ${event?.reason}`));
  const e = { doc, provider, text: doc.getText("text"), map: doc.getMap("map"), list: doc.getArray("list") };
  all.push(e);
  return e;
}

const all = [];
const story = [];
async function until(what, holds, within = 120_000) {
  for (const end = Date.now() + within; !holds(); await sleep(10)) {
    if (Date.now() > end) {
      const states = all.map(({ provider: p }) => `connecting ${p.wsconnecting}, connected ${p.wsconnected}, synced ${p.synced}, tried again ${p.wsUnsuccessfulReconnects}, state of the socket ${p.ws?.readyState}`).join("\n");
      // What each has: an edit that is missing is in one state vector, and waits in vain for another in those who have what was made on top of it.
      const docs = all.map((e) => `${e.doc.clientID}: ${JSON.stringify([...Y.decodeStateVector(Y.encodeStateVector(e.doc))].sort())}, waits for ${JSON.stringify([...(e.doc.store.pendingStructs?.missing ?? [])])}, deletions wait: ${e.doc.store.pendingDs !== null}\n  ${image(e)}\n  RAW ${Buffer.from(Y.encodeStateAsUpdate(e.doc)).toString("base64")}`).join("\n");
      throw new Error(`seed ${seed}: waited in vain until ${what}\n${states}\n${docs}\n${errors.join("\n")}\n${said.join("\n")}\n${story.join("\n")}\n${(await get("/log")).join("\n")}`);
    }
  }
}

let written = 0;
function edit(e) {
  const n = ++written;
  switch (random(8)) {
    case 0: e.map.set(`k${random(5)}`, { n, deep: [1, 2.5, null, true, "ü"] }); break;
    case 1: e.map.delete(`k${random(5)}`); break;
    case 2: e.list.insert(random(e.list.length + 1), [n, `v${n}`]); break;
    case 3: if (e.list.length > 0) e.list.delete(random(e.list.length), 1); break;
    case 4: if (e.text.length > 3) e.text.delete(random(e.text.length - 2), 2); break;
    case 5: if (e.text.length > 3) e.text.format(random(e.text.length - 2), 2, { bold: n % 2 === 0 ? true : null }); break;
    case 6: {
      const nested = new Y.Map();
      e.map.set("nested", nested);
      nested.set("bytes", new Uint8Array([n & 255, 2, 3]));
      break;
    }
    default: e.text.insert(random(e.text.length + 1), n % 7 === 0 ? "né" : `word${n} `.repeat(1 + random(4)));
  }
}
// The order in which a map has its keys is no part of a document.
const image = (e) => JSON.stringify([e.text.toDelta(), Object.entries(e.map.toJSON()).sort(), e.list.toJSON()]);
const vector = (e) => Buffer.from(Y.encodeStateVector(e.doc)).toString("hex");

let late;
await get("/break/0"); // the first handshake of each world
const viewer = open(0, viewerToken);
const editors = [0, 1, 2].map((i) => open(i % gateways.length));
// An old client that has some of the document and comes back with the rest of the world.
const old = open(0);
await until("all are synced", () => [viewer, old, ...editors].every((e) => e.provider.synced));
editors.forEach((e, i) => e.provider.awareness.setLocalState({ name: `e${i}`, at: random(100) }));
await until("everybody knows where everybody is", () => editors.every((e) => [...e.provider.awareness.getStates().values()].filter((s) => s?.name?.startsWith("e")).length === editors.length));
for (let step = 0; step < 60; step++) {
  if (step === 20) old.provider.disconnect();
  const e = editors[random(editors.length)];
  switch (random(21)) {
    case 20: await get(`/break/${random(gateways.length)}`); break;
    case 0: await get(`/cut/${random(gateways.length)}`); break;
    case 1: await get(`/kill/${random(gateways.length)}`); break;
    case 2: e.provider.disconnect(); break; // it goes on offline
    case 3: e.provider.connect(); break;
    case 4: edit(viewer); break; // which nobody else may ever see
    case 5: edit(old); break;
    default:
      for (let n = random(6); n >= 0; n--) edit(e);
  }
  if (random(3) === 0) await sleep(random(30));
}
old.provider.connect();
editors.forEach((e) => e.provider.connect());
await until("all have come back", () => [old, ...editors].every((e) => e.provider.synced));
await until("all editors have the same", () => editors.every((e) => image(e) === image(old) && vector(e) === vector(old)));
late = open(random(gateways.length));
await until("who comes late has it", () => late.provider.synced && image(late) === image(old));
if (vector(late) !== vector(old)) throw new Error(`seed ${seed}: who comes late lacks edits`);
const local = viewer.doc.clientID;
if (Y.decodeStateVector(Y.encodeStateVector(late.doc)).has(local)) throw new Error(`seed ${seed}: an edit of one who may only read was published`);
await until("the awareness of those who are there", () => [...late.provider.awareness.getStates().values()].filter((s) => s?.name?.startsWith("e")).length === editors.length);
const bad = errors.filter((text) => !text.includes("WebSocket"));
if (bad.length > 0) throw new Error(`seed ${seed}: ${bad.join("\n")}`);
console.log(JSON.stringify({ seed, edits: written, length: late.text.length, viewerTold: said.length > 0 }));
for (const e of [viewer, old, late, ...editors]) e.provider.destroy();
process.exit(0);
