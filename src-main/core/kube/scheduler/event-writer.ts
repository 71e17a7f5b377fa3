import type { Clock, Logger, Random } from '#core/base';
import type { EventsV1Event } from '../apis/index.ts';
import type { KubeClient } from '../client/index.ts';
import { formatMicroTime, isStatusError } from '../machinery/index.ts';
import { namespaceOf, type PodView } from './views.ts';

type Reference = NonNullable<EventsV1Event['regarding']>;

interface Series {
  readonly event: EventsV1Event;
  count: number;
  lastMs: number;
}

/** Upstream ends a series after this long without a repetition. */
const seriesMs = 6 * 60_000;
const noteLimit = 1024;

/** Writes events.k8s.io events as the scheduler does. */
export interface SchedulerEvents {
  record(
    pod: PodView,
    related: PodView | undefined,
    type: 'Normal' | 'Warning',
    reason: string,
    action: string,
    note: string,
  ): void;
}

function referenceTo(pod: PodView): Reference {
  const { namespace, name, uid, resourceVersion } = pod.metadata;
  return {
    kind: 'Pod',
    ...(namespace ? { namespace } : {}),
    ...(name ? { name } : {}),
    ...(uid ? { uid } : {}),
    apiVersion: 'v1',
    ...(resourceVersion ? { resourceVersion } : {}),
  };
}

/** Cut to what an event may hold. @see pkg/scheduler/schedule_one.go, truncateMessage */
function truncated(note: string): string {
  return note.length <= noteLimit ? note : `${note.slice(0, noteLimit - 4)} ...`;
}

/**
 * The recorder of the new events API: no source, an action, a series instead of a count. Equal events of six
 * minutes are one; its series is written when it begins.
 *
 * @param options.controller the scheduler's name.
 * @param options.instance where it runs: `default-scheduler-controlplane`.
 * @see k8s.io/client-go/tools/events/event_broadcaster.go
 */
export function createEventWriter(
  client: KubeClient,
  options: {
    readonly controller: string;
    readonly instance: string;
    readonly clock: Clock;
    readonly random: Random;
    readonly logger: Logger;
  },
): SchedulerEvents {
  const { clock, random, logger, controller, instance } = options;
  const resource = client.resource('events.events.k8s.io');
  const known = new Map<string, Series>();
  let writing = Promise.resolve();
  const behind = (write: () => Promise<unknown>): void => {
    writing = writing.then(async () => {
      try {
        await write();
      } catch (error) {
        logger.log(isStatusError(error) ? 'debug' : 'warn', 'event not written', {
          error: error instanceof Error ? error.message : String(error),
        });
      }
    });
  };
  return {
    record(pod, related, type, reason, action, note) {
      const nowMs = clock.now();
      for (const [key, { lastMs }] of known) {
        if (nowMs - lastMs < seriesMs) break;
        known.delete(key);
      }
      const regarding = referenceTo(pod);
      const other = related && referenceTo(related);
      const key = JSON.stringify([type, action, reason, regarding, other ?? null]);
      const time = formatMicroTime(nowMs);
      const repeated = known.get(key);
      if (repeated) {
        repeated.count += 1;
        repeated.lastMs = nowMs;
        known.delete(key);
        known.set(key, repeated);
        if (repeated.count > 2) return;
        const { namespace, name = '' } = repeated.event.metadata;
        behind(() =>
          resource.patch(namespace, name, 'strategic', {
            series: { count: 2, lastObservedTime: time },
          }),
        );
        return;
      }
      // In the first half of the millisecond: a kubelet may act on the binding within the same one.
      const nanos = BigInt(nowMs) * 1_000_000n + BigInt(random.integer(500_000));
      const event: EventsV1Event = {
        apiVersion: 'events.k8s.io/v1',
        kind: 'Event',
        metadata: {
          name: `${pod.metadata.name ?? ''}.${nanos.toString(16)}`,
          namespace: namespaceOf(pod) || 'default',
        },
        eventTime: time,
        reportingController: controller,
        reportingInstance: instance,
        action,
        reason,
        regarding,
        ...(other ? { related: other } : {}),
        note: truncated(note),
        type,
      };
      known.set(key, { event, count: 1, lastMs: nowMs });
      behind(() => resource.create(event));
    },
  };
}
