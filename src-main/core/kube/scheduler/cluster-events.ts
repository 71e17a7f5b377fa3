import { jsonEqual } from '#core/base';
import type { ClusterEvent, EventAction, EventResource } from './framework.ts';
import { podRequests } from './resources.ts';
import type { NodeView, PodView } from './views.ts';

/** What of a node's update the scheduler cares about. @see framework/events.go, NodeSchedulingPropertiesChange */
export function nodeChanges(previous: NodeView, object: NodeView): ClusterEvent[] {
  const event = (action: EventAction): ClusterEvent => ({
    resource: 'Node',
    action,
    previous,
    object,
  });
  const events: ClusterEvent[] = [];
  if ((previous.spec?.unschedulable ?? false) && !object.spec?.unschedulable)
    events.push(event('taint'));
  else if (!jsonEqual(previous.spec?.taints ?? [], object.spec?.taints ?? []))
    events.push(event('taint'));
  if (!jsonEqual(previous.status?.allocatable ?? {}, object.status?.allocatable ?? {}))
    events.push(event('allocatable'));
  if (!jsonEqual(previous.metadata.labels ?? {}, object.metadata.labels ?? {}))
    events.push(event('label'));
  return events;
}

/**
 * What of a pod's update the scheduler cares about.
 * @see framework/events.go, PodSchedulingPropertiesChange
 */
export function podChanges(
  resource: Extract<EventResource, 'AssignedPod' | 'TargetPod'>,
  previous: PodView,
  object: PodView,
): ClusterEvent[] {
  const event = (action: EventAction): ClusterEvent => ({ resource, action, previous, object });
  const events: ClusterEvent[] = [];
  if (!jsonEqual(previous.metadata.labels ?? {}, object.metadata.labels ?? {}))
    events.push(event('label'));
  if (previous.spec !== object.spec || previous.status !== object.status) {
    const before = podRequests(previous);
    const after = podRequests(object);
    if ([...before].some(([name, amount]) => (after.get(name) ?? 0) < amount))
      events.push(event('scaleDown'));
  }
  if (
    (previous.spec?.schedulingGates ?? []).length > 0 &&
    (object.spec?.schedulingGates ?? []).length === 0
  )
    events.push(event('gatesEliminated'));
  if (!jsonEqual(previous.spec?.tolerations ?? [], object.spec?.tolerations ?? []))
    events.push(event('toleration'));
  if (
    !jsonEqual(
      previous.status?.resourceClaimStatuses ?? [],
      object.status?.resourceClaimStatuses ?? [],
    )
  )
    events.push(event('update'));
  return events;
}
