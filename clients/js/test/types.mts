// Compiled, never run (npm run types): the declarations serve the ways the client is used.
import { connect, parsePosition, Tidewire, TidewireError, closeCodes, type Message, type State } from "../tidewire.js";

interface Quote { bid: number; ask: number }

const client: Tidewire = connect("/v1/socket", { token: async ({ rejected }) => (rejected ? null : "t") });
new Tidewire({ url: new URL("wss://example.com"), token: "t", storage: sessionStorage, WebSocket });
connect({ url: "wss://example.com" });
// @ts-expect-error a client has to be told where to connect
new Tidewire({ token: "t" });

const subscription = client.subscribe<Quote>("prices:fx", ({ data, latencyMs }) => console.log(data.bid + latencyMs), { onGap: ({ reason }) => console.log(reason) });
subscription.ready.then(({ state }) => console.log(state.caughtUp));
// @ts-expect-error one with a callback is no iterator
subscription.next();

for await (const item of client.subscribe<Quote>("prices:fx", { buffer: 100, overflow: "conflate" })) {
  if (item.type === "gap") continue;
  // @ts-expect-error it may still be a Dropped
  item.data;
  if (item.type === "message") console.log(item.data.ask, parsePosition(item.position).id);
}

const { view } = client.subscribe<Quote>("prices:fx", { state: true, filter: "tags.desk == 'a'", maxRate: 5 });
await view.ready;
view.on("change", ({ changed, removed }) => { for (const key of changed) console.log(view.get(key)?.data.bid, removed.has(key), view.size, [...view.keys()]); });
await subscription.tune({ keys: { add: ["EURUSD"] }, paused: false }).then(({ maxRate }) => console.log(maxRate ?? subscription.rate));
client.subscribe("prices:*", ({ channel }) => console.log(channel), { onGap: ({ channel, pattern }) => console.log(channel, pattern?.length) }).positions["prices:fx"]?.length;
const fleet = client.subscribe<Quote>("prices:*", { state: true }).view;
fleet.on("change", ({ channel, changed, removed }) => { for (const key of changed) console.log(fleet.get(channel)?.get(key)?.data.bid, removed.size, fleet.isReady); });
// @ts-expect-error state cannot be tuned
subscription.tune({ state: true });

client.on("state", (state: State) => {
  switch (state.name) {
    case "reconnecting": return console.log(state.retryAt ?? "now", state.action?.length);
    case "refused": return console.log(state.action, closeCodes[state.closeCode]?.advice, closeCodes[state.closeCode]?.verdict === "final");
    case "live": return console.log(state.user, state.limits.messageBytes);
  }
});
for await (const { messages, complete, beyond } of client.history<Quote>("prices:fx", { limit: 10, from: new Date(), to: 1_900_000_000_000 })) console.log(messages[0]?.data.bid, complete, beyond);
// @ts-expect-error a message of before says nothing of how long it took
client.history("prices:fx").next().then(({ value }) => value && value.messages[0].latencyMs);
client.subscribe("prices:fx", () => {}, { rewind: "5m" }).state.rewound?.toFixed();
const off: () => void = client.on("error", (error) => console.log(error instanceof TidewireError && error.code));
const event: string = (await client.publish("board:7", { x: 1 }, { wait: true })).event;
const lock = await client.lock("lock:board", "7", { ttl: "30s", data: { holder: "ann" }, signal: AbortSignal.timeout(5000) });
if (lock.isHeld) await fetch("/save", { method: "POST", signal: lock.signal, headers: { "If-Newer": lock.position } });
lock.lost.then(({ code }) => console.log(code, lock.key, lock.name));
const released: boolean | undefined = await (await client.tryLock("lock:board", "7"))?.release();
const order: { id: string } = await client.call<{ id: string }>("orders.place", {});
const stop: () => void = client.presence("board:7", ({ members }) => console.log(members[0]?.groups));
const message: Message | undefined = undefined;
console.log(off, event, order, stop, message);
