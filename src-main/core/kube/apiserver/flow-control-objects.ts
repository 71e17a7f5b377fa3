import type { KubeObject } from '../machinery/index.ts';

const apiVersion = 'flowcontrol.apiserver.k8s.io/v1';
/** Says whether the server may bring the spec back to what it wants. */
export const autoUpdateAnnotation = 'apf.kubernetes.io/autoupdate-spec';

export interface StandardObject {
  readonly resource: 'flowschemas' | 'prioritylevelconfigurations';
  /** Mandatory ones are always brought back; suggested ones belong to who changed them. */
  readonly isMandatory: boolean;
  readonly object: KubeObject;
}

const every = ['*'];
const anyResource = {
  verbs: every,
  apiGroups: every,
  resources: every,
  clusterScope: true,
  namespaces: every,
};
const leases = (verbs: readonly string[]): object => ({
  verbs,
  apiGroups: ['coordination.k8s.io'],
  resources: ['leases'],
  namespaces: every,
});
const anything = {
  resourceRules: [anyResource],
  nonResourceRules: [{ verbs: every, nonResourceURLs: every }],
};

const groups = (...names: string[]): object[] =>
  names.map((name) => ({ kind: 'Group', group: { name } }));
const users = (...names: string[]): object[] =>
  names.map((name) => ({ kind: 'User', user: { name } }));
const kubeSystemAccounts = [
  { kind: 'ServiceAccount', serviceAccount: { namespace: 'kube-system', name: '*' } },
];
const everybody = groups('system:unauthenticated', 'system:authenticated');
const nodes = groups('system:nodes');

function level(name: string, spec: object, isMandatory = false): StandardObject {
  return {
    resource: 'prioritylevelconfigurations',
    isMandatory,
    object: {
      apiVersion,
      kind: 'PriorityLevelConfiguration',
      metadata: { name, annotations: { [autoUpdateAnnotation]: 'true' } },
      spec,
    },
  };
}

function queued(
  name: string,
  shares: number,
  lendable: number,
  queues: number,
  handSize: number,
): StandardObject {
  return level(name, {
    type: 'Limited',
    limited: {
      nominalConcurrencyShares: shares,
      limitResponse: { type: 'Queue', queuing: { queues, handSize, queueLengthLimit: 50 } },
      lendablePercent: lendable,
    },
  });
}

function schema(
  name: string,
  levelName: string,
  matchingPrecedence: number,
  distinguisher: 'ByUser' | 'ByNamespace' | undefined,
  rule: object,
  isMandatory = false,
): StandardObject {
  return {
    resource: 'flowschemas',
    isMandatory,
    object: {
      apiVersion,
      kind: 'FlowSchema',
      metadata: { name, annotations: { [autoUpdateAnnotation]: 'true' } },
      spec: {
        priorityLevelConfiguration: { name: levelName },
        matchingPrecedence,
        ...(distinguisher && { distinguisherMethod: { type: distinguisher } }),
        rules: [rule],
      },
    },
  };
}

/**
 * The flow schemas and priority levels of every cluster.
 * @see k8s.io/apiserver/pkg/apis/flowcontrol/bootstrap/default.go
 */
export const standardFlowControl: readonly StandardObject[] = [
  queued('system', 30, 33, 64, 6),
  queued('node-high', 40, 25, 64, 6),
  queued('leader-election', 10, 0, 16, 4),
  queued('workload-high', 40, 50, 128, 6),
  queued('workload-low', 100, 90, 128, 6),
  queued('global-default', 20, 50, 128, 6),
  level(
    'exempt',
    { type: 'Exempt', exempt: { nominalConcurrencyShares: 0, lendablePercent: 0 } },
    true,
  ),
  level(
    'catch-all',
    {
      type: 'Limited',
      limited: {
        nominalConcurrencyShares: 5,
        limitResponse: { type: 'Reject' },
        lendablePercent: 0,
      },
    },
    true,
  ),
  schema('system-nodes', 'system', 500, 'ByUser', { subjects: nodes, ...anything }),
  schema('system-node-high', 'node-high', 400, 'ByUser', {
    subjects: nodes,
    resourceRules: [
      { ...anyResource, apiGroups: [''], resources: ['nodes', 'nodes/status'] },
      leases(every),
    ],
  }),
  schema('probes', 'exempt', 2, undefined, {
    subjects: everybody,
    nonResourceRules: [{ verbs: ['get'], nonResourceURLs: ['/healthz', '/readyz', '/livez'] }],
  }),
  schema('system-leader-election', 'leader-election', 100, 'ByUser', {
    subjects: [
      ...users('system:kube-controller-manager', 'system:kube-scheduler'),
      ...kubeSystemAccounts,
    ],
    resourceRules: [leases(['get', 'create', 'update'])],
  }),
  schema('kube-controller-manager', 'workload-high', 800, 'ByNamespace', {
    subjects: users('system:kube-controller-manager'),
    ...anything,
  }),
  schema('kube-scheduler', 'workload-high', 800, 'ByNamespace', {
    subjects: users('system:kube-scheduler'),
    ...anything,
  }),
  schema('kube-system-service-accounts', 'workload-high', 900, 'ByNamespace', {
    subjects: kubeSystemAccounts,
    ...anything,
  }),
  schema('service-accounts', 'workload-low', 9000, 'ByUser', {
    subjects: groups('system:serviceaccounts'),
    ...anything,
  }),
  schema('global-default', 'global-default', 9900, 'ByUser', {
    subjects: everybody,
    ...anything,
  }),
  schema(
    'exempt',
    'exempt',
    1,
    undefined,
    { subjects: groups('system:masters'), ...anything },
    true,
  ),
  schema('catch-all', 'catch-all', 10_000, 'ByUser', { subjects: everybody, ...anything }, true),
];
