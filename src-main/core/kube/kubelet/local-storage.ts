import { formatQuantity, parseQuantity } from '../machinery/index.ts';
import type { PodUsage } from './pod-usage.ts';
import { allContainers, isSidecar, specOf, type PodView } from './pods.ts';

const storage = 'ephemeral-storage';

const bytesOf = (text: string): number => Number(parseQuantity(text).nano / 1_000_000_000n);

/** Whether anything limits what the pod may keep on the node's disk. */
export function limitsStorage(pod: PodView): boolean {
  return (
    (specOf(pod).volumes ?? []).some(({ emptyDir }) => emptyDir?.sizeLimit !== undefined) ||
    allContainers(pod).some(
      ({ container }) => 'resources' in container && container.resources?.limits?.[storage],
    )
  );
}

/**
 * Why a pod is to go for what it keeps on the node's disk, by the first limit that it exceeds.
 *
 * @see pkg/kubelet/eviction/eviction_manager.go, localStorageEviction
 */
export function storageExcess(pod: PodView, usage: PodUsage): string | undefined {
  for (const { name, emptyDir } of specOf(pod).volumes ?? []) {
    const limit = emptyDir?.sizeLimit;
    if (limit === undefined || bytesOf(limit) <= 0) continue;
    if ((usage.emptyDirs.get(name) ?? 0) > bytesOf(limit))
      return `Usage of EmptyDir volume ${JSON.stringify(name)} exceeds the limit ${JSON.stringify(formatQuantity(parseQuantity(limit)))}. `;
  }
  const total = podLimit(pod);
  if (total !== undefined && usage.storageBytes > bytesOf(total))
    return `Pod ephemeral local storage usage exceeds the total limit of containers ${total}. `;
  for (const { name, resources } of specOf(pod).containers) {
    const limit = resources?.limits?.[storage];
    const used = usage.containers.find((container) => container.name === name)?.storageBytes ?? 0;
    if (limit !== undefined && bytesOf(limit) > 0 && used > bytesOf(limit))
      return `Container ${name} exceeded its local ephemeral storage limit ${JSON.stringify(formatQuantity(parseQuantity(limit)))}. `;
  }
  return undefined;
}

/** The sum of the containers' limits, or what an init container may use if that is more; undefined without limits. */
function podLimit(pod: PodView): string | undefined {
  const limitOf = (resources: { readonly limits?: Readonly<Record<string, string>> } | undefined) =>
    resources?.limits?.[storage];
  const { containers, initContainers = [] } = specOf(pod);
  const mains = [...containers, ...initContainers.filter(isSidecar)].flatMap(
    ({ resources }) => limitOf(resources) ?? [],
  );
  const inits = initContainers
    .filter((container) => !isSidecar(container))
    .flatMap(({ resources }) => limitOf(resources) ?? []);
  if (mains.length + inits.length === 0) return undefined;
  const quantities = mains.map((text) => parseQuantity(text));
  const sum = quantities.reduce((total, { nano }) => total + nano, 0n);
  const largest = inits
    .map((text) => parseQuantity(text).nano)
    .reduce((a, b) => (a > b ? a : b), 0n);
  const format = (quantities[0] ?? parseQuantity(inits[0] ?? '0')).format;
  return formatQuantity({ nano: sum > largest ? sum : largest, format });
}
