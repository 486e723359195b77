// Publishes of a channel keep their order, whatever becomes of the connection and of each of them.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { connect } from "../tidewire.js";
import { fakeServer, fakeTime, pass, settle } from "./fake.mjs";
import { generator, World } from "./world.mjs";

async function start(t) {
  fakeTime(t);
  const server = fakeServer(), client = connect("https://example.com", { WebSocket: server.WebSocket, token: "t1" });
  t.after(() => client.close());
  await settle();
  server.newest.live();
  const publish = (data, wait, channel = "board:7") => client.publish(channel, data, { wait }).then(() => "ok", (error) => error.code);
  return { server, client, publish, sent: (socket = server.newest) => socket.of("publish").map(({ data }) => data) };
}

const limited = { type: "error", code: "limited", message: "slower", limit: "publishesPerSecond", retryAfterMs: 1000 };

describe("publishes of a channel", () => {
  test("are sent without waiting for answers", async (t) => {
    const { publish, sent } = await start(t);
    for (let n = 0; n < 20; n++) publish(n, n % 2 === 0);
    await settle();
    assert.deepEqual(sent(), Array.from({ length: 20 }, (_, n) => n));
  });

  test("over a limit: those behind a refused one wait for it, on every channel, and new ones too", async (t) => {
    const { server, publish, sent } = await start(t);
    const done = [publish(0, true), publish(1, true), publish(2, false), publish(3, true, "other")];
    await settle();
    for (const { id } of server.newest.of("publish")) server.newest.give({ ...limited, id });
    done.push(publish(4, true), publish(5, false), publish(6, false, "other"));
    await pass(999);
    assert.deepEqual(sent(), [0, 1, 2, 3]);
    await pass(1);
    assert.deepEqual(sent().slice(4), [0, 1, 3, 4, 5, 6]);
    for (const { id } of server.newest.of("publish").slice(4)) server.newest.give({ type: "ok", id });
    assert.deepEqual(await Promise.all(done), ["ok", "ok", "limited", "ok", "ok", "ok", "ok"]);
  });

  test("unavailable: the channel waits, the others go on", async (t) => {
    const { server, publish, sent } = await start(t);
    const first = publish(0, true);
    await settle();
    server.newest.give({ type: "error", id: server.newest.of("publish")[0].id, code: "unavailable", message: "no broker" });
    publish(1, true);
    publish(2, true, "other");
    await pass(999);
    assert.deepEqual(sent(), [0, 2]);
    await pass(1);
    assert.deepEqual(sent(), [0, 2, 0, 1]);
    server.newest.give({ type: "ok", id: server.newest.of("publish")[2].id });
    assert.equal(await first, "ok");
  });

  test("across a loss: what may wait is sent again in order, before what came later", async (t) => {
    const { server, client, publish, sent } = await start(t);
    for (let n = 0; n < 4; n++) publish(n, true);
    await settle();
    server.newest.give({ type: "ok", id: server.newest.of("publish")[0].id });
    server.newest.end(1006);
    publish(4, true);
    assert.equal(await publish(5, false), "unavailable");
    await pass(client.state.retryAt - Date.now());
    server.newest.live();
    publish(6, false);
    await settle();
    assert.deepEqual(sent(), [1, 2, 3, 4, 6]);
  });

  test("across a move: the new link sends nothing before the old one has answered", async (t) => {
    const { server, publish, sent } = await start(t);
    const [a] = server.sockets;
    const early = publish(0, false);
    await settle();
    a.give({ type: "move", afterMs: 0 });
    await pass(0);
    server.newest.live();
    publish(1, false);
    publish(2, true, "other");
    await settle();
    assert.deepEqual(sent(), [2]);
    a.give({ type: "ok", id: a.of("publish")[0].id });
    assert.equal(await early, "ok");
    assert.deepEqual(sent(), [2, 1]);
  });

  test("a refusal that is numbered: nothing is published until all that was sent before it is answered, and then it is shown", async (t) => {
    const { server, publish, sent } = await start(t);
    const done = [publish(0, true), publish(1, true), publish(2, true, "other")];
    await settle();
    const [a, b, c] = server.newest.of("publish");
    assert.deepEqual([a, b, c].map(({ refusals }) => refusals), [0, 0, 0]);
    server.newest.give({ type: "error", id: a.id, code: "unavailable", message: "no broker", retryAfterMs: 100, refusals: 1 });
    done.push(publish(3, true), publish(4, true, "other"));
    await pass(10_000); // an uplink that is that late
    assert.deepEqual(sent(), [0, 1, 2]);
    server.newest.give({ type: "error", id: b.id, code: "unavailable", message: "behind it", retryAfterMs: 1, refusals: 2 });
    await pass(1000);
    assert.deepEqual(sent(), [0, 1, 2], "the other channel's is on its way still");
    server.newest.give({ type: "ok", id: c.id });
    await settle();
    assert.deepEqual(sent().slice(3), [0, 1, 3, 4]);
    const again = server.newest.of("publish").slice(3);
    assert.deepEqual(again.map(({ refusals }) => refusals), [2, 2, 2, 2]);
    for (const { id } of again) server.newest.give({ type: "ok", id });
    assert.deepEqual(await Promise.all(done), ["ok", "ok", "ok", "ok", "ok"]);
  });

  test("each connection counts its own refusals; one that was lost says so whatever comes after", async (t) => {
    const { client, server, publish } = await start(t);
    publish(0, true);
    await settle();
    server.newest.give({ type: "error", id: server.newest.of("publish")[0].id, code: "unavailable", message: "no broker", retryAfterMs: 1, refusals: 7 });
    await pass(1);
    const failed = client.publish("a", 1, { wait: true, timeoutMs: 400 }).catch((error) => error);
    await settle();
    assert.equal(server.newest.of("publish").at(-1).refusals, 7);
    server.newest.end(1006);
    await pass(client.state.retryAt - Date.now());
    server.newest.live();
    await settle();
    const [first, second] = server.newest.of("publish");
    assert.equal(first.refusals, 0);
    server.newest.give({ type: "error", id: second.id, code: "limited", message: "slower", retryAfterMs: 60_000, refusals: 1 });
    const { code, lost } = await failed;
    assert.deepEqual([code, lost], ["limited", true]);
  });

  test("one that is lost and times out before the next connection does not say that it was not sent", async (t) => {
    const { client, server } = await start(t);
    const failed = client.publish("a", 1, { wait: true, timeoutMs: 100 }).catch((error) => error);
    await settle();
    server.newest.end(1006);
    await pass(100);
    const { code, lost, message } = await failed;
    assert.deepEqual([code, lost, message], ["timeout", true, "no answer to publish within 100 ms"]);
  });

  test("one that times out lets the next ones go", async (t) => {
    const { client, server, sent } = await start(t);
    const failed = assert.rejects(client.publish("a", 0, { wait: true, timeoutMs: 500 }), { code: "limited" });
    await settle();
    server.newest.give({ ...limited, id: server.newest.of("publish")[0].id });
    await failed;
    client.publish("a", 1, { wait: true }).catch(() => {});
    await pass(1000);
    assert.deepEqual(sent(), [0, 1]);
  });
});

test("in 24 worlds with losses, moves, limits and uplinks that are seconds late, every publish that may wait is published once and in order", async (t) => {
  t.mock.method(console, "error", () => {});
  for (let seed = 1; seed <= 24; seed++) {
    const random = generator(seed), world = new World(random), chance = t.mock.method(Math, "random", () => random.fraction());
    let client;
    try {
      client = connect("https://example.com", { WebSocket: world.WebSocket, token: world.source, requestTimeoutMs: 3_600_000, backoffMs: 50, backoffCapMs: 500 });
      world.limitPublishes = 0.05;
      world.uplinkMs = [0, 100, 1000, 2500][seed % 4];
      let asked = 0;
      const answered = [];
      for (let i = 0; i < 120; i++) {
        for (let n = random(4); n > 0; n--) answered.push(client.publish(random.of(["a", "b"]), { n: asked++ }, { wait: true }).catch((error) => error));
        if (random.chance(0.1)) world.sockets.at(-1)?.end(random.of([1006, 1012, 4503]));
        if (random.chance(0.1)) world.sockets.at(-1)?.give({ type: "move", afterMs: random(300) });
        if (random.chance(0.03)) (world.sockets.at(-1) ?? {}).half = true;
        await world.clock.pass(random(200));
      }
      world.limitPublishes = 0;
      await world.clock.pass(300_000);
      assert.deepEqual((await Promise.all(answered)).filter((answer) => answer instanceof Error).map(({ message }) => message), [], `seed ${seed}`);
      const all = ["a", "b"].map((channel) => world.record(channel).map(({ data }) => data.n));
      for (const list of all) assert.deepEqual(list, [...list].sort((x, y) => x - y), `seed ${seed}`);
      assert.equal(all.flat().length, asked, `seed ${seed}`);
    } finally {
      client.close();
      world.end();
      chance.mock.restore();
    }
  }
});
