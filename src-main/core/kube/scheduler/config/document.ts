import type { ExtensionPoint } from '../types.ts';

/** A KubeSchedulerConfiguration as a file writes it, once its fields have been checked. */
export interface SchedulerDocument {
  readonly parallelism?: number;
  readonly leaderElection?: {
    readonly leaderElect?: boolean;
    readonly resourceLock?: string;
    readonly leaseDuration?: string;
    readonly renewDeadline?: string;
    readonly retryPeriod?: string;
  };
  readonly percentageOfNodesToScore?: number;
  readonly podInitialBackoffSeconds?: number;
  readonly podMaxBackoffSeconds?: number;
  readonly profiles?: readonly ProfileDocument[];
  readonly extenders?: readonly ExtenderDocument[];
}

export interface ExtenderDocument {
  readonly prioritizeVerb?: string;
  readonly bindVerb?: string;
  readonly weight?: number;
}

export interface PluginSetDocument {
  readonly enabled?: readonly { readonly name?: string; readonly weight?: number }[];
  readonly disabled?: readonly { readonly name?: string }[];
}

export interface ProfileDocument {
  readonly schedulerName?: string;
  readonly percentageOfNodesToScore?: number;
  readonly plugins?: Readonly<Partial<Record<ExtensionPoint | 'multiPoint', PluginSetDocument>>>;
  readonly pluginConfig?: readonly { readonly name?: string; readonly args?: unknown }[];
}
