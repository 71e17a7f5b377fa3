import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seededRandom, silentLogger, type Logger } from '#core/base';
import {
  assembleApiServer,
  createClient,
  createInformers,
  createStore,
  startControllers,
  storedObjectCodec,
  type ApiServer,
  type KubeClient,
  type Transport,
} from '#core/kube';
import { ClockDriver } from '#node/clock';
import { type ApiListener, serveApi } from '#node/https';
import { createPki } from '#node/pki';

/** An API server with its controllers, no machines, on a port of this computer. */
export interface ControlPlane {
  readonly server: ApiServer;
  readonly driver: ClockDriver;
  /** All rights. */
  readonly client: KubeClient;
  readonly admin: Transport;
  readonly listener: ApiListener;
  /** Path of a kubeconfig. */
  readonly kubeconfig: string;
  stop(): Promise<void>;
}

export async function startControlPlane(
  options: { controllers?: boolean; logger?: Logger } = {},
): Promise<ControlPlane> {
  const driver = new ClockDriver(Date.now());
  const { clock } = driver;
  const logger = options.logger ?? silentLogger;
  const random = seededRandom('control-plane');
  const pki = await createPki();
  const dayMs = 86_400_000;
  const validity = { notBeforeMs: Date.now() - 300_000, notAfterMs: Date.now() + 365 * dayMs };
  const caKey = await pki.generateKey();
  const ca = {
    privateKey: caKey.privateKey,
    certificate: await pki.issue({
      commonName: 'kubernetes',
      subjectKey: caKey.privateKey,
      isCa: true,
      keyUsages: ['digital signature', 'key encipherment', 'cert sign'],
      extendedKeyUsages: [],
      ...validity,
    }),
  };
  const issue = async (commonName: string, organizations: string[], server: boolean) => {
    const key = await pki.generateKey();
    const certificate = await pki.issue({
      issuer: ca,
      commonName,
      organizations,
      subjectKey: key.publicKey,
      ...(server ? { dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] } : {}),
      keyUsages: ['digital signature', 'key encipherment'],
      extendedKeyUsages: [server ? 'server auth' : 'client auth'],
      ...validity,
    });
    return { certificate, privateKey: key.privateKey };
  };
  const serving = await issue('kube-apiserver', [], true);
  const user = await issue('kubernetes-admin', ['system:masters'], false);
  const signing = await pki.generateKey();
  const store = createStore({ clock, codec: storedObjectCodec });
  const server = assembleApiServer({
    compactionIntervalMs: 300_000,
    store,
    clock,
    random,
    logger,
    pki,
    version: {
      major: '1',
      minor: '36',
      emulationMajor: '1',
      emulationMinor: '36',
      minCompatibilityMajor: '1',
      minCompatibilityMinor: '35',
      gitVersion: 'v1.36.3',
      gitCommit: 'unknown',
      gitTreeState: 'clean',
      buildDate: '2026-01-01T00:00:00Z',
      goVersion: 'go1.26.8',
      compiler: 'gc',
      platform: 'linux/amd64',
    },
    descriptions: undefined,
    advertiseAddress: '172.30.1.2',
    hostname: 'controlplane',
    port: 6443,
    anonymous: true,
    authorizationModes: ['Node', 'RBAC'],
    clientCa: ca.certificate,
    serviceAccounts: {
      issuers: ['https://kubernetes.default.svc.cluster.local'],
      audiences: ['https://kubernetes.default.svc.cluster.local'],
      publicKeys: [signing.publicKey],
      signingKey: signing.privateKey,
    },
    bootstrapTokens: true,
    enabledPlugins: ['NodeRestriction'],
    disabledPlugins: [],
    serviceClusterIpRange: '10.96.0.0/12',
    nodePortRange: { from: 30_000, to: 32_767 },
  });
  await server.bootstrap();
  const admin: Transport = {
    send: (request) => server.handle({ ...request, peerCertificate: user.certificate }),
  };
  const clientFor = (userAgent: string) => createClient(admin, { userAgent, clock, logger });
  const client = clientFor('test');
  const informers = createInformers(clientFor('kube-controller-manager'), clock, {
    random,
    logger,
  });
  const controllers =
    options.controllers === false
      ? undefined
      : startControllers({
          clientFor,
          informers,
          clock,
          random,
          logger,
          enabled: () => true,
          flags: { rootCa: ca.certificate },
        });
  const listener = await serveApi({
    transport: { send: (request) => server.handle(request) },
    certificate: serving.certificate,
    privateKey: serving.privateKey,
    port: 0,
    logger,
  });
  const folder = mkdtempSync(join(tmpdir(), 'kijabi-control-plane-'));
  const kubeconfig = join(folder, 'kubeconfig');
  const data = (pem: string) => Buffer.from(pem).toString('base64');
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        {
          name: 'c',
          cluster: {
            server: `https://127.0.0.1:${listener.port}`,
            'certificate-authority-data': data(ca.certificate),
          },
        },
      ],
      users: [
        {
          name: 'u',
          user: {
            'client-certificate-data': data(user.certificate),
            'client-key-data': data(user.privateKey),
          },
        },
      ],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    }),
    { mode: 0o600 },
  );
  return {
    server,
    driver,
    client,
    admin,
    kubeconfig,
    listener,
    stop: async () => {
      controllers?.dispose();
      informers.dispose();
      await listener.close();
      server.dispose();
      driver.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
