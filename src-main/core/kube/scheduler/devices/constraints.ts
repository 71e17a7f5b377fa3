import type { DeepReadonly } from '#core/base';
import type { DeviceConstraint } from '../../apis/index.ts';
import type { AttributeView, DeviceView } from './types.ts';

/** A request, and its alternative if it has some. */
export interface RequestName {
  readonly request: string;
  readonly alternative?: string;
}

/** A rule over all devices of a claim: told of each that is about to be taken, and of each given back. */
export interface Constraint {
  /** @returns false: the device may not be taken. */
  add(name: RequestName, device: DeviceView, driver: string): boolean;
  /** Once for each `add` that was true. */
  remove(name: RequestName): void;
}

type Spec = DeepReadonly<DeviceConstraint>;

/** @see structured/internal/incubating/constraint.go and allocator_incubating.go, matchAttributeConstraint */
export function constraintOf(spec: Spec): Constraint | undefined {
  const { matchAttribute, distinctAttribute } = spec;
  if (matchAttribute !== undefined) return sameValue(spec, matchAttribute);
  return distinctAttribute === undefined ? undefined : distinctValues(spec, distinctAttribute);
}

function concerns({ requests = [] }: Spec, { request, alternative }: RequestName): boolean {
  if (requests.length === 0 || requests.includes(request)) return true;
  return alternative !== undefined && requests.includes(`${request}/${alternative}`);
}

function sameValue(spec: Spec, attribute: string): Constraint {
  let first: string | undefined;
  let count = 0;
  return {
    add(name, device, driver) {
      if (!concerns(spec, name)) return true;
      const value = valueOf(device, driver, attribute);
      if (value === undefined) return false;
      if (count === 0) first = value;
      else if (value !== first) return false;
      count += 1;
      return true;
    },
    remove(name) {
      if (concerns(spec, name)) count -= 1;
    },
  };
}

/** Of several devices of one request upstream remembers the last alone. */
function distinctValues(spec: Spec, attribute: string): Constraint {
  const values = new Map<string, string>();
  let count = 0;
  return {
    add(name, device, driver) {
      if (!concerns(spec, name)) return true;
      const value = valueOf(device, driver, attribute);
      if (value === undefined) return false;
      if (count > 0 && [...values.values()].includes(value)) return false;
      values.set(name.request, value);
      count += 1;
      return true;
    },
    remove(name) {
      if (!concerns(spec, name)) return;
      values.delete(name.request);
      count -= 1;
    },
  };
}

/** The value of an attribute with its type, as a key. Names without a domain belong to the driver's. */
function valueOf(device: DeviceView, driver: string, attribute: string): string | undefined {
  const slash = attribute.indexOf('/');
  const own = attribute.slice(0, slash) === driver ? attribute.slice(slash + 1) : undefined;
  const found: AttributeView | undefined =
    device.attributes?.[attribute] ?? (own === undefined ? undefined : device.attributes?.[own]);
  if (!found) return undefined;
  const { string, int, bool, version } = found;
  return JSON.stringify({ string, int, bool, version });
}
