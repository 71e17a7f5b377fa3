import { CelError } from './cel-error.ts';
import type { Declarations } from './language/declarations.ts';
import { parseType, structType } from './language/types.ts';
import { type CelMap, LiteralMap, typeNameOf } from './language/values.ts';
import { compileCel, type CelProgram, compileTyped } from './program.ts';

/** A device as selectors see it. */
interface CelDevice {
  /** The domain of names without one. */
  readonly driver: string;
  readonly allowMultipleAllocations?: boolean;
  readonly attributes?: Readonly<
    Record<
      string,
      {
        readonly bool?: boolean;
        readonly int?: number;
        readonly string?: string;
        readonly version?: string;
      }
    >
  >;
  readonly capacity?: Readonly<Record<string, { readonly value: string | number }>>;
}

const struct = 'kubernetes.DRADevice';
const fields = new Map(
  Object.entries({
    driver: 'string',
    allowMultipleAllocations: 'bool',
    attributes: 'map(string, map(string, any))',
    capacity: 'map(string, map(string, kubernetes.Quantity))',
  }).map(([name, type]) => [name, parseType(type)] as const),
);
const declarations: Declarations = {
  variables: new Map([['device', structType(struct)]]),
  structs: (name) => (name === struct ? { fields } : undefined),
  bindings: true,
};

function compile(expression: string): CelProgram | { readonly problem: string } {
  const program = compileTyped(expression, declarations);
  if ('issues' in program) {
    const stage = program.stage === 'compilation' ? 'compilation' : 'program instantiation';
    return { problem: `${stage} failed: ${program.issues}` };
  }
  const { kind, text } = program.type;
  return kind === 'dyn' || text === 'bool'
    ? program
    : { problem: `must evaluate to bool or the unknown type, not ${text}` };
}

/** The largest sizes of what a path may lead to. */
interface Sized {
  readonly size: number;
  readonly keys?: Sized;
  readonly values?: Sized;
  readonly fields?: Readonly<Record<string, Sized>>;
  /** Of any other name. */
  readonly named?: Sized;
}

const maxEntries = 32;
const [domain, identifier, attribute]: readonly [Sized, Sized, Sized] = [
  { size: 63 },
  { size: 32 },
  { size: 64 },
];
const sizes: Sized = {
  size: 0,
  fields: {
    driver: { size: 63 },
    allowMultipleAllocations: { size: 1 },
    attributes: {
      size: maxEntries,
      keys: domain,
      values: { size: maxEntries, keys: identifier, values: attribute, named: attribute },
    },
    capacity: {
      size: maxEntries,
      keys: domain,
      values: { size: maxEntries, keys: identifier, values: { size: 0 } },
    },
  },
};

function sizeAt([root, ...path]: readonly string[]): number | undefined {
  let at: Sized | undefined = root === 'device' ? sizes : undefined;
  for (const name of path) {
    if (name === '@keys') at = at?.keys;
    else if (name === '@values' || name === '@items') at = at?.values;
    else at = at?.fields?.[name] ?? at?.named;
  }
  return at?.size;
}

/** Most an expression may cost at worst. */
const maxCost = 1_000_000;

/**
 * What is wrong with an expression that selects devices; nothing, if it can be stored.
 * @see k8s.io/dynamic-resource-allocation/cel/compile.go, CompileCELExpression
 */
export function checkDeviceSelector(
  expression: string,
): 'too complex' | { readonly problem: string } | undefined {
  const result = compile(expression);
  if ('problem' in result) return result;
  return result.estimate(sizeAt).max > maxCost ? 'too complex' : undefined;
}

/**
 * Compiles an expression that selects devices.
 * @returns whether a device is selected; throws CelError when that cannot be told.
 * @throws CelError the expression is malformed
 */
export function compileDeviceSelector(expression: string): (device: CelDevice) => boolean {
  const program = compile(expression);
  if ('problem' in program) throw new CelError(program.problem);
  return (device) => {
    const result = program.evaluate({ device: deviceValue(device) });
    if (typeof result !== 'boolean')
      throw new CelError(
        `CEL result of type ${typeNameOf(result)} could not be converted to bool: type conversion error from '${typeNameOf(result)}' to 'bool'`,
      );
    return result;
  };
}

const quantityOf = (text: string): unknown =>
  compileCel('quantity(text)', ['text']).evaluate({ text });
const semverOf = (text: string): unknown => compileCel('semver(text)', ['text']).evaluate({ text });

function deviceValue(device: CelDevice): CelMap {
  const { driver, allowMultipleAllocations = false, attributes = {}, capacity = {} } = device;
  const values = Object.entries(attributes).map(([name, { bool, int, string, version }]) => {
    const value =
      int !== undefined
        ? BigInt(int)
        : (bool ?? string ?? (version === undefined ? undefined : semverOf(version)));
    if (value === undefined) throw new CelError(`attribute ${name}: unsupported attribute value`);
    return [name, value] as const;
  });
  const amounts = Object.entries(capacity).map(
    ([name, { value }]) => [name, quantityOf(String(value))] as const,
  );
  return new LiteralMap(
    Object.entries({
      driver,
      allowMultipleAllocations,
      attributes: byDomain(values, driver),
      capacity: byDomain(amounts, driver),
    }),
  );
}

const nothing = new LiteralMap([]);

/** Values by domain and name. A domain that nothing has is an empty map, not an error. */
class DomainMap extends LiteralMap {
  override get(domain: unknown): unknown {
    return super.get(domain) ?? nothing;
  }

  override has(domain: unknown): boolean {
    return super.get(domain) !== undefined;
  }
}

function byDomain(entries: readonly (readonly [string, unknown])[], driver: string): DomainMap {
  const domains = new Map<string, [string, unknown][]>();
  for (const [name, value] of entries) {
    const slash = name.indexOf('/');
    const domain = slash < 0 ? driver : name.slice(0, slash);
    domains.set(domain, [...(domains.get(domain) ?? []), [name.slice(slash + 1), value]]);
  }
  return new DomainMap([...domains].map(([domain, values]) => [domain, new LiteralMap(values)]));
}
