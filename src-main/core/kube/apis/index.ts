export type { FieldError, KindStrategy, StrategyContext, TableColumn } from './kind-strategy.ts';
export type {
  PatchStrategy,
  ResourceInfo,
  SchemaNode,
  SchemaSet,
  SubresourceInfo,
  Verb,
} from './types.ts';
