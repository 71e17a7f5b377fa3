import { expect, test } from 'vitest';
import { strategyFor } from '../../../../../src-main/core/kube/apis/index.ts';
import { testServer } from './server.ts';

// Go writes the fields of a struct as its type declares them, and maps by key.

const services = '/api/v1/namespaces/default/services';
const maps = '/api/v1/namespaces/default/configmaps';

test('an object is written as Go writes it, however it was sent', async () => {
  const { send } = testServer([], { strategyFor });
  const { text } = await send('POST', '/api/v1/namespaces/default/pods', {
    spec: {
      tolerations: [{ operator: 'Exists', key: 'a' }],
      containers: [
        { resources: { requests: { memory: '1Gi', cpu: '1' } }, image: 'x', name: 'a' },
        { env: [{ value: '1', name: 'A' }], name: 'b', image: 'x' },
      ],
      nodeSelector: { b: '1', a: '2' },
    },
    metadata: { labels: { b: '1', a: '2' }, name: 'p' },
  });
  const pod = text.trim().replace(/"managedFields":\[.*?\]\},/, '"managedFields":[]},');
  expect(pod.slice(pod.indexOf('"spec"'))).toBe(
    '"spec":{"containers":[{"name":"a","image":"x","resources":{"requests":{"cpu":"1","memory":"1Gi"}},' +
      '"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File","imagePullPolicy":"Always"},' +
      '{"name":"b","image":"x","env":[{"name":"A","value":"1"}],"resources":{},' +
      '"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File","imagePullPolicy":"Always"}],' +
      '"restartPolicy":"Always","terminationGracePeriodSeconds":30,"dnsPolicy":"ClusterFirst","nodeSelector":{"a":"2","b":"1"},' +
      '"securityContext":{},"schedulerName":"default-scheduler","tolerations":[{"key":"a","operator":"Exists"}],' +
      '"enableServiceLinks":true},"status":{"phase":"Pending","qosClass":"Burstable"}}',
  );
});

test('of several fields that do not fit the first in the patched text is told, and the text shows what was entered by key', async () => {
  const { send } = testServer([], { strategyFor });
  await send('POST', services, {
    metadata: { name: 's' },
    spec: { ports: [{ targetPort: 81, port: 80 }], selector: { b: '1', a: '2' } },
  });
  const { json } = await send(
    'PATCH',
    `${services}/s`,
    JSON.stringify([
      { op: 'add', path: '/spec/type', value: {} },
      { op: 'add', path: '/spec/clusterIPs', value: 'text' },
    ]),
    { 'content-type': 'application/json-patch+json' },
  );
  expect(json.message).toMatch(
    /json: cannot unmarshal string into Go struct field ServiceSpec\.spec\.clusterIPs of type \[\]string$/,
  );
  expect(json.message).toContain(
    String.raw`\"ports\":[{\"protocol\":\"TCP\",\"port\":80,\"targetPort\":81}],\"selector\":{\"a\":\"2\",\"b\":\"1\"}`,
  );
});

test('unknown fields of a patched object are told as they stand in it', async () => {
  const { send } = testServer([], { strategyFor });
  await send('POST', maps, { metadata: { name: 'm' }, data: { a: '1' } });
  const { json } = await send(
    'PATCH',
    `${maps}/m?fieldValidation=Strict`,
    JSON.stringify({ zz: 1, metadata: { y: { b: 1, a: 2 }, x: 1 }, aa: 1 }),
    { 'content-type': 'application/merge-patch+json' },
  );
  expect(json.message).toMatch(
    /strict decoding error: unknown field "aa", unknown field "metadata\.x", unknown field "metadata\.y", unknown field "zz"$/,
  );
});

test('bytes may be sent as a list of numbers', async () => {
  const { send } = testServer([], { strategyFor });
  const made = await send('POST', maps, {
    metadata: { name: 'm' },
    binaryData: { a: [1, null, 255], b: [] },
  });
  expect(made.json.binaryData).toEqual({ a: 'AQD/', b: '' });
  const refused = await send('POST', maps, { metadata: { name: 'n' }, binaryData: { a: [256] } });
  expect(refused.json.message).toBe(
    'ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal number 256 into Go struct field ConfigMap.binaryData of type uint8',
  );
});
