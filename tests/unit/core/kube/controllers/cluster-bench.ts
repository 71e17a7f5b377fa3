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
import {
  createRbacAuthorizer,
  reconcileBootstrapPolicy,
} from '../../../../../src-main/core/kube/apiserver/authorization/index.ts';
import type { Authorizer, ServerState } from '../../../../../src-main/core/kube/apiserver/index.ts';
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
 * The real API server with all controllers on it, each with the rights of its service account, and no machines.
 *
 * @param flags what differs from the controllers' flags of a test.
 * @param only the one controller that runs, on a server that writes nothing of its own: for tests of many days.
 */
export async function startCluster(flags: ControllerFlags = {}, only?: string): Promise<Cluster> {
  let rbac: Authorizer | undefined;
  let policy: ServerState | undefined;
  const bench = testServer(
    [],
    {
      strategyFor,
      authenticator: {
        authenticate: ({ headers }) => Promise.resolve(userOf(headers['user-agent'] ?? '')),
      },
      authorizer: {
        authorize: (attributes) =>
          attributes.user.username === 'tester' || !rbac
            ? { decision: 'allow', reason: '' }
            : rbac.authorize(attributes),
      },
    },
    (state) => {
      rbac = createRbacAuthorizer(state);
      policy = state;
      return [namespaceLifecycle(state)];
    },
  );
  const { clock } = bench.time;
  if (only === undefined) await bench.server.bootstrap();
  const clientFor = (name: string): KubeClient =>
    createClient(
      { send: (request) => bench.server.handle(request) },
      { userAgent: name, clock, logger: silentLogger },
    );
  if (policy)
    for (const { resource, object } of reconcileBootstrapPolicy(policy)) {
      const { namespace } = object.metadata;
      const scope = namespace ? `/namespaces/${namespace}` : '';
      await bench.send('POST', `/apis/rbac.authorization.k8s.io/v1${scope}/${resource}`, object);
    }
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

/** Controllers are known by their agent; everybody else may do all. */
function userOf(agent: string): { username: string; groups: string[] } {
  if (agent === 'kube-controller-manager' || agent === 'kube-scheduler')
    return { username: `system:${agent}`, groups: ['system:authenticated'] };
  if (agent === '' || /^(test|kube-apiserver|kubelet)/.test(agent))
    return { username: 'tester', groups: ['system:authenticated'] };
  return {
    username: `system:serviceaccount:kube-system:${agent}`,
    groups: ['system:serviceaccounts', 'system:authenticated'],
  };
}
