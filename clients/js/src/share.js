// Lets a client use the socket of another tab of the same user, if there is one.
import { Group } from "./group.js";
import { groupOf } from "./groups.js";
import { newID } from "./ids.js";
import { SharedSocket } from "./shared-socket.js";

/** Whether this runtime has what sharing needs, and the page, which may be one without an origin, can use it. */
const isPossible = () => globalThis.origin !== "null" && typeof globalThis.navigator?.locks?.request === "function" && typeof globalThis.BroadcastChannel === "function"
  && typeof globalThis.crypto?.subtle?.digest === "function" && globalThis.document !== undefined;

export class Share {
  #options; #on; #group = null; #former = new Set(); #alone; #asleep = false; #waiting = new Set(); #ended = false;

  /** `park` is called when no tab of the user was seen for long, `wake` when one is, and `fault` with what goes wrong here. */
  constructor(options, on) {
    [this.#options, this.#on] = [options, on];
    this.#alone = options.share === false || !isPossible();
  }

  /** Whether the next link can have a socket from here. */
  get isUsed() { return !this.#alone && !this.#ended; }

  /** A socket for a link that has a token. */
  open(token) {
    const socket = new SharedSocket(newID(), token);
    this.#place(socket).catch((error) => this.#fails(socket, error));
    return socket;
  }

  /** The tab is about to stand still, or to go: others must not depend on it. */
  sleep() {
    this.#asleep = true;
    for (const group of [this.#group, ...this.#former]) group?.suspend();
    this.#group = null;
    this.#former.clear();
  }

  /** The tab is back, or is seen, or is hidden. */
  shown() {
    this.#asleep = false;
    for (const socket of this.#waiting) this.#place(socket).catch((error) => this.#fails(socket, error));
    this.#waiting.clear();
    for (const group of [this.#group, ...this.#former]) group?.shown();
  }

  end() {
    this.#ended = true;
    for (const group of [this.#group, ...this.#former]) group?.leave();
  }

  async #place(socket) {
    const name = await groupOf(this.#options.url, socket.token);
    if (socket.isOver || this.#ended) return;
    if (this.#asleep) return void this.#waiting.add(socket);
    if (this.#group?.name !== name) this.#join(name);
    const group = this.#group;
    await group.started;
    if (group === this.#group && !socket.isOver && !this.#ended) group.attach(socket);
    else socket.end(1006);
  }

  #join(name) {
    const before = this.#group, isOurs = async (token) => await groupOf(this.#options.url, token) === name;
    if (before?.isIdle) before.leave();
    else if (before) this.#former.add(before);
    const group = this.#group = new Group({
      name, id: newID(), options: this.#options, ...this.#on, isOurs, alone: (socket) => this.#goAlone(socket), idle: () => {
        if (this.#former.delete(group)) group.leave();
      },
    });
  }

  /** This page may not share, or cannot. */
  #fails(socket, error) {
    this.#alone = true;
    if (!this.#options.share.isQuiet) this.#on.fault(error);
    socket.end(1006);
  }

  /** The shared socket has no room for this client. */
  #goAlone(socket) {
    this.#alone = true;
    socket?.order({ type: "move", afterMs: 0 });
  }
}
