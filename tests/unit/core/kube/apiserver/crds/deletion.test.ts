import { afterEach, expect, test } from 'vitest';
import { type ControlPlane, startControlPlane } from '#tests/control-plane';

const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const path = `${definitions}/backups.example.com`;
const backups = '/apis/example.com/v1/namespaces/default/backups';
const definition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'backups.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural: 'backups', kind: 'Backup' },
    versions: [
      { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } },
    ],
  },
};
const backup = (name: string, more: object = {}): object => ({
  apiVersion: 'example.com/v1',
  kind: 'Backup',
  metadata: { name, ...more },
});

let plane: ControlPlane | undefined;
afterEach(() => plane?.stop());

interface Answer {
  readonly status: number;
  readonly json: Read;
}

/** What the tests read of answers. */
interface Read {
  readonly metadata: { finalizers?: string[]; readonly deletionTimestamp?: string };
  readonly status: { readonly conditions: readonly object[] };
  readonly resources: readonly [{ readonly verbs: readonly string[] }];
  readonly items: readonly object[];
}

async function start(): Promise<(method: string, url: string, body?: object) => Promise<Answer>> {
  const { admin, driver } = (plane = await startControlPlane({ controllers: false }));
  driver.setSpeed(0);
  return async (method, url, body) => {
    const { status, body: answer } = await admin.send({
      method: method as 'GET',
      url,
      headers: { accept: 'application/json', 'content-type': 'application/json' },
      ...(body ? { object: body } : {}),
    });
    await driver.advance(1);
    return { status, json: (answer.kind === 'object' ? answer.object : {}) as unknown as Read };
  };
}

test('the objects of a deleted definition go before it does', async () => {
  const send = await start();
  await send('POST', definitions, definition);
  await plane?.driver.advance(10);
  expect(await send('POST', backups, backup('one'))).toMatchObject({ status: 201 });
  const held = backup('held', { finalizers: ['example.com/hold'] });
  expect(await send('POST', backups, held)).toMatchObject({ status: 201 });

  expect((await send('DELETE', path)).json).toMatchObject({
    metadata: { finalizers: ['customresourcecleanup.apiextensions.k8s.io'] },
  });
  await plane?.driver.advance(10);
  const terminating = (await send('GET', path)).json;
  expect(terminating.status.conditions.at(-1)).toMatchObject({
    type: 'Terminating',
    status: 'True',
    reason: 'InstanceDeletionInProgress',
    message: 'CustomResource deletion is in progress',
  });
  expect((await send('GET', `${backups}/one`)).status).toBe(404);
  expect((await send('GET', '/apis/example.com/v1')).json.resources[0].verbs).toEqual([
    'delete',
    'deletecollection',
    'get',
    'list',
    'watch',
  ]);
  expect(await send('POST', backups, backup('late'))).toMatchObject({
    status: 403,
    json: {
      message:
        'backups.example.com "late" is forbidden: create not allowed while custom resource definition is terminating',
    },
  });

  const { json: last } = await send('GET', `${backups}/held`);
  expect(last.metadata.deletionTimestamp).toBeDefined();
  delete last.metadata.finalizers;
  expect((await send('PUT', `${backups}/held`, last)).status).toBe(200);
  await plane?.driver.advance(5000);
  await plane?.driver.advance(10);
  expect((await send('GET', path)).status).toBe(404);
  expect((await send('GET', backups)).status).toBe(404);
});

test('a definition made anew has none of the old objects', async () => {
  const send = await start();
  await send('POST', definitions, definition);
  await plane?.driver.advance(10);
  await send('POST', backups, backup('one'));
  await send('DELETE', path);
  await plane?.driver.advance(10);
  expect((await send('GET', path)).status).toBe(404);
  await send('POST', definitions, definition);
  await plane?.driver.advance(10);
  expect((await send('GET', backups)).json.items).toEqual([]);
});
