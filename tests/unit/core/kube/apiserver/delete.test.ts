import { describe, expect, test } from 'vitest';
import { strategyFor } from '../../../../../src-main/core/kube/apis/index.ts';
import { testServer } from './server.ts';

const maps = '/api/v1/namespaces/default/configmaps';

describe('the options in the body of a DELETE', () => {
  test.each(['v1', 'apps/v1', 'meta.k8s.io/v1', 'apps/v9', 'none.example.com/v1'])(
    'may say that they are of %s',
    async (apiVersion) => {
      const { send } = testServer([], { strategyFor });
      await send('POST', maps, { metadata: { name: 'm' } });
      const options = { apiVersion, kind: 'DeleteOptions', gracePeriodSeconds: 0 };
      expect((await send('DELETE', `${maps}/m`, options)).status).toBe(200);
      expect((await send('GET', `${maps}/m`)).status).toBe(404);
    },
  );

  test('are of no other kind', async () => {
    const { send } = testServer([], { strategyFor });
    const { status, json } = await send('DELETE', `${maps}/m`, { apiVersion: 'v1', kind: 'Pod' });
    expect([status, json.message]).toEqual([
      400,
      'no kind "Pod" is registered for version "v1" in scheme "pkg/runtime/scheme.go:111"',
    ]);
  });
});

describe('a pod', () => {
  const pods = '/api/v1/namespaces/default/pods';
  const pod = (name: string, nodeName?: string): object => ({
    metadata: { name },
    spec: { ...(nodeName ? { nodeName } : {}), containers: [{ name: 'a', image: 'x' }] },
  });
  const marks = ({ json }: { json: { metadata: Record<string, unknown> } }): unknown[] => [
    json.metadata['generation'],
    json.metadata['deletionGracePeriodSeconds'],
    typeof json.metadata['deletionTimestamp'],
  ];

  test('that no node has goes at once, in two steps', async () => {
    const { send, store } = testServer([], { strategyFor });
    await send('POST', pods, pod('p'));
    const tried = await send('DELETE', `${pods}/p?dryRun=All`);
    const before = store.revision;
    const gone = await send('DELETE', `${pods}/p`);
    expect([tried, gone].map(marks)).toEqual([
      [2, 0, 'string'],
      [2, 0, 'string'],
    ]);
    expect(store.revision - before).toBe(2);
    expect((await send('GET', `${pods}/p`)).status).toBe(404);
  });

  test('has its grace shortened and never lengthened, the last one is none', async () => {
    const { send } = testServer([], { strategyFor });
    await send('POST', pods, pod('p', 'n'));
    const answers = [];
    for (const grace of ['', '60', '10', '-1', '0'])
      answers.push(
        await send('DELETE', `${pods}/p?gracePeriodSeconds=${grace}`.replace(/\?.*=$/, '')),
      );
    expect(answers.map(marks)).toEqual([
      [2, 30, 'string'],
      [2, 30, 'string'],
      [2, 10, 'string'],
      [2, 1, 'string'],
      [2, 0, 'string'],
    ]);
    expect((await send('GET', `${pods}/p`)).status).toBe(404);
  });
});
