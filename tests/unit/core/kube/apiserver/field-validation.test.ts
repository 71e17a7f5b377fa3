import { describe, expect, test } from 'vitest';
import { strategyFor } from '../../../../../src-main/core/kube/apis/index.ts';
import { testServer } from './server.ts';

const maps = '/api/v1/namespaces/default/configmaps';

/** A body with every kind of slip; keys below a field that nobody knows are not looked at. */
const slips = `{"apiVersion":"v1","kind":"ConfigMap","zz":1,"metadata":{"name":"m","name":"m","unk":{"a":1,"a":2},"labels":{"a":"b","a":"c"}},"data":{"a":"x","b":"q","a":"z"},"aa":3,"aa":4,"data":{}}`;
const found = [
  'unknown field "zz"',
  'duplicate field "metadata.name"',
  'unknown field "metadata.unk"',
  'duplicate field "metadata.labels.a"',
  'duplicate field "data.a"',
  'unknown field "aa"',
  'duplicate field "data"',
];

const yaml = `apiVersion: v1
kind: ConfigMap
metadata: {name: m, labels: {a: b, a: c}}
data:
  a: x
  a: z
  "q": 1x
  q: 2x
`;
const lines = [
  'line 3: key "a" already set in map',
  'line 6: key "a" already set in map',
  'line 8: key "q" already set in map',
];
const yamlText = `yaml: unmarshal errors:\n${lines.map((line) => `  ${line}`).join('\n')}`;

const post = (validation: string, body: string, type: string) => {
  const { send } = testServer([], { strategyFor });
  return send('POST', `${maps}?fieldValidation=${validation}`, body, {
    'content-type': `application/${type}`,
  });
};
const apply = (validation: string) => {
  const { send } = testServer([], { strategyFor });
  return send('PATCH', `${maps}/m?fieldManager=me&fieldValidation=${validation}`, yaml, {
    'content-type': 'application/apply-patch+yaml',
  });
};

describe('fields that are unknown or occur twice', () => {
  test('are told in the order of the body', async () => {
    const { status, json } = await post('Strict', slips, 'json');
    expect([status, json.message]).toEqual([
      400,
      `ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: ${found.join(', ')}`,
    ]);
  });

  test('of YAML are told by their lines, and the last counts', async () => {
    const strict = await post('Strict', yaml, 'yaml');
    expect([strict.status, strict.json.message]).toEqual([
      400,
      `ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: ${yamlText}`,
    ]);
    const warned = await post('Warn', yaml, 'yaml');
    expect([warned.status, warned.json.data, warned.json.metadata.labels]).toEqual([
      201,
      { a: 'z', q: '2x' },
      { a: 'c' },
    ]);
    for (const line of lines)
      expect(warned.headers['warning']).toContain(`299 - ${JSON.stringify(line)}`);
  });

  test('of an applied configuration are told after it was applied', async () => {
    const strict = await apply('Strict');
    expect([strict.status, strict.json.message]).toEqual([
      400,
      `error strict decoding YAML: error converting YAML to JSON: ${yamlText}`,
    ]);
    const ignored = await apply('Ignore');
    expect([ignored.status, ignored.json.data]).toEqual([201, { a: 'z', q: '2x' }]);
  });
});
