import { type LaidFile, secretFile } from './files.ts';
import { formatYaml } from '#core/kube';

export interface StaticPodOptions {
  readonly hostname: string;
  readonly address: string;
  /** `v1.36.3`. */
  readonly kubernetesVersion: string;
  /** `controlplane=https://172.30.1.2:2380,…` */
  readonly initialCluster: string;
}

export const etcdImageTag = '3.6.8-0';

interface HostPath {
  readonly name: string;
  readonly path: string;
  readonly type: 'DirectoryOrCreate' | 'FileOrCreate';
  readonly readOnly: boolean;
}

interface Probes {
  readonly port: number;
  readonly scheme: 'HTTP' | 'HTTPS';
  readonly host: string;
  readonly liveness: string;
  readonly readiness?: string;
  readonly startup: string;
}

const directory = (name: string, path: string, readOnly = true): HostPath => ({
  name,
  path,
  type: 'DirectoryOrCreate',
  readOnly,
});
const kubeconfigFile = (path: string): HostPath => ({
  name: 'kubeconfig',
  path,
  type: 'FileOrCreate',
  readOnly: true,
});
const systemCertificates = [
  directory('ca-certs', '/etc/ssl/certs'),
  directory('etc-ca-certificates', '/etc/ca-certificates'),
  directory('k8s-certs', '/etc/kubernetes/pki'),
  directory('usr-local-share-ca-certificates', '/usr/local/share/ca-certificates'),
  directory('usr-share-ca-certificates', '/usr/share/ca-certificates'),
];

/** /etc/kubernetes/manifests as `kubeadm init` v1.36 leaves it. */
export function staticPodManifests(options: StaticPodOptions): LaidFile[] {
  const { address, hostname } = options;
  const pki = '/etc/kubernetes/pki';
  const image = (name: string): string => `registry.k8s.io/${name}:${options.kubernetesVersion}`;
  const etcd = manifest('etcd', {
    image: `registry.k8s.io/etcd:${etcdImageTag}`,
    annotations: { 'kubeadm.kubernetes.io/etcd.advertise-client-urls': `https://${address}:2379` },
    requests: { cpu: '100m', memory: '100Mi' },
    command: [
      'etcd',
      `--advertise-client-urls=https://${address}:2379`,
      `--cert-file=${pki}/etcd/server.crt`,
      '--client-cert-auth=true',
      '--data-dir=/var/lib/etcd',
      '--feature-gates=InitialCorruptCheck=true',
      `--initial-advertise-peer-urls=https://${address}:2380`,
      `--initial-cluster=${options.initialCluster}`,
      `--key-file=${pki}/etcd/server.key`,
      `--listen-client-urls=https://127.0.0.1:2379,https://${address}:2379`,
      '--listen-metrics-urls=http://127.0.0.1:2381',
      `--listen-peer-urls=https://${address}:2380`,
      `--name=${hostname}`,
      `--peer-cert-file=${pki}/etcd/peer.crt`,
      '--peer-client-cert-auth=true',
      `--peer-key-file=${pki}/etcd/peer.key`,
      `--peer-trusted-ca-file=${pki}/etcd/ca.crt`,
      '--snapshot-count=10000',
      `--trusted-ca-file=${pki}/etcd/ca.crt`,
      '--watch-progress-notify-interval=5s',
    ],
    hostPaths: [
      directory('etcd-certs', `${pki}/etcd`, false),
      directory('etcd-data', '/var/lib/etcd', false),
    ],
    probes: {
      port: 2381,
      scheme: 'HTTP',
      host: '127.0.0.1',
      liveness: '/livez',
      readiness: '/readyz',
      startup: '/readyz',
    },
  });
  const apiserver = manifest('kube-apiserver', {
    image: image('kube-apiserver'),
    annotations: {
      'kubeadm.kubernetes.io/kube-apiserver.advertise-address.endpoint': `${address}:6443`,
    },
    requests: { cpu: '250m' },
    command: [
      'kube-apiserver',
      `--advertise-address=${address}`,
      '--allow-privileged=true',
      '--authorization-mode=Node,RBAC',
      `--client-ca-file=${pki}/ca.crt`,
      '--enable-admission-plugins=NodeRestriction',
      '--enable-bootstrap-token-auth=true',
      `--etcd-cafile=${pki}/etcd/ca.crt`,
      `--etcd-certfile=${pki}/apiserver-etcd-client.crt`,
      `--etcd-keyfile=${pki}/apiserver-etcd-client.key`,
      '--etcd-servers=https://127.0.0.1:2379',
      `--kubelet-client-certificate=${pki}/apiserver-kubelet-client.crt`,
      `--kubelet-client-key=${pki}/apiserver-kubelet-client.key`,
      '--kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname',
      `--proxy-client-cert-file=${pki}/front-proxy-client.crt`,
      `--proxy-client-key-file=${pki}/front-proxy-client.key`,
      '--requestheader-allowed-names=front-proxy-client',
      `--requestheader-client-ca-file=${pki}/front-proxy-ca.crt`,
      '--requestheader-extra-headers-prefix=X-Remote-Extra-',
      '--requestheader-group-headers=X-Remote-Group',
      '--requestheader-username-headers=X-Remote-User',
      '--secure-port=6443',
      '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
      `--service-account-key-file=${pki}/sa.pub`,
      `--service-account-signing-key-file=${pki}/sa.key`,
      '--service-cluster-ip-range=10.96.0.0/12',
      `--tls-cert-file=${pki}/apiserver.crt`,
      `--tls-private-key-file=${pki}/apiserver.key`,
    ],
    hostPaths: systemCertificates,
    probes: {
      port: 6443,
      scheme: 'HTTPS',
      host: address,
      liveness: '/livez',
      readiness: '/readyz',
      startup: '/livez',
    },
  });
  const controllerManager = manifest('kube-controller-manager', {
    image: image('kube-controller-manager'),
    requests: { cpu: '200m' },
    command: [
      'kube-controller-manager',
      '--allocate-node-cidrs=true',
      '--authentication-kubeconfig=/etc/kubernetes/controller-manager.conf',
      '--authorization-kubeconfig=/etc/kubernetes/controller-manager.conf',
      '--bind-address=127.0.0.1',
      `--client-ca-file=${pki}/ca.crt`,
      '--cluster-cidr=10.244.0.0/16',
      '--cluster-name=kubernetes',
      `--cluster-signing-cert-file=${pki}/ca.crt`,
      `--cluster-signing-key-file=${pki}/ca.key`,
      '--controllers=*,bootstrapsigner,tokencleaner',
      '--kubeconfig=/etc/kubernetes/controller-manager.conf',
      '--leader-elect=true',
      `--requestheader-client-ca-file=${pki}/front-proxy-ca.crt`,
      `--root-ca-file=${pki}/ca.crt`,
      `--service-account-private-key-file=${pki}/sa.key`,
      '--service-cluster-ip-range=10.96.0.0/12',
      '--use-service-account-credentials=true',
    ],
    hostPaths: [
      ...systemCertificates.slice(0, 3),
      kubeconfigFile('/etc/kubernetes/controller-manager.conf'),
      ...systemCertificates.slice(3),
    ],
    probes: {
      port: 10257,
      scheme: 'HTTPS',
      host: '127.0.0.1',
      liveness: '/healthz',
      startup: '/healthz',
    },
  });
  const scheduler = manifest('kube-scheduler', {
    image: image('kube-scheduler'),
    requests: { cpu: '100m' },
    command: [
      'kube-scheduler',
      '--authentication-kubeconfig=/etc/kubernetes/scheduler.conf',
      '--authorization-kubeconfig=/etc/kubernetes/scheduler.conf',
      '--bind-address=127.0.0.1',
      '--kubeconfig=/etc/kubernetes/scheduler.conf',
      '--leader-elect=true',
    ],
    hostPaths: [kubeconfigFile('/etc/kubernetes/scheduler.conf')],
    probes: {
      port: 10259,
      scheme: 'HTTPS',
      host: '127.0.0.1',
      liveness: '/livez',
      readiness: '/readyz',
      startup: '/livez',
    },
  });
  return [etcd, apiserver, controllerManager, scheduler];
}

interface ManifestOptions {
  readonly image: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly requests: Readonly<Record<string, string>>;
  readonly command: readonly string[];
  readonly hostPaths: readonly HostPath[];
  readonly probes: Probes;
}

function manifest(name: string, options: ManifestOptions): LaidFile {
  const { probes } = options;
  const httpGet = (path: string): object => ({
    host: probes.host,
    path,
    port: 'probe-port',
    scheme: probes.scheme,
  });
  // etcd's manifest mounts its data first; the volumes stand in order of name everywhere.
  const mounts = name === 'etcd' ? [...options.hostPaths].reverse() : options.hostPaths;
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...(options.annotations ? { annotations: options.annotations } : {}),
      labels: { component: name, tier: 'control-plane' },
      name,
      namespace: 'kube-system',
    },
    spec: {
      containers: [
        {
          command: options.command,
          image: options.image,
          imagePullPolicy: 'IfNotPresent',
          livenessProbe: {
            failureThreshold: 8,
            httpGet: httpGet(probes.liveness),
            initialDelaySeconds: 10,
            periodSeconds: 10,
            timeoutSeconds: 15,
          },
          name,
          ports: [{ containerPort: probes.port, name: 'probe-port', protocol: 'TCP' }],
          ...(probes.readiness === undefined
            ? {}
            : {
                readinessProbe: {
                  failureThreshold: 3,
                  httpGet: httpGet(probes.readiness),
                  periodSeconds: 1,
                  timeoutSeconds: 15,
                },
              }),
          resources: { requests: options.requests },
          startupProbe: {
            failureThreshold: 24,
            httpGet: httpGet(probes.startup),
            initialDelaySeconds: 10,
            periodSeconds: 10,
            timeoutSeconds: 15,
          },
          volumeMounts: mounts.map(({ name: volume, path, readOnly }) => ({
            mountPath: path,
            name: volume,
            ...(readOnly ? { readOnly } : {}),
          })),
        },
      ],
      hostNetwork: true,
      priority: 2000001000,
      priorityClassName: 'system-node-critical',
      securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
      volumes: options.hostPaths.map(({ name: volume, path, type }) => ({
        hostPath: { path, type },
        name: volume,
      })),
    },
    status: {},
  };
  return secretFile(`/etc/kubernetes/manifests/${name}.yaml`, formatYaml(pod));
}
