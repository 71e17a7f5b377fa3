import type { DeepReadonly } from '#core/base';
import type { Endpoint, EndpointSlice, Node } from '../../apis/index.ts';
import { type Result, WorkQueue } from '../../client/index.ts';
import { hasLabels, keyOf, objectKey, type ObjectKey, splitKey } from '../../machinery/index.ts';
import type { Controller, ControllerContext } from '../shared/context.ts';
import { semanticEqual } from '../shared/hash.ts';
import { enqueueSelf, queueController } from '../shared/informer-queue.ts';
import { nodeCondition } from '../shared/nodes.ts';
import { isNamespaceTerminating } from '../shared/pod-control.ts';
import { isPodReady, type PodView } from '../shared/pods.ts';
import {
  type AddressType,
  addressTypesOf,
  belongsToEndpoints,
  endpointPorts,
  enqueueServicesOf,
  isHeadless,
  podAddresses,
  podReference,
  type ServiceView,
  setsHostname,
} from './service-pods.ts';
import {
  blankSlice,
  planSlices,
  portsKey,
  type SlicePort,
  type WantedEndpoints,
} from './slice-plan.ts';
import {
  addTopologyHints,
  cpuShares,
  type HintsEvent,
  wantsTopologyHints,
} from './topology-hints.ts';
import { setTriggerTime, TriggerTimes } from './trigger-times.ts';

type SliceView = DeepReadonly<EndpointSlice>;

export const managedByLabel = 'endpointslice.kubernetes.io/managed-by';
export const serviceNameLabel = 'kubernetes.io/service-name';
const headlessLabel = 'service.kubernetes.io/headless';
const controllerName = 'endpointslice-controller.k8s.io';
const reservedLabels = [managedByLabel, serviceNameLabel, headlessLabel];

/**
 * Keeps the EndpointSlices of services with a selector.
 *
 * @see k8s.io/kubernetes/pkg/controller/endpointslice, k8s.io/endpointslice
 */
export function createEndpointSliceController(
  context: ControllerContext,
  options: { readonly workers?: number; readonly maxEndpointsPerSlice?: number } = {},
): Controller {
  const { client, informers, clock, recorder } = context;
  const services = informers.for('services');
  const pods = informers.for('pods');
  const nodes = informers.for('nodes');
  const slices = informers.for('endpointslices.discovery.k8s.io');
  slices.addIndex('service', (slice) => {
    const name = slice.metadata.labels?.[serviceNameLabel];
    return name ? [keyOf(slice.metadata.namespace, name)] : [];
  });
  const resource = client.resource('endpointslices.discovery.k8s.io');
  const queue = new WorkQueue<ObjectKey>(clock, { baseDelayMs: 1000, maxDelayMs: 1_000_000 });
  const triggerTimes = new TriggerTimes();
  /** Services whose endpoints have hints by their annotation. */
  const hinted = new Set<ObjectKey>();

  async function reconcile(key: ObjectKey): Promise<Result> {
    const { namespace } = splitKey(key);
    const service = services.get(key);
    const existing = slices
      .byIndex('service', key)
      .filter(
        (slice) =>
          slice.metadata.labels?.[managedByLabel] === controllerName &&
          !slice.metadata.deletionTimestamp,
      );
    // Slices of a deleted service go with it; one of type ExternalName or without selector has none.
    if (!service) {
      triggerTimes.forget(key);
      hinted.delete(key);
    }
    if (!service || service.spec?.type === 'ExternalName' || !service.spec?.selector) return {};
    const selector = service.spec.selector;
    const members = pods.list(namespace).filter((pod) => hasLabels(selector, pod.metadata.labels));
    const types = addressTypesOf(service);
    const triggerTime = triggerTimes.next(key, service, members);
    for (const slice of existing)
      if (!types.includes(slice.addressType as AddressType)) await remove(slice);
    let skipped: string | undefined;
    for (const type of types) {
      const ofType = existing.filter((slice) => slice.addressType === type);
      skipped = (await reconcileType(service, members, ofType, type, triggerTime)) ?? skipped;
    }
    if (skipped) throw new Error(skipped);
    return {};
  }

  async function reconcileType(
    service: ServiceView,
    members: readonly PodView[],
    existing: readonly SliceView[],
    type: AddressType,
    triggerTime: string | undefined,
  ): Promise<string | undefined> {
    const wanted = new Map<string, WantedEndpoints>();
    let skipped: string | undefined;
    for (const pod of members) {
      if (!belongsToEndpoints(pod, true)) continue;
      const ports = endpointPorts(service, pod);
      const key = portsKey(ports);
      let entry = wanted.get(key);
      if (!entry) wanted.set(key, (entry = { ports, endpoints: [] }));
      const node = nodes.get(keyOf(undefined, pod.spec?.nodeName ?? ''));
      if (!node && !service.spec?.publishNotReadyAddresses) {
        skipped = `skipping Pod ${pod.metadata.name ?? ''} for Service ${service.metadata.namespace ?? ''}/${service.metadata.name ?? ''}: Node ${pod.spec?.nodeName ?? ''} Not Found`;
        continue;
      }
      const endpoint = endpointOf(pod, node, service, type);
      if (endpoint.addresses.length > 0) entry.endpoints.push(endpoint);
    }
    hintByTopology(
      service,
      type,
      [...wanted.values()].flatMap(({ endpoints }) => endpoints),
    );
    const labels = labelsOf(service);
    const blank = (ports: readonly SlicePort[]): EndpointSlice =>
      blankSlice(service, 'Service', type, labels, ports);
    const plan = planSlices(existing, wanted, {
      maxPerSlice: options.maxEndpointsPerSlice ?? 100,
      labels,
      blank,
    });
    // A service without endpoints keeps one empty slice, so that others see it was looked at.
    if (plan.create.length === 0 && plan.remove.length === existing.length) {
      const [only] = existing;
      const isPlaceholder =
        existing.length === 1 &&
        only !== undefined &&
        (only.endpoints ?? []).length === 0 &&
        (only.ports ?? []).length === 0 &&
        semanticEqual(only.metadata.labels, labels);
      if (isPlaceholder) plan.remove.splice(0);
      else plan.create.push(blank([]));
    }
    // A slice to go gives its name to one to come.
    while (plan.remove.length > 0 && plan.create.length > 0) {
      const from = plan.remove.shift();
      const to = plan.create.pop();
      if (!from || !to) break;
      const metadata = { ...to.metadata };
      delete metadata.generateName;
      plan.update.push({
        ...to,
        metadata: {
          ...metadata,
          ...(from.metadata.name ? { name: from.metadata.name } : {}),
          ...(from.metadata.resourceVersion
            ? { resourceVersion: from.metadata.resourceVersion }
            : {}),
        },
      });
    }
    for (const slice of [...plan.create, ...plan.update]) {
      setTriggerTime(slice.metadata, triggerTime);
      // Upstream's empty lists are nil once they have been stored.
      if (slice.endpoints?.length === 0) delete slice.endpoints;
      if (slice.ports?.length === 0) delete slice.ports;
    }
    for (const slice of plan.create) {
      if (service.metadata.deletionTimestamp) break;
      try {
        await resource.create(slice);
      } catch (error) {
        if (!isNamespaceTerminating(error)) throw error;
      }
    }
    for (const slice of plan.update) await resource.update(slice);
    for (const slice of plan.remove) await remove(slice);
    return skipped;
  }

  function hintByTopology(service: ServiceView, type: AddressType, endpoints: Endpoint[]): void {
    const key = objectKey(service.metadata);
    const had = hinted.delete(key);
    const tell = ({ type: kind, reason, message }: HintsEvent): void =>
      recorder.event(service, kind, reason, `${message}, addressType: ${type}`);
    if (!wantsTopologyHints(service)) {
      const message = 'Topology Aware Hints has been disabled';
      if (had) tell({ type: 'Warning', reason: 'TopologyAwareHintsDisabled', message });
      return;
    }
    const problem = addTopologyHints(endpoints, cpuShares(nodes.list()));
    if (problem !== undefined) {
      tell({ type: 'Warning', reason: 'TopologyAwareHintsDisabled', message: problem });
      return;
    }
    hinted.add(key);
    const message = 'Topology Aware Hints has been enabled';
    if (!had) tell({ type: 'Normal', reason: 'TopologyAwareHintsEnabled', message });
  }

  function remove(slice: SliceView): Promise<void> {
    return resource.delete(slice.metadata.namespace, slice.metadata.name ?? '');
  }

  return queueController(context, {
    name: 'endpointslice-controller',
    queue,
    reconcile,
    ...(options.workers === undefined ? {} : { workers: options.workers }),
    maxRetries: 15,
    handlers: (own) => {
      own(enqueueSelf(services, queue));
      own(enqueueServicesOf(pods, services, queue, (key) => triggerTimes.podsOf(key)));
      const onSlice = (slice: SliceView): void => {
        const name = slice.metadata.labels?.[serviceNameLabel];
        if (name && slice.metadata.labels?.[managedByLabel] === controllerName)
          queue.add(keyOf(slice.metadata.namespace, name));
      };
      own(slices.addHandler({ onUpdate: (_, slice) => onSlice(slice), onDelete: onSlice }));
      const again = (): void => {
        for (const key of hinted) queue.add(key);
      };
      const sharesOf = (node: DeepReadonly<Node>): string =>
        JSON.stringify([
          nodeCondition(node, 'Ready')?.status,
          node.metadata.labels?.['topology.kubernetes.io/zone'],
        ]);
      own(
        nodes.addHandler({
          onAdd: again,
          onUpdate: (before, node) => {
            if (sharesOf(before) !== sharesOf(node)) again();
          },
          onDelete: again,
        }),
      );
    },
  });
}

function labelsOf(service: ServiceView): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const [key, value] of Object.entries(service.metadata.labels ?? {}))
    if (!reservedLabels.includes(key)) labels[key] = value;
  if (isHeadless(service)) labels[headlessLabel] = '';
  labels[serviceNameLabel] = service.metadata.name ?? '';
  labels[managedByLabel] = controllerName;
  return labels;
}

function endpointOf(
  pod: PodView,
  node: DeepReadonly<Node> | undefined,
  service: ServiceView,
  type: AddressType,
): Endpoint {
  const serving = isPodReady(pod);
  const terminating = pod.metadata.deletionTimestamp !== undefined;
  const zone = node?.metadata.labels?.['topology.kubernetes.io/zone'];
  const ready = service.spec?.publishNotReadyAddresses === true || (serving && !terminating);
  const hints = ready ? hintsFor(service, zone, pod.spec?.nodeName) : undefined;
  return {
    addresses: podAddresses(pod, type),
    conditions: { ready, serving, terminating },
    ...(hints ? { hints } : {}),
    ...(setsHostname(pod, service) && pod.spec?.hostname ? { hostname: pod.spec.hostname } : {}),
    ...(pod.spec?.nodeName ? { nodeName: pod.spec.nodeName } : {}),
    targetRef: podReference(pod),
    ...(zone ? { zone } : {}),
  };
}

/** Who should use an endpoint first, by `spec.trafficDistribution`. @see k8s.io/endpointslice/trafficdist */
function hintsFor(
  service: ServiceView,
  zone: string | undefined,
  nodeName: string | undefined,
): Endpoint['hints'] | undefined {
  const { trafficDistribution: wish = '' } = service.spec ?? {};
  if (wantsTopologyHints(service)) return undefined;
  if (!['PreferClose', 'PreferSameZone', 'PreferSameNode'].includes(wish)) return undefined;
  const forZones = zone ? [{ name: zone }] : [];
  const forNodes = wish === 'PreferSameNode' && nodeName ? [{ name: nodeName }] : [];
  if (forZones.length === 0 && forNodes.length === 0) return undefined;
  return {
    ...(forNodes.length > 0 ? { forNodes } : {}),
    ...(forZones.length > 0 ? { forZones } : {}),
  };
}
