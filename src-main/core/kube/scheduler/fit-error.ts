import { byBytes } from '#core/base';
import type { NodeStatuses, Status } from './framework.ts';

/** Why no node took a pod; becomes the event and the condition. */
export interface Diagnosis {
  readonly statuses: NodeStatuses;
  /** The pod was refused before any node was looked at. */
  readonly preFilterMessage?: string;
  readonly postFilterMessage?: string;
}

/**
 * `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable. preemption: …`
 * @see k8s.io/kubernetes/pkg/scheduler/framework/types.go, FitError.Error
 */
export function fitErrorMessage(nodeCount: number, diagnosis: Diagnosis): string {
  let message = `0/${nodeCount} nodes are available:`;
  const { statuses, preFilterMessage, postFilterMessage } = diagnosis;
  if (preFilterMessage) message += ` ${preFilterMessage}.`;
  else {
    const counts = new Map<string, number>();
    const count = (status: Status, times: number): void => {
      for (const reason of status.reasons) counts.set(reason, (counts.get(reason) ?? 0) + times);
    };
    for (const status of statuses.byNode.values()) count(status, 1);
    const absent = nodeCount - statuses.byNode.size;
    if (absent > 0) count(statuses.absent, absent);
    const reasons = [...counts].map(([reason, times]) => `${times} ${reason}`).sort(byBytes);
    if (reasons.length > 0) message += ` ${reasons.join(', ')}.`;
  }
  return postFilterMessage ? `${message} ${postFilterMessage}` : message;
}
