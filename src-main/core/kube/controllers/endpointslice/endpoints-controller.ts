import type { DeepReadonly } from '#core/base';
import type { EndpointAddress, Endpoints, EndpointSubset } from '../../apis/index.ts';
import { type Result, WorkQueue } from '../../client/index.ts';
import {
  fnv128a,
  hasLabels,
  isReason,
  objectKey,
  type ObjectKey,
  splitKey,
} from '../../machinery/index.ts';
import { type Controller, type ControllerContext, mutableCopy, textOf } from '../shared/context.ts';
import { semanticEqual, semanticJson } from '../shared/hash.ts';
import { enqueueSelf, queueController } from '../shared/informer-queue.ts';
import { isNamespaceTerminating } from '../shared/pod-control.ts';
import { isPodReady, type PodView } from '../shared/pods.ts';
import {
  belongsToEndpoints,
  enqueueServicesOf,
  isHeadless,
  podAddresses,
  podReference,
  type ServiceView,
  setsHostname,
  targetPort,
} from './service-pods.ts';
import { setTriggerTime, TriggerTimes } from './trigger-times.ts';

const managedByLabel = 'endpoints.kubernetes.io/managed-by';
const headlessLabel = 'service.kubernetes.io/headless';
const overCapacityAnnotation = 'endpoints.kubernetes.io/over-capacity';
const maxAddresses = 1000;

type Port = NonNullable<EndpointSubset['ports']>[number];

/** One address of one pod with the ports it serves. */
interface Entry {
  readonly address: EndpointAddress;
  readonly ports: readonly Port[];
  readonly ready: boolean;
}

/**
 * Keeps the Endpoints of services with a selector: the older form of EndpointSlices, of one address family.
 *
 * @see k8s.io/kubernetes/pkg/controller/endpoint/endpoints_controller.go
 */
export function createEndpointsController(
  context: ControllerContext,
  options: { readonly workers?: number } = {},
): Controller {
  const { client, informers, recorder, clock } = context;
  const services = informers.for('services');
  const pods = informers.for('pods');
  const endpoints = informers.for('endpoints');
  const resource = client.resource('endpoints');
  const queue = new WorkQueue<ObjectKey>(clock);
  const triggerTimes = new TriggerTimes();

  async function reconcile(key: ObjectKey): Promise<Result> {
    const { namespace, name } = splitKey(key);
    const service = services.get(key);
    if (!service) {
      triggerTimes.forget(key);
      await resource.delete(namespace, name).catch((error: unknown) => {
        if (!isReason(error, 'NotFound')) throw error;
      });
      return {};
    }
    if (service.spec?.type === 'ExternalName' || !service.spec?.selector) return {};
    const selector = service.spec.selector;
    const members = pods.list(namespace).filter((pod) => hasLabels(selector, pod.metadata.labels));
    const triggerTime = triggerTimes.next(key, service, members);
    const entries = members.flatMap((pod) => entriesOf(service, pod));
    const subsets = packSubsets(entries.slice(0, maxAddresses));
    const current = endpoints.get(key);
    const labels = {
      ...service.metadata.labels,
      [managedByLabel]: 'endpoint-controller',
      ...(isHeadless(service) ? { [headlessLabel]: '' } : {}),
    };
    if (!isHeadless(service)) delete (labels as Record<string, string>)[headlessLabel];
    if (
      current?.metadata.resourceVersion &&
      semanticEqual(current.subsets ?? [], subsets) &&
      semanticEqual(current.metadata.labels, labels)
    )
      return {};
    const draft: Endpoints = current
      ? mutableCopy<Endpoints>(current)
      : {
          apiVersion: 'v1',
          kind: 'Endpoints',
          metadata: { name, ...(namespace ? { namespace } : {}) },
        };
    draft.metadata.labels = labels;
    draft.metadata.annotations = { ...draft.metadata.annotations };
    if (entries.length > maxAddresses)
      draft.metadata.annotations[overCapacityAnnotation] = 'truncated';
    else delete draft.metadata.annotations[overCapacityAnnotation];
    setTriggerTime(draft.metadata, triggerTime);
    if (subsets.length > 0) draft.subsets = subsets;
    else delete draft.subsets;
    try {
      if (current) await resource.update(draft);
      else await resource.create(draft);
    } catch (error) {
      if (isNamespaceTerminating(error)) return {};
      if (!isReason(error, 'Conflict')) {
        const where = `${namespace ?? ''}/${name}: ${textOf(error)}`;
        recorder.event(
          current ?? service,
          'Warning',
          current ? 'FailedToUpdateEndpoint' : 'FailedToCreateEndpoint',
          current
            ? `Failed to update endpoint ${where}`
            : `Failed to create endpoint for service ${where}`,
        );
      }
      throw error;
    }
    return {};
  }

  return queueController(context, {
    name: 'endpoints-controller',
    queue,
    reconcile,
    ...(options.workers === undefined ? {} : { workers: options.workers }),
    maxRetries: 15,
    handlers: (own) => {
      own(enqueueSelf(services, queue));
      own(enqueueServicesOf(pods, services, queue, (key) => triggerTimes.podsOf(key)));
      own(endpoints.addHandler({ onDelete: (object) => queue.add(objectKey(object.metadata)) }));
    },
  });
}

function entriesOf(service: ServiceView, pod: PodView): Entry[] {
  const isPublished = service.spec?.publishNotReadyAddresses === true;
  if (!belongsToEndpoints(pod, isPublished)) return [];
  const family = service.spec?.ipFamilies?.[0] === 'IPv6' ? 'IPv6' : 'IPv4';
  const [ip] = podAddresses(pod, family);
  if (ip === undefined) return [];
  const address: EndpointAddress = {
    ip,
    ...(setsHostname(pod, service) && pod.spec?.hostname ? { hostname: pod.spec.hostname } : {}),
    ...(pod.spec?.nodeName ? { nodeName: pod.spec.nodeName } : {}),
    targetRef: podReference(pod),
  };
  const ready = isPublished || isPodReady(pod);
  const servicePorts = service.spec?.ports ?? [];
  if (servicePorts.length === 0)
    return service.spec?.clusterIP === 'None' ? [{ address, ports: [], ready }] : [];
  const ports: Port[] = [];
  for (const servicePort of servicePorts) {
    const number = targetPort(pod, servicePort);
    if (number === undefined) continue;
    ports.push({
      ...(servicePort.name ? { name: servicePort.name } : {}),
      port: number,
      protocol: servicePort.protocol ?? 'TCP',
      ...(servicePort.appProtocol ? { appProtocol: servicePort.appProtocol } : {}),
    });
  }
  return ports.length === 0 ? [] : [{ address, ports, ready }];
}

/**
 * Groups ports by who offers them: one that all have is a subset of its own.
 *
 * @see pkg/api/v1/endpoints/util.go, RepackSubsets
 */
function packSubsets(entries: readonly Entry[]): EndpointSubset[] {
  const offers = new Map<string, { readonly port: Port | undefined; readonly by: Entry[] }>();
  for (const entry of entries)
    for (const port of entry.ports.length > 0 ? entry.ports : [undefined]) {
      const key = port ? printed(port) : '';
      const offer = offers.get(key) ?? { port, by: [] };
      offer.by.push(entry);
      offers.set(key, offer);
    }
  const identity = ({ address, ready }: Entry): string =>
    `${address.ip} ${address.targetRef?.uid ?? ''} ${String(ready)}`;
  const groups = new Map<string, { readonly ports: Port[]; readonly by: readonly Entry[] }>();
  for (const { port, by } of offers.values()) {
    const key = by.map(identity).sort().join();
    const group = groups.get(key) ?? { ports: [], by };
    if (port) group.ports.push(port);
    groups.set(key, group);
  }
  const subsets = [...groups.values()].map(({ ports, by }) => {
    const addresses = (ready: boolean): EndpointAddress[] =>
      by
        .filter((entry) => entry.ready === ready)
        .map(({ address }) => address)
        .sort(byIp);
    const [ready, notReady] = [addresses(true), addresses(false)];
    return {
      ...(ready.length > 0 ? { addresses: ready } : {}),
      ...(notReady.length > 0 ? { notReadyAddresses: notReady } : {}),
      ...(ports.length > 0 ? { ports: byHash(ports, printed) } : {}),
    };
  });
  return byHash(subsets, semanticJson);
}

function byHash<T>(items: readonly T[], print: (item: T) => string): T[] {
  if (items.length < 2) return [...items];
  return items
    .map((item) => ({ item, hash: fnv128a(print(item)) }))
    .sort((a, b) => (a.hash < b.hash ? -1 : 1))
    .map(({ item }) => item);
}

/** What Go prints of a port, which upstream hashes. */
function printed({ name = '', port, protocol = '', appProtocol = '<nil>' }: Port): string {
  return `(v1.EndpointPort){Name:(string)${name} Port:(int32)${port} Protocol:(v1.Protocol)${protocol} AppProtocol:(*string)${appProtocol}}`;
}

/** By the text of the addresses, as upstream: 10.0.0.10 is before 10.0.0.2. */
function byIp(a: DeepReadonly<EndpointAddress>, b: DeepReadonly<EndpointAddress>): number {
  const [left, right] = [a, b].map(({ ip, targetRef }) => `${ip} ${targetRef?.uid ?? ''}`);
  return (left ?? '') < (right ?? '') ? -1 : 1;
}
