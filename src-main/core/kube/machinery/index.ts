export { canonicalJson, fnv128a, fnv32a } from './hash.ts';
export { durationFault, formatDuration, humanDuration, parseDuration } from './duration.ts';
export {
  formatGroupResource,
  formatGroupVersion,
  type GroupKind,
  type GroupResource,
  type GroupVersion,
  keyOf,
  objectKey,
  type ObjectKey,
  parseGroupVersion,
  splitKey,
} from './keys.ts';
export {
  type Condition,
  formatMicroTime,
  formatTime,
  type KubeObject,
  type LabelSelector,
  type LabelSelectorRequirement,
  type ListMeta,
  type ManagedFieldsEntry,
  type ObjectMeta,
  type OwnerReference,
} from './meta-v1.ts';
export {
  alreadyExists,
  badRequest,
  conflict,
  expired,
  failure,
  forbidden,
  internalError,
  invalid,
  isReason,
  isStatusError,
  notFound,
  type Status,
  type StatusCause,
  type StatusDetails,
  StatusError,
  statusOf,
  type StatusReason,
  unauthorized,
} from './status.ts';
export { responseText } from './response-text.ts';
export {
  type ApiRequest,
  type ApiResponse,
  type CommandResult,
  type CommandSession,
  type Connection,
  ConnectionError,
  type PortForwardSession,
  type ResponseBody,
  type StreamSession,
  type Transport,
  type WatchEvent,
  type WatchEventType,
  type WatchStream,
} from './transport.ts';
export { formatYaml } from './yaml-format.ts';
export {
  defaultYamlLimits,
  parseYaml,
  parseYamlDocuments,
  parseYamlLeniently,
  type YamlDuplicate,
  YamlError,
  type YamlLimits,
} from './yaml-parse.ts';
export {
  type FieldSet,
  intersectSets,
  isEmptySet,
  pathsOf,
  subtractRecursively,
  subtractSet,
  unionSets,
} from './fields-v1.ts';
export { applyConfiguration, type FieldManagerScope, trackUpdate } from './managed-fields.ts';
export { isMap, type MergeSchema, type MergeSchemas } from './merge-schema.ts';
export { parentEntries, type ReplicasPath, scaleEntries } from './scale-managed-fields.ts';
export {
  dns1035LabelErrors,
  dns1123LabelErrors,
  dns1123SubdomainErrors,
  labelValueErrors,
  maxLengthMessage,
  pathSegmentErrors,
  qualifiedNameErrors,
} from './names.ts';
export {
  forbiddenValue,
  invalidValue,
  type NameCheck,
  requiredValue,
  unsupportedValue,
  validateAnnotations,
  validateLabels,
  standardFinalizers,
  validateObjectMeta,
  validateObjectMetaUpdate,
  validateStandardFinalizers,
} from './object-meta.ts';
export {
  goText,
  jsonMergePatch,
  jsonPatch,
  type JsonPatchOperation,
  PatchError,
} from './patches.ts';
export { mergeStrategically, PatchFormatError, strategicMergePatch } from './strategic-merge.ts';
export {
  canonicalQuantity,
  formatQuantity,
  parseQuantity,
  type Quantity,
  QuantityError,
  type QuantityFormat,
} from './quantity.ts';
export {
  everything,
  type FieldRequirement,
  formatSelector,
  matchesFields,
  matchesLabels,
  nothing,
  parseFieldSelector,
  parseLabelSelector,
  type Requirement,
  type Selector,
  SelectorError,
  type SelectorOperator,
  selectorOf,
} from './selectors.ts';
export {
  type Labels,
  meetsOperator,
  parseInt64,
  type SelectorRequirement,
} from './label-requirement.ts';
export { hasLabels, isEmptySelector, matchesSelector } from './label-selector.ts';
export {
  matchesNodeSelector,
  matchesNodeTerm,
  matchesRequiredNodeAffinity,
  type NodeIdentity,
  type NodeRequirements,
  type NodeTerm,
} from './node-selector.ts';
export {
  type TaintMatch,
  tolerates,
  type TolerationMatch,
  untoleratedTaint,
  usedTolerations,
} from './tolerations.ts';
export { fieldErrorList } from './status-text.ts';
export { checkTyped, TypedValueError } from './typed-check.ts';
export { type Comparison, compareTyped, fieldSetOf } from './typed-compare.ts';
export { mergeTyped } from './typed-merge.ts';
export { isTooDeep, maxKeptDepth, scanJson } from './json-scan.ts';
