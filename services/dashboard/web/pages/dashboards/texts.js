// Texts that several people write at once: a document of Yjs over an ordinary channel with state. Each entry is an update in base64, as behind GET /v1/yjs/{channel},
// so that editors built on y-websocket have the same document.

import { applyUpdate, Doc, mergeUpdates, UndoManager } from "../vendor/yjs/yjs.esm.js";
import { outbox } from "./outbox.js";

const gatherMs = 150; // what is written within this is one update
const tidyAt = 32; // after so many updates of this tab they are made one

const encode = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
const decode = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

// texts reads with read(onChange) and sends with publish(key, data), both as for state. mine begins the keys of this tab; changed is told the names of texts that are new,
// and failed what was refused for good.
export function texts({ read, publish, mine, changed, failed }) {
  const doc = new Doc();
  const own = {}; // the origin of what is written here
  const undoes = new UndoManager([], { doc, trackedOrigins: new Set([own]), captureTimeout: 1e9 });
  const scoped = new Set();
  const stored = new Map(); // key -> update, as it is stored
  const replaced = new Map(); // key of an update -> keys of those that it has, which are removed once it is stored
  const waiting = outbox({ publish: (key, data) => publish(key, data).then(() => remove(key)), failed });
  let [count, gathered, timer, written] = [0, [], 0, []];

  doc.on("update", (update, origin) => {
    if (origin === "server") return;
    gathered.push(update);
    timer ||= setTimeout(send, gatherMs);
  });
  doc.on("afterTransaction", ({ changed: types }) => {
    const names = [...doc.share].filter(([, type]) => types.has(type)).map(([name]) => name);
    if (names.length > 0) changed(names);
  });

  function send() {
    clearTimeout(timer);
    timer = 0;
    if (gathered.length === 0) return;
    const update = mergeUpdates(gathered.splice(0));
    const key = `${mine}.${count++}`;
    waiting.put(key, encode(update));
    written.push({ key, update });
    if (written.length >= tidyAt) tidy();
  }
  // Whoever is shown the state has all updates at every moment.
  function tidy() {
    const [old, update] = [written, mergeUpdates(written.map((each) => each.update))];
    written = [{ key: `${mine}.${count++}`, update }];
    replaced.set(written[0].key, old.map(({ key }) => key));
    waiting.put(written[0].key, encode(update));
  }
  function remove(by) {
    for (const key of replaced.get(by) ?? []) waiting.put(key, undefined);
    replaced.delete(by);
  }
  function take(rows, removed) {
    for (const key of removed) stored.delete(key);
    const added = rows.filter(({ data }) => typeof data === "string");
    for (const { key, data } of added) stored.set(key, data);
    apply(added.map(({ data }) => data));
    // Yjs may wait for ever where a later edit came before an earlier one, unless all come at once.
    if (doc.store.pendingStructs) apply([...stored.values()]);
  }
  function apply(all) {
    if (all.length === 0) return;
    try {
      applyUpdate(doc, mergeUpdates(all.map(decode)), "server");
    } catch (error) {
      if (all.length === 1) console.warn("an update of a shared text cannot be read", error);
      else for (const one of all) apply([one]);
    }
  }
  const text = (name) => {
    const type = doc.getText(name);
    if (!scoped.has(name)) undoes.addToScope(type);
    scoped.add(name);
    return type;
  };
  const reading = read(({ changed: rows, removed }) => take(rows, removed));

  return {
    get size() {
      return waiting.size + (gathered.length > 0 ? 1 : 0);
    },
    read: (name) => text(name).toString(),
    // write makes a text another one: only what differs is deleted and inserted, so that what others write meanwhile stays.
    write(name, next) {
      const type = text(name);
      const now = type.toString();
      let [from, end] = [0, 0];
      while (from < Math.min(now.length, next.length) && now[from] === next[from]) from++;
      while (end < Math.min(now.length, next.length) - from && now[now.length - 1 - end] === next[next.length - 1 - end]) end++;
      if (from === now.length && from === next.length) return;
      doc.transact(() => {
        if (now.length - end > from) type.delete(from, now.length - end - from);
        if (next.length - end > from) type.insert(from, next.slice(from, next.length - end));
      }, own);
    },
    // begin ends what is undone at once; undo and redo are of what was written here.
    begin: () => undoes.stopCapturing(),
    undo: () => undoes.undo(),
    redo: () => undoes.redo(),
    stop() {
      send();
      reading.stop();
      waiting.stop();
      undoes.destroy();
      doc.destroy();
    },
  };
}
