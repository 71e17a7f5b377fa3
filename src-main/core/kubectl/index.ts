export { runKubectl } from './run.ts';
export type { ConnectionConfig, KubectlFiles, KubectlIo, KubectlTty } from './types.ts';
