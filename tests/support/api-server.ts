import type { Clock, Logger, Random } from '#core/base';
import {
  type ApiServer,
  assembleApiServer,
  createStore,
  type SendHttps,
  storedObjectCodec,
  type Transport,
} from '#core/kube';
import { createPki } from '#node/pki';
import { buildInfo } from '#tests/build-info';

interface Identity {
  /** PEM. */
  readonly certificate: string;
  readonly privateKey: string;
}

/** An API server in this process with all its admission, and what its cluster's authority signs. */
export interface TestApiServer {
  readonly server: ApiServer;
  /** PEM of the authority's certificate. */
  readonly ca: string;
  /** PEM, the authority's: for certificates of one's own. */
  readonly caKey: string;
  /** PEM: what signs tokens of service accounts. */
  readonly tokenKey: string;
  /** Of `kubernetes-admin`, who may do everything. */
  readonly user: Identity;
  /** For 127.0.0.1. */
  readonly serving: Identity;
  /** Requests of `kubernetes-admin`. */
  readonly admin: Transport;
}

const yearMs = 365 * 86_400_000;

export async function startApiServer(options: {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Webhooks and aggregated servers. Absent: nobody answers. */
  readonly sendHttps?: SendHttps;
}): Promise<TestApiServer> {
  const { clock } = options;
  const pki = await createPki();
  const validity = { notBeforeMs: clock.now() - 300_000, notAfterMs: clock.now() + yearMs };
  const caKey = await pki.generateKey();
  const ca = await pki.issue({
    commonName: 'kubernetes',
    subjectKey: caKey.privateKey,
    isCa: true,
    keyUsages: ['digital signature', 'key encipherment', 'cert sign'],
    extendedKeyUsages: [],
    ...validity,
  });
  const issue = async (
    commonName: string,
    usage: 'server auth' | 'client auth',
    names: { organizations?: string[]; dnsNames?: string[]; ipAddresses?: string[] },
  ): Promise<Identity> => {
    const { publicKey, privateKey } = await pki.generateKey();
    const certificate = await pki.issue({
      issuer: { certificate: ca, privateKey: caKey.privateKey },
      commonName,
      ...names,
      subjectKey: publicKey,
      keyUsages: ['digital signature', 'key encipherment'],
      extendedKeyUsages: [usage],
      ...validity,
    });
    return { certificate, privateKey };
  };
  const serving = await issue('kube-apiserver', 'server auth', {
    dnsNames: ['localhost'],
    ipAddresses: ['127.0.0.1'],
  });
  const user = await issue('kubernetes-admin', 'client auth', {
    organizations: ['system:masters'],
  });
  const signing = await pki.generateKey();
  const issuer = 'https://kubernetes.default.svc.cluster.local';
  const server = assembleApiServer({
    ...options,
    store: createStore({ clock, codec: storedObjectCodec }),
    pki,
    version: {
      major: '1',
      minor: '36',
      emulationMajor: '1',
      emulationMinor: '36',
      minCompatibilityMajor: '1',
      minCompatibilityMinor: '35',
      ...buildInfo,
    },
    descriptions: undefined,
    advertiseAddress: '172.30.1.2',
    hostname: 'controlplane',
    port: 6443,
    anonymous: true,
    authorizationModes: ['Node', 'RBAC'],
    clientCa: ca,
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
  const admin: Transport = {
    send: (request) => server.handle({ ...request, peerCertificate: user.certificate }),
  };
  return {
    server,
    ca,
    caKey: caKey.privateKey,
    tokenKey: signing.privateKey,
    user,
    serving,
    admin,
  };
}
