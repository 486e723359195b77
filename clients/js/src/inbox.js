// Gives each frame of a link to whom it is for.
import { TidewireError } from "./codes.js";
import { FIRST_ID } from "./dialer.js";
import { Recent } from "./ids.js";
import { moment, text } from "./values.js";

export class Inbox {
  #directs = new Recent(1000); // IDs of events that belong to no channel
  #channels; #clock; #renewal; #emit; #welcomed; #move;

  constructor({ channels, clock, renewal, emit, welcomed, move }) {
    [this.#channels, this.#clock, this.#renewal, this.#emit, this.#welcomed, this.#move] = [channels, clock, renewal, emit, welcomed, move];
  }

  take(link, frame) {
    switch (frame.type) {
      case "message": return this.#channels.message(link, frame);
      case "snapshot": case "changes": return this.#channels.shown(link, frame);
      case "welcome": return this.#welcomed(link, frame);
      case "direct": // both links of a move may bring it
        return void (text(frame.event) !== undefined && this.#directs.seen(frame.event) || this.#emit("direct", frame));
      case "ok": return this.#channels.ok(link, frame);
      case "error": return this.#failed(link, frame);
      case "heartbeat": return this.#heartbeat(link, moment(frame.asOf));
      case "notice": return this.#channels.notice(link, frame);
      case "presence": return this.#channels.presences.update(link, frame);
      case "move": return this.#move(link, frame.afterMs);
    } // any other is from a newer server
  }

  #heartbeat(link, asOf) {
    if (!asOf) return; // it stands still
    this.#clock.heard(asOf);
    this.#renewal.reconsider();
    this.#channels.silent(link, asOf);
  }

  #failed(link, frame) {
    if (frame.id !== undefined && frame.id !== FIRST_ID) return; // the answer to a request that was given up
    const error = new TidewireError(frame);
    if (this.#channels.failed(link, frame, error, frame.id === FIRST_ID)) return;
    link.failure = frame; // a close follows, and the state will tell; if none does, the event
    setTimeout(() => {
      if (link.ended || link.failure !== frame) return;
      link.failure = null;
      this.#emit("error", error);
    }, 1000);
  }
}
