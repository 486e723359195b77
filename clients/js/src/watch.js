// Who is on a channel, and what the page has entered it with.
import { guarded } from "./callbacks.js";
import { TidewireError } from "./codes.js";
import { membersOf, within } from "./values.js";

/** Who is on a channel. */
export class Watch {
  callbacks = new Set(); members = new Map(); count = 0; truncated = false; known = false;
  link = null; attempt = 0; retryAt = 0; putOffBy = null; ended = false;

  constructor(channel) { [this.channel, this.key] = [channel, channel]; }

  request() { return { type: "presence", channel: this.channel, watch: true }; }

  release() { return { type: "presence", channel: this.channel, watch: false }; }

  /** Takes an answer or a frame: all that are there, what has changed, or how many there are if they are too many. */
  update({ members, joined, left, updated, count, truncated }) {
    [joined, left, updated] = [joined, left, updated].map(membersOf);
    if (Array.isArray(members)) this.members = new Map(membersOf(members).map((member) => [nameOf(member), member]));
    for (const member of [...joined, ...updated]) this.members.set(nameOf(member), member);
    for (const member of left) this.members.delete(nameOf(member));
    this.truncated = truncated === true;
    this.count = within(count, 0, Number.MAX_SAFE_INTEGER, this.members.size);
    this.known = true;
    for (const callback of [...this.callbacks]) if (this.callbacks.has(callback)) guarded(callback, this.view(joined, left, updated));
  }

  view(joined = [], left = [], updated = []) {
    return { channel: this.channel, members: [...this.members.values()], joined, left, updated, count: this.count, truncated: this.truncated };
  }
}

/** What tells members apart: users, or connections where these are members. */
const nameOf = ({ user, connection }) => (typeof connection === "string" ? `${user}\n${connection}` : user);

/** What the page has entered a channel with: each connection is told. */
export class Entry {
  handles = new Set(); link = null; attempt = 0; retryAt = 0; putOffBy = null; ended = false;

  constructor(channel) { [this.channel, this.key] = [channel, channel]; }

  request() { return { type: "presence", channel: this.channel, enter: this.data }; }

  release() { return { type: "presence", channel: this.channel, leave: true }; }

  granted() { for (const handle of this.handles) handle.resolve(); }

  finish(error) {
    for (const handle of this.handles) handle.reject(error ?? new TidewireError({ code: "closed", message: "the channel was left", channel: this.channel }));
    this.handles.clear();
  }
}
