// The whiteboard: each stroke, shape and note is an entry with a key of its own, so that people who draw at once never overwrite each other; whoever comes
// later is given all of them at once. The texts of notes are one document of Yjs, so that several can write in one note. Pointers are entries that belong to a connection and end with it.

import { one } from "../shell/view.js";
import * as board from "../widgets/board.js";
import { button, choice } from "../widgets/controls.js";
import { element as make } from "../widgets/format.js";
import { outbox } from "./outbox.js";
import { texts } from "./texts.js";

const pointerEveryMs = 80;
const names = { ink: "Black", accent: "Blue", up: "Green", warn: "Amber", down: "Red" };

export const dashboard = {
  title: "Whiteboard",
  alone: true, // each tab is somebody with a pointer
  panels: { board: "Board", people: "Who is here" },
  layout: "r(board*84,people*16)",
  defaults: { tool: "pen", hue: "ink" },
  rules: { tool: [one(...Object.keys(board.tools)), "tool", "the pen is used"], hue: [one(...board.hues), "colour", "black is used"] },

  start(page) {
    const { view, setView, panels, client } = page;
    const [items, pointers, words] = ["board:", "cursors:", "documents:"].map((prefix) => page.channel(prefix).name);
    const mine = Math.random().toString(36).slice(2, 8); // begins the keys of what this tab draws
    const hue = board.hues[[...page.me].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % board.hues.length];
    const [past, future] = [[], []]; // what this tab has done, as { key, before, after }, with written of the text of a note: only that is undone
    let count = 0;

    const sheet = board.mount(panels.body("board"), {
      label: "Board; choose a tool above and draw", newKey: () => `${mine}-${Date.now().toString(36)}-${count++}`, onPointer: point, onErase: (key) => change(key, undefined, current(key)), onTool: (tool) => setView({ tool }),
      texts: { read: textOf, write, begin, end },
      onItem: (key, item, done, before) => (done ? change(key, item, before ?? undefined) : waiting.put(key, item)),
    });
    const tools = choice(panels.tools("board"), { label: "Tool", options: board.tools, value: view.tool, onChoose: (tool) => setView({ tool }) });
    const paint = choice(panels.tools("board"), { label: "Colour", options: names, value: view.hue, onChoose: (next) => setView({ hue: next }) });
    const undo = button(panels.tools("board"), "↶", () => step(past, future, "before"), { title: "Undo what you did (Ctrl Z)", ariaLabel: "Undo" });
    const redo = button(panels.tools("board"), "↷", () => step(future, past, "after"), { title: "Do it again (Ctrl Y)", ariaLabel: "Redo" });
    button(panels.tools("board"), "+", () => sheet.zoom(1.25), { ariaLabel: "Zoom in" });
    button(panels.tools("board"), "−", () => sheet.zoom(0.8), { ariaLabel: "Zoom out" });
    button(panels.tools("board"), "Fit", () => sheet.fit());
    const people = panels.body("people").appendChild(make("ul", { className: "people" }));
    const state = panels.body("people").appendChild(make("p", { className: "quiet unsent", role: "status" }));

    // What is done is shown at once, and sent until the server has taken it.
    const sends = (channel) => (key, data) => client.publish(channel, data, { key, delete: data === undefined, wait: true, timeoutMs: 60_000 }).then(() => setTimeout(refresh));
    const refused = ({ message }) => page.notice.update({ kind: "warning", title: "What you drew was not taken.", text: message, action: { label: "Dismiss", run: () => page.notice.update(null) } });
    const waiting = outbox({
      publish: sends(items),
      failed: (error, key) => {
        show(key);
        refused(error);
      },
    });
    const written = texts({
      read: (onChange) => page.read(words, { onChange }), publish: sends(words), mine, failed: refused,
      changed(names) {
        names.forEach(show);
        refresh();
      },
    });
    // A note of before there were such texts has its own.
    function textOf(key, item) {
      return written.read(key) || (item.text ?? "");
    }
    let before = ""; // the text of the note when it was begun to be written
    function begin(key) {
      written.begin();
      before = written.read(key);
    }
    function write(key, item, text) {
      if (item.text && !written.read(key)) written.write(key, item.text);
      written.write(key, text);
    }
    function end(key) {
      if (written.read(key) === before) return;
      const last = past.at(-1);
      if (last?.key === key && !last.before) last.written = true; // it was made just now
      else past.push({ written: true });
      future.length = 0;
      refresh();
    }
    const current = (key) => (waiting.has(key) ? waiting.get(key) : drawn.view.get(key)?.data);
    function change(key, after, before) {
      if (before || after) past.push({ key, before, after }); // an empty note is nothing
      future.length = 0;
      put(key, after);
    }
    function put(key, data) {
      waiting.put(key, data);
      show(key);
      refresh();
    }
    function show(key) {
      const item = current(key);
      if (item?.type) sheet.put(key, item);
      else sheet.drop(key);
    }
    function step(from, to, which) {
      const done = from.pop();
      if (!done) return;
      to.push(done);
      if (done.written) written[which === "before" ? "undo" : "redo"]();
      if (done.key) put(done.key, done[which]);
      refresh();
    }

    let last = 0;
    let later = 0;
    function point(place) {
      clearTimeout(later);
      const wait = last + pointerEveryMs - performance.now();
      if (place && wait > 0) return (later = setTimeout(() => point(place), wait));
      last = performance.now();
      const told = place ? client.publish(pointers, { ...place, name: page.me, hue }, { key: "-", ttl: "20s" }) : client.publish(pointers, undefined, { key: "-", delete: true });
      told.catch(() => {}); // while there is no connection, nobody sees it
    }

    function refresh() {
      sheet.use(view.tool);
      sheet.paint(view.hue);
      tools.update(view.tool);
      paint.update(view.hue);
      undo.disabled = past.length === 0;
      redo.disabled = future.length === 0;
      const left = waiting.size + written.size;
      const unsent = left === 0 ? "" : page.live() ? "Sending …" : `${left} not sent yet: kept until the connection is back.`;
      if (state.textContent !== unsent) state.textContent = unsent;
      panels.title("board", `Board (${sheet.keys().length})`);
    }
    const drawn = page.read(items, { maxRate: 20, onChange: ({ changed, removed }) => {
      for (const key of [...changed.map((row) => row.key), ...removed]) show(key);
      refresh();
    } });
    const moving = page.read(pointers, { maxRate: 20, onChange: ({ changed, removed }) => {
      for (const { key, data } of changed) if (key !== client.state.connection && Number.isFinite(data?.x) && Number.isFinite(data.y)) sheet.point(key, data);
      for (const key of removed) sheet.point(key, null);
    } });
    drawn.view.ready.then(() => sheet.fit(), () => {});
    const entry = client.enter(items, { name: page.me, hue });
    entry.ready.catch(() => {});
    const stopWatching = client.presence(items, ({ members }) => {
      panels.title("people", `Who is here (${members.length})`);
      people.replaceChildren(...members.map(({ user, connection, data }) => {
        const own = connection === client.state.connection;
        const item = make("li", {}, make("button", { className: `plain hue-${data?.hue ?? "ink"}`, textContent: `● ${data?.name ?? user}${own ? " (you)" : ""}` }), make("span", { className: "quiet", textContent: user }));
        item.firstChild.onclick = () => moving.view.get(connection) && sheet.look(moving.view.get(connection).data);
        return item;
      }));
    });
    const press = (event) => {
      if (!(event.ctrlKey || event.metaKey) || event.target.closest("input, textarea")) return;
      const key = event.key.toLowerCase();
      if (key !== "z" && key !== "y") return;
      event.preventDefault();
      if (key === "y" || event.shiftKey) step(future, past, "after");
      else step(past, future, "before");
    };
    document.addEventListener("keydown", press);
    page.came(true); // an empty board is one to draw on
    refresh();

    return {
      refresh,
      commands: () => [...Object.entries(board.tools).map(([tool, title]) => ({ title: `Use ${title}`, run: () => setView({ tool }) })), { title: "Show all of the board", run: () => sheet.fit() }],
      stop() {
        document.removeEventListener("keydown", press);
        clearTimeout(later);
        waiting.stop();
        written.stop();
        stopWatching();
        entry.leave();
        for (const reading of [drawn, moving]) reading.stop();
        sheet.unmount();
      },
    };
  },
};
