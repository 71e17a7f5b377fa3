import type { JsonObject, JsonValue } from '#core/base';
import { formatYaml } from '../../machinery/index.ts';
import { WireWriter } from '../protobuf/index.ts';

/**
 * An OpenAPI v2 document as `openapi.v2.Document`, which older clients and `kubectl explain
 * --output=plaintext-openapiv2` read types from. Of paths it tells nothing, as the document itself.
 *
 * @see github.com/google/gnostic-models/openapiv2/OpenAPIv2.proto
 */
export function encodeOpenApiV2(document: JsonObject): Uint8Array<ArrayBuffer> {
  const writer = new WireWriter();
  // The writer begins at the end: fields stand here with the highest number first.
  named(writer, 13, objectAt(document, 'securityDefinitions'), (each) =>
    message(writer, 2, () => apiKeySecurity(writer, each)),
  );
  for (const requirement of listAt(document, 'security').toReversed())
    message(writer, 12, () => {
      for (const [name] of Object.entries(requirement as JsonObject).toReversed())
        message(writer, 1, () => {
          message(writer, 2, () => undefined);
          text(writer, 1, name);
        });
    });
  named(writer, 9, objectAt(document, 'definitions'), (each) => schema(writer, each));
  message(writer, 8, () => undefined);
  message(writer, 2, () => {
    const info = objectAt(document, 'info');
    text(writer, 2, info['version']);
    text(writer, 1, info['title']);
  });
  text(writer, 1, document['swagger']);
  return writer.finish();
}

function schema(writer: WireWriter, node: JsonObject): void {
  const extensions = Object.entries(node).filter(([name]) => name.startsWith('x-'));
  for (const [name, value] of extensions.toReversed())
    message(writer, 31, () => {
      any(writer, 2, value);
      text(writer, 1, name);
    });
  if (node['properties'] !== undefined)
    named(writer, 25, objectAt(node, 'properties'), (each) => schema(writer, each));
  const { items, additionalProperties, type } = node;
  if (items !== undefined)
    message(writer, 23, () => message(writer, 1, () => schema(writer, items as JsonObject)));
  if (typeof type === 'string') message(writer, 22, () => text(writer, 1, type));
  if (typeof additionalProperties === 'object' && additionalProperties !== null)
    message(writer, 21, () =>
      message(writer, 1, () => schema(writer, additionalProperties as JsonObject)),
    );
  else if (additionalProperties === true) message(writer, 21, () => writer.integerField(2, 1));
  for (const value of listAt(node, 'enum').toReversed()) any(writer, 20, value);
  for (const name of listAt(node, 'required').toReversed()) text(writer, 19, name);
  for (const [name, number] of limits.toReversed()) {
    const value = node[name];
    if (value === true) writer.integerField(number, 1);
    else if (typeof value === 'string') text(writer, number, value);
    else if (typeof value !== 'number' || value === 0) continue;
    else if (doubles.has(number)) {
      writer.double(value);
      writer.tag(number, 1);
    } else writer.integerField(number, value);
  }
  if (node['default'] !== undefined) any(writer, 5, node['default']);
  text(writer, 4, node['description']);
  text(writer, 3, node['title']);
  text(writer, 2, node['format']);
  text(writer, 1, node['$ref']);
}

const limits: readonly (readonly [string, number])[] = [
  ['multipleOf', 6],
  ['maximum', 7],
  ['exclusiveMaximum', 8],
  ['minimum', 9],
  ['exclusiveMinimum', 10],
  ['maxLength', 11],
  ['minLength', 12],
  ['pattern', 13],
  ['maxItems', 14],
  ['minItems', 15],
  ['uniqueItems', 16],
  ['maxProperties', 17],
  ['minProperties', 18],
];
const doubles = new Set([6, 7, 9]);

function apiKeySecurity(writer: WireWriter, node: JsonObject): void {
  text(writer, 4, node['description']);
  text(writer, 3, node['in']);
  text(writer, 2, node['name']);
  text(writer, 1, node['type']);
}

/** A message of pairs `{ name, value }`. */
function named(
  writer: WireWriter,
  number: number,
  entries: JsonObject,
  write: (value: JsonObject) => void,
): void {
  message(writer, number, () => {
    for (const [name, value] of Object.entries(entries).toReversed())
      message(writer, 1, () => {
        message(writer, 2, () => write(value as JsonObject));
        text(writer, 1, name);
      });
  });
}

/** `Any` holds a value as YAML. */
function any(writer: WireWriter, number: number, value: JsonValue): void {
  message(writer, number, () => text(writer, 2, formatYaml(value)));
}

function message(writer: WireWriter, number: number, write: () => void): void {
  const before = writer.length;
  write();
  writer.unsigned(writer.length - before);
  writer.tag(number, 2);
}

function text(writer: WireWriter, number: number, value: JsonValue | undefined): void {
  if (typeof value === 'string' && value !== '') writer.stringField(number, value);
}

function objectAt(node: JsonObject, name: string): JsonObject {
  return (node[name] ?? {}) as JsonObject;
}

function listAt(node: JsonObject, name: string): readonly JsonValue[] {
  return (node[name] ?? []) as readonly JsonValue[];
}
