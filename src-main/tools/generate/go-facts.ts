import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SchemaNode } from '#core/kube';
import type { Sources } from './sources.ts';

/** A field as Go declares it, as far as it decides what is written when it is not set. */
interface GoField {
  readonly pointer: boolean;
  /** A named type of text, as messages print it: `v1.RestartPolicy`. */
  readonly typeName: string | undefined;
  readonly omitEmpty: boolean;
  readonly omitZero: boolean;
}

interface GoStruct {
  readonly fields: ReadonlyMap<string, GoField>;
  /** Types whose fields count as this one's own. */
  readonly inlined: readonly string[];
  /** Fields, and inlined types behind a colon, as they are declared: Go writes them so. */
  readonly order: readonly string[];
}

/** Types that write themselves: what they write when they hold nothing. */
const selfWritten: Readonly<Record<string, unknown>> = {
  Time: null,
  MicroTime: null,
  Duration: '0s',
  Quantity: '0',
  IntOrString: 0,
  RawExtension: null,
};
const scalarZeros: Readonly<Record<string, unknown>> = {
  string: '',
  integer: 0,
  number: 0,
  boolean: false,
};

/** What OpenAPI does not tell of the structs behind it. */
interface GoFacts {
  /** What Go writes for a field that is not set. */
  unset(schema: string, field: string, node: SchemaNode, target: SchemaNode): Partial<SchemaNode>;
  /** The fields of a type as Go writes them, one after the other. */
  order(schema: string): readonly string[];
}

/** Reads the structs of the API packages. */
export function goFacts(sources: Sources): GoFacts {
  const packages = new Map<string, ReadonlyMap<string, GoStruct>>();
  const packageOf = (name: string): ReadonlyMap<string, GoStruct> => {
    let structs = packages.get(name);
    if (!structs) packages.set(name, (structs = readPackage(folderOf(sources, name))));
    return structs;
  };
  const fieldOf = (
    schema: string,
    name: string,
  ): { field: GoField; embedded: readonly string[] } | undefined => {
    const dot = schema.lastIndexOf('.');
    const structs = packageOf(schema.slice(0, dot));
    const find = (
      type: string,
      embedded: readonly string[],
    ): { field: GoField; embedded: readonly string[] } | undefined => {
      const struct = structs.get(type);
      const field = struct?.fields.get(name);
      if (field) return { field, embedded };
      return struct?.inlined.map((inner) => find(inner, [...embedded, inner])).find((each) => each);
    };
    return find(schema.slice(dot + 1), []);
  };
  const orderOf = (packageName: string, type: string): string[] =>
    (packageOf(packageName).get(type)?.order ?? []).flatMap((name) => {
      if (!name.startsWith(':')) return [name];
      if (name === ':TypeMeta') return ['kind', 'apiVersion'];
      return orderOf(packageName, name.slice(1));
    });
  return {
    unset(schema, name, node, target) {
      const found = fieldOf(schema, name);
      if (!found) return {};
      const { field, embedded } = found;
      return {
        ...namedText(field, node, target),
        ...writtenWhenUnset(field, node, target),
        ...(embedded.length > 0 ? { embedded: embedded.join('.') } : {}),
      };
    },
    order(schema) {
      const dot = schema.lastIndexOf('.');
      return orderOf(schema.slice(0, dot), schema.slice(dot + 1));
    },
  };
}

/** The name of a type of text, or of the texts of a list. */
function namedText(field: GoField, node: SchemaNode, target: SchemaNode): Partial<SchemaNode> {
  if (target.additionalProperties) return field.typeName ? { typeName: field.typeName } : {};
  const text = target.type === 'array' ? target.items : target;
  return field.typeName !== undefined && !node.ref && !text?.ref && text?.type === 'string'
    ? { typeName: field.typeName }
    : {};
}

function writtenWhenUnset(
  field: GoField,
  node: SchemaNode,
  target: SchemaNode,
): Partial<SchemaNode> {
  if (field.pointer) return field.omitEmpty || field.omitZero ? {} : { always: null };
  const self = node.ref?.split('.').at(-1) ?? '';
  if (Object.hasOwn(selfWritten, self)) return field.omitZero ? {} : { always: selfWritten[self] };
  const omitted = field.omitEmpty || field.omitZero;
  const isBytes = target.format === 'byte';
  if (target.type !== undefined && !isBytes && Object.hasOwn(scalarZeros, target.type))
    return omitted ? { omitZero: true } : { always: scalarZeros[target.type] };
  if (target.properties) return field.omitZero ? { omitZero: true } : {};
  return omitted ? {} : { always: null };
}

function folderOf(sources: Sources, name: string): string {
  const parts = name.split('.');
  const [module = '', ...rest] = parts.slice(2);
  return join(sources.module(module), ...rest);
}

function readPackage(folder: string): ReadonlyMap<string, GoStruct> {
  const structs = new Map<string, GoStruct>();
  if (!existsSync(folder)) return structs;
  for (const file of readdirSync(folder)) {
    if (!/^(micro_)?(types|time|duration).*\.go$/.test(file) || /_test|swagger/.test(file))
      continue;
    const text = readFileSync(join(folder, file), 'utf8');
    for (const [, name = '', body = ''] of text.matchAll(/^type (\w+) struct \{\n([\s\S]*?)^\}/gm))
      structs.set(name, readStruct(body, folder.split('/').at(-1) ?? ''));
  }
  return structs;
}

const plainTypes = /^(string|bool|byte|u?int(8|16|32|64)?|float(32|64)|interface\{\}|any)$/;

/** How a message names the type of a field, when it is not a plain one. */
function namedType(type: string, version: string): string | undefined {
  const bare = type.replace(/^\*?(\[\])?/, '');
  if (plainTypes.test(bare) || bare.startsWith('map[')) return undefined;
  // Messages have the name of the package, not the one it is imported under.
  return bare.includes('.') ? bare.replace(/^[a-z]+(v\d\w*)\./, '$1.') : `${version}.${bare}`;
}

function readStruct(body: string, version: string): GoStruct {
  const fields = new Map<string, GoField>();
  const inlined: string[] = [];
  const order: string[] = [];
  for (const line of body.split('\n')) {
    const match = /^\t(?:\w+\s+)?([*[\]\w.{}]+)\s+`(.*)`/.exec(line);
    const [, type = '', tags = ''] = match ?? [];
    const [json = '', ...options] = (/json:"([^"]*)"/.exec(tags)?.[1] ?? '').split(',');
    if (!match || json === '-') continue;
    if (json === '') {
      if (!options.includes('inline')) continue;
      const inner = type.replace('*', '').split('.').at(-1) ?? '';
      inlined.push(inner);
      order.push(`:${inner}`);
      continue;
    }
    order.push(json);
    fields.set(json, {
      pointer: type.startsWith('*'),
      typeName: namedType(type, version),
      omitEmpty: options.includes('omitempty'),
      omitZero: options.includes('omitzero'),
    });
  }
  return { fields, inlined, order };
}
