import type { LabelSelector, ObjectMeta } from '../../../machinery/index.ts';
import type { ClaimSpec, IntOrString, PodTemplate } from '../core/pod-types.ts';

export interface RollingUpdate {
  maxUnavailable?: IntOrString;
  maxSurge?: IntOrString;
  partition?: number;
}

export interface UpdateStrategy {
  type?: string;
  rollingUpdate?: RollingUpdate;
}

/** Deployment, ReplicaSet, StatefulSet, DaemonSet: what they share and what sets them apart. */
export interface WorkloadSpec {
  replicas?: number;
  selector?: LabelSelector;
  template?: PodTemplate;
  minReadySeconds?: number;
  revisionHistoryLimit?: number;
  progressDeadlineSeconds?: number;
  paused?: boolean;
  strategy?: UpdateStrategy;
  updateStrategy?: UpdateStrategy;
  podManagementPolicy?: string;
  serviceName?: string;
  ordinals?: { start?: number };
  volumeClaimTemplates?: {
    apiVersion?: string;
    kind?: string;
    metadata?: ObjectMeta;
    spec?: ClaimSpec;
    status?: object;
  }[];
  persistentVolumeClaimRetentionPolicy?: { whenDeleted?: string; whenScaled?: string };
}

export type Counts = Record<string, unknown>;

export interface Workload {
  metadata: ObjectMeta;
  spec?: WorkloadSpec;
  status?: Counts;
}

/** A number of a status; absent counts as zero. */
export const count = (status: Readonly<Counts> | undefined, field: string): number => {
  const value = status?.[field];
  return typeof value === 'number' ? value : 0;
};
