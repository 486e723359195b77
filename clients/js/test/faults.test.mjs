// Nothing ends the client for good but a person's decision: one test for each way in which something else once did, or in which it
// stopped silently. model.mjs looks for the ways that nobody has thought of.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, test } from "node:test";
import { closeCodes, connect } from "../tidewire.js";
import { clock, fakeServer, fakeTime, message, pass, record, settle } from "./fake.mjs";

const now = 1_800_000_000_000, HOUR = 3_600_000;

async function start(t, options = {}) {
  fakeTime(t);
  const server = fakeServer();
  const client = connect("https://example.com", { WebSocket: server.WebSocket, token: "t1", ...options });
  t.after(() => client.state.name === "closed" || client.close());
  const said = record(client, "state", "gap", "error", "move", "subscription");
  return { server, client, of: (type) => said.filter(([each]) => each === type).map(([, detail]) => detail) };
}

/** A token as a signer makes it, by the server's clock. */
function jwt(claims) {
  const part = (value) => btoa(JSON.stringify(value)).replace(/=/g, "").replace(/\+/g, "-").replace(/\//g, "_");
  return `${part({ alg: "HS256" })}.${part(claims)}.sig`;
}

const live = (server, channel, more = {}) => {
  const { id } = server.newest.of("subscribe").findLast((frame) => frame.channel === channel);
  return server.newest.give({ type: "ok", id, channel, resumed: false, gap: false, position: `${now}-`, ...more });
};

/** Goes on with heartbeats and pongs, as a server does. */
async function passLive(server, ms) {
  const answered = new Set();
  for (let passed = 0; passed < ms; passed += 1000) {
    if (passed % 20_000 === 0) server.newest.give({ type: "heartbeat" });
    for (const ping of server.newest.of("ping")) {
      if (!answered.has(ping)) server.newest.give({ type: "pong", id: ping.id });
      answered.add(ping);
    }
    await pass(Math.min(1000, ms - passed));
  }
}

describe("bad names", () => {
  for (const [what, name] of [["too long", "x".repeat(201)], ["empty", ""], ["undefined", undefined], ["null", null], ["a number", 7], ["white space", "a b"], ["an empty segment", "a::b"], ["umlauts", "ü"], ["a line end", "a\n"]]) {
    test(`${what}: refused at the call, and nobody else knows of it`, async (t) => {
      const { server, client, of } = await start(t);
      const bad = client.subscribe(name, () => assert.fail("called"));
      const good = client.subscribe("prices:fx", () => {});
      await assert.rejects(bad.ready, { code: "bad-request", message: /channel/ });
      assert.deepEqual([bad.state.name, bad.state.code], ["refused", "bad-request"]);
      await assert.rejects(client.subscribe(name).next(), { code: "bad-request" });
      await assert.rejects(client.publish(name, 1, { wait: true }), { code: "bad-request" });
      client.presence(name, () => {})();
      await settle();
      assert.deepEqual(server.newest.open().first.subscriptions, [{ channel: "prices:fx" }]);
      server.newest.welcome().give({ type: "ok", channel: "prices:fx", resumed: false, gap: false, position: `${now}-` });
      await good.ready;
      assert.ok(of("error").every(({ code }) => code === "bad-request"));
      bad.unsubscribe();
      client.unsubscribe(name);
    });
  }

  test("a first frame that the server cannot read is sent again in parts, and only what is bad in it is refused", async (t) => {
    const { server, client } = await start(t, { tokenIn: "frame" });
    const a = client.subscribe("prices:fx", () => {}, { since: "1700000000000-a" }), b = client.subscribe("board:7", () => {});
    await settle();
    server.newest.open().give({ type: "error", code: "bad-request", message: "subscriptions[0]" }).end(4400);
    assert.equal(client.state.name, "reconnecting");
    await pass(1250);
    assert.deepEqual(server.newest.open().first.subscriptions, []);
    server.newest.welcome();
    const [one, two] = server.newest.of("subscribe");
    server.newest.give({ type: "error", id: one.id, channel: "prices:fx", code: "bad-request", message: "since" });
    server.newest.give({ type: "ok", id: two.id, channel: "board:7", resumed: false, gap: false, position: `${now}-` });
    await b.ready;
    await pass(250);
    assert.equal(server.newest.of("subscribe")[2].since, undefined, "perhaps it was the position");
    live(server, "prices:fx");
    assert.deepEqual([a.state.name, a.state.gap], ["live", true]);
  });
});

describe("a clock that is set", () => {
  for (const jump of [-HOUR, HOUR, -1000 * HOUR, 1000 * HOUR]) {
    test(`by ${jump / HOUR} h: what is sent goes on, and what is waited for comes`, async (t) => {
      const { server, client } = await start(t, { token: async () => "t1" });
      await settle();
      server.newest.live();
      await pass(1000);
      for (let i = 0; i < 60; i++) client.publish("board:7", i).catch(() => {});
      await settle();
      clock.jump(jump);
      for (let i = 60; i < 70; i++) client.publish("board:7", i).catch(() => {});
      await pass(1000);
      assert.equal(server.newest.of("publish").length, 70);
      await passLive(server, 600_000);
      assert.equal(server.sockets.length, 1, "a clock is no silence");
      server.newest.end(1012);
      clock.jump(-jump);
      await pass(1250);
      assert.equal(server.sockets.length, 2);
      const { subscription } = { subscription: client.subscribe("prices:fx", () => {}) };
      server.newest.live();
      server.newest.of("subscribe").forEach(({ id, channel }) => server.newest.give({ type: "error", id, channel, code: "unavailable", message: "later", retryAfterMs: 1000 }));
      clock.jump(jump);
      await pass(2000);
      assert.ok(server.newest.of("subscribe").length + server.newest.first.subscriptions.length >= 1);
      subscription.unsubscribe();
    });
  }

  test("does not show in the latency", async (t) => {
    const { server, client } = await start(t);
    const seen = [];
    client.subscribe("prices:fx", ({ latencyMs }) => seen.push(latencyMs));
    await settle();
    server.newest.live();
    for (let i = 0; i < 20; i++) {
      if (i === 10) clock.jump(HOUR);
      await pass(100);
      server.newest.give(message("prices:fx", now + clock.ticks - 30, `m${i}`));
    }
    assert.ok(seen.every((ms) => ms <= 30), `${seen}`);
    assert.ok(Math.abs(client.clock.offsetMs - HOUR) < 100, "and the offset is that of the clock as it is now");
  });
});

describe("what is stored", () => {
  const key = 'tidewire:wss://example.com/v1/socket:["acme","ann"]';
  const storageOf = (items) => ({ getItem: (name) => items.get(name) ?? null, setItem: (name, value) => items.set(name, value) });
  const saved = (channels) => JSON.stringify({ v: 1, channels });

  for (const [what, value] of [
    ["no JSON", "{broken"], ["another type", "[1,2]"], ["null", "null"], ["of a version to come", '{"v":2,"channels":{"prices:fx":{"at":"1800000000000-a"}}}'],
    ["a position of another form", saved({ "prices:fx": ["garbage", null] })], ["no position", saved({ "prices:fx": [null, 5] })],
    ["a position with a control character", saved({ "prices:fx": ["1700000000000-\u0000", null] })], ["an object", saved({ "prices:fx": { a: 1 } })],
    ["a position too long", saved({ "prices:fx": [`1700000000000-${"x".repeat(500)}`, null] })],
    ["a position of next year", saved({ "prices:fx": [`${now + 8760 * HOUR}-a`, null] })], ["an asOf of next year", saved({ "prices:fx": [`${now - 5}-a`, now + 8760 * HOUR] })],
    ["an asOf of another type", saved({ "prices:fx": [`${now - 5}-a`, "x"] })],
  ]) {
    test(`${what}: counts as no position, a gap is told, and it is not saved again`, async (t) => {
      const items = new Map([[key, value]]);
      const { server, client, of } = await start(t, { storage: storageOf(items) });
      const subscription = client.subscribe("prices:fx", () => {});
      await settle();
      server.newest.live();
      const asked = server.newest.last;
      assert.deepEqual([asked.type, asked.since, asked.asOf], ["subscribe", undefined, undefined]);
      live(server, "prices:fx");
      assert.deepEqual([subscription.state.name, subscription.state.gap], ["live", true]);
      assert.equal(of("gap").length, 1);
      await pass(1000);
      assert.deepEqual(JSON.parse(items.get(key)), { v: 1, channels: { "prices:fx": [`${now}-`, null] } });
    });
  }

  test("is dropped when the server does not know it", async (t) => {
    const items = new Map([[key, saved({ "prices:fx": ["1700000000000-other", null] })]]);
    const { server, client, of } = await start(t, { storage: storageOf(items) });
    client.subscribe("prices:fx", () => {});
    await settle();
    server.newest.live();
    assert.equal(server.newest.last.since, "1700000000000-other");
    server.newest.give({ type: "error", id: server.newest.last.id, channel: "prices:fx", code: "bad-request", message: "since" });
    await pass(250);
    assert.equal(server.newest.last.since, undefined);
    live(server, "prices:fx");
    assert.equal(of("gap").length, 1);
  });

  test("is one user's: the next one of this browser does not resume from it", async (t) => {
    const items = new Map([["tidewire:wss://example.com/v1/socket", JSON.stringify({ "prices:fx": [`${now - 9}-a`, now - 5] })], [key, saved({ "prices:fx": [`${now - 9}-a`, now - 5] })]]);
    for (const who of [{ user: "bob" }, { tenant: "globex" }, { user: "ann\"]" }]) {
      const { server, client, of } = await start(t, { storage: storageOf(items) });
      client.subscribe("prices:fx", () => {});
      await settle();
      server.newest.open().welcome(who);
      assert.deepEqual([server.newest.first?.subscriptions ?? [], server.newest.last.type, server.newest.last.since], [[], "subscribe", undefined]);
      live(server, "prices:fx");
      assert.equal(of("gap").length, 0, "he has missed nothing");
      client.close();
    }
    assert.deepEqual(JSON.parse(items.get(key)).channels, { "prices:fx": [`${now - 9}-a`, now - 5] });
  });

  test("a token of another user: what was read is given up, and told as a gap", async (t) => {
    const { server, client, of } = await start(t, { token: async () => "t1" });
    client.subscribe("prices:fx", () => {});
    await settle();
    server.newest.live().give(message("prices:fx", now, "a"));
    server.newest.end(1006);
    const hers = client.publish("prices:fx", 1, { wait: true }).catch(({ code }) => code);
    await pass(250);
    server.newest.open().welcome({ user: "bob" });
    await pass(1000);
    assert.deepEqual(server.newest.open().first.subscriptions, [{ channel: "prices:fx" }]);
    server.newest.welcome({ user: "bob" }).give({ type: "ok", channel: "prices:fx", resumed: false, gap: false, position: `${now + 5}-` });
    assert.deepEqual([client.state.user, of("gap").length], ["bob", 1]);
    assert.equal(await hers, "forbidden", "what ann wanted to publish is not published by bob");
  });

  test("two tabs share a storage and do not undo each other's", async (t) => {
    const items = new Map(), storage = storageOf(items);
    const a = await start(t, { storage });
    a.client.subscribe("prices:fx", () => {});
    const second = fakeServer(), b = connect("https://example.com", { WebSocket: second.WebSocket, token: "t1", storage });
    t.after(() => b.close());
    b.subscribe("board:7", () => {});
    b.subscribe("prices:fx", () => {});
    await settle();
    a.server.newest.live();
    second.newest.live();
    for (const { id, channel } of a.server.newest.of("subscribe")) a.server.newest.give({ type: "ok", id, channel, resumed: false, gap: false, position: `${now}-` });
    for (const { id, channel } of second.newest.of("subscribe")) second.newest.give({ type: "ok", id, channel, resumed: false, gap: false, position: `${now}-` });
    a.server.newest.give(message("prices:fx", now + 1, "x"));
    await pass(1000);
    second.newest.give(message("board:7", now + 2, "y"), message("prices:fx", now + 1, "x"), message("prices:fx", now + 3, "z"));
    await pass(1000);
    a.client.subscribe("a", () => {});
    a.client.close(); // saves where it stands, which is behind
    assert.deepEqual(JSON.parse(items.get(key)).channels, { "board:7": [`${now + 2}-y`, null], "prices:fx": [`${now + 3}-z`, null] });
    b.unsubscribe("board:7");
    await pass(1000);
    assert.deepEqual(JSON.parse(items.get(key)).channels, { "prices:fx": [`${now + 3}-z`, null] });
  });

  test("a `since` of the page that is no position is a gap, not the end", async (t) => {
    const { server, client, of } = await start(t);
    for (const [i, since] of ["garbage", 7, {}, "1700000000000-\n"].entries()) client.subscribe(`a:${i}`, () => {}, { since });
    await settle();
    server.newest.live();
    assert.ok(server.newest.first.subscriptions.every(({ since }) => since === undefined));
    assert.equal(of("gap").length, 4);
  });
});

describe("tokens", () => {
  for (const [what, jump] of [["ahead", HOUR], ["behind", -HOUR]]) {
    for (const seconds of [20, 50]) {
      test(`one of ${seconds} s, with a clock that is an hour ${what}, is renewed before its end`, async (t) => {
        let made = 0;
        const token = async () => {
          const iat = Math.floor((now + clock.ticks) / 1000); // by the server's clock
          return jwt({ sub: "ann", iat, exp: iat + seconds, n: ++made });
        };
        const { server } = await start(t, { token });
        clock.jump(jump);
        await settle();
        server.newest.open().welcome({ expiresAt: now + seconds * 1000 });
        let endsAt = now + seconds * 1000, refreshed = 0;
        for (let i = 0; i < 100; i++) {
          await pass(1000);
          server.newest.give({ type: "heartbeat" });
          for (const { id, token: given } of server.newest.of("refresh").slice(refreshed)) {
            refreshed++;
            endsAt = JSON.parse(atob(given.split(".")[1])).exp * 1000;
            server.newest.give({ type: "ok", id, expiresAt: endsAt });
          }
          assert.ok(endsAt > now + clock.ticks, `not renewed after ${i} s`);
        }
        assert.ok(refreshed <= 10 && server.sockets.length === 1, `${refreshed} renewals in 100 s`);
      });
    }
  }

  test("a renewal without an answer does not brand the new token as refused", async (t) => {
    const given = ["t1", "t2", "t3"], asked = [];
    const { server, client } = await start(t, { token: async ({ rejected }) => { asked.push(rejected); return given.shift(); } });
    await settle();
    server.newest.open().welcome({ expiresAt: now + 60_000 });
    await passLive(server, 50_000);
    assert.equal(server.newest.of("refresh")[0].token, "t2");
    server.newest.give({ type: "error", code: "expired", message: "ended" }).end(4401); // the old one, before the new one was looked at
    await pass(1000);
    assert.deepEqual([server.newest.protocols[1], asked], ["bearer.t2", [false, false]]);
    server.newest.live();
    assert.equal(client.state.name, "live");
  });

  test("three quick rejections are not final, nor are thirty", async (t) => {
    let n = 0;
    const { server, client } = await start(t, { token: async () => `t${++n}` });
    await settle();
    for (let i = 0; i < 30; i++) {
      server.newest.open().end(4401);
      assert.equal(client.state.name, "reconnecting");
      const wait = client.state.retryAt - Date.now();
      if (i > 8) assert.ok(wait > 10_000, `no storm: ${wait} ms`);
      await pass(wait);
    }
    server.newest.live();
    assert.equal(client.state.name, "live");
  });

  test("a provider that needs longer than a dial may is not asked in vain", async (t) => {
    const { server, client } = await start(t, { token: () => new Promise((resolve) => setTimeout(resolve, 20_000, "t-late")) });
    await pass(60_000);
    assert.equal(server.sockets[0]?.protocols[1], "bearer.t-late");
    server.newest.live();
    assert.equal(client.state.name, "live");
  });

  test("a provider that hangs during a renewal is asked again", async (t) => {
    let asked = 0;
    const { server } = await start(t, { token: async () => (++asked === 1 ? "t1" : new Promise(() => {})) });
    await settle();
    server.newest.open().welcome({ expiresAt: now + 600_000 });
    await passLive(server, 590_000);
    assert.ok(asked >= 3, `${asked}`);
  });

  test("a header that a proxy refuses: the first frame carries it then, and is remembered to", async (t) => {
    const { server, client } = await start(t, { token: async () => "t".repeat(3000) });
    await settle();
    for (let round = 0; round < 3; round++) {
      if (server.newest.protocols.length > 1) {
        assert.ok(round < 2, "learnt");
        server.newest.end(1006); // never opened
        await pass(client.state.retryAt - Date.now());
      }
      assert.deepEqual(server.newest.protocols, ["tidewire.v1.json"]);
      server.newest.open();
      assert.equal(server.newest.first.token.length, 3000);
      server.newest.welcome();
      await pass(6000);
      server.newest.end(1006);
      await pass(client.state.retryAt - Date.now());
    }
  });

  test("one that is too long for a header, or has other characters, goes in the first frame", async (t) => {
    for (const token of ["t".repeat(5000), "a/b=="]) {
      const { server } = await start(t, { token });
      await settle();
      assert.deepEqual(server.newest.protocols, ["tidewire.v1.json"]);
      assert.equal(server.newest.open().first.token, token);
    }
  });
});

describe("limits", () => {
  test("a first frame that is too large is sent in parts, and its size is learnt", async (t) => {
    const { server, client } = await start(t);
    const all = Array.from({ length: 40 }, (_, i) => client.subscribe(`prices:${"x".repeat(60)}${i}`, () => {}));
    await settle();
    const limits = { framesPerSecond: 50, subscriptionsPerConnection: 128, messageBytes: 1024 };
    server.newest.open().welcome({ limits }).give({ type: "error", code: "too-large", message: "messageBytes" }).end(4413);
    assert.equal(client.state.name, "reconnecting");
    for (let i = 0; i < 3; i++) {
      await pass(client.state.retryAt - Date.now());
      server.newest.open();
      for (const frame of server.newest.sent) assert.ok(JSON.stringify(frame).length <= 1024, "nothing over the limit any more");
      server.newest.welcome({ limits });
      for (const { channel } of server.newest.first?.subscriptions ?? []) server.newest.give({ type: "ok", channel, resumed: false, gap: false, position: `${now}-` });
      await pass(1500);
      for (const { id, channel } of server.newest.of("subscribe")) server.newest.give({ type: "ok", id, channel, resumed: false, gap: false, position: `${now}-` });
      assert.ok(all.every(({ state }) => state.name === "live"));
      server.newest.end(1006);
    }
    assert.ok(server.newest.first.subscriptions.length > 3, "as many as go in");
  });

  test("more channels than a connection may have: those are refused, the others go on, also after a reconnect", async (t) => {
    const { server, client } = await start(t);
    const limits = { framesPerSecond: 50, subscriptionsPerConnection: 3, messageBytes: 65536 };
    const all = Array.from({ length: 5 }, (_, i) => client.subscribe(`a:${i}`, () => {}));
    await settle();
    server.newest.open().welcome({ limits }).give({ type: "error", code: "limited", limit: "subscriptionsPerConnection", message: "5, the limit is 3; none of them was taken" });
    await pass(2000);
    for (const [i, { id, channel }] of server.newest.of("subscribe").entries()) {
      server.newest.give(i < 3 ? { type: "ok", id, channel, resumed: false, gap: false, position: `${now}-` } : { type: "error", id, channel, code: "limited", limit: "subscriptionsPerConnection", message: "no" });
    }
    assert.deepEqual(all.map(({ state }) => state.name), ["live", "live", "live", "refused", "refused"]);
    server.newest.end(1006);
    await pass(1000);
    assert.equal(server.newest.open().first.subscriptions.length, 3);
  });

  test("a server that allows less than a frame a second still gets them", async (t) => {
    const { server, client } = await start(t);
    await settle();
    server.newest.open().welcome({ limits: { framesPerSecond: 0.5, messageBytes: 65536 } });
    for (let i = 0; i < 5; i++) client.publish("a", i).catch(() => {});
    await pass(15_000);
    assert.equal(server.newest.of("publish").length, 5);
  });

  for (const retryAfterMs of [-5, 1e300, "soon", null, 1e15]) {
    test(`a delay of ${retryAfterMs} is obeyed within reason`, async (t) => {
      const { server, client } = await start(t);
      await settle();
      server.newest.live().give({ type: "error", code: "unavailable", message: "no", retryAfterMs }).end(1013);
      const wait = client.state.retryAt - Date.now();
      assert.ok(wait >= 0 && wait <= 601_000, `${wait}`);
      await pass(wait);
      assert.equal(server.sockets.length, 2);
    });
  }

  test("frames that would cost the connection are not sent", async (t) => {
    const { server, client } = await start(t);
    await settle();
    server.newest.live();
    const deep = (levels) => (levels ? { a: deep(levels - 1) } : "[[[[[{{{{{");
    const cyclic = {};
    cyclic.cyclic = cyclic;
    for (const data of [deep(64), cyclic, 1n, undefined, () => {}, Symbol("s")]) await assert.rejects(client.publish("a", data), { code: "bad-request" });
    for (const wrong of [{ key: "\u0007" }, { key: 7 }, { event: "x".repeat(201) }, { tags: { a: 7 } }, { tags: "x" }]) await assert.rejects(client.publish("a", 1, wrong), { code: "bad-request" });
    await assert.rejects(client.call("", 1), { code: "bad-request" });
    await assert.rejects(client.call("r", deep(64)), { code: "bad-request" });
    client.publish("a", deep(63)).catch(() => {});
    await settle();
    assert.equal(server.newest.of("publish").length, 1);
  });

  test("a publish on which the connection ends by its own fault is not sent again", async (t) => {
    const { server, client } = await start(t);
    await settle();
    server.newest.live();
    const poison = client.publish("a", "x", { wait: true }), failed = assert.rejects(poison, { code: "bad-request", lost: true });
    await settle();
    server.newest.end(4400);
    await failed;
    await pass(1250);
    server.newest.live();
    await settle();
    assert.deepEqual([server.newest.of("publish"), client.state.name], [[], "live"]);
  });
});

describe("silence", () => {
  test("the server's heartbeats are enough: nothing is sent beside them", async (t) => {
    const { server } = await start(t);
    await settle();
    server.newest.live();
    await passLive(server, HOUR);
    assert.equal(server.newest.of("ping").length, 1, "one, for the round trip");
  });

  test("after more than a heartbeat is missing a ping asks, and its answer is enough", async (t) => {
    const { server, client } = await start(t);
    await settle();
    server.newest.live();
    await pass(31_249);
    assert.equal(server.newest.of("ping").length, 1);
    await pass(1);
    assert.equal(server.newest.of("ping").length, 2);
    server.newest.give({ type: "pong", id: server.newest.of("ping")[1].id });
    await pass(40_000);
    assert.deepEqual([client.state.name, server.newest.of("ping").length], ["live", 3]);
  });

  test("a subscribe that is never answered is asked again, and the others go on", async (t) => {
    const { server, client } = await start(t);
    const a = client.subscribe("prices:fx", () => {});
    await settle();
    server.newest.open().welcome();
    const b = client.subscribe("board:7", () => {});
    live(server, "board:7");
    await passLive(server, 65_000);
    assert.deepEqual([a.state.name, b.state.name], ["waiting", "live"]);
    await passLive(server, 65_000);
    live(server, "prices:fx");
    assert.equal(a.state.name, "live");
  });

  test("a request without an answer asks whether the socket is alive", async (t) => {
    const { server, client } = await start(t);
    await settle();
    server.newest.live();
    await pass(1000);
    const failed = assert.rejects(client.call("r", 1, { timeoutMs: 2000 }), { code: "timeout", lost: true });
    await pass(2000);
    await failed;
    assert.equal(server.newest.of("ping").length, 2);
    await pass(5000);
    assert.equal(client.state.name, "reconnecting");
  });

  test("a conflict, after an answer that was lost, is resolved and not final", async (t) => {
    const { server, client } = await start(t);
    await settle();
    server.newest.live();
    const subscription = client.subscribe("prices:fx", () => {});
    server.newest.give({ type: "error", id: server.newest.last.id, channel: "prices:fx", code: "conflict", message: "subscribed already" });
    assert.equal(server.newest.last.type, "unsubscribe");
    await pass(2000);
    live(server, "prices:fx");
    assert.equal(subscription.state.name, "live");
  });

  test("a message without a position is a gap where it was", async (t) => {
    const { server, client, of } = await start(t);
    const seen = [];
    client.subscribe("prices:fx", ({ data }) => seen.push(data.id));
    await settle();
    server.newest.live();
    for (const position of [undefined, null, 7, "x", "-a", "0-a"]) server.newest.give({ ...message("prices:fx", now, "bad"), position });
    server.newest.give(message("prices:fx", now + 1, "good"));
    assert.deepEqual([seen, of("gap").length, client.state.name], [["good"], 6, "live"]);
  });

  test("a page that comes out of the back/forward cache, or thaws, asks at once", async (t) => {
    const target = new EventTarget(), page = Object.assign(new EventTarget(), { visibilityState: "visible" });
    Object.assign(globalThis, { addEventListener: target.addEventListener.bind(target), removeEventListener: target.removeEventListener.bind(target), document: page });
    t.after(() => { for (const name of ["addEventListener", "removeEventListener", "document"]) delete globalThis[name]; });
    const { server, client } = await start(t);
    await settle();
    for (const [where, type] of [[target, "pageshow"], [page, "resume"], [target, "online"], [page, "visibilitychange"]]) {
      server.newest.live();
      where.dispatchEvent(new Event(type));
      where.dispatchEvent(new Event(type));
      await pass(5000);
      assert.equal(client.state.name, "reconnecting", type);
      await pass(client.state.retryAt - Date.now());
    }
  });

  test("a computer that has slept, which its steady clock does not see, asks at once", async (t) => {
    const { server, client } = await start(t);
    await settle();
    server.newest.live();
    server.newest.give({ type: "heartbeat" });
    clock.jump(8 * HOUR); // the wall clock has gone on
    await pass(31_250);
    const pings = server.newest.of("ping").length;
    assert.ok(pings >= 2);
    await pass(5000);
    assert.equal(client.state.name, "reconnecting");
  });
});

describe("the page's own doing", () => {
  test("listeners and callbacks may throw, close, dial and leave", async (t) => {
    const thrown = [];
    globalThis.reportError = (error) => thrown.push(error.message);
    t.after(() => { delete globalThis.reportError; });
    const { server, client } = await start(t);
    for (const type of ["state", "gap", "error", "subscription", "move"]) client.on(type, () => { throw new Error(type); });
    client.on("state", () => client.reconnect());
    const subscription = client.subscribe("prices:fx", () => { client.unsubscribe("prices:fx"); client.subscribe("board:7", () => {}); });
    await settle();
    server.newest.live().give(message("prices:fx", now, "a"));
    assert.deepEqual([subscription.state.name, client.state.name, server.sockets.length], ["closed", "live", 1]);
    assert.deepEqual(server.newest.of("subscribe").map(({ channel }) => channel), ["board:7"]);
    client.on("state", () => client.close());
    server.newest.end(1006);
    await pass(HOUR);
    assert.deepEqual([client.state.name, server.sockets.length], ["closed", 1]);
    assert.ok(thrown.length > 3);
    assert.ok(!thrown.some((text) => /call stack/.test(text)), "a listener that reconnects in every state does not dial within a dial");
  });

  test("closing in the midst of what is being told leaves nothing behind", async (t) => {
    for (const [type, end] of [["subscription", 1006], ["state", 4403], ["error", 4403]]) {
      const { server, client } = await start(t);
      client.subscribe("prices:fx", () => {});
      await settle();
      server.newest.live();
      client.on(type, () => client.close());
      server.newest.end(end);
      await pass(HOUR);
      assert.deepEqual([type, client.state.name, server.sockets.length, clock.pending], [type, "closed", 1, 0]);
    }
  });

  test("one who reconnects when he is refused gets what he asked for", async (t) => {
    const { server, client } = await start(t);
    client.on("state", ({ name }) => name === "refused" && setTimeout(() => client.reconnect(), 60_000));
    await settle();
    server.newest.open().end(4403);
    await pass(60_000);
    server.newest.live();
    assert.equal(client.state.name, "live");
  });

  test("options that cannot be are said at once", () => {
    const WebSocket = class {};
    for (const wrong of [{ backoffMs: NaN }, { backoffCapMs: -1 }, { connectTimeoutMs: 0 }, { requestTimeoutMs: Infinity }, { maxPending: "x" }, { remember: 0 }, { tokenIn: "url" }, { token: 7 }, { token: "<html>" }, { WebSocket: 7 }]) {
      assert.throws(() => connect("https://example.com", { WebSocket, ...wrong }), { name: "TypeError", message: new RegExp(Object.keys(wrong)[0]) });
    }
    assert.throws(() => connect("http://[", { WebSocket }), TypeError);
  });
});

test("a server that asks to move again and again is followed, but not in a storm", async (t) => {
  const { server, client } = await start(t);
  await settle();
  const greeted = new Set([server.newest.live()]);
  let moves = 0;
  client.on("move", ({ phase }) => { moves += phase === "done"; });
  for (let ms = 0; ms < 60_000; ms += 100) {
    const { newest } = server;
    if (!greeted.has(newest)) greeted.add(newest.live());
    newest.give({ type: "move", afterMs: 0 });
    await pass(100);
  }
  assert.ok(moves >= 4 && moves < 30, `${moves} moves in a minute`);
});

test("an operator's word is final, and only that: the table", async (t) => {
  for (const [code, { verdict, advice, action }] of Object.entries(closeCodes)) {
    const { server, client } = await start(t, { token: async () => "t" });
    await settle();
    server.newest.live();
    await pass(6000);
    server.newest.end(Number(code));
    assert.equal(client.state.name, verdict === "final" ? "refused" : "reconnecting", code);
    if (verdict === "final") assert.ok(advice === "stop" && action, code);
    await pass(600_000);
    assert.equal(server.sockets.length > 1, verdict !== "final", code);
    client.close();
  }
});

test("the table of codes is that of protocol.md, and the README tells of each", async () => {
  const read = (path) => readFile(new URL(path, import.meta.url), "utf8");
  const rows = [...(await read("../../../docs/protocol.md")).matchAll(/^\| (?:`([\w-]+)`)? *\|[^|]*\| (\d{4}) \|[^|]*\| ([\w ,]+?) \|$/gm)];
  const [, states = ""] = (await read("../README.md")).split("## Codes");
  const found = new Set();
  for (const [, , close, advice] of rows) {
    found.add(close);
    assert.equal(closeCodes[close]?.advice, advice.replace(/,.*/, ""), close);
    assert.ok(states.includes(close), `README: ${close}`);
  }
  assert.deepEqual([...found].sort(), Object.keys(closeCodes).sort());
  for (const { verdict } of Object.values(closeCodes)) assert.ok(states.includes(`\`${verdict}\``), verdict);
});
