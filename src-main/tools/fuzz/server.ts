import { type Clock, type Logger, seededRandom, SimClock } from '#core/base';
import {
  type ApiRequest,
  type ApiResponse,
  assembleApiServer,
  createStore,
  storedObjectCodec,
} from '#core/kube';
import { createPki } from '#node/pki';

/** An API server in this process, with all its admission, and its administrator's way in. */
export interface FuzzedServer {
  readonly clock: SimClock;
  /** Errors the server logged: there must be none. */
  readonly logged: string[];
  send(request: ApiRequest): Promise<ApiResponse>;
  stop(): void;
}

const longMs = 365 * 86_400_000;

export async function startFuzzedServer(seed: string): Promise<FuzzedServer> {
  const nowMs = Date.parse('2026-01-01T10:00:00Z');
  const clock = new SimClock(nowMs);
  const logged: string[] = [];
  const logger: Logger = {
    log: (level, message, fields) => {
      if (level === 'error') logged.push(`${message} ${JSON.stringify(fields ?? {})}`);
    },
  };
  const pki = await createPki();
  const validity = { notBeforeMs: nowMs - 1000, notAfterMs: nowMs + longMs };
  const caKey = await pki.generateKey();
  const clientCa = await pki.issue({
    commonName: 'kubernetes',
    subjectKey: caKey.privateKey,
    isCa: true,
    keyUsages: ['cert sign'],
    extendedKeyUsages: [],
    ...validity,
  });
  const key = await pki.generateKey();
  const peerCertificate = await pki.issue({
    issuer: { certificate: clientCa, privateKey: caKey.privateKey },
    commonName: 'fuzz',
    organizations: ['system:masters'],
    subjectKey: key.publicKey,
    keyUsages: ['digital signature'],
    extendedKeyUsages: ['client auth'],
    ...validity,
  });
  const signing = await pki.generateKey();
  const issuer = 'https://kubernetes.default.svc.cluster.local';
  const server = assembleApiServer({
    store: createStore({ clock, codec: storedObjectCodec }),
    clock,
    random: seededRandom(`${seed} server`),
    logger,
    pki,
    version: {
      major: '1',
      minor: '36',
      gitVersion: 'v1.36.3',
      gitCommit: '',
      gitTreeState: 'clean',
      buildDate: '',
      goVersion: '',
      compiler: 'gc',
      platform: 'linux/amd64',
    },
    descriptions: undefined,
    advertiseAddress: '172.30.1.2',
    hostname: 'controlplane',
    port: 6443,
    anonymous: true,
    authorizationModes: ['Node', 'RBAC'],
    clientCa,
    serviceAccounts: {
      issuers: [issuer],
      audiences: [issuer],
      publicKeys: [signing.publicKey],
      signingKey: signing.privateKey,
    },
    bootstrapTokens: true,
    enabledPlugins: ['NodeRestriction'],
    disabledPlugins: [],
    compactionIntervalMs: 300_000,
    serviceClusterIpRange: '10.96.0.0/12',
    nodePortRange: { from: 30_000, to: 32_767 },
  });
  await server.bootstrap();
  return {
    clock,
    logged,
    send: (request) => server.handle({ ...request, peerCertificate }),
    stop: () => server.dispose(),
  };
}

/** Runs what is due and lets promises settle, until `done`. @returns false when it takes too long. */
export async function drive(
  clock: SimClock,
  done: () => boolean,
  limitMs = 20_000,
): Promise<boolean> {
  const start = performance.now();
  while (!done()) {
    await new Promise((resolve) => setImmediate(resolve));
    for (let steps = 0; steps < 200 && clock.step(clock.now() + 5); steps++);
    if (performance.now() - start > limitMs) return false;
  }
  return true;
}

/** Runs whatever waits for its turn now. */
export async function settle(clock: Clock & SimClock): Promise<void> {
  for (let round = 0; round < 20; round++) {
    await new Promise((resolve) => setImmediate(resolve));
    let moved = false;
    for (let steps = 0; steps < 500 && clock.step(clock.now()); steps++) moved = true;
    if (!moved && round > 3) return;
  }
}
