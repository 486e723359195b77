// Random documents of several editors, and what the server makes of their updates: unions, parts and differences, which have to be the document for Yjs.
//
//   node unions.mjs SEED CONTROL
import assert from "node:assert/strict";
import * as Y from "yjs";

const [seed, control] = process.argv.slice(2);
let state = Number(seed) * 2654435761 + 1;
const random = (n) => {
  state = (Math.imul(state ^ (state >>> 15), 2246822519) + 3266489917) >>> 0;
  return ((state ^ (state >>> 13)) >>> 0) % n;
};
const base64 = (b) => Buffer.from(b).toString("base64");
const bytes = (s) => new Uint8Array(Buffer.from(s, "base64"));
const image = (doc) => JSON.stringify([doc.getText("text").toDelta(), Object.entries(doc.getMap("map").toJSON()).sort(), doc.getArray("list").toJSON(), doc.getXmlFragment("xml").toString()]);

function edit(doc, n) {
  const [text, map, list, xml] = [doc.getText("text"), doc.getMap("map"), doc.getArray("list"), doc.getXmlFragment("xml")];
  switch (random(11)) {
    case 0: map.set(`k${random(4)}`, { n, deep: [1, -2.5, 1e300, null, true, undefined, "ü", { "": [] }] }); break;
    case 1: map.delete(`k${random(4)}`); break;
    case 2: list.insert(random(list.length + 1), [n, "x".repeat(random(20)), new Uint8Array([1, 2, n & 255]), { big: n }]); break;
    case 3: if (list.length > 1) list.delete(random(list.length - 1), 2); break;
    case 4: if (text.length > 4) text.delete(random(text.length - 3), 3); break;
    case 5: if (text.length > 4) text.format(random(text.length - 3), 3, { bold: n % 2 ? true : null }); break;
    case 6: text.insertEmbed(random(text.length + 1), { image: `i${n}` }); break;
    case 7: map.set("nested", new Y.Map([["a", new Y.Array()]])); break;
    case 8: xml.insert(random(xml.length + 1), [new Y.XmlElement(`p${n % 3}`), new Y.XmlText("words"), new Y.XmlHook("hook")].slice(0, 1 + random(3))); break;
    case 9: map.set("sub", new Y.Doc({ guid: `d${n}` })); break;
    default: text.insert(random(text.length + 1), "é漢字 word ".repeat(1 + random(30)));
  }
}

const editors = [0, 1, 2].map(() => new Y.Doc());
const updates = [];
editors.forEach((doc) => doc.on("update", (update, origin) => { if (origin !== "remote") updates.push(update); }));
for (let n = 0; n < 120; n++) {
  const doc = editors[random(3)];
  if (random(5) === 0) doc.transact(() => { edit(doc, n); edit(doc, n + 1000); });
  else edit(doc, n);
  if (random(4) === 0) {
    const [from, to] = [editors[random(3)], editors[random(3)]];
    const update = Y.encodeStateAsUpdate(from, Y.encodeStateVector(to));
    Y.applyUpdate(to, update, "remote");
    if (random(3) === 0) updates.push(update); // what one sends in step 2
  }
}
const whole = new Y.Doc();
updates.forEach((u) => Y.applyUpdate(whole, u));
for (let i = updates.length - 1; i > 0; i--) {
  const j = random(i + 1);
  [updates[i], updates[j]] = [updates[j], updates[i]];
}
const half = updates.slice(0, updates.length / 2);
const answer = await (await fetch(control + "/unions", { method: "POST", body: JSON.stringify({ updates: updates.map(base64), half: half.map(base64), most: 300 + random(3000) }) })).json();
const check = (what, parts) => {
  const doc = new Y.Doc();
  parts.forEach((u) => Y.applyUpdate(doc, u));
  assert.equal(doc.store.pendingStructs, null, `${what}: edits are missing`);
  assert.equal(image(doc), image(whole), what);
  assert.deepEqual([...Y.decodeStateVector(Y.encodeStateVector(doc))].sort(), [...Y.decodeStateVector(Y.encodeStateVector(whole))].sort(), what);
};
check("the union", [bytes(answer.union)]);
check("the parts", answer.parts.map(bytes));
check("half, and what it lacks", [...half, bytes(answer.rest)]);
check("the union of what Yjs merges", [Y.mergeUpdates([bytes(answer.union), ...half])]);
assert.deepEqual([...Y.decodeStateVector(bytes(answer.vector))].sort(), [...Y.decodeStateVector(Y.encodeStateVector(whole))].sort(), "the state vector");
console.log(JSON.stringify({ seed, updates: updates.length, bytes: updates.reduce((n, u) => n + u.length, 0), union: bytes(answer.union).length, merged: Y.mergeUpdates(updates).length, parts: answer.parts.length }));
