import { describe, expect, it } from 'vitest';

import { jsonClone } from '../../../../../../src-main/core/base/index.ts';
import { type FieldError, strategyFor } from '../../../../../../src-main/core/kube/apis/index.ts';
import type { KubeObject } from '../../../../../../src-main/core/kube/machinery/index.ts';

// Rules beyond the recordings, each as a real API server v1.36.3 was seen to apply it.
const context = { nowMs: Date.parse('2026-01-01T10:00:00Z') };
const strategyOf = ({ apiVersion, kind }: KubeObject) =>
  strategyFor(apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '', kind);
const told = (errors: readonly FieldError[] | undefined): string[] =>
  (errors ?? []).map(({ field, message }) => `${field}: ${message}`);
const object = (apiVersion: string, kind: string, fields: object): KubeObject => ({
  apiVersion,
  kind,
  metadata: { name: 'a', namespace: 'default', uid: 'u' },
  ...fields,
});
const pod = (spec: object): object => ({ containers: [{ name: 'main', image: 'nginx' }], ...spec });

function created(draft: KubeObject): string[] {
  const strategy = strategyOf(draft);
  strategy?.defaults?.(draft);
  strategy?.prepareForCreate?.(draft, context);
  return told(strategy?.validate?.(draft, context));
}

function settled(draft: KubeObject): KubeObject {
  created(draft);
  return draft;
}

describe('what is refused on create', () => {
  const labels = { app: 'a' };
  const template = { metadata: { labels }, spec: pod({}) };
  const job = (spec: object): object => ({
    spec: { template: { spec: pod({ restartPolicy: 'Never' }) }, ...spec },
  });
  const indexed = { completionMode: 'Indexed', completions: 4 };
  it.each<[string, KubeObject, string[]]>([
    [
      'a selector that is none hides whether it matches',
      object('apps/v1', 'Deployment', {
        spec: { selector: { matchLabels: { app: '-' } }, template },
      }),
      [
        `spec.selector.matchLabels: Invalid value: "-": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')`,
        'spec.selector: Invalid value: {"matchLabels":{"app":"-"}}: invalid label selector',
      ],
    ],
    [
      'a DaemonSet without selector',
      object('apps/v1', 'DaemonSet', { spec: { selector: null, template } }),
      [
        'spec.template.metadata.labels: Invalid value: {"app":"a"}: `selector` does not match template `labels`',
      ],
    ],
    [
      'a claim nobody declares',
      object('v1', 'Pod', {
        spec: pod({
          containers: [{ name: 'main', image: 'nginx', resources: { claims: [{ name: 'gpu' }] } }],
        }),
      }),
      [
        'spec.containers[0].resources.claims[0]: Not found: "gpu": must be one of the names in pod.spec.resourceClaims which is empty',
      ],
    ],
    [
      "the metadata of a volume's claim",
      object('v1', 'Pod', {
        spec: pod({
          volumes: [
            {
              name: 'v',
              ephemeral: {
                volumeClaimTemplate: {
                  metadata: { generation: 1, finalizers: ['a/b'] },
                  spec: {
                    accessModes: ['ReadWriteOnce'],
                    resources: { requests: { storage: '1Gi' } },
                  },
                },
              },
            },
          ],
        }),
      }),
      [
        'spec.volumes[0].ephemeral.volumeClaimTemplate.metadata.generation: Forbidden: cannot be set',
        'spec.volumes[0].ephemeral.volumeClaimTemplate.metadata.finalizers: Forbidden: cannot be set',
      ],
    ],
    [
      'a success policy without indexes',
      object('batch/v1', 'Job', job({ successPolicy: { rules: [{ succeededCount: 1 }] } })),
      [
        'spec.successPolicy: Invalid value: {"Rules":[{"SucceededIndexes":null,"SucceededCount":1}]}: requires indexed completion mode',
      ],
    ],
    [
      'indexes that are none',
      object(
        'batch/v1',
        'Job',
        job({
          ...indexed,
          successPolicy: {
            rules: [
              { succeededIndexes: '1-3,2' },
              { succeededIndexes: '7' },
              { succeededIndexes: 'x' },
              {},
            ],
          },
        }),
      ),
      [
        'spec.successPolicy.rules[0].succeededIndexes: Invalid value: "1-3,2": error parsing succeededIndexes: non-increasing order, previous: 3, current: 2',
        'spec.successPolicy.rules[1].succeededIndexes: Invalid value: "7": error parsing succeededIndexes: too large index: "7"',
        'spec.successPolicy.rules[2].succeededIndexes: Invalid value: "x": error parsing succeededIndexes: cannot convert string to integer for index: "x"',
        'spec.successPolicy.rules[3]: Required value: at least one of succeededCount or succeededIndexes must be specified',
      ],
    ],
    [
      'more successes than indexes',
      object(
        'batch/v1',
        'Job',
        job({
          ...indexed,
          successPolicy: { rules: [{ succeededIndexes: '0-1', succeededCount: 5 }] },
        }),
      ),
      [
        'spec.successPolicy.rules[0].succeededCount: Invalid value: 5: must be less than or equal to 4 (the number of specified completions)',
        'spec.successPolicy.rules[0].succeededCount: Invalid value: 5: must be less than or equal to 2 (the number of indexes in the specified succeededIndexes field)',
      ],
    ],
    [
      'more failed indexes than are kept',
      object(
        'batch/v1',
        'Job',
        job({ ...indexed, backoffLimitPerIndex: 1, maxFailedIndexes: 200_000 }),
      ),
      [
        'spec.maxFailedIndexes: Invalid value: 200000: must be less than or equal to completions',
        'spec.maxFailedIndexes: Invalid value: 200000: must be less than or equal to 100000',
      ],
    ],
    [
      'secrets of a CSI volume',
      object('v1', 'PersistentVolume', {
        spec: {
          capacity: { storage: '1Gi' },
          accessModes: ['ReadWriteOnce'],
          csi: { driver: 'csi.example.com', volumeHandle: 'h', nodeExpandSecretRef: {} },
        },
      }),
      [
        'spec.csi.nodeExpandSecretRef.name: Required value',
        'spec.csi.nodeExpandSecretRef.namespace: Required value',
      ],
    ],
    [
      'an event of the newer group',
      object('events.k8s.io/v1', 'Event', {
        regarding: { namespace: 'default' },
        type: 'Odd',
        deprecatedCount: 3,
      }),
      [
        'eventTime: Required value',
        'type: Invalid value: "": has invalid value: Odd',
        'count: Invalid value: "": needs to be unset',
      ],
    ],
    [
      'where endpoints say they are',
      object('v1', 'Endpoints', {
        subsets: [{ addresses: [{ ip: '10.1.1.1', nodeName: 'A' }], ports: [{ port: 80 }] }],
      }),
      [
        `subsets[0].addresses[0].nodeName: Invalid value: "A": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')`,
      ],
    ],
  ])('%s', (_name, draft, causes) => {
    expect(created(draft)).toEqual(causes);
  });
});

describe('what is refused on update', () => {
  it.each<[string, KubeObject, (draft: Record<string, never>) => void, string[]]>([
    [
      'the range of a node',
      object('v1', 'Node', { spec: { podCIDR: '10.0.0.0/24' } }),
      (draft) => Object.assign(draft, { spec: { podCIDR: '10.1.0.0/24', externalID: 'x' } }),
      [
        'spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid',
        'spec.externalID: Forbidden: may not be updated',
      ],
    ],
    [
      'where a volume can be',
      object('v1', 'PersistentVolume', {
        spec: {
          capacity: { storage: '1Gi' },
          accessModes: ['ReadWriteOnce'],
          hostPath: { path: '/a' },
          nodeAffinity: {
            required: {
              nodeSelectorTerms: [
                { matchExpressions: [{ key: 'zone', operator: 'In', values: ['a'] }] },
              ],
            },
          },
        },
      }),
      (draft) => {
        const spec = draft['spec'] as unknown as { nodeAffinity?: unknown };
        delete spec.nodeAffinity;
      },
      [
        'nodeAffinity: Invalid value: null: field is immutable, except for updating from beta label to GA',
      ],
    ],
    [
      'an event of the newer group',
      object('events.k8s.io/v1', 'Event', {
        eventTime: '2020-01-01T00:00:00.000000Z',
        reportingController: 'example.com/x',
        reportingInstance: 'x',
        action: 'Do',
        reason: 'Done',
        type: 'Normal',
        regarding: { kind: 'Pod', namespace: 'default', name: 'a' },
      }),
      (draft) => Object.assign(draft, { reason: 'Other', note: 'new' }),
      [
        'reason: Invalid value: "Other": field is immutable',
        'message: Invalid value: "new": field is immutable',
        'reason: Invalid value: "Other": field is immutable',
      ],
    ],
  ])('%s', (_name, draft, change, causes) => {
    const old = settled(draft);
    const next = jsonClone(old);
    change(next as unknown as Record<string, never>);
    const strategy = strategyOf(next);
    strategy?.defaults?.(next);
    strategy?.prepareForUpdate?.(next, old, context);
    expect(told(strategy?.validateUpdate?.(next, old, context))).toEqual(causes);
  });

  const suspended = (): KubeObject =>
    settled(
      object('batch/v1', 'Job', {
        spec: { suspend: true, template: { spec: pod({ restartPolicy: 'Never' }) } },
      }),
    );
  const specOf = (job: KubeObject) =>
    (job['spec'] as { template: { spec: Record<string, unknown> } }).template.spec;
  const update = (next: KubeObject, old: KubeObject): string[] =>
    told(strategyOf(next)?.validateUpdate?.(next, old, context));

  it('lets a suspended Job change where its pods go and what they ask for', () => {
    const old = suspended();
    const next = jsonClone(old);
    const spec = specOf(next);
    spec['nodeSelector'] = { disk: 'ssd' };
    (spec['containers'] as Record<string, unknown>[])[0]!['resources'] = {
      requests: { cpu: '1' },
    };
    expect(update(next, old)).toEqual([]);
  });

  it('holds the rest of its template', () => {
    const old = suspended();
    const next = jsonClone(old);
    specOf(next)['hostname'] = 'other';
    const [cause = ''] = update(next, old);
    expect(cause).toMatch(
      /^spec\.template\.spec: Invalid value: \{"Volumes":null,.*field is immutable$/,
    );
  });
});

describe('what is refused of a status', () => {
  const condition = (type: string, status = 'True'): object => ({ type, status });
  const time = (minute: number): string => `2020-01-01T00:0${minute}:00Z`;
  const indexed = { completionMode: 'Indexed', completions: 4, parallelism: 1 };
  it.each<[string, string, object, object, object, string[]]>([
    [
      'a Job that is complete without its end',
      'Job',
      {},
      { startTime: time(0) },
      { startTime: time(0), conditions: [condition('Complete')] },
      [
        'status.completionTime: Required value: completionTime is required for Complete jobs',
        'status.conditions: Invalid value: cannot set Complete=True condition without the SuccessCriteriaMet=true condition',
      ],
    ],
    [
      'a Job that is complete and failed, with pods',
      'Job',
      {},
      {},
      {
        active: 1,
        startTime: time(2),
        completionTime: time(1),
        conditions: [condition('Complete'), condition('SuccessCriteriaMet'), condition('Failed')],
      },
      [
        'status.conditions: Invalid value: cannot set Complete=True and Failed=true conditions',
        `status.completionTime: Invalid value: "${time(1)}": must be equal to or after \`startTime\``,
        'status.conditions: Invalid value: cannot set Failed=True condition without the FailureTarget=true condition',
        'status.active: Invalid value: 1: active>0 is invalid for finished job',
        'status.conditions: Invalid value: cannot set SuccessCriteriaMet=True and Failed=true conditions',
      ],
    ],
    [
      'an end that is taken back',
      'Job',
      {},
      { failed: 2, conditions: [condition('Failed'), condition('FailureTarget')] },
      { failed: 1, conditions: [condition('FailureTarget')] },
      [
        'status.conditions: Invalid value: cannot disable the terminal Failed=True condition',
        'status.failed: Invalid value: 1: cannot decrease the failed counter',
      ],
    ],
    [
      'indexes that overlap',
      'Job',
      { ...indexed, backoffLimitPerIndex: 1 },
      {},
      { completedIndexes: '0-2', failedIndexes: '2-3' },
      [
        'status.failedIndexes: Invalid value: "2-3": failedIndexes and completedIndexes overlap at index: 2',
      ],
    ],
    [
      'indexes of a Job without',
      'Job',
      {},
      {},
      { completedIndexes: '0', failedIndexes: '1', ready: 2, active: 1 },
      [
        'status.completedIndexes: Invalid value: "0": cannot set non-empty completedIndexes when non-indexed completion mode',
        'status.failedIndexes: Invalid value: "1": cannot set non-null failedIndexes when backoffLimitPerIndex is null',
        'status.ready: Invalid value: 2: cannot set more ready pods than active',
      ],
    ],
    [
      'collisions that vanish',
      'StatefulSet',
      {},
      { replicas: 0, collisionCount: 0 },
      { replicas: 0 },
      ['status.collisionCount: Invalid value: 0: cannot be decremented'],
    ],
    [
      'traffic of a Service without load balancer',
      'Service',
      { type: 'ClusterIP' },
      {},
      { loadBalancer: { ingress: [{ ip: '192.0.2.1', ipMode: 'VIP' }] } },
      [
        "status.loadBalancer.ingress: Forbidden: may only be used when `spec.type` is 'LoadBalancer'",
      ],
    ],
    [
      'traffic that comes in two ways',
      'Service',
      { type: 'LoadBalancer' },
      {},
      { loadBalancer: { ingress: [{ ip: '192.0.2.1', ipMode: 'Odd' }, { ipMode: 'VIP' }] } },
      [
        'status.loadBalancer.ingress[0].ipMode: Unsupported value: "Odd": supported values: "Proxy", "VIP"',
        'status.loadBalancer.ingress[1].ipMode: Forbidden: may not be specified when `ip` is not set',
      ],
    ],
    [
      'a condition of a pod without a name of its own',
      'Pod',
      { nodeName: 'node01' },
      {},
      { nominatedNodeName: 'node02', conditions: [condition('Ready'), condition('-x')] },
      [
        `status.conditions[1].Type: Invalid value: "-x": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`,
        'status.nominatedNodeName: Forbidden: may not be set on pods that are already bound to a node',
      ],
    ],
  ])('%s', (_name, kind, spec, before, status, causes) => {
    const apiVersion = { Job: 'batch/v1', StatefulSet: 'apps/v1' }[kind] ?? 'v1';
    const old = object(apiVersion, kind, { spec, status: before });
    const next = object(apiVersion, kind, { spec, status });
    const errors = strategyOf(next)?.validateStatusUpdate?.(next, old, '', { nowMs: 0 });
    expect(told(errors)).toEqual(causes);
  });
});

describe('what becomes of a write', () => {
  const after = (draft: KubeObject): KubeObject => settled(draft);
  it('keeps the names of an account’s secrets alone', () => {
    const account = object('v1', 'ServiceAccount', {
      secrets: [{ name: 'a', uid: 'x' }, { kind: 'y' }],
    });
    expect(after(account)['secrets']).toEqual([{ name: 'a' }, {}]);
  });

  it('gives a Job the labels of its template', () => {
    const job = after(
      object('batch/v1', 'Job', { spec: { template: { spec: pod({ restartPolicy: 'Never' }) } } }),
    );
    expect(job.metadata.labels).toEqual({
      'batch.kubernetes.io/controller-uid': 'u',
      'batch.kubernetes.io/job-name': 'a',
      'controller-uid': 'u',
      'job-name': 'a',
    });
  });

  it('lets the first range of a node win, and drops its configuration', () => {
    const spec = { podCIDR: '10.0.0.0/24', podCIDRs: ['10.9.0.0/24'], configSource: {} };
    expect(after(object('v1', 'Node', { spec }))['spec']).toEqual({
      podCIDR: '10.0.0.0/24',
      podCIDRs: ['10.0.0.0/24'],
    });
  });

  it('drops how many pods of a StatefulSet may be away', () => {
    const set = object('apps/v1', 'StatefulSet', {
      spec: { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 2 } } },
    });
    expect((after(set)['spec'] as Record<string, unknown>)['updateStrategy']).toEqual({
      type: 'RollingUpdate',
      rollingUpdate: { partition: 0 },
    });
  });

  it.each([
    ['no PEM', 'text', 'text', 'tls: failed to find any PEM data in certificate input'],
    [
      'both the wrong way round',
      '-----BEGIN PRIVATE KEY-----\nYQ==\n-----END PRIVATE KEY-----\n',
      '',
      'tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched',
    ],
    [
      'no key',
      '-----BEGIN CERTIFICATE-----\nYQ==\n-----END CERTIFICATE-----\n',
      'text',
      'tls: failed to find any PEM data in key input',
    ],
  ])('warns of a TLS secret with %s', (_name, certificate, key, warning) => {
    const secret = object('v1', 'Secret', {
      type: 'kubernetes.io/tls',
      data: { 'tls.crt': btoa(certificate), 'tls.key': btoa(key) },
    });
    expect(strategyOf(secret)?.warnings?.(secret)).toEqual([warning]);
  });

  it('warns of an account’s annotation when it is new', () => {
    const account = object('v1', 'ServiceAccount', {});
    account.metadata.annotations = { 'kubernetes.io/enforce-mountable-secrets': 'true' };
    const strategy = strategyOf(account);
    expect(strategy?.warnings?.(account)).toHaveLength(1);
    expect(strategy?.warnings?.(account, account)).toEqual([]);
  });
});
