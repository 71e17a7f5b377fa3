import { type LaidFile, publicFile, secretFile } from './files.ts';
import { kubeconfig } from './kubeconfig.ts';
import type { KeyPair } from './pki.ts';
import { formatYaml } from '#core/kube';

export interface KubeletFilesOptions {
  readonly hostname: string;
  readonly server: string;
  /** PEM of the cluster's CA. */
  readonly ca: string;
  /** Client certificate of `system:node:<hostname>`. */
  readonly client: KeyPair;
  /** Serving certificate, signed by the node itself. */
  readonly serving: KeyPair;
  /** When the client certificate was made, ms since the epoch. */
  readonly nowMs: number;
  readonly joined: boolean;
}

/** KubeletConfiguration as kubeadm stores it, on disk and in the ConfigMap kubelet-config. */
export function kubeletConfiguration(containerRuntimeEndpoint: string): Record<string, unknown> {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    authentication: {
      anonymous: { enabled: false },
      webhook: { cacheTTL: '0s', enabled: true },
      x509: { clientCAFile: '/etc/kubernetes/pki/ca.crt' },
    },
    authorization: {
      mode: 'Webhook',
      webhook: { cacheAuthorizedTTL: '0s', cacheUnauthorizedTTL: '0s' },
    },
    cgroupDriver: 'systemd',
    clusterDNS: ['10.96.0.10'],
    clusterDomain: 'cluster.local',
    containerRuntimeEndpoint,
    cpuManagerReconcilePeriod: '0s',
    crashLoopBackOff: {},
    evictionPressureTransitionPeriod: '0s',
    fileCheckFrequency: '0s',
    healthzBindAddress: '127.0.0.1',
    healthzPort: 10248,
    httpCheckFrequency: '0s',
    imageMaximumGCAge: '0s',
    imageMinimumGCAge: '0s',
    kind: 'KubeletConfiguration',
    logging: {
      flushFrequency: 0,
      options: { json: { infoBufferSize: '0' }, text: { infoBufferSize: '0' } },
      verbosity: 0,
    },
    memorySwap: {},
    nodeStatusReportFrequency: '0s',
    nodeStatusUpdateFrequency: '0s',
    rotateCertificates: true,
    runtimeRequestTimeout: '0s',
    shutdownGracePeriod: '0s',
    shutdownGracePeriodCriticalPods: '0s',
    staticPodPath: '/etc/kubernetes/manifests',
    streamingConnectionIdleTimeout: '0s',
    syncFrequency: '0s',
    volumeStatsAggPeriod: '0s',
  };
}

/** What kubeadm leaves for the kubelet of a node, and the units of its package. */
export function kubeletFiles(options: KubeletFilesOptions): LaidFile[] {
  const stamp = new Date(options.nowMs).toISOString().slice(0, 19).replace(/[T:]/g, '-');
  const pem = `${options.client.certificate}${options.client.privateKey}`;
  const current = '/var/lib/kubelet/pki/kubelet-client-current.pem';
  return [
    publicFile('/etc/kubernetes/pki/ca.crt', options.ca),
    secretFile(
      '/etc/kubernetes/kubelet.conf',
      kubeconfig({
        server: options.server,
        ca: options.ca,
        ...(options.joined
          ? { user: 'default-auth', clusterName: 'default-cluster', contextName: 'default-context' }
          : { user: `system:node:${options.hostname}` }),
        credentialsFile: current,
      }),
    ),
    publicFile(
      '/var/lib/kubelet/config.yaml',
      formatYaml(kubeletConfiguration('unix:///var/run/containerd/containerd.sock')),
    ),
    publicFile(
      '/var/lib/kubelet/instance-config.yaml',
      'containerRuntimeEndpoint: "unix:///var/run/containerd/containerd.sock"\n',
    ),
    publicFile('/var/lib/kubelet/kubeadm-flags.env', 'KUBELET_KUBEADM_ARGS=""\n'),
    secretFile(`/var/lib/kubelet/pki/kubelet-client-${stamp}.pem`, pem),
    secretFile(current, pem),
    publicFile('/var/lib/kubelet/pki/kubelet.crt', options.serving.certificate),
    secretFile('/var/lib/kubelet/pki/kubelet.key', options.serving.privateKey),
    ...nodeUnits(),
  ];
}

/** Unit files of the packages kubelet and containerd. */
function nodeUnits(): LaidFile[] {
  return [
    publicFile(
      '/usr/lib/systemd/system/kubelet.service',
      `[Unit]
Description=kubelet: The Kubernetes Node Agent
Documentation=https://kubernetes.io/docs/
Wants=network-online.target
After=network-online.target

[Service]
ExecStart=/usr/bin/kubelet
Restart=always
StartLimitInterval=0
RestartSec=10

[Install]
WantedBy=multi-user.target
`,
    ),
    publicFile(
      '/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf',
      `# Note: This dropin only works with kubeadm and kubelet v1.11+
[Service]
Environment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf"
Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
EnvironmentFile=-/etc/default/kubelet
ExecStart=
ExecStart=/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS
`,
    ),
    publicFile(
      '/usr/lib/systemd/system/containerd.service',
      `[Unit]
Description=containerd container runtime
Documentation=https://containerd.io
After=network.target dbus.service

[Service]
ExecStartPre=-/sbin/modprobe overlay
ExecStart=/usr/bin/containerd
Type=notify
Delegate=yes
KillMode=process
Restart=always
RestartSec=5
LimitNOFILE=infinity
OOMScoreAdjust=-999

[Install]
WantedBy=multi-user.target
`,
    ),
    publicFile(
      '/etc/containerd/config.toml',
      `version = 3
root = '/var/lib/containerd'
state = '/run/containerd'

[grpc]
  address = '/run/containerd/containerd.sock'

[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = 'registry.k8s.io/pause:3.10.2'

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
  SystemdCgroup = true
`,
    ),
  ];
}
