export { createEventRecorder, type EventRecorderOptions, referenceTo } from './event-recorder.ts';
export { Expectations } from './expectations.ts';
export type { InformerScope } from './informer.ts';
export {
  type ClientOptions,
  type RawRequest,
  resourcePath,
  type RestClient,
} from './kube-client.ts';
export {
  type LeaderElection,
  type LeaderElectionOptions,
  runLeaderElection,
} from './leader-election.ts';
export { controllerOf, controllerReference } from './owner-references.ts';
export { TokenBucket } from './rate-limit.ts';
export { claimObjects, type RefManagerOptions } from './ref-manager.ts';
export { createStepGate, slicedClient, type StepGate } from './sliced-client.ts';
export { type ControllerOptions, runController } from './run-controller.ts';
export {
  addressOf,
  createClient,
  createInformers,
  type Informers,
  type KubeClient,
  scopedInformers,
} from './typed.ts';
export type {
  DeleteOptions,
  EventRecorder,
  Informer,
  InformerHandler,
  Lister,
  ListOptions,
  ObjectLike,
  ObjectList,
  ObjectReference,
  PatchOptions,
  PatchType,
  Reconcile,
  ResourceAddress,
  ResourceClient,
  Result,
  WatchOptions,
} from './types.ts';
export { type RateLimiterOptions, WorkQueue } from './work-queue.ts';
