import type { KubeletContext } from './context.ts';
import { latestOf, type PodCache } from './pod-cache.ts';
import { logDirectoryOf } from './pod-runtime.ts';
import { allContainers, specOf, uidOf, type PodView } from './pods.ts';
import { podDirectory } from './volumes.ts';

/** What one container uses, bytes. */
export interface ContainerUsage {
  readonly name: string;
  readonly memoryBytes: number;
  /** Its writable layer and its logs. */
  readonly storageBytes: number;
}

export interface PodUsage {
  readonly containers: readonly ContainerUsage[];
  readonly memoryBytes: number;
  /** Writable layers, logs and volumes of the pod's own on the node's disk. */
  readonly storageBytes: number;
  /** Of each emptyDir on the disk. */
  readonly emptyDirs: ReadonlyMap<string, number>;
}

/** What a pod's running containers and its own volumes use. */
export async function podUsage(
  context: KubeletContext,
  cache: PodCache,
  pod: PodView,
): Promise<PodUsage> {
  const { files, runtime } = context.host;
  const uid = uidOf(pod);
  const sizeOf = (path: string): number => files.diskUsage?.(path) ?? 0;
  const containers: ContainerUsage[] = [];
  for (const { container } of allContainers(pod)) {
    const status = latestOf(cache.get(uid), container.name);
    if (status?.state !== 'CONTAINER_RUNNING') continue;
    const { memoryBytes, writableLayerBytes = 0 } = await runtime.containerStats(status.id);
    const logs = sizeOf(`${logDirectoryOf(pod)}/${container.name}`);
    containers.push({
      name: container.name,
      memoryBytes,
      storageBytes: writableLayerBytes + logs,
    });
  }
  const emptyDirs = new Map(
    (specOf(pod).volumes ?? []).flatMap(({ name, emptyDir }): [string, number][] =>
      emptyDir && emptyDir.medium !== 'Memory'
        ? [[name, sizeOf(`${podDirectory(uid)}/volumes/kubernetes.io~empty-dir/${name}`)]]
        : [],
    ),
  );
  const total = (amounts: Iterable<number>): number => [...amounts].reduce((a, b) => a + b, 0);
  return {
    containers,
    memoryBytes: total(containers.map(({ memoryBytes }) => memoryBytes)),
    storageBytes:
      total(containers.map(({ storageBytes }) => storageBytes)) + total(emptyDirs.values()),
    emptyDirs,
  };
}
