import { customDefinition } from '../patches/definition.ts';
import type { Fields } from '../patches/subjects.ts';

export const group = 'rules.example.com';
export const string = { type: 'string' };
export const integer = { type: 'integer' };
export const short = { type: 'string', maxLength: 10 };

export const object = (properties: Fields, more: Fields = {}): Fields => ({
  type: 'object',
  properties,
  ...more,
});
export const list = (items: Fields, more: Fields = {}): Fields => ({
  type: 'array',
  items,
  ...more,
});
export const mapOf = (values: Fields, more: Fields = {}): Fields => ({
  type: 'object',
  additionalProperties: values,
  ...more,
});
/** A schema with rules; a text is a rule and nothing else. */
export const ruled = (schema: Fields, ...rules: readonly (string | Fields)[]): Fields => ({
  ...schema,
  'x-kubernetes-validations': rules.map((rule) => (typeof rule === 'string' ? { rule } : rule)),
});
export const keyed = { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['k'] };

/** A definition with one version of this schema. */
export const definition = (plural: string, root: Fields): Fields =>
  customDefinition(group, 'Cluster', plural, [
    { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: root } },
  ]);

export const withSpec = (spec: Fields): Fields => ({ type: 'object', properties: { spec } });
