import type { Dropped, Gap, Member, Message, Row, State, SubscribeOptions, SubscriptionState, Tidewire } from "@tidewire/client";
import type { FunctionComponent, ReactNode } from "react";

/** Gives a client to the hooks below it. The page makes the client once, outside of its components, and closes it. */
export const TidewireProvider: FunctionComponent<{ client: Tidewire; children?: ReactNode }>;

/** The client of the provider above. */
export function useTidewire(): Tidewire;

/** The state of the connection. */
export function useConnection(): State;

/** What a component shows of a channel. Each change is another object. */
export interface Channel<T = unknown> {
  /** The newest ones, the oldest first. */
  readonly messages: readonly Message<T>[];
  readonly last: Message<T> | undefined;
  /** How often something was missed. `onGap` is where to load what else the component shows. */
  readonly gaps: number;
  readonly state: SubscriptionState;
  /** Why the subscription was refused. */
  readonly error: Error | undefined;
}

export interface ChannelOptions<T = unknown> extends Omit<SubscribeOptions, "state" | "signal"> {
  /** How many messages are kept; default 100. */
  limit?: number;
  onMessage?: (message: Message<T>) => void;
  onGap?: (gap: Gap) => void;
  onDropped?: (dropped: Dropped) => void;
}

/** Reads a channel, or all that a pattern selects, as long as the component is there. Options that say the same are the same. */
export function useChannel<T = unknown>(channel: string, options?: ChannelOptions<T>): Channel<T>;

/** What a component shows of the state of a channel. Each change is another object with another Map, in which what has not changed is the same row. */
export interface Keyed<T = unknown> {
  readonly rows: ReadonlyMap<string, Row<T>>;
  /** A snapshot has been complete. */
  readonly isReady: boolean;
  /** Why the subscription was refused. */
  readonly error: Error | undefined;
}

/** Keeps the rows of a channel, as long as the component is there; they change at most once per frame. */
export function useKeyed<T = unknown>(channel: string, options?: Omit<SubscribeOptions, "state" | "since" | "rewind" | "signal">): Keyed<T>;

export interface Members {
  readonly members: readonly Member[];
  readonly count: number;
  /** `members` are not all: there are too many to be named. */
  readonly truncated: boolean;
  readonly isReady: boolean;
}

/** Who is on a channel. With `enter`, this page is among them, with this data, as long as the component is there. */
export function usePresence(channel: string, options?: { enter?: unknown }): Members;
