export { createMachine, type MachineWiring, SimulatedMachine } from './machine.ts';
export type { JournalLine, Machine, MachineDeps, MachineSpec, Units, UnitState } from './types.ts';
