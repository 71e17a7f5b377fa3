export { Journal } from './journal.ts';
export { journalctlProgram } from './journalctl.ts';
export { type ManagerDeps, SystemManager, UnitError, type UnitRuntime } from './manager.ts';
export { shortLine, systemctlProgram } from './systemctl.ts';
