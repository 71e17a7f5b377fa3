export { type ApiServerConfig, assembleApiServer } from './assembly.ts';
export { knownAdmissionPlugins } from './admission/index.ts';
export type {
  AdmissionPlugin,
  AdmissionRequest,
  Attributes,
  Authenticator,
  Authorizer,
  CertificateInfo,
  CertificateRequestInfo,
  Decision,
  IssueOptions,
  NonResourceAttributes,
  Pki,
  ResourceAttributes,
  ServerState,
  UserInfo,
} from './types.ts';
export {
  type ApiServer,
  type ApiServerOptions,
  type AuditRecord,
  type ComponentHealth,
  type ProxyTarget,
  type VersionInfo,
} from './options.ts';
export type { HttpsTarget, SendHttps } from './outbound/index.ts';
export { compileDeviceSelector } from './cel/index.ts';
export { createApiServer } from './server.ts';
export { createServerState } from './state.ts';
export {
  etcdBytesOf,
  plainValue,
  StoredObject,
  storedObjectCodec,
  storedObjectOf,
} from './stored-object.ts';
