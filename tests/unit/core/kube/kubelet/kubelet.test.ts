import { describe, expect, test } from 'vitest';
import { KubeletBench } from './bench.ts';

const sleeper = { name: 'c', image: 'box:1.0', command: ['/bin/sleep', '100000'] };
const exits = (code: number, output = ''): object => ({
  name: 'c',
  image: 'box:1.0',
  command: ['/bin/printf', output, '', String(code)],
});

interface View {
  phase: string;
  reason?: string;
  message?: string;
  conditions: { type: string; status: string; reason?: string; message?: string }[];
  containerStatuses: {
    name: string;
    ready: boolean;
    started: boolean;
    restartCount: number;
    state: Record<string, { reason?: string; message?: string; exitCode?: number }>;
    lastState: Record<string, { reason?: string; message?: string; exitCode?: number }>;
  }[];
  initContainerStatuses?: View['containerStatuses'];
}

/** A kubelet that runs, and one pod on it. */
async function withPod(spec: object, afterMs = 3000): Promise<KubeletBench & { view(): View }> {
  const bench = new KubeletBench();
  await bench.start();
  await bench.node.time.advance(100);
  bench.create('p', { ...spec });
  await bench.node.time.advance(afterMs);
  return Object.assign(bench, { view: (): View => bench.status('p') });
}

describe('static pods', () => {
  const manifest = (seconds: string): string =>
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'web' },
      spec: {
        containers: [{ name: 'c', image: 'box:1.0', command: ['/bin/sleep', seconds] }],
        terminationGracePeriodSeconds: 2,
      },
    });
  const path = '/etc/kubernetes/manifests/web.yaml';
  const running = ({ node }: KubeletBench): string[] =>
    [...node.containerd.containers.values()]
      .filter(({ state }) => state === 'CONTAINER_RUNNING')
      .map(({ config }) => config.command.join(' '));

  test('run with no API at all, are replaced by an edit, and end with their manifest', async () => {
    const bench = new KubeletBench({ api: false });
    const { files, time } = bench.node;
    files.writeFile(path, manifest('1000'));
    await bench.start();
    await time.advance(3000);
    expect(running(bench)).toEqual(['/bin/sleep 1000']);
    files.writeFile(path, manifest('2000'));
    await time.advance(25_000);
    expect(running(bench)).toEqual(['/bin/sleep 2000']);
    files.writeFile(path, 'apiVersion: v1\nkind: Podd\n');
    await time.advance(10_000);
    expect(running(bench)).toEqual([]);
    expect(bench.lines.at(-1)).toContain(
      String.raw`couldn't parse as pod(no kind \"Podd\" is registered for version \"v1\" in scheme \"pkg/runtime/scheme.go:111\"), please check config file`,
    );
  });

  test('have a mirror in the API, which comes back when deleted', async () => {
    const bench = new KubeletBench();
    const { files, time } = bench.node;
    files.writeFile(path, manifest('1000'));
    await bench.start();
    await time.advance(5000);
    const mirror = bench.pod('web-node01');
    expect(mirror?.metadata).toMatchObject({
      annotations: { 'kubernetes.io/config.source': 'file' },
      ownerReferences: [{ kind: 'Node', name: 'node01' }],
    });
    expect(mirror?.status).toMatchObject({ phase: 'Running' });
    bench.api.delete('pods', 'web-node01', 'default');
    await time.advance(5000);
    expect(bench.pod('web-node01')?.status).toMatchObject({ phase: 'Running' });
    files.unlink(path);
    await time.advance(5000);
    expect(bench.pod('web-node01')).toBeUndefined();
    expect(running(bench)).toEqual([]);
  });

  test('are taken over by a new kubelet, without a restart', async () => {
    const bench = new KubeletBench();
    bench.node.files.writeFile(path, manifest('1000'));
    await bench.start();
    await bench.node.time.advance(5000);
    await bench.restart();
    await bench.node.time.advance(5000);
    expect(bench.node.containerd.containers.size).toBe(1);
    expect(bench.status('web-node01')).toMatchObject({
      phase: 'Running',
      containerStatuses: [{ restartCount: 0, ready: true }],
    });
  });
});

describe('a pod', () => {
  test('starts, is ready, ends when deleted', async () => {
    const bench = await withPod({ containers: [sleeper], terminationGracePeriodSeconds: 3 });
    expect(bench.view()).toMatchObject({
      phase: 'Running',
      podIP: '10.244.1.2',
      containerStatuses: [{ ready: true, started: true, restartCount: 0 }],
    });
    expect(bench.events('p')).toEqual([
      'Normal Pulled Container image "box:1.0" already present on machine and can be accessed by the pod',
      'Normal Created Container created',
      'Normal Started Container started',
    ]);
    bench.api.change('pods', 'p', 'default', ({ metadata }) => {
      Object.assign(metadata, {
        deletionTimestamp: '2026-01-01T10:00:06Z',
        deletionGracePeriodSeconds: 3,
      });
    });
    await bench.node.time.advance(8000);
    expect(bench.pod('p')).toBeUndefined();
    expect(bench.events('p')).toContain('Normal Killing Stopping container c');
    expect(bench.node.containerd.sandboxes.size).toBe(0);
  });

  test('that ends well has succeeded', async () => {
    const bench = await withPod({ restartPolicy: 'Never', containers: [exits(0)] }, 6000);
    expect(bench.view()).toMatchObject({
      phase: 'Succeeded',
      containerStatuses: [{ state: { terminated: { exitCode: 0, reason: 'Completed' } } }],
    });
    expect(
      bench.view().conditions.map(({ type, status, reason }) => [type, status, reason]),
    ).toEqual([
      ['PodReadyToStartContainers', 'False', undefined],
      ['Initialized', 'True', 'PodCompleted'],
      ['Ready', 'False', 'PodCompleted'],
      ['ContainersReady', 'False', 'PodCompleted'],
      ['PodScheduled', 'True', undefined],
    ]);
  });

  test('that crashes is restarted with longer and longer delays', async () => {
    const bench = await withPod({ containers: [exits(3, 'why')] }, 60_000);
    const [status] = bench.view().containerStatuses;
    expect(status?.restartCount).toBe(3);
    expect(bench.view().phase).toBe('Running');
    expect(bench.events('p').find((event) => event.includes('BackOff'))).toContain(
      'Warning BackOff Back-off restarting failed container c in pod p_default(',
    );
    expect(bench.view().containerStatuses[0]?.state['waiting']).toMatchObject({
      reason: 'CrashLoopBackOff',
    });
    expect(bench.view().containerStatuses[0]?.state['waiting']?.message).toMatch(
      /^back-off 40s restarting failed container=c pod=p_default\(/,
    );
  });

  test.each([
    [
      'an image that does not exist',
      { containers: [{ ...sleeper, image: 'nope:1.0' }] },
      'ErrImagePull',
      'failed to pull and unpack image "docker.io/library/nope:1.0": failed to resolve image: pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed',
    ],
    [
      'an image that may not be pulled',
      { containers: [{ ...sleeper, image: 'nope:1.0', imagePullPolicy: 'Never' }] },
      'ErrImageNeverPull',
      'Container image "nope:1.0" is not present with pull policy of Never',
    ],
    [
      'an image with an impossible name',
      { containers: [{ ...sleeper, image: 'Nginx:1.27' }] },
      'InvalidImageName',
      `Failed to apply default image tag "Nginx:1.27": couldn't parse image name "Nginx:1.27": invalid reference format: repository name (library/Nginx) must be lowercase`,
    ],
    [
      'a missing ConfigMap',
      { containers: [{ ...sleeper, envFrom: [{ configMapRef: { name: 'nocm' } }] }] },
      'CreateContainerConfigError',
      'configmap "nocm" not found',
    ],
    [
      'a missing Secret',
      {
        containers: [
          {
            ...sleeper,
            env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'nosecret', key: 'k' } } }],
          },
        ],
      },
      'CreateContainerConfigError',
      'secret "nosecret" not found',
    ],
    [
      'a command that does not exist',
      { containers: [{ ...sleeper, command: ['nosuchcmd'] }] },
      'RunContainerError',
      'failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: "nosuchcmd": executable file not found in $PATH',
    ],
  ])('with %s waits', async (_, spec, reason, message) => {
    const bench = await withPod(spec, 1500);
    const seen = new Set<string>();
    for (let tries = 0; tries < 12; tries++) {
      const waiting = bench.view().containerStatuses[0]?.state['waiting'];
      if (waiting) seen.add(`${waiting.reason ?? ''}: ${waiting.message ?? ''}`);
      await bench.node.time.advance(1500);
    }
    expect([...seen]).toContain(`${reason}: ${message}`);
    expect(bench.events('p').some((event) => event.startsWith(`Warning Failed Error: `))).toBe(
      true,
    );
  });

  test('runs init containers one after the other, then sidecars beside the rest', async () => {
    const bench = await withPod(
      {
        initContainers: [
          { name: 'i1', image: 'box:1.0', command: ['/bin/sleep', '2'] },
          {
            name: 'side',
            image: 'box:1.0',
            command: ['/bin/sleep', '1000'],
            restartPolicy: 'Always',
          },
        ],
        containers: [sleeper],
      },
      1500,
    );
    expect(bench.view()).toMatchObject({
      phase: 'Pending',
      containerStatuses: [{ state: { waiting: { reason: 'PodInitializing' } } }],
    });
    expect(bench.view().conditions.find(({ type }) => type === 'Initialized')).toMatchObject({
      reason: 'ContainersNotInitialized',
      message: 'containers with incomplete status: [i1 side]',
    });
    await bench.node.time.advance(5000);
    expect(bench.view()).toMatchObject({
      phase: 'Running',
      containerStatuses: [{ ready: true }],
      initContainerStatuses: [
        { ready: true, started: false, state: { terminated: { reason: 'Completed' } } },
        { ready: true, started: true },
      ],
    });
  });

  test('is restarted by a failing liveness probe', async () => {
    const bench = await withPod(
      {
        terminationGracePeriodSeconds: 1,
        containers: [
          {
            ...sleeper,
            livenessProbe: {
              exec: { command: ['/bin/cat', '/nope'] },
              periodSeconds: 2,
              failureThreshold: 2,
              timeoutSeconds: 1,
              successThreshold: 1,
            },
          },
        ],
      },
      8000,
    );
    expect(bench.view().containerStatuses[0]?.restartCount).toBe(1);
    expect(bench.events('p')).toContain(
      'Normal Killing Container c failed liveness probe, will be restarted',
    );
  });

  test('is not ready until its readiness probe passes', async () => {
    const bench = await withPod({
      containers: [
        {
          ...sleeper,
          readinessProbe: {
            tcpSocket: { port: 80 },
            periodSeconds: 5,
            failureThreshold: 3,
            timeoutSeconds: 1,
            successThreshold: 1,
          },
        },
      ],
    });
    expect(bench.view()).toMatchObject({ phase: 'Running', containerStatuses: [{ ready: false }] });
    expect(bench.view().conditions.find(({ type }) => type === 'Ready')).toMatchObject({
      reason: 'ContainersNotReady',
      message: 'containers with unready status: [c]',
    });
    expect(
      bench
        .events('p')
        .some((event) =>
          event.startsWith(
            'Warning Unhealthy Readiness probe failed: dial tcp 10.244.1.2:80: connect: connection refused',
          ),
        ),
    ).toBe(true);
  });

  test('waits for a volume that cannot be mounted, and follows a ConfigMap', async () => {
    const bench = await withPod({
      volumes: [{ name: 'v', configMap: { name: 'cm' } }],
      containers: [{ ...sleeper, volumeMounts: [{ name: 'v', mountPath: '/etc/v' }] }],
    });
    expect(bench.view().containerStatuses[0]?.state).toEqual({
      waiting: { reason: 'ContainerCreating' },
    });
    expect(bench.events('p')[0]).toContain(
      'Warning FailedMount MountVolume.SetUp failed for volume "v" : configmap "cm" not found',
    );
    bench.api.create('configmaps', {
      metadata: { name: 'cm', namespace: 'default' },
      data: { k: 'one' },
    });
    await bench.node.time.advance(8000);
    expect(bench.view().phase).toBe('Running');
    const folder = `/var/lib/kubelet/pods/${bench.pod('p')?.metadata.uid ?? ''}/volumes/kubernetes.io~configmap/v`;
    expect(bench.node.files.readText(`${folder}/k`)).toBe('one');
    bench.api.change('configmaps', 'cm', 'default', (draft) => {
      draft['data'] = { k: 'two' };
    });
    await bench.node.time.advance(2000);
    expect(bench.node.files.readText(`${folder}/k`)).toBe('two');
  });

  test('past its deadline fails', async () => {
    const bench = await withPod(
      { activeDeadlineSeconds: 5, terminationGracePeriodSeconds: 1, containers: [sleeper] },
      12_000,
    );
    expect(bench.view()).toMatchObject({
      phase: 'Failed',
      reason: 'DeadlineExceeded',
      message: 'Pod was active on the node longer than the specified deadline',
    });
  });

  test('that asks for more than the node has is refused', async () => {
    const bench = await withPod({
      containers: [{ ...sleeper, resources: { requests: { cpu: '50' } } }],
    });
    expect(bench.view()).toMatchObject({
      phase: 'Failed',
      reason: 'OutOfcpu',
      message:
        "Pod was rejected: Node didn't have enough resource: cpu, requested: 50000, used: 0, capacity: 2000",
    });
  });

  test('with a failing postStart hook is killed', async () => {
    const bench = await withPod(
      {
        terminationGracePeriodSeconds: 1,
        containers: [
          {
            ...sleeper,
            lifecycle: { postStart: { exec: { command: ['/bin/printf', 'out', 'err', '4'] } } },
          },
        ],
      },
      4000,
    );
    expect(bench.events('p')).toContain('Warning FailedPostStartHook PostStartHook failed (x2)');
    expect(bench.events('p')).toContain('Normal Killing FailedPostStartHook (x2)');
  });
});

describe('the API of the kubelet', () => {
  test.each([
    [
      'exec',
      '&command=/bin/printf&command=&command=&command=3',
      { status: 'NonZeroExitCode', exitCode: 3 },
    ],
    ['attach', '', { status: 'Success' }],
  ])(
    'tells an exit code to those who exec, not to those who attach: %s',
    async (verb, query, result) => {
      const bench = await withPod({ containers: [sleeper] });
      await bench.node.time.advance(5000);
      const url = `/${verb}/default/p/c?output=1${query}`;
      const { body } = await bench.kubelet.handle({ method: 'POST', url, headers: {} });
      if (body.kind !== 'session' || body.session.kind !== 'command') throw new Error(body.kind);
      const told = body.session.result;
      // The container is killed, which is no success of its own.
      bench.api.delete('pods', 'p', 'default');
      await bench.node.time.advance(60_000);
      expect(await told).toMatchObject(result);
    },
  );

  test('opens all streams that are asked for, also when nothing can run', async () => {
    const bench = await withPod({ containers: [sleeper] });
    await bench.node.time.advance(5000);
    const url = '/exec/default/p/c?input=1&output=1&error=1&command=/no/such';
    const { body } = await bench.kubelet.handle({ method: 'POST', url, headers: {} });
    if (body.kind !== 'session' || body.session.kind !== 'command') throw new Error(body.kind);
    const { stdin, stdout, stderr, result } = body.session;
    expect([stdin, stdout, stderr].map((stream) => stream !== undefined)).toEqual([
      true,
      true,
      true,
    ]);
    expect(await stdout?.read()).toBeUndefined();
    expect(await result).toMatchObject({ status: 'Failure' });
  });

  test('gives logs, and says why there are none', async () => {
    const bench = await withPod({
      containers: [
        { name: 'c', image: 'box:1.0', command: ['/bin/printf', 'one\ntwo\nthree\n'] },
        { ...sleeper, name: 'w', imagePullPolicy: 'Never', image: 'nope:1.0' },
      ],
      restartPolicy: 'Never',
    });
    await bench.node.time.advance(15_000);
    expect(await bench.get('/containerLogs/default/p/c?tailLines=2')).toEqual({
      status: 200,
      body: 'two\nthree\n',
    });
    expect(await bench.get('/containerLogs/default/p/w')).toEqual({
      status: 400,
      body: 'container "w" in pod "p" is waiting to start: ErrImageNeverPull',
    });
    expect(await bench.get('/containerLogs/default/p/c?previous=true')).toEqual({
      status: 400,
      body: 'previous terminated container "c" in pod "p" not found',
    });
    expect((await bench.get('/configz')).body).toContain('"fileCheckFrequency":"20s"');
    expect((await bench.get('/metrics')).body).toMatch(/^kubelet_running_pods 1$/m);
    expect((await bench.get('/metrics/resource')).body).toContain('node_memory_working_set_bytes');
  });
});

test('tells Prometheus what containers use, and how probes ended', async () => {
  const exec = (command: string) => ({ exec: { command: [command] }, periodSeconds: 1 });
  const limits = { cpu: '250m', memory: '64Mi' };
  const resources = { limits, requests: limits };
  const probes = { livenessProbe: exec('/bin/ps'), readinessProbe: exec('/bin/nosuch') };
  const bench = await withPod({ containers: [{ ...sleeper, resources, ...probes }] }, 5000);
  const { status, body } = await bench.get('/metrics/cadvisor');
  expect(status).toBe(200);
  const uid = bench.api.get('pods', 'p', 'default')?.metadata.uid ?? '';
  const slice = `kubepods-.*pod${uid.replaceAll('-', '_')}.slice`;
  const row = (name: string) =>
    new RegExp(`^${name}\\{container="c",.*id="/kubepods.slice/${slice}/cri-containerd-`, 'm');
  for (const name of ['container_cpu_usage_seconds_total', 'container_memory_working_set_bytes'])
    expect(body).toMatch(row(name));
  expect(body).toMatch(/^container_spec_cpu_quota\{.*\} 25000 \d+$/m);
  expect(body).toMatch(/^container_spec_memory_limit_bytes\{.*\} 67108864 \d+$/m);
  expect(body).toMatch(/^machine_cpu_cores \d+$/m);
  const counts = (await bench.get('/metrics/probes')).body;
  const ended = (type: string, result: string) =>
    new RegExp(
      `^prober_probe_total\\{container="c",.*probe_type="${type}",result="${result}"\\} `,
      'm',
    );
  expect(counts).toMatch(ended('Liveness', 'successful'));
  expect(counts).toMatch(ended('Readiness', '(failed|unknown)'));
});

test('a finished pod keeps its log until it is deleted, also for a new kubelet', async () => {
  const bench = await withPod({ restartPolicy: 'Never', containers: [exits(0, 'done')] }, 6000);
  const log = '/containerLogs/default/p/c';
  expect(await bench.get(log)).toEqual({ status: 200, body: 'done' });
  await bench.restart();
  await bench.node.time.advance(3000);
  expect(await bench.get(log)).toEqual({ status: 200, body: 'done' });
  expect(bench.view()).toMatchObject({ phase: 'Succeeded' });
  bench.api.delete('pods', 'p', 'default');
  await bench.node.time.advance(3000);
  expect((await bench.get(log)).status).toBe(404);
  expect(bench.node.containerd.containers.size).toBe(0);
});

describe('the node', () => {
  test('is registered, ready, and its lease renewed', async () => {
    const bench = new KubeletBench();
    await bench.start();
    await bench.node.time.advance(31_000);
    const node = bench.api.get('nodes', 'node01');
    const conditions = (node?.status?.['conditions'] ?? []) as { type: string; status: string }[];
    expect(conditions.map(({ type, status }) => `${type}=${status}`)).toEqual([
      'MemoryPressure=False',
      'DiskPressure=False',
      'PIDPressure=False',
      'Ready=True',
    ]);
    const lease = bench.api.get('leases.coordination.k8s.io', 'node01', 'kube-node-lease');
    expect(lease?.spec).toMatchObject({
      holderIdentity: 'node01',
      leaseDurationSeconds: 40,
      renewTime: '2026-01-01T10:00:30.000000Z',
    });
  });

  test('on which nothing happens reports its status every five minutes, its lease every ten seconds', async () => {
    const bench = new KubeletBench();
    await bench.start();
    await bench.node.time.advance(600_000);
    const reports: number[] = [];
    let version = bench.api.get('nodes', 'node01')?.metadata.resourceVersion;
    for (let seconds = 600; seconds < 1800; seconds += 5) {
      await bench.node.time.advance(5000);
      const now = bench.api.get('nodes', 'node01')?.metadata.resourceVersion;
      if (now !== version) reports.push(bench.node.time.clock.now());
      version = now;
    }
    expect(reports.slice(1).map((at, index) => at - (reports[index] ?? 0))).toEqual([
      300_000, 300_000, 300_000,
    ]);
    const lease = bench.api.get('leases.coordination.k8s.io', 'node01', 'kube-node-lease');
    expect(lease?.spec).toMatchObject({ renewTime: '2026-01-01T10:30:00.000000Z' });
  });

  test('is not ready without a network, nor without its runtime', async () => {
    const bench = new KubeletBench();
    await bench.start();
    bench.node.files.unlink('/etc/cni/net.d/10-bridge.conflist');
    await bench.node.time.advance(21_000);
    const ready = (): unknown =>
      ((bench.api.get('nodes', 'node01')?.status?.['conditions'] ?? []) as { type: string }[]).find(
        ({ type }) => type === 'Ready',
      );
    expect(ready()).toMatchObject({
      status: 'False',
      reason: 'KubeletNotReady',
      message:
        'container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized',
    });
    bench.node.containerd.up = false;
    await bench.node.time.advance(60_000);
    expect(ready()).toMatchObject({
      message: expect.stringContaining('[container runtime is down, ') as string,
    });
  });
});
