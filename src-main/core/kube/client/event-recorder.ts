import { type Clock, type Logger, type Random, sleep } from '#core/base';
import { formatTime, isReason, isStatusError } from '../machinery/index.ts';
import { EventCorrelator, type CorrelatedEvent, type RecordedEvent } from './event-correlator.ts';
import type { RestClient } from './kube-client.ts';
import type { EventRecorder, ObjectLike, ObjectReference } from './types.ts';

export interface EventRecorderOptions {
  /** As `source.component` and `reportingComponent`: `deployment-controller`, `kubelet` … */
  readonly component: string;
  /** As `source.host` and `reportingInstance`: the kubelet's node. */
  readonly host?: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

const maxTries = 12;
const retryMs = 10_000;

/** How an object is referred to. */
export function referenceTo(object: ObjectReference | ObjectLike): ObjectReference {
  if ('name' in object && typeof object.name === 'string') return object;
  const { apiVersion = '', kind = '', metadata = {} } = object as ObjectLike;
  return {
    kind,
    ...(metadata.namespace ? { namespace: metadata.namespace } : {}),
    name: metadata.name ?? '',
    ...(metadata.uid ? { uid: metadata.uid } : {}),
    apiVersion,
    ...(metadata.resourceVersion ? { resourceVersion: metadata.resourceVersion } : {}),
  };
}

/**
 * A recorder of core/v1 Events. Writing happens behind the caller's back, in order; what a server refuses is
 * logged and dropped, what nobody answered is tried again.
 *
 * @see k8s.io/client-go/tools/record/event.go
 */
export function createEventRecorder(
  client: RestClient,
  options: EventRecorderOptions,
): EventRecorder {
  const { clock, random, logger, component, host } = options;
  const events = client.dynamic<RecordedEvent>({ group: '', version: 'v1', resource: 'events' });
  let lastNanos = 0n;
  // A later event has a later name, also within a millisecond: clients list by name what has the same time.
  const newName = (object: ObjectReference): string => {
    // The first half of the millisecond is the scheduler's, on whose bindings others act at once.
    const nanos = BigInt(clock.now()) * 1_000_000n + 500_000n;
    const apart = BigInt(1 + random.integer(10_000));
    lastNanos = (nanos > lastNanos ? nanos : lastNanos) + apart;
    return `${object.name}.${lastNanos.toString(16)}`;
  };
  const correlator = new EventCorrelator(clock, newName);
  let writing = Promise.resolve();

  return {
    event(object, type, reason, message) {
      const involvedObject = referenceTo(object);
      const time = formatTime(clock.now());
      const correlated = correlator.correlate({
        apiVersion: 'v1',
        kind: 'Event',
        metadata: {
          name: newName(involvedObject),
          namespace: involvedObject.namespace ?? 'default',
        },
        involvedObject,
        reason,
        message,
        source: { component, ...(host ? { host } : {}) },
        firstTimestamp: time,
        lastTimestamp: time,
        count: 1,
        type,
        eventTime: null,
        reportingComponent: component,
        reportingInstance: host ?? '',
      });
      if (correlated) writing = writing.then(() => record(correlated));
    },
  };

  async function record(correlated: CorrelatedEvent): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        await write(correlated);
        return;
      } catch (error) {
        if (isStatusError(error) || tries >= maxTries) {
          logger.log('debug', 'event not written', {
            reason: correlated.event.reason,
            error: error instanceof Error ? error.message : String(error),
          });
          return;
        }
        await sleep(clock, tries === 1 ? retryMs * random.next() : retryMs, undefined, {
          background: true,
        });
      }
    }
  }

  async function write({ event, patch }: CorrelatedEvent): Promise<void> {
    if (patch) {
      try {
        await events.patch(event.metadata.namespace, event.metadata.name, 'strategic', patch);
        return;
      } catch (error) {
        if (!isReason(error, 'NotFound')) throw error;
      }
    }
    await events.create(event);
  }
}
