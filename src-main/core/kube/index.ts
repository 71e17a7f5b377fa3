export { builtinSchemaNames, builtinSchemas } from './apis/index.ts';
export type {
  PatchStrategy,
  ResourceInfo,
  SchemaNode,
  SchemaSet,
  SubresourceInfo,
  Verb,
} from './apis/index.ts';
export {
  type ApiRequest,
  type ApiResponse,
  type CommandSession,
  type Connection,
  type CommandResult,
  ConnectionError,
  badRequest,
  failure,
  isReason,
  type KubeObject,
  type PortForwardSession,
  type ResponseBody,
  responseText,
  type Status,
  StatusError,
  statusOf,
  type StreamSession,
  type Transport,
  type WatchEvent,
  type WatchStream,
} from './machinery/index.ts';
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
  type HostFiles,
  type ImageService,
  type ImageStatus,
  type Mount,
  type NodeHost,
  type PodSandboxConfig,
  type PodSandboxStatus,
  type ProbeAnswer,
  type ProbeTarget,
  type RegistryCredentials,
  type RuntimeService,
} from './kubelet/index.ts';
export type {
  CertificateInfo,
  CertificateRequestInfo,
  ComponentHealth,
  IssueOptions,
  Pki,
} from './apiserver/index.ts';
export {
  CompactedError,
  type KeyValue,
  createStore,
  type LogRow,
  prefixEnd,
  type Revision,
  type Store,
  type StoreCodec,
  type StoreLog,
  type StoreOptions,
  StoreUnavailableError,
} from './storage/index.ts';
export {
  defaultYamlLimits,
  formatYaml,
  parseYaml,
  parseYamlDocuments,
  YamlError,
  type YamlLimits,
} from './machinery/index.ts';
export {
  allowsFlow,
  answerAddress,
  answerName,
  type Backend,
  type PolicyState,
  type ServicePortRule,
  serviceRules,
  type TrafficFlow,
  type ZoneAnswer,
  type ZoneOptions,
  type ZoneRecord,
  type ZoneState,
} from './network/index.ts';
export {
  createClient,
  createInformers,
  type Informer,
  type Informers,
  type KubeClient,
} from './client/index.ts';
export type { EndpointSlice, Node, Pod, Service } from './apis/index.ts';
export { createEventRecorder, runLeaderElection } from './client/index.ts';
export { controllerNames, startControllers } from './controllers/index.ts';
export {
  type ApiServer,
  type ApiServerConfig,
  assembleApiServer,
  knownAdmissionPlugins,
  StoredObject,
  storedObjectCodec,
  type VersionInfo,
} from './apiserver/index.ts';
export { builtinResources, ResourceTable, strategyFor } from './apis/index.ts';
export {
  type ApiServerOptions,
  type AuditRecord,
  createApiServer,
  createServerState,
  type ProxyTarget,
  type SendHttps,
  type ServerState,
} from './apiserver/index.ts';
export {
  alreadyExists,
  conflict,
  forbidden,
  internalError,
  invalid,
  notFound,
} from './machinery/index.ts';
export { type Descriptions, descriptionsOf } from './apis/index.ts';
export {
  canonicalQuantity,
  formatDuration,
  humanDuration,
  jsonMergePatch,
  jsonPatch,
  type JsonPatchOperation,
  matchesLabels,
  type MergeSchema,
  type MergeSchemas,
  PatchError,
  parseDuration,
  parseLabelSelector,
  parseQuantity,
  formatQuantity,
  type Quantity,
  QuantityError,
  SelectorError,
  selectorOf,
  formatSelector,
  strategicMergePatch,
  labelValueErrors,
  qualifiedNameErrors,
} from './machinery/index.ts';
export {
  createScheduler,
  parseSchedulerConfiguration,
  type Scheduler,
  type SchedulerConfiguration,
} from './scheduler/index.ts';
export {
  createKubelet,
  type Kubelet,
  type KubeletConfiguration,
  type KubeletOptions,
  parseKubeletConfiguration,
} from './kubelet/index.ts';
