// What the tab that holds the socket keeps for the others is bounded: a tab that takes nothing is given up, and costs the others nothing.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Mux } from "../src/mux.js";
import { fakeServer, fakeTime, pass, settle } from "./fake.mjs";

function start(t) {
  fakeTime(t);
  const server = fakeServer(), posts = [];
  const mux = new Mux({
    options: { WebSocket: server.WebSocket, url: new URL("wss://example.com/v1/socket"), tokenIn: "subprotocol", connectTimeoutMs: 15_000, requestTimeoutMs: 30_000 },
    post: (tabs, message) => posts.push({ tabs: [tabs].flat(), ...message }), left: () => {}, empty: () => {}, fault: (error) => { throw error; }, isOurs: async () => true,
  });
  return { server, mux, posts, ended: (id) => posts.find(({ kind, socket }) => kind === "closed" && socket === id) };
}

/** How many characters of frames a client has been sent and has not confirmed. */
const kept = (posts, id, confirmed = 0) => posts.filter(({ kind, sockets }) => kind === "frame" && sockets.some(([each]) => each === id)).reduce((sum, { size }) => sum + size, 0) - confirmed;

for (const size of [60_000, 500]) {
  test(`a client that confirms nothing is given up, with messages of ${size} bytes`, async (t) => {
    const { server, mux, posts, ended } = start(t);
    mux.open("tab-a", "slow", "opaque");
    mux.open("tab-b", "quick", "opaque");
    await settle();
    server.newest.open().welcome();
    for (const id of ["slow", "quick"]) mux.take(id, JSON.stringify({ id: 1, type: "subscribe", channel: "a" }));
    const [{ id, sub }] = server.newest.of("subscribe");
    server.newest.give({ type: "ok", id, channel: "a", sub, position: "1800000000000-" });
    let given = 0;
    for (let n = 1; n <= 5000 && !ended("slow"); n++) {
      server.newest.give({ type: "message", channel: "a", sub, position: `${1_800_000_000_000 + n}-e${n}`, time: n, data: "x".repeat(size) });
      given = n;
      const count = posts.findLast(({ kind }) => kind === "frame").sockets.find(([each]) => each === "quick")[1];
      mux.confirm("quick", { count, size: kept(posts, "quick") });
      if (n % 500 === 0) await pass(10);
    }
    assert.equal(ended("slow")?.code, 4503);
    assert.ok(kept(posts, "slow") <= (16 << 20) + 70_000, `${kept(posts, "slow")} characters are kept`);
    assert.ok(given <= 4100, `${given} frames are kept`);
    assert.equal(ended("quick"), undefined);
    server.newest.give({ type: "message", channel: "a", sub, position: "1800000009999-z", time: 1, data: "still there" });
    assert.equal(posts.at(-1).frame.data, "still there");
    assert.deepEqual(posts.at(-1).tabs, ["tab-b"]);
  });
}

test("a holder has at most 64 clients; one more has a socket of its own", async (t) => {
  const { mux, posts, ended } = start(t);
  for (let n = 0; n < 65; n++) mux.open(`tab-${n}`, `client-${n}`, "opaque");
  await settle();
  assert.deepEqual(posts.filter(({ kind }) => kind === "alone").map(({ socket }) => socket), ["client-64"]);
  assert.equal(ended("client-64").code, 1006);
  assert.equal(ended("client-63"), undefined);
});
