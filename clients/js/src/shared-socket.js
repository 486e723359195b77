// A socket for a link that another tab may hold: what a link needs of a WebSocket, with frames instead of text.

const CONFIRM = 256, CONFIRM_SIZE = 512 << 10; // frames, and characters: so often the holder is told what has come

export class SharedSocket {
  onopen; onmessage; onclose; onerror;
  at = null; // the tab that holds it; null: it is not known yet
  #post = () => {}; #over = false;
  #heard = 0; #size = 0; #confirmed = 0; // frames, and characters; those that the holder was told of

  constructor(id, token) { [this.id, this.token] = [id, token]; }

  get isOver() { return this.#over; }

  /** From here on what is sent goes to the holder by `post`. */
  use(at, post) { [this.at, this.#post] = [at, post]; }

  send(text) { this.#post({ kind: "text", socket: this.id, text }); }

  /** The link has enough of it. */
  close() {
    if (this.#over) return;
    this.#over = true;
    this.#post({ kind: "close", socket: this.id });
    this.onended?.();
  }

  opened() { if (!this.#over) this.onopen?.(); }

  /** Takes a frame, which has to be the next one: what is missing is asked for over another socket. */
  receive(count, frame, size) {
    if (this.#over) return;
    if (count !== this.#heard + 1) {
      this.#post({ kind: "close", socket: this.id });
      return this.end(1006);
    }
    this.#heard = count;
    this.#size += size;
    if (count % CONFIRM === 0 || this.#size - this.#confirmed > CONFIRM_SIZE) {
      this.#confirmed = this.#size;
      this.#post({ kind: "confirm", socket: this.id, count, size: this.#size });
    }
    this.onmessage?.({ frame });
  }

  /** Takes a frame that is this tab's own. */
  order(frame) { if (!this.#over) this.onmessage?.({ frame }); }

  /** The holder has ended it, or is no more. `spoken` is false if the server has said nothing to it. */
  end(code, reason = "", spoken = true) {
    if (this.#over) return;
    this.#over = true;
    this.onended?.();
    this.onclose?.({ code, reason, spoken });
  }
}
