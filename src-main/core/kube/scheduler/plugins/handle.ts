import type { Clock, Logger, Random } from '#core/base';
import type { Informers, KubeClient } from '../../client/index.ts';
import type { SchedulerCache } from '../cache.ts';
import type { SchedulerEvents } from '../event-writer.ts';
import type { CompileSelector } from '../devices/types.ts';
import type { CycleState, Status } from '../framework.ts';
import type { NodeInfo } from '../node-info.ts';
import type { PodInfo } from '../pod-info.ts';
import type { PodView } from '../views.ts';
import type { VolumeCaches } from '../volumes/volume-caches.ts';

/** What plugins may use. */
export interface Handle {
  readonly client: KubeClient;
  readonly informers: Informers;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly cache: SchedulerCache;
  readonly volumes: VolumeCaches;
  readonly events: SchedulerEvents;
  readonly schedulerName: string;
  readonly compileDeviceSelector: CompileSelector;
  /** All filters of the profile, with the pods nominated to the node counted in. */
  runFilters(state: CycleState, pod: PodInfo, node: NodeInfo): Status | undefined;
  /** Tells the plugins of a dry run's change; the caller changes the node itself. */
  notifyAdded(state: CycleState, pod: PodInfo, added: PodInfo, node: NodeInfo): void;
  notifyRemoved(state: CycleState, pod: PodInfo, removed: PodInfo, node: NodeInfo): void;
  /** Pods waiting for room on a node. */
  nominatedTo(nodeName: string): readonly PodInfo[];
  clearNomination(pod: PodView): Promise<void>;
  /** Gives a waiting pod a new try whatever refused it. */
  activate(pod: PodView): void;
}
