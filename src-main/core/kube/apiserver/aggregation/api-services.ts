import { at, isMap, mapsOf, numberOf, textAt } from '../fields/index.ts';

/** The Service an APIService names. */
export function serviceOf(apiService: unknown): {
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
} {
  const service = at(apiService, 'spec', 'service');
  return {
    namespace: textAt(service, 'namespace'),
    name: textAt(service, 'name'),
    port: numberOf(at(service, 'port')) ?? 443,
  };
}

/** Whether an APIService's Available condition is true. */
export function isAvailable(apiService: unknown): boolean {
  return mapsOf(at(apiService, 'status', 'conditions')).some(
    (each) => each['type'] === 'Available' && textAt(each, 'status') === 'True',
  );
}

/** Whether another server answers for an APIService. */
export const isRemote = (apiService: unknown): boolean => isMap(at(apiService, 'spec', 'service'));
