import type { DeepReadonly } from '#core/base';
import { quantityNanos } from '../../validation/quantity.ts';
import type { PodSpec, ResourceList } from './pod-types.ts';

const compute = ['cpu', 'memory'];

const amount = (list: DeepReadonly<ResourceList> | undefined, name: string): bigint =>
  quantityNanos(list?.[name] ?? '0') ?? 0n;

/**
 * The quality of service a pod's requests and limits buy it. Requests count as they are: where limits stand alone
 * the defaults have made them requests too.
 * @see pkg/apis/core/helper/qos/qos.go
 */
export function qosClass(
  spec: DeepReadonly<Pick<PodSpec, 'containers' | 'initContainers' | 'resources'>>,
): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  const all = spec.resources
    ? [spec.resources]
    : [...(spec.containers ?? []), ...(spec.initContainers ?? [])].map(
        ({ resources }) => resources ?? {},
      );
  const any = all.some(({ limits, requests }) =>
    compute.some((name) => amount(limits, name) > 0n || amount(requests, name) > 0n),
  );
  if (!any) return 'BestEffort';
  const total = (name: string, list: 'limits' | 'requests'): bigint =>
    all.reduce((sum, resources) => sum + amount(resources[list], name), 0n);
  const guaranteed =
    all.every(({ limits }) => compute.every((name) => amount(limits, name) > 0n)) &&
    compute.every((name) => total(name, 'requests') === total(name, 'limits'));
  return guaranteed ? 'Guaranteed' : 'Burstable';
}
