export type { FieldError, KindStrategy, StrategyContext, TableColumn } from './kind-strategy.ts';
export type {
  PatchStrategy,
  ResourceInfo,
  SchemaNode,
  SchemaSet,
  SubresourceInfo,
  Verb,
} from './types.ts';
export { eventTargetFields } from './kinds/core/event.ts';
export { podClaimOf } from './kinds/core/pod-claims.ts';
export { qosClass } from './kinds/core/qos.ts';
export { isVolumeReservedFor, storageClassOf } from './kinds/core/volume-claims.ts';
export { strategyFor } from './kinds/registry.ts';
export { FieldErrors } from './validation/field.ts';
export {
  createDiscovery,
  type Discovery,
  type DiscoveryOptions,
  type ServedVersion,
} from './discovery/index.ts';
export {
  contentHash,
  createOpenApi,
  type CustomVersion,
  type Descriptions,
  descriptionsOf,
  type OpenApi,
  type OpenApiDocument,
  type OpenApiOptions,
} from './openapi/index.ts';
export {
  decodeMessage,
  decodeProtobuf,
  decodeWatchFrame,
  encodeMessage,
  encodeProtobuf,
  encodeWatchFrame,
  FrameSplitter,
  hasProtobuf,
  protobufContentType,
  ProtobufError,
  protobufWatchContentType,
} from './protobuf/index.ts';
export {
  builtinResources,
  compareVersions,
  kubernetesVersion,
  ResourceTable,
} from './resources.ts';
export { builtinSchemaNames, builtinSchemas, schemaSet } from './schemas.ts';
// The one star export of the house: hundreds of names that the generator keeps, each its type's own upstream name.
export type * from './generated/types.ts';
export type {
  BudgetView,
  ClaimView,
  ClassView,
  NodeView,
  PodView,
  TaintView,
  VolumeView,
} from './views.ts';
