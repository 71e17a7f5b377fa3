export { FileError, type FileStat, type FileSystem } from './filesystem/types.ts';
export type { Image, ImageCatalogue } from './images/types.ts';
export type {
  JournalLine,
  Machine,
  MachineDeps,
  MachineSpec,
  Units,
  UnitState,
} from './machine/types.ts';
export {
  cidrContains,
  connectionPair,
  createNetwork,
  type Dialed,
  type Flow,
  httpRequest,
  isAddress,
  ListenError,
  type Listener,
  type MachineNetwork,
  type NetNamespace,
  type Network,
  openConnection,
  parseCidr,
  type Peer,
  readBody,
  type ServerTls,
  splitUrl,
  type TlsVerifier,
} from './network/index.ts';
export {
  createResolver,
  dnsListener,
  type DnsMessage,
  type DnsRecord,
  dnsReply,
  LookupError,
  type Resolver,
} from './dns/index.ts';
export {
  type ChildProcess,
  type ProcessHandle,
  type ProcessInfo,
  type Program,
  type ProgramContext,
  type Signal,
  SpawnError,
  type SpawnOptions,
  type Tty,
  type User,
} from './process/types.ts';
