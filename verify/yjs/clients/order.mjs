// The updates of waiting.json were published in its order. In that of their keys, as a checkpoint has them, Yjs 13.6 waits for ever: all are there, and it
// does not look again at what waits. What a door sends of them it shows.
//
//   node order.mjs CONTROL
//
// CONTROL answers POST with the messages that a door sends to a client which has a state vector, of entries in that order.
import * as Y from "yjs";
import * as decoding from "lib0/decoding";
import { readFileSync } from "node:fs";

const published = JSON.parse(readFileSync("waiting.json"));
const updates = published.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, update]) => update);
const whole = new Y.Doc();
Y.applyUpdate(whole, Y.mergeUpdates(updates.map((u) => Buffer.from(u, "base64"))));
const image = (doc) => JSON.stringify([doc.getText("text").toDelta(), Object.entries(doc.getMap("map").toJSON()).sort(), doc.getArray("list").toJSON()]);
const waits = (doc) => doc.store.pendingStructs !== null;
if (waits(whole)) throw new Error("the document lacks something");

let stuck = 0;
for (let had = 0; had < published.length; had++) {
  const plain = new Y.Doc(), shown = new Y.Doc();
  for (const doc of [plain, shown]) for (const [, u] of published.slice(0, had)) Y.applyUpdate(doc, Buffer.from(u, "base64"));
  for (const u of updates) Y.applyUpdate(plain, Buffer.from(u, "base64"));
  if (waits(plain)) stuck++;
  const vector = Buffer.from(Y.encodeStateVector(shown)).toString("base64");
  const messages = await (await fetch(process.argv[2], { method: "POST", body: JSON.stringify({ vector, updates }) })).json();
  for (const m of messages) {
    const decoder = decoding.createDecoder(Buffer.from(m, "base64"));
    const [kind, step] = [decoding.readVarUint(decoder), decoding.readVarUint(decoder)];
    if (kind === 0 && step > 0) Y.applyUpdate(shown, decoding.readVarUint8Array(decoder));
  }
  if (waits(shown) || image(shown) !== image(whole)) throw new Error(`with ${had}: waits for ${JSON.stringify([...(shown.store.pendingStructs?.missing ?? [])])}`);
}
console.log(JSON.stringify({ stuck }));
if (stuck === 0) throw new Error("Yjs waits for nothing by itself: the test shows nothing");
