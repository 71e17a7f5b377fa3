import { describe, expect, test } from 'vitest';
import { KubeletBench } from './bench.ts';

const gib = 1024 ** 3;
const mib = 1024 ** 2;

interface View {
  phase: string;
  reason?: string;
  message?: string;
  conditions: { type: string; status: string; reason?: string; message?: string }[];
  containerStatuses: { state: Record<string, { exitCode?: number; reason?: string }> }[];
}

const hog = (bytes: number, requests: object = {}): object => ({
  name: 'c',
  image: 'box:1.0',
  command: ['/bin/hog', String(bytes)],
  resources: { requests },
});

async function start(options: ConstructorParameters<typeof KubeletBench>[0] = {}) {
  const bench = new KubeletBench(options);
  await bench.start();
  await bench.node.time.advance(1000);
  const conditions = (): Record<string, string> => {
    const { status } = bench.api.get('nodes', 'node01') as never as {
      status: { conditions: { type: string; status: string; reason: string; message: string }[] };
    };
    return Object.fromEntries(
      status.conditions.map(({ type, status: value, reason, message }) => [
        type,
        `${value} ${reason} ${message}`,
      ]),
    );
  };
  return Object.assign(bench, { conditions, view: (name: string): View => bench.status(name) });
}

describe('a node short of memory', () => {
  test('ends one pod at a time: first who uses more than it asked for, then the less important', async () => {
    const bench = await start();
    const { time } = bench.node;
    bench.create('modest', { containers: [hog(100 * mib, { memory: '200Mi' })] });
    bench.create('large', { containers: [hog(300 * mib, { memory: '100Mi' })] });
    bench.create('vital', { priority: 1000, containers: [hog(500 * mib)] });
    bench.create('system', { priority: 2_000_001_000, containers: [hog(gib)] });
    await time.advance(5000);
    bench.used.memoryBytes = 4 * gib - 50 * mib;
    await time.advance(11_000);

    const message =
      'The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. Container c was using 300Mi, request is 100Mi, has larger consumption of memory. ';
    expect(bench.events('large')).toContain(`Warning Evicted ${message}`);
    expect(bench.events('node01')).toContain(
      'Warning EvictionThresholdMet Attempting to reclaim memory',
    );
    await time.advance(5000);
    expect(bench.view('large')).toMatchObject({ phase: 'Failed', reason: 'Evicted', message });
    expect(
      bench.view('large').conditions.find(({ type }) => type === 'DisruptionTarget'),
    ).toMatchObject({
      status: 'True',
      reason: 'TerminationByKubelet',
      message,
    });
    expect(bench.view('large').containerStatuses[0]?.state['terminated']).toMatchObject({
      exitCode: 137,
      reason: 'Error',
    });
    for (const name of ['modest', 'vital', 'system'])
      expect(bench.view(name).phase, name).toBe('Running');
    expect(bench.conditions()['MemoryPressure']).toBe(
      'True KubeletHasInsufficientMemory kubelet has insufficient memory available',
    );
    expect(bench.events('node01')).toContain(
      'Normal NodeHasInsufficientMemory Node node01 status is now: NodeHasInsufficientMemory',
    );

    await time.advance(30_000);
    expect(bench.view('vital').reason).toBe('Evicted');
    expect(bench.view('modest').reason).toBe('Evicted');
    expect(bench.view('system').phase).toBe('Running');

    bench.create('guest', { containers: [hog(mib)] });
    await time.advance(2000);
    expect(bench.view('guest')).toMatchObject({
      phase: 'Failed',
      reason: 'Evicted',
      message: 'Pod was rejected: The node had condition: [MemoryPressure]. ',
    });

    bench.used.memoryBytes = gib;
    await time.advance(4 * 60_000);
    expect(bench.conditions()['MemoryPressure']).toMatch(/^True/);
    await time.advance(90_000);
    expect(bench.conditions()['MemoryPressure']).toMatch(/^False KubeletHasSufficientMemory/);
  });

  test('a soft threshold waits, and lets pods end in their own time', async () => {
    const bench = await start({
      config: {
        evictionHard: { 'memory.available': '100Mi' },
        evictionSoft: { 'memory.available': '1Gi' },
        evictionSoftGracePeriod: { 'memory.available': '1m' },
        evictionMaxPodGracePeriod: 20,
      },
    });
    const { time } = bench.node;
    bench.create('p', { terminationGracePeriodSeconds: 5, containers: [hog(100 * mib)] });
    bench.used.memoryBytes = 4 * gib - 500 * mib;
    await time.advance(55_000);
    expect(bench.view('p').phase).toBe('Running');
    expect(bench.conditions()['MemoryPressure']).toMatch(/^True/);
    await time.advance(30_000);
    expect(bench.view('p')).toMatchObject({
      reason: 'Evicted',
      message:
        'The node was low on resource: memory. Threshold quantity: 1Gi, available: 500Mi. Container c was using 100Mi, request is 0, has larger consumption of memory. ',
    });
  });
});

test('a full disk ends who fills it, and lets nobody in', async () => {
  const bench = await start();
  const { time } = bench.node;
  const sleeper = { name: 'c', image: 'box:1.0', command: ['/bin/sleep', '100000'] };
  const scratch = { volumes: [{ name: 'v', emptyDir: {} }] };
  bench.create('small', { ...scratch, containers: [sleeper] });
  bench.create('big', { ...scratch, containers: [sleeper] });
  await time.advance(3000);
  const uid = bench.pod('big')?.metadata.uid ?? '';
  bench.sizes.set(`/var/lib/kubelet/pods/${uid}/volumes/kubernetes.io~empty-dir/v`, 30 * gib);
  bench.used.diskBytes = 36 * gib;
  await time.advance(14_000);
  expect(bench.events('big')).toContain(
    'Warning Evicted The node was low on resource: ephemeral-storage. Threshold quantity: 6Gi, available: 4Gi. Container c was using 8Ki, request is 0, has larger consumption of ephemeral-storage. ',
  );
  bench.used.diskBytes = 6 * gib;
  await time.advance(12_000);
  expect(bench.view('small').phase).toBe('Running');
  expect(bench.conditions()['DiskPressure']).toBe(
    'True KubeletHasDiskPressure kubelet has disk pressure',
  );
  bench.create('next', { containers: [{ ...sleeper, resources: { requests: { cpu: '1' } } }] });
  await time.advance(2000);
  expect(bench.view('next').message).toBe(
    'Pod was rejected: The node had condition: [DiskPressure]. ',
  );
});

describe('a pod that keeps too much', () => {
  const sleeper = { name: 'c', image: 'box:1.0', command: ['/bin/sleep', '100000'] };
  const folder = (bench: KubeletBench, name: string): string =>
    `/var/lib/kubelet/pods/${bench.pod(name)?.metadata.uid ?? ''}/volumes/kubernetes.io~empty-dir/v`;

  test('in an emptyDir with a limit', async () => {
    const bench = await start();
    bench.create('p', {
      volumes: [{ name: 'v', emptyDir: { sizeLimit: '10Mi' } }],
      containers: [sleeper],
    });
    await bench.node.time.advance(3000);
    bench.sizes.set(folder(bench, 'p'), 10 * mib);
    await bench.node.time.advance(100_000);
    expect(bench.view('p').phase).toBe('Running');
    bench.sizes.set(folder(bench, 'p'), 11 * mib);
    await bench.node.time.advance(75_000);
    const message = 'Usage of EmptyDir volume "v" exceeds the limit "10Mi". ';
    expect(bench.events('p')).toContain(`Warning Evicted ${message}`);
    expect(bench.view('p')).toMatchObject({ phase: 'Failed', reason: 'Evicted', message });
    expect(bench.view('p').conditions.map(({ type }) => type)).not.toContain('DisruptionTarget');
  });

  test('beyond what its containers may keep', async () => {
    const bench = await start();
    const limited = { ...sleeper, resources: { limits: { 'ephemeral-storage': '10Mi' } } };
    bench.create('pod', { volumes: [{ name: 'v', emptyDir: {} }], containers: [limited] });
    bench.create('container', {
      containers: [limited, { ...limited, name: 'd', resources: limited.resources }],
    });
    await bench.node.time.advance(3000);
    bench.sizes.set(folder(bench, 'pod'), 11 * mib);
    const uid = bench.pod('container')?.metadata.uid ?? '';
    bench.sizes.set(`/var/log/pods/default_container_${uid}/c`, 12 * mib);
    await bench.node.time.advance(20_000);
    expect(bench.view('pod').message).toBe(
      'Pod ephemeral local storage usage exceeds the total limit of containers 10Mi. ',
    );
    expect(bench.view('container').message).toBe(
      'Container c exceeded its local ephemeral storage limit "10Mi". ',
    );
  });
});
