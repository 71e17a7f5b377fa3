import type { DeepReadonly } from '#core/base';
import type {
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  PodDisruptionBudget,
  StorageClass,
  Taint,
} from './generated/types.ts';

/** Objects as caches and informers share them: never to be changed. */
export type PodView = DeepReadonly<Pod>;
export type NodeView = DeepReadonly<Node>;
export type TaintView = DeepReadonly<Taint>;
export type ClaimView = DeepReadonly<PersistentVolumeClaim>;
export type VolumeView = DeepReadonly<PersistentVolume>;
export type ClassView = DeepReadonly<StorageClass>;
export type BudgetView = DeepReadonly<PodDisruptionBudget>;
