export { createStore, prefixEnd, type StoreCodec, type StoreOptions } from './store.ts';
export {
  CompactedError,
  CompareFailedError,
  FutureRevisionError,
  type KeyValue,
  type LeaseState,
  type LogRow,
  type PutOptions,
  type RangeOptions,
  type RangeResult,
  type Revision,
  type Store,
  type StoreEvent,
  type StoreLog,
  type StoreTransaction,
  StoreUnavailableError,
  type StoreWatch,
} from './types.ts';
