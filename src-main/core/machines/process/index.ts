export { type PidNamespace, Process, ProcessEndedError, type ProcessSystem } from './process.ts';
export { ProcessTable, type ProcessTableDeps } from './process-table.ts';
export { procFiles, type ProcInfo } from './procfs.ts';
export {
  BadInterpreterError,
  executable,
  findInPath,
  isElf,
  programId,
  ProgramRegistry,
  type ResolvedProgram,
  resolveProgram,
} from './programs.ts';
export { type GroupMember, ResourceGroup } from './resource-group.ts';
export { defaultAction, parseSignal, signalNumber, signalTable } from './signals.ts';
export {
  holdReader,
  holdStream,
  markTerminal,
  nullSink,
  nullSource,
  ProcessInput,
  ProcessOutput,
  releaseReader,
  releaseStream,
  sharedInput,
  SharedInput,
  terminalOf,
  underlying,
} from './streams.ts';
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
} from './types.ts';
export {
  findUser,
  type GroupEntry,
  groupName,
  type PasswdEntry,
  readGroups,
  readPasswd,
  rootUser,
} from './users.ts';
