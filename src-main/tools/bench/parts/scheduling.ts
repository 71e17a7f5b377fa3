import { seededRandom, silentLogger, SimClock } from '#core/base';
import {
  compileDeviceSelector,
  createClient,
  createInformers,
  createScheduler,
  parseSchedulerConfiguration,
} from '#core/kube';
import { inProcessServer } from '../in-process-server.ts';
import { timed } from '../measure.ts';
import type { Part } from './context.ts';

const podCount = 4000;
const nodeCount = 60;

/** Pods that wait when the scheduler starts, until the last is bound: an API server and a scheduler, nothing else. */
export const scheduling: Part = async () => {
  const clock = new SimClock(Date.parse('2026-01-01T10:00:00Z'));
  const server = inProcessServer(clock);
  const headers = { 'user-agent': 'bench/1' };
  const create = async (url: string, object: object): Promise<void> => {
    const { status } = await server.handle({ method: 'POST', url, headers, object });
    if (status !== 201) throw new Error(`POST ${url} answered ${status}`);
  };
  for (let index = 0; index < nodeCount; index++)
    await create('/api/v1/nodes', {
      metadata: { name: `n${index}`, labels: { 'kubernetes.io/hostname': `n${index}` } },
      status: { allocatable: { cpu: '16', memory: '64Gi', pods: '110' } },
    });
  for (let index = 0; index < podCount; index++)
    await create('/api/v1/namespaces/default/pods', {
      metadata: { name: `p${index}`, labels: { app: 'bench' } },
      spec: {
        containers: [
          { name: 'web', image: 'nginx', resources: { requests: { cpu: '1m', memory: '1Mi' } } },
        ],
      },
    });
  const client = createClient(
    { send: (request) => server.handle(request) },
    { userAgent: 'kube-scheduler/bench', clock, logger: silentLogger },
  );
  const random = seededRandom('bench');
  const informers = createInformers(client, clock, { random, logger: silentLogger });
  const config = parseSchedulerConfiguration(undefined);
  if (typeof config === 'string') throw new Error(config);
  const scheduler = createScheduler({
    client,
    informers,
    clock,
    random,
    logger: silentLogger,
    config,
    compileDeviceSelector,
  });
  let bound = 0;
  informers.for('pods').addHandler({
    onUpdate: (before, now) => {
      if (!before.spec?.nodeName && now.spec?.nodeName) bound += 1;
    },
  });
  const ms = await timed(async () => {
    scheduler.start();
    while (bound < podCount) {
      await new Promise((resolve) => setImmediate(resolve));
      clock.step(clock.now() + 1000);
    }
  });
  scheduler.dispose();
  server.dispose();
  return [
    {
      name: `pods scheduled, on ${nodeCount} nodes`,
      value: (podCount / ms) * 1000,
      unit: '/s',
      limit: { atLeast: 1000 },
    },
  ];
};
