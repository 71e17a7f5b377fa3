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
  type Dialed,
  ListenError,
  type Listener,
  type NetNamespace,
  type Peer,
  type ServerTls,
} from './network/types.ts';
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
