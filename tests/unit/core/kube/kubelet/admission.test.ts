import { expect, test } from 'vitest';
import type { Node, PodSpec, Taint } from '../../../../../src-main/core/kube/apis/index.ts';
import { admit } from '../../../../../src-main/core/kube/kubelet/admission.ts';

const node = (taints: Taint[] = []): Node => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'node01', labels: { disk: 'ssd', cores: '10' } },
  spec: { taints },
});
const affinity = (
  key: string,
  operator: string,
  values: string[],
): NonNullable<PodSpec['affinity']> => ({
  nodeAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: {
      nodeSelectorTerms: [{ matchExpressions: [{ key, operator, values }] }],
    },
  },
});
const refusal = (
  spec: Partial<PodSpec>,
  taints: Taint[] = [],
  source?: string,
  others: PodSpec[] = [],
): string => {
  const refused = admit({
    pod: {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: 'p',
        ...(source ? { annotations: { 'kubernetes.io/config.source': source } } : {}),
      },
      spec: { containers: [{ name: 'c' }], ...spec },
    },
    others: others.map((other) => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'other' },
      spec: other,
    })),
    node: node(taints),
    allocatable: { cpuMilli: 2000, memoryBytes: 1024 ** 3, pods: 110 },
    allowedUnsafeSysctls: [],
    pressures: [],
  });
  return refused ? `${refused.reason}: ${refused.message}` : '';
};

const unfit =
  "NodeAffinity: Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector";
const untolerated =
  "TaintToleration: Predicate TaintToleration failed: node(s) had taints that the pod didn't tolerate";
const hard: Taint = { key: 'gone', effect: 'NoExecute' };

test.each<[name: string, spec: Partial<PodSpec>, taints: Taint[], refused: string]>([
  ['a label the node has', { nodeSelector: { disk: 'ssd' } }, [], ''],
  ['a label it has not', { nodeSelector: { disk: 'hdd' } }, [], unfit],
  ['a number below its own', { affinity: affinity('cores', 'Gt', ['9']) }, [], ''],
  ['its own number', { affinity: affinity('cores', 'Gt', ['10']) }, [], unfit],
  ['a bound that is no whole number', { affinity: affinity('cores', 'Gt', ['9.5']) }, [], unfit],
  ['a text as a number', { affinity: affinity('disk', 'Lt', ['9']) }, [], unfit],
  ['a taint that sends pods away', {}, [hard], untolerated],
  ['the taint tolerated', { tolerations: [{ key: 'gone', operator: 'Exists' }] }, [hard], ''],
  ['a taint for the scheduler alone', {}, [{ key: 'gone', effect: 'NoSchedule' }], ''],
])('%s', (_name, spec, taints, refused) => {
  expect(refusal(spec, taints)).toBe(refused);
});

test('a static pod is taken whatever the taints', () => {
  expect(refusal({}, [hard], 'file')).toBe('');
});

test.each<[why: string, other: [ip: string, protocol: string], fits: boolean]>([
  ['on all addresses', ['', 'TCP'], false],
  ['on the same address', ['127.0.0.1', 'TCP'], false],
  ['on another address', ['192.0.2.1', 'TCP'], true],
  ['of another protocol', ['127.0.0.1', 'UDP'], true],
])('a port of the host that is taken %s', (_why, [hostIP, protocol], fits) => {
  const on = (ip: string, kind: string): PodSpec => ({
    containers: [
      {
        name: 'c',
        ports: [
          {
            containerPort: 80,
            hostPort: 8080,
            protocol: kind,
            ...(ip === '' ? {} : { hostIP: ip }),
          },
        ],
      },
    ],
  });
  expect(refusal(on('127.0.0.1', 'TCP'), [], undefined, [on(hostIP, protocol)])).toBe(
    fits
      ? ''
      : "NodePorts: Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports",
  );
});
