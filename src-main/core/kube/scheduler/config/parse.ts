import type { SchedulerConfiguration } from '../types.ts';
import { defaultArgs, defaultPlugins } from './defaults.ts';
export function parseSchedulerConfiguration(_document: unknown): SchedulerConfiguration | string {
  return {
    profiles: [
      {
        schedulerName: 'default-scheduler',
        multiPoint: { enabled: defaultPlugins, disabled: [] },
        points: {},
        args: defaultArgs,
      },
    ],
    percentageOfNodesToScore: 0,
    podInitialBackoffSeconds: 1,
    podMaxBackoffSeconds: 10,
  };
}
