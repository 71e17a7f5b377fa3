import { type App, type AppOptions, type ClusterSpec, createApp, type Engine } from '#core/app';
import { seededRandom, silentLogger } from '#core/base';
import { createRpcClient, type RpcClient } from '#contract';
import { fakeEngine, type FakeEngine } from './engine.ts';
import { framePair } from './frames.ts';
import { TestTime } from './sim.ts';

/** The app over an engine of recorded answers, with one page. */
export interface TestApp {
  readonly app: App;
  readonly source: FakeEngine;
  readonly time: TestTime;
  readonly specs: ClusterSpec[];
  readonly rpc: RpcClient;
  /** Another page. */
  readonly connect: () => RpcClient & { readonly close: () => void };
}

export function testApp(answers: Partial<Engine> = {}, options: Partial<AppOptions> = {}): TestApp {
  const source = fakeEngine(answers);
  const time = new TestTime();
  const specs: ClusterSpec[] = [];
  const app = createApp({
    engine: source,
    registry: {
      list: () => specs,
      put: (spec) => void specs.push(spec),
      remove: (id) => {
        const index = specs.findIndex(({ clusterId }) => clusterId === id);
        if (index >= 0) specs.splice(index, 1);
      },
    },
    clock: time.clock,
    random: seededRandom('app'),
    logger: silentLogger,
    info: {
      version: '0.1.0',
      kubernetesVersion: 'v1.36.3',
      host: 'web',
      dataFolder: '/data',
      localShell: false,
    },
    doctor: async () => [],
    ...options,
  });
  const connect: TestApp['connect'] = () => {
    const { core, page } = framePair();
    app.attach(core);
    return Object.assign(createRpcClient(page), { close: () => page.close() });
  };
  return { app, source, time, specs, rpc: connect(), connect };
}
