export type { OpenLog } from './etcd-data.ts';
export {
  type EditRequest,
  Lab,
  type LabHistoryEntry,
  type LabOptions,
  type LabSnapshot,
  type SavedLab,
} from './lab.ts';
export { parseTopology, type Topology, type TopologyMachine } from './topology.ts';
