// Who watches the presence of a channel, and who has entered it, of the clients that share a socket, which is one member for the server.

export class Entries {
  #link; #give; #watching = new Map(); #entered = new Map(); // by channel: a Set of clients; a Map from clients to data, the newest last

  /** `give` sends a frame to members. */
  constructor(link, give) { [this.#link, this.#give] = [link, give]; }

  presence(client, frame) {
    const { id, type, channel, watch, leave } = frame, data = frame.enter !== undefined ? frame.enter : frame.update;
    const answer = (said) => this.#give([{ client }], { ...said, id });
    if (watch === true) of(this.#watching, channel, Set).add(client);
    if (data !== undefined) {
      const entered = of(this.#entered, channel, Map);
      entered.delete(client);
      entered.set(client, data);
    }
    if (watch === false && !this.#unwatch(channel, client)) return answer({ type: "ok", channel, members: [], count: 0 });
    if (leave === true) return this.#leave(channel, client, answer);
    this.#ask(frame, (said) => {
      if (said.type === "error" && watch === true) drop(this.#watching, channel, client);
      if (said.type === "error" && data !== undefined) drop(this.#entered, channel, client);
      answer(said);
    });
  }

  /** Tells whether the server has to be told: no other client watches. */
  #unwatch(channel, client) { return !drop(this.#watching, channel, client); }

  /** What another client has entered with is shown instead, if there is one. */
  #leave(channel, client, answer) {
    const others = drop(this.#entered, channel, client);
    this.#ask({ type: "presence", channel, ...(others ? { update: [...others.values()].at(-1) } : { leave: true }) }, answer);
  }

  #ask({ id, ...frame }, answer) { this.#link.ask(JSON.stringify(frame), answer, () => {}, { whole: true }); }

  /** Takes a frame about the presence of a channel, and tells whether it was. */
  take(frame) {
    const { type, channel, code } = frame, ends = type === "notice" && (code === "presence-ended" || code === "enter-ended");
    if (type !== "presence" && !ends) return false;
    const all = code === "enter-ended" ? this.#entered : this.#watching, clients = [...(all.get(channel)?.keys() ?? [])];
    if (ends) all.delete(channel);
    this.#give(clients.map((client) => ({ client })), frame);
    return true;
  }

  /** The client is gone. */
  leave(client) {
    for (const [channel, clients] of [...this.#watching]) {
      if (clients.has(client) && this.#unwatch(channel, client)) this.#ask({ type: "presence", channel, watch: false }, () => {});
    }
    for (const [channel, clients] of [...this.#entered]) if (clients.has(client)) this.#leave(channel, client, () => {});
  }
}

function of(all, channel, Kind) {
  if (!all.has(channel)) all.set(channel, new Kind());
  return all.get(channel);
}

/** Takes a client out. Returns those that are left, if any are. */
function drop(all, channel, client) {
  const clients = all.get(channel);
  clients?.delete(client);
  if (clients?.size === 0) all.delete(channel);
  return all.get(channel);
}
