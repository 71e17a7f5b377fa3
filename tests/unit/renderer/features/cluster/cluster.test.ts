import { expect, test } from 'vitest';
import { ClusterDirectory } from '../../../../../src-renderer/features/cluster/cluster-list.svelte.ts';
import {
  ControlPlane,
  writesOf,
} from '../../../../../src-renderer/features/cluster/control-plane.svelte.ts';
import { groupKinds } from '../../../../../src-renderer/features/cluster/kind-list.ts';
import { ObjectBrowser } from '../../../../../src-renderer/features/cluster/object-browser.svelte.ts';
import { failure, fakeRpc } from '../../../../support/renderer/fake-rpc.ts';
import { labAnswers } from '../../../../support/renderer/lab-rpc.ts';
import { cluster, stations } from '../../../../support/renderer/lab-views.ts';

const kind = (group: string, resource: string, name: string, shortNames: string[] = []) => ({
  group,
  version: 'v1',
  resource,
  kind: name,
  namespaced: true,
  shortNames,
});

test('kinds stand under their groups, the common groups first, each once', () => {
  const kinds = [
    kind('policy', 'poddisruptionbudgets', 'PodDisruptionBudget', ['pdb']),
    kind('apps', 'deployments', 'Deployment', ['deploy']),
    kind('', 'services', 'Service', ['svc']),
    kind('', 'pods', 'Pod', ['po']),
    { ...kind('', 'pods', 'Pod'), version: 'v2' },
    kind('events.k8s.io', 'events', 'Event'),
  ];
  const names = (query: string) =>
    groupKinds(kinds, query).map(({ group, kinds: some }) => [group, some.map((one) => one.kind)]);
  expect(names('')).toEqual([
    ['', ['Pod', 'Service']],
    ['apps', ['Deployment']],
    ['policy', ['PodDisruptionBudget']],
  ]);
  expect(names('svc')).toEqual([['', ['Service']]]);
});

test('an object is read, edited, applied and read again', async () => {
  const rpc = fakeRpc(labAnswers());
  const browser = new ObjectBrowser(rpc, 'play');
  await browser.load();
  await browser.openObject({ namespace: 'shop', name: 'db-0' });
  expect(browser.isChanged).toBe(false);
  browser.edit(`${browser.draft}# more\n`);
  expect(browser.isChanged).toBe(true);
  expect(await browser.apply()).toEqual(['pod/db-0']);
  expect([browser.isChanged, browser.open?.object?.name]).toEqual([false, 'db-0']);
});

test('a refused manifest keeps the text and shows the word of the server', async () => {
  const rpc = fakeRpc(labAnswers());
  const browser = new ObjectBrowser(rpc, 'play');
  rpc.answer('clusters.apply', () => {
    throw failure('pods "web" is forbidden: exceeded quota', 'Forbidden', 403);
  });
  browser.openNew();
  browser.edit('kind: Pod\n');
  expect(await browser.apply()).toBeUndefined();
  expect([browser.error, browser.draft]).toEqual([
    'pods "web" is forbidden: exceeded quota',
    'kind: Pod\n',
  ]);
});

test('a change in the cluster renews an untouched text and only marks an edited one', async () => {
  const rpc = fakeRpc(labAnswers());
  const browser = new ObjectBrowser(rpc, 'play');
  await browser.openObject({ namespace: 'shop', name: 'db-0' });
  rpc.answer('clusters.object', () => ({ yaml: 'kind: Pod # 2\n' }));
  await browser.refresh();
  expect([browser.draft, browser.stale]).toEqual(['kind: Pod # 2\n', false]);
  browser.edit('kind: Pod # mine\n');
  rpc.answer('clusters.object', () => ({ yaml: 'kind: Pod # 3\n' }));
  await browser.refresh();
  expect([browser.draft, browser.stale]).toEqual(['kind: Pod # mine\n', true]);
});

test('stations of one revision are one write', () => {
  expect(
    writesOf(stations).map(({ revision, actor, stations: some }) => [revision, actor, some.length]),
  ).toEqual([
    [401, 'kubectl', 3],
    [402, 'kube-controller-manager', 3],
    [403, 'kube-controller-manager', 3],
    [404, 'kube-scheduler', 3],
    [405, 'kubelet', 3],
  ]);
});

test('the scrubber follows the latest write until it is moved', async () => {
  const rpc = fakeRpc(labAnswers());
  const plane = new ControlPlane(rpc, 'play');
  await plane.load();
  expect([plane.write?.revision, plane.following]).toEqual([405, true]);
  plane.step(-2);
  expect([plane.write?.revision, plane.following]).toEqual([403, false]);
  plane.goTo(99);
  expect(plane.write?.revision).toBe(405);
  plane.togglePlay();
  expect([plane.write?.revision, plane.playing]).toEqual([401, true]);
  plane.query = 'replicasets';
  expect([plane.shown.length, plane.write?.revision]).toEqual([1, 402]);
  plane.query = '';
  plane.follow();
  await plane.load();
  expect(plane.shown.length).toBe(5);
  expect(rpc.calls.at(-1)?.params).toEqual({ clusterId: 'play', revision: 405 });
});

test('the list follows the core, and tells why a cluster cannot be made', async () => {
  const rpc = fakeRpc(labAnswers());
  const directory = new ClusterDirectory(rpc);
  const stop = directory.follow();
  await directory.list.load();
  rpc.emit('cluster.changed', cluster({ state: 'api-down' }));
  rpc.emit('cluster.removed', { clusterId: 'practice-1' });
  expect(directory.list.value?.map(({ clusterId, state }) => [clusterId, state])).toEqual([
    ['play', 'api-down'],
  ]);
  rpc.answer('clusters.create', () => {
    throw failure('topology "9cp": 1 to 3 control planes are possible', 'BadRequest', 400);
  });
  expect(await directory.create('big', '9cp')).toBeUndefined();
  expect(directory.error).toBe('topology "9cp": 1 to 3 control planes are possible');
  stop();
});
