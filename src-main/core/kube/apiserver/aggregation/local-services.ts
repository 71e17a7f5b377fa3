import { byBytes } from '#core/base';
import type { ResourceInfo } from '../../apis/index.ts';
import { formatTime, type KubeObject } from '../../machinery/index.ts';
import type { ServerState } from '../types.ts';

export const aggregationGroup = 'apiregistration.k8s.io';

/** Order of groups and versions in discovery. @see cmd/kube-apiserver/app/aggregator.go, apiVersionPriorities */
const priorities: Readonly<Record<string, readonly [group: number, version: number]>> = {
  'v1.': [18000, 1],
  'v1.events.k8s.io': [17750, 15],
  'v1.apps': [17800, 15],
  'v1.authentication.k8s.io': [17700, 15],
  'v1.authorization.k8s.io': [17600, 15],
  'v1.autoscaling': [17500, 15],
  'v2.autoscaling': [17500, 30],
  'v1.batch': [17400, 15],
  'v1.certificates.k8s.io': [17300, 15],
  'v1.networking.k8s.io': [17200, 15],
  'v1.policy': [17100, 15],
  'v1.rbac.authorization.k8s.io': [17000, 15],
  'v1.storage.k8s.io': [16800, 15],
  'v1.apiextensions.k8s.io': [16700, 15],
  'v1.admissionregistration.k8s.io': [16700, 15],
  'v1.scheduling.k8s.io': [16600, 15],
  'v1.coordination.k8s.io': [16500, 15],
  'v1.node.k8s.io': [16300, 15],
  'v1.discovery.k8s.io': [16200, 15],
  'v1.resource.k8s.io': [16200, 21],
  'v1.flowcontrol.apiserver.k8s.io': [16100, 21],
};
const customPriority = [1000, 100] as const;
const automanaged = 'kube-aggregator.kubernetes.io/automanaged';

/** What must be written so that each served group and version has its local APIService, and no more. */
export interface ApiServiceWrites {
  readonly create: readonly KubeObject[];
  /** Names of APIServices of custom groups that are served no more. */
  readonly delete: readonly string[];
}

/**
 * Compares served groups with the APIServices of the state. A server does this at its start and after each change
 * of its custom resources.
 * @see k8s.io/kube-aggregator/pkg/controllers/autoregister/autoregister_controller.go
 */
export function reconcileLocalApiServices(
  state: ServerState,
  served: readonly ResourceInfo[],
  nowMs: number,
): ApiServiceWrites {
  const wanted = new Map<string, { group: string; version: string }>();
  for (const { group, version } of served)
    // The aggregator answers for its own group and does not register it.
    if (group !== aggregationGroup) wanted.set(`${version}.${group}`, { group, version });
  const existing = state.list(aggregationGroup, 'apiservices');
  const names = new Set(existing.map((object) => object.metadata.name ?? ''));
  return {
    create: [...wanted]
      .filter(([name]) => !names.has(name))
      .sort(([a], [b]) => byBytes(a, b))
      .map(([name, { group, version }]) => localApiService(name, group, version, nowMs)),
    delete: existing
      .filter(
        (object) =>
          object.metadata.labels?.[automanaged] === 'true' &&
          !wanted.has(object.metadata.name ?? ''),
      )
      .map((object) => object.metadata.name ?? ''),
  };
}

function localApiService(name: string, group: string, version: string, nowMs: number): KubeObject {
  const builtin = priorities[name];
  const [groupPriority, versionPriority] = builtin ?? customPriority;
  return {
    apiVersion: `${aggregationGroup}/v1`,
    kind: 'APIService',
    metadata: { name, labels: { [automanaged]: builtin ? 'onstart' : 'true' } },
    spec: {
      ...(group === '' ? {} : { group }),
      groupPriorityMinimum: groupPriority,
      version,
      versionPriority,
    },
    status: {
      conditions: [
        {
          lastTransitionTime: formatTime(nowMs),
          message: 'Local APIServices are always available',
          reason: 'Local',
          status: 'True',
          type: 'Available',
        },
      ],
    },
  };
}
