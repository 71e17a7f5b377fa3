// Measures the API server within the process: `node src-main/tools/bench/apiserver.bench.ts`.
import { performance } from 'node:perf_hooks';

import { SimClock } from '#core/base';
import { inProcessServer } from './in-process-server.ts';

const pods = '/api/v1/namespaces/default/pods';
const podCount = 10_000;
const watcherCount = 1_000;

const pod = (name: string): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, labels: { app: 'web', tier: 'front' } },
  spec: {
    containers: [
      {
        name: 'web',
        image: 'nginx:1.27',
        ports: [{ containerPort: 80 }],
        env: [{ name: 'A', value: 'b' }],
        resources: { requests: { cpu: '100m', memory: '64Mi' } },
      },
    ],
  },
});

async function main(): Promise<void> {
  const clock = new SimClock(Date.parse('2026-01-01T10:00:00Z'));
  const drain = (): void => {
    while (clock.step(clock.now()));
  };
  const server = inProcessServer(clock);
  const headers = { 'user-agent': 'bench/1' };
  const report = (what: string, ms: number): void =>
    console.log(`${what.padEnd(40)}${ms.toFixed(3)} ms`);

  for (let index = 0; index < 1000; index++)
    await server.handle({ method: 'POST', url: pods, headers, object: pod(`warm-${index}`) });
  let start = performance.now();
  for (let index = 0; index < podCount; index++) {
    const { status } = await server.handle({
      method: 'POST',
      url: pods,
      headers,
      object: pod(`pod-${index}`),
    });
    if (status !== 201) throw new Error(`create answered ${status}`);
  }
  report('create a pod (mean)', (performance.now() - start) / podCount);

  for (const round of ['first', 'second']) {
    start = performance.now();
    const response = await server.handle({ method: 'GET', url: pods, headers });
    let bytes = 0;
    let longest = 0;
    if (response.body.kind === 'object') {
      let before = performance.now();
      for (const piece of response.body.encode()) {
        bytes += piece.length;
        longest = Math.max(longest, performance.now() - before);
        before = performance.now();
      }
    }
    report(`list ${podCount + 1000} pods as JSON, ${round}`, performance.now() - start);
    report(`  longest piece of ${(bytes / 1e6).toFixed(1)} MB`, longest);
  }

  let events = 0;
  for (let index = 0; index < watcherCount; index++) {
    const { body } = await server.handle({
      method: 'GET',
      url: `${pods}?watch=1&resourceVersion=${podCount + 1001}`,
      headers,
    });
    if (body.kind === 'watch')
      body.watch.start(
        () => void (events += 1),
        () => undefined,
      );
  }
  start = performance.now();
  for (let index = 0; index < 100; index++)
    await server.handle({ method: 'POST', url: pods, headers, object: pod(`watched-${index}`) });
  drain();
  report(`100 creates seen by ${watcherCount} watchers`, performance.now() - start);
  if (events !== 100 * watcherCount) throw new Error(`${events} events`);
  server.dispose();
}

await main();
