// Subscriptions to patterns, and to a channel in several ways.
import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { connect } from "../tidewire.js";
import { fakeServer, fakeTime, message, pass, record } from "./fake.mjs";

const T = 1_800_000_000_000;

describe("patterns", () => {
  let server, client;
  beforeEach((t) => fakeTime(t));
  const start = async (t, options = {}) => {
    server = fakeServer();
    client = connect("https://example.com", { WebSocket: server.WebSocket, ...options });
    t.after(() => client.close());
    client.on("error", () => {});
    await pass(1);
  };
  const ok = (more) => ({ type: "ok", channel: "prices:*", sub: "1", pattern: true, position: `${T}-`, ...more });
  const price = (channel, time, more) => message(`prices:${channel}`, time, `e${time}`, { sub: "1", ...more });
  const again = async () => {
    server.newest.end(1006);
    await pass(2000);
    return server.newest.open().welcome();
  };

  test("all channels come, and what is missing is told of each", async (t) => {
    await start(t);
    const got = [], said = record(client, "subscription", "gap", "resumed");
    const subscription = client.subscribe("prices:*", (item) => got.push([item.channel, item.sub]), { onGap: ({ channel, pattern, reason }) => got.push([channel, pattern, reason]) });
    server.newest.open().welcome();
    assert.deepEqual(server.newest.first.subscriptions, [{ channel: "prices:*", sub: "1" }]);
    server.newest.give(ok(), price("a", T + 1), price("b", T + 2), message("board:7", T + 3, "x", { sub: "1" }), message("prices:a", T + 4, "y"));
    assert.deepEqual(got.splice(0), [["prices:a", undefined], ["prices:b", undefined]]);
    assert.deepEqual([subscription.state.name, subscription.position, subscription.positions], ["live", undefined, { "prices:a": `${T + 1}-e${T + 1}`, "prices:b": `${T + 2}-e${T + 2}` }]);
    server.newest.give({ type: "heartbeat", asOf: T + 500 });
    const next = await again();
    assert.deepEqual([next.first.asOf, next.first.subscriptions], [T + 500, [{ channel: "prices:*", sub: "1", since: { "prices:a": `${T + 1}-e${T + 1}`, "prices:b": `${T + 2}-e${T + 2}` } }]]);
    said.length = 0;
    next.give(
      ok({ position: `${T + 9000}-` }), { type: "ok", channel: "prices:a", sub: "1", resumed: true, gap: false, position: `${T + 1}-e${T + 1}` },
      { type: "ok", channel: "prices:b", sub: "1", resumed: false, gap: true, position: `${T + 600}-z` }, { type: "notice", code: "gap", channel: "prices:c", sub: "1", position: `${T + 700}-q` },
      price("a", T + 800), price("c", T + 900), { type: "notice", code: "gap", channel: "prices:*", sub: "1", position: `${T + 999}-` },
    );
    assert.deepEqual(got.splice(0), [["prices:b", "prices:*", "resume"], ["prices:c", "prices:*", "live"], ["prices:a", undefined], ["prices:c", undefined], ["prices:*", "prices:*", "live"]]);
    assert.deepEqual(said.filter(([type]) => type === "subscription").map(([, { channel, pattern, name, resumed, gap }]) => [channel, pattern, name, resumed, gap]), [
      ["prices:*", undefined, "live", true, false], ["prices:a", "prices:*", "live", true, false], ["prices:b", "prices:*", "live", false, true],
    ]);
    await pass(11_000);
    assert.deepEqual(said.filter(([type]) => type === "resumed").map(([, { gaps }]) => gaps), [["prices:b"]]);
  });

  test("during a move each message comes once, also of channels that began meanwhile", async (t) => {
    await start(t);
    const got = [];
    client.subscribe("prices:*", ({ position }) => got.push(Number(position.split("-")[0]) - T));
    const old = server.newest.open().welcome().give(ok(), price("a", T + 1), { type: "move", afterMs: 10 });
    await pass(20);
    const next = server.newest.open().welcome();
    assert.deepEqual([next.first.asOf, next.first.subscriptions[0].since], [T, { "prices:a": `${T + 1}-e${T + 1}` }]);
    old.give(price("a", T + 2), price("b", T + 3), price("c", T + 4));
    next.give(ok({ position: `${T + 5}-` }));
    old.give(price("a", T + 7));
    next.give({ type: "ok", channel: "prices:a", sub: "1", resumed: true, gap: false, position: `${T + 1}-e${T + 1}` });
    next.give(price("a", T + 2), price("b", T + 3), price("c", T + 4), price("b", T + 6), price("a", T + 7));
    assert.deepEqual(got, [1, 2, 3, 4, 6, 7]);
    assert.equal(client.state.connection, "c1");
  });

  for (const [name, { from, by, lost, want }] of Object.entries({
    "further on": { from: [10, 15], want: [11, "gap", 20] },
    "from where the old one is": { from: [10, 10], want: [11, 20] },
    "further back": { from: [10, 9], want: [11, 20] },
    "further on, and the old one is lost": { from: [10, 15], lost: 0, want: [11, "gap", 20] },
    "first, and stays": { from: [10, 15], by: [1, 0], want: [11, 20] },
  })) {
    test(`both links of a move are asked before anything is known, and the new one begins ${name}`, async (t) => {
      await start(t);
      const got = [], said = record(client, "subscription");
      client.subscribe("prices:*", ({ position }) => got.push((Number(position.split("-")[0]) - T) / 1000), { onGap: ({ channel }) => got.push(channel === "prices:*" ? "gap" : channel) });
      client.subscribe("board:7", () => {}); // that is not answered, so that the move goes on
      const links = [server.newest.open().welcome().give({ type: "move", afterMs: 10 })], [first, second] = by ?? [0, 1];
      await pass(20);
      links.push(server.newest.open().welcome());
      assert.deepEqual([links[1].first.asOf, links[1].first.subscriptions], [undefined, [{ channel: "prices:*", sub: "1" }, { channel: "board:7" }]]);
      links[first].give(ok({ position: `${T + 1000 * from[first]}-` }), price("a", T + 11_000));
      if (lost !== undefined) links[lost].end(1006);
      links[second].give(ok({ position: `${T + 1000 * from[second]}-` }));
      for (const link of links) if (!link.closed) link.give(price("a", T + 20_000));
      assert.deepEqual(got, want);
      const last = said.filter(([, { channel, name }]) => channel === "prices:*" && name === "live").at(-1)[1];
      assert.deepEqual([last.gap, last.gap && last.resumed], [want.includes("gap"), false]);
    });
  }

  test("a channel may be read in several ways, and by a pattern as well", async (t) => {
    await start(t);
    const got = { plain: [], fields: [], all: [] };
    const plain = client.subscribe("prices:a", () => got.plain.push(1)), same = client.subscribe("prices:a", () => got.plain.push(2));
    const fields = client.subscribe("prices:a", () => got.fields.push(1), { fields: ["bid"] });
    client.subscribe("prices:*", () => got.all.push(1));
    server.newest.open().welcome();
    assert.deepEqual(server.newest.first.subscriptions, [{ channel: "prices:a" }, { channel: "prices:a", sub: "1", fields: ["bid"] }, { channel: "prices:*", sub: "2" }]);
    const answer = { type: "ok", channel: "prices:a", resumed: false, gap: false, position: `${T}-` };
    server.newest.give(answer, { ...answer, sub: "1" }, ok({ sub: "2" }));
    for (const sub of [undefined, "1", "2"]) server.newest.give(message("prices:a", T + 1, "e", { sub }));
    assert.deepEqual(got, { plain: [1, 2], fields: [1], all: [1] });
    const dropped = record(client, "dropped");
    server.newest.give({ type: "notice", code: "dropped", channel: "prices:a", count: 3 });
    assert.equal(dropped.length, 1);
    const tuned = fields.tune({ fields: ["ask"] });
    assert.deepEqual(server.newest.last, { id: server.newest.last.id, type: "tune", channel: "prices:a", sub: "1", fields: ["ask"] });
    server.newest.give({ type: "ok", id: server.newest.last.id, channel: "prices:a", sub: "1", fields: ["ask"], paused: false });
    await tuned;
    plain.unsubscribe();
    same.unsubscribe();
    assert.equal(server.newest.last.sub, undefined);
    server.newest.give({ type: "error", code: "forbidden", message: "no", channel: "prices:*", sub: "2" });
    server.newest.give(message("prices:a", T + 2, "f", { sub: "1" }), message("prices:a", T + 2, "f", { sub: "2" }), message("prices:a", T + 2, "f"));
    assert.deepEqual(got, { plain: [1, 2], fields: [1, 1], all: [1] });
    client.unsubscribe("prices:a");
    assert.equal(fields.state.name, "closed");
  });

  for (const [error, state] of [
    [{ code: "forbidden" }, "refused"], [{ code: "limited", limit: "channelsPerPattern" }, "refused"], [{ code: "limited", limit: "patternsPerConnection" }, "refused"],
    [{ code: "limited", retryAfterMs: 100 }, "waiting"], [{ code: "bad-request" }, "refused"], [{ code: "conflict" }, "waiting"],
  ]) {
    test(`${error.code} ${error.limit ?? ""}: it is ${state}`, async (t) => {
      await start(t);
      const subscription = client.subscribe("prices:*", () => {});
      server.newest.open().welcome().give(ok(), { type: "error", message: "no", channel: "prices:*", sub: "1", ...error });
      assert.equal(subscription.state.name, state);
    });
  }

  test("what is no pattern is refused here", async (t) => {
    await start(t);
    for (const name of ["prices:**:a", "a*", "**:a", "prices:*b", "*".repeat(201), "a b:*", ":*"]) {
      await assert.rejects(client.subscribe(name, () => {}).ready, { code: "bad-request" }, name);
    }
    await assert.rejects(client.subscribe("prices:*", () => {}, { since: "1-a" }).ready, { code: "bad-request" });
    await assert.rejects(client.publish("prices:*", 1), { code: "bad-request" });
  });

  test("positions outlive the page, those of what was handed on", async (t) => {
    const items = new Map(), storage = { getItem: (key) => items.get(key) ?? null, setItem: (key, value) => items.set(key, value) };
    await start(t, { storage });
    const subscription = client.subscribe("prices:*"), other = client.subscribe("prices:*", () => {}, { maxRate: 5 });
    server.newest.open().welcome();
    const [one, two] = server.newest.of("subscribe");
    server.newest.give({ ...ok(), id: one.id }, { ...ok({ sub: "2" }), id: two.id }, { type: "heartbeat", asOf: T + 100 });
    for (const sub of ["1", "2"]) server.newest.give(price("a", T + 1000, { sub }), price("b", T + 1001, { sub }));
    await subscription.next();
    server.newest.give({ type: "heartbeat", asOf: T + 2000 });
    await pass(2000);
    client.close();
    assert.deepEqual([other.state.name, JSON.parse([...items.values()][0]).channels], ["closed", { "prices:*": [{ "prices:a": `${T + 1000}-e${T + 1000}` }, T + 100] }]);
    await start(t, { storage });
    client.subscribe("prices:*", () => {});
    server.newest.open().welcome();
    assert.deepEqual(server.newest.of("subscribe").map(({ since, asOf }) => [since, asOf]), [[{ "prices:a": `${T + 1000}-e${T + 1000}` }, T + 100]]);
  });

  test("what is remembered is bounded, and what is forgotten comes as a gap and never twice", async (t) => {
    await start(t);
    const seen = new Map(), gaps = new Set();
    client.subscribe("prices:*", ({ channel, position }) => seen.set(channel, [...(seen.get(channel) ?? []), position]), { onGap: ({ channel }) => gaps.add(channel) });
    server.newest.open().welcome().give(ok());
    for (let i = 0; i < 1500; i++) server.newest.give(price(i, T + 1000 + i));
    const next = await again(), since = next.first.subscriptions[0].since;
    assert.ok(Object.keys(since).length <= 500 && since["prices:1499"] === `${T + 2499}-e${T + 2499}`);
    next.give(ok());
    for (let i = 0; i < 1500; i++) next.give(...(since[`prices:${i}`] ? [] : [price(i, T + 1000 + i)]), price(i, T + 9000 + i));
    for (let i = 0; i < 1500; i++) {
      assert.deepEqual(seen.get(`prices:${i}`), [`${T + 1000 + i}-e${T + 1000 + i}`, `${T + 9000 + i}-e${T + 9000 + i}`]);
      if (i < 500) assert.ok(gaps.has(`prices:${i}`), `${i}`);
    }
    assert.ok(!gaps.has("prices:1499"));
  });
});
