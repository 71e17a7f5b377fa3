export { type Core, type CoreOptions, startCore } from './start-core.ts';
export { endOnSignals, failStart } from './shutdown.ts';
