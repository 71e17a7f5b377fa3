import { type Environment, Optional } from '@marcbachmann/cel-js';
import { jsonEqual } from '#core/base';
import {
  addQuantities,
  formatQuantity,
  parseQuantity,
  type Quantity,
  subtractQuantities,
  wholeQuantity,
} from '../fields/index.ts';
import { registerAuthorizer } from './authorizer.ts';
import { registerNetworks } from './network-functions.ts';
import { CelObject } from './object-literals.ts';
import { compileRegexp } from './regexp.ts';
import { registerFormats, registerSemver } from './text-functions.ts';
import { registerTwoVariables } from './two-variables.ts';

type Ordered = string | number | bigint | boolean;

/** `quantity('1Gi')` in expressions. */
class CelQuantity {
  readonly quantity: Quantity;

  constructor(quantity: Quantity) {
    this.quantity = quantity;
  }
}

/** `url('https://…')` in expressions. */
class CelUrl {
  readonly url: URL;

  constructor(url: URL) {
    this.url = url;
  }
}

const order = (a: Ordered, b: Ordered): number => (a < b ? -1 : a > b ? 1 : 0);

/** Kubernetes' additions to CEL. @see k8s.io/apiserver/pkg/cel/library */
export function registerKubernetesFunctions(env: Environment): void {
  registerLists(env);
  registerStrings(env);
  registerQuantities(env);
  registerUrls(env);
  registerAuthorizer(env);
  registerNetworks(env);
  registerSemver(env);
  registerFormats(env, (value) => (value === undefined ? Optional.none() : Optional.of(value)));
  registerSets(env);
  registerTwoVariables(env);
  registerObjects(env);
}

/** Objects of mutating policies. */
function registerObjects(env: Environment): void {
  env.registerType('kubernetes.Object', CelObject);
  class Patch extends CelObject {}
  env.registerType('kubernetes.JSONPatch', Patch);
  const fieldsOf = (fields: unknown): Record<string, unknown> =>
    (fields instanceof Map ? Object.fromEntries(fields) : fields) as Record<string, unknown>;
  env.registerFunction(
    'typedObject(string, map): kubernetes.Object',
    (typeName: string, fields: unknown) => new CelObject(typeName, fieldsOf(fields)),
  );
  env.registerFunction(
    'typedPatch(string, map): kubernetes.JSONPatch',
    (typeName: string, fields: unknown) => new Patch(typeName, fieldsOf(fields)),
  );
  env.registerType('kubernetes.JsonPatchNamespace', Namespace);
  env.registerConstant('jsonpatch', 'kubernetes.JsonPatchNamespace', new Namespace());
  env.registerFunction(
    'kubernetes.JsonPatchNamespace.escapeKey(string): string',
    (_: Namespace, key: string) => key.replaceAll('~', '~0').replaceAll('/', '~1'),
  );
}

/** What functions with a prefix hang on. */
class Namespace {}

/** @see cel-go/ext/sets.go */
function registerSets(env: Environment): void {
  const type = 'kubernetes.SetsNamespace';
  class Sets {}
  env.registerType(type, Sets);
  env.registerConstant('sets', type, new Sets());
  const contains = (list: unknown[], part: unknown[]): boolean =>
    part.every((item) => list.some((each) => jsonEqual(each, item)));
  env.registerFunction(
    `${type}.contains(list<dyn>, list<dyn>): bool`,
    (_: Sets, list: unknown[], part: unknown[]) => contains(list, part),
  );
  env.registerFunction(
    `${type}.equivalent(list<dyn>, list<dyn>): bool`,
    (_: Sets, a: unknown[], b: unknown[]) => contains(a, b) && contains(b, a),
  );
  env.registerFunction(
    `${type}.intersects(list<dyn>, list<dyn>): bool`,
    (_: Sets, a: unknown[], b: unknown[]) => a.some((item) => contains(b, [item])),
  );
}

function registerLists(env: Environment): void {
  const extreme =
    (sign: number) =>
    (list: Ordered[]): Ordered => {
      const first = list[0];
      if (first === undefined) throw new Error(`${sign < 0 ? 'min' : 'max'} called on empty list`);
      return list.reduce((best, item) => (order(item, best) * sign > 0 ? item : best), first);
    };
  const same = (a: unknown, b: unknown): boolean => a === b;
  env.registerFunction('list<dyn>.isSorted(): bool', (list: Ordered[]) =>
    list.every((item, i) => i === 0 || order(list[i - 1] as Ordered, item) <= 0),
  );
  env.registerFunction('list<dyn>.sum(): dyn', (list: (number | bigint)[]) =>
    typeof list[0] === 'number'
      ? (list as number[]).reduce((a, b) => a + b, 0)
      : (list as bigint[]).reduce((a, b) => a + b, 0n),
  );
  env.registerFunction('list<dyn>.min(): dyn', extreme(-1));
  env.registerFunction('list<dyn>.max(): dyn', extreme(1));
  env.registerFunction('list<dyn>.indexOf(dyn): int', (list: unknown[], item: unknown) =>
    BigInt(list.findIndex((each) => same(each, item))),
  );
  env.registerFunction('list<dyn>.lastIndexOf(dyn): int', (list: unknown[], item: unknown) =>
    BigInt(list.findLastIndex((each) => same(each, item))),
  );
  env.registerFunction('list<dyn>.distinct(): list<dyn>', (list: unknown[]) => [...new Set(list)]);
}

function registerStrings(env: Environment): void {
  env.registerFunction('string.find(string): string', (text: string, pattern: string) => {
    const found = compileRegexp(pattern).find(text);
    return found ? [...text].slice(found.start, found.end).join('') : '';
  });
  const findAll = (text: string, pattern: string, limit: number): string[] => {
    const chars = [...text];
    const regexp = compileRegexp(pattern);
    const all: string[] = [];
    for (let from = 0; from <= chars.length && all.length < limit;) {
      const found = regexp.find(text, from);
      if (!found) break;
      all.push(chars.slice(found.start, found.end).join(''));
      from = found.end > found.start ? found.end : found.end + 1;
    }
    return all;
  };
  env.registerFunction('string.findAll(string): list<string>', (text: string, pattern: string) =>
    findAll(text, pattern, Infinity),
  );
  env.registerFunction(
    'string.findAll(string, int): list<string>',
    (text: string, pattern: string, limit: bigint) =>
      findAll(text, pattern, limit < 0n ? Infinity : Number(limit)),
  );
  env.registerFunction('string.charAt(int): string', (text: string, at: bigint) => {
    const chars = [...text];
    if (at < 0n || at > BigInt(chars.length)) throw new Error(`index out of range: ${at}`);
    return chars[Number(at)] ?? '';
  });
  const replace = (text: string, old: string, by: string, limit: number): string => {
    const parts = text.split(old);
    const head = parts.slice(0, limit + 1);
    return [head.join(by), ...parts.slice(limit + 1)].join(old);
  };
  env.registerFunction(
    'string.replace(string, string): string',
    (text: string, old: string, by: string) => text.replaceAll(old, () => by),
  );
  env.registerFunction(
    'string.replace(string, string, int): string',
    (text: string, old: string, by: string, limit: bigint) =>
      limit < 0n ? text.replaceAll(old, () => by) : replace(text, old, by, Number(limit)),
  );
}

function registerQuantities(env: Environment): void {
  env.registerType('kubernetes.Quantity', CelQuantity);
  const parse = (text: string): CelQuantity => {
    const quantity = parseQuantity(text);
    if (!quantity)
      throw new Error(
        "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
      );
    return new CelQuantity(quantity);
  };
  const type = 'kubernetes.Quantity';
  env.registerFunction(`quantity(string): ${type}`, parse);
  env.registerFunction(
    'isQuantity(string): bool',
    (text: string) => parseQuantity(text) !== undefined,
  );
  const compare = (a: CelQuantity, b: CelQuantity): bigint =>
    BigInt(order(a.quantity.nanos, b.quantity.nanos));
  env.registerFunction(`${type}.compareTo(${type}): int`, compare);
  env.registerFunction(
    `${type}.isGreaterThan(${type}): bool`,
    (a: CelQuantity, b: CelQuantity) => compare(a, b) > 0n,
  );
  env.registerFunction(
    `${type}.isLessThan(${type}): bool`,
    (a: CelQuantity, b: CelQuantity) => compare(a, b) < 0n,
  );
  env.registerFunction(`${type}.sign(): int`, (a: CelQuantity) =>
    BigInt(order(a.quantity.nanos, 0n)),
  );
  env.registerFunction(
    `${type}.add(${type}): ${type}`,
    (a: CelQuantity, b: CelQuantity) => new CelQuantity(addQuantities(a.quantity, b.quantity)),
  );
  env.registerFunction(
    `${type}.sub(${type}): ${type}`,
    (a: CelQuantity, b: CelQuantity) => new CelQuantity(subtractQuantities(a.quantity, b.quantity)),
  );
  env.registerFunction(
    `${type}.add(int): ${type}`,
    (a: CelQuantity, b: bigint) =>
      new CelQuantity(addQuantities(a.quantity, wholeQuantity(Number(b)))),
  );
  env.registerFunction(
    `${type}.sub(int): ${type}`,
    (a: CelQuantity, b: bigint) =>
      new CelQuantity(subtractQuantities(a.quantity, wholeQuantity(Number(b)))),
  );
  env.registerFunction(
    `${type}.isInteger(): bool`,
    (a: CelQuantity) => a.quantity.nanos % 1_000_000_000n === 0n,
  );
  env.registerFunction(`${type}.asInteger(): int`, (a: CelQuantity) => {
    if (a.quantity.nanos % 1_000_000_000n !== 0n)
      throw new Error('cannot convert value to integer');
    return a.quantity.nanos / 1_000_000_000n;
  });
  env.registerFunction(
    `${type}.asApproximateFloat(): double`,
    (a: CelQuantity) => Number(a.quantity.nanos) / 1e9,
  );
  env.registerFunction(`string(${type}): string`, (a: CelQuantity) => formatQuantity(a.quantity));
  env.registerOperator(
    `${type} == ${type}`,
    (a: CelQuantity, b: CelQuantity) => compare(a, b) === 0n,
  );
}

function registerUrls(env: Environment): void {
  env.registerType('kubernetes.URL', CelUrl);
  const read = (text: string): URL | undefined => {
    try {
      return new URL(text);
    } catch {
      return undefined;
    }
  };
  const type = 'kubernetes.URL';
  env.registerFunction(`url(string): ${type}`, (text: string) => {
    const url = read(text);
    if (!url)
      throw new Error(
        `URL parse error during conversion from string: parse "${text}": invalid URI for request`,
      );
    return new CelUrl(url);
  });
  // An absolute path is a request's URI.
  env.registerFunction(
    'isURL(string): bool',
    (text: string) => read(text) !== undefined || /^\/\S*$/.test(text),
  );
  const part = (name: string, of: (url: URL) => string): void => {
    env.registerFunction(`${type}.${name}(): string`, ({ url }: CelUrl) => of(url));
  };
  part('getScheme', (url) => url.protocol.replace(/:$/, ''));
  part('getHost', (url) => url.host);
  part('getHostname', (url) => url.hostname);
  part('getPort', (url) => url.port);
  part('getEscapedPath', (url) => url.pathname);
  env.registerFunction(`${type}.getQuery(): map<string, list<string>>`, ({ url }: CelUrl) => {
    const query: Record<string, string[]> = {};
    for (const [key, value] of url.searchParams) (query[key] ??= []).push(value);
    return query;
  });
  env.registerOperator(`${type} == ${type}`, (a: CelUrl, b: CelUrl) => a.url.href === b.url.href);
}
