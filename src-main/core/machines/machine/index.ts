export {
  createMachine,
  type MachineParts,
  type MachineRuntime,
  type MachineWiring,
  SimulatedMachine,
} from './machine.ts';
export type {
  JournalLine,
  Machine,
  MachineDeps,
  MachineSpec,
  TerminalSession,
  Units,
  UnitState,
} from './types.ts';
