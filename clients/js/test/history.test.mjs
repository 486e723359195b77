// What was published before: pages of history, and subscriptions that begin in the past, against a scripted server and in seeded worlds.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { connect, TidewireError } from "../tidewire.js";
import { fakeServer, fakeTime, message, pass, record, settle } from "./fake.mjs";
import { generator } from "./world.mjs";

const now = 1_800_000_000_000;

async function start(t, options = {}) {
  fakeTime(t);
  const server = fakeServer(), client = connect("https://example.com", { WebSocket: server.WebSocket, token: "t1", ...options });
  t.after(() => client.state.name === "closed" || client.close());
  const said = record(client, "gap", "error", "subscription");
  await settle();
  return { server, client, of: (type) => said.filter(([each]) => each === type).map(([, detail]) => detail) };
}

const past = (n, more = {}) => ({ position: `${now + n}-e${n}`, time: now + n, data: { n }, ...more });

/** Answers the history frames of a socket that have no answer. */
function answer(socket, ...answers) {
  const asked = socket.of("history").filter(({ id }) => !socket.answered?.has(id));
  socket.answered ??= new Set();
  for (const [i, { id }] of asked.entries()) {
    socket.answered.add(id);
    socket.give({ type: "ok", id, channel: "alerts:eu", messages: [], more: false, complete: true, ...answers[i] });
  }
  return asked;
}

describe("history", () => {
  test("goes back from the newest, and forward from a bound", async (t) => {
    const { server, client } = await start(t);
    server.newest.live();
    const back = client.history("alerts:eu", { limit: 2, filter: "tags.desk == 'a'", fields: ["n"], from: new Date(now) });
    let page = back.next();
    await settle();
    const [first] = answer(server.newest, { messages: [past(8), past(9)], more: true });
    assert.deepEqual({ ...first, id: 0 }, { type: "history", id: 0, channel: "alerts:eu", limit: 2, filter: "tags.desk == 'a'", fields: ["n"], from: now });
    assert.deepEqual((await page).value.messages.map(({ type, channel, data }) => [type, channel, data.n]), [["message", "alerts:eu", 8], ["message", "alerts:eu", 9]]);
    page = back.next();
    await settle();
    const [second] = answer(server.newest, { messages: [past(11)], complete: false, hint: "http" });
    assert.deepEqual([second.after, second.before, second.from], [`${now + 9}-e9`, undefined, undefined], "from a time, forward");
    const { messages, ...rest } = (await page).value;
    assert.deepEqual([rest, messages.length], [{ more: false, complete: false, beyond: true }, 1]);
    assert.deepEqual(await back.next(), { done: true, value: undefined });

    const older = client.history("alerts:eu", { before: `${now + 8}-e8` });
    page = older.next();
    await settle();
    answer(server.newest, { messages: [past(6), past(7)], more: true });
    await page;
    page = older.next();
    await settle();
    assert.equal(answer(server.newest)[0].before, `${now + 6}-e6`);
    assert.deepEqual((await page).value.messages, []);
  });

  test("asks again for a page that is lost in the middle, and waits for a connection", async (t) => {
    const { server, client } = await start(t);
    const pages = client.history("alerts:eu", { after: `${now}-e0` }), page = pages.next();
    await settle();
    server.newest.live();
    await settle();
    assert.equal(server.newest.of("history").length, 1);
    server.newest.end(1006);
    await pass(2000);
    server.newest.live();
    await settle();
    const [again] = server.newest.of("history");
    assert.equal(again.after, `${now}-e0`);
    server.newest.give({ type: "error", id: again.id, code: "limited", limit: "queueBytes", message: "later", retryAfterMs: 1000 });
    await pass(999);
    assert.equal(server.newest.of("history").length, 1);
    await pass(1);
    server.newest.answered = new Set([again.id]);
    answer(server.newest, { messages: [past(1)] });
    assert.deepEqual((await page).value.messages.map(({ data }) => data.n), [1]);
  });

  test("is refused without a grant, and when it cannot be asked for", async (t) => {
    const { server, client, of } = await start(t);
    server.newest.live();
    const page = client.history("alerts:eu").next();
    await settle();
    server.newest.give({ type: "error", id: server.newest.of("history")[0].id, code: "forbidden", message: "channel: no grant for the history of \"alerts:eu\"" });
    await assert.rejects(page, { code: "forbidden", message: /no grant for the history/ });
    for (const [query, says] of [
      [{ limit: 0 }, "limit: must be 1 to 1000, got 0"], [{ limit: 1001 }, "limit: must be 1 to 1000"], [{ limit: "5" }, "limit: must be 1 to 1000"], [{ before: "x" }, "before: must be a position"],
      [{ after: 7 }, "after: must be a position"], [{ from: "yesterday" }, "from: must be a Date"], [{ to: -1 }, "to: must be a Date"], [{ from: new Date(NaN) }, "from: must be a Date"],
      [{ from: 5, after: "1-a" }, "from: must be left out"], [{ to: 5, before: "1-a" }, "to: must be left out"], [{ before: "1-a", after: "1-a" }, "before: must be left out"],
      [{ from: 5, to: 5 }, "to: must be later than from"], [{ filter: 1 }, "filter: must be a string"], [{ fields: [""] }, "fields: must be a list"], [{ reverse: true }, "reverse: is not an option of history"],
    ]) {
      assert.throws(() => client.history("alerts:eu", query), (error) => error instanceof TidewireError && error.code === "bad-request" && error.message.includes(says), JSON.stringify(query));
    }
    for (const channel of ["alerts:*", "", undefined]) assert.throws(() => client.history(channel), { code: "bad-request" });
    assert.equal(server.newest.of("history").length, 1);
    assert.deepEqual(of("error"), []);
    client.close();
    assert.throws(() => client.history("alerts:eu"), { code: "closed" });
  });
});

describe("rewind", () => {
  test("is asked for with every subscribe, and says what follows", async (t) => {
    const { server, client, of } = await start(t);
    const got = [], subscription = client.subscribe("alerts:eu", ({ data, replayed }) => got.push([data.n, replayed]), { rewind: 3 });
    await settle();
    assert.equal(server.newest.open().first.subscriptions[0].rewind, 3);
    const event = (n) => message("alerts:eu", now + n, `e${n}`, { data: { n } });
    server.newest.welcome().give({ type: "ok", channel: "alerts:eu", resumed: false, gap: false, position: `${now}-e0`, rewound: 3, complete: true }, event(1), event(2));
    assert.deepEqual([subscription.state.rewound, subscription.state.complete], [3, true]);
    server.newest.end(1006); // in the middle of them
    await pass(1000);
    const [asked] = server.newest.open().first.subscriptions;
    assert.deepEqual([asked.since, asked.rewind], [`${now + 2}-e2`, 3]);
    server.newest.welcome().give({ type: "ok", channel: "alerts:eu", resumed: true, gap: false, position: asked.since }, event(3), event(9000));
    assert.deepEqual(got, [[1, true], [2, true], [3, true], [9000, false]]);
    assert.deepEqual([subscription.state.rewound, of("gap").length], [undefined, 0]);
    assert.equal(client.latency.count, 1, "what is old says nothing of how long messages take");
    server.newest.end(1006);
    await pass(1000);
    server.newest.open().welcome().give({ type: "ok", channel: "alerts:eu", resumed: false, gap: true, position: `${now + 8999}-`, rewound: 2, complete: false }, event(9000), event(9001));
    assert.deepEqual([got.at(-1)[0], got.length, subscription.state.rewound, subscription.state.complete, of("gap").length], [9001, 5, 2, false, 1]);
  });

  test("is for one reader, and refused where there is no past", async (t) => {
    const { server, client } = await start(t);
    client.subscribe("alerts:eu", () => {});
    for (let i = 0; i < 2; i++) client.subscribe("alerts:eu", () => {}, { rewind: "5m" });
    await settle();
    assert.deepEqual(server.newest.open().first.subscriptions.map(({ sub, rewind }) => [sub === undefined, rewind]), [[true, undefined], [false, "5m"], [false, "5m"]]);
    for (const [channel, options, says] of [
      ["alerts:eu", { rewind: 0 }, "rewind: must be a number of messages"], ["alerts:eu", { rewind: 1.5 }, "rewind: must be"], ["alerts:eu", { rewind: "" }, "rewind: must be"], ["alerts:eu", { rewind: "5" }, "rewind: must be"],
      ["alerts:eu", { rewind: true }, "rewind: must be"], ["alerts:eu", { rewind: 5, state: true }, "rewind: cannot be given with state"], ["alerts:*", { rewind: 5 }, "rewind: is for a channel"],
    ]) {
      await assert.rejects(client.subscribe(channel, () => {}, options).ready, (error) => error.code === "bad-request" && error.message.includes(says));
    }
  });
});

/** A server that keeps the newest events of one channel, and answers as protocol.md says. */
class Archive {
  all = []; most; socket; #done = 0;
  constructor(most) { this.most = most; }

  get kept() { return this.all.slice(-this.most); }

  publish(n = 1) {
    for (; n > 0; n--) {
      const i = this.all.length, m = message("alerts:eu", now + i, `e${i}`, { data: { n: i } });
      this.all.push(m);
      for (const sub of this.live) this.socket.give({ ...m, sub });
    }
  }

  live = new Set();

  /** Takes over a socket that is open. */
  use(socket) {
    [this.socket, this.#done] = [socket, 0];
    this.live.clear();
    socket.welcome();
    for (const subscription of socket.first?.subscriptions ?? []) this.subscribe(subscription);
  }

  subscribe({ sub, since, rewind, id }) {
    const at = since ? Number(since.split("-e")[1]) + 1 : undefined, first = this.all.length - this.kept.length;
    const from = at !== undefined && at >= first ? at : Math.max(first, this.all.length - (rewind ?? 0)), resumed = at !== undefined && from === at;
    const before = this.all[from - 1]?.position ?? `${now - 1}-e-1`;
    this.socket.give({ type: "ok", id, channel: "alerts:eu", sub, resumed, gap: at !== undefined && !resumed, position: before, ...(!resumed && { rewound: this.all.length - from, complete: this.all.length - from === rewind }) });
    for (const m of this.all.slice(from)) this.socket.give({ ...m, sub });
    this.live.add(sub);
  }

  /** Answers what was asked, all or some of it. */
  answer(random) {
    for (const frame of this.socket.sent.slice(this.#done)) {
      if (frame.type === "history" && random.of([true, true, false])) this.page(frame);
      if (frame.type === "subscribe") this.subscribe(frame);
      this.#done++;
    }
  }

  page({ id, after, before, limit = 100 }) {
    const first = this.all.length - this.kept.length, at = (position) => Number(position.split("-e")[1]);
    const low = after ? at(after) + 1 : 0, high = before ? at(before) : this.all.length;
    const whole = this.all.slice(Math.max(low, first), Math.max(high, Math.max(low, first)));
    const messages = after && !before ? whole.slice(0, limit) : whole.slice(-limit);
    const more = messages.length < whole.length;
    this.socket.give({ type: "ok", id, channel: "alerts:eu", messages: messages.map(({ type, channel, ...m }) => m), more, complete: after ? low >= first : more });
  }
}

test("in worlds where connections are cut and events are forgotten, pages and rewinds are whole, or say so", async (t) => {
  const seeds = Number(process.env.SCENARIOS ?? 60);
  let complete = 0, rewound = 0, cuts = 0;
  for (let seed = 1; seed <= seeds; seed++) {
    await t.test(String(seed), async (t) => {
      const random = generator(seed), { server, client } = await start(t, { backoffMs: 10, backoffCapMs: 50 });
      const archive = new Archive(20 + random(100));
      archive.use(server.newest.open());
      archive.publish(random(150));
      const readers = [], readings = [];
      for (let step = 0; step < 30; step++) {
        if (client.state.name === "live") archive.answer(random);
        switch (random(5)) {
          case 0: {
            const got = [], reader = { got, gapped: false };
            reader.subscription = client.subscribe("alerts:eu", ({ data }) => got.push(data.n), { rewind: 1 + random(120), onGap: () => { reader.gapped = true; got.push("gap"); } });
            readers.push(reader);
            break;
          }
          case 1: {
            const from = random(2) && archive.all.length ? random(archive.all.length) : undefined;
            const reading = { from, pages: [], end: archive.all.length };
            readings.push(reading);
            reading.done = (async () => {
              for await (const page of client.history("alerts:eu", { limit: 1 + random(30), ...(from !== undefined && { after: archive.all[from].position }), timeoutMs: 1e6 })) reading.pages.push(page);
              reading.over = true;
            })();
            break;
          }
          case 2: if (client.state.name === "live") { archive.publish(random(20)); } break;
          case 3:
            if (client.state.name !== "live") break;
            server.newest.end(1006);
            archive.live.clear();
            cuts++;
            archive.publish(random(60));
            await pass(1000);
            archive.use(server.newest.open());
            break;
          default: await pass(random(500));
        }
        await settle();
      }
      for (let i = 0; readings.some((each) => !each.over) || i < 3; i++) {
        assert.ok(i < 500, "a page never comes");
        archive.answer({ of: () => true });
        await settle();
        await pass(10);
        if (i % 40 === 20) { // what the server has not answered is asked for again by the next connection
          server.newest.end(1006);
          await pass(1000);
          archive.use(server.newest.open());
        }
      }
      await Promise.all(readings.map(({ done }) => done));
      for (const { from, pages, end } of readings) {
        const all = (from === undefined ? pages.toReversed() : pages).flatMap(({ messages }) => messages.map(({ data }) => data.n));
        const broken = new Set(from === undefined ? [] : pages.filter((page) => !page.complete).map(({ messages }) => messages[0]?.data.n)); // forgotten before it was asked for
        all.forEach((n, i) => i && !broken.has(n) && assert.equal(n, all[i - 1] + 1, `page after page: ${all}`));
        all.forEach((n, i) => i && assert.ok(n > all[i - 1], `page after page: ${all}`));
        if (from === undefined || !pages.every((page) => page.complete)) continue;
        complete++;
        if (end > from + 1) assert.equal(all[0], from + 1);
        assert.ok((all.at(-1) ?? from) >= end - 1, `ends with ${all.at(-1)} of ${end}`);
      }
      for (const { got, subscription } of readers) {
        if (subscription.state.name !== "live") continue;
        rewound++;
        got.forEach((n, i) => i && n !== "gap" && got[i - 1] !== "gap" && assert.equal(n, got[i - 1] + 1, `a reader: ${got}`));
        const numbers = got.filter((n) => n !== "gap");
        assert.equal(new Set(numbers).size, numbers.length, "twice");
        assert.equal(numbers.at(-1) ?? archive.all.length - 1, archive.all.length - 1, "the newest");
      }
    });
  }
  assert.ok(complete > seeds / 4 && rewound > seeds && cuts > seeds, `too little has happened: ${complete} ${rewound} ${cuts}`);
});
