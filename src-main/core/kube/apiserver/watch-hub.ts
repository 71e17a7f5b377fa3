import { type Clock, defer, type Disposable } from '#core/base';
import { prefixEnd, type Store, type StoreEvent } from '../storage/index.ts';
import type { StoredObject } from './stored-object.ts';

/** One subscriber: told of each event once, in order. */
export interface HubWatcher {
  /** Cheap; called in a step of its own, never inside a write. */
  onEvent(event: StoreEvent<StoredObject>): void;
}

interface Member {
  readonly watcher: HubWatcher;
  /** Events up to here are known to the watcher. */
  readonly fromRevision: number;
  gone: boolean;
}

/** Deliveries made in one step before other work gets its turn. */
const stepSize = 5000;

/** Fans the store's events out to watches: one subscription for each resource, whatever the number of watchers. */
export class WatchHub {
  readonly #store: Store<StoredObject>;
  readonly #clock: Clock;
  readonly #channels = new Map<string, Channel>();

  constructor(store: Store<StoredObject>, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /**
   * Subscribes to a prefix from `startRevision` on (exclusive); what lies between it and now is delivered at once.
   * @throws CompactedError
   */
  watch(prefix: string, startRevision: number, watcher: HubWatcher): Disposable {
    const { revision } = this.#store;
    if (startRevision < revision)
      this.#store
        .watch(prefix, prefixEnd(prefix), {
          startRevision: startRevision + 1,
          onEvents: (events) => {
            for (const event of events) watcher.onEvent(event);
          },
        })
        .dispose();
    let channel = this.#channels.get(prefix);
    if (!channel) {
      channel = new Channel(this.#store, this.#clock, prefix);
      this.#channels.set(prefix, channel);
    }
    const joined = channel;
    const member = joined.join(watcher, Math.max(revision, startRevision));
    return {
      dispose: () => {
        joined.leave(member);
        if (joined.isEmpty && this.#channels.get(prefix) === joined) {
          joined.dispose();
          this.#channels.delete(prefix);
        }
      },
    };
  }

  dispose(): void {
    for (const channel of this.#channels.values()) channel.dispose();
    this.#channels.clear();
  }
}

class Channel {
  readonly #clock: Clock;
  readonly #subscription: Disposable;
  #members: Member[] = [];
  #queue: StoreEvent<StoredObject>[] = [];
  #pending: Disposable | undefined;
  #nextMember = 0;

  constructor(store: Store<StoredObject>, clock: Clock, prefix: string) {
    this.#clock = clock;
    this.#subscription = store.watch(prefix, prefixEnd(prefix), {
      startRevision: store.revision + 1,
      onEvents: (events) => {
        this.#queue.push(...events);
        this.#pending ??= defer(clock, () => this.#deliver());
      },
    });
  }

  get isEmpty(): boolean {
    return this.#members.every(({ gone }) => gone);
  }

  join(watcher: HubWatcher, fromRevision: number): Member {
    const member: Member = { watcher, fromRevision, gone: false };
    this.#members.push(member);
    return member;
  }

  leave(member: Member): void {
    member.gone = true;
    // Removed at once only when no delivery walks the list.
    if (this.#nextMember === 0) this.#members = this.#members.filter(({ gone }) => !gone);
  }

  dispose(): void {
    this.#subscription.dispose();
    this.#pending?.dispose();
    this.#pending = undefined;
    this.#queue = [];
  }

  #deliver(): void {
    this.#pending = undefined;
    let left = stepSize;
    let done = 0;
    for (; done < this.#queue.length; done++) {
      const event = this.#queue[done] as StoreEvent<StoredObject>;
      while (this.#nextMember < this.#members.length) {
        if (left-- === 0) {
          this.#queue.splice(0, done);
          this.#pending = defer(this.#clock, () => this.#deliver());
          return;
        }
        const member = this.#members[this.#nextMember++] as Member;
        if (!member.gone && event.revision > member.fromRevision) member.watcher.onEvent(event);
      }
      this.#nextMember = 0;
    }
    this.#queue.splice(0, done);
    this.#members = this.#members.filter(({ gone }) => !gone);
    if (this.#queue.length > 0) this.#pending ??= defer(this.#clock, () => this.#deliver());
  }
}
