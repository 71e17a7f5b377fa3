import { type Clock, defer, type Disposable } from '#core/base';
import { prefixEnd, type Store, type StoreEvent } from '../storage/index.ts';
import { type Trigger, type TriggerField, triggerValue } from './list-options.ts';
import type { StoredObject } from './stored-object.ts';

/** One subscriber: told of each event once, in order. */
export interface HubWatcher {
  /** Only of objects that have, or had, this value in this field; absent: of all. */
  readonly trigger?: Trigger | undefined;
  /** Cheap; called in a step of its own, never inside a write. */
  onEvent(event: StoreEvent<StoredObject>): void;
  /** The server ends: nothing more is told. */
  onEnd(): void;
}

interface Member {
  readonly watcher: HubWatcher;
  /** Events up to here are known to the watcher. */
  readonly fromRevision: number;
  gone: boolean;
}

/** Deliveries made in one step before other work gets its turn: an informer's handlers take tens of microseconds. */
const stepSize = 200;

/** Fans the store's events out to watches: one subscription for each resource, whatever the number of watchers. */
export class WatchHub {
  readonly #store: Store<StoredObject>;
  readonly #clock: Clock;
  readonly #channels = new Map<string, Channel>();
  #disposed = false;

  constructor(store: Store<StoredObject>, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /**
   * Subscribes to a prefix from `startRevision` on (exclusive); what lies between it and now is delivered at once.
   * @throws CompactedError
   */
  watch(prefix: string, startRevision: number, watcher: HubWatcher): Disposable {
    if (this.#disposed) {
      watcher.onEnd();
      return { dispose: () => undefined };
    }
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

  /** Ends all watches: who watches looks for a server again. */
  dispose(): void {
    this.#disposed = true;
    const channels = [...this.#channels.values()];
    this.#channels.clear();
    for (const channel of channels) channel.end();
  }
}

class Channel {
  readonly #clock: Clock;
  readonly #subscription: Disposable;
  /** Those who want every event. */
  #everybody: readonly Member[] = [];
  /** Those who want the events of one value, by field and value: a thousand kubelets need not look at each pod. */
  readonly #triggered = new Map<TriggerField, Map<string, readonly Member[]>>();
  #queue: StoreEvent<StoredObject>[] = [];
  #pending: Disposable | undefined;
  /** Who the first event of the queue is for, and how many of them have it. */
  #recipients: readonly Member[] | undefined;
  #served = 0;

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
    return this.#everybody.length === 0 && this.#triggered.size === 0;
  }

  join(watcher: HubWatcher, fromRevision: number): Member {
    const member: Member = { watcher, fromRevision, gone: false };
    this.#change(watcher.trigger, (members) => [...members, member]);
    return member;
  }

  leave(member: Member): void {
    member.gone = true;
    this.#change(member.watcher.trigger, (members) => members.filter((other) => other !== member));
  }

  /** Puts a new list in the place of one: a delivery may be walking the old one. */
  #change(
    trigger: Trigger | undefined,
    change: (members: readonly Member[]) => readonly Member[],
  ): void {
    if (!trigger) {
      this.#everybody = change(this.#everybody);
      return;
    }
    const { field, value } = trigger;
    const values = this.#triggered.get(field) ?? new Map<string, readonly Member[]>();
    const members = change(values.get(value) ?? []);
    if (members.length > 0) values.set(value, members);
    else values.delete(value);
    if (values.size > 0) this.#triggered.set(field, values);
    else this.#triggered.delete(field);
  }

  end(): void {
    this.dispose();
    const triggered = [...this.#triggered.values()].flatMap((values) =>
      [...values.values()].flat(),
    );
    for (const member of [...this.#everybody, ...triggered]) member.watcher.onEnd();
  }

  dispose(): void {
    this.#subscription.dispose();
    this.#pending?.dispose();
    this.#pending = undefined;
    this.#queue = [];
    this.#recipients = undefined;
  }

  #recipientsOf({ kv, previous }: StoreEvent<StoredObject>): readonly Member[] {
    if (this.#triggered.size === 0) return this.#everybody;
    const found = [...this.#everybody];
    for (const [field, values] of this.#triggered) {
      const now = kv && triggerValue(kv.value.object, field);
      const before = previous && triggerValue(previous.value.object, field);
      if (now !== undefined) found.push(...(values.get(now) ?? []));
      if (before !== undefined && before !== now) found.push(...(values.get(before) ?? []));
    }
    return found;
  }

  #deliver(): void {
    this.#pending = undefined;
    let left = stepSize;
    let done = 0;
    for (; done < this.#queue.length; done++) {
      const event = this.#queue[done] as StoreEvent<StoredObject>;
      const recipients = (this.#recipients ??= this.#recipientsOf(event));
      while (this.#served < recipients.length) {
        if (left-- === 0) {
          this.#queue.splice(0, done);
          this.#pending = defer(this.#clock, () => this.#deliver());
          return;
        }
        const member = recipients[this.#served++] as Member;
        if (!member.gone && event.revision > member.fromRevision) member.watcher.onEvent(event);
      }
      this.#recipients = undefined;
      this.#served = 0;
    }
    this.#queue.splice(0, done);
    if (this.#queue.length > 0) this.#pending ??= defer(this.#clock, () => this.#deliver());
  }
}
