import { type Clock, seededRandom, silentLogger } from '#core/base';
import {
  type ApiServer,
  builtinResources,
  builtinSchemas,
  createApiServer,
  createServerState,
  createStore,
  storedObjectCodec,
  strategyFor,
} from '#core/kube';

/** An API server in this process that lets everybody do everything, its store in memory. */
export function inProcessServer(clock: Clock): ApiServer {
  const store = createStore({ clock, codec: storedObjectCodec });
  return createApiServer({
    store,
    state: createServerState(store, builtinResources),
    clock,
    random: seededRandom('bench'),
    logger: silentLogger,
    version: {
      major: '1',
      minor: '36',
      gitVersion: 'v1.36.3',
      gitCommit: '',
      gitTreeState: '',
      buildDate: '',
      goVersion: '',
      compiler: '',
      platform: '',
    },
    resources: builtinResources,
    schemas: builtinSchemas,
    strategyFor,
    authenticator: { authenticate: () => Promise.resolve({ username: 'bench', groups: [] }) },
    authorizer: { authorize: () => ({ decision: 'allow', reason: '' }) },
    admission: [],
    anonymous: false,
    serviceClusterIpRange: '10.96.0.0/12',
    nodePortRange: { from: 30_000, to: 32_767 },
    advertiseAddress: '127.0.0.1',
    port: 6443,
  });
}
