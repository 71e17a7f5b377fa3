export { FileError, type FileStat, type FileSystem } from './filesystem/types.ts';
export {
  baseNetworkTools,
  createCatalogue,
  familiarName,
  fullNetworkTools,
  type Image,
  type ImageCatalogue,
  imageDigest,
  parseReference,
  standardImages,
} from './images/index.ts';
export {
  type BaseSystem,
  containerdSocket,
  type ContainerRuntime,
  createRuntime,
  type RuntimeDeps,
  runtimePrograms,
} from './containers/index.ts';
export {
  createMachine,
  type JournalLine,
  type Machine,
  type MachineDeps,
  type MachineSpec,
  type MachineWiring,
  SimulatedMachine,
  type TerminalSession,
  type Units,
  type UnitState,
} from './machine/index.ts';
export { applyChanges, type Change, exportChanges, MemoryFileSystem } from './filesystem/index.ts';
export { baseSystem, prepareTools } from './tools/index.ts';
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
  probe,
  readBody,
  type ServerTls,
  type ServiceRules,
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
  type EditRequest,
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
