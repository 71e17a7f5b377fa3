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
  type ApiDocuments,
  type ApiServer,
  type ApiServerOptions,
  type AuditRecord,
  type ProtobufCodec,
  type ProxyTarget,
  type VersionInfo,
} from './options.ts';
export { createApiServer } from './server.ts';
export { createServerState } from './state.ts';
export { StoredObject, storedObjectCodec } from './stored-object.ts';
