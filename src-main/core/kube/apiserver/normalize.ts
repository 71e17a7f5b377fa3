import { toBase64 } from '#core/base';
import type { SchemaNode, SchemaSet } from '../apis/index.ts';
import type { Emptied } from './emptied.ts';
import { canonicalQuantity, formatQuantity, parseQuantity } from '../machinery/index.ts';

/** A value that the type of its field cannot hold; the message is Go's. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
  /** What `FromUnstructured` says instead, for strategic patches. */
  readonly unstructured: string;

  constructor(message: string, unstructured = message) {
    super(message);
    this.unstructured = unstructured;
  }
}

type Fields = Record<string, unknown>;

/** Unknown fields that are told of one object. @see sigs.k8s.io/json, saveStrictError */
const mostProblems = 100;

/** What is worked out once for each schema node. */
interface Plan {
  readonly properties: Readonly<Record<string, SchemaNode>> | undefined;
  /** Fields that Go writes even when they are not set. */
  readonly always: readonly string[];
  readonly target: SchemaNode;
  readonly goType: string;
  readonly struct: string;
}

const plans = new WeakMap<SchemaNode, Plan>();

function planOf(node: SchemaNode, schemas: SchemaSet): Plan {
  let plan = plans.get(node);
  if (plan) return plan;
  const target = schemas.resolve(node);
  const properties = target.properties;
  const always = Object.entries(properties ?? {})
    .filter(([, child]) => child.always !== undefined || (isStruct(child) && !child.omitZero))
    .map(([name]) => name);
  plan = {
    properties,
    always,
    target,
    goType: goTypeOf(node, schemas),
    struct: node.ref?.split('.').at(-1) ?? '',
  };
  plans.set(node, plan);
  return plan;
}

const isStruct = ({ default: value }: SchemaNode): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function goTypeOf(node: SchemaNode, schemas: SchemaSet): string {
  const target = schemas.resolve(node);
  if (target.properties && node.ref !== undefined) return node.ref.split('.').slice(-2).join('.');
  if (target.additionalProperties && node.typeName !== undefined) return node.typeName;
  if (target.additionalProperties)
    return `map[string]${goTypeOf(target.additionalProperties, schemas)}`;
  if (target.items) return `[]${node.typeName ?? goTypeOf(target.items, schemas)}`;
  if (node.typeName !== undefined) return node.typeName;
  if (target.preserveUnknownFields && target.type === undefined && node.ref !== undefined)
    return node.ref.split('.').slice(-2).join('.');
  switch (target.type ?? 'string') {
    case 'integer':
      return target.format === 'int64' ? 'int64' : 'int32';
    case 'boolean':
      return 'bool';
    case 'number':
      return 'float64';
    case 'object':
      return 'map[string]interface {}';
    case 'string':
    case 'array':
      return target.format === 'int-or-string'
        ? 'int32'
        : target.format === 'byte'
          ? '[]uint8'
          : 'string';
  }
}

/** The type of a JSON value as Go's decoder names it. */
export const jsonType = (value: unknown): string =>
  Array.isArray(value)
    ? 'array'
    : typeof value === 'boolean'
      ? 'bool'
      : typeof value === 'object'
        ? 'object'
        : typeof value;

function unstructuredText(value: unknown, goType: string): string {
  const found = Array.isArray(value)
    ? 'slice'
    : typeof value === 'number'
      ? Number.isInteger(value)
        ? 'int64'
        : 'float64'
      : typeof value === 'boolean'
        ? 'bool'
        : typeof value === 'object'
          ? 'map'
          : 'string';
  if (goType.startsWith('map[')) return `cannot restore map from ${found}`;
  if (goType === '[]uint8' && Array.isArray(value)) return 'unrecognized type: uint8';
  if (goType.startsWith('[]')) return `cannot restore slice from ${found}`;
  if (goType.includes('.')) return `cannot restore struct from: ${found}`;
  // Go converts between numbers, and integers to text; the rules of JSON then forbid what would change the value.
  const convertible =
    typeof value === 'number' &&
    goType !== 'bool' &&
    (goType !== 'string' || Number.isInteger(value));
  return convertible ? `cannot convert ${found} to ${goType}` : `unrecognized type: ${goType}`;
}

/**
 * A copy of a decoded body as Go's types would hold it: unknown fields, nulls and empty maps and lists dropped,
 * quantities and times canonical, structs that are always written present.
 *
 * @param unknown gets the paths of fields the schema does not know.
 * @param emptied gets the maps and lists that were dropped.
 * @throws DecodeError
 */
export function normalize(
  value: unknown,
  node: SchemaNode,
  schemas: SchemaSet,
  kind: string,
  unknown: string[],
  emptied: Emptied[] = [],
): Fields {
  return new Normalizer(schemas, kind, unknown, emptied).whole(value, node, kind);
}

/** A value of the wrong type, after which Go reads on. */
class MismatchError extends DecodeError {}

const keyMark = '\u0000';
const embeddedMark = '\u0001';
const selfReading = new Set([
  'JSONSchemaPropsOrArray',
  'JSONSchemaPropsOrBool',
  'JSONSchemaPropsOrStringArray',
]);

class Normalizer {
  readonly #schemas: SchemaSet;
  /** Names of fields and embedded structs, indices of lists and keys of maps, each but a field's name behind its mark. */
  readonly #path: string[] = [];
  readonly #unknown: string[];
  readonly #emptied: Emptied[];
  #struct: string;
  /** Go goes on after a value of the wrong type, and a time or quantity it cannot read later on is told instead. */
  #mismatched: DecodeError | undefined;
  /** Inside a type that reads itself unknown fields are not looked for. */
  #isLenient = false;

  /** Protobuf, in which upstream stores most kinds, does not tell an empty list from none. */
  readonly #emptyList: [] | null;
  readonly #roundsUp: boolean;

  constructor(schemas: SchemaSet, kind: string, unknown: string[], emptied: Emptied[]) {
    this.#emptied = emptied;
    this.#emptyList = kind === 'CustomResourceDefinition' ? [] : null;
    // Amounts of a class's overhead are no `ResourceList` to the defaults of its group.
    this.#roundsUp = kind !== 'RuntimeClass';
    this.#schemas = schemas;
    this.#struct = kind;
    this.#unknown = unknown;
  }

  #mismatch(value: unknown, goType: string, number?: number, form = goType): DecodeError {
    const path = this.#path
      .filter((part) => !part.startsWith('[') && !part.startsWith(keyMark))
      .map((part) => (part.startsWith(embeddedMark) ? part.slice(1) : part))
      .join('.');
    const shown = number === undefined ? jsonType(value) : `number ${number}`;
    return new MismatchError(
      path === ''
        ? `json: cannot unmarshal ${shown} into Go value of type ${goType}`
        : `json: cannot unmarshal ${shown} into Go struct field ${this.#struct}.${path} of type ${goType}`,
      unstructuredText(value, form),
    );
  }

  /** @throws DecodeError */
  whole(value: unknown, node: SchemaNode, name: string): Fields {
    const out = this.struct(value, node, name) as Fields;
    if (this.#mismatched) throw this.#mismatched;
    return out;
  }

  struct(value: unknown, node: SchemaNode, name: string): unknown {
    const plan = planOf(node, this.#schemas);
    const properties = plan.properties ?? {};
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw this.#mismatch(value, plan.goType);
    const outer = this.#struct;
    this.#struct = name;
    const out: Fields = {};
    for (const key in value) {
      const child = Object.hasOwn(properties, key) ? properties[key] : undefined;
      if (!child) {
        if (plan.target.preserveUnknownFields) out[key] = (value as Fields)[key];
        else if (!this.#isLenient && this.#unknown.length < mostProblems)
          this.#unknown.push(this.#at(key));
        continue;
      }
      const entry = (value as Fields)[key];
      if (entry === null || entry === undefined) continue;
      const depth = this.#path.length;
      if (child.embedded !== undefined) this.#path.push(`${embeddedMark}${child.embedded}`);
      this.#path.push(key);
      let result: unknown;
      try {
        result = this.#value(entry, child, child.always !== undefined && child.always !== null);
      } catch (error) {
        if (!(error instanceof MismatchError)) throw error;
        this.#mismatched ??= error;
        this.#struct = name;
      }
      this.#path.length = depth;
      if (child.omitZero && (result === '' || result === 0 || result === false)) continue;
      if (result === '' && child.format === 'byte' && child.always === undefined) continue;
      if (result !== undefined) out[key] = result;
      // An empty list asks for a reset, or for no policy at all, which an absent one does not.
      else if (key === 'managedFields' || (key === 'policies' && name === 'HPAScalingRules'))
        out[key] = [];
    }
    this.#complete(out, plan);
    this.#struct = outer;
    return out;
  }

  /** Adds what is written though it is not set. */
  #complete(out: Fields, plan: Plan): Fields {
    for (const key of plan.always) {
      if (out[key] !== undefined) continue;
      const child = plan.properties?.[key] as SchemaNode;
      out[key] =
        child.always === undefined
          ? this.#complete({}, planOf(child, this.#schemas))
          : child.always;
    }
    return out;
  }

  /** Remembers that there was something; what it says of the object itself nobody asks. */
  #drop(kind: Emptied['kind']): void {
    if (this.#path[0] === 'metadata') return;
    const path = this.#path
      .filter((part) => !part.startsWith(embeddedMark))
      .map((part) => {
        if (part.startsWith(keyMark)) return part.slice(1);
        return part.startsWith('[') ? Number(part.slice(1, -1)) : part;
      });
    this.#emptied.push({ path, kind });
  }

  #at(key: string): string {
    let text = '';
    for (const part of this.#path) {
      if (part.startsWith(embeddedMark)) continue;
      const shown = part.startsWith(keyMark) ? part.slice(1) : part;
      text += part.startsWith('[') || text === '' ? shown : `.${shown}`;
    }
    return text === '' ? key : `${text}.${key}`;
  }

  #value(value: unknown, node: SchemaNode, keepEmpty: boolean): unknown {
    const plan = planOf(node, this.#schemas);
    const { target } = plan;
    if (selfReading.has(plan.struct)) return this.#selfRead(value, node, plan.struct);
    if (plan.properties)
      return this.struct(value, node, plan.struct === '' ? this.#struct : plan.struct);
    switch (target.type) {
      case 'string':
        return this.#string(value, node, plan);
      case 'integer':
        if (typeof value !== 'number') throw this.#mismatch(value, plan.goType);
        if (!Number.isInteger(value) || (plan.goType === 'int32' && (value | 0) !== value))
          throw this.#mismatch(value, plan.goType, value);
        return value;
      case 'number':
        if (typeof value !== 'number') throw this.#mismatch(value, plan.goType);
        return value;
      case 'boolean':
        if (typeof value !== 'boolean') throw this.#mismatch(value, plan.goType);
        return value;
      case 'array':
        return this.#list(value, plan, keepEmpty);
      case 'object':
        if (target.additionalProperties)
          return this.#map(value, target.additionalProperties, plan, keepEmpty);
        return value;
      case undefined:
        if (target.format === 'int-or-string') {
          if (typeof value !== 'string' && !Number.isInteger(value))
            throw this.#mismatch(value, 'int32');
        }
        return value;
    }
  }

  /** A schema, or something else in its place. @see apiextensions v1 marshal.go */
  #selfRead(value: unknown, node: SchemaNode, name: string): unknown {
    if (Array.isArray(value) && name !== 'JSONSchemaPropsOrBool')
      return name === 'JSONSchemaPropsOrArray'
        ? value.map((item) => this.#schemaProps(item, node))
        : value;
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return this.#schemaProps(value, node);
    if (name !== 'JSONSchemaPropsOrBool') return undefined;
    if (typeof value !== 'boolean') throw new DecodeError('boolean or JSON schema expected');
    return value;
  }

  #schemaProps(value: unknown, node: SchemaNode): unknown {
    const outer = this.#isLenient;
    this.#isLenient = true;
    const ref = node.ref?.replace(/Or\w+$/, '');
    const result = this.struct(value, ref === undefined ? {} : { ref }, 'JSONSchemaProps');
    this.#isLenient = outer;
    return result;
  }

  #string(value: unknown, node: SchemaNode, plan: Plan): unknown {
    const { format } = plan.target;
    if (format === 'quantity') {
      if (typeof value !== 'string' && typeof value !== 'number')
        throw new DecodeError(quantityFormat);
      return quantityText(value);
    }
    if (format === 'byte' && Array.isArray(value)) return this.#bytes(value);
    if (typeof value !== 'string') {
      // To the reader of maps a named text is a text.
      const form = plan.struct === '' && format !== 'byte' ? 'string' : plan.goType;
      throw this.#mismatch(value, plan.goType, undefined, form);
    }
    if (format === 'date-time') return timeText(value, plan.struct === 'MicroTime');
    if (format === 'byte') return base64Text(value);
    return value;
  }

  /** Go takes a list of small numbers for the bytes they are. */
  #bytes(list: readonly unknown[]): string {
    const bytes = list.map((item) => {
      if (item === null) return 0;
      if (typeof item !== 'number') throw this.#mismatch(item, 'uint8');
      if (!Number.isInteger(item) || item < 0 || item > 255)
        throw this.#mismatch(item, 'uint8', item);
      return item;
    });
    return toBase64(Uint8Array.from(bytes));
  }

  #list(value: unknown, plan: Plan, keepEmpty: boolean): unknown {
    if (!Array.isArray(value)) throw this.#mismatch(value, plan.goType);
    if (value.length === 0) {
      const kept = keepEmpty ? this.#emptyList : undefined;
      if (!kept) this.#drop('list');
      return kept;
    }
    const items = plan.target.items as SchemaNode;
    const itemPlan = planOf(items, this.#schemas);
    const out: unknown[] = [];
    for (let index = 0; index < value.length; index++) {
      const item: unknown = value[index];
      if (item === null) {
        if (itemPlan.properties) out.push(this.#complete({}, itemPlan));
        else out.push(itemPlan.target.preserveUnknownFields ? null : '');
        continue;
      }
      if (itemPlan.properties && (typeof item !== 'object' || Array.isArray(item)))
        throw this.#mismatch(item, itemPlan.goType);
      if (
        itemPlan.target.type === 'string' &&
        itemPlan.goType === 'string' &&
        typeof item !== 'string'
      )
        throw this.#mismatch(item, plan.goType.slice(2), undefined, 'string');
      this.#path.push(`[${index}]`);
      out.push(this.#value(item, items, true));
      this.#path.pop();
    }
    return out;
  }

  #mapValue(entry: unknown, values: SchemaNode): unknown {
    const plan = planOf(values, this.#schemas);
    const { format } = plan.target;
    if (entry === null && plan.properties) return this.#complete({}, plan);
    if (entry === null) return format === 'quantity' ? '0' : '';
    if (format === 'byte' && typeof entry !== 'string' && !Array.isArray(entry))
      throw this.#mismatch(entry, '[]uint8');
    const value = this.#value(entry, values, true);
    return format === 'quantity' && this.#roundsUp ? inThousandths(value as string) : value;
  }

  #map(value: unknown, values: SchemaNode, plan: Plan, keepEmpty: boolean): unknown {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw this.#mismatch(value, plan.goType, undefined, 'map[');
    const keys = Object.keys(value);
    if (keys.length === 0) {
      if (!keepEmpty) this.#drop('map');
      return keepEmpty ? {} : undefined;
    }
    const out: Fields = {};
    const nested = planOf(values, this.#schemas).properties !== undefined;
    for (const key of keys.sort()) {
      const entry = (value as Fields)[key];
      if (nested) this.#path.push(`${keyMark}${key}`);
      out[key] = this.#mapValue(entry, values);
      if (nested) this.#path.pop();
    }
    return out;
  }
}

const quantityFormat =
  "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

/** What cannot be said in thousandths is rounded up to one, as `SetDefaults_ResourceList` does. */
function inThousandths(text: string): string {
  if (!/[nu]$/.test(text)) return text;
  const { nano, format } = parseQuantity(text);
  const milli = nano >= 0n ? (nano + 999_999n) / 1_000_000n : (nano - 999_999n) / 1_000_000n;
  return formatQuantity({ nano: milli * 1_000_000n, format });
}

const quantities = new Map<string, string>();
function quantityText(value: string | number): string {
  const text = String(value);
  let canonical = quantities.get(text);
  if (canonical === undefined) {
    try {
      canonical = canonicalQuantity(text);
    } catch (error) {
      throw new DecodeError(error instanceof Error ? error.message : '');
    }
    if (quantities.size < 5000) quantities.set(text, canonical);
  }
  return canonical;
}

/** What Go's reader of times stumbles over. @see time.Parse */
function timeFault(text: string, layout: string, micro: boolean): DecodeError {
  const steps: readonly (readonly [RegExp, string])[] = [
    [/^\d{4}/, '2006'],
    [/^-/, '-'],
    [/^\d\d/, '01'],
    [/^-/, '-'],
    [/^\d\d/, '02'],
    [/^T/, 'T'],
    [/^\d\d/, '15'],
    [/^:/, ':'],
    [/^\d\d/, '04'],
    [/^:/, ':'],
    [/^\d\d/, '05'],
    ...(micro ? ([[/^[.,]\d{6}/, '.000000']] as const) : ([[/^([.,]\d+)?/, '']] as const)),
    [/^(?:Z|[+-]\d\d:\d\d)/, 'Z07:00'],
  ];
  let rest = text;
  for (const [pattern, wanted] of steps) {
    const match = pattern.exec(rest);
    if (!match)
      return new DecodeError(
        `parsing time ${JSON.stringify(text)} as ${JSON.stringify(layout)}: cannot parse ${JSON.stringify(rest)} as ${JSON.stringify(wanted)}`,
      );
    rest = rest.slice(match[0].length);
  }
  return new DecodeError(
    rest === ''
      ? `parsing time ${JSON.stringify(text)}: day out of range`
      : `parsing time ${JSON.stringify(text)}: extra text: ${JSON.stringify(rest)}`,
  );
}

const timePattern = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

/** Whether a day and hour exist whatever the month, so that nothing has to be worked out. */
function isEveryMonth(text: string): boolean {
  return text.slice(8, 10) <= '28' && text.slice(11, 13) < '24' && !Number.isNaN(Date.parse(text));
}

/** The canonical UTC text of a time. */
function timeText(text: string, micro: boolean): string {
  const isPlain = text.length === (micro ? 27 : 20) && text.endsWith('Z') && timePattern.test(text);
  if (isPlain && (!micro || isEveryMonth(text))) return text;
  const layout = micro ? '2006-01-02T15:04:05.000000Z07:00' : '2006-01-02T15:04:05Z07:00';
  const ms = timePattern.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms) || (micro && !/\.\d{6}(?:Z|[+-])/.test(text)))
    throw timeFault(text, layout, micro);
  const iso = new Date(ms).toISOString();
  if (!micro) return `${iso.slice(0, 19)}Z`;
  const fraction = (/\.(\d+)/.exec(text)?.[1] ?? '').padEnd(6, '0').slice(0, 6);
  return `${iso.slice(0, 19)}.${fraction}Z`;
}

const base64Pattern = /^[A-Za-z0-9+/]*={0,2}$/;

function base64Text(text: string): string {
  const plain = text.replaceAll(/[\r\n]/g, '');
  if (base64Pattern.test(plain) && plain.length % 4 === 0) return plain;
  let bad = 0;
  while (bad < text.length && /[A-Za-z0-9+/\r\n]/.test(text[bad] as string)) bad += 1;
  throw new MismatchError(
    `illegal base64 data at input byte ${bad < text.length ? bad : Math.max(0, text.length - (text.length % 4 || 1))}`,
  );
}
