import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Sources } from './sources.ts';

/** What `core/kube/apis/protobuf/wire.ts` reads; see there for the meaning of types and flags. */
export interface WireTable {
  names: string[];
  /** For each name, four values a field: number, JSON name, type, flags. */
  fields: (string | number)[][];
}

const scalarTypes: Record<string, number> = {
  string: -1,
  bytes: -2,
  bool: -3,
  int32: -4,
  int64: -4,
  double: -5,
};
const flag = { list: 1, map: 2, pointer: 4, omitempty: 8, omitzero: 16, inline: 32 } as const;

interface GoField {
  pointer: boolean;
  json: string;
  omitempty: boolean;
  omitzero: boolean;
  inline: boolean;
}

/**
 * Field numbers and types from `generated.proto`; JSON names, pointers, `omitempty` and embedding from the Go types.
 * The proto file alone does not do: an embedded struct is a field there, and `$ref` is spelled `_ref`.
 *
 * @param packages of the schemas that need a wire form: `io.k8s.api.apps.v1`.
 */
export function readWire(sources: Sources, packages: readonly string[]): WireTable {
  const rows = new Map<string, { json: string; number: number; type: string; flags: number }[]>();
  for (const name of packages) {
    const folder = packageFolder(sources, name);
    if (folder === undefined || !existsSync(join(folder, 'generated.proto'))) continue;
    const goFields = readGoFields(folder);
    const proto = readFileSync(join(folder, 'generated.proto'), 'utf8').replaceAll(/\/\/.*$/gm, '');
    for (const [, message = '', body = ''] of proto.matchAll(/^message (\w+) \{(.*?)^\}/gms)) {
      const declarations = [...body.matchAll(/^\s*(.+?) (\w+) = (\d+)(?: \[.*\])?;/gm)];
      // A lone list without a struct is a named list type, which protobuf cannot nest otherwise: its JSON is the list.
      const isNamedList =
        declarations.length === 1 && declarations[0]?.[2] === 'items' && !goFields.has(message);
      const fields = declarations.map(([, declared = '', protoName = '', digits = '']) => {
        const map = /^map<string, ?(.+)>$/.exec(declared)?.[1];
        const [label, single = ''] = declared.split(' ');
        const type = map ?? single;
        const number = Number(digits);
        const go = goFields.get(`${message}.${number}`);
        let flags = 0;
        if (map !== undefined) flags |= flag.map;
        else if (label === 'repeated') flags |= flag.list;
        if (go?.pointer) flags |= flag.pointer;
        if (go?.omitempty) flags |= flag.omitempty;
        if (go?.omitzero) flags |= flag.omitzero;
        if (go?.inline) flags |= flag.inline;
        const json = go ? go.json : isNamedList ? '' : protoName;
        return { json, number, type: fullType(type, name), flags };
      });
      rows.set(`${name}.${message}`, fields);
    }
  }
  const names = [...rows.keys()].sort();
  const index = new Map(names.map((name, position) => [name, position]));
  for (const fields of rows.values())
    for (const { type } of fields)
      if (scalarTypes[type] === undefined && !index.has(type)) {
        index.set(type, names.length);
        names.push(type);
      }
  return {
    names,
    fields: names.map((name) =>
      (rows.get(name) ?? []).flatMap(({ number, json, type, flags }) => [
        number,
        json,
        scalarTypes[type] ?? index.get(type) ?? 0,
        flags,
      ]),
    ),
  };
}

function packageFolder(sources: Sources, name: string): string | undefined {
  const roots: [string, string][] = [
    ['io.k8s.api.', sources.module('api')],
    ['io.k8s.apimachinery.', sources.module('apimachinery')],
    ['io.k8s.apiextensions-apiserver.', sources.module('apiextensions-apiserver')],
    ['io.k8s.kube-aggregator.', sources.module('kube-aggregator')],
  ];
  for (const [prefix, root] of roots)
    if (name.startsWith(prefix)) return join(root, ...name.slice(prefix.length).split('.'));
  return undefined;
}

/** `k8s.io.api.core.v1.Pod`, or a name of the same file, as a schema name. */
function fullType(type: string, packageName: string): string {
  if (scalarTypes[type] !== undefined) return type;
  const bare = type.replace(/^\./, '');
  return bare.includes('.') ? bare.replace(/^k8s\.io\./, 'io.k8s.') : `${packageName}.${bare}`;
}

/** Tagged fields by `Struct.number`, and each struct's bare name as a key. */
function readGoFields(folder: string): Map<string, GoField> {
  const none = { pointer: false, json: '', omitempty: false, omitzero: false, inline: false };
  const fields = new Map<string, GoField>();
  const files = readdirSync(folder).filter(
    (name) => name.endsWith('.go') && !/_test\.go$|^zz_|^generated\.pb/.test(name),
  );
  for (const file of files.sort()) {
    let struct: string | undefined;
    for (const line of readFileSync(join(folder, file), 'utf8').split('\n')) {
      const head = /^type (\w+) struct \{/.exec(line);
      if (head?.[1] !== undefined) {
        struct = head[1];
        fields.set(struct, none);
      } else if (line.startsWith('}')) {
        struct = undefined;
      }
      if (struct === undefined) continue;
      const field = /^\t(?:\w+\s+)?(\S+)\s+`([^`]*)`/.exec(line);
      const tags = field?.[2] ?? '';
      const number = /protobuf:"\w+,(\d+)/.exec(tags)?.[1];
      if (!field || number === undefined) continue;
      const [name = '', ...options] = (/json:"([^"]*)"/.exec(tags)?.[1] ?? '').split(',');
      fields.set(`${struct}.${number}`, {
        pointer: field[1]?.startsWith('*') ?? false,
        json: name,
        omitempty: options.includes('omitempty'),
        omitzero: options.includes('omitzero'),
        inline: options.includes('inline') || name === '',
      });
    }
  }
  return fields;
}
