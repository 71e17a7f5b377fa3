import type { Clock } from '#core/base';
import { formatTime } from '../machinery/index.ts';
import { TokenBucket } from './rate-limit.ts';
import type { ObjectReference } from './types.ts';

/** A core/v1 Event as the recorder writes it. */
export interface RecordedEvent {
  readonly apiVersion: 'v1';
  readonly kind: 'Event';
  readonly metadata: { name: string; namespace: string; resourceVersion?: string };
  readonly involvedObject: ObjectReference;
  readonly reason: string;
  message: string;
  readonly source: { readonly component: string; readonly host?: string };
  firstTimestamp: string;
  lastTimestamp: string;
  count: number;
  readonly type: 'Normal' | 'Warning';
  readonly eventTime: null;
  readonly reportingComponent: string;
  readonly reportingInstance: string;
}

export interface CorrelatedEvent {
  readonly event: RecordedEvent;
  /** Present when an event already written is to be counted up. */
  readonly patch?: object;
}

const maxCacheEntries = 4096;
const aggregateFrom = 10;
const aggregateIntervalMs = 600_000;
const spamBurst = 25;
const spamPerSecond = 1 / 300;

/** A map that forgets what was used longest ago. */
class LruMap<V> {
  readonly #entries = new Map<string, V>();

  get(key: string): V | undefined {
    const value = this.#entries.get(key);
    if (value !== undefined) this.set(key, value);
    return value;
  }

  set(key: string, value: V): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size <= maxCacheEntries) return;
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest);
      return;
    }
  }
}

interface Observation {
  readonly count: number;
  readonly firstTimestamp: string;
  readonly name: string;
}

/**
 * Decides what becomes of an event: the tenth and later ones of one reason within ten minutes that differ
 * only in their message are combined, equal ones are counted, and a source may send 25 about one object, then
 * one in five minutes.
 *
 * @see k8s.io/client-go/tools/record/events_cache.go
 */
export class EventCorrelator {
  readonly #clock: Clock;
  readonly #newName: (object: ObjectReference) => string;
  readonly #similar = new LruMap<{ messages: Set<string>; lastMs: number }>();
  readonly #observed = new LruMap<Observation>();
  readonly #buckets = new LruMap<TokenBucket>();

  constructor(clock: Clock, newName: (object: ObjectReference) => string) {
    this.#clock = clock;
    this.#newName = newName;
  }

  /** @returns undefined for an event to drop. */
  correlate(incoming: RecordedEvent): CorrelatedEvent | undefined {
    const { event, key } = this.#aggregate(incoming);
    const observation = this.#observed.get(key);
    let patch: object | undefined;
    if (observation) {
      event.metadata.name = observation.name;
      event.firstTimestamp = observation.firstTimestamp;
      event.count = observation.count + 1;
      patch = {
        count: event.count,
        lastTimestamp: event.lastTimestamp,
        message: event.message,
      };
    }
    this.#remember(key, event);
    if (!this.#bucketOf(event).tryTake()) return undefined;
    return { event, ...(patch ? { patch } : {}) };
  }

  #remember(key: string, event: RecordedEvent): void {
    this.#observed.set(key, {
      count: event.count,
      firstTimestamp: event.firstTimestamp,
      name: event.metadata.name,
    });
  }

  #aggregate(event: RecordedEvent): { event: RecordedEvent; key: string } {
    const nowMs = this.#clock.now();
    const key = JSON.stringify([
      ...subject(event),
      event.reason,
      event.reportingComponent,
      event.reportingInstance,
    ]);
    const present = this.#similar.get(key);
    const record =
      present && nowMs - present.lastMs <= aggregateIntervalMs
        ? present
        : { messages: new Set<string>(), lastMs: nowMs };
    record.messages.add(event.message);
    record.lastMs = nowMs;
    this.#similar.set(key, record);
    if (record.messages.size < aggregateFrom) return { event, key: eventKey(event) };
    for (const message of record.messages) {
      record.messages.delete(message);
      break;
    }
    const time = formatTime(nowMs);
    return {
      key,
      event: {
        ...event,
        metadata: {
          name: this.#newName(event.involvedObject),
          namespace: event.metadata.namespace,
        },
        message: `(combined from similar events): ${event.message}`,
        firstTimestamp: time,
        lastTimestamp: time,
        count: 1,
        reportingComponent: '',
        reportingInstance: '',
      },
    };
  }

  #bucketOf(event: RecordedEvent): TokenBucket {
    const key = JSON.stringify(subject(event));
    let bucket = this.#buckets.get(key);
    if (!bucket) {
      bucket = new TokenBucket(this.#clock, spamPerSecond, spamBurst);
      this.#buckets.set(key, bucket);
    }
    return bucket;
  }
}

function subject({ source, involvedObject: object, type }: RecordedEvent): string[] {
  return [
    source.component,
    source.host ?? '',
    object.kind,
    object.namespace ?? '',
    object.name,
    object.uid ?? '',
    object.apiVersion,
    type,
  ];
}

function eventKey(event: RecordedEvent): string {
  return JSON.stringify([
    ...subject(event),
    event.involvedObject.fieldPath ?? '',
    event.reason,
    event.message,
  ]);
}
