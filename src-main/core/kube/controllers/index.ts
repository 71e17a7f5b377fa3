export {
  createCsrApprovingController,
  createCsrCleanerController,
  createCsrSigningController,
  type CsrSigningOptions,
  type SignerPki,
} from './certificates/certificate-controllers.ts';
export { createClusterRoleAggregationController } from './clusterroleaggregation/clusterrole-aggregation-controller.ts';
export { createCronJobController } from './cronjob/cronjob-controller.ts';
export { createDaemonSetController } from './daemonset/daemonset-controller.ts';
export { createDeploymentController } from './deployment/deployment-controller.ts';
export { createDisruptionController } from './disruption/disruption-controller.ts';
export { createEndpointsController } from './endpointslice/endpoints-controller.ts';
export { createEndpointSliceController } from './endpointslice/endpointslice-controller.ts';
export { createGarbageCollector } from './garbagecollector/garbage-collector.ts';
export { createJobController } from './job/job-controller.ts';
export { createNamespaceController } from './namespace/namespace-controller.ts';
export {
  createNodeLifecycleController,
  type NodeLifecycleOptions,
} from './nodelifecycle/node-lifecycle-controller.ts';
export { createTaintEvictionController } from './nodelifecycle/taint-eviction-controller.ts';
export { createPodGarbageCollector } from './podgc/pod-garbage-collector.ts';
export {
  createReplicaSetController,
  createReplicationController,
} from './replicaset/replicaset-controller.ts';
export {
  createRootCaCertPublisher,
  createServiceAccountController,
} from './serviceaccount/serviceaccounts-controller.ts';
export type { Controller, ControllerContext } from './shared/context.ts';
export { createStatefulSetController } from './statefulset/statefulset-controller.ts';
export { createTtlAfterFinishedController } from './ttlafterfinished/ttl-after-finished-controller.ts';
export { createPersistentVolumeBinder } from './volume/binder-controller.ts';
export {
  createClaimProtectionController,
  createVolumeAttributesClassProtectionController,
  createVolumeProtectionController,
} from './volume/protection-controllers.ts';
export { createHorizontalPodAutoscalerController } from './podautoscaler/hpa-controller.ts';
export { createResourceQuotaController } from './resourcequota/resourcequota-controller.ts';
export { createNodeIpamController, type NodeIpamOptions } from './nodeipam/node-ipam-controller.ts';
export { createTokenCleaner } from './bootstrap/token-cleaner.ts';
export { createEndpointSliceMirroringController } from './endpointslice/mirroring-controller.ts';
export {
  createServiceAccountTokenController,
  type TokensOptions,
} from './serviceaccount/tokens-controller.ts';
export {
  type ControllerFlags,
  controllerNames,
  type ControllersOptions,
  startControllers,
} from './start-controllers.ts';
export type { LoadBalancer } from './service/load-balancer.ts';
export { startServiceController } from './service/start-service-controller.ts';
