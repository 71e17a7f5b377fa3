import type { DeepReadonly } from '#core/base';
import type { Labels } from '../machinery/index.ts';
import type { PodView, Toleration } from '../apis/index.ts';

export type {
  BudgetView,
  ClaimView,
  ClassView,
  NodeView,
  PodView,
  TaintView,
  VolumeView,
} from '../apis/index.ts';
export type TolerationView = DeepReadonly<Toleration>;

export type { Labels };

export const uidOf = (pod: PodView): string => pod.metadata.uid ?? '';
export const priorityOf = (pod: PodView): number => pod.spec?.priority ?? 0;
export const namespaceOf = (pod: PodView): string => pod.metadata.namespace ?? '';
export const labelsOf = (object: { readonly metadata: { readonly labels?: Labels } }): Labels =>
  object.metadata.labels ?? {};
