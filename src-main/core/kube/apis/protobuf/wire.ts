import { wireJson } from '../generated/wire.ts';
import { builtinSchemaNames, builtinSchemas } from '../schemas.ts';

/** Scalar types of the generated table; a type of 0 and above is the index of a message. */
export const scalar = { string: -1, bytes: -2, bool: -3, int: -4, double: -5 } as const;

/** One field of a message. */
export interface WireField {
  readonly number: number;
  /** Empty for an embedded struct, and for the list inside a named list type. */
  readonly json: string;
  /** One of `scalar`, or absent for a message. */
  readonly scalar: number | undefined;
  readonly message: () => WireMessage;
  readonly isList: boolean;
  readonly isMap: boolean;
  /** A pointer in Go: absent when nil, written also when zero. */
  readonly isPointer: boolean;
  readonly omitEmpty: boolean;
  readonly omitZero: boolean;
  /** An embedded struct: a message of its own here, part of its parent in JSON. */
  readonly isInline: boolean;
}

export interface WireMessage {
  /** `io.k8s.api.core.v1.Pod` */
  readonly name: string;
  /** In the order of their numbers. */
  readonly fields: readonly WireField[];
  readonly byNumber: ReadonlyMap<number, number>;
  /** A named list: its JSON is the list in its only field. */
  readonly isNamedList: boolean;
}

interface Table {
  readonly names: readonly string[];
  readonly fields: readonly (readonly (string | number)[])[];
}

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';
/** Messages of versions whose kinds are in no OpenAPI document. */
const shared: ReadonlyMap<string, string> = new Map([
  ['apidiscovery.k8s.io/v2', 'io.k8s.api.apidiscovery.v2.*'],
  ['meta.k8s.io/v1beta1', `${meta}beta1.*`],
]);
let table: Table | undefined;
let indexOf: Map<string, number> | undefined;
let kinds: Map<string, string> | undefined;
const messages: WireMessage[] = [];

function load(): { table: Table; indexOf: Map<string, number> } {
  table ??= JSON.parse(wireJson) as Table;
  indexOf ??= new Map(table.names.map((name, index) => [name, index]));
  return { table, indexOf };
}

/** The message of a schema name; compiled on first use. */
export function messageNamed(name: string): WireMessage | undefined {
  const index = load().indexOf.get(name);
  return index === undefined ? undefined : messageAt(index);
}

/** The message that carries a kind: its own, or that of the meta kinds every group shares (`DeleteOptions`). */
export function messageOfKind(apiVersion: string, kind: string): WireMessage | undefined {
  if (!kinds) {
    kinds = new Map();
    for (const name of builtinSchemaNames())
      for (const { group, version, kind: each } of builtinSchemas.get(name)?.kinds ?? [])
        kinds.set(`${group === '' ? '' : `${group}/`}${version} ${each}`, name);
  }
  const own = kinds.get(`${apiVersion} ${kind}`) ?? shared.get(apiVersion);
  return (
    (own === undefined ? undefined : messageNamed(own.replace('*', kind))) ??
    messageNamed(`${meta}.${kind}`)
  );
}

function messageAt(index: number): WireMessage {
  const known = messages[index];
  if (known) return known;
  const { names, fields: rows } = load().table;
  const row = rows[index] ?? [];
  const fields: WireField[] = [];
  for (let i = 0; i < row.length; i += 4) {
    const [number, json, type, flags] = row.slice(i, i + 4) as [number, string, number, number];
    fields.push({
      number,
      json,
      scalar: type < 0 ? type : undefined,
      message: () => messageAt(type),
      isList: (flags & 1) !== 0,
      isMap: (flags & 2) !== 0,
      isPointer: (flags & 4) !== 0,
      omitEmpty: (flags & 8) !== 0,
      omitZero: (flags & 16) !== 0,
      isInline: (flags & 32) !== 0,
    });
  }
  fields.sort((a, b) => a.number - b.number);
  const [first] = fields;
  const message: WireMessage = {
    name: names[index] ?? '',
    fields,
    byNumber: new Map(fields.map(({ number }, position) => [number, position])),
    isNamedList: fields.length === 1 && first?.json === '' && first.isList && !first.isInline,
  };
  messages[index] = message;
  return message;
}
