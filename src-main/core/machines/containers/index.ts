export { runtimePrograms } from './clients/index.ts';
export { Container } from './container.ts';
export { type StoredImage } from './image-store.ts';
export type { BaseSystem } from './rootfs.ts';
export {
  containerdSocket,
  type ContainerRuntime,
  createRuntime,
  type RuntimeDeps,
} from './runtime.ts';
export { Sandbox } from './sandbox.ts';
export { ContainerTerminal } from './terminal.ts';
