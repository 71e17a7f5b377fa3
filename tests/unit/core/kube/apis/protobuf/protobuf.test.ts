import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concatBytes, fromBase64, type JsonObject, toBase64, utf8 } from '#core/base';
import {
  builtinSchemaNames,
  builtinSchemas,
  decodeMessage,
  decodeProtobuf,
  decodeWatchFrame,
  encodeMessage,
  encodeProtobuf,
  encodeWatchFrame,
  FrameSplitter,
  hasProtobuf,
  ProtobufError,
  type SchemaNode,
} from '../../../../../../src-main/core/kube/apis/index.ts';
import type { WatchEventType } from '../../../../../../src-main/core/kube/machinery/index.ts';
import recordings from './fixtures/objects.json' with { type: 'json' };
import watch from './fixtures/watch.json' with { type: 'json' };

type Encodable = Parameters<typeof encodeProtobuf>[0];

describe('recordings of a real API server', () => {
  test.each(recordings)('decode as its JSON, encode to the same bytes: $path', (recording) => {
    const json = recording.json as unknown as Encodable;
    expect(decodeProtobuf(fromBase64(recording.protobuf))).toEqual(json);
    expect(toBase64(encodeProtobuf(json))).toBe(recording.protobuf);
  });

  test('a watch is length-delimited frames', () => {
    const bytes = fromBase64(watch.protobuf);
    const splitter = new FrameSplitter();
    // Cut where it hurts: inside lengths and bodies.
    const bodies = [bytes.subarray(0, 2), bytes.subarray(2, 100), bytes.subarray(100)].flatMap(
      (chunk) => splitter.push(chunk),
    );
    expect(bodies.map(decodeWatchFrame)).toEqual(watch.events);
    const frames = watch.events.map(({ type, object }) =>
      encodeWatchFrame(type as WatchEventType, object as Record<string, unknown>),
    );
    expect(toBase64(concatBytes(frames))).toBe(watch.protobuf);
  });
});

describe('kinds', () => {
  test.each([
    { apiVersion: 'v1', kind: 'Pod', known: true, why: 'built in' },
    { apiVersion: 'apps/v1', kind: 'DeploymentList', known: true, why: 'lists too' },
    { apiVersion: 'policy/v1', kind: 'Eviction', known: true, why: 'a subresource’s kind' },
    { apiVersion: 'apps/v1', kind: 'DeleteOptions', known: true, why: 'options of every group' },
    { apiVersion: 'meta.k8s.io/v1', kind: 'PartialObjectMetadataList', known: true, why: 'meta' },
    { apiVersion: 'stable.example.com/v1', kind: 'CronTab', known: false, why: 'a CRD’s' },
  ])('$apiVersion $kind: $known, $why', ({ apiVersion, kind, known }) => {
    expect(hasProtobuf(apiVersion, kind)).toBe(known);
  });

  test('every schema with a kind has a message', () => {
    for (const name of builtinSchemaNames()) {
      const kinds = builtinSchemas.get(name)?.kinds ?? [];
      // Only ever spoken as JSON.
      if (/meta\.v1\.(APIVersions|APIGroup|APIGroupList|APIResourceList)$/.test(name)) continue;
      for (const { group, version, kind } of kinds)
        expect([name, hasProtobuf(group === '' ? version : `${group}/${version}`, kind)]).toEqual([
          name,
          true,
        ]);
    }
  });

  test('DeleteOptions as kubectl sends them', () => {
    const options = {
      kind: 'DeleteOptions',
      apiVersion: 'v1',
      gracePeriodSeconds: 0,
      propagationPolicy: 'Background',
    };
    expect(decodeProtobuf(encodeProtobuf(options))).toEqual(options);
  });

  test('an envelope without a kind takes that of the request', () => {
    const bytes = encodeProtobuf({
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      orphanDependents: true,
    });
    const bare = concatBytes([
      new Uint8Array([...bytes.subarray(0, 4), 0x12]),
      bytes.subarray(bytes.length - 7, bytes.length - 4),
    ]);
    expect(decodeProtobuf(bare, { apiVersion: 'v1', kind: 'DeleteOptions' })).toEqual({
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      orphanDependents: true,
    });
  });
});

describe('values', () => {
  const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';
  const crd = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1';
  test.each([
    { schema: `${meta}.Time`, value: '2026-01-01T10:00:00Z' },
    { schema: `${meta}.Time`, value: '1969-12-31T23:59:59Z' },
    { schema: `${meta}.Time`, value: null },
    { schema: `${meta}.MicroTime`, value: '2026-01-01T10:00:00.000120Z' },
    { schema: 'io.k8s.apimachinery.pkg.api.resource.Quantity', value: '250m' },
    { schema: 'io.k8s.apimachinery.pkg.util.intstr.IntOrString', value: -1 },
    { schema: 'io.k8s.apimachinery.pkg.util.intstr.IntOrString', value: '25%' },
    { schema: 'io.k8s.apimachinery.pkg.runtime.RawExtension', value: { a: [1, null, { b: 'ü' }] } },
    { schema: `${crd}.JSON`, value: [1.5, false] },
    { schema: `${crd}.JSONSchemaPropsOrBool`, value: false },
    { schema: `${crd}.JSONSchemaPropsOrBool`, value: { type: 'string' } },
    { schema: `${crd}.JSONSchemaPropsOrArray`, value: [{ type: 'string' }, { maximum: 1.5 }] },
    { schema: `${crd}.JSONSchemaPropsOrStringArray`, value: ['a', 'b'] },
    {
      schema: `${crd}.JSONSchemaProps`,
      value: { $ref: '#/x', 'x-kubernetes-int-or-string': true },
    },
    { schema: 'io.k8s.api.authentication.v1.ExtraValue', value: ['a', ''] },
    {
      schema: 'io.k8s.api.authentication.v1.UserInfo',
      value: { username: 'u', extra: { 'a/b': ['x'], c: [] } },
    },
    { schema: `${meta}.Preconditions`, value: { uid: '' } },
    { schema: 'io.k8s.api.core.v1.Volume', value: { name: 'v', emptyDir: {} } },
    {
      schema: 'io.k8s.api.core.v1.ConfigMap',
      value: { metadata: {}, binaryData: { a: '', b: 'AP8=' } },
    },
    { schema: 'io.k8s.api.core.v1.Affinity', value: {} },
  ])('$schema: $value', ({ schema, value }) => {
    expect(decodeMessage(schema, encodeMessage(schema, value))).toEqual(value);
  });

  test('what Go would not leave out is there', () => {
    expect(decodeMessage('io.k8s.api.core.v1.Pod', new Uint8Array())).toEqual({
      metadata: {},
      spec: { containers: null },
      status: {},
    });
    expect(decodeMessage('io.k8s.api.core.v1.PodList', new Uint8Array())).toEqual({
      metadata: {},
      items: [],
    });
  });
});

describe('laws', () => {
  const leaf = (node: SchemaNode): fc.Arbitrary<unknown> | undefined => {
    if (node.format === 'byte') return fc.uint8Array({ minLength: 1, maxLength: 8 }).map(toBase64);
    if (node.type === 'string') return fc.string({ minLength: 1, unit: 'binary' });
    if (node.type === 'boolean') return fc.constant(true);
    if (node.format === 'int64') return fc.maxSafeInteger().filter((value) => value !== 0);
    if (node.type === 'integer') return fc.integer().filter((value) => value !== 0);
    return undefined;
  };
  /** Objects of a schema with some of its scalar, list and map fields; nested ones to a small depth. */
  const objectOf = (node: SchemaNode, depth: number): fc.Arbitrary<unknown> => {
    const model: Record<string, fc.Arbitrary<unknown>> = {};
    for (const [name, property] of Object.entries(node.properties ?? {})) {
      if (name === 'apiVersion' || name === 'kind' || name === 'metadata') continue;
      const arbitrary = valueOf(property, depth);
      if (arbitrary) model[name] = arbitrary;
    }
    return fc.record(model, { requiredKeys: [] });
  };
  const valueOf = (node: SchemaNode, depth: number): fc.Arbitrary<unknown> | undefined => {
    if (node.ref !== undefined) {
      const target = builtinSchemas.resolve(node);
      if (target.format === 'int-or-string') return fc.oneof(fc.integer(), fc.string());
      if (target.format === 'quantity') return fc.constantFrom('1', '250m', '1Gi');
      if (target.properties && depth > 0) return objectOf(target, depth - 1);
      return undefined;
    }
    if (node.items) {
      const items = valueOf(node.items, depth);
      return items && fc.array(items, { minLength: 1, maxLength: 3 });
    }
    if (node.additionalProperties) {
      const values = valueOf(node.additionalProperties, depth);
      return (
        values &&
        fc.dictionary(fc.string(), values, { minKeys: 1, maxKeys: 3, noNullPrototype: true })
      );
    }
    return leaf(node);
  };

  test.each(['core.v1.PodSpec', 'core.v1.Service', 'apps.v1.Deployment', 'rbac.v1.ClusterRole'])(
    'what is encoded decodes to a superset that encodes to the same bytes: %s',
    (name) => {
      const schema = `io.k8s.api.${name}`;
      const node = builtinSchemas.get(schema) ?? {};
      fc.assert(
        fc.property(objectOf(node, 3), (value) => {
          const bytes = encodeMessage(schema, value);
          const decoded = decodeMessage(schema, bytes) as JsonObject;
          expect(decoded).toMatchObject(value as object);
          expect(encodeMessage(schema, decoded)).toEqual(bytes);
        }),
        { numRuns: 60 },
      );
    },
  );

  test('a mark of byte order at the front of a text stays', () => {
    const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: {}, data: { a: '\ufefftext' } };
    expect(decodeProtobuf(encodeProtobuf(map))).toMatchObject(map);
  });

  test('any bytes end in an object or a ProtobufError', () => {
    const head = encodeProtobuf({ apiVersion: 'v1', kind: 'Pod' });
    const sample = fromBase64(recordings[1]?.protobuf ?? '');
    const tryDecode = (bytes: Uint8Array) => {
      try {
        decodeProtobuf(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(ProtobufError);
      }
    };
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (tail) => {
        tryDecode(concatBytes([head.subarray(0, 4), tail]));
        tryDecode(tail);
      }),
    );
    fc.assert(
      fc.property(fc.nat(sample.length - 1), fc.nat(255), (at, byte) => {
        const damaged = sample.slice();
        damaged[at] = byte;
        tryDecode(damaged);
        tryDecode(sample.subarray(0, at));
      }),
      { numRuns: 300 },
    );
  });
});

describe('refusals', () => {
  const props = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps';
  /** `not` within `not` within `not`, each a message around the last. */
  const deep = (levels: number) => {
    let body: Uint8Array = new Uint8Array();
    for (let level = 0; level < levels; level++) {
      const length: number[] = [];
      for (let rest = body.length; ; rest = Math.floor(rest / 128)) {
        length.push(rest >= 128 ? (rest % 128) | 0x80 : rest);
        if (rest < 128) break;
      }
      body = concatBytes([new Uint8Array([0xe2, 0x01, ...length]), body]);
    }
    return body;
  };
  test.each([
    { bytes: utf8('{"kind":"Pod"}'), message: /does not appear to be a protobuf message/ },
    { bytes: new Uint8Array(), message: /does not appear to be a protobuf message/ },
    { bytes: utf8('k8s\0\x0a\x7fabc'), message: 'unexpected end of the message' },
    {
      bytes: concatBytes([utf8('k8s\0'), new Uint8Array(11).fill(0xff)]),
      message: 'integer overflow',
    },
    { bytes: utf8('k8s\0'), message: 'no kind "" is registered for version ""' },
  ])('decoding $message', ({ bytes, message }) => {
    expect(() => decodeProtobuf(bytes)).toThrow(ProtobufError);
    expect(() => decodeProtobuf(bytes)).toThrow(message);
  });

  test('nesting without end', () => {
    expect(decodeMessage(props, deep(100))).toBeDefined();
    expect(() => decodeMessage(props, deep(5000))).toThrow('nested too deeply');
  });

  test.each([
    { object: { apiVersion: 'a.b/v1', kind: 'C' }, message: /no kind "C" is registered/ },
    { object: { apiVersion: 'v1', kind: 'Pod', spec: [] }, message: /PodSpec must be an object/ },
    {
      object: { apiVersion: 'v1', kind: 'Pod', spec: { nodeName: 1 } },
      message: 'nodeName must be a string',
    },
    {
      object: { apiVersion: 'v1', kind: 'Pod', spec: { priority: 1.5 } },
      message: 'priority must be an integer, not 1.5',
    },
    {
      object: { apiVersion: 'v1', kind: 'Secret', data: { a: '?' } },
      message: 'data is not base64',
    },
  ])('encoding $message', ({ object, message }) => {
    expect(() => encodeProtobuf(object)).toThrow(ProtobufError);
    expect(() => encodeProtobuf(object)).toThrow(message);
  });

  test('a frame that announces too much', () => {
    expect(() => new FrameSplitter().push(new Uint8Array([0x7f, 0, 0, 0]))).toThrow(ProtobufError);
  });
});
