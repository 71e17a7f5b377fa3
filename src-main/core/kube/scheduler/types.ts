import type { FitArgs, WeightedResource } from './plugins/resource-plugins.ts';
import type { InterPodAffinityArgs } from './plugins/inter-pod-affinity.ts';
import type { PreemptionArgs } from './plugins/default-preemption.ts';
import type { DeepReadonly } from '#core/base';
import type { NodeAffinity, TopologySpreadConstraint } from '../apis/index.ts';

/** Names of the extension points as a configuration file writes them. */
export type ExtensionPoint =
  | 'preEnqueue'
  | 'queueSort'
  | 'preFilter'
  | 'filter'
  | 'postFilter'
  | 'preScore'
  | 'score'
  | 'reserve'
  | 'permit'
  | 'preBind'
  | 'bind'
  | 'postBind';

export interface EnabledPlugin {
  readonly name: string;
  /** 0: the default, which is 1. */
  readonly weight: number;
}

export interface ConfiguredPlugins {
  readonly enabled: readonly EnabledPlugin[];
  /** Names; `*` for all. */
  readonly disabled: readonly string[];
}

/** Arguments of the plugins, defaults filled in. */
export interface PluginArgs {
  readonly defaultPreemption: PreemptionArgs;
  readonly interPodAffinity: InterPodAffinityArgs;
  readonly nodeAffinity: { readonly addedAffinity?: DeepReadonly<NodeAffinity> };
  readonly balancedAllocation: readonly WeightedResource[];
  readonly fit: FitArgs;
  readonly spread: {
    readonly defaultConstraints: readonly DeepReadonly<TopologySpreadConstraint>[];
    readonly defaultingType: 'System' | 'List';
  };
  readonly volumeBinding: { readonly bindTimeoutSeconds: number };
}

export interface ProfileConfiguration {
  readonly schedulerName: string;
  readonly percentageOfNodesToScore?: number;
  /** Plugins of all points, upstream's defaults merged in. */
  readonly multiPoint: ConfiguredPlugins;
  /** Plugins of single points; they go before those of `multiPoint`. */
  readonly points: Readonly<Partial<Record<ExtensionPoint, ConfiguredPlugins>>>;
  readonly args: PluginArgs;
}

/** A KubeSchedulerConfiguration with its defaults. */
export interface SchedulerConfiguration {
  readonly profiles: readonly ProfileConfiguration[];
  /** 0: by the size of the cluster. */
  readonly percentageOfNodesToScore: number;
  readonly podInitialBackoffSeconds: number;
  readonly podMaxBackoffSeconds: number;
}
