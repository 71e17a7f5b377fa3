import type { DeepReadonly } from '#core/base';
import type { Endpoint, Endpoints } from '../../apis/index.ts';
import { type Result, WorkQueue } from '../../client/index.ts';
import { isReason, keyOf, type ObjectKey } from '../../machinery/index.ts';
import { type Controller, type ControllerContext, mutableCopy } from '../shared/context.ts';
import { enqueueSelf, queueController } from '../shared/informer-queue.ts';
import { isNamespaceTerminating } from '../shared/pod-control.ts';
import { managedByLabel, serviceNameLabel } from './endpointslice-controller.ts';
import type { AddressType } from './service-pods.ts';
import {
  blankSlice,
  planSlices,
  portsKey,
  type SlicePort,
  type WantedEndpoints,
} from './slice-plan.ts';

const controllerName = 'endpointslicemirroring-controller.k8s.io';
const skipLabel = 'endpointslice.kubernetes.io/skip-mirror';
const leaderAnnotation = 'control-plane.alpha.kubernetes.io/leader';

/**
 * Copies Endpoints that people keep by hand, for services without a selector, into EndpointSlices.
 *
 * @see k8s.io/kubernetes/pkg/controller/endpointslicemirroring
 */
export function createEndpointSliceMirroringController(context: ControllerContext): Controller {
  const { client, informers, clock } = context;
  const services = informers.for('services');
  const endpoints = informers.for('endpoints');
  const slices = informers.for('endpointslices.discovery.k8s.io');
  const resource = client.resource('endpointslices.discovery.k8s.io');
  const queue = new WorkQueue<ObjectKey>(clock);

  async function reconcile(key: ObjectKey): Promise<Result> {
    const source = endpoints.get(key);
    const service = services.get(key);
    const existing = slices
      .list(source?.metadata.namespace ?? service?.metadata.namespace)
      .filter(
        ({ metadata }) =>
          metadata.labels?.[managedByLabel] === controllerName &&
          keyOf(metadata.namespace, metadata.labels[serviceNameLabel] ?? '') === key,
      );
    const isMirrored =
      source !== undefined &&
      service !== undefined &&
      service.spec?.selector === undefined &&
      source.metadata.labels?.[skipLabel] !== 'true' &&
      source.metadata.annotations?.[leaderAnnotation] === undefined;
    if (!isMirrored) {
      for (const { metadata } of existing)
        await resource.delete(metadata.namespace, metadata.name ?? '').catch((error: unknown) => {
          if (!isReason(error, 'NotFound')) throw error;
        });
      return {};
    }
    for (const type of ['IPv4', 'IPv6'] as const) {
      const labels = {
        ...source.metadata.labels,
        [serviceNameLabel]: service.metadata.name ?? '',
        [managedByLabel]: controllerName,
      };
      const plan = planSlices(
        existing.filter(({ addressType }) => addressType === type),
        wantedOf(source, type),
        {
          maxPerSlice: 1000,
          labels,
          blank: (ports) => blankSlice(source, 'Endpoints', type, labels, ports),
        },
      );
      for (const slice of plan.create)
        await resource.create(slice).catch((error: unknown) => {
          if (!isNamespaceTerminating(error)) throw error;
        });
      for (const slice of plan.update) await resource.update(slice);
      for (const { metadata } of plan.remove)
        await resource.delete(metadata.namespace, metadata.name ?? '');
    }
    return {};
  }

  return queueController(context, {
    name: 'endpointslice-mirroring-controller',
    queue,
    reconcile,
    maxRetries: 15,
    handlers: (own) => {
      own(enqueueSelf(services, queue));
      own(enqueueSelf(endpoints, queue));
      own(
        slices.addHandler({
          onDelete: ({ metadata }) => {
            if (metadata.labels?.[managedByLabel] === controllerName)
              queue.add(keyOf(metadata.namespace, metadata.labels[serviceNameLabel] ?? ''));
          },
        }),
      );
    },
  });
}

function wantedOf(
  source: DeepReadonly<Endpoints>,
  type: AddressType,
): Map<string, WantedEndpoints> {
  const wanted = new Map<string, WantedEndpoints>();
  for (const subset of source.subsets ?? []) {
    const ports: SlicePort[] = (subset.ports ?? []).map((port) => ({
      name: port.name ?? '',
      port: port.port,
      protocol: port.protocol ?? 'TCP',
      ...(port.appProtocol ? { appProtocol: port.appProtocol } : {}),
    }));
    const key = portsKey(ports);
    const list: Endpoint[] = [];
    for (const [addresses, ready] of [
      [subset.addresses ?? [], true],
      [subset.notReadyAddresses ?? [], false],
    ] as const)
      for (const address of addresses) {
        if (address.ip.includes(':') !== (type === 'IPv6')) continue;
        list.push({
          addresses: [address.ip],
          conditions: { ready },
          ...(address.hostname ? { hostname: address.hostname } : {}),
          ...(address.nodeName ? { nodeName: address.nodeName } : {}),
          ...(address.targetRef
            ? { targetRef: mutableCopy<NonNullable<Endpoint['targetRef']>>(address.targetRef) }
            : {}),
        });
      }
    if (list.length === 0) continue;
    const entry = wanted.get(key);
    wanted.set(key, { ports, endpoints: [...(entry?.endpoints ?? []), ...list] });
  }
  return wanted;
}
