import type { DeepReadonly } from '#core/base';
import { type LabelSelector, matchesSelector, untoleratedTaint } from '../machinery/index.ts';
import type { Labels, PodView, TaintView } from './views.ts';

export type SelectorView = DeepReadonly<LabelSelector>;

/** Whether some NoSchedule or NoExecute taint is not tolerated. */
export function hasUntoleratedTaint(
  pod: PodView,
  taints: readonly TaintView[] | undefined,
): boolean {
  const effects = ['NoSchedule', 'NoExecute'];
  return untoleratedTaint(taints, pod.spec?.tolerations, effects) !== undefined;
}

/** An absent selector selects nothing, an empty one everything. */
export function selects(selector: SelectorView | undefined, labels: Labels): boolean {
  return selector !== undefined && matchesSelector(selector, labels);
}
