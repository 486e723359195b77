/** Milliseconds since 1970. Of the server's clock, unless a comment says "local". */
export type Moment = number;

/** `<ms>-<id>`: where a reader stands in a channel. Do not change it. */
export type Position = string;

export type Code =
  | "bad-request" | "unauthorized" | "expired" | "forbidden" | "suspended" | "not-found" | "too-large" | "limited"
  | "timeout" | "replaced" | "too-slow" | "draining" | "unavailable" | "conflict" | "internal"
  | "unreachable" | "closed"; // the client's own

export type Advice = "retry now" | "retry later" | "get a new token first" | "stop";

/** What the client does after a close code. Only after `final` does it stop, because a person has decided so. */
export type Verdict = "reconnect" | "renew the token" | "reconnect with less" | "final";

/** Every close code: its name, the protocol's advice, what this client does, and what a person can do. */
export const closeCodes: Readonly<Record<number, { readonly code: Code; readonly advice: Advice; readonly verdict: Verdict; readonly action: string }>>;

export class TidewireError extends Error {
  code: Code;
  channel?: string;
  /** The limit that was exceeded, as spelled in the tenant document; `maxPending` is the client's own. */
  limit?: string;
  /** When to try again, in milliseconds from now. */
  retryAfterMs?: number;
  /** The request was sent and not answered: it may or may not have taken effect. */
  lost: boolean;
}

export interface Options {
  /** `wss://host/v1/socket`; also `https://host`, or a path on the page's own host. */
  url?: string | URL;
  /**
   * The token, or a function that returns one. The function is called when the client has no valid token. If `rejected` is true, it must not
   * answer from a cache. If it throws or returns something that is not a token, it is called again. `null` means signed out: the client stops.
   */
  token?: string | ((why: { rejected: boolean }) => string | null | Promise<string | null>);
  /**
   * Where the token goes: a subprotocol entry `bearer.<token>` (default), or the first frame, which is also used when the token does not fit
   * into the handshake. It never goes into the URL.
   */
  tokenIn?: "frame" | "subprotocol";
  /** A WebSocket class, for runtimes that have none. */
  WebSocket?: new (url: string, protocols: string[]) => any;
  /** Keeps positions when the page is closed: `sessionStorage`, `localStorage` or similar, whichever holds the page's state. */
  storage?: { getItem(key: string): string | null; setItem(key: string, value: string): void };
  /** Default `tidewire:<url>`; tenant and user are appended. */
  storageKey?: string;
  /**
   * How many bytes a second the server sends at most, 1,000 to 1,000,000,000. Of state, and of what has a `maxRate`, what waits is replaced by what is
   * newer; everything else is delayed. `tune` changes it.
   */
  maxBytesPerSecond?: number;
  /**
   * Tabs of one browser that are of the same user and rights share one socket, where the browser has Web Locks and BroadcastChannel: default true, and false with an
   * option `WebSocket`.
   * `keepAwake` names the namespaces of which messages have to come although no tab is seen: without them nothing is sent after 30 seconds, and
   * after five minutes there is no connection until a tab is seen again.
   */
  share?: boolean | { keepAwake?: readonly string[] };
  /**
   * Whether to go on over Server-Sent Events and requests where no WebSocket gets through, and back when one does: default true, and false with an
   * option `WebSocket`. `state.transport` says what is in use.
   */
  fallback?: boolean;
  /** Tells what goes over the sockets, without tokens, and what follows: `true` on the console. */
  debug?: boolean | ((what: "sent" | "received" | "ended" | "state", detail: unknown) => void);
  /** Closes the client when it is aborted. */
  signal?: AbortSignal;
  /** The first wait before a reconnect is a random part of this; default 500. */
  backoffMs?: number;
  /** The longest wait; each failure doubles it up to this. Default 30000. */
  backoffCapMs?: number;
  /** From the call of the token provider to the welcome; default 15000. */
  connectTimeoutMs?: number;
  /** Default 30000. */
  requestTimeoutMs?: number;
  /** The most requests that may be pending; one more fails with `limited`. Default 256. */
  maxPending?: number;
  /** How many IDs per channel are remembered at least, to drop repetitions; default 1000. */
  remember?: number;
}

export interface Message<T = unknown> {
  readonly type: "message";
  readonly channel: string;
  readonly position: Position;
  /** The event replaces earlier ones with the same key. */
  readonly key?: string;
  readonly time: Moment;
  readonly tags?: Readonly<Record<string, string>>;
  /** Undefined if the message is `deleted` or `cleared`. */
  readonly data: T;
  /** The key was removed. */
  readonly deleted?: true;
  /** All keys of the channel were removed. */
  readonly cleared?: true;
  /** When the value of the key ends. */
  readonly expiresAt?: Moment;
  /** The kind of event, such as the type of a CloudEvent. */
  readonly eventType?: string;
  /** What the event comes from. */
  readonly source?: string;
  /** What `data` was before it became JSON; undefined if it was JSON. */
  readonly contentType?: string;
  /** Local. */
  readonly receivedAt: Moment;
  /** Time from publish to arrival, as far as the clocks can be compared; see `Tidewire.latency`. */
  readonly latencyMs: number;
  /** The message was missed and has been caught up. Its latency includes the interruption. */
  readonly replayed: boolean;
}

/** Something was missed at this place in the channel: load the state again. */
export interface Gap {
  readonly type: "gap";
  /** Of a subscription to a pattern, one of its channels; or the pattern, if something may be missing in any of them. */
  readonly channel: string;
  /** The pattern, if the subscription is to one. */
  readonly pattern?: string;
  /** Where the reader stands now; undefined if the server has not said. */
  readonly position: Position | undefined;
  /** `resume`: the channel could not be resumed. `live`: something was missed while connected. */
  readonly reason: "resume" | "live";
}

/** Messages were dropped because they were not read fast enough, from the server's queue or from this iterator's. */
export interface Dropped {
  readonly type: "dropped";
  readonly channel: string;
  readonly count: number;
  readonly by: "server" | "reader";
}

export type Item<T = unknown> = Message<T> | Gap | Dropped;

/** How a channel is wanted. The server obeys each option or refuses the subscription with an error that names it. */
export interface Wants {
  /** Only events for which it is true; `""` in `tune` is all. */
  filter?: string;
  /** Of `data`, only these top-level members. */
  fields?: readonly string[];
  /** Only events with one of these keys, and those without a key. `"GBP*"` is every key that begins with `GBP`. */
  keys?: readonly string[];
  /** At most this many times a second, 0.05 to 1000, the newest event of each key; 0 in `tune` is without a bound. */
  maxRate?: number;
  /** Nothing is sent until it is false. */
  paused?: boolean;
}

/** What is not mentioned stays as it is. */
export interface Change extends Omit<Wants, "keys"> {
  keys?: readonly string[] | { readonly add?: readonly string[]; readonly remove?: readonly string[] };
}

/** What the server applies. */
export interface Applied {
  readonly filter: string;
  readonly fields?: readonly string[];
  readonly keys?: readonly string[];
  /** May be lower than was asked for; undefined is without a bound. */
  readonly maxRate?: number;
  readonly paused: boolean;
}

/** The newest event of a key. It is never changed: another value is another row. */
export interface Row<T = unknown> {
  readonly key: string;
  readonly data: T;
  readonly time: Moment;
  readonly position: Position;
  readonly expiresAt?: Moment;
  readonly tags?: Readonly<Record<string, string>>;
  readonly eventType?: string;
  readonly source?: string;
  readonly contentType?: string;
}

/** Keys whose row is another one than at the last change, and keys that are gone since. */
export interface RowsChange { readonly changed: ReadonlySet<string>; readonly removed: ReadonlySet<string> }

/**
 * The state of a channel as a Map that is kept as the server's is. Keys are in the order of the snapshot, and behind it in that in which they came.
 * While a new snapshot is on its way, the rows of before are shown. It is empty once the subscription has ended.
 */
export interface KeyedView<T = unknown> extends ReadonlyMap<string, Row<T>> {
  readonly channel: string;
  /** A snapshot has been complete. */
  readonly isReady: boolean;
  /** Resolves when the first snapshot is complete; rejects if the subscription is refused or ends before. */
  readonly ready: Promise<this>;
  /** `change`: at most once per frame of the display, or per second while it is hidden. Returns a function that removes the listener. */
  on(type: "change", listener: (change: RowsChange) => void): () => void;
}

/** What `change` tells of one channel of a pattern. */
export interface ChannelRowsChange extends RowsChange { readonly channel: string }

/**
 * The states of all channels that a pattern selects: a view for each that has rows. It is empty once the subscription has ended. The view of a channel is the same one while it has
 * rows, and may be another one after it had none.
 */
export interface PatternView<T = unknown> extends ReadonlyMap<string, KeyedView<T>> {
  /** The pattern. */
  readonly channel: string;
  /** The states of all channels that there were have been complete. */
  readonly isReady: boolean;
  /** Resolves when they have been for the first time; rejects if the subscription is refused or ends before. */
  readonly ready: Promise<this>;
  /** `change`: for each channel at most once per frame of the display. Returns a function that removes the listener. */
  on(type: "change", listener: (change: ChannelRowsChange) => void): () => void;
}

export interface SubscribeOptions extends Wants {
  /** The rows of the channel, or of each channel of a pattern, are in `view`, and the readers get the events without a key. There are no gaps. */
  state?: boolean;
  /**
   * Begin with what was published before: so many messages, or those of a duration such as `"5m"`. `SubscriptionState.rewound` says how many follow. It has
   * an effect only where nothing can be resumed. Not with `state`, not for a pattern.
   */
  rewind?: number | string;
  /** Unsubscribes when it is aborted; then `ready` and the iterator reject with its reason. */
  signal?: AbortSignal;
  /** Where to begin, if this is the first subscription of the channel. Default: the stored position, or from now on. An invalid position is reported as a gap. Not for a pattern. */
  since?: Position;
}

export interface CallbackOptions extends SubscribeOptions {
  onGap?: (gap: Gap) => void;
  onDropped?: (dropped: Dropped) => void;
}

export interface IteratorOptions extends SubscribeOptions {
  /** The most items that may wait to be read; default 1000. */
  buffer?: number;
  /** What is dropped when there are more: the oldest (`drop-oldest`, default); with `conflate` only the newest item of each key is kept at any time. */
  overflow?: "drop-oldest" | "conflate";
}

export interface SubscriptionState {
  /** `pending` until answered, also after each loss; `waiting` until `retryAt`; `refused` for good, with a `code`. */
  readonly name: "pending" | "live" | "waiting" | "refused" | "closed";
  /** True if nothing was missed. */
  readonly resumed: boolean;
  /** True if something may have been missed. */
  readonly gap: boolean;
  /** How many missed messages the last resume, or a `rewind`, has brought. */
  readonly caughtUp: number;
  /** With `rewind`: how many messages follow that were published before; undefined if the channel was resumed instead. */
  readonly rewound?: number;
  /** With `rewound`: nothing of what was asked for is missing. */
  readonly complete?: boolean;
  /** Local. */
  readonly retryAt?: Moment;
  readonly code?: Code;
}

export interface Subscription<T = unknown> {
  /** The channel, or the pattern. */
  readonly channel: string;
  /** The rows of the channel, with the option `state`. */
  readonly view: KeyedView<T> | PatternView<T> | undefined;
  /** How often per second the server sends what is new, at most; undefined is without a bound. */
  readonly rate: number | undefined;
  readonly state: SubscriptionState;
  /** The position of the last item that was delivered; undefined for a pattern. */
  readonly position: Position | undefined;
  /** The same by channel. A pattern has at most a thousand, those of the channels that were heard of last. */
  readonly positions: Readonly<Record<string, Position>>;
  /** Resolves when the subscription is live for the first time; rejects if it is refused or ends before. */
  readonly ready: Promise<this>;
  /**
   * Changes how the channel is read, for all readers that have asked for it in the same way. Resolves with what the server applies, after a reconnect if need be; rejects if it
   * refuses, and then everything is as before.
   */
  tune(change: Change): Promise<Applied>;
  /** The server sends nothing until `resume`. */
  pause(): Promise<Applied>;
  resume(): Promise<Applied>;
  unsubscribe(): void;
}

/** Without a callback: items in order, gaps where they are. Leaving the loop unsubscribes. A refusal is thrown. */
export interface IterableSubscription<T = unknown> extends Subscription<T>, AsyncIterableIterator<Item<T>> {
  next(): Promise<IteratorResult<Item<T>>>;
  return(value?: any): Promise<IteratorResult<Item<T>>>;
  [Symbol.asyncIterator](): this;
}

/** What is wanted of what was published before. With `from` or `after`, pages go forward from there, and else back from the newest. */
export interface HistoryQuery {
  /** Messages in a page, 1 to 1,000; default 100. A page may have fewer. */
  limit?: number;
  /** Messages before this position; not with `after` or `to`. */
  before?: Position;
  /** Messages behind this position; not with `before` or `from`. */
  after?: Position;
  /** Messages of this time and later. */
  from?: Date | Moment;
  /** Messages before this time. */
  to?: Date | Moment;
  /** As in `subscribe`. */
  filter?: string;
  fields?: readonly string[];
  /** How long a page may take; default `requestTimeoutMs`. */
  timeoutMs?: number;
  /** Gives up waiting for a page. */
  signal?: AbortSignal;
}

/** A message of before. */
export type PastMessage<T = unknown> = Omit<Message<T>, "receivedAt" | "latencyMs" | "replayed">;

export interface HistoryPage<T = unknown> {
  /** The oldest first. */
  readonly messages: readonly PastMessage<T>[];
  /** Another page follows. */
  readonly more: boolean;
  /** Nothing of what was asked for is missing from where the first page began to the end of this one; without `more`, nothing at all. */
  readonly complete: boolean;
  /** The channel's namespace keeps more than the gateway has: the management API reads that. */
  readonly beyond: boolean;
}

export interface Member {
  readonly user: string;
  /** Where members are connections rather than users. */
  readonly connection?: string;
  readonly groups?: readonly string[];
  /** What it has entered with. */
  readonly data?: unknown;
}

export interface Presence {
  readonly channel: string;
  /** As many as the namespace names; `count` counts all of them. */
  readonly members: readonly Member[];
  readonly joined: readonly Member[];
  readonly left: readonly Member[];
  /** Those with other data. */
  readonly updated: readonly Member[];
  readonly count: number;
  /** `members` are not all, or not the newest: there are too many to be named. */
  readonly truncated: boolean;
}

/** What the client has entered a channel with. */
export interface Entry {
  /** Resolves when the server has taken it, and rejects if it is refused for good. */
  readonly ready: Promise<void>;
  /** Replaces the data. */
  update(data: unknown): void;
  leave(): void;
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
  | { readonly name: "live"; readonly transport: "websocket" | "sse"; readonly connection: string; readonly user: string; readonly tenant: string; readonly instance: string; readonly version?: string; readonly expiresAt: Moment; readonly limits: Limits }
  /** `retryAt` is null while the client is connecting; `action` is set when a person is probably needed. */
  | ({ readonly name: "reconnecting"; readonly retryAt: Moment | null; readonly attempt: number; readonly action?: string } & Partial<Reason>)
  /** A person has decided so; `action` says what the user can do. */
  | ({ readonly name: "refused"; readonly action: string } & Reason)
  /** No tab of those that share a socket was seen for five minutes: there is no connection until one is. */
  | { readonly name: "parked" }
  | { readonly name: "closed" }
);

export interface Latency {
  readonly lastMs: number | null;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  /** How many messages are counted: the last 512 at most, without replayed ones. */
  readonly count: number;
  /** How large the error of these values may be; null while unknown. */
  readonly uncertaintyMs: number | null;
  /** True when enough messages have arrived for the values to be reliable. */
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
  /** A subscription's state has changed. With `pattern`, the server has answered about one of its channels. */
  subscription: SubscriptionState & { readonly channel: string; readonly pattern?: string };
  /** A reconnect is complete: what it brought. */
  resumed: { readonly caughtUp: number; readonly gaps: readonly string[] };
  gap: Gap;
  dropped: Dropped;
  /** The server gives a subscription another rate, because this client does not read fast enough, or does again. */
  tuned: { readonly channel: string; readonly maxRate: number | undefined; readonly reason: string | undefined };
  /** An event for this connection, its user or one of its groups. It belongs to no channel and does not come again. */
  direct: Direct;
  move: { readonly phase: "planned"; readonly afterMs: number } | { readonly phase: "done"; readonly connection: string } | { readonly phase: "failed"; readonly retryAt: Moment };
  /** Without a listener, errors go to the console. */
  error: Error | TidewireError;
}

export interface RequestOptions {
  /** Wait for a connection instead of failing with `unavailable`. */
  wait?: boolean;
  /** Default `requestTimeoutMs`. */
  timeoutMs?: number;
  /** Gives up waiting: rejects with its reason. What has been sent may have taken effect. */
  signal?: AbortSignal;
}

export interface PublishOptions extends RequestOptions {
  key?: string;
  tags?: Record<string, string>;
  /** Idempotency key: a second event of the channel with the same key is dropped. With `wait`, the client makes one if there is none. */
  event?: string;
  /** How long `data` is valid as the value of `key`, from `1s` to `744h`. */
  ttl?: string;
  /** Remove `key`; `data` must be undefined. */
  delete?: boolean;
  /** The event must not be kept: it is refused unless the state of its namespace is transient. The key `$connection` is this connection's own. */
  transient?: boolean;
  /** What has to hold of `key` for the event to count: that it has no value, that it has one, or that its value was published at a position. */
  if?: "absent" | "present" | { position: Position };
  eventType?: string;
  source?: string;
  contentType?: string;
}

export interface LockOptions {
  /** How long the lock outlives this client, from `3s` to `4m`; default `30s`. While it is held it is renewed. */
  ttl?: string;
  /** What others see of the holder: the value of the lock's key. */
  data?: unknown;
  /** Gives up waiting. */
  signal?: AbortSignal;
}

/** A lock that this client has got. It is renewed until `release`, or until it is lost. */
export interface Lock {
  readonly channel: string;
  readonly name: string;
  /** `lock:<name>`, the key of the channel's state. */
  readonly key: string;
  /** Where it was got or last renewed. It only grows, from one holder to the next as well: a fencing token. */
  readonly position: Position;
  /** Whether it is certain that nobody else has it. */
  readonly isHeld: boolean;
  /** Is aborted when the lock is lost. */
  readonly signal: AbortSignal;
  /** Resolves with the reason when the lock is lost: it could not be renewed in time, or somebody has removed it. Never after `release`. */
  readonly lost: Promise<TidewireError>;
  /** Gives it back, and resolves with whether the server has taken it. If it has not, the lock ends with its `ttl`. */
  release(): Promise<boolean>;
}

/** What others see of this page: the last `set`, until `clear`, `end`, or the connection ends. A refusal is an `error` of the client, and ends it. */
export interface Cursor {
  set(data: unknown): void;
  clear(): void;
  end(): void;
}

export class Tidewire {
  constructor(url: string | URL, options?: Options);
  constructor(options: Options & { url: string | URL });
  readonly state: State;
  readonly latency: Latency;
  readonly clock: Clock;
  on<K extends keyof Events>(type: K, listener: (detail: Events[K]) => void): () => void;
  /**
   * Reads a channel, or with a pattern such as `prices:*` all channels that it selects, those that begin later included: `*` is any one
   * segment, `**` at the end the rest. A channel may be read several times, in different ways, and by patterns that overlap.
   */
  subscribe<T = unknown>(channel: string, onMessage: (message: Message<T>) => void, options?: CallbackOptions): Subscription<T>;
  subscribe<T = unknown>(channel: `${string}*${string}`, options: IteratorOptions & { state: true }): Omit<IterableSubscription<T>, "view"> & { readonly view: PatternView<T> };
  subscribe<T = unknown>(channel: string, options: IteratorOptions & { state: true }): Omit<IterableSubscription<T>, "view"> & { readonly view: KeyedView<T> };
  subscribe<T = unknown>(channel: string, options?: IteratorOptions): IterableSubscription<T>;
  /** Ends all subscriptions of the channel. */
  unsubscribe(channel: string): void;
  /** With `if`, `applied` says whether the event counts, and `position` where the value was published that its key has now. */
  publish(channel: string, data: unknown, options?: PublishOptions): Promise<{ event: string; applied?: boolean; position?: Position }>;
  /** Gets a lock if nobody has it: resolves with it, or with null. The namespace of the channel must keep state. */
  tryLock(channel: string, name: string, options?: LockOptions): Promise<Lock | null>;
  /** Gets a lock as soon as nobody else has it, in no particular order. Needs the right to subscribe to the channel, too. */
  lock(channel: string, name: string, options?: LockOptions): Promise<Lock>;
  /** Shows something of this page on a channel whose state is transient, such as where its pointer is. */
  cursor(channel: string, options?: { /** How often it is published at most, default 20 a second. */ maxRate?: number }): Cursor;
  call<T = unknown>(route: string, data?: unknown, options?: RequestOptions): Promise<T>;
  /**
   * What was published to a channel before, page by page: `for await (const page of tidewire.history("alerts:eu", { from }))`. It waits for a connection, and asks
   * again for a page that was lost.
   */
  history<T = unknown>(channel: string, query?: HistoryQuery): AsyncGenerator<HistoryPage<T>, void, undefined>;
  /** Watches who is on a channel. Returns a function that stops watching. */
  presence(channel: string, callback: (presence: Presence) => void, options?: { signal?: AbortSignal }): () => void;
  /** Makes the client a member of a channel, with data of its own of at most 1,024 bytes as JSON, until `leave`; also after a reconnect. */
  enter(channel: string, data: unknown, options?: { signal?: AbortSignal }): Entry;
  /** Renews the token now. Call it only if there is no provider, or when the user's rights have changed. */
  refresh(token?: string): Promise<void>;
  /** Changes the option `maxBytesPerSecond`, and resolves when the server obeys. */
  tune(change: { maxBytesPerSecond: number }): Promise<{ maxBytesPerSecond: number }>;
  /** Tries now instead of at `retryAt`, also when refused. */
  reconnect(): void;
  close(): void;
}

export function connect(url: string | URL, options?: Options): Tidewire;
export function connect(options: Options & { url: string | URL }): Tidewire;

/** Splits at the first "-": the ID may hold more of them, and is empty for a moment. */
export function parsePosition(position: Position): { time: Moment; id: string };
