export { parseSchedulerConfiguration } from './config/parse.ts';
export { createScheduler, type Scheduler, type SchedulerOptions } from './scheduler.ts';
export type { SchedulerConfiguration } from './types.ts';
