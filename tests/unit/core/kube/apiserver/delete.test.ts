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
