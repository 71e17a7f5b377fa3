import type { Image, Network, Program } from '#core/machines';
import { calicoVersion } from './layout/cni-objects.ts';
import { etcdImageTag } from './layout/static-pods.ts';
import { calicoKubeControllers, calicoNode, installCni } from './programs/calico.ts';
import { cloudControllerManager } from './programs/cloud-controller-manager/index.ts';
import { coredns } from './programs/coredns.ts';
import { etcd } from './programs/etcd.ts';
import { etcdctl } from './programs/etcdctl.ts';
import { etcdutl } from './programs/etcdutl.ts';
import { type ApiServerDeps, kubeApiserver } from './programs/kube-apiserver.ts';
import { kubeControllerManager } from './programs/kube-controller-manager.ts';
import { kubeProxy } from './programs/kube-proxy.ts';
import { kubeScheduler } from './programs/kube-scheduler.ts';
import { metricsServer, metricsServerVersion } from './programs/metrics-server/index.ts';
import type { EtcdData } from './etcd-data.ts';

export interface SystemImagesDeps extends ApiServerDeps {
  readonly etcdData: EtcdData;
  readonly network: Network;
}

const mebibyte = 1024 * 1024;
/** Releases that manifests on the web name. */
const metricsServerVersions = ['v0.6.4', 'v0.7.0', 'v0.7.1', 'v0.7.2', 'v0.8.0'];

/** The images that kubeadm and the CNI pull: the control plane itself as programs. */
export function systemImages(deps: SystemImagesDeps): Image[] {
  const { release, network } = deps;
  const image = (
    repository: string,
    tags: readonly string[],
    sizeMiB: number,
    programs: Readonly<Record<string, Program>>,
    options: Partial<Pick<Image, 'entrypoint' | 'base' | 'user'>> = {},
  ): Image => ({
    repository,
    tags,
    sizeBytes: sizeMiB * mebibyte,
    entrypoint: [],
    command: [],
    env: { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
    workingDirectory: '/',
    user: '',
    files: {},
    base: 'none',
    ...options,
    programs,
  });
  const versions = [release.gitVersion];
  return [
    image(
      'registry.k8s.io/etcd',
      [etcdImageTag],
      22,
      {
        '/usr/local/bin/etcd': etcd(deps.etcdData, deps.pki),
        '/usr/local/bin/etcdctl': etcdctl(deps.pki),
        '/usr/local/bin/etcdutl': etcdutl(deps.etcdData),
      },
      { base: 'debian' },
    ),
    image('registry.k8s.io/kube-apiserver', versions, 29, {
      '/usr/local/bin/kube-apiserver': kubeApiserver(deps),
    }),
    image('registry.k8s.io/kube-controller-manager', versions, 23, {
      '/usr/local/bin/kube-controller-manager': kubeControllerManager(deps),
    }),
    image('registry.k8s.io/kube-scheduler', versions, 18, {
      '/usr/local/bin/kube-scheduler': kubeScheduler(deps),
    }),
    image(
      'registry.k8s.io/kube-proxy',
      versions,
      27,
      { '/usr/local/bin/kube-proxy': kubeProxy(network) },
      { base: 'debian' },
    ),
    image('registry.k8s.io/cloud-controller-manager', versions, 20, {
      '/usr/local/bin/cloud-controller-manager': cloudControllerManager(deps),
    }),
    image(
      'registry.k8s.io/coredns/coredns',
      ['v1.14.2'],
      22,
      { '/coredns': coredns },
      { entrypoint: ['/coredns'] },
    ),
    image(
      'registry.k8s.io/metrics-server/metrics-server',
      [...metricsServerVersions, metricsServerVersion],
      20,
      { '/metrics-server': metricsServer(deps) },
      { entrypoint: ['/metrics-server'], user: '65534' },
    ),
    image('quay.io/calico/cni', [calicoVersion], 70, { '/opt/cni/bin/install': installCni }),
    image(
      'quay.io/calico/node',
      [calicoVersion],
      155,
      { '/usr/bin/start_runit': calicoNode(network) },
      { entrypoint: ['/usr/bin/start_runit'] },
    ),
    image(
      'quay.io/calico/kube-controllers',
      [calicoVersion],
      50,
      { '/usr/bin/kube-controllers': calicoKubeControllers },
      {
        entrypoint: ['/usr/bin/kube-controllers'],
      },
    ),
  ];
}

/** What is on a node's disk before it starts, so that a new cluster need not pull it. */
export function preloadedImages(release: string, role: 'control-plane' | 'worker'): string[] {
  const everywhere = [
    'registry.k8s.io/pause:3.10.2',
    `registry.k8s.io/kube-proxy:${release}`,
    'registry.k8s.io/coredns/coredns:v1.14.2',
    `quay.io/calico/cni:${calicoVersion}`,
    `quay.io/calico/node:${calicoVersion}`,
    `quay.io/calico/kube-controllers:${calicoVersion}`,
  ];
  if (role === 'worker') return everywhere;
  return [
    `registry.k8s.io/etcd:${etcdImageTag}`,
    ...['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'].map(
      (name) => `registry.k8s.io/${name}:${release}`,
    ),
    ...everywhere,
  ];
}
