import { CelError } from './cel-error.ts';
import { type CelDeclarations, checkCel } from './check.ts';
import { compileCel } from './environment.ts';

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

const declarations: CelDeclarations = {
  variables: {
    device: {
      driver: 'string',
      allowMultipleAllocations: 'bool',
      attributes: 'map<string, map<string, dyn>>',
      capacity: 'map<string, map<string, kubernetes.Quantity>>',
    },
  },
};

/**
 * What is wrong with an expression that selects devices; nothing, if it can be stored.
 * @see k8s.io/dynamic-resource-allocation/cel/compile.go, CompileCELExpression
 */
export function checkDeviceSelector(expression: string): { readonly problem: string } | undefined {
  const result = checkCel(expression, declarations);
  if ('problem' in result) return result;
  const { type } = result;
  return type === 'bool' || type === 'dyn'
    ? undefined
    : { problem: `must evaluate to bool or the unknown type, not ${type}` };
}

/**
 * Compiles an expression that selects devices.
 * @returns whether a device is selected; throws CelError when that cannot be told.
 * @throws CelError the expression is malformed
 */
export function compileDeviceSelector(expression: string): (device: CelDevice) => boolean {
  const problem = checkDeviceSelector(expression)?.problem;
  if (problem !== undefined) throw new CelError(problem);
  const program = compileCel(expression, ['device']);
  return (device) => {
    const result = program.evaluate({ device: deviceValue(device) });
    if (typeof result !== 'boolean')
      throw new CelError(
        `CEL result of type ${typeName(result)} could not be converted to bool: type conversion error from '${typeName(result)}' to 'bool'`,
      );
    return result;
  };
}

const typeName = (value: unknown): string =>
  typeof value === 'bigint' ? 'int' : typeof value === 'string' ? 'string' : 'unknown';

const quantityOf = (text: string): unknown =>
  compileCel('quantity(text)', ['text']).evaluate({ text });
const semverOf = (text: string): unknown => compileCel('semver(text)', ['text']).evaluate({ text });

function deviceValue(device: CelDevice): Readonly<Record<string, unknown>> {
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
  return {
    driver,
    allowMultipleAllocations,
    attributes: byDomain(values, driver),
    capacity: byDomain(amounts, driver),
  };
}

/** Values by domain and name. A domain that nothing has is an empty map, not an error. */
function byDomain(
  entries: readonly (readonly [string, unknown])[],
  driver: string,
): Map<string, Map<string, unknown>> {
  const domains = new Map<string, Map<string, unknown>>();
  const found = domains.get.bind(domains);
  for (const [name, value] of entries) {
    const slash = name.indexOf('/');
    const domain = slash < 0 ? driver : name.slice(0, slash);
    const values = found(domain) ?? new Map<string, unknown>();
    values.set(name.slice(slash + 1), value);
    domains.set(domain, values);
  }
  domains.get = (domain) => found(domain) ?? new Map<string, unknown>();
  return domains;
}
