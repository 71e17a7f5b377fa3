import { expect, test } from 'vitest';
import { type ControllerBench, createControllerBench, makeReady } from '#tests/controllers';
import {
  createCronJobController,
  createDaemonSetController,
  createJobController,
  createStatefulSetController,
} from '../../../../../src-main/core/kube/controllers/index.ts';

const podNames = ({ api }: ControllerBench) =>
  api.list('pods').map(({ metadata }) => metadata.name ?? '');

const template = (labels: object, spec: object = {}) => ({
  metadata: { labels },
  spec: { containers: [{ name: 'a', image: 'busybox' }], ...spec },
});

function end({ api }: ControllerBench, name: string, phase: string, exitCode = 0): void {
  api.change('pods', name, 'default', (pod) => {
    pod.status = {
      phase,
      containerStatuses: [{ name: 'a', restartCount: 0, state: { terminated: { exitCode } } }],
    };
  });
}

test('a StatefulSet makes its pods one after the other, with claims and identity', async () => {
  const bench = createControllerBench();
  const { api, time } = bench;
  await bench.run(createStatefulSetController, 'statefulset-controller');
  api.create('statefulsets.apps', {
    metadata: { name: 'web', namespace: 'default', annotations: { cause: 'a test' } },
    spec: {
      replicas: 2,
      serviceName: 'nginx',
      selector: { matchLabels: { app: 'nginx' } },
      template: template({ app: 'nginx' }),
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
      volumeClaimTemplates: [
        { metadata: { name: 'www' }, spec: { accessModes: ['ReadWriteOnce'] } },
      ],
    },
  });
  await time.settle();
  expect(podNames(bench)).toEqual(['web-0']);
  makeReady(api, 'web-0');
  await time.settle();
  makeReady(api, 'web-1');
  await time.settle();
  expect(podNames(bench)).toEqual(['web-0', 'web-1']);
  expect(bench.events('web')).toEqual([
    'SuccessfulCreate Create Claim www-web-0 Pod web-0 in StatefulSet web success',
    'SuccessfulCreate Create Pod web-0 in StatefulSet web successful',
    'SuccessfulCreate Create Claim www-web-1 Pod web-1 in StatefulSet web success',
    'SuccessfulCreate Create Pod web-1 in StatefulSet web successful',
  ]);
  expect(api.get('statefulsets.apps', 'web', 'default')?.status).toMatchObject({
    replicas: 2,
    readyReplicas: 2,
    availableReplicas: 2,
    currentReplicas: 2,
    updatedReplicas: 2,
  });
  expect(api.get('pods', 'web-1', 'default')?.spec).toMatchObject({
    hostname: 'web-1',
    subdomain: 'nginx',
    volumes: [{ name: 'www', persistentVolumeClaim: { claimName: 'www-web-1' } }],
  });

  api.change('statefulsets.apps', 'web', 'default', (set) => {
    (set.spec as { template: object }).template = template({ app: 'nginx' }, { priority: 1 });
  });
  await time.settle();
  // The highest ordinal is replaced first; the other waits for it.
  expect(api.get('pods', 'web-1', 'default')?.spec?.['priority']).toBe(1);
  expect(api.get('pods', 'web-0', 'default')?.spec?.['priority']).toBeUndefined();
  makeReady(api, 'web-1');
  await time.settle();
  expect(api.get('pods', 'web-0', 'default')?.spec?.['priority']).toBe(1);
  const revisions = api.list('controllerrevisions.apps');
  expect(revisions.map(({ revision }) => revision)).toEqual([1, 2]);
  expect(revisions[0]?.metadata).toMatchObject({ annotations: { cause: 'a test' } });

  api.change('statefulsets.apps', 'web', 'default', (set) =>
    Object.assign(set.spec ?? {}, { replicas: 0 }),
  );
  makeReady(api, 'web-0');
  await time.settle();
  expect(podNames(bench)).toEqual([]);
  expect(bench.events('web').at(-1)).toBe(
    'SuccessfulDelete Delete Pod web-0 in StatefulSet web successful (x2)',
  );
});

test('a DaemonSet runs on the nodes that match and tolerate, and follows labels', async () => {
  const bench = createControllerBench();
  const { api, time } = bench;
  await bench.run(createDaemonSetController, 'daemonset-controller');
  for (const name of ['n1', 'n2'])
    api.create('nodes', { metadata: { name, labels: { role: 'x' } }, spec: {} });
  api.create('nodes', {
    metadata: { name: 'master', labels: { role: 'x' } },
    spec: { taints: [{ key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' }] },
  });
  api.create('daemonsets.apps', {
    metadata: { name: 'agent', namespace: 'default' },
    spec: {
      selector: { matchLabels: { name: 'agent' } },
      template: template({ name: 'agent' }, { nodeSelector: { role: 'x' } }),
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } },
    },
  });
  await time.settle();
  expect(podNames(bench)).toHaveLength(2);
  const status = () => api.get('daemonsets.apps', 'agent', 'default')?.status;
  expect(status()).toEqual({
    currentNumberScheduled: 2,
    desiredNumberScheduled: 2,
    numberMisscheduled: 0,
    numberReady: 0,
    numberUnavailable: 2,
    observedGeneration: 1,
    updatedNumberScheduled: 2,
  });
  for (const name of podNames(bench))
    api.change('pods', name, 'default', (pod) => {
      const [nodeName] = JSON.stringify(pod.spec?.['affinity']).match(/n\d/) ?? [];
      pod.spec = { ...pod.spec, nodeName };
    });
  api.change('nodes', 'n2', undefined, (node) => delete node.metadata.labels);
  await time.settle();
  expect(podNames(bench)).toHaveLength(1);
  expect(status()).toMatchObject({ desiredNumberScheduled: 1, currentNumberScheduled: 1 });
  expect(bench.events('agent').at(-1)).toMatch(/^SuccessfulDelete Deleted pod: agent-/);
});

test('a DaemonSet that surges leaves a node when enough others have an available pod', async () => {
  const bench = createControllerBench();
  const { api, time } = bench;
  await bench.run(createDaemonSetController, 'daemonset-controller');
  const node = (name: string): void => void api.create('nodes', { metadata: { name }, spec: {} });
  node('n1');
  node('n2');
  api.create('daemonsets.apps', {
    metadata: { name: 'agent', namespace: 'default' },
    spec: {
      selector: { matchLabels: { name: 'agent' } },
      template: template({ name: 'agent' }),
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
    },
  });
  /** Binds each pod to the node it is for, and answers their nodes. */
  const nodesOfPods = async (): Promise<string[]> => {
    await time.settle();
    return api.list('pods').map(({ metadata }) => {
      let nodeName = '';
      api.change('pods', metadata.name ?? '', 'default', (pod) => {
        [nodeName = ''] = JSON.stringify(pod.spec?.['affinity']).match(/n\d/) ?? [];
        pod.spec = { ...pod.spec, nodeName };
      });
      return nodeName;
    });
  };
  const ready = async (): Promise<void> => {
    for (const name of podNames(bench)) makeReady(api, name);
    await time.settle();
  };
  expect((await nodesOfPods()).sort()).toEqual(['n1', 'n2']);
  await ready();
  // What runs on n2 may stay, but the next version will not come there.
  api.change('nodes', 'n2', undefined, (one) => {
    one.spec = { taints: [{ key: 'x', effect: 'NoSchedule' }] };
  });
  node('n3');
  api.change('daemonsets.apps', 'agent', 'default', (set) => {
    set.metadata.generation = 2;
    set.spec = { ...set.spec, template: template({ name: 'agent' }, { hostNetwork: true }) };
  });
  expect((await nodesOfPods()).sort()).toEqual(['n1', 'n1', 'n2', 'n3']);
  await ready();
  expect((await nodesOfPods()).sort()).toEqual(['n1', 'n3']);
});

const job = (spec: object) => ({
  metadata: { name: 'one', namespace: 'default' },
  spec: {
    parallelism: 1,
    completions: 1,
    backoffLimit: 1,
    completionMode: 'NonIndexed',
    selector: { matchLabels: { 'batch.kubernetes.io/job-name': 'one' } },
    template: template({ 'batch.kubernetes.io/job-name': 'one' }, { restartPolicy: 'Never' }),
    ...spec,
  },
});

async function startJob(spec: object): Promise<ControllerBench> {
  const bench = createControllerBench();
  await bench.run(createJobController, 'job-controller');
  bench.api.create('jobs.batch', job(spec));
  await bench.time.settle();
  return bench;
}

const jobStatus = ({ api }: ControllerBench) => api.get('jobs.batch', 'one', 'default')?.status;
const jobConditions = (bench: ControllerBench) =>
  (jobStatus(bench)?.['conditions'] as { type: string; reason: string; message: string }[]).map(
    ({ type, reason, message }) => `${type} ${reason}: ${message}`,
  );

test('a Job whose pod succeeds is complete, and its pod counted and released', async () => {
  const bench = await startJob({});
  const [pod = ''] = podNames(bench);
  expect(bench.api.get('pods', pod, 'default')?.metadata.finalizers).toEqual([
    'batch.kubernetes.io/job-tracking',
  ]);
  expect(jobStatus(bench)).toMatchObject({ active: 1, ready: 0, terminating: 0 });
  end(bench, pod, 'Succeeded');
  await bench.time.settle();
  expect(jobStatus(bench)).toMatchObject({ succeeded: 1, ready: 0, uncountedTerminatedPods: {} });
  expect(jobStatus(bench)?.['active']).toBeUndefined();
  expect(jobConditions(bench)).toEqual([
    'SuccessCriteriaMet CompletionsReached: Reached expected number of succeeded pods',
    'Complete CompletionsReached: Reached expected number of succeeded pods',
  ]);
  expect(bench.events('one')).toEqual([
    `SuccessfulCreate Created pod: ${pod}`,
    'Completed Job completed',
  ]);
  expect(bench.api.get('pods', pod, 'default')?.metadata.finalizers).toEqual([]);
});

test('a Job that fails too often waits 10 s, tries again and gives up', async () => {
  const bench = await startJob({});
  const startMs = bench.time.clock.now();
  end(bench, podNames(bench)[0] ?? '', 'Failed', 1);
  await bench.time.advance(5000);
  expect(podNames(bench)).toHaveLength(1);
  await bench.time.settle();
  expect(podNames(bench)).toHaveLength(2);
  expect(bench.time.clock.now() - startMs).toBeGreaterThanOrEqual(10_000);
  end(bench, podNames(bench)[1] ?? '', 'Failed', 1);
  await bench.time.settle();
  expect(jobConditions(bench)).toEqual([
    'FailureTarget BackoffLimitExceeded: Job has reached the specified backoff limit',
    'Failed BackoffLimitExceeded: Job has reached the specified backoff limit',
  ]);
  expect(jobStatus(bench)).toMatchObject({ failed: 2 });
  expect(bench.events('one').at(-1)).toBe(
    'BackoffLimitExceeded Job has reached the specified backoff limit',
  );
});

test('a Job whose pod is refused tries again after one second, then two', async () => {
  const bench = createControllerBench();
  bench.api.refuse = (method, path) =>
    method === 'POST' && path.endsWith('/pods')
      ? { kind: 'Status', status: 'Failure', reason: 'Forbidden', message: 'no more', code: 403 }
      : undefined;
  await bench.run(createJobController, 'job-controller');
  bench.api.create('jobs.batch', job({}));
  const refusals: (string | undefined)[] = [];
  for (const elapsedMs of [500, 1000, 2000]) {
    await bench.time.advance(elapsedMs);
    refusals.push(bench.events('one').at(-1));
  }
  expect(refusals).toEqual([
    'FailedCreate Error creating: no more',
    'FailedCreate Error creating: no more (x2)',
    'FailedCreate Error creating: no more (x3)',
  ]);
});

test('an indexed Job counts by index and gives pods their index', async () => {
  const bench = await startJob({ completionMode: 'Indexed', completions: 3, parallelism: 2 });
  const pods = bench.api.list('pods');
  expect(pods.map((pod) => pod.spec?.['hostname'])).toEqual(['one-0', 'one-1']);
  end(bench, pods[1]?.metadata.name ?? '', 'Succeeded');
  await bench.time.settle();
  expect(jobStatus(bench)).toMatchObject({ completedIndexes: '1', succeeded: 1, active: 2 });
  for (const pod of bench.api.list('pods')) end(bench, pod.metadata.name ?? '', 'Succeeded');
  await bench.time.settle();
  expect(jobStatus(bench)).toMatchObject({ completedIndexes: '0-2', succeeded: 3 });
});

test('a suspended Job has no pods until it is resumed', async () => {
  const bench = await startJob({ suspend: true });
  expect(podNames(bench)).toEqual([]);
  expect(bench.events('one')).toEqual(['Suspended Job suspended']);
  bench.api.change('jobs.batch', 'one', 'default', (draft) =>
    Object.assign(draft.spec ?? {}, { suspend: false }),
  );
  await bench.time.settle();
  expect(podNames(bench)).toHaveLength(1);
  expect(bench.events('one')).toContain('Resumed Job resumed');
});

test('a CronJob starts a Job each five minutes and keeps the last three', async () => {
  const bench = createControllerBench();
  const { api, time } = bench;
  await bench.run(createCronJobController, 'cronjob-controller');
  api.create('cronjobs.batch', {
    metadata: { name: 'tick', namespace: 'default' },
    spec: {
      schedule: '*/5 * * * *',
      concurrencyPolicy: 'Forbid',
      successfulJobsHistoryLimit: 3,
      failedJobsHistoryLimit: 1,
      jobTemplate: { spec: { template: template({}) } },
    },
  });
  await time.advance(1000);
  const names = () => api.list('jobs.batch').map(({ metadata }) => metadata.name);
  expect(names()).toEqual([]);
  for (let run = 0; run < 5; run++) {
    await time.advance(300_000);
    const last = api.list('jobs.batch').at(-1);
    api.change('jobs.batch', last?.metadata.name ?? '', 'default', (draft) => {
      draft.status = {
        conditions: [{ type: 'Complete', status: 'True' }],
        completionTime: '2026-01-01T10:01:00Z',
        startTime: `2026-01-01T10:0${run}:00Z`,
      };
    });
    await time.advance(1000);
  }
  expect(names()).toHaveLength(3);
  expect(bench.events('tick').slice(0, 2)).toEqual([
    expect.stringMatching(/^SuccessfulCreate Created job tick-\d+$/),
    expect.stringMatching(/^SawCompletedJob Saw completed job: tick-\d+, condition: Complete$/),
  ]);
});

test('a CronJob for a day that never comes says so and starts nothing', async () => {
  const bench = createControllerBench();
  await bench.run(createCronJobController, 'cronjob-controller');
  bench.api.create('cronjobs.batch', {
    metadata: { name: 'pi', namespace: 'default' },
    spec: {
      schedule: '59 23 31 2 *',
      concurrencyPolicy: 'Allow',
      jobTemplate: { spec: { template: template({}) } },
    },
  });
  await bench.time.advance(1000);
  expect(bench.events('pi')).toEqual([
    'InvalidSchedule invalid schedule: 59 23 31 2 * : time difference between two schedules is less than 1 second',
  ]);
  expect(bench.api.list('jobs.batch')).toEqual([]);
});
