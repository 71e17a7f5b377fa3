import { type DeepReadonly, type Disposable, jsonEqual } from '#core/base';
import type { Endpoint, Pod, Service, ServicePort } from '../../apis/index.ts';
import type { Informer, WorkQueue } from '../../client/index.ts';
import { hasLabels, objectKey, type ObjectKey } from '../../machinery/index.ts';
import { batchMs, isPodReady, isPodTerminal, type PodView } from '../shared/pods.ts';
import type { SlicePort } from './slice-plan.ts';

export type ServiceView = DeepReadonly<Service>;
export type AddressType = 'IPv4' | 'IPv6';

/** The pod's port a service port leads to; undefined when a named port does not exist. */
export function targetPort(pod: PodView, port: DeepReadonly<ServicePort>): number | undefined {
  const target = port.targetPort ?? port.port;
  if (typeof target === 'number') return target;
  const sidecars = (pod.spec?.initContainers ?? []).filter(
    (container) => container.restartPolicy === 'Always',
  );
  for (const container of [...(pod.spec?.containers ?? []), ...sidecars])
    for (const { name, protocol, containerPort } of container.ports ?? [])
      if (name === target && (protocol ?? 'TCP') === (port.protocol ?? 'TCP')) return containerPort;
  return undefined;
}

/** The ports of a service as one pod serves them. @see k8s.io/endpointslice/utils.go, getEndpointPorts */
export function endpointPorts(service: ServiceView, pod: PodView): SlicePort[] {
  return (service.spec?.ports ?? []).flatMap((port) => {
    const number = targetPort(pod, port);
    if (number === undefined) return [];
    return [
      {
        name: port.name ?? '',
        port: number,
        protocol: port.protocol ?? 'TCP',
        ...(port.appProtocol ? { appProtocol: port.appProtocol } : {}),
      },
    ];
  });
}

export function podAddresses(pod: PodView, type: AddressType): string[] {
  const addresses = (pod.status?.podIPs ?? []).map(({ ip }) => ip);
  const all = addresses.length === 0 && pod.status?.podIP ? [pod.status.podIP] : addresses;
  return all.filter((ip) => ip.includes(':') === (type === 'IPv6'));
}

/** Whether a pod belongs into a service's endpoints at all, ready or not. */
export function belongsToEndpoints(pod: PodView, includeTerminating: boolean): boolean {
  if (isPodTerminal(pod)) return false;
  if (!pod.status?.podIP && (pod.status?.podIPs ?? []).length === 0) return false;
  return includeTerminating || pod.metadata.deletionTimestamp === undefined;
}

export function setsHostname(pod: PodView, service: ServiceView): boolean {
  return Boolean(
    pod.spec?.hostname &&
    pod.spec.subdomain === service.metadata.name &&
    service.metadata.namespace === pod.metadata.namespace,
  );
}

/** The address families a service wants slices of. @see k8s.io/endpointslice/utils.go */
export function addressTypesOf(service: ServiceView): AddressType[] {
  const families = (service.spec?.ipFamilies ?? []).filter(
    (family) => family === 'IPv4' || family === 'IPv6',
  );
  if (families.length > 0) return families;
  const ip = service.spec?.clusterIP ?? '';
  if (ip !== '' && ip !== 'None') return [ip.includes(':') ? 'IPv6' : 'IPv4'];
  return ['IPv4', 'IPv6'];
}

export function isHeadless(service: ServiceView): boolean {
  const ip = service.spec?.clusterIP ?? '';
  return ip === '' || ip === 'None';
}

/** How an address refers to its pod: without a version, as upstream writes it. */
export function podReference({ metadata }: PodView): NonNullable<Endpoint['targetRef']> {
  const { namespace, name, uid } = metadata;
  return {
    kind: 'Pod',
    ...(namespace ? { namespace } : {}),
    ...(name ? { name } : {}),
    ...(uid ? { uid } : {}),
  } as NonNullable<Endpoint['targetRef']>;
}

/** Whether a change of a pod can change endpoints: its phase alone does not, unless the pod is at its end. */
function endpointsChanged(previous: PodView, pod: PodView): boolean {
  return (
    pod.metadata.deletionTimestamp !== undefined ||
    isPodReady(previous) !== isPodReady(pod) ||
    !jsonEqual(previous.status?.podIPs, pod.status?.podIPs) ||
    !jsonEqual(previous.metadata.labels, pod.metadata.labels)
  );
}

/** Services of up to so many pods are looked at after each change, as upstream does with all. */
const mostUnbatched = 200;

/**
 * Puts a service on the queue when a pod it selects, or selected, changes so that its endpoints may.
 *
 * @param podsOf how many pods a service has, as far as known
 */
export function enqueueServicesOf(
  pods: Informer<Pod>,
  services: Informer<Service>,
  queue: WorkQueue<ObjectKey>,
  podsOf: (service: ObjectKey) => number,
): Disposable {
  const add = (service: ObjectKey): void => {
    const count = podsOf(service);
    queue.addAfter(service, count <= mostUnbatched ? 0 : batchMs(count));
  };
  const enqueue = (...states: readonly PodView[]): void => {
    for (const service of services.list(states[0]?.metadata.namespace)) {
      const selector = service.spec?.selector;
      if (selector && states.some((pod) => hasLabels(selector, pod.metadata.labels)))
        add(objectKey(service.metadata));
    }
  };
  return pods.addHandler({
    onAdd: (pod) => enqueue(pod),
    onUpdate: (previous, pod) => {
      if (endpointsChanged(previous, pod)) enqueue(previous, pod);
    },
    onDelete: (pod) => enqueue(pod),
  });
}
