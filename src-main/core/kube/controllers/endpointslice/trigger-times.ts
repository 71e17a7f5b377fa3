import type { ObjectKey } from '../../machinery/index.ts';
import type { PodView } from '../shared/pods.ts';
import type { ServiceView } from './service-pods.ts';

/** When what changed the endpoints happened; how long they took is told from it. */
export const triggerTimeAnnotation = 'endpoints.kubernetes.io/last-change-trigger-time';

interface Seen {
  readonly service: string;
  readonly pods: ReadonlyMap<string, string>;
}

/**
 * The earliest of the changes since the last time a service was looked at: of its pods' readiness, or its own making.
 * Times are RFC 3339 in UTC, to the second.
 * @see k8s.io/endpointslice/trigger_time_tracker.go
 */
export class TriggerTimes {
  readonly #seen = new Map<ObjectKey, Seen>();

  /** @returns undefined if nothing changed. */
  next(key: ObjectKey, service: ServiceView, members: readonly PodView[]): string | undefined {
    const before = this.#seen.get(key);
    const changed: string[] = [];
    const pods = new Map<string, string>();
    for (const { metadata, status } of members) {
      const name = metadata.name ?? '';
      const time =
        status?.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime ?? '';
      if (time > (before?.pods.get(name) ?? '')) changed.push(time);
      pods.set(name, time);
    }
    const made = service.metadata.creationTimestamp ?? '';
    if (made > (before?.service ?? '')) changed.push(made);
    this.#seen.set(key, { service: made, pods });
    return changed.sort()[0];
  }

  /** How many pods a service had when it was last looked at. */
  podsOf(key: ObjectKey): number {
    return this.#seen.get(key)?.pods.size ?? 0;
  }

  forget(key: ObjectKey): void {
    this.#seen.delete(key);
  }
}

/** Sets the annotation, or takes an old one away. */
export function setTriggerTime(
  metadata: { annotations?: Record<string, string> },
  time: string | undefined,
): void {
  const { [triggerTimeAnnotation]: _old, ...others } = metadata.annotations ?? {};
  const annotations = time === undefined ? others : { ...others, [triggerTimeAnnotation]: time };
  if (Object.keys(annotations).length > 0) metadata.annotations = annotations;
  else delete metadata.annotations;
}
