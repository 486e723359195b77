// Asks a link for a channel or a presence, and what follows: it is granted, refused, or put off. README.md has the states as a table.
import { ticks } from "./clock.js";
import { onChannel, RETRY, TidewireError } from "./codes.js";
import { Feed } from "./feed.js";
import { isPosition, timeOf } from "./position.js";
import { backoff } from "./timers.js";
import { Tuner } from "./tuner.js";
import { within } from "./values.js";
import { Entry, Watch } from "./watch.js";

const QUIET = 300; // a replay is over when nothing older has come for this long
const RESUME_WITHIN = 10_000; // and at the latest after this, should the clocks deceive

export class Grants {
  #options; #links; #clock; #timers; #emit; #taken; #changed; #ended; #tuner;

  /** `changed` is called when positions have changed, `ended` with a feed or watch that is no more; see Channels for `taken`. */
  constructor({ options, links, clock, timers, emit, taken, changed, ended }) {
    [this.#options, this.#links, this.#clock, this.#timers] = [options, links, clock, timers];
    [this.#emit, this.#taken, this.#changed, this.#ended] = [emit, taken, changed, ended];
    this.#tuner = new Tuner({ options, links, timers });
  }

  /** Notes that the link has been asked, by the first frame or alone. */
  expect(one, link) {
    const { since, shownBy, asOf } = one, asked = one.tuning?.asked;
    for (const change of asked?.changes ?? []) change.link = link;
    link.asked.set(one, { since, shownBy, asOf, ...asked });
    link.owed.add(one);
    if (since) link.resumed ??= { caughtUp: 0, gaps: [], at: 0 };
  }

  ask(one, link) {
    this.expect(one, link);
    const once = (then) => (answer) => link.asked.has(one) && then.call(this, one, link, answer);
    link.ask(JSON.stringify(one.request()), once(this.granted), once(this.denied), { timeoutMs: 2 * this.#options.requestTimeoutMs, what: one instanceof Feed ? "subscribe" : "presence" });
  }

  /** What is said of it on that link matters no more: it ended, the link did, or a newer link has it. */
  #isStale(one, link) {
    const { live, next, leaving } = this.#links;
    return one.ended || link.ended || link === leaving || link === live && next !== null && one.link === next;
  }

  /** The link has it: a feed is live, or a watch knows who is there. */
  granted(one, link, answer) {
    link.owed.delete(one);
    link.first.delete(one);
    if (this.#isStale(one, link)) return this.#taken(link);
    [one.link, one.attempt, one.retryAt] = [link, 0, 0];
    if (one instanceof Watch) one.update({ members: [], ...answer });
    else if (one instanceof Entry) one.granted();
    else {
      one.tuning.granted(link.asked.get(one), answer);
      (one.isPattern ? this.#beginPattern : one.view ? this.#beginState : this.#begin).call(this, one, link, answer);
      this.#tuner.flush(one);
    }
    this.#taken(link);
  }

  #begin(feed, link, answer) {
    const { since } = link.asked.get(feed), resumed = answer.resumed === true;
    const position = isPosition(answer.position) ? answer.position : undefined;
    // A server that does not say that nothing was missed has not said it; nor do we, if we do not know where we stood.
    const cursor = feed.cursor(feed.channel), ahead = feed.position !== since; // by the other link of a move
    const apart = ahead && position !== feed.position && timeOf(position) >= timeOf(feed.position); // the question stood nowhere, and what is between is missing
    const gap = answer.gap === true || feed.forgot || (!resumed && (since !== undefined || apart));
    cursor.floor = 0;
    if (ahead) cursor.repeats(RESUME_WITHIN);
    feed.asOf = undefined; // until a heartbeat comes after this answer
    cursor.edge = since !== undefined || ahead ? this.#clock.edge : 0;
    const past = feed.tuning.asked.wants.rewind && !resumed ? { rewound: within(answer.rewound, 0, Number.MAX_SAFE_INTEGER, 0), complete: answer.complete === true } : {};
    this.become(feed, { name: "live", resumed: resumed && !gap, gap, caughtUp: 0, ...past });
    if (feed.ended) return; // by a listener of that
    if (link.resumed) link.resumed.at = ticks();
    if (gap) {
      link.resumed?.gaps.push(feed.channel);
      this.gap(feed, cursor, position, "resume");
    } else if (position && (!ahead || timeOf(position) > timeOf(feed.position))) feed.position = position;
    cursor.past = past.rewound ?? 0;
    feed.resolve();
    this.#changed();
  }

  /** All channels of a pattern are read from where they stand: those that were named are answered one by one. */
  #beginPattern(feed, link, answer) {
    if (feed.view) return this.#beginStates(feed, link);
    const { since, asOf } = link.asked.get(feed), at = timeOf(isPosition(answer.position) ? answer.position : undefined), known = feed.asOf !== undefined;
    const apart = known && asOf === undefined && at > feed.begun; // the question stood nowhere: another link was answered first
    const gap = feed.forgot || apart, resumed = known && !apart;
    feed.cursors.begin(since, resumed ? this.#clock.edge : 0, RESUME_WITHIN);
    if (!known || apart) [feed.asOf, feed.begun] = [Math.max(feed.asOf ?? 0, at) || undefined, at]; // nothing is wanted of before that
    this.become(feed, { name: "live", resumed: resumed && !gap, gap, caughtUp: 0 });
    if (feed.ended) return; // by a listener of that
    if (link.resumed) link.resumed.at = ticks();
    if (gap) {
      link.resumed?.gaps.push(feed.channel);
      this.gap(feed, undefined, answer.position, "resume");
    }
    feed.resolve();
    this.#changed();
  }

  /** A link has answered about one of the channels of a pattern. */
  channelGranted(feed, link, answer) {
    if (feed.view) return this.#beginStateIn(feed, link, answer);
    const cursor = feed.cursors.get(answer.channel), resumed = answer.resumed === true, gap = answer.gap === true || !resumed;
    if (feed.link !== link || !cursor?.owed) return;
    cursor.owed = false;
    this.#emit("subscription", Object.freeze({ channel: cursor.channel, pattern: feed.channel, name: "live", resumed: !gap, gap, caughtUp: 0 }));
    if (feed.ended || feed.link !== link) return; // by a listener of that
    if (link.resumed) link.resumed.at = ticks();
    if (!gap) return;
    link.resumed?.gaps.push(cursor.channel);
    this.gap(feed, cursor, answer.position, "resume");
  }

  /** The state is sent anew, or what has changed of it. Until it is complete, what was shown stays. */
  #beginState(feed, link, answer) {
    const { since, shownBy } = link.asked.get(feed), resumed = since !== undefined && answer.resumed === true, cursor = feed.cursor(feed.channel);
    if (resumed && shownBy !== cursor.shown.by) return this.gap(feed, cursor); // the other link of a move has brought other rows meanwhile
    [cursor.edge, feed.forgot] = [resumed ? this.#clock.edge : 0, false];
    cursor.shown.begin(resumed);
    this.become(feed, { name: "live", resumed, gap: false, caughtUp: 0 });
    if (feed.ended) return; // by a listener of that
    if (link.resumed) link.resumed.at = ticks();
    feed.resolve();
    this.#changed();
  }

  /** The states of all channels of a pattern are sent, each as it is answered. */
  #beginStates(feed, link) {
    const { since } = link.asked.get(feed);
    feed.cursors.beginStates();
    feed.forgot = false;
    this.become(feed, { name: "live", resumed: since !== undefined, gap: false, caughtUp: 0 });
    if (feed.ended) return; // by a listener of that
    if (link.resumed) link.resumed.at = ticks();
    feed.resolve();
    this.#changed();
  }

  /** A link has answered about the state of one of the channels of a pattern. */
  #beginStateIn(feed, link, answer) {
    const cursor = feed.link === link ? feed.cursor(answer.channel) : undefined;
    if (!cursor) return;
    const { since, shownBy } = link.asked.get(feed), resumed = cursor.owed && since?.[cursor.channel] !== undefined && answer.resumed === true;
    if (resumed && shownBy?.[cursor.channel] !== cursor.shown.by) return this.gap(feed, cursor); // as in #beginState
    [cursor.owed, cursor.edge] = [false, resumed ? this.#clock.edge : 0];
    cursor.shown.begin(resumed);
    if (link.resumed) link.resumed.at = ticks();
    this.#emit("subscription", Object.freeze({ channel: cursor.channel, pattern: feed.channel, name: "live", resumed, gap: false, caughtUp: 0 }));
  }

  /** A change of how a feed is read. */
  tune(feed) { this.#tuner.flush(feed); }

  /** Refused for good, or asked for again later, by the verdict on the code. */
  denied(one, link, error) {
    link.first.delete(one);
    const asked = link.asked.get(one);
    link.asked.delete(one);
    if (this.#isStale(one, link)) {
      link.owed.delete(one);
      return this.#taken(link);
    }
    let again = onChannel(error) === RETRY;
    if (!again && error.code === "bad-request" && one instanceof Feed) again = this.#withLess(one, asked);
    if (!again) {
      link.owed.delete(one);
      error.channel ??= one.channel;
      this.finish(one, error);
      this.#emit("error", error);
      return this.#taken(link);
    }
    // The server has it already, or has it still in hand: let go of that first.
    if (error.code === "conflict" || error.code === "timeout") this.letGo(one, link);
    const wait = Math.ceil((error.retryAfterMs ?? (error.code === "bad-request" ? 0 : 1000)) + backoff(one.attempt++, this.#options));
    [one.retryAt, one.putOffBy] = [ticks() + wait, link];
    this.#timers.after(one, wait, () => {
      one.retryAt = 0;
      for (const each of [this.#links.next, this.#links.live]) {
        if (each?.welcome && !each.ended && !each.asked.has(one)) return this.ask(one, each);
      }
    });
    const reads = one.link && !one.link.ended && one.link !== link; // by the old link of a move
    if (one instanceof Feed && !reads) this.become(one, { ...one.state, name: "waiting", retryAt: Date.now() + wait, code: error.code });
  }

  /** Leaves out a part of what was asked for that may be at fault: changes that the server has never taken, then the position. Tells whether there was one. */
  #withLess(feed, asked) {
    if (asked && feed.tuning.suspect(asked)) return true;
    if (asked?.since === undefined) return false;
    feed.forget();
    return true;
  }

  /** Tells the server that it is not wanted any more. */
  letGo(one, link) {
    const frame = one instanceof Feed ? { type: "unsubscribe", channel: one.channel, sub: one.sub } : one.release();
    link.request(frame, { timeoutMs: this.#options.requestTimeoutMs }).catch(() => {}); // it is ended here either way
  }

  become(feed, state) {
    feed.state = Object.freeze(state);
    this.#emit("subscription", { channel: feed.channel, ...state });
  }

  /** Ends a feed or a watch on our side, with the error that refused it if there is one. */
  finish(one, error) {
    one.ended = true;
    this.#timers.cancel(one);
    this.#ended(one);
    if (one instanceof Entry) one.finish(error);
    if (!(one instanceof Feed)) return;
    this.#timers.cancel(one.tuning);
    for (const reader of one.readers.values()) reader.finish(error);
    one.tuning.end(error, one.channel);
    one.endView(error);
    one.readers.clear();
    one.reject(error ?? new TidewireError({ code: "closed", message: "the subscription has ended", channel: one.channel }));
    this.become(one, { ...one.state, name: error ? "refused" : "closed", code: error?.code });
  }

  /** Something is missing at this place of a channel, or without a cursor, of any that the feed reads. A state is asked for anew instead. */
  gap(feed, cursor, position, reason) {
    if (feed.view) {
      for (const { shown } of cursor ? [cursor] : feed.cursors.values()) shown.doubted = true;
      if (!feed.retryAt) this.denied(feed, feed.link, new TidewireError({ code: "conflict", message: "the state is asked for anew" }));
      return;
    }
    if (!isPosition(position)) position = undefined;
    const gap = { type: "gap", channel: cursor?.channel ?? feed.channel, position, reason, ...(feed.isPattern && { pattern: feed.channel }) };
    if (!cursor || !feed.isPattern) feed.forgot = false;
    feed.deliver(gap);
    cursor?.break(position);
    this.#emit("gap", gap);
  }

  /** Tells what the reconnect has brought, once that is over. */
  tellResumed(link) { this.#timers.after("resumed", QUIET, () => this.#resumed(link)); }

  #resumed(link) {
    if (link.ended || link !== this.#links.live && link !== this.#links.next) return;
    const owed = [...link.owed].some((one) => one.retryAt === 0), now = ticks();
    if ((owed || now - link.resumed.at < QUIET) && now - link.liveAt < RESUME_WITHIN) return this.tellResumed(link);
    const { caughtUp, gaps } = link.resumed;
    link.resumed = null;
    this.#emit("resumed", { caughtUp, gaps });
  }
}
