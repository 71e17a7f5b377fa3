import { byBytes, type Clock, type DeepReadonly, jsonClone, jsonEqual } from '#core/base';
import { isReason, type KubeObject } from '../../../machinery/index.ts';
import {
  addInto,
  at,
  formatQuantity,
  formatResourceList,
  mapsOf,
  type Quantity,
  type ResourceList,
  resourceListOf,
  subtractQuantities,
  textOf,
  textsOf,
} from '../../fields/index.ts';
import type { AdmissionPlugin, AdmissionRequest, ServerState } from '../../types.ts';
import { forbid } from '../attributes.ts';
import { evaluatorFor, type QuotaEvaluator, type Scope } from './evaluators.ts';

/**
 * Stores an object's status as the server itself.
 * @throws StatusError 409 the object has changed since it was read.
 */
export type UpdateStatus = (
  group: string,
  resource: string,
  object: KubeObject,
) => Promise<void> | void;

const retries = 3;
const ignoredGroups = new Set(['authentication.k8s.io', 'authorization.k8s.io']);
const ignoredResources = new Set(['events', 'bindings']);

/**
 * Charges creates and updates to the quotas of their namespace and refuses what would exceed one. The new usage
 * is written before the object is stored, as upstream; the quota controller corrects it when the write fails.
 * @see k8s.io/apiserver/pkg/admission/plugin/resourcequota/controller.go
 */
export function resourceQuota(
  state: ServerState,
  clock: Clock,
  updateStatus: UpdateStatus,
): AdmissionPlugin {
  return {
    name: 'ResourceQuota',
    async validate(request) {
      const { group, resource } = request.resource;
      if (request.namespace === '' || !request.object || resource === 'namespaces') return;
      if (request.operation !== 'CREATE' && request.operation !== 'UPDATE') return;
      if (ignoredGroups.has(group) || ignoredResources.has(resource)) return;
      const evaluator = evaluatorFor(group, resource);
      if (!evaluator.handles(request)) return;
      let only: ReadonlySet<string> | undefined;
      for (let left = retries; ; left--) {
        const quotas = state
          .list('', 'resourcequotas', request.namespace)
          .filter((quota) => !only || only.has(quota.metadata.name ?? ''));
        const charged = charge(quotas, request, evaluator, clock.now());
        if (request.dryRun) return;
        const failed = new Set<string>();
        let lastError: unknown;
        for (const quota of charged) {
          try {
            await updateStatus('', 'resourcequotas', quota);
          } catch (error) {
            if (!isReason(error, 'Conflict')) throw error;
            failed.add(quota.metadata.name ?? '');
            lastError = error;
          }
        }
        if (failed.size === 0) return;
        if (left === 0) throw lastError;
        only = failed;
      }
    },
  };
}

/** The quotas whose usage the request moves, with their new status. @throws StatusError 403 */
function charge(
  quotas: readonly DeepReadonly<KubeObject>[],
  request: AdmissionRequest,
  evaluator: QuotaEvaluator,
  nowMs: number,
): KubeObject[] {
  const { object } = request;
  const interesting = quotas.filter((quota) => isInteresting(quota, request, evaluator));
  if (interesting.length === 0) return [];
  const usage = evaluator.usage(object, nowMs);
  const negative = Object.keys(usage).filter((name) => (usage[name]?.nanos ?? 0n) < 0n);
  if (negative.length > 0)
    throw forbid(
      request,
      `quota usage is negative for resource(s): ${negative.sort(byBytes).join(',')}`,
    );
  const isUpdate =
    request.operation === 'UPDATE' && (request.oldObject?.metadata.resourceVersion ?? '') !== '';
  const delta = isUpdate
    ? positiveDifference(usage, evaluator.usage(request.oldObject, nowMs))
    : usage;

  const charged: KubeObject[] = [];
  for (const quota of interesting) {
    const full = isUpdate && !matches(quota, request.oldObject, evaluator) ? usage : delta;
    const moved = Object.fromEntries(
      Object.entries(full).filter(([, quantity]) => quantity.nanos !== 0n),
    );
    const hard = resourceListOf(at(quota, 'status', 'hard'));
    const used = resourceListOf(at(quota, 'status', 'used'));
    const requested = mask(moved, Object.keys(hard));
    if (Object.keys(requested).length === 0) continue;
    const total: Record<string, Quantity> = { ...used };
    addInto(total, requested);
    const exceeded = Object.keys(requested).filter(
      (name) => (total[name]?.nanos ?? 0n) > (hard[name]?.nanos ?? 0n),
    );
    if (exceeded.length > 0) {
      const print = (list: ResourceList): string => printList(mask(list, exceeded));
      throw forbid(
        request,
        `exceeded quota: ${quota.metadata.name ?? ''}, requested: ${print(requested)}, used: ${print(used)}, limited: ${print(hard)}`,
      );
    }
    const next = jsonClone(quota) as KubeObject;
    const status = { ...(next['status'] as object), used: formatResourceList(total) };
    if (jsonEqual(status, next['status'])) continue;
    next['status'] = status;
    charged.push(next);
  }
  return charged;
}

function isInteresting(
  quota: DeepReadonly<KubeObject>,
  request: AdmissionRequest,
  evaluator: QuotaEvaluator,
): boolean {
  if (!matches(quota, request.object, evaluator)) return false;
  const name = quota.metadata.name ?? '';
  const restricted = evaluator.matching(Object.keys(resourceListOf(at(quota, 'status', 'hard'))));
  const problem = evaluator.constraints(restricted, request.object);
  if (problem !== undefined) throw forbid(request, `failed quota: ${name}: ${problem}`);
  const used = resourceListOf(at(quota, 'status', 'used'));
  if (restricted.some((each) => !used[each]))
    throw forbid(
      request,
      `status unknown for quota: ${name}, resources: ${[...restricted].sort(byBytes).join(',')}`,
    );
  return true;
}

function matches(
  quota: DeepReadonly<KubeObject>,
  object: unknown,
  evaluator: QuotaEvaluator,
): boolean {
  const hard = Object.keys(resourceListOf(at(quota, 'status', 'hard')));
  return (
    evaluator.matching(hard).length > 0 &&
    scopesOf(quota).every((scope) => evaluator.matchesScope(scope, object))
  );
}

function scopesOf(quota: unknown): Scope[] {
  return [
    ...textsOf(at(quota, 'spec', 'scopes')).map((name) => ({
      name,
      operator: 'Exists',
      values: [],
    })),
    ...mapsOf(at(quota, 'spec', 'scopeSelector', 'matchExpressions')).map((each) => ({
      name: textOf(each['scopeName']),
      operator: textOf(each['operator']),
      values: textsOf(each['values']),
    })),
  ];
}

function mask(list: ResourceList, names: readonly string[]): Record<string, Quantity> {
  return Object.fromEntries(Object.entries(list).filter(([name]) => names.includes(name)));
}

function printList(list: ResourceList): string {
  return Object.entries(list)
    .sort(([a], [b]) => byBytes(a, b))
    .map(([name, quantity]) => `${name}=${formatQuantity(quantity)}`)
    .join(',');
}

function positiveDifference(now: ResourceList, before: ResourceList): Record<string, Quantity> {
  const difference: Record<string, Quantity> = {};
  for (const [name, quantity] of Object.entries(now)) {
    const old = before[name];
    const change = old ? subtractQuantities(quantity, old) : quantity;
    if (change.nanos > 0n) difference[name] = change;
  }
  return difference;
}
