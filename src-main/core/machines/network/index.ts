export {
  type Cidr,
  cidrContains,
  formatIpv4,
  isAddress,
  joinHostPort,
  parseCidr,
  parseIpv4,
} from './addresses.ts';
export { connectionPair, openConnection } from './connection.ts';
export {
  type HttpAnswer,
  type HttpRequest,
  httpRequest,
  readBody,
  splitUrl,
  type TlsClient,
  TlsError,
  within,
} from './http-client.ts';
export { serveHttp1 } from './http1-server.ts';
export {
  createNetwork,
  type Flow,
  type HostPort,
  type MachineNetwork,
  type Network,
  type NetworkDeps,
  type SandboxNetwork,
  type TlsVerifier,
} from './network.ts';
export { probe } from './probe.ts';
export type { ServiceRules, Translation } from './service-rules.ts';
export {
  type Dialed,
  type DialOptions,
  type GrpcHealth,
  grpcHealthService,
  ListenError,
  type Listener,
  type NetNamespace,
  type Peer,
  type ServerTls,
} from './types.ts';
