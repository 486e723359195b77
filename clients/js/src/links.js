// The connections of a client. There is one, or none; during a move there are two, and after it the old one may still answer requests.

export class Links {
  live = null;
  next = null; // being opened; during a move beside a live one
  leaving = null; // moved away from, may still answer requests

  /** The one that new requests for channels go to. */
  get forChannels() { return this.next?.welcome ? this.next : this.live; }
}
