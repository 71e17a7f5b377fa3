import { describe, expect, it } from 'vitest';

import { strategyFor } from '../../../../../../src-main/core/kube/apis/index.ts';
import { humanDuration } from '../../../../../../src-main/core/kube/machinery/index.ts';

const nowMs = Date.parse('2026-01-01T10:00:00Z');
const created = '2026-01-01T09:55:00Z';

function cells(group: string, kind: string, object: object): unknown[] {
  const table = strategyFor(group, kind)?.table;
  const metadata = { name: 'x', creationTimestamp: created };
  return table?.cells({ apiVersion: 'v1', kind, metadata, ...object }, { nowMs }) ?? [];
}

const started = { startedAt: created };
const terminated = { exitCode: 1, reason: 'Error', finishedAt: '2026-01-01T09:59:30Z' };

describe('pods', () => {
  const rows: [string, object, object, (string | number)[]][] = [
    ['pending', {}, { phase: 'Pending' }, ['0/1', 'Pending', '0']],
    [
      'running',
      {},
      {
        phase: 'Running',
        containerStatuses: [{ name: 'a', ready: true, state: { running: started } }],
      },
      ['1/1', 'Running', '0'],
    ],
    [
      'back-off',
      {},
      {
        phase: 'Running',
        containerStatuses: [
          {
            name: 'a',
            restartCount: 2,
            state: { waiting: { reason: 'CrashLoopBackOff' } },
            lastState: { terminated },
          },
        ],
      },
      ['0/1', 'CrashLoopBackOff', '2 (30s ago)'],
    ],
    [
      'initializing',
      { initContainers: [{ name: 'i' }, { name: 'j' }] },
      {
        phase: 'Pending',
        initContainerStatuses: [
          { name: 'i', state: { terminated: { exitCode: 0 } } },
          { name: 'j', state: { running: started } },
        ],
      },
      ['0/1', 'Init:1/2', '0'],
    ],
    [
      'failing init container',
      { initContainers: [{ name: 'i' }] },
      {
        phase: 'Pending',
        initContainerStatuses: [{ name: 'i', restartCount: 1, state: { terminated } }],
      },
      ['0/1', 'Init:Error', '1'],
    ],
    [
      'with a sidecar',
      { initContainers: [{ name: 'i', restartPolicy: 'Always' }] },
      {
        phase: 'Running',
        initContainerStatuses: [
          { name: 'i', ready: true, started: true, restartCount: 1, state: { running: started } },
        ],
        containerStatuses: [{ name: 'a', ready: true, state: { running: started } }],
      },
      ['2/2', 'Running', '1'],
    ],
    [
      'completed',
      {},
      {
        phase: 'Succeeded',
        containerStatuses: [
          { name: 'a', state: { terminated: { exitCode: 0, reason: 'Completed' } } },
        ],
      },
      ['0/1', 'Completed', '0'],
    ],
    ['evicted', {}, { phase: 'Failed', reason: 'Evicted' }, ['0/1', 'Evicted', '0']],
    [
      'gated',
      {},
      { phase: 'Pending', conditions: [{ type: 'PodScheduled', reason: 'SchedulingGated' }] },
      ['0/1', 'SchedulingGated', '0'],
    ],
  ];
  it.each(rows)('%s', (_name, spec, status, expected) => {
    const row = cells('', 'Pod', { spec: { containers: [{ name: 'a' }], ...spec }, status });
    expect(row.slice(0, 5)).toEqual(['x', ...expected, '5m']);
  });

  it('shows Terminating once deletion has begun', () => {
    const metadata = { name: 'x', creationTimestamp: created, deletionTimestamp: created };
    const row = cells('', 'Pod', { metadata, spec: {}, status: { phase: 'Running' } });
    expect(row[2]).toBe('Terminating');
  });
});

describe('other kinds', () => {
  const rows: [string, string, object, unknown[]][] = [
    [
      '',
      'Service',
      {
        spec: {
          type: 'NodePort',
          clusterIPs: ['10.96.0.1'],
          ports: [{ port: 80, nodePort: 30080, protocol: 'TCP' }],
        },
      },
      ['x', 'NodePort', '10.96.0.1', '<none>', '80:30080/TCP', '5m', '<none>'],
    ],
    [
      '',
      'Service',
      { spec: { type: 'LoadBalancer', ports: [] }, status: { loadBalancer: {} } },
      ['x', 'LoadBalancer', '<none>', '<pending>', '<none>', '5m', '<none>'],
    ],
    [
      'apps',
      'Deployment',
      {
        spec: {
          replicas: 3,
          selector: { matchLabels: { app: 'a' } },
          template: { spec: { containers: [{ name: 'a', image: 'i' }] } },
        },
        status: { readyReplicas: 1, updatedReplicas: 2, availableReplicas: 1 },
      },
      ['x', '1/3', 2, 1, '5m', 'a', 'i', 'app=a'],
    ],
    [
      'batch',
      'Job',
      {
        spec: { completions: 3 },
        status: {
          succeeded: 1,
          startTime: created,
          conditions: [{ type: 'Suspended', status: 'True' }],
        },
      },
      ['x', 'Suspended', '1/3', '5m', '5m', '', '', '<none>'],
    ],
    [
      'autoscaling',
      'HorizontalPodAutoscaler',
      {
        spec: {
          scaleTargetRef: { kind: 'Deployment', name: 'd' },
          minReplicas: 1,
          maxReplicas: 4,
          metrics: [
            { type: 'Resource', resource: { name: 'cpu', target: { averageUtilization: 50 } } },
          ],
        },
      },
      ['x', 'Deployment/d', 'cpu: <unknown>/50%', '1', 4, 0, '5m'],
    ],
    [
      'networking.k8s.io',
      'Ingress',
      { spec: { rules: [{ host: 'a' }, { host: 'b' }, { host: 'c' }, { host: 'd' }], tls: [{}] } },
      ['x', '<none>', 'a,b,c + 1 more...', '', '80, 443', '5m'],
    ],
    [
      '',
      'Node',
      {
        metadata: {
          name: 'n',
          creationTimestamp: created,
          labels: { 'node-role.kubernetes.io/control-plane': '' },
        },
        spec: { unschedulable: true },
        status: {
          conditions: [{ type: 'Ready', status: 'True' }],
          nodeInfo: { kubeletVersion: 'v1.36.3', kernelVersion: '6.8', architecture: 'amd64' },
        },
      },
      [
        'n',
        'Ready,SchedulingDisabled',
        'control-plane',
        '5m',
        'v1.36.3',
        '<none>',
        '<none>',
        '<unknown>',
        '6.8 (amd64)',
        '<unknown>',
      ],
    ],
  ];
  it.each(rows)('%s %s', (group, kind, object, expected) => {
    expect(cells(group, kind, object)).toEqual(expected);
  });
});

describe('durations', () => {
  const second = 1000;
  const hour = 3600 * second;
  it.each([
    [-3 * second, '<invalid>'],
    [-1 * second, '0s'],
    [119 * second, '119s'],
    [150 * second, '2m30s'],
    [180 * second, '3m'],
    [100 * 60 * second, '100m'],
    [3.5 * hour, '3h30m'],
    [47 * hour, '47h'],
    [75 * hour, '3d3h'],
    [24 * 400 * hour, '400d'],
    [24 * 800 * hour, '2y70d'],
  ])('%d ms', (ms, long) => {
    expect(humanDuration(ms)).toBe(long);
  });
});
