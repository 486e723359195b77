/** Milliseconds since 1970. Of the server's clock, unless a comment says "local". */
export type Moment = number;

/** `<ms>-<id>`: where a reader stands in a channel. Give it back as it was. */
export type Position = string;

export type Code =
  | "bad-request" | "unauthorized" | "expired" | "forbidden" | "suspended" | "not-found" | "too-large" | "limited"
  | "timeout" | "replaced" | "too-slow" | "draining" | "unavailable" | "conflict" | "internal"
  | "unreachable" | "closed"; // the client's own

export type Advice = "retry now" | "retry later" | "get a new token first" | "stop";

/** What a close code ends: the connection, the token, what was sent, or, when a person has decided so, all of it. */
export type Verdict = "reconnect" | "renew the token" | "reconnect with less" | "final";

/** Every close code: its word, the protocol's advice, what this client does, and what is left to a person. */
export const closeCodes: Readonly<Record<number, { readonly code: Code; readonly advice: Advice; readonly verdict: Verdict; readonly action: string }>>;

export class TidewireError extends Error {
  code: Code;
  channel?: string;
  /** The limit that refused, as it is spelt in the tenant's document; `maxPending` is the client's own. */
  limit?: string;
  /** When it is worth a new try. */
  retryAfterMs?: number;
  /** It was sent and not answered: it may or may not have been done. */
  lost: boolean;
}

export interface Options {
  /** `wss://host/v1/socket`; also `https://host`, or a path on the page's own host. */
  url?: string | URL;
  /**
   * The token, or what gets one. A provider is called when none in hand is good, and should not answer from a cache when `rejected`.
   * If it throws or returns what is no token it is called again; `null` means signed out, and the client stops.
   */
  token?: string | ((why: { rejected: boolean }) => string | null | Promise<string | null>);
  /**
   * Where the token goes: a subprotocol entry `bearer.<token>` (default), or the first frame, which is also used when the token does not fit
   * into the handshake. Never the URL.
   */
  tokenIn?: "frame" | "subprotocol";
  /** A WebSocket class, for runtimes that have none. */
  WebSocket?: new (url: string, protocols: string[]) => any;
  /** Keeps positions beyond the page: `sessionStorage`, `localStorage` or alike, whichever holds the page's state. */
  storage?: { getItem(key: string): string | null; setItem(key: string, value: string): void };
  /** Default `tidewire:<url>`; tenant and user are appended. */
  storageKey?: string;
  /** The first wait before a reconnect is a random part of this; default 500. */
  backoffMs?: number;
  /** What the wait doubles up to; default 30000. */
  backoffCapMs?: number;
  /** From the call of the token provider to the welcome; default 15000. */
  connectTimeoutMs?: number;
  /** Default 30000. */
  requestTimeoutMs?: number;
  /** Requests under way or waiting; one more is refused with `limited`. Default 256. */
  maxPending?: number;
  /** How many IDs per channel are remembered at least, to drop repetitions; default 1000. */
  remember?: number;
}

export interface Message<T = unknown> {
  readonly type: "message";
  readonly channel: string;
  readonly position: Position;
  /** What it replaces, if anything. */
  readonly key?: string;
  readonly time: Moment;
  readonly tags?: Readonly<Record<string, string>>;
  readonly data: T;
  /** Local. */
  readonly receivedAt: Moment;
  /** From publish to here, as well as the clocks can be compared; see `Tidewire.latency`. */
  readonly latencyMs: number;
  /** It was missed and has been caught up: its latency is that of the interruption. */
  readonly replayed: boolean;
}

/** Something of the channel was missed right here: load the state anew. */
export interface Gap {
  readonly type: "gap";
  readonly channel: string;
  /** Where the reader stands now; undefined if the server has not said. */
  readonly position: Position | undefined;
  /** It could not be resumed, or a live reader missed something. */
  readonly reason: "resume" | "live";
}

/** Messages were given up because they were not taken fast enough, by the server's queue or by this iterator's. */
export interface Dropped {
  readonly type: "dropped";
  readonly channel: string;
  readonly count: number;
  readonly by: "server" | "reader";
}

export type Item<T = unknown> = Message<T> | Gap | Dropped;

export interface SubscribeOptions {
  /** Where to begin, if this is the channel's first subscription here; default from now on, or as stored. What is no position is a gap. */
  since?: Position;
}

export interface CallbackOptions extends SubscribeOptions {
  onGap?: (gap: Gap) => void;
  onDropped?: (dropped: Dropped) => void;
}

export interface IteratorOptions extends SubscribeOptions {
  /** Items that may wait to be read; default 1000. */
  buffer?: number;
  /** When more wait: the oldest goes (default), or with `conflate` of each key only the newest is ever kept. */
  overflow?: "drop-oldest" | "conflate";
}

export interface SubscriptionState {
  /** `pending` until answered, also after each loss; `waiting` until `retryAt`; `refused` for good, with a `code`. */
  readonly name: "pending" | "live" | "waiting" | "refused" | "closed";
  /** Nothing was missed. */
  readonly resumed: boolean;
  /** Something may have been. */
  readonly gap: boolean;
  /** Messages that had been missed and came after the last resume. */
  readonly caughtUp: number;
  /** Local. */
  readonly retryAt?: Moment;
  readonly code?: Code;
}

export interface Subscription {
  readonly channel: string;
  readonly state: SubscriptionState;
  /** Of the last item handed over. */
  readonly position: Position | undefined;
  /** Resolves when it is live for the first time; rejects when it is refused or ended before. */
  readonly ready: Promise<this>;
  unsubscribe(): void;
}

/** Without a callback: items in order, gaps where they are. Leaving the loop unsubscribes. A refusal is thrown. */
export interface IterableSubscription<T = unknown> extends Subscription, AsyncIterableIterator<Item<T>> {
  next(): Promise<IteratorResult<Item<T>>>;
  return(value?: any): Promise<IteratorResult<Item<T>>>;
  [Symbol.asyncIterator](): this;
}

export interface Member { readonly user: string; readonly groups?: readonly string[] }

export interface Presence {
  readonly channel: string;
  /** At most a thousand or so; `count` is always whole. */
  readonly members: readonly Member[];
  readonly joined: readonly Member[];
  readonly left: readonly Member[];
  readonly count: number;
}

export interface Limits {
  readonly framesPerSecond: number;
  readonly publishesPerSecond: number;
  readonly subscriptionsPerConnection: number;
  readonly messageBytes: number;
}

interface Reason {
  readonly code: Code;
  readonly message: string;
  readonly closeCode: number;
  readonly retryAfterMs?: number;
}

/** `since` and `retryAt` are local. */
export type State = { readonly since: Moment } & (
  | { readonly name: "connecting" }
  | { readonly name: "live"; readonly connection: string; readonly user: string; readonly tenant: string; readonly instance: string; readonly expiresAt: Moment; readonly limits: Limits }
  /** `retryAt` is null while a try is under way; `action` is there once it looks as if a person were needed. */
  | ({ readonly name: "reconnecting"; readonly retryAt: Moment | null; readonly attempt: number; readonly action?: string } & Partial<Reason>)
  /** A person has decided; `action` is what another one does about it. */
  | ({ readonly name: "refused"; readonly action: string } & Reason)
  | { readonly name: "closed" }
);

export interface Latency {
  readonly lastMs: number | null;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  /** Messages counted, at most the last 512; replayed ones are not. */
  readonly count: number;
  /** How far all of these may be off; null while unknown. */
  readonly uncertaintyMs: number | null;
  /** Enough was heard to believe them. */
  readonly sure: boolean;
}

export interface Clock {
  /** Local clock minus server clock. */
  readonly offsetMs: number;
  readonly uncertaintyMs: number | null;
  readonly sure: boolean;
}

export interface Direct {
  readonly type: "direct";
  readonly event: string;
  readonly key?: string;
  readonly time: number;
  readonly tags?: Readonly<Record<string, string>>;
  readonly data: unknown;
}

export interface Events {
  state: State;
  subscription: SubscriptionState & { readonly channel: string };
  /** After a reconnect, when the replay has come: what it brought. */
  resumed: { readonly caughtUp: number; readonly gaps: readonly string[] };
  gap: Gap;
  dropped: Dropped;
  /** An event for this connection, its user or one of its groups. It belongs to no channel and does not come again. */
  direct: Direct;
  move: { readonly phase: "planned"; readonly afterMs: number } | { readonly phase: "done"; readonly connection: string } | { readonly phase: "failed"; readonly retryAt: Moment };
  /** Without a listener it goes to the console. */
  error: Error | TidewireError;
}

export interface RequestOptions {
  /** Wait for a connection instead of failing with `unavailable`. */
  wait?: boolean;
  /** Default `requestTimeoutMs`. */
  timeoutMs?: number;
}

export interface PublishOptions extends RequestOptions {
  key?: string;
  tags?: Record<string, string>;
  /** Idempotency key: a second event of the channel with the same one is dropped. With `wait` one is made. */
  event?: string;
}

export class Tidewire {
  constructor(url: string | URL, options?: Options);
  constructor(options: Options & { url: string | URL });
  readonly state: State;
  readonly latency: Latency;
  readonly clock: Clock;
  on<K extends keyof Events>(type: K, listener: (detail: Events[K]) => void): () => void;
  subscribe<T = unknown>(channel: string, onMessage: (message: Message<T>) => void, options?: CallbackOptions): Subscription;
  subscribe<T = unknown>(channel: string, options?: IteratorOptions): IterableSubscription<T>;
  /** Ends all subscriptions of the channel. */
  unsubscribe(channel: string): void;
  publish(channel: string, data: unknown, options?: PublishOptions): Promise<{ event: string }>;
  call<T = unknown>(route: string, data?: unknown, options?: RequestOptions): Promise<T>;
  /** Returns a function that stops it. */
  presence(channel: string, callback: (presence: Presence) => void): () => void;
  /** Renews the token now. Needed by hand only without a provider, or when the user's rights have changed. */
  refresh(token?: string): Promise<void>;
  /** Tries now instead of at `retryAt`, also when refused. */
  reconnect(): void;
  close(): void;
}

export function connect(url: string | URL, options?: Options): Tidewire;
export function connect(options: Options & { url: string | URL }): Tidewire;

/** Splits at the first "-": the ID may hold more of them, and is empty for a moment. */
export function parsePosition(position: Position): { time: Moment; id: string };
