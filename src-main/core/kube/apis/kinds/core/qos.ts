import { quantityNanos } from '../../validation/quantity.ts';
import type { PodSpec, ResourceList } from './pod-types.ts';

const compute = ['cpu', 'memory'];

const isSet = (list: ResourceList | undefined, name: string): boolean =>
  (quantityNanos(list?.[name] ?? '0') ?? 0n) > 0n;

/**
 * The quality of service a pod's requests and limits buy it.
 * @see pkg/apis/core/helper/qos/qos.go
 */
export function qosClass(spec: PodSpec): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  const own = spec.resources;
  const all =
    own && compute.some((name) => isSet(own.limits, name) || isSet(own.requests, name))
      ? [own]
      : [...(spec.containers ?? []), ...(spec.initContainers ?? [])].map(
          ({ resources }) => resources ?? {},
        );
  const any = all.some(({ limits, requests }) =>
    compute.some((name) => isSet(limits, name) || isSet(requests, name)),
  );
  if (!any) return 'BestEffort';
  const total = (name: string, list: 'limits' | 'requests'): bigint =>
    all.reduce((sum, resources) => sum + (quantityNanos(resources[list]?.[name] ?? '0') ?? 0n), 0n);
  const guaranteed =
    all.every(({ limits }) => compute.every((name) => isSet(limits, name))) &&
    compute.every((name) => {
      const requested = total(name, 'requests');
      return requested === 0n || requested === total(name, 'limits');
    });
  return guaranteed ? 'Guaranteed' : 'Burstable';
}
