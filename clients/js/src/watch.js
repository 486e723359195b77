// Who is on a channel.
import { guarded } from "./callbacks.js";
import { membersOf, within } from "./values.js";

/** Who is on a channel. */
export class Watch {
  callbacks = new Set(); members = new Map(); count = 0; known = false;
  link = null; attempt = 0; retryAt = 0; putOffBy = null; ended = false;

  constructor(channel) { [this.channel, this.key] = [channel, channel]; }

  request() { return { type: "presence", channel: this.channel, watch: true }; }

  update({ members, joined, left, count }) {
    [joined, left] = [membersOf(joined), membersOf(left)];
    if (members) this.members = new Map(membersOf(members).map((member) => [member.user, member]));
    for (const member of joined) this.members.set(member.user, member);
    for (const member of left) this.members.delete(member.user);
    this.count = within(count, 0, Number.MAX_SAFE_INTEGER, this.members.size);
    this.known = true;
    for (const callback of [...this.callbacks]) if (this.callbacks.has(callback)) guarded(callback, this.view(joined, left));
  }

  view(joined = [], left = []) { return { channel: this.channel, members: [...this.members.values()], joined, left, count: this.count }; }
}
