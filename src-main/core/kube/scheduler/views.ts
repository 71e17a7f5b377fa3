import type { DeepReadonly } from '#core/base';
import type { Labels } from '../machinery/index.ts';
import type {
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  PodDisruptionBudget,
  StorageClass,
  Taint,
  Toleration,
} from '../apis/index.ts';

/** Objects as the informers share them: never to be changed. */
export type PodView = DeepReadonly<Pod>;
export type NodeView = DeepReadonly<Node>;
export type ClaimView = DeepReadonly<PersistentVolumeClaim>;
export type VolumeView = DeepReadonly<PersistentVolume>;
export type ClassView = DeepReadonly<StorageClass>;
export type BudgetView = DeepReadonly<PodDisruptionBudget>;
export type TaintView = DeepReadonly<Taint>;
export type TolerationView = DeepReadonly<Toleration>;

export type { Labels };

export const uidOf = (pod: PodView): string => pod.metadata.uid ?? '';
export const priorityOf = (pod: PodView): number => pod.spec?.priority ?? 0;
export const namespaceOf = (pod: PodView): string => pod.metadata.namespace ?? '';
export const labelsOf = (object: { readonly metadata: { readonly labels?: Labels } }): Labels =>
  object.metadata.labels ?? {};
