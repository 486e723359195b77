// Renews the token of a live connection: well before its end, whatever the clocks say, and never in a storm.
import { ticks } from "./clock.js";
import { moment } from "./values.js";

export class Renewal {
  #at = Infinity; #hasty = 0; // in ticks; renewals in a row that came sooner than they should
  #tokens; #links; #timers; #timeoutMs; #renewed; #failed;

  /** `renewed` is told until when the live link is good now and `failed` why one that was planned was not. */
  constructor({ tokens, links, timers, timeoutMs, renewed, failed }) {
    [this.#tokens, this.#links, this.#timers, this.#timeoutMs, this.#renewed, this.#failed] = [tokens, links, timers, timeoutMs, renewed, failed];
  }

  /** Renews the token of the live link, with another one from the provider or the one in hand. Rejects if provider or server refuses. */
  async now(provide = true) {
    const link = this.#links.live;
    if (provide) await this.#tokens.provide();
    if (this.#tokens.current) return this.#renew(link, this.#tokens.current);
  }

  /** Until the server has taken the token, the link lives by its old one. */
  async #renew(link, token) {
    try {
      const { expiresAt } = await link.request({ type: "refresh", token: token.value }, { timeoutMs: this.#timeoutMs, urgent: true });
      token.endsAt = moment(expiresAt) || token.endsAt;
    } catch (error) {
      if (["unauthorized", "expired", "forbidden", "bad-request"].includes(error.code)) {
        this.#tokens.refused = true;
        if (this.#tokens.current === token) this.#tokens.current = link.token; // which goes on
      }
      throw error;
    }
    [link.token, this.#tokens.refused] = [token, false];
    link.welcome = { ...link.welcome, expiresAt: token.endsAt };
    if (link !== this.#links.live) return;
    this.plan();
    this.#renewed(token.endsAt);
  }

  /** Plans the next one, if there is a provider, not before `ordered` milliseconds. Neither a clock that is far off nor a failure makes it a storm. */
  plan(ordered = 0) {
    const token = this.#links.live?.token;
    if (!this.#tokens.renewable || !token?.endsAt) return;
    const { byClock, byLength } = this.#tokens.left(token), share = 0.7 + 0.15 * Math.random();
    const wait = share * (byClock > 0 ? Math.min(byClock, byLength) : 0); // 0: not even that is known
    const pause = Math.min(60_000, 1000 * 2 ** this.#hasty, byLength > 0 ? Math.max(1000, share * byLength) : Infinity);
    const hasty = byClock <= 0 || (byLength < Infinity ? byClock < byLength / 2 : wait < pause); // then the clocks are probably wrong
    this.#hasty = hasty ? Math.min(this.#hasty + 1, 10) : 0;
    this.#at = ticks() + Math.max(ordered, wait, pause);
    this.#timers.after("refresh", this.#at - ticks(), async () => {
      try {
        await this.now();
      } catch (error) {
        this.plan(error?.retryAfterMs);
        this.#failed(error);
      }
    });
  }

  /** The server's clock is known better: plans anew if it is further ahead than was known. */
  reconsider() {
    const token = this.#links.live?.token, left = token?.endsAt ? this.#tokens.left(token).byClock : 0;
    if (left > 0 && this.#hasty === 0 && this.#timers.has("refresh") && this.#at - ticks() > 0.9 * left) this.plan();
  }

  /** A token has ended before it was renewed, so the pause was too long. */
  late() { this.#hasty = 0; }
}
