import type { IssueOptions, Pki } from '#core/kube';
import { type LaidFile, publicFile, secretFile } from './files.ts';
import type { Topology, TopologyMachine } from '../topology.ts';

export interface KeyPair {
  /** PEM certificate. */
  readonly certificate: string;
  /** PEM private key. */
  readonly privateKey: string;
}

/** What all machines of a cluster share. */
export interface ClusterAuthorities {
  readonly ca: KeyPair;
  readonly frontProxyCa: KeyPair;
  readonly etcdCa: KeyPair;
  readonly serviceAccount: { readonly publicKey: string; readonly privateKey: string };
}

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
const pkiFolder = '/etc/kubernetes/pki';

/** Issues as kubeadm does: valid from five minutes ago, leaves for a year, authorities for ten. */
export class CertificateMaker {
  readonly #pki: Pki;
  readonly #nowMs: number;

  constructor(pki: Pki, nowMs: number) {
    this.#pki = pki;
    this.#nowMs = nowMs;
  }

  async authority(commonName: string): Promise<KeyPair> {
    const key = await this.#pki.generateKey();
    const certificate = await this.#pki.issue({
      commonName,
      subjectKey: key.privateKey,
      dnsNames: [commonName],
      isCa: true,
      keyUsages: ['digital signature', 'key encipherment', 'cert sign'],
      extendedKeyUsages: [],
      notBeforeMs: this.#nowMs - 5 * minuteMs,
      notAfterMs: this.#nowMs + 3650 * dayMs,
    });
    return { certificate, privateKey: key.privateKey };
  }

  async leaf(
    issuer: KeyPair,
    commonName: string,
    options: Pick<IssueOptions, 'organizations' | 'dnsNames' | 'ipAddresses' | 'extendedKeyUsages'>,
  ): Promise<KeyPair> {
    const key = await this.#pki.generateKey();
    const certificate = await this.#pki.issue({
      issuer,
      commonName,
      subjectKey: key.publicKey,
      ...options,
      keyUsages: ['digital signature', 'key encipherment'],
      notBeforeMs: this.#nowMs - 5 * minuteMs,
      notAfterMs: this.#nowMs + 365 * dayMs,
    });
    return { certificate, privateKey: key.privateKey };
  }

  client(issuer: KeyPair, commonName: string, organization?: string): Promise<KeyPair> {
    return this.leaf(issuer, commonName, {
      ...(organization === undefined ? {} : { organizations: [organization] }),
      extendedKeyUsages: ['client auth'],
    });
  }

  /** A service account signing pair. */
  async signingPair(): Promise<ClusterAuthorities['serviceAccount']> {
    return this.#pki.generateKey();
  }
}

export async function makeAuthorities(maker: CertificateMaker): Promise<ClusterAuthorities> {
  const [ca, frontProxyCa, etcdCa, serviceAccount] = await Promise.all([
    maker.authority('kubernetes'),
    maker.authority('front-proxy-ca'),
    maker.authority('etcd-ca'),
    maker.signingPair(),
  ]);
  return { ca, frontProxyCa, etcdCa, serviceAccount };
}

/**
 * /etc/kubernetes/pki of a control-plane machine, as `kubeadm init` leaves it, but with P-256 keys in place of
 * RSA 2048: making a dozen RSA keys would take longer than everything else together.
 */
export async function controlPlanePki(
  maker: CertificateMaker,
  authorities: ClusterAuthorities,
  machine: TopologyMachine,
  topology: Topology,
): Promise<LaidFile[]> {
  const { ca, frontProxyCa, etcdCa, serviceAccount } = authorities;
  const both: IssueOptions['extendedKeyUsages'] = ['server auth', 'client auth'];
  const etcdNames = {
    dnsNames: [machine.hostname, 'localhost'],
    ipAddresses: [machine.address, '127.0.0.1', '::1'],
    extendedKeyUsages: both,
  };
  const controlPlanes = topology.machines.filter(({ role }) => role === 'control-plane');
  const pairs: readonly (readonly [string, KeyPair])[] = await Promise.all([
    pair(
      'apiserver',
      maker.leaf(ca, 'kube-apiserver', {
        dnsNames: [
          machine.hostname,
          'kubernetes',
          'kubernetes.default',
          'kubernetes.default.svc',
          'kubernetes.default.svc.cluster.local',
          // Clients outside reach the API server through a port of this computer.
          'localhost',
        ],
        ipAddresses: [
          '10.96.0.1',
          ...controlPlanes.map(({ address }) => address),
          '127.0.0.1',
          '::1',
        ],
        extendedKeyUsages: ['server auth'],
      }),
    ),
    pair('apiserver-kubelet-client', maker.client(ca, 'kube-apiserver-kubelet-client')),
    pair('apiserver-etcd-client', maker.client(etcdCa, 'kube-apiserver-etcd-client')),
    pair('front-proxy-client', maker.client(frontProxyCa, 'front-proxy-client')),
    pair('etcd/server', maker.leaf(etcdCa, machine.hostname, etcdNames)),
    pair('etcd/peer', maker.leaf(etcdCa, machine.hostname, etcdNames)),
    pair('etcd/healthcheck-client', maker.client(etcdCa, 'kube-etcd-healthcheck-client')),
  ]);
  const files: LaidFile[] = [
    ['ca', ca] as const,
    ['front-proxy-ca', frontProxyCa] as const,
    ['etcd/ca', etcdCa] as const,
    ...pairs,
  ].flatMap(([name, { certificate, privateKey }]) => [
    publicFile(`${pkiFolder}/${name}.crt`, certificate),
    secretFile(`${pkiFolder}/${name}.key`, privateKey),
  ]);
  return [
    ...files,
    secretFile(`${pkiFolder}/sa.key`, serviceAccount.privateKey),
    secretFile(`${pkiFolder}/sa.pub`, serviceAccount.publicKey),
  ];
}

async function pair(name: string, made: Promise<KeyPair>): Promise<readonly [string, KeyPair]> {
  return [name, await made];
}
