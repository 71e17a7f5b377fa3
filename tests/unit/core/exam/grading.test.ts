import { describe, expect, test } from 'vitest';
import { inMemoryCluster } from '#tests/graded-cluster';
import {
  type Check,
  ClusterDownError,
  gradeTask,
  instantiate,
  seedTask,
  type Task,
} from '#core/exam';
import type { Assertion } from '../../../../src-main/core/exam/assertion.ts';

const text = (words: string): { ko: string; en: string } => ({ ko: words, en: words });

function taskOf(checks: readonly Check[], overrides: Partial<Task> = {}): Task {
  return {
    id: 't',
    version: 1,
    title: text('T {{app}}'),
    domain: 'troubleshooting',
    competencies: ['tr.nodes'],
    tier: 'quick',
    targetSeconds: 60,
    weight: 5,
    lab: {
      topology: 'base+1cp+2w',
      host: 'controlplane',
      namespace: '{{app}}-ns',
      isolated: false,
    },
    params: { app: { pick: ['web'] } },
    seed: [],
    checks,
    hints: [text('h')],
    quickref: [],
    wrong: [],
    text: text('Do {{app}}'),
    solution: text('s'),
    manifests: {},
    scripts: { 'ref.sh': 'true' },
    ...overrides,
  };
}

const check = (id: string, assert: Assertion, more: Partial<Check> = {}): Check => ({
  id,
  description: text(id),
  points: 2,
  assert,
  ...more,
});

const pod = (
  name: string,
  ready: boolean,
  nodeName = 'node01',
  labels = { app: 'web' },
): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'web-ns', labels },
  spec: { nodeName },
  status: { conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
});
const service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web', namespace: 'web-ns' },
  spec: { selector: { app: 'web' }, ports: [{ port: 80 }] },
};
const deployment = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: {
    name: 'web',
    namespace: 'web-ns',
    generation: 2,
    annotations: { 'deployment.kubernetes.io/revision': '2' },
  },
  spec: { replicas: 2 },
  status: { observedGeneration: 2, updatedReplicas: 2, replicas: 2, availableReplicas: 2 },
};
const world = [service, deployment, pod('a', true), pod('b', false, 'node02')] as never[];

async function outcomeOf(assertion: Assertion): Promise<unknown> {
  const cluster = inMemoryCluster(world, {
    canI: async ({ verb }) => verb === 'list',
    probe: ({ target }) =>
      target.startsWith('http')
        ? { kind: 'http', status: 200, body: 'hello' }
        : { kind: 'error', error: 'timed out' },
    run: (_, command) =>
      command === 'false' ? { exitCode: 1, stdout: '' } : { exitCode: 0, stdout: 'a \r\nb\n' },
  });
  cluster.files.set('controlplane:/opt/a.json', '{"replicas": 2}');
  cluster.files.set('controlplane:/opt/a.txt', 'b\r\n\r\na  \n');
  cluster.units.set('node01:kubelet', { active: 'active', enabled: 'disabled' });
  const result = await gradeTask(cluster, instantiate(taskOf([check('c', assertion)]), 's'), {});
  return result.checks[0]?.outcome;
}

describe('assertions', () => {
  test.each<{ assertion: Assertion; outcome: string }>([
    { assertion: { object: 'v1/Service/{{app}}-ns/{{app}}' }, outcome: 'passed' },
    { assertion: { object: 'v1/Service/web-ns/no' }, outcome: 'failed' },
    { assertion: { absent: 'v1/Service/web-ns/no' }, outcome: 'passed' },
    {
      assertion: { object: 'v1/Service/web-ns/web', path: 'spec.ports[0].port', equals: 80 },
      outcome: 'passed',
    },
    {
      assertion: {
        list: 'v1/Pod/web-ns',
        where: [{ path: 'spec.nodeName', equals: 'node02' }],
        count: { equals: 1 },
      },
      outcome: 'passed',
    },
    { assertion: { selects: 'v1/Service/web-ns/web', count: { equals: 2 } }, outcome: 'passed' },
    {
      assertion: { selects: 'v1/Service/web-ns/web', ready: true, count: { equals: 2 } },
      outcome: 'failed',
    },
    {
      assertion: { canI: { user: 'u', verb: 'list', resource: 'pods' }, allowed: true },
      outcome: 'passed',
    },
    {
      assertion: { canI: { user: 'u', verb: 'delete', resource: 'pods' }, allowed: false },
      outcome: 'passed',
    },
    {
      assertion: {
        schedule: { namespace: 'web-ns', selector: 'app=web' },
        nodes: ['node01', 'node02'],
        spread: { equals: 2 },
      },
      outcome: 'passed',
    },
    {
      assertion: { schedule: { namespace: 'web-ns', selector: 'app=web' }, notNodes: ['node02'] },
      outcome: 'failed',
    },
    {
      assertion: { schedule: { namespace: 'web-ns', selector: 'app=none' }, notNodes: ['node02'] },
      outcome: 'failed',
    },
    {
      assertion: {
        probe: 'http',
        from: { namespace: 'web-ns', selector: 'app=web' },
        target: 'http://web',
        expect: { status: 200, body: { contains: 'hell' } },
      },
      outcome: 'passed',
    },
    {
      assertion: {
        probe: 'tcp',
        from: { host: 'node01' },
        target: 'db:1',
        expect: { reachable: false },
      },
      outcome: 'passed',
    },
    {
      assertion: {
        probe: 'tcp',
        from: { namespace: 'web-ns', selector: 'app=none' },
        target: 'db:1',
        expect: { reachable: false },
      },
      outcome: 'failed',
    },
    {
      assertion: {
        rollout: 'apps/v1/Deployment/web-ns/web',
        complete: true,
        revisions: { atLeast: 2 },
      },
      outcome: 'passed',
    },
    {
      assertion: { unit: { host: 'node01', name: 'kubelet' }, active: { equals: 'active' } },
      outcome: 'passed',
    },
    {
      assertion: { unit: { host: 'node01', name: 'kubelet' }, enabled: { equals: 'enabled' } },
      outcome: 'failed',
    },
    {
      assertion: {
        file: { host: 'controlplane', path: '/opt/a.json' },
        format: 'json',
        path: 'replicas',
        equals: 2,
      },
      outcome: 'passed',
    },
    {
      assertion: {
        file: { host: 'controlplane', path: '/opt/a.txt' },
        normalise: ['crlf', 'trimLines', 'noBlankLines', 'sortLines'],
        equals: 'a\nb',
      },
      outcome: 'passed',
    },
    {
      assertion: {
        file: { host: 'controlplane', path: '/opt/a.txt' },
        equalsField: { object: 'apps/v1/Deployment/web-ns/web', path: 'spec.replicas' },
      },
      outcome: 'failed',
    },
    { assertion: { file: { host: 'controlplane', path: '/no' }, exists: true }, outcome: 'failed' },
    {
      assertion: {
        command: { host: 'controlplane', run: 'ls' },
        normalise: ['crlf', 'trimLines', 'trim'],
        stdout: { equals: 'a\nb' },
      },
      outcome: 'passed',
    },
    { assertion: { command: { host: 'controlplane', run: 'false' } }, outcome: 'failed' },
    { assertion: { podsReady: { namespace: 'web-ns' }, count: { equals: 1 } }, outcome: 'passed' },
    {
      assertion: { any: [{ object: 'v1/Pod/web-ns/no' }, { object: 'v1/Pod/web-ns/a' }] },
      outcome: 'passed',
    },
    {
      assertion: { all: [{ object: 'v1/Pod/web-ns/no' }, { object: 'v1/Pod/web-ns/a' }] },
      outcome: 'failed',
    },
    { assertion: { not: { object: 'v1/Pod/web-ns/no' } }, outcome: 'passed' },
  ])('$assertion is $outcome', async ({ assertion, outcome }) => {
    expect(await outcomeOf(assertion)).toBe(outcome);
  });
});

describe('a task', () => {
  const passing = { object: 'v1/Pod/web-ns/a' };
  const failing = { object: 'v1/Pod/web-ns/no' };

  test('earns the points of each passed check, after the cluster has settled', async () => {
    const cluster = inMemoryCluster(world);
    const task = taskOf([check('one', passing), check('two', failing, { points: 3 })]);
    const result = await gradeTask(cluster, instantiate(task, 's'), {});
    expect(result).toMatchObject({ points: 5, earned: 2 });
    expect(cluster.log).toEqual(['settle 60000']);
    expect(result.checks[0]).toEqual({
      id: 'one',
      description: text('one'),
      points: 2,
      earned: 2,
      outcome: 'passed',
      gate: false,
    });
  });

  test('a command that fails is found with what it complained of', async () => {
    const cluster = inMemoryCluster(world, {
      run: () => ({ exitCode: 1, stdout: '', stderr: 'error: apiVersion not set\n' }),
    });
    const command = { host: 'controlplane', run: 'kubectl apply -f a.yaml' };
    const result = await gradeTask(
      cluster,
      instantiate(taskOf([check('applies', { command })]), 's'),
      {},
    );
    expect(result.checks[0]).toMatchObject({
      expected: '$ kubectl apply -f a.yaml → 0',
      actual: '→ 1 error: apiVersion not set',
    });
  });

  test('earns nothing when a gate fails', async () => {
    const task = taskOf([check('one', passing), check('gate', failing, { points: 0, gate: true })]);
    const result = await gradeTask(inMemoryCluster(world), instantiate(task, 's'), {});
    expect(result).toMatchObject({ points: 2, earned: 0 });
  });

  test('tells the first misconception that the state shows, with lesson and cards', async () => {
    const miss = [
      { when: failing, why: text('no'), cards: ['x'] },
      { when: passing, why: text('labels'), cards: ['svc-selector'] },
      { why: text('otherwise') },
    ];
    const task = taskOf([check('one', failing, { miss })], { lesson: 'services' });
    const result = await gradeTask(inMemoryCluster(world), instantiate(task, 's'), {});
    expect(result.checks[0]).toMatchObject({
      expected: 'Pod/no',
      actual: 'Pod/no = ∅',
      why: text('labels'),
      lesson: 'services',
      cards: ['svc-selector'],
    });
  });

  test.each([
    { error: new Error('the probe did not start'), outcome: 'ungraded' },
    { error: new ClusterDownError('connection refused'), outcome: 'failed' },
  ])('$error.message: $outcome', async ({ error, outcome }) => {
    const cluster = inMemoryCluster(world, { canI: async () => Promise.reject(error) });
    const task = taskOf([
      check('one', { canI: { user: 'u', verb: 'get', resource: 'pods' }, allowed: true }),
      check('two', passing),
    ]);
    const result = await gradeTask(cluster, instantiate(task, 's'), {});
    expect(result.checks.map((one) => one.outcome)).toEqual([outcome, 'passed']);
    expect(result.checks[0]?.actual).toBe(error.message);
  });

  test('compares with its start: bookkeeping may change, the rest may not', async () => {
    const cluster = inMemoryCluster();
    const unchanged = check(
      'gate',
      { unchanged: ['v1/Service/web-ns/web'] },
      { points: 0, gate: true },
    );
    const task = taskOf([check('one', { object: 'v1/Service/web-ns/web' }), unchanged], {
      seed: [{ apply: 'app.yaml' }],
      manifests: { 'app.yaml': JSON.stringify(service).replaceAll('"web"', '"{{app}}"') },
    });
    const instance = instantiate(task, 's');
    const baseline = await seedTask(cluster, instance);
    const held = cluster.objects[0] as unknown as {
      metadata: Record<string, unknown>;
      spec: { ports: object[] };
    };
    held.metadata['resourceVersion'] = '7';
    cluster.objects[0] = structuredClone(held);
    expect((await gradeTask(cluster, instance, baseline)).earned).toBe(2);
    (cluster.objects[0] as unknown as typeof held).spec.ports = [{ port: 81 }];
    const result = await gradeTask(cluster, instance, structuredClone(baseline));
    expect(result.earned).toBe(0);
  });
});

describe('seeding', () => {
  test('lays objects, files, edits, units and time in order', async () => {
    const cluster = inMemoryCluster();
    const task = taskOf([check('one', { object: 'v1/Pod/web-ns/no' })], {
      seed: [
        { file: { host: 'node01', path: '/etc/x', content: 'image: {{app}}\n' } },
        { edit: { host: 'node01', path: '/etc/x', replace: 'image: web', with: 'image: $&bad' } },
        { unit: { host: 'node01', name: 'kubelet', state: 'stopped', boot: 'disabled' } },
        { when: { app: 'other' }, advance: { seconds: 1 } },
        { advance: { seconds: 60 } },
      ],
    });
    await seedTask(cluster, instantiate(task, 's'));
    expect(cluster.files.get('node01:/etc/x')).toBe('image: $&bad\n');
    expect(cluster.log).toEqual([
      'run node01 systemctl disable kubelet',
      'run node01 systemctl stop kubelet',
      'advance 60000',
      'settle 120000',
    ]);
  });

  test('names the step that cannot be laid', async () => {
    const task = taskOf([], {
      seed: [{ edit: { host: 'node01', path: '/etc/x', replace: 'a', with: 'b' } }],
    });
    await expect(seedTask(inMemoryCluster(), instantiate(task, 's'))).rejects.toThrow(
      'task t: seed step 1: node01 has no file /etc/x',
    );
  });
});
