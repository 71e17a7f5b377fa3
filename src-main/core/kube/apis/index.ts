export type {
  PatchStrategy,
  ResourceInfo,
  SchemaNode,
  SchemaSet,
  SubresourceInfo,
  Verb,
} from './types.ts';
