import { expect, test } from 'vitest';
import { decodeBytes, fromUtf8, utf8 } from '#core/base';
import { etcdBytesOf, type KubeObject, StoredObject, storedObjectOf } from '#core/kube';

const secret: KubeObject = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 's', namespace: 'default', uid: 'u', resourceVersion: '7' },
  data: { password: 'aHVudGVyMg==' },
  type: 'Opaque',
};

test('a built-in kind is protobuf behind `k8s`, its secret readable, its resourceVersion left out', () => {
  const bytes = etcdBytesOf(new StoredObject(secret));
  expect([...bytes.subarray(0, 4)]).toEqual([0x6b, 0x38, 0x73, 0]);
  expect(decodeBytes(bytes)).toContain('hunter2');
  const read = storedObjectOf(bytes, 12).object;
  expect(read).toMatchObject({
    kind: 'Secret',
    metadata: { name: 's', namespace: 'default', resourceVersion: '12' },
    data: { password: 'aHVudGVyMg==' },
  });
});

test.each([
  ['apiextensions.k8s.io/v1', 'CustomResourceDefinition'],
  ['apiregistration.k8s.io/v1', 'APIService'],
  ['stable.example.com/v1', 'CronTab'],
])('%s %s is JSON', (apiVersion, kind) => {
  const object = { apiVersion, kind, metadata: { name: 'x', resourceVersion: '3' } };
  expect(fromUtf8(etcdBytesOf(new StoredObject(object)))).toBe(
    `{"apiVersion":"${apiVersion}","kind":"${kind}","metadata":{"name":"x"}}\n`,
  );
});

test('what is no object stays the bytes it was', () => {
  const bytes = Uint8Array.of(0x66, 0xff, 0x00, 0x6f);
  expect([...etcdBytesOf(storedObjectOf(bytes, 2))]).toEqual([...bytes]);
  for (const text of ['{"a":', '{"kind":1}', '[]', '', 'k8s\0broken'])
    expect(fromUtf8(etcdBytesOf(storedObjectOf(utf8(text), 2)))).toBe(text);
});
