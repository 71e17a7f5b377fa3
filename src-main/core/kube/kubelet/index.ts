export {
  type AttachedProcess,
  type AttachRequest,
  type ContainerConfig,
  type ContainerEvent,
  type ContainerResources,
  type ContainerStats,
  type ContainerStatus,
  CriError,
  type ExecRequest,
  type ImageService,
  type ImageStatus,
  type Mount,
  type PodSandboxConfig,
  type PodSandboxStatus,
  type RegistryCredentials,
  type RuntimeConditions,
  type RuntimeService,
} from './cri.ts';
export type { HostFiles, NodeHost, ProbeAnswer, ProbeTarget } from './host.ts';
export { type KubeletConfiguration, parseKubeletConfiguration } from './configuration.ts';
export { createKubelet, type Kubelet, type KubeletOptions } from './kubelet.ts';
