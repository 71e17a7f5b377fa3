export type {
  ClusterPurpose,
  ClusterSpec,
  ClusterState,
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
