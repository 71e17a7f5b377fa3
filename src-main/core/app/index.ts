export type {
  ClusterPurpose,
  ClusterSpec,
  ClusterState,
  CommandStart,
  Engine,
  EngineEventName,
  EngineEvents,
  EngineRequest,
  EngineResponse,
  HistoryEntry,
  NetworkProbe,
  NetworkProbeResult,
  RunOptions,
  RunResult,
  UnitView,
} from './engine-port.ts';
export { type CallContext, type Connection, type Handlers, serve } from './serve.ts';
export type { ClusterRegistry } from './cluster-registry.ts';
export {
  type App,
  type AppOptions,
  createApp,
  type DomainHandlers,
  type EngineSource,
} from './create-app.ts';
export type { NoticeBoard } from './notices.ts';
export type { LocalShell, LocalShellOptions, LocalShellProcess } from './terminals.ts';
export { studyDomain, type StudyDomainOptions } from './study-domain.ts';
export { examDomain, practiceResults } from './exam-domain.ts';
export type { ExamRoomOptions, Missed } from './tasks.ts';
export { createTaskCluster, hurry, rewind } from './tasks-cluster.ts';
