import type { Topology, TopologyMachine } from '../topology.ts';
import type { LaidFile } from './files.ts';
import { kubeconfig } from './kubeconfig.ts';
import { kubeletFiles } from './kubelet-files.ts';
import {
  type CertificateMaker,
  type ClusterAuthorities,
  controlPlanePki,
  type KeyPair,
} from './pki.ts';
import { staticPodManifests } from './static-pods.ts';

/** What the files of all machines are made of. */
export interface MachineFilesOptions {
  readonly topology: Topology;
  readonly maker: CertificateMaker;
  readonly authorities: ClusterAuthorities;
  readonly admin: KeyPair;
  readonly controlPlaneAddress: string;
  readonly nameServer: string;
  /** `v1.36.3`. */
  readonly kubernetesVersion: string;
  readonly nowMs: number;
}

/** Every file of a machine by which it differs from the base system, as kubeadm leaves it. */
export async function machineFiles(
  spec: TopologyMachine,
  options: MachineFilesOptions,
): Promise<LaidFile[]> {
  const { topology, maker, authorities, admin, nowMs } = options;
  const ca = authorities.ca.certificate;
  const files: LaidFile[] = [
    {
      path: '/etc/resolv.conf',
      content: `nameserver ${options.nameServer}\n`,
      mode: 0o644,
    },
    { path: '/etc/hosts', content: hostsFile(spec.hostname, topology), mode: 0o644 },
    ...sshUnit(),
  ];
  if (spec.role === 'base') return files;
  const server = `https://${options.controlPlaneAddress}:6443`;
  const [client, serving] = await Promise.all([
    maker.client(authorities.ca, `system:node:${spec.hostname}`, 'system:nodes'),
    ownServingPair(maker, spec.hostname, nowMs),
  ]);
  files.push(
    ...kubeletFiles({
      hostname: spec.hostname,
      server,
      ca,
      client,
      serving,
      nowMs: nowMs,
      joined: spec.role === 'worker',
    }),
  );
  const adminConf = kubeconfig({ server, ca, user: 'kubernetes-admin', credentials: admin });
  files.push({ path: '/root/.kube/config', content: adminConf, mode: 0o600 });
  if (spec.role === 'worker') return files;
  const [superAdmin, controllerManager, scheduler] = await Promise.all([
    maker.client(authorities.ca, 'kubernetes-super-admin', 'system:masters'),
    maker.client(authorities.ca, 'system:kube-controller-manager'),
    maker.client(authorities.ca, 'system:kube-scheduler'),
  ]);
  const conf = (name: string, user: string, credentials: KeyPair): LaidFile => ({
    path: `/etc/kubernetes/${name}.conf`,
    content: kubeconfig({ server, ca, user, credentials }),
    mode: 0o600,
  });
  return [
    ...files,
    ...(await controlPlanePki(maker, authorities, spec, topology)),
    conf('admin', 'kubernetes-admin', admin),
    conf('super-admin', 'kubernetes-super-admin', superAdmin),
    conf('controller-manager', 'system:kube-controller-manager', controllerManager),
    conf('scheduler', 'system:kube-scheduler', scheduler),
    ...staticPodManifests({
      hostname: spec.hostname,
      address: spec.address,
      kubernetesVersion: options.kubernetesVersion,
      initialCluster: `${spec.hostname}=https://${spec.address}:2380`,
    }),
  ];
}

function hostsFile(own: string, topology: Topology): string {
  const others = topology.machines.map(({ hostname, address }) => `${address} ${hostname}`);
  return `127.0.0.1 localhost\n127.0.1.1 ${own}\n::1 ip6-localhost ip6-loopback\n\n${others.join('\n')}\n`;
}

function sshUnit(): LaidFile[] {
  return [
    {
      path: '/usr/lib/systemd/system/ssh.service',
      mode: 0o644,
      content: `[Unit]
Description=OpenBSD Secure Shell server
After=network.target

[Service]
ExecStart=/usr/sbin/sshd -D
Restart=on-failure

[Install]
WantedBy=multi-user.target
`,
    },
  ];
}

/**
 * What a kubelet without `serverTLSBootstrap` makes for itself: nobody else trusts its authority.
 * @see k8s.io/client-go/util/cert, GenerateSelfSignedCertKey
 */
async function ownServingPair(
  maker: CertificateMaker,
  hostname: string,
  nowMs: number,
): Promise<KeyPair> {
  const stamp = Math.floor(nowMs / 1000);
  const own = await maker.authority(`${hostname}-ca@${stamp}`);
  const pair = await maker.leaf(own, `${hostname}@${stamp}`, {
    dnsNames: [hostname],
    extendedKeyUsages: ['server auth'],
  });
  return { ...pair, certificate: pair.certificate + own.certificate };
}
