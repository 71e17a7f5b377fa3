import { afterEach } from 'vitest';
import { seededRandom, silentLogger } from '#core/base';
import { strategyFor } from '../../../../../src-main/core/kube/apis/index.ts';
import {
  createClient,
  createInformers,
  type KubeClient,
} from '../../../../../src-main/core/kube/client/index.ts';
import {
  type ControllerFlags,
  startControllers,
} from '../../../../../src-main/core/kube/controllers/index.ts';
import { namespaceLifecycle } from '../../../../../src-main/core/kube/apiserver/admission/namespace-lifecycle.ts';
import { testServer, type TestServer } from '../apiserver/server.ts';

export interface Cluster extends TestServer {
  readonly client: KubeClient;
}

const running: { dispose(): void }[] = [];
afterEach(() => {
  for (const item of running.splice(0)) item.dispose();
});

/**
 * The real API server with all controllers on it, and no machines.
 *
 * @param flags what differs from the controllers' flags of a test.
 * @param only the one controller that runs, on a server that writes nothing of its own: for tests of many days.
 */
export async function startCluster(flags: ControllerFlags = {}, only?: string): Promise<Cluster> {
  const bench = testServer([], { strategyFor }, (state) => [namespaceLifecycle(state)]);
  const { clock } = bench.time;
  if (only === undefined) await bench.server.bootstrap();
  const clientFor = (name: string): KubeClient =>
    createClient(
      { send: (request) => bench.server.handle(request) },
      { userAgent: name, clock, logger: silentLogger },
    );
  const random = seededRandom('cluster');
  const informers = createInformers(clientFor('kube-controller-manager'), clock, { random });
  const controllers = startControllers({
    clientFor,
    informers,
    clock,
    random,
    logger: silentLogger,
    enabled: (name) => only === undefined || name === only,
    flags: {
      rootCa: 'CA',
      clusterCidr: '10.244.0.0/16',
      signServiceAccountToken: () =>
        Promise.resolve({ algorithm: 'ES256', signature: new Uint8Array([1, 2, 3]) }),
      ...flags,
    },
  });
  running.push(controllers, informers, bench.server);
  await bench.time.settle();
  return { ...bench, client: clientFor('test') };
}
