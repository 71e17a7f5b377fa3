import type { DeepReadonly } from '#core/base';
import type { ObjectFieldSelector, ResourceFieldSelector } from '../apis/index.ts';
import { parseQuantity } from '../machinery/index.ts';
import { findContainer, specOf, uidOf, type ContainerView, type PodView } from './pods.ts';

/** What of the downward API is not in the pod itself. */
export interface DownwardValues {
  readonly nodeName: string;
  readonly hostIps: readonly string[];
  readonly podIps: readonly string[];
  readonly allocatable: {
    readonly cpuMilli: number;
    readonly memoryBytes: number;
    readonly ephemeralStorageBytes: number;
  };
}

/** @throws Error the field cannot be had. @see pkg/fieldpath and pkg/kubelet/kubelet_pods.go */
export function fieldValue(
  pod: PodView,
  { fieldPath }: DeepReadonly<ObjectFieldSelector>,
  values: DownwardValues,
): string {
  switch (fieldPath) {
    case 'metadata.name':
      return pod.metadata.name ?? '';
    case 'metadata.namespace':
      return pod.metadata.namespace ?? '';
    case 'metadata.uid':
      return uidOf(pod);
    case 'metadata.labels':
      return mapText(pod.metadata.labels ?? {});
    case 'metadata.annotations':
      return mapText(pod.metadata.annotations ?? {});
    case 'spec.nodeName':
      return specOf(pod).nodeName ?? values.nodeName;
    case 'spec.serviceAccountName':
      return specOf(pod).serviceAccountName ?? '';
    case 'status.hostIP':
      return values.hostIps[0] ?? '';
    case 'status.hostIPs':
      return values.hostIps.join(',');
    case 'status.podIP':
      return values.podIps[0] ?? '';
    case 'status.podIPs':
      return values.podIps.join(',');
  }
  const subscript = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(fieldPath);
  if (subscript) {
    const map = subscript[1] === 'labels' ? pod.metadata.labels : pod.metadata.annotations;
    return map?.[subscript[2] ?? ''] ?? '';
  }
  throw new Error(`unsupported fieldPath: ${fieldPath}`);
}

/** One `key="value"` a line, in order of keys, the last without a line break. */
function mapText(map: Readonly<Record<string, string>>): string {
  return Object.keys(map)
    .sort()
    .map((key) => `${key}=${JSON.stringify(map[key])}`)
    .join('\n');
}

/** @throws Error no such container, or an unsupported resource. @see pkg/api/v1/resource/helpers.go */
export function resourceValue(
  pod: PodView,
  selector: DeepReadonly<ResourceFieldSelector>,
  container: ContainerView | undefined,
  values: DownwardValues,
): string {
  const { containerName, resource, divisor } = selector;
  const target = containerName ? findContainer(pod, containerName)?.container : container;
  if (!target) throw new Error(`container ${containerName ?? ''} not found`);
  const [list = '', ...names] = resource.split('.');
  const name = names.join('.');
  if ((list !== 'limits' && list !== 'requests') || name === '')
    throw new Error(`unsupported container resource : ${resource}`);
  const own = target.resources?.[list]?.[name];
  const allocatable: Readonly<Record<string, string>> = {
    cpu: `${values.allocatable.cpuMilli}m`,
    memory: `${values.allocatable.memoryBytes}`,
    'ephemeral-storage': `${values.allocatable.ephemeralStorageBytes}`,
  };
  const amount = own ?? (list === 'limits' ? (allocatable[name] ?? '0') : '0');
  const by = divisor === undefined || String(divisor) === '0' ? '1' : String(divisor);
  const divisorNano = parseQuantity(by).nano;
  return String((parseQuantity(String(amount)).nano + divisorNano - 1n) / divisorNano);
}
