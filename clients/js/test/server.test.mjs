// The client against the real server: `tidewire dev`, built from this tree. A proxy between them cuts connections.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { createHash, createHmac } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { connect } from "../tidewire.js";

const repository = new URL("../../..", import.meta.url).pathname;
const run = promisify(execFile);
let folder, binary, environment, tenantsFile, dev, proxy;

before(async () => {
  assert.ok(globalThis.WebSocket, "run with node --experimental-websocket (npm test does), or with Node 22");
  folder = await mkdtemp(join(tmpdir(), "tidewire-js-"));
  [binary, tenantsFile] = [join(folder, "tidewire"), join(folder, "tenants.json")];
  environment = { ...process.env, TIDEWIRE_STATE: join(folder, "state") };
  await run("go", ["build", "-o", binary, "./cmd/tidewire"], { cwd: repository });
  const tenant = (secret) => ({
    auth: { keys: [{ kid: "k1", alg: "HS256", secret: secret.repeat(32) }] }, origins: ["*"],
    namespaces: { short: { window: 5 }, fleet: { state: { durable: false } } },
    limits: { connectsPerSecond: 1000, connectionsPerUser: 1000, publishesPerSecond: 2000, framesPerSecond: 1000 },
  });
  const slow = tenant("s");
  slow.limits.publishesPerSecond = 25;
  await writeFile(tenantsFile, JSON.stringify({ tenants: { acme: tenant("a"), globex: tenant("g"), slow } }));
  dev = await startDev();
  proxy = await startProxy(dev.port);
});

after(async () => {
  await dev?.stop();
  proxy?.stop();
  if (folder) await rm(folder, { recursive: true });
});

async function startDev(address = "127.0.0.1:0") {
  const child = spawn(binary, ["dev", "--json", "--demo=false", "--addr", address, "--tenants", tenantsFile], { env: environment, stdio: ["ignore", "pipe", "pipe"] });
  let log = "";
  child.stderr.on("data", (text) => { log = (log + text).slice(-4000); });
  const line = await Promise.race([once(createInterface(child.stdout), "line"), once(child, "exit").then(() => null)]);
  assert.ok(line, `dev ended before it was ready:\n${log}`);
  const { url } = JSON.parse(line[0]);
  return {
    url, port: Number(new URL(url).port),
    async stop() {
      if (child.exitCode !== null) return;
      child.kill("SIGTERM");
      await once(child, "exit");
    },
  };
}

/** Passes TCP on to the server, until it is told to cut. */
async function startProxy(port) {
  const sockets = new Set();
  const server = net.createServer((near) => {
    const far = net.connect(port, "127.0.0.1");
    for (const [one, other] of [[near, far], [far, near]]) {
      sockets.add(one);
      one.on("error", () => {}); // a cut is what this is for
      one.on("close", () => { sockets.delete(one); other.destroy(); });
      one.pipe(other);
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `ws://127.0.0.1:${server.address().port}`,
    cut() { for (const socket of sockets) socket.destroy(); },
    stop() { this.cut(); server.close(); },
  };
}

async function token(user, { tenant = "acme", ttl = "1h" } = {}) {
  const everything = ["subscribe", "publish", "presence", "enter", "demand"].flatMap((grant) => ["prices", "board", "short", "fleet"].flatMap((namespace) => [`--${grant}`, `${namespace}:**`]));
  const { stdout } = await run(binary, ["token", "--tenant", tenant, "--user", user, "--ttl", ttl, "--tenants", tenantsFile, ...everything], { env: environment });
  return stdout.trim();
}

/** A token that shows only some rows of a fleet. */
function desk(user, filter) {
  const now = Math.floor(Date.now() / 1000), part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = { sub: user, tenant: "acme", iat: now, exp: now + 3600, channels: { subscribe: ["fleet:**"] }, ...(filter && { filters: { "fleet:**": filter } }) };
  const signed = `${part({ alg: "HS256", typ: "JWT", kid: "k1" })}.${part(claims)}`;
  return `${signed}.${createHmac("sha256", "a".repeat(32)).update(signed).digest("base64url")}`;
}

async function ingest(events, { tenant = "acme" } = {}) {
  const response = await fetch(`${dev.url}/v1/tenants/${tenant}/events`, {
    method: "POST", headers: { authorization: `Bearer ${await token("producer", { tenant })}`, "content-type": "application/json" }, body: JSON.stringify(events),
  });
  assert.equal(response.status, 200, await response.clone().text());
  return response.json();
}

/** A client that is closed with the test, and what it was told. */
function open(t, options) {
  const client = connect(options.url ?? dev.url, { backoffMs: 20, ...options });
  const said = [];
  for (const type of ["state", "gap", "dropped", "error", "resumed"]) client.on(type, (detail) => said.push({ type, ...detail }));
  t.after(() => client.close());
  return { client, said };
}

async function until(condition, what) {
  const end = Date.now() + 20_000;
  while (!condition()) {
    assert.ok(Date.now() < end, `waited 20 s for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

test("what is ingested reaches the readers of its tenant, and nobody else's", async (t) => {
  const mine = open(t, { token: await token("ann") }), theirs = open(t, { token: await token("eve", { tenant: "globex" }) });
  const got = [], leaked = [];
  await mine.client.subscribe("prices:fx", (m) => got.push(m)).ready;
  await theirs.client.subscribe("prices:fx", (m) => leaked.push(m)).ready;
  await ingest([{ channel: "prices:fx", key: "EURUSD", tags: { desk: "spot" }, data: { bid: 1.1 }, id: "e-1-x" }, { channel: "prices:fx", data: [2] }]);
  await until(() => got.length === 2, "two messages");
  const [{ channel, key, tags, data, position, latencyMs, replayed }] = got;
  assert.deepEqual({ channel, key, tags, data, replayed }, { channel: "prices:fx", key: "EURUSD", tags: { desk: "spot" }, data: { bid: 1.1 }, replayed: false });
  assert.match(position, /^\d{13}-e-1-x$/);
  assert.ok(latencyMs >= 0 && latencyMs < 5000);
  assert.deepEqual([mine.client.state.user, mine.client.state.tenant, theirs.client.state.tenant], ["ann", "acme", "globex"]);
  await ingest([{ channel: "prices:fx", data: "theirs" }], { tenant: "globex" });
  await until(() => leaked.length > 0, "their own message");
  assert.deepEqual(leaked.map((m) => m.data), ["theirs"]);
});

test("a pattern brings each message of each channel once, whatever is cut", async (t) => {
  const { client, said } = open(t, { url: proxy.url, token: await token("ann") }), got = new Map();
  await client.subscribe("prices:*", ({ channel, data }) => channel.startsWith("prices:p") && got.set(channel, [...(got.get(channel) ?? []), data])).ready;
  const one = [];
  await client.subscribe("prices:p1", ({ data }) => one.push(data), { fields: ["n"] }).ready;
  for (let n = 0; n < 120; n++) {
    if (n % 30 === 20) {
      await until(() => got.size >= 12, "one of each");
      proxy.cut();
    }
    await ingest([{ channel: `prices:p${n % 12}`, data: { n, m: n } }, { channel: "prices:p:deep", data: n }, { channel: "board:7", data: n }]);
  }
  const want = new Map();
  for (let n = 0; n < 120; n++) { const channel = `prices:p${n % 12}`; want.set(channel, [...(want.get(channel) ?? []), { n, m: n }]); }
  const gapped = () => said.filter(({ type, channel }) => type === "gap" && channel !== "prices:*"); // of others: the server is young, and cannot say
  await until(() => [...want].every(([channel, all]) => got.get(channel)?.at(-1)?.n === all.at(-1).n), "the last of each channel");
  assert.deepEqual(gapped(), []);
  assert.deepEqual(new Map([...got].sort()), new Map([...want].sort()));
  assert.deepEqual(one, want.get("prices:p1").map(({ n }) => ({ n })));
});

test("the past: what is rewound and what is read page by page are the same, though connections are cut", async (t) => {
  const { client, said } = open(t, { url: proxy.url, token: await token("ann") });
  await client.subscribe("prices:past", () => {}).ready; // so that the server follows
  await ingest(Array.from({ length: 40 }, (_, n) => ({ channel: "prices:past", tags: { even: String(n % 2 === 0) }, data: n })));
  const got = [], subscription = client.subscribe("prices:past", ({ data }) => got.push(data), { rewind: 25 });
  await until(() => got.length === 25, "the last 25");
  assert.deepEqual(got, Array.from({ length: 25 }, (_, n) => n + 15));
  assert.equal(subscription.state.rewound, 25);
  const pages = [];
  for await (const page of client.history("prices:past", { limit: 7, filter: "tags.even == 'true'" })) {
    pages.unshift(page.messages.map(({ data }) => data));
    if (pages.length === 2) proxy.cut();
  }
  assert.deepEqual(pages.map(({ length }) => length), [6, 7, 7]);
  assert.deepEqual(pages.flat(), Array.from({ length: 20 }, (_, n) => 2 * n));
  await ingest([{ channel: "prices:past", data: 40 }]);
  await until(() => got.at(-1) === 40, "what is new");
  assert.deepEqual(got, Array.from({ length: 26 }, (_, n) => n + 15));
  assert.deepEqual(said.filter(({ type }) => type === "gap"), []);
  await assert.rejects(client.history("secret:x").next(), { code: "forbidden" });
  await assert.rejects(client.subscribe("secret:x", () => {}, { rewind: 5 }).ready, { code: "forbidden" });
});

for (const tokenIn of ["frame", "subprotocol"]) {
  test(`publish, presence, call and errors, token in the ${tokenIn}`, async (t) => {
    const { client } = open(t, { token: await token("ann"), tokenIn });
    const reader = client.subscribe("board:7");
    await reader.ready;
    const views = [];
    client.presence("board:7", (view) => views.push(view));
    assert.deepEqual(await client.publish("board:7", { x: 1 }, { key: "cursor:ann", event: `once-${tokenIn}` }), { event: `once-${tokenIn}` });
    await client.publish("board:7", { x: 2 }, { event: `once-${tokenIn}` }); // a repetition
    await client.publish("board:7", { x: 3 }, { wait: true });
    assert.deepEqual([(await reader.next()).value.data, (await reader.next()).value.data], [{ x: 1 }, { x: 3 }]);
    await until(() => views.length, "presence");
    assert.deepEqual([views[0].count, views[0].members.map(({ user }) => user)], [1, ["ann"]]);
    const entry = client.enter("board:7", { name: "Ann" });
    await entry.ready;
    await until(() => views.at(-1).members[0]?.data?.name === "Ann", "what was entered");
    const demand = client.subscribe("$demand:board", { state: true });
    await demand.ready;
    await until(() => demand.view.get("board:7")?.data.watchers === 1, "demand");
    await assert.rejects(client.call("no.such.route", {}), { code: "not-found" });
    await assert.rejects(client.publish("board:7"), { code: "bad-request" }, "no data");
    await assert.rejects(client.subscribe("secret:x").ready, { code: "forbidden" });
    for (const bad of ["not a channel", "", "x".repeat(201), ":a", "a::b", "é", undefined, 7]) {
      await assert.rejects(client.subscribe(bad).ready, { code: "bad-request" }, `${bad}`);
      await assert.rejects(client.publish(bad, 1), { code: "bad-request" }, `${bad}`);
    }
    const nested = (levels) => (levels ? [nested(levels - 1)] : 1);
    await client.publish("board:7", nested(63));
    await assert.rejects(client.publish("board:7", nested(64)), { code: "bad-request" }, "would have cost the connection");
    const cyclic = {};
    for (const data of [1n, Object.assign(cyclic, { cyclic }), () => {}]) await assert.rejects(client.publish("board:7", data), { code: "bad-request" });
    for (const wrong of [{ key: "a\n" }, { event: "x".repeat(201) }, { tags: { a: 1 } }, { tags: [] }, { tags: Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`t${i}`, ""])) }]) {
      await assert.rejects(client.publish("board:7", 1, wrong), { code: "bad-request" }, JSON.stringify(wrong));
    }
    assert.equal(client.state.name, "live");
  });
}

test("cut a hundred times while 200 messages a second flow: each message once and in order", { timeout: 120_000 }, async (t) => {
  const { client, said } = open(t, { url: proxy.url, token: await token("ann"), backoffCapMs: 50 }); // no connection here is ever stable
  const producer = open(t, { token: await token("producer") }).client;
  const got = [];
  let sent = 0, replayed = 0;
  await client.subscribe("prices:cut", (m) => { got.push(m.data); replayed += m.replayed; }).ready;
  const publish = () => producer.publish("prices:cut", sent++, { wait: true });
  const flow = setInterval(publish, 5);
  t.after(() => clearInterval(flow));
  for (let cuts = 0; cuts < 100; cuts++) {
    await until(() => client.state.name === "live", "live again");
    await new Promise((resolve) => setTimeout(resolve, 30 * Math.random()));
    proxy.cut();
    await until(() => said.filter(({ name }) => name === "reconnecting").length > cuts, "the cut to be seen");
  }
  clearInterval(flow);
  await publish();
  await until(() => got.at(-1) === sent - 1, "the last message");
  assert.deepEqual(got, Array.from({ length: sent }, (_, i) => i));
  assert.deepEqual(said.filter(({ type }) => type === "gap" || type === "dropped" || type === "error"), []);
  assert.ok(replayed > 0 && replayed < sent, "some were missed and caught up, some came live");
  t.diagnostic(`${sent} messages, ${replayed} of them caught up`);
});

test("published faster than the tenant may, through cuts: once and in order", { timeout: 120_000 }, async (t) => {
  const reader = open(t, { token: await token("ann", { tenant: "slow" }) }), got = [];
  await reader.client.subscribe("board:order", (m) => got.push(m.data)).ready;
  const { client, said } = open(t, { url: proxy.url, token: await token("bob", { tenant: "slow" }), backoffCapMs: 50 });
  const all = Array.from({ length: 120 }, (_, n) => client.publish("board:order", n, { wait: true }));
  for (let cuts = 0; cuts < 2; cuts++) {
    await until(() => client.state.name === "live", "live again");
    await new Promise((resolve) => setTimeout(resolve, 300));
    proxy.cut();
    await until(() => said.filter(({ name }) => name === "reconnecting").length > cuts, "the cut to be seen");
  }
  await Promise.all(all);
  await until(() => got.length >= 120, "the last message");
  assert.deepEqual(got, Array.from({ length: 120 }, (_, n) => n));
});

test("moved thirty times under the same flow: never not live, each message once and in order", { timeout: 120_000 }, async (t) => {
  const sockets = [];
  class Watched extends WebSocket {
    constructor(...given) {
      super(...given);
      sockets.push(this);
    }
  }
  const { client, said } = open(t, { token: await token("ann"), WebSocket: Watched, backoffCapMs: 20 });
  const producer = open(t, { token: await token("producer") }).client;
  const got = [];
  await client.subscribe("prices:move", (m) => got.push(m.data)).ready;
  let sent = 0;
  const flow = setInterval(() => producer.publish("prices:move", sent++, { wait: true }), 5);
  t.after(() => clearInterval(flow));
  for (let moves = 0; moves < 30; moves++) {
    const { connection } = client.state;
    sockets.at(-1).onmessage({ data: JSON.stringify({ type: "move", afterMs: 20 * Math.random() }) }); // as a server does before an hour is over
    await until(() => client.state.connection !== connection, "the move");
    await new Promise((resolve) => setTimeout(resolve, 20 * Math.random()));
  }
  clearInterval(flow);
  await producer.publish("prices:move", sent++, { wait: true });
  await until(() => got.at(-1) === sent - 1, "the last message");
  assert.deepEqual(got, Array.from({ length: sent }, (_, i) => i));
  assert.ok(said.every(({ type, name }) => type === "state" && (name === "live" || name === "connecting")));
  await until(() => sockets.filter(({ readyState }) => readyState === WebSocket.OPEN).length === 1, "the old sockets to be closed");
  t.diagnostic(`${sent} messages, ${sockets.length} sockets, latency ${JSON.stringify(client.latency)}`);
});

test("outside the window it is told a gap, inside it resumes with the number of messages", async (t) => {
  const { client, said } = open(t, { url: proxy.url, token: await token("ann"), backoffMs: 2000 });
  t.mock.method(Math, "random", () => 0.5); // a second to be away
  const items = [];
  client.subscribe("short:a", (m) => items.push(m.data), { onGap: () => items.push("gap") });
  const wide = client.subscribe("prices:wide", (m) => items.push(m.data));
  await wide.ready;
  await ingest([{ channel: "short:a", data: "first" }, { channel: "prices:wide", data: "w0" }]);
  await until(() => items.length === 2, "the first");
  proxy.cut();
  await until(() => client.state.name === "reconnecting", "the cut");
  assert.ok(client.state.retryAt > Date.now());
  await ingest([...Array.from({ length: 20 }, (_, i) => ({ channel: "short:a", data: i })), { channel: "prices:wide", data: "w1" }, { channel: "prices:wide", data: "w2" }]);
  await until(() => said.some(({ type }) => type === "resumed"), "resumed");
  await ingest([{ channel: "short:a", data: "next" }]);
  await until(() => items.includes("next"), "the next");
  assert.deepEqual(items.filter((item) => !`${item}`.startsWith("w")), ["first", "gap", "next"]);
  assert.deepEqual(items.filter((item) => `${item}`.startsWith("w")), ["w0", "w1", "w2"]);
  const { caughtUp, gaps } = said.find(({ type }) => type === "resumed");
  assert.deepEqual({ caughtUp, gaps }, { caughtUp: 2, gaps: ["short:a"] });
  assert.deepEqual([wide.state.resumed, wide.state.caughtUp], [true, 2]);
});

test("a token is renewed in-band and the connection outlives its first one", async (t) => {
  let made = 0;
  const { client, said } = open(t, { token: () => { made++; return token("ann", { ttl: "3s" }); } });
  await client.subscribe("prices:fx", () => {}).ready;
  const { connection, expiresAt } = client.state;
  await until(() => Date.now() > expiresAt + 1000, "the end of the first token");
  assert.deepEqual([client.state.name, client.state.connection], ["live", connection]);
  assert.ok(made >= 2 && client.state.expiresAt > expiresAt);
  assert.deepEqual(said.filter(({ type }) => type === "error"), []);
});

test("a token that ends, and one that is none, are refusals with what to do", async (t) => {
  const ends = open(t, { token: await token("ann", { ttl: "2s" }) }).client, bad = open(t, { token: "no.such.token" }).client;
  const inHandshake = open(t, { token: "no.such.token", tokenIn: "subprotocol" }).client;
  for (const client of [ends, bad, inHandshake]) {
    await until(() => client.state.name === "refused", "refused");
    assert.equal(client.state.closeCode, 4401);
    assert.match(client.state.action, /sign in/i);
  }
});

test("a server that goes away and comes back: the client obeys its delay, returns, and is told a gap", { timeout: 60_000 }, async (t) => {
  const first = await startDev();
  const { client, said } = open(t, { url: first.url, token: await token("ann") });
  await client.subscribe("prices:fx", () => {}).ready;
  await client.publish("prices:fx", 1);
  await first.stop();
  await until(() => said.some(({ name }) => name === "reconnecting"), "the end");
  assert.equal(said.find(({ name }) => name === "reconnecting").code, "draining");
  const second = await startDev(`127.0.0.1:${first.port}`);
  t.after(() => second.stop());
  await until(() => client.state.name === "live" && said.some(({ type }) => type === "gap"), "live again, and a gap");
  assert.deepEqual(await client.publish("prices:fx", 2, { event: "back" }), { event: "back" });
});

test("state: what is shown is what the server has, through cuts, tunes, pauses, and another token", async (t) => {
  const rows = new Map(), names = Array.from({ length: 300 }, (_, i) => `v${i}`);
  const change = async (events) => {
    await ingest(events.map(({ key, desk: tag, n, gone }) => ({ channel: "fleet:eu", key, tags: { desk: tag }, ...(gone ? { delete: true } : { data: { n, pad: "x".repeat(300) } }) })));
    for (const { key, gone, ...row } of events) gone ? rows.delete(key) : rows.set(key, row);
  };
  let n = 0;
  const event = () => ({ key: names[Math.floor(Math.random() * names.length)], desk: Math.random() < 0.5 ? "a" : "b", n: ++n, gone: Math.random() < 0.1 });
  await change(names.map((key) => ({ key, desk: "a", n: ++n })));
  const { client, said } = open(t, { url: proxy.url, token: desk("ann", "tags.desk == 'a'") }), subscription = client.subscribe("fleet:eu", { state: true }), { view } = subscription;
  const told = new Map();
  view.on("change", ({ changed, removed }) => {
    for (const key of changed) told.set(key, view.get(key));
    for (const key of removed) told.delete(key);
  });
  const plain = (all) => JSON.stringify([...all].sort(([a], [b]) => (a < b ? -1 : 1)));
  const same = async (shows, what) => {
    const want = () => plain([...rows].filter(([key, row]) => shows(row, key)).map(([key, row]) => [key, row.n]));
    await until(() => view.isReady && plain([...view].map(([key, { data }]) => [key, data.n])) === want() && plain(told) === plain(view), what);
  };
  const forA = ({ desk: tag }) => tag === "a";
  await same(forA, "the first snapshot");
  for (let i = 0; i < 20; i++) {
    await change(Array.from({ length: 10 }, event).filter(({ key }, at, all) => all.findLastIndex((other) => other.key === key) === at));
    if (i % 7 === 3) proxy.cut();
    if (i === 5) subscription.tune({ maxRate: 20 }).catch(() => {});
    if (i === 8) subscription.pause().catch(() => {});
    if (i === 12) subscription.resume().catch(() => {});
  }
  await same(forA, "all changes");
  await subscription.tune({ filter: "key.startsWith('v1')", maxRate: 0 });
  await same((row, key) => forA(row) && key.startsWith("v1"), "what the filter shows");
  await assert.rejects(subscription.tune({ filter: "key.startsWith('v1'" }), { code: "bad-request" });
  await client.refresh(desk("ann", "tags.desk == 'b'"));
  assert.ok([...view.values()].every(({ tags }) => tags.desk === "b"), "they are gone before the answer");
  await subscription.tune({ filter: "" });
  await same((row) => row.desk === "b", "the other desk");
  proxy.cut();
  await until(() => client.state.name === "live" && subscription.state.name === "live", "the next connection");
  await change(Array.from({ length: 5 }, event).filter(({ key }, at, all) => all.findLastIndex((other) => other.key === key) === at));
  await same((row) => row.desk === "b", "the other desk after a cut");
  await client.refresh(desk("ann"));
  await same(() => true, "everything");
  assert.deepEqual(said.filter(({ type }) => type === "gap" || type === "error"), []);
});

test("states of a pattern: what is shown is what the server has, through cuts, tunes, and channels that come and go", async (t) => {
  const rows = new Map(), forA = ({ desk: tag }) => tag === "a";
  let n = 0;
  const change = async (count) => {
    const events = Array.from({ length: count }, () => ({ channel: `fleet:p:${Math.floor(Math.random() * 20)}`, key: `v${Math.floor(Math.random() * 3)}`, desk: Math.random() < 0.5 ? "a" : "b", n: ++n, gone: Math.random() < 0.4 }));
    for (const { channel, key, desk: tag, n: value, gone } of events) { // one by one: of two in a batch the order of a key is what matters
      await ingest([{ channel, key, tags: { desk: tag }, ...(gone ? { delete: true } : { data: { n: value } }) }]);
      gone ? rows.delete(`${channel} ${key}`) : rows.set(`${channel} ${key}`, { desk: tag, n: value });
    }
  };
  await change(20);
  const { client, said } = open(t, { url: proxy.url, token: desk("ann", "tags.desk == 'a'") }), subscription = client.subscribe("fleet:p:*", { state: true }), { view } = subscription;
  const told = new Map();
  view.on("change", ({ channel, changed, removed }) => {
    for (const key of changed) told.set(`${channel} ${key}`, view.get(channel)?.get(key));
    for (const key of removed) told.delete(`${channel} ${key}`);
  });
  const plain = (all) => JSON.stringify([...all].sort(([a], [b]) => (a < b ? -1 : 1)));
  const flat = () => [...view].flatMap(([channel, of]) => [...of].map(([key, row]) => [`${channel} ${key}`, row]));
  const same = async (shows, what) => {
    const want = () => plain([...rows].filter(([, row]) => shows(row)).map(([key, row]) => [key, row.n]));
    await until(() => view.isReady && plain(flat().map(([key, { data }]) => [key, data.n])) === want() && plain(told) === plain(flat()), what);
  };
  await same(forA, "the first snapshots");
  for (let i = 0; i < 12; i++) {
    await change(10);
    if (i % 4 === 2) proxy.cut();
    if (i === 5) subscription.tune({ maxRate: 20 }).catch(() => {});
  }
  await same(forA, "all changes");
  assert.equal((await subscription.tune({ filter: "key == 'v1'", maxRate: 0 })).filter, "key == 'v1'");
  const v1 = () => plain([...rows].filter(([key, row]) => forA(row) && key.endsWith(" v1")).map(([key, row]) => [key, row.n]));
  await until(() => plain(flat().map(([key, { data }]) => [key, data.n])) === v1(), "what the filter shows");
  await assert.rejects(subscription.tune({ filter: "key == 'v1" }), { code: "bad-request" });
  await subscription.tune({ filter: "" });
  await same(forA, "all of the desk");
  await client.refresh(desk("ann"));
  await same(() => true, "everything");
  proxy.cut();
  await change(10);
  await same(() => true, "everything after a cut");
  assert.deepEqual(said.filter(({ type }) => type === "gap" || type === "error"), []);
});

/** A proxy that knows requests and no WebSockets: it refuses them, or says that it takes them and swallows everything. `mode` is free, refused or swallowed. */
async function startBlocker(port) {
  const open = new Set(), blocker = { mode: "free", sockets: 0 };
  const server = net.createServer((near) => {
    open.add(near);
    near.on("error", () => {});
    near.on("close", () => open.delete(near));
    near.once("data", (first) => {
      const head = String(first), upgrades = /^upgrade: websocket/mi.test(head);
      if (upgrades) blocker.sockets++;
      if (upgrades && blocker.mode === "refused") return near.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
      if (upgrades && blocker.mode === "swallowed") {
        const accept = createHash("sha1").update(`${/sec-websocket-key: (.*)\r/i.exec(head)[1]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
        near.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: tidewire.v1.json\r\n\r\n`);
        return near.resume();
      }
      const far = net.connect(port, "127.0.0.1");
      far.on("error", () => {});
      for (const [one, other] of [[near, far], [far, near]]) one.on("close", () => other.destroy());
      far.write(first);
      near.pipe(far).pipe(near);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return Object.assign(blocker, {
    url: `http://127.0.0.1:${server.address().port}`,
    cut() { for (const socket of open) socket.destroy(); },
    stop() { this.cut(); server.close(); },
  });
}

for (const mode of ["refused", "swallowed"]) {
  test(`where WebSockets are ${mode} the client goes on over events, loses nothing, and comes back to a WebSocket when one gets through`, async (t) => {
    const blocker = await startBlocker(dev.port);
    t.after(() => blocker.stop());
    const { client, said } = open(t, { url: blocker.url, token: await token("ann"), connectTimeoutMs: 1000, fallback: true });
    const got = [], moves = [];
    client.on("move", ({ phase }) => moves.push(phase));
    const first = client.subscribe("board:events", ({ data }) => got.push(data.n));
    await first.ready;
    assert.equal(client.state.transport, "websocket");
    let sent = 0;
    const publish = async () => { const n = ++sent; await client.publish("board:events", { n }, { wait: true }); };
    await publish();
    blocker.mode = mode;
    blocker.cut();
    const outside = ingest([{ channel: "board:events", data: { n: ++sent } }]); // while there is no connection
    await until(() => client.state.transport === "sse", `events: ${JSON.stringify(client.state)}`);
    await outside;
    await until(() => first.state.name === "live", "the channel");
    for (let i = 0; i < 5; i++) await publish();
    const fleet = client.subscribe("fleet:events", { state: true, keys: ["v1"] }); // beside it, in another way
    await fleet.ready;
    await ingest([{ channel: "fleet:events", key: "v1", data: { speed: 9 } }, { channel: "fleet:events", key: "v2", data: { speed: 1 } }]);
    await until(() => fleet.view.has("v1"), "a row");
    const second = client.subscribe("prices:events", () => {}); // takes a new stream for all
    await second.ready;
    await client.subscribe("prices:more", () => {}).ready;
    const shown = [];
    client.presence("board:events", ({ members }) => shown.push(members.length));
    await until(() => shown.length > 0, "presence");
    await assert.rejects(client.publish("board:events", 1, { key: "$connection", transient: true }), /needs a WebSocket/);
    blocker.cut(); // a stream that is cut resumes
    await publish();
    await until(() => got.length === sent, `${sent} messages, got ${got}`);
    blocker.mode = "free";
    globalThis.dispatchEvent?.(new Event("online"));
    client.reconnect(); // does nothing while it is live
    const end = Date.now() + 60_000;
    while (client.state.transport !== "websocket" && Date.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 500));
      await publish();
    }
    assert.equal(client.state.transport, "websocket", JSON.stringify([client.state, moves]));
    await publish();
    await until(() => got.length === sent, `${sent} messages, got ${got}`);
    assert.deepEqual(got, Array.from({ length: sent }, (_, i) => i + 1), "each once, in order");
    assert.deepEqual([...fleet.view.keys()], ["v1"]);
    assert.deepEqual(said.filter(({ type }) => type === "gap" || type === "dropped"), []);
  });
}
