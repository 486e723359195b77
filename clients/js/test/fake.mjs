// A scripted server: sockets that the test opens, feeds and ends by hand.
import { settle, VirtualClock } from "./clock.mjs";

export { settle };

export let clock; // of the test that runs

/** Moves the clock on and lets promises run. */
export const pass = (ms) => clock.pass(ms);

/** Fakes clock and chance for one test: jitter is half of what it may be. */
export function fakeTime(t) {
  clock = new VirtualClock().install();
  t.mock.method(Math, "random", () => 0.5);
  t.after(() => clock.uninstall());
}

export function fakeServer() {
  const sockets = [];
  class FakeSocket {
    sent = []; closedWith;
    constructor(url, protocols) {
      Object.assign(this, { url, protocols });
      sockets.push(this);
    }
    send(text) { this.sent.push(JSON.parse(text)); }
    close(code = 1000) { this.closedWith ??= code; }

    // What the test does with it:
    open() { this.onopen(); return this; }
    give(...frames) { for (const frame of frames) this.onmessage({ data: JSON.stringify(frame) }); return this; }
    end(code) { this.onclose({ code, reason: "" }); }
    welcome(more = {}) {
      return this.give({
        type: "welcome", connection: `c${sockets.indexOf(this)}`, user: "ann", tenant: "acme", instance: "i1", expiresAt: 0,
        limits: { framesPerSecond: 50, publishesPerSecond: 100, subscriptionsPerConnection: 128, messageBytes: 65536 }, heartbeatMs: 25_000, ...more,
      });
    }
    /** Opens, welcomes and answers every subscription of the first frame. */
    live(answer = {}) {
      this.open().welcome();
      for (const { channel, since } of this.first?.subscriptions ?? []) {
        this.give({ type: "ok", channel, resumed: since !== undefined, gap: false, position: since ?? `${Date.now()}-`, ...answer });
      }
      return this;
    }
    get first() { return this.sent.find((frame) => frame.type === "connect"); }
    /** Frames of a type, without the first. */
    of(type) { return this.sent.filter((frame) => frame.type === type); }
    get last() { return this.sent.filter((frame) => frame.type !== "ping").at(-1); }
  }
  return { WebSocket: FakeSocket, sockets, get newest() { return sockets.at(-1); } };
}

export const message = (channel, time, id, more = {}) => ({ type: "message", channel, position: `${time}-${id}`, time, data: { id }, ...more });

/** Collects what the client says. */
export function record(client, ...types) {
  const said = [];
  for (const type of types) client.on(type, (detail) => said.push([type, detail]));
  return said;
}
