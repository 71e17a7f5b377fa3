import type { JsonObject } from '#core/base';
import { expect, test } from 'vitest';
import { customSchemaV2 } from '../../../../../../src-main/core/kube/apis/openapi/custom-schema-v2.ts';

const text = { type: 'string' };
const loose = { 'x-kubernetes-preserve-unknown-fields': true };
const withSpec = (spec: JsonObject): JsonObject => ({ type: 'object', properties: { spec } });

test.each([
  {
    why: 'unknown fields of the whole object would be refused',
    schema: { ...withSpec(text), ...loose },
    published: { type: 'object' },
  },
  {
    why: 'unknown fields of a part as well',
    schema: withSpec({ type: 'object', properties: { a: text }, ...loose }),
    published: withSpec(loose),
  },
  {
    why: 'kubectl reads no lists without items',
    schema: withSpec({ type: 'array', ...loose }),
    published: withSpec(loose),
  },
  {
    why: 'null has no type, and need not be there',
    schema: withSpec({
      type: 'object',
      required: ['a', 'b'],
      properties: { a: { ...text, nullable: true }, b: text },
    }),
    published: withSpec({ type: 'object', properties: { a: {}, b: text }, required: ['b'] }),
  },
  {
    why: 'there are no junctors',
    schema: withSpec({
      type: 'object',
      properties: { a: { ...text, anyOf: [{ minLength: 1 }], not: { maxLength: 2 } } },
      oneOf: [{ required: ['a'] }],
    }),
    published: withSpec({ type: 'object', properties: { a: text } }),
  },
  {
    why: 'fields may have the names of junctors',
    schema: withSpec({ type: 'object', properties: { not: text, nullable: text } }),
    published: withSpec({ type: 'object', properties: { not: text, nullable: text } }),
  },
  {
    why: 'definitions stand elsewhere',
    schema: {
      type: 'object',
      properties: {
        metadata: {
          description: 'd',
          allOf: [{ $ref: '#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta' }],
        },
      },
    },
    published: {
      type: 'object',
      properties: {
        metadata: {
          description: 'd',
          $ref: '#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta',
        },
      },
    },
  },
])('a custom schema in version 2: $why', ({ schema, published }) => {
  expect(customSchemaV2(schema)).toEqual(published);
});
