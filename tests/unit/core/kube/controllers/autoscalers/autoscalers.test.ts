import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { type Disposable, seededRandom, silentLogger, utf8 } from '#core/base';
import { strategyFor } from '../../../../../../src-main/core/kube/apis/index.ts';
import {
  createClient,
  createInformers,
  type KubeClient,
} from '../../../../../../src-main/core/kube/client/index.ts';
import { startControllers } from '../../../../../../src-main/core/kube/controllers/index.ts';
import type {
  ApiRequest,
  ApiResponse,
} from '../../../../../../src-main/core/kube/machinery/index.ts';
import { testServer } from '../../apiserver/server.ts';
import {
  answerOf,
  type AutoscalerAnswer,
  answerTo,
  autoscaler,
  cases,
  podsOf,
  type Recording,
  type Step,
  steps,
  workload,
} from './cases.ts';

const recorded = JSON.parse(
  readFileSync(join(import.meta.dirname, 'answers.json'), 'utf8'),
) as Recording;

const running: Disposable[] = [];
afterEach(() => {
  for (const item of running.splice(0)) item.dispose();
});

/** The autoscalers' controller alone, on a server whose metrics are the figures of a step. */
async function startAutoscalers() {
  let step: Step = steps[0];
  const bench = testServer([], { strategyFor });
  const { clock } = bench.time;
  const send = (request: ApiRequest): Promise<ApiResponse> => {
    if (!/^\/apis\/([a-z]+\.)?metrics\.k8s\.io/.test(request.url))
      return bench.server.handle(request);
    const time = new Date(clock.now()).toISOString();
    const { status, body } = answerTo(request.url, step, time);
    return Promise.resolve({
      status,
      headers: { 'content-type': 'application/json' },
      body: { kind: 'bytes', bytes: utf8(JSON.stringify(body)) },
    });
  };
  const clientFor = (userAgent: string): KubeClient =>
    createClient({ send }, { userAgent, clock, logger: silentLogger });
  const client = clientFor('test');
  await client
    .resource('namespaces')
    .create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } });
  const random = seededRandom('autoscalers');
  const informers = createInformers(client, clock, { random });
  const begin = (): void => {
    const controllers = startControllers({
      clientFor,
      informers,
      clock,
      random,
      logger: silentLogger,
      enabled: (name) => name === 'horizontal-pod-autoscaler-controller',
    });
    running.push(controllers, informers, bench.server);
  };
  return { client, time: bench.time, begin, set: (next: Step) => (step = next) };
}

test('autoscalers of all kinds of metrics say and do what a real controller manager recorded for the same figures', async () => {
  const { client, time, begin, set } = await startAutoscalers();
  const deployments = client.resource('deployments.apps');
  const pods = client.resource('pods');
  const autoscalers = client.resource('horizontalpodautoscalers.autoscaling');
  const status = { subresource: 'status' };
  for (const one of cases) {
    await deployments.create(workload(one) as never);
    const replicas = { status: { replicas: one.pods } };
    await deployments.patch('default', one.name, 'merge', replicas, status);
    for (const pod of podsOf(one)) {
      const { name } = pod['metadata'] as { name: string };
      await pods.create(pod as never);
      await pods.patch('default', name, 'merge', { status: pod['status'] }, status);
    }
    await autoscalers.create(autoscaler(one) as never);
  }
  begin();
  const seen: Record<string, AutoscalerAnswer>[] = [];
  for (const next of steps) {
    set(next);
    await time.advance(60_000);
    const answers: Record<string, AutoscalerAnswer> = {};
    for (const { name } of cases) {
      const { spec } = await deployments.get('default', name);
      const now = await autoscalers.get('default', name);
      answers[name] = answerOf(now.status, spec?.replicas ?? 0);
    }
    seen.push(answers);
  }
  const { items } = await client.resource('events').list({ namespace: 'default' });
  const events = Object.fromEntries(
    cases.map(({ name }) => [
      name,
      [
        ...new Set(
          items
            .filter(({ involvedObject }) => involvedObject.name === name)
            .map(({ type, reason, message }) => `${type ?? ''} ${reason ?? ''} ${message ?? ''}`),
        ),
      ].sort(),
    ]),
  );
  // Upstream names the first pod of a map, which is any of them.
  const masked = <T>(value: T): T =>
    JSON.parse(JSON.stringify(value).replace(/Pod asks-nothing-\d/g, 'Pod asks-nothing-N')) as T;
  expect(masked(seen)).toEqual(masked(recorded.steps));
  for (const { name } of cases) {
    const [told = [], expected = []] = [masked(events)[name], masked(recorded.events)[name]];
    // Of many events in a short time a recorder drops some: there, where an autoscaler looked every two seconds.
    expect(told).toEqual(expect.arrayContaining([...expected]));
    const rescales = (texts: readonly string[]): string[] =>
      texts.filter((text) => text.startsWith('Normal'));
    expect(rescales(told)).toEqual(rescales(expected));
  }
});
