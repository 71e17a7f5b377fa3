import { describe, expect, test } from 'vitest';
import { KubeletBench } from './bench.ts';

const sleeper = { name: 'c', image: 'box:1.0', command: ['/bin/sleep', '100000'] };

describe('static pods', () => {
  test('run with no API at all, and end with their file', async () => {
    const bench = new KubeletBench({ api: false });
    const { files, time, containerd } = bench.node;
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
    files.writeFile('/etc/kubernetes/manifests/web.yaml', manifest('1000'));
    await bench.start();
    await time.advance(3000);
    const running = (): string[] =>
      [...containerd.containers.values()]
        .filter(({ state }) => state === 'CONTAINER_RUNNING')
        .map(({ config }) => config.command.join(' '));
    expect(running(), bench.lines.join('\n')).toEqual(['/bin/sleep 1000']);
    files.writeFile('/etc/kubernetes/manifests/web.yaml', manifest('2000'));
    await time.advance(25_000);
    expect(running(), bench.lines.join('\n')).toEqual(['/bin/sleep 2000']);
    files.writeFile('/etc/kubernetes/manifests/web.yaml', 'kind: [');
    await time.advance(10_000);
    expect(running()).toEqual([]);
  });
});

describe('a pod', () => {
  test('starts, is ready, is deleted', async () => {
    const bench = new KubeletBench();
    await bench.start();
    const { time } = bench.node;
    bench.create('web', { containers: [sleeper], terminationGracePeriodSeconds: 3 });
    await time.advance(4000);
      JSON.stringify(bench.pod('web'), null, 1),
      bench.lines.join('\n'),
      bench.events('web'),
      bench.events('node01'),
    );
    expect(bench.status('web')).toMatchObject({ phase: 'Running' });
  });
});
