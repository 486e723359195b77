// Where a feed stands in one channel.
import { ticks } from "./clock.js";
import { Recent } from "./ids.js";
import { timeOf } from "./position.js";

/** `position` is the newest one that there is nothing missing before. */
export class Cursor {
  position; recent;
  floor = 0; floorUntil = 0; // the next link may repeat what the one before has brought: older messages are repetitions
  past = 0; // so many messages are still to come that were published before the subscription, as it asked for
  edge = 0; // after a resume: messages up to this publish time were missed ones
  owed = false; // of a pattern: the link was asked for the channel by name, or with state for all, and has not answered
  shown; // with state: what the page shows of the channel
  doubt = false; unclear = 0; // of a pattern: what is not newer than floor may have been had, or not; what is older than unclear was told as a gap

  constructor(channel, remember) {
    this.channel = channel;
    this.recent = new Recent(remember);
  }

  /** What is older than where it stands may come again, for some time. */
  repeats(ms) { [this.floor, this.floorUntil] = [timeOf(this.position), ticks() + ms]; }

  /** The sequence is broken here, so nothing can be inferred from times, unless it is because of what may have been had. */
  break(position) { [this.floor, this.doubt, this.past, this.position] = [this.unclear, false, 0, position]; }

  /** Whether a message may be a repetition, or not, as was forgotten: then it is a gap, and so is all up to the floor. */
  doubtful({ position }) {
    const is = this.doubt && timeOf(position) <= this.floor;
    if (is) [this.unclear, this.floorUntil] = [this.floor + 1, Infinity];
    this.doubt = false;
    return is;
  }

  /** Whether a message of this time is a repetition of what the link before has brought. */
  repeated(time) { return time < this.floor && ticks() < this.floorUntil; }
}
