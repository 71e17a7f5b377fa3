import { describe, expect, test } from 'vitest';

import { decodeWatchFrame, FrameSplitter } from '../../../../../src-main/core/kube/apis/index.ts';
import type { WatchEvent } from '../../../../../src-main/core/kube/machinery/index.ts';
import { type TestServer, testServer } from './server.ts';

const maps = '/api/v1/namespaces/default/configmaps';

async function watch(
  { server }: TestServer,
  url: string,
  headers: Record<string, string> = {},
): Promise<{
  events: WatchEvent[];
  lines: string[];
  frames: Uint8Array[];
  ended: () => boolean;
  stop(): void;
}> {
  const response = await server.handle({ method: 'GET', url, headers });
  if (response.body.kind !== 'watch') throw new Error(`no watch: ${response.status}`);
  const stream = response.body.watch;
  const events: WatchEvent[] = [];
  const lines: string[] = [];
  const frames: Uint8Array[] = [];
  let ended = false;
  const held = stream.start(
    (event) => {
      events.push(event);
      const sent = stream.encode(event);
      if (typeof sent === 'string') lines.push(sent);
      else frames.push(sent);
    },
    () => {
      ended = true;
    },
  );
  return { events, lines, frames, ended: () => ended, stop: () => held.dispose() };
}

const names = (events: readonly WatchEvent[]): string[] =>
  events.map(
    ({ type, object }) =>
      `${type} ${(object as { metadata: { name?: string } }).metadata.name ?? ''}`,
  );

const namesIn = (list: unknown): string[] =>
  (list as { items: { metadata: { name: string } }[] }).items.map(({ metadata }) => metadata.name);

test('a thousand idle watches cost little, and each is told of what comes', async () => {
  const server = testServer();
  await server.send('POST', maps, { metadata: { name: 'a' } });
  const { json } = await server.send('GET', maps);
  const url = `${maps}?watch=true&resourceVersion=${json.metadata.resourceVersion}`;
  const before = process.memoryUsage().heapUsed;
  const watches = await Promise.all(Array.from({ length: 1000 }, () => watch(server, url)));
  const bytesEach = (process.memoryUsage().heapUsed - before) / watches.length;
  expect(bytesEach).toBeLessThan(64 * 1024);
  await server.send('POST', maps, { metadata: { name: 'b' } });
  await server.time.advance(0);
  const told = new Set(watches.map(({ events }) => names(events).join()));
  expect([...told]).toEqual(['ADDED b']);
  // One event is one text for all.
  expect(new Set(watches.map(({ lines }) => lines[0])).size).toBe(1);
  for (const each of watches) each.stop();
  await server.send('POST', maps, { metadata: { name: 'c' } });
  await server.time.advance(0);
  expect(watches.every(({ events }) => events.length === 1)).toBe(true);
});

describe('watch', () => {
  test('tells of creates, updates and deletes after a resource version', async () => {
    const server = testServer();
    await server.send('POST', maps, { metadata: { name: 'a' } });
    const { json } = await server.send('GET', maps);
    const seen = await watch(
      server,
      `${maps}?watch=true&resourceVersion=${json.metadata.resourceVersion}`,
    );
    await server.send('POST', maps, { metadata: { name: 'b' } });
    await server.send('PUT', `${maps}/b`, { metadata: { name: 'b' }, data: { x: 'y' } });
    await server.send('DELETE', `${maps}/b`);
    await server.time.advance(0);
    expect(names(seen.events)).toEqual(['ADDED b', 'MODIFIED b', 'DELETED b']);
    const last = JSON.parse(seen.lines[2] ?? '');
    expect(last.object.metadata.resourceVersion).toBe(String(server.store.revision));
  });

  test('speaks protobuf to who prefers it', async () => {
    const server = testServer();
    const accept = { accept: 'application/vnd.kubernetes.protobuf,application/json' };
    const url = `${maps}?watch=true&resourceVersion=${server.store.revision}`;
    const { response } = await server.send('GET', url, undefined, accept);
    expect(response.headers['content-type']).toBe(
      'application/vnd.kubernetes.protobuf;stream=watch',
    );
    const seen = await watch(server, url, accept);
    await server.send('POST', maps, { metadata: { name: 'a' }, data: { x: 'y' } });
    await server.send('DELETE', `${maps}/a`);
    await server.time.advance(0);
    const splitter = new FrameSplitter();
    const events = seen.frames
      .flatMap((frame) => splitter.push(frame))
      .map((body) => decodeWatchFrame(body));
    expect(seen.lines).toEqual([]);
    expect(events).toMatchObject([
      { type: 'ADDED', object: { kind: 'ConfigMap', metadata: { name: 'a' }, data: { x: 'y' } } },
      { type: 'DELETED', object: { apiVersion: 'v1', metadata: { name: 'a' } } },
    ]);
  });

  test('replays what happened since', async () => {
    const server = testServer();
    await server.send('POST', maps, { metadata: { name: 'a' } });
    await server.send('POST', maps, { metadata: { name: 'b' } });
    const seen = await watch(server, `${maps}?watch=1&resourceVersion=1`);
    expect(names(seen.events)).toEqual(['ADDED a', 'ADDED b']);
  });

  test('a selector turns changes into ADDED and DELETED', async () => {
    const server = testServer();
    await server.send('POST', maps, { metadata: { name: 'a' } });
    const seen = await watch(
      server,
      `${maps}?watch=1&labelSelector=on&resourceVersion=${server.store.revision}`,
    );
    const merge = { 'content-type': 'application/merge-patch+json' };
    await server.send('PATCH', `${maps}/a`, { metadata: { labels: { on: '1' } } }, merge);
    await server.send('PATCH', `${maps}/a`, { data: { k: 'v' } }, merge);
    await server.send('PATCH', `${maps}/a`, { metadata: { labels: null } }, merge);
    await server.time.advance(0);
    expect(names(seen.events)).toEqual(['ADDED a', 'MODIFIED a', 'DELETED a']);
  });

  test('a kubelet is told of the pods that come to its node, and one object is watched by its name', async () => {
    const server = testServer();
    const pods = '/api/v1/namespaces/default/pods';
    const from = 'watch=true&resourceVersion=1&fieldSelector=';
    const here = await watch(server, `${pods}?${from}spec.nodeName%3Dn1`);
    const there = await watch(
      server,
      `/api/v1/pods?${from}spec.nodeName%3Dn2,metadata.name%21%3Dc`,
    );
    const nowhere = await watch(server, `${pods}?${from}spec.nodeName%3D`);
    const named = await watch(server, `${pods}?${from}metadata.name%3Db,spec.nodeName%3Dn2`);
    const stopped = await watch(server, `${pods}?${from}spec.nodeName%3Dn1`);
    stopped.stop();
    for (const name of ['a', 'b', 'c'])
      await server.send('POST', pods, {
        metadata: { name },
        spec: { containers: [{ name: 'web', image: 'nginx' }] },
      });
    for (const [name, node] of [
      ['a', 'n1'],
      ['b', 'n2'],
      ['c', 'n2'],
    ] as const)
      await server.send('POST', `${pods}/${name}/binding`, {
        metadata: { name },
        target: { kind: 'Node', name: node },
      });
    for (const name of ['a', 'b', 'c'])
      await server.send('DELETE', `${pods}/${name}?gracePeriodSeconds=0`);
    await server.time.advance(0);
    expect(names(here.events)).toEqual(['ADDED a', 'DELETED a']);
    expect(names(there.events)).toEqual(['ADDED b', 'DELETED b']);
    expect(names(named.events)).toEqual(['ADDED b', 'DELETED b']);
    expect(names(nowhere.events)).toEqual([
      'ADDED a',
      'ADDED b',
      'ADDED c',
      'DELETED a',
      'DELETED b',
      'DELETED c',
    ]);
    expect(stopped.events).toEqual([]);
  });

  test('initial events end with an annotated bookmark', async () => {
    const server = testServer();
    await server.send('POST', maps, { metadata: { name: 'a' } });
    const seen = await watch(
      server,
      `${maps}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`,
    );
    expect(names(seen.events)).toEqual(['ADDED a', 'BOOKMARK ']);
    expect(seen.lines[1]).toBe(
      `{"type":"BOOKMARK","object":{"kind":"ConfigMap","apiVersion":"v1","metadata":{"resourceVersion":"${server.store.revision}","annotations":{"k8s.io/initial-events-end":"true"}}}}\n`,
    );
  });

  test('a forgotten resource version is an ERROR event with 410', async () => {
    const server = testServer();
    for (const name of ['a', 'b', 'c']) await server.send('POST', maps, { metadata: { name } });
    server.store.compact(server.store.revision);
    const seen = await watch(server, `${maps}?watch=1&resourceVersion=1`);
    expect(seen.events).toMatchObject([
      { type: 'ERROR', object: { kind: 'Status', reason: 'Expired', code: 410 } },
    ]);
    expect(seen.ended()).toBe(true);
  });

  test('ends after timeoutSeconds and sends bookmarks before', async () => {
    const server = testServer();
    const seen = await watch(
      server,
      `${maps}?watch=1&allowWatchBookmarks=1&timeoutSeconds=90&resourceVersion=1`,
    );
    await server.time.advance(87_000);
    expect(names(seen.events)).toEqual(['BOOKMARK ']);
    // Two seconds before its end, so that a client resumes where it was.
    await server.time.advance(2_000);
    expect(names(seen.events)).toEqual(['BOOKMARK ', 'BOOKMARK ']);
    expect(seen.ended()).toBe(false);
    await server.time.advance(2_000);
    expect(seen.ended()).toBe(true);
  });

  test('a Table watch names its columns once', async () => {
    const server = testServer();
    const seen = await watch(server, `${maps}?watch=1&resourceVersion=1`, {
      accept: 'application/json;as=Table;v=v1;g=meta.k8s.io',
    });
    await server.send('POST', maps, { metadata: { name: 'a' } });
    await server.send('POST', maps, { metadata: { name: 'b' } });
    await server.time.advance(0);
    const tables = seen.lines.map(
      (line) =>
        (
          JSON.parse(line) as {
            object: { kind: string; columnDefinitions?: []; rows: [{ cells: unknown[] }] };
          }
        ).object,
    );
    expect(
      tables.map(({ kind, columnDefinitions, rows }): unknown[] => [
        kind,
        columnDefinitions?.length,
        rows[0].cells[0],
      ]),
    ).toEqual([
      ['Table', 2, 'a'],
      ['Table', undefined, 'b'],
    ]);
  });

  test('a thousand watchers see every event once', async () => {
    const server = testServer();
    const all = [];
    for (let index = 0; index < 1000; index++)
      all.push(await watch(server, `${maps}?watch=1&resourceVersion=1`));
    for (let index = 0; index < 10; index++)
      await server.send('POST', maps, { metadata: { name: `m${index}` } });
    await server.time.advance(0);
    expect(new Set(all.map(({ events }) => names(events).join()))).toEqual(
      new Set([Array.from({ length: 10 }, (_, index) => `ADDED m${index}`).join()]),
    );
    for (const each of all) each.stop();
  });
});

describe('list', () => {
  test('pages show one state', async () => {
    const server = testServer();
    for (const name of ['a', 'b', 'c', 'd', 'e'])
      await server.send('POST', maps, { metadata: { name } });
    const first = (await server.send('GET', `${maps}?limit=2`)).json;
    expect(first.metadata.remainingItemCount).toBe(3);
    await server.send('DELETE', `${maps}/c`);
    const second = (await server.send('GET', `${maps}?limit=2&continue=${first.metadata.continue}`))
      .json;
    expect(namesIn(second)).toEqual(['c', 'd']);
    expect(second.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
    expect(Object.keys(second.items[0] as object)).not.toContain('kind');
  });

  test('an old token answers 410 with a way on', async () => {
    const server = testServer();
    for (const name of ['a', 'b', 'c']) await server.send('POST', maps, { metadata: { name } });
    const first = (await server.send('GET', `${maps}?limit=1`)).json;
    await server.send('POST', maps, { metadata: { name: 'd' } });
    server.store.compact(server.store.revision);
    const { status, json } = await server.send(
      'GET',
      `${maps}?limit=1&continue=${first.metadata.continue}`,
    );
    expect([status, json.reason]).toEqual([410, 'Expired']);
    const rest = (await server.send('GET', `${maps}?continue=${json.metadata.continue}`)).json;
    expect(namesIn(rest)).toEqual(['b', 'c', 'd']);
  });
});
