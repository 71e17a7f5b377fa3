export { createDeploymentController } from './deployment/deployment-controller.ts';
export { createGarbageCollector } from './garbagecollector/garbage-collector.ts';
export { createNamespaceController } from './namespace/namespace-controller.ts';
export {
  createReplicaSetController,
  createReplicationController,
} from './replicaset/replicaset-controller.ts';
export type { Controller, ControllerContext } from './shared/context.ts';
