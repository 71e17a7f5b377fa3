import { jsonClone, type JsonObject } from '#core/base';
import { parseDuration } from '../machinery/index.ts';

/**
 * The kubelet's configuration with every default filled in, as `/configz` shows it. Durations are Go's (`1m0s`).
 * @see k8s.io/kubelet/config/v1beta1/types.go
 */
export interface KubeletConfiguration {
  readonly [field: string]: unknown;
  readonly staticPodPath?: string;
  readonly syncFrequency: string;
  readonly fileCheckFrequency: string;
  readonly address?: string;
  readonly port?: number;
  readonly readOnlyPort?: number;
  readonly tlsCertFile?: string;
  readonly tlsPrivateKeyFile?: string;
  readonly serverTLSBootstrap?: boolean;
  readonly authentication?: {
    readonly x509?: { readonly clientCAFile?: string };
    readonly webhook?: { readonly enabled?: boolean; readonly cacheTTL?: string };
    readonly anonymous?: { readonly enabled?: boolean };
  };
  readonly authorization?: { readonly mode?: string };
  readonly registryPullQPS: number;
  readonly registryBurst: number;
  readonly healthzPort?: number;
  readonly healthzBindAddress?: string;
  readonly clusterDomain?: string;
  readonly clusterDNS?: readonly string[];
  readonly nodeStatusUpdateFrequency: string;
  readonly nodeStatusReportFrequency: string;
  readonly nodeLeaseDurationSeconds: number;
  readonly maxPods: number;
  readonly resolvConf: string;
  readonly nodeStatusMaxImages: number;
  readonly evictionHard: Readonly<Record<string, string>>;
  readonly evictionSoft?: Readonly<Record<string, string>>;
  readonly evictionSoftGracePeriod?: Readonly<Record<string, string>>;
  readonly evictionMinimumReclaim?: Readonly<Record<string, string>>;
  /** Seconds. */
  readonly evictionMaxPodGracePeriod?: number;
  readonly evictionPressureTransitionPeriod: string;
  readonly systemReserved?: Readonly<Record<string, string>>;
  readonly kubeReserved?: Readonly<Record<string, string>>;
  readonly allowedUnsafeSysctls?: readonly string[];
  readonly crashLoopBackOff: { readonly maxContainerRestartPeriod?: string };
  readonly registerNode?: boolean;
  readonly registerWithTaints?: readonly {
    readonly key: string;
    readonly value?: string;
    readonly effect: string;
  }[];
  readonly containerRuntimeEndpoint?: string;
}

const defaults: JsonObject = {
  enableServer: true,
  syncFrequency: '1m0s',
  fileCheckFrequency: '20s',
  httpCheckFrequency: '20s',
  address: '0.0.0.0',
  port: 10250,
  tlsCertFile: '/var/lib/kubelet/pki/kubelet.crt',
  tlsPrivateKeyFile: '/var/lib/kubelet/pki/kubelet.key',
  authentication: {
    x509: {},
    webhook: { enabled: true, cacheTTL: '2m0s' },
    anonymous: { enabled: false },
  },
  authorization: {
    mode: 'Webhook',
    webhook: { cacheAuthorizedTTL: '5m0s', cacheUnauthorizedTTL: '30s' },
  },
  registryPullQPS: 5,
  registryBurst: 10,
  imagePullCredentialsVerificationPolicy: 'NeverVerifyPreloadedImages',
  eventRecordQPS: 50,
  eventBurst: 100,
  enableDebuggingHandlers: true,
  healthzPort: 10248,
  healthzBindAddress: '127.0.0.1',
  oomScoreAdj: -999,
  streamingConnectionIdleTimeout: '4h0m0s',
  nodeStatusUpdateFrequency: '10s',
  nodeStatusReportFrequency: '5m0s',
  nodeLeaseDurationSeconds: 40,
  imageMinimumGCAge: '2m0s',
  imageMaximumGCAge: '0s',
  imageGCHighThresholdPercent: 85,
  imageGCLowThresholdPercent: 80,
  volumeStatsAggPeriod: '1m0s',
  cgroupsPerQOS: true,
  cgroupDriver: 'cgroupfs',
  cpuManagerPolicy: 'none',
  cpuManagerReconcilePeriod: '10s',
  memoryManagerPolicy: 'None',
  topologyManagerPolicy: 'none',
  topologyManagerScope: 'container',
  runtimeRequestTimeout: '2m0s',
  hairpinMode: 'promiscuous-bridge',
  maxPods: 110,
  podPidsLimit: -1,
  resolvConf: '/etc/resolv.conf',
  cpuCFSQuota: true,
  cpuCFSQuotaPeriod: '100ms',
  nodeStatusMaxImages: 50,
  maxOpenFiles: 1_000_000,
  contentType: 'application/vnd.kubernetes.protobuf',
  kubeAPIQPS: 50,
  kubeAPIBurst: 100,
  serializeImagePulls: true,
  evictionHard: {
    'imagefs.available': '15%',
    'imagefs.inodesFree': '5%',
    'memory.available': '100Mi',
    'nodefs.available': '10%',
    'nodefs.inodesFree': '5%',
  },
  evictionPressureTransitionPeriod: '5m0s',
  mergeDefaultEvictionSettings: false,
  enableControllerAttachDetach: true,
  makeIPTablesUtilChains: true,
  iptablesMasqueradeBit: 14,
  iptablesDropBit: 15,
  failSwapOn: true,
  memorySwap: {},
  containerLogMaxSize: '10Mi',
  containerLogMaxFiles: 5,
  containerLogMaxWorkers: 1,
  containerLogMonitorInterval: '10s',
  configMapAndSecretChangeDetectionStrategy: 'Watch',
  enforceNodeAllocatable: ['pods'],
  volumePluginDir: '/usr/libexec/kubernetes/kubelet-plugins/volume/exec/',
  logging: {
    format: 'text',
    flushFrequency: '5s',
    verbosity: 0,
    options: { text: { infoBufferSize: '0' }, json: { infoBufferSize: '0' } },
  },
  enableSystemLogHandler: true,
  enableSystemLogQuery: false,
  shutdownGracePeriod: '0s',
  shutdownGracePeriodCriticalPods: '0s',
  crashLoopBackOff: { maxContainerRestartPeriod: '5m0s' },
  enableProfilingHandler: true,
  enableDebugFlagsHandler: true,
  seccompDefault: false,
  memoryThrottlingFactor: 0.9,
  registerNode: true,
  localStorageCapacityIsolation: true,
  containerRuntimeEndpoint: 'unix:///run/containerd/containerd.sock',
  failCgroupV1: true,
  userNamespaces: { idsPerPod: 65_536 },
};

/** Fills the defaults in; zero durations, as kubeadm writes them, count as absent. */
export function parseKubeletConfiguration(document: object): KubeletConfiguration {
  const { apiVersion: _version, kind: _kind, ...given } = jsonClone(document) as JsonObject;
  const filled = fill(given, defaults);
  // Thresholds are given all together or not at all.
  if (given['evictionHard'] !== undefined) filled['evictionHard'] = given['evictionHard'];
  return filled as unknown as KubeletConfiguration;
}

function fill(given: JsonObject, fallback: JsonObject): JsonObject {
  const filled: JsonObject = { ...jsonClone(fallback) };
  for (const [name, value] of Object.entries(given)) {
    const base = fallback[name];
    if (value === null || (value === '0s' && base !== undefined)) continue;
    filled[name] = isObject(value) && isObject(base) ? fill(value, base) : value;
  }
  return filled;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Milliseconds of a duration of the configuration; 0 for what is none. */
export function durationMs(text: string): number {
  return parseDuration(text) ?? 0;
}
