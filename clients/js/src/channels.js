// The channels and presences of a client: each new link is asked for all of them, and each answer, message and end is for one of them alone.
import { Bookmarks } from "./bookmarks.js";
import { checkSelection } from "./checks.js";
import { ticks } from "./clock.js";
import { TidewireError } from "./codes.js";
import { Feed, keyOf } from "./feed.js";
import { Grants } from "./grants.js";
import { isPattern } from "./pattern.js";
import { isPosition } from "./position.js";
import { Presences } from "./presences.js";
import { Subscription } from "./subscription.js";
import { bytes, text, within } from "./values.js";
import { checkChange, checkWants, sameWants } from "./wants.js";

export class Channels {
  presences; // who is where
  #feeds = new Map(); #bookmarks; #grants; // feeds by key
  #subs = 0; // names that were given to tell feeds apart
  #options; #links; #clock; #timers; #emit; #taken; #isClosed;

  /** `taken` is called whenever a link may have been granted all that it was asked for. */
  constructor({ options, links, clock, timers, emit, taken, isClosed }) {
    [this.#options, this.#links, this.#clock, this.#timers] = [options, links, clock, timers];
    [this.#emit, this.#taken, this.#isClosed] = [emit, taken, isClosed];
    this.#grants = new Grants({ options, links, clock, timers, emit, taken, changed: () => this.#saveSoon(), ended: (one) => this.#remove(one) });
    this.presences = new Presences({
      links, grants: this.#grants, misnamed: (channel, check) => this.#misnamed(channel, check), forget: (all, one) => this.#forget(all, one),
    });
    this.#bookmarks = new Bookmarks(options.storage, options.storageKey, (error) => emit("error", error));
  }

  /** Feeds, watches and entries. */
  get #all() { return [...this.#feeds.values(), ...this.presences.all]; }

  // ---- what the page asks for

  /** Reads a channel, or all that a pattern selects. What cannot be is refused here, and nobody else knows of it. */
  subscribe(channel, onMessage, options) {
    const { wants, wrong } = this.#wants(channel, options ?? {});
    const known = wrong || wants.rewind ? undefined : this.#of(channel).find((feed) => sameWants(wants, feed.tuning.wanted));
    const feed = known ?? this.#feed(channel, wrong ? {} : wants, options?.since, wrong);
    const subscription = new Subscription(feed, { leave: (reader) => this.#leave(feed, reader), tune: (change) => this.#tune(feed, change) }, onMessage, options ?? {});
    if (known) return subscription;
    if (wrong) {
      this.#grants.finish(feed, wrong);
      return subscription;
    }
    if (!feed.view) this.#bookmarks.restore(feed);
    this.#feeds.set(feed.key, feed);
    if (this.#links.forChannels) this.#grants.ask(feed, this.#links.forChannels);
    return subscription;
  }

  /** The feeds of a channel or a pattern: one for each way in which it is read. */
  #of(channel) { return [...this.#feeds.values()].filter((feed) => feed.channel === channel); }

  /** A new feed, with a name of its own where what comes of it could be taken for something else. */
  #feed(channel, wants, since, wrong) {
    const sub = !wrong && (isPattern(channel) || this.#feeds.has(channel)) ? String(++this.#subs) : undefined;
    return new Feed(wrong ? text(channel) ?? "" : channel, { sub, since, wants, remember: this.#options.remember, clock: this.#clock });
  }

  unsubscribe(channel) {
    for (const feed of this.#of(channel)) for (const reader of [...feed.readers.keys()]) reader.unsubscribe();
  }

  /** What a subscription asks the server for, or why it cannot be. */
  #wants(channel, options) {
    let wants;
    const wrong = this.#misnamed(channel, () => {
      checkSelection(channel);
      wants = checkWants(options, isPattern(channel));
    });
    return { wants, wrong };
  }

  /** Changes how a channel is read. Resolves with what the server applies. */
  async #tune(feed, change) {
    const tuned = feed.tuning.add(checkChange(change));
    this.#grants.tune(feed);
    return tuned;
  }

  /** The error of a name that no channel can have, or of what else is wrong, which is told as well. */
  #misnamed(channel, check) {
    try {
      check();
      return undefined;
    } catch (error) {
      error.channel = text(channel);
      queueMicrotask(() => this.#emit("error", error));
      return error;
    }
  }

  #leave(feed, reader) {
    feed.readers.get(reader)?.finish();
    feed.readers.delete(reader);
    if (feed.readers.size === 0) this.#forget(this.#feeds, feed);
  }

  #forget(all, one) {
    if (all.get(one.key) !== one) return;
    this.#grants.finish(one);
    this.#saveSoon();
    for (const link of [this.#links.live, this.#links.next]) {
      if (!link?.asked.delete(one)) continue;
      link.owed.delete(one);
      this.#grants.letGo(one, link);
      this.#taken(link);
    }
  }

  #remove(one) {
    if (this.#feeds.get(one.key) === one) this.#feeds.delete(one.key);
    else this.presences.remove(one);
  }

  // ---- links come and go

  /** The subscriptions of the first frame and their asOf: as many as fit into `room` bytes, and `most` at most. `rest` is the frame without them. */
  first(link, rest, room, most) {
    const now = ticks();
    // Whose positions they are is known only after the welcome of the first connection.
    const feeds = [...this.#feeds.values()].filter((feed) => feed.retryAt <= now && (this.#bookmarks.known || feed.hasBegun || feed.view));
    // asOf speaks for all of the frame, so a feed that has another one asks by itself.
    const asOf = feeds.reduce((newest, feed) => (feed.asOf > (newest ?? 0) ? feed.asOf : newest), undefined);
    room -= bytes(JSON.stringify({ ...rest, asOf, subscriptions: [] }));
    const subscriptions = [];
    for (const feed of feeds) {
      const { type, asOf: own, ...subscription } = feed.request();
      if ((subscription.since || feed.isPattern) && !feed.view && own !== asOf) continue;
      room -= bytes(JSON.stringify(subscription)) + 1;
      if (room < 0 || subscriptions.length >= most) break;
      subscriptions.push(subscription);
      link.first.add(feed);
      this.#grants.expect(feed, link);
    }
    return { asOf, subscriptions };
  }

  /** A link is welcome: asks it for what the first frame has not. */
  welcomed(link, { tenant, user }) {
    this.#bookmarks.open(tenant, user);
    for (const one of this.#all) {
      if (link.asked.has(one) || one.retryAt > ticks()) continue;
      if (one instanceof Feed && !one.view) this.#bookmarks.restore(one);
      this.#grants.ask(one, link);
    }
    if (!link.ended && link.first.size) this.#timers.after(link.first, 2 * this.#options.requestTimeoutMs, () => this.#again(link, "timeout"));
  }

  tellResumed(link) { this.#grants.tellResumed(link); }

  /** Whether any is read from the link. */
  readsFrom(link) { return this.#all.some((one) => one.link === link); }

  /** There is no live link any more. */
  disconnected() {
    for (const feed of [...this.#feeds.values()]) {
      if (!feed.link?.ended || feed.state.name !== "live") continue;
      const wait = feed.retryAt - ticks(); // the next link of a move had put it off
      this.#grants.become(feed, wait > 0 ? { ...feed.state, name: "waiting", retryAt: Date.now() + wait } : { ...feed.state, name: "pending" });
    }
  }

  /** What a link has put off, another may give at once. */
  forgive(link) {
    this.#timers.cancel(link.first);
    for (const one of this.#all) {
      if (one instanceof Feed) this.#grants.tune(one); // which that link was asked for as well
      if (one.putOffBy !== link || one.retryAt === 0) continue;
      this.#timers.cancel(one);
      one.retryAt = 0;
      if (one.state?.name === "waiting") this.#grants.become(one, { ...one.state, name: "pending", retryAt: undefined, code: undefined });
    }
  }

  /** The next link is asked for everything. */
  askAgain() { for (const one of this.#all) one.retryAt = 0; }

  /** What was read until now was somebody else's, so nothing is resumed. */
  forgetPositions() {
    for (const feed of this.#feeds.values()) {
      feed.forget();
      feed.clearView();
    }
  }

  close() { for (const one of this.#all) this.#grants.finish(one); }

  // ---- frames

  /** What a frame is about. */
  #feedOf(frame) { return this.#feeds.get(keyOf(frame)); }

  message(link, message) {
    const feed = this.#feedOf(message), cursor = feed?.link === link ? feed.cursor(message.channel) : undefined;
    if (!cursor) return;
    delete message.sub; // which is ours
    if (feed.view && message.expired === true && message.position === undefined) return cursor.shown.expired(message.key);
    if (!isPosition(message.position)) return this.#grants.gap(feed, cursor, cursor.position, "live"); // it cannot be told what this is
    if (cursor.doubtful(message)) return this.#grants.gap(feed, cursor, message.position, "resume");
    if (feed.view) return feed.receiveKeyed(cursor, message, link.resumed, this.#clock);
    if (feed.receive(cursor, message, link.resumed, this.#clock)) this.#saveSoon();
  }

  /** A frame of a state that is no message: a part of a snapshot, or changes. */
  shown(link, frame) {
    const feed = this.#feedOf(frame);
    if (feed?.link === link && feed.view) feed.cursor(frame.channel)?.shown[frame.type](frame);
  }

  notice(link, frame) {
    const { code, channel, position, count, maxRate, reason, view } = frame;
    if (this.presences.ended(link, frame)) return;
    if (code === "dropped") return this.#dropped(link, frame, within(count, 1, Number.MAX_SAFE_INTEGER, 1));
    const feed = this.#feedOf(frame);
    if (feed?.link !== link || !feed.reads(channel)) return;
    if (code === "gap") this.#grants.gap(feed, feed.cursor(channel), position, "live");
    if (code === "view" && feed.view) feed.cursor(channel)?.shown.showBy(view);
    if (code === "complete" && feed.view && feed.isPattern) feed.complete();
    if (code === "tuned") {
      feed.tuning.rate = within(maxRate, 0, 1e9) || undefined;
      this.#emit("tuned", { channel, maxRate: feed.tuning.rate, reason: text(reason) });
    }
  }

  /** The queue of the connection does not tell apart for which subscription it has let something go. */
  #dropped(link, frame, count) {
    const feeds = frame.sub === undefined ? [...this.#feeds.values()] : [this.#feedOf(frame)];
    const about = feeds.filter((feed) => feed?.link === link && feed.cursor(frame.channel)), dropped = { type: "dropped", channel: frame.channel, count, by: "server" };
    for (const feed of about) feed.deliver(dropped);
    if (about.length) this.#emit("dropped", dropped);
  }

  /** A heartbeat vouches for the silence of what is read from its link. */
  silent(link, asOf) {
    for (const feed of this.#feeds.values()) if (feed.link === link && !feed.view && !feed.tuning.wanted.paused) feed.silent(asOf);
    this.#saveSoon();
  }

  /** Takes the answer to a subscription of the first frame. */
  ok(link, frame) {
    const feed = frame.id === undefined ? this.#feedOf(frame) : undefined;
    if (feed?.isPattern && frame.pattern !== true) this.#grants.channelGranted(feed, link, frame);
    else if (link.first.has(feed)) this.#grants.granted(feed, link, frame);
  }

  /** Takes an error that is about a channel or the first frame's subscriptions, and tells whether it was. */
  failed(link, frame, error, answersFirst) {
    const known = this.#feedOf(frame);
    const feed = known && known.channel === frame.channel && (link.first.has(known) || known.link === link) ? known : undefined; // a new token may end it
    if (feed) this.#grants.denied(feed, link, error);
    else if (typeof frame.channel === "string" && frame.channel) this.#emit("error", error);
    // None of the first frame's subscriptions was taken; asked for one by one, each has its own answer.
    else if (link.welcome && link.first.size && (answersFirst || frame.limit === "subscriptionsPerConnection")) this.#again(link, "unavailable", error.retryAfterMs);
    else return false;
    return true;
  }

  /** Asks once more for what the first frame has asked for and not got. */
  #again(link, code, retryAfterMs) {
    for (const feed of [...link.first]) this.#grants.denied(feed, link, new TidewireError({ code, message: "no answer to the subscription in the first frame", retryAfterMs }));
  }

  // ---- storage

  save() { this.#bookmarks.keep(this.#feeds); }

  #saveSoon() {
    if (this.#options.storage && !this.#timers.has("save") && !this.#isClosed()) this.#timers.after("save", 1000, () => this.save());
  }
}
