import { parseQuantity } from '../machinery/index.ts';
import { specOf, type PodView } from './pods.ts';

/** For static pods, to which no API server has given a class. @see pkg/apis/core/v1/helper/qos/qos.go */
export function qosClassOf(pod: PodView): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  const { containers, initContainers = [], resources } = specOf(pod);
  const all = resources
    ? [resources]
    : [...containers, ...initContainers].map((container) => container.resources ?? {});
  const names = ['cpu', 'memory'];
  const amount = (list: Readonly<Record<string, string>> | undefined, name: string): bigint =>
    parseQuantity(String(list?.[name] ?? '0')).nano;
  const isSet = all.some(({ limits, requests }) =>
    names.some((name) => amount(limits, name) > 0n || amount(requests, name) > 0n),
  );
  if (!isSet) return 'BestEffort';
  const guaranteed = all.every(({ limits, requests }) =>
    names.every((name) => {
      const limit = amount(limits, name);
      return limit > 0n && (requests?.[name] === undefined || amount(requests, name) === limit);
    }),
  );
  return guaranteed ? 'Guaranteed' : 'Burstable';
}
