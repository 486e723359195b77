// Asks links for changes of how channels are read.
import { onChannel, RETRY } from "./codes.js";
import { backoff } from "./timers.js";

/** One change of a channel is under way at a time. What a lost link has not answered, the next subscription asks for. */
export class Tuner {
  #options; #links; #timers;

  constructor({ options, links, timers }) { [this.#options, this.#links, this.#timers] = [options, links, timers]; }

  /** Asks for the next change of a feed, if there is one and a link that reads it. */
  flush(feed) {
    const { link, tuning } = feed, { next } = this.#links;
    if (feed.ended || !link || link.ended || !link.asked.has(feed) || link.owed.has(feed) || this.#timers.has(tuning)) return;
    if (next && next !== link && !next.ended && next.owed.has(feed)) return; // the next link of a move has been asked for it as it was
    const one = tuning.next(link);
    if (!one) return;
    one.link = link;
    const frame = { type: "tune", channel: feed.channel, sub: feed.sub, ...one.change };
    link.ask(JSON.stringify(frame), (answer) => this.#applied(feed, one, answer), (error) => this.#failed(feed, one, error), { timeoutMs: this.#options.requestTimeoutMs, what: "tune" });
  }

  #applied(feed, one, answer) {
    feed.attemptToTune = 0;
    feed.tuning.applied(one, answer);
    this.flush(feed);
  }

  #failed(feed, one, error) {
    const { tuning } = feed;
    if (feed.ended || !tuning.has(one)) return; // another link has answered it
    const again = error.lost ? !error.fatal : onChannel(error) === RETRY && error.code !== "not-found" && error.code !== "conflict";
    if (!again) {
      error.channel ??= feed.channel;
      tuning.refused(one, error);
      return this.flush(feed);
    }
    if (one.link?.ended) return; // the next subscription says it
    const wait = (error.retryAfterMs ?? 1000) + backoff(feed.attemptToTune++, this.#options);
    this.#timers.after(tuning, wait, () => {
      one.link = null;
      this.flush(feed);
    });
  }
}
