import { seededRandom, silentLogger } from '#core/base';
import { FakeApi, type FakeObject } from './fake-api.ts';
import { TestTime } from './sim.ts';
import {
  createClient,
  createEventRecorder,
  createInformers,
  type Informers,
  type KubeClient,
} from '../../src-main/core/kube/client/index.ts';
import type { Controller, ControllerContext } from '../../src-main/core/kube/controllers/index.ts';

/** A fake API with controllers on it. */
export interface ControllerBench {
  readonly api: FakeApi;
  readonly time: TestTime;
  readonly client: KubeClient;
  readonly informers: Informers;
  /** Starts a controller and lets it settle. */
  run(create: (context: ControllerContext) => Controller, component?: string): Promise<void>;
  /** `reason message (xcount)` of all events on one object, in order of creation. */
  events(name: string): string[];
}

export function createControllerBench(): ControllerBench {
  const time = new TestTime();
  const { clock } = time;
  const api = new FakeApi(clock);
  const client = createClient(api.transport, {
    userAgent: 'kube-controller-manager/test',
    clock,
    logger: silentLogger,
  });
  const informers = createInformers(client, clock);
  return {
    api,
    time,
    client,
    informers,
    run: async (create, component = 'test-controller') => {
      const random = seededRandom(component);
      const controller = create({
        client,
        informers,
        clock,
        random,
        logger: silentLogger,
        recorder: createEventRecorder(client, { component, clock, random, logger: silentLogger }),
      });
      controller.start();
      informers.start();
      await time.settle();
    },
    events: (name) =>
      api
        .list<
          FakeObject & {
            involvedObject: { name: string };
            reason: string;
            message: string;
            count: number;
          }
        >('events')
        .filter((event) => event.involvedObject.name === name)
        .map(
          ({ reason, message, count }) => `${reason} ${message}${count > 1 ? ` (x${count})` : ''}`,
        ),
  };
}

/** Lets a pod run and be ready, as a kubelet would. */
export function makeReady(api: FakeApi, name: string, namespace = 'default'): void {
  api.change('pods', name, namespace, (pod) => {
    const time = new Date(Date.parse('2026-01-01T10:00:00Z')).toISOString();
    pod.status = {
      ...pod.status,
      phase: 'Running',
      conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: time }],
    };
  });
}
