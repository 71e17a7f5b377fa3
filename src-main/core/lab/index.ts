export type { OpenLog } from './etcd-data.ts';
export {
  Lab,
  type LabHistoryEntry,
  type LabOptions,
  type LabSnapshot,
  type LabKeys,
  type SavedLab,
} from './lab.ts';
export { parseTopology, type Topology, type TopologyMachine } from './topology.ts';
