import { byBytes } from '#core/base';
import type { KubeObject } from '../../machinery/index.ts';
import {
  aggregate,
  at,
  draftAt,
  formatQuantity,
  type JsonMap,
  mapsOf,
  podResources,
  type Quantity,
  type ResourceList,
  resourceListOf,
  textAt,
  textOf,
} from '../fields/index.ts';
import type { AdmissionPlugin, AdmissionRequest, ServerState } from '../types.ts';
import { forbid, isPod, isResource } from './attributes.ts';

const annotation = 'kubernetes.io/limit-ranger';
const zero: Quantity = { nanos: 0n, format: 'DecimalSI' };
const sorted = (list: ResourceList): [string, Quantity][] =>
  Object.entries(list).sort(([a], [b]) => byBytes(a, b));

/**
 * Fills in and checks the resources of pods and claims by the LimitRanges of their namespace.
 * @see k8s.io/kubernetes/plugin/pkg/admission/limitranger/admission.go
 */
export function limitRanger(state: ServerState): AdmissionPlugin {
  const ranges = (request: AdmissionRequest): readonly unknown[] => {
    if (!request.object || (request.operation !== 'CREATE' && request.operation !== 'UPDATE'))
      return [];
    if (textAt(request.oldObject, 'metadata', 'deletionTimestamp') !== '') return [];
    const pod = request.resource.group === '' && request.resource.resource === 'pods';
    const applies = pod
      ? (request.subresource === '' && request.operation === 'CREATE') ||
        (request.subresource === 'resize' && request.operation === 'UPDATE')
      : isResource(request, '', 'persistentvolumeclaims');
    return applies ? state.list('', 'limitranges', request.namespace) : [];
  };
  return {
    name: 'LimitRanger',
    admit(request) {
      const pod = request.object;
      if (!pod || request.resource.resource !== 'pods') return;
      for (const range of ranges(request)) setDefaults(range, pod);
    },
    validate(request) {
      for (const range of ranges(request)) {
        const limits = mapsOf(at(range, 'spec', 'limits'));
        const errors = isPodLike(request)
          ? limits.flatMap((limit) => checkPod(limit, request.object))
          : limits.flatMap((limit) => checkClaim(limit, request.object));
        if (errors.length > 0) throw forbid(request, aggregate(errors));
      }
    },
  };
}

const isPodLike = (request: AdmissionRequest): boolean =>
  isPod(request) || request.subresource === 'resize';

function setDefaults(range: unknown, pod: KubeObject): void {
  const requests: JsonMap[] = [];
  const limits: JsonMap[] = [];
  for (const limit of mapsOf(at(range, 'spec', 'limits')))
    if (limit['type'] === 'Container') {
      requests.push((limit['defaultRequest'] ?? {}) as JsonMap);
      limits.push((limit['default'] ?? {}) as JsonMap);
    }
  const defaults = {
    limits: Object.assign({}, ...limits) as Record<string, unknown>,
    requests: Object.assign({}, ...requests) as Record<string, unknown>,
  };
  const notes: string[] = [];
  const fill = (list: string, label: string): void => {
    for (const container of mapsOf(at(pod, 'spec', list)))
      for (const side of ['requests', 'limits'] as const) {
        const own = at(container, 'resources', side);
        const missing = Object.keys(defaults[side])
          .filter((name) => at(own, name) === undefined)
          .sort(byBytes);
        if (missing.length === 0) continue;
        const draft = draftAt(container, 'resources', side);
        for (const name of missing) draft[name] = defaults[side][name];
        notes.push(
          `${missing.join(', ')} ${side === 'requests' ? 'request' : 'limit'} for ${label} ${textOf(container['name'])}`,
        );
      }
  };
  fill('containers', 'container');
  fill('initContainers', 'init container');
  if (notes.length > 0)
    pod.metadata.annotations = {
      ...pod.metadata.annotations,
      [annotation]: `LimitRanger plugin set: ${notes.join('; ')}`,
    };
}

function checkPod(limit: JsonMap, pod: unknown): string[] {
  const type = textOf(limit['type']);
  if (type === 'Pod')
    return check(limit, type, podResources(pod, 'requests'), podResources(pod, 'limits'));
  if (type !== 'Container') return [];
  const containers = [
    ...mapsOf(at(pod, 'spec', 'containers')),
    ...mapsOf(at(pod, 'spec', 'initContainers')),
  ];
  return containers.flatMap((container) =>
    check(
      limit,
      type,
      resourceListOf(at(container, 'resources', 'requests')),
      resourceListOf(at(container, 'resources', 'limits')),
    ),
  );
}

function check(
  limit: JsonMap,
  type: string,
  requests: ResourceList,
  limits: ResourceList,
): string[] {
  const errors: string[] = [];
  const add = (error: string | undefined): void => {
    if (error !== undefined) errors.push(error);
  };
  for (const [name, bound] of sorted(resourceListOf(limit['min'])))
    add(belowMinimum(type, name, bound, requests[name], limits[name]));
  for (const [name, bound] of sorted(resourceListOf(limit['max'])))
    add(aboveMaximum(type, name, bound, requests[name], limits[name]));
  for (const [name, bound] of sorted(resourceListOf(limit['maxLimitRequestRatio'])))
    add(aboveRatio(type, name, bound, requests[name], limits[name]));
  return errors;
}

function belowMinimum(
  type: string,
  name: string,
  bound: Quantity,
  request: Quantity | undefined,
  limit: Quantity | undefined,
): string | undefined {
  const rule = `minimum ${name} usage per ${type} is ${formatQuantity(bound)}`;
  if (!request) return `${rule}.  No request is specified`;
  if (request.nanos < bound.nanos) return `${rule}, but request is ${formatQuantity(request)}`;
  if (limit && limit.nanos < bound.nanos) return `${rule}, but limit is ${formatQuantity(limit)}`;
  return undefined;
}

function aboveMaximum(
  type: string,
  name: string,
  bound: Quantity,
  request: Quantity | undefined,
  limit: Quantity | undefined,
): string | undefined {
  const rule = `maximum ${name} usage per ${type} is ${formatQuantity(bound)}`;
  if (!limit) return `${rule}.  No limit is specified`;
  if (limit.nanos > bound.nanos) return `${rule}, but limit is ${formatQuantity(limit)}`;
  if (request && request.nanos > bound.nanos)
    return `${rule}, but request is ${formatQuantity(request)}`;
  return undefined;
}

function aboveRatio(
  type: string,
  name: string,
  bound: Quantity,
  request: Quantity = zero,
  limit: Quantity = zero,
): string | undefined {
  const rule = `${name} max limit to request ratio per ${type} is ${formatQuantity(bound)}`;
  if (request.nanos === 0n) return `${rule}, but no request is specified or request is 0`;
  if (limit.nanos === 0n) return `${rule}, but no limit is specified or limit is 0`;
  const ratio = Number(limit.nanos) / Number(request.nanos);
  return ratio * 1e9 > Number(bound.nanos)
    ? `${rule}, but provided ratio is ${ratio.toFixed(6)}`
    : undefined;
}

function checkClaim(limit: JsonMap, claim: unknown): string[] {
  const type = textOf(limit['type']);
  if (type !== 'PersistentVolumeClaim') return [];
  const requests = resourceListOf(at(claim, 'spec', 'resources', 'requests'));
  const errors: string[] = [];
  for (const [name, bound] of sorted(resourceListOf(limit['min']))) {
    const error = belowMinimum(type, name, bound, requests[name], undefined);
    if (error !== undefined) errors.push(error);
  }
  for (const [name, bound] of sorted(resourceListOf(limit['max']))) {
    const rule = `maximum ${name} usage per ${type} is ${formatQuantity(bound)}`;
    const request = requests[name];
    if (!request) errors.push(`${rule}.  No request is specified`);
    else if (request.nanos > bound.nanos)
      errors.push(`${rule}, but request is ${formatQuantity(request)}`);
  }
  return errors;
}
