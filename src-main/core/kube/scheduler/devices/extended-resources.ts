import type { DeepReadonly } from '#core/base';
import type {
  ContainerExtendedResourceRequest,
  DeviceRequest,
  ResourceClaim,
} from '../../apis/index.ts';
import type { Informers } from '../../client/index.ts';
import type { NodeInfo } from '../node-info.ts';
import type { PodInfo } from '../pod-info.ts';
import { isExtendedResource } from '../resources.ts';
import { namespaceOf, type PodView } from '../views.ts';
import type { DeviceClaimView, DeviceClassView } from './types.ts';

type ContainerView = NonNullable<PodView['spec']>['containers'][number];

/** The prefix of the resource that stands for a class by its name. */
const classPrefix = 'deviceclass.resource.kubernetes.io/';
/** Marks the claim the scheduler makes for a pod's extended resources. */
const claimAnnotation = 'resource.kubernetes.io/extended-resource-claim';
/** Of a claim that is not written yet; no claim can have it. */
const unwrittenName = '<extended-resources>';

/** The class of devices that stands behind an extended resource. */
export type ClassOfResource = (resource: string) => DeviceClassView | undefined;

/**
 * Of several classes for one resource the newest, and of these the first by name.
 * @see k8s.io/dynamic-resource-allocation/deviceclass/extendedresourcecache
 */
export function classesOfResources(informers: Informers): ClassOfResource {
  const classes = informers.for('deviceclasses.resource.k8s.io');
  return (resource) => {
    if (resource.startsWith(classPrefix))
      return classes.list().find(({ metadata }) => `${classPrefix}${metadata.name}` === resource);
    const created = ({ metadata }: DeviceClassView): string => metadata.creationTimestamp ?? '';
    const name = ({ metadata }: DeviceClassView): string => metadata.name ?? '';
    return classes
      .list()
      .filter(({ spec }) => spec.extendedResourceName === resource)
      .sort((a, b) =>
        created(a) > created(b) ? -1 : created(a) < created(b) ? 1 : name(a) < name(b) ? -1 : 1,
      )[0];
  };
}

export const isDeviceResource = (name: string): boolean =>
  isExtendedResource(name) || name.startsWith(classPrefix);

/** Whether a node has a resource as devices alone, so that no plugin for devices counts it. */
export function isLeftToDevices(name: string, node: NodeInfo, classOf: ClassOfResource): boolean {
  return (
    isDeviceResource(name) && (node.allocatable.get(name) ?? 0) === 0 && classOf(name) !== undefined
  );
}

export const isUnwritten = (claim: DeviceClaimView): boolean =>
  claim.metadata.name === unwrittenName;

/**
 * The claim for the extended resources of a pod: one of an earlier try, or one that is yet to be written.
 * @see plugins/dynamicresources/extendeddynamicresources.go, preFilterExtendedResources
 */
export function extendedResourceClaim(
  { pod, requests }: PodInfo,
  claims: () => readonly DeviceClaimView[],
  classOf: ClassOfResource,
): DeviceClaimView | undefined {
  const isAsked = [...requests].some(
    ([name, amount]) => amount > 0 && isDeviceResource(name) && classOf(name),
  );
  if (!isAsked) return undefined;
  const earlier = claims().find(
    ({ metadata }) =>
      metadata.annotations?.[claimAnnotation] === 'true' &&
      metadata.ownerReferences?.some((owner) => owner.controller && owner.uid === pod.metadata.uid),
  );
  if (earlier) return earlier;
  const { name = '', uid: owner = '' } = pod.metadata;
  return {
    apiVersion: 'resource.k8s.io/v1',
    kind: 'ResourceClaim',
    metadata: {
      namespace: namespaceOf(pod),
      name: unwrittenName,
      uid: `${unwrittenName} ${owner}`,
      generateName: `${name}-extended-resources-`,
      ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name, uid: owner, controller: true }],
      annotations: { [claimAnnotation]: 'true' },
    },
    spec: {},
  };
}

/** What a claim asks of one node, and which containers its requests are for. */
export interface NodeRequests {
  readonly requests: DeviceRequest[];
  readonly mappings: ContainerExtendedResourceRequest[];
}

/**
 * The requests for the resources that a node has as devices; nothing if it has none as such.
 * @returns 'unfit' if a resource is to be had in no way
 */
export function requestsOnNode(
  info: PodInfo,
  node: NodeInfo,
  classOf: ClassOfResource,
): NodeRequests | 'unfit' | undefined {
  const names: string[] = [];
  for (const [name, amount] of info.requests) {
    if (amount === 0 || !isDeviceResource(name)) continue;
    if (isLeftToDevices(name, node, classOf)) names.push(name);
    else if (!node.allocatable.has(name)) return 'unfit';
  }
  return names.length === 0 ? undefined : nodeRequests(info.pod, names.sort(), classOf);
}

/** The claim with the requests of a node, as it will be written. */
export function writtenClaim(
  { apiVersion, kind, metadata }: DeviceClaimView,
  requests: readonly DeepReadonly<DeviceRequest>[],
): ResourceClaim {
  const { namespace, generateName, ownerReferences = [], annotations } = metadata;
  return {
    apiVersion,
    kind,
    metadata: {
      ...(namespace ? { namespace } : {}),
      ...(generateName ? { generateName } : {}),
      ownerReferences: ownerReferences.map((owner) => ({ ...owner })),
      annotations: { ...annotations },
    },
    spec: { devices: { requests: requests as DeviceRequest[] } },
  };
}

/** @see createRequestsAndMappings */
function nodeRequests(
  pod: PodView,
  resources: readonly string[],
  classOf: ClassOfResource,
): NodeRequests {
  const { initContainers = [], containers: main = [] } = pod.spec ?? {};
  const containers: readonly ContainerView[] = [...initContainers, ...main];
  const isShort = (index: number): boolean =>
    index < initContainers.length && containers[index]?.restartPolicy !== 'Always';
  const all: DeviceRequest[] = [];
  const mappings: ContainerExtendedResourceRequest[] = [];
  for (const resource of resources) {
    const className = classOf(resource)?.metadata.name ?? '';
    const long: (DeviceRequest | undefined)[] = containers.map(() => undefined);
    containers.forEach((container, index) => {
      if (isShort(index)) return;
      const { request, mapped } = requestOf(container, index, resource, className, []);
      long[index] = request;
      mappings.push(...mapped);
    });
    // Init containers that end before others begin use the devices of these, and of each other.
    const short: DeviceRequest[] = [];
    const shortMappings: ContainerExtendedResourceRequest[] = [];
    containers.forEach((container, index) => {
      if (!isShort(index)) return;
      const later = long.slice(index).filter((request) => request !== undefined);
      const { request, mapped } = requestOf(container, index, resource, className, later);
      shortMappings.push(...mapped);
      if (request) short.push(request);
    });
    const most = Math.max(...short.map(countOf));
    const largest = short.find((request) => countOf(request) === most);
    const shortNames = new Set(short.map(({ name }) => name));
    for (const mapping of shortMappings)
      mappings.push(
        largest && shortNames.has(mapping.requestName)
          ? { ...mapping, requestName: largest.name }
          : mapping,
      );
    if (largest) all.push(largest);
    all.push(...long.filter((request) => request !== undefined));
  }
  all.sort((a, b) => (a.name < b.name ? -1 : 1));
  return { requests: all, mappings };
}

const countOf = ({ exactly }: DeviceRequest): number => exactly?.count ?? 0;

/** What one container asks of a resource beyond the requests it can use of others. */
function requestOf(
  container: ContainerView,
  index: number,
  resourceName: string,
  deviceClassName: string,
  reusable: readonly DeviceRequest[],
): { request?: DeviceRequest; mapped: ContainerExtendedResourceRequest[] } {
  const own = container.resources?.requests ?? {};
  const count = Number(own[resourceName] ?? 0);
  if (!Number.isInteger(count) || count === 0) return { mapped: [] };
  const { name: containerName } = container;
  const mapped: ContainerExtendedResourceRequest[] = [];
  let sum = 0;
  for (const request of reusable) {
    sum += countOf(request);
    mapped.push({ containerName, resourceName, requestName: request.name });
    if (sum >= count) return { mapped };
  }
  const requestName = `container-${index}-request-${Object.keys(own).sort().indexOf(resourceName)}`;
  mapped.push({ containerName, resourceName, requestName });
  return {
    mapped,
    request: {
      name: requestName,
      exactly: { deviceClassName, allocationMode: 'ExactCount', count: count - sum },
    },
  };
}
