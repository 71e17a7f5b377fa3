import { afterEach, expect, test } from 'vitest';
import { seededRandom, silentLogger, utf8 } from '#core/base';
import type { ApiRequest } from '../../../../../src-main/core/kube/machinery/index.ts';
import { startApiServer, type TestApiServer } from '#tests/api-server';
import { TestTime } from '#tests/sim';

interface Answered {
  readonly metadata: { readonly uid: string; readonly annotations: Record<string, string> };
  readonly spec: {
    matchingPrecedence: number;
    readonly limited: { nominalConcurrencyShares: number };
  };
  readonly status: {
    readonly conditions: readonly {
      readonly status: string;
      readonly reason: string;
      readonly message: string;
    }[];
  };
  readonly items: readonly (Answered & {
    readonly metadata: { readonly name: string };
    readonly spec: { readonly priorityLevelConfiguration: { readonly name: string } };
  })[];
}

const root = '/apis/flowcontrol.apiserver.k8s.io/v1';
let running: TestApiServer | undefined;
afterEach(() => running?.server.dispose());

async function open() {
  const time = new TestTime();
  running = await startApiServer({
    clock: time.clock,
    random: seededRandom('flow-control'),
    logger: silentLogger,
  });
  const { admin } = running;
  const send = async (
    method: ApiRequest['method'],
    url: string,
    object?: object,
    headers: Record<string, string> = {},
  ) => {
    const {
      status,
      headers: answered,
      body,
    } = await admin.send({
      method,
      url,
      headers: { ...headers, ...(object && { 'content-type': 'application/json' }) },
      ...(object && { body: utf8(JSON.stringify(object)) }),
    });
    const json = (body.kind === 'object' ? body.object : {}) as Answered;
    return { status, headers: answered, json };
  };
  await time.settle();
  return { time, send };
}

test('a cluster has the standard flow schemas, none of which dangles', async () => {
  const { send } = await open();
  const { json } = await send('GET', `${root}/flowschemas`);
  const rows = json.items.map(({ metadata, spec, status }) => [
    metadata.name,
    spec.priorityLevelConfiguration.name,
    spec.matchingPrecedence,
    status.conditions[0]?.status,
  ]);
  expect(rows).toEqual([
    ['catch-all', 'catch-all', 10_000, 'False'],
    ['exempt', 'exempt', 1, 'False'],
    ['global-default', 'global-default', 9900, 'False'],
    ['kube-controller-manager', 'workload-high', 800, 'False'],
    ['kube-scheduler', 'workload-high', 800, 'False'],
    ['kube-system-service-accounts', 'workload-high', 900, 'False'],
    ['probes', 'exempt', 2, 'False'],
    ['service-accounts', 'workload-low', 9000, 'False'],
    ['system-leader-election', 'leader-election', 100, 'False'],
    ['system-node-high', 'node-high', 400, 'False'],
    ['system-nodes', 'system', 500, 'False'],
  ]);
});

test('the metrics tell how many requests each level may have in hand', async () => {
  await open();
  const { body } = await (running as TestApiServer).admin.send({
    method: 'GET',
    url: '/metrics',
    headers: {},
  });
  const lines = body.kind === 'bytes' ? new TextDecoder().decode(body.bytes).split('\n') : [];
  const seats = lines.flatMap(
    (line) =>
      /^apiserver_flowcontrol_nominal_limit_seats\{priority_level="(.*)"\} (\d+)$/
        .exec(line)
        ?.slice(1)
        .join(' ') ?? [],
  );
  expect(seats).toEqual([
    'catch-all 13',
    'exempt 0',
    'global-default 49',
    'leader-election 25',
    'node-high 98',
    'system 74',
    'workload-high 98',
    'workload-low 245',
  ]);
});

test('what is deleted comes back within a minute, and what was changed by hand stays if its owner says so', async () => {
  const { time, send } = await open();
  await send('DELETE', `${root}/flowschemas/exempt`);
  const level = await send('GET', `${root}/prioritylevelconfigurations/workload-low`);
  level.json.metadata.annotations['apf.kubernetes.io/autoupdate-spec'] = 'false';
  level.json.spec.limited.nominalConcurrencyShares = 7;
  await send('PUT', `${root}/prioritylevelconfigurations/workload-low`, level.json);
  const schema = await send('GET', `${root}/flowschemas/probes`);
  schema.json.spec.matchingPrecedence = 55;
  await send('PUT', `${root}/flowschemas/probes`, schema.json);
  await time.advance(61_000);
  expect((await send('GET', `${root}/flowschemas/exempt`)).status).toBe(200);
  const kept = await send('GET', `${root}/prioritylevelconfigurations/workload-low`);
  expect(kept.json.spec.limited.nominalConcurrencyShares).toBe(7);
  const back = await send('GET', `${root}/flowschemas/probes`);
  expect(back.json.spec.matchingPrecedence).toBe(2);
});

test('a schema of a level that is not there says so until it is', async () => {
  const { time, send } = await open();
  const told = async () => {
    await time.settle();
    const { json } = await send('GET', `${root}/flowschemas/mine`);
    return json.status.conditions.map(({ status, reason, message }) => [status, reason, message]);
  };
  await send('POST', `${root}/flowschemas`, {
    metadata: { name: 'mine' },
    spec: { matchingPrecedence: 1000, priorityLevelConfiguration: { name: 'later' } },
  });
  const words =
    'This FlowSchema references the PriorityLevelConfiguration object named "later" and';
  expect(await told()).toEqual([['True', 'NotFound', `${words} there is no such object`]]);
  await send('POST', `${root}/prioritylevelconfigurations`, {
    metadata: { name: 'later' },
    spec: { type: 'Limited', limited: { limitResponse: { type: 'Reject' } } },
  });
  expect(await told()).toEqual([['False', 'Found', `${words} it exists`]]);
});

test.each([
  { who: 'system:kube-scheduler', url: '/api/v1/pods', schema: 'kube-scheduler' },
  { who: 'bob', url: '/healthz', schema: 'probes' },
  { who: 'bob', url: '/api/v1/pods', schema: 'global-default' },
  {
    who: 'system:serviceaccount:kube-system:x',
    url: '/apis/coordination.k8s.io/v1/namespaces/a/leases/b',
    schema: 'system-leader-election',
  },
  {
    who: 'system:serviceaccount:kube-system:x',
    url: '/api/v1/pods',
    schema: 'kube-system-service-accounts',
  },
  {
    who: 'system:node:n',
    group: 'system:nodes',
    url: '/api/v1/nodes/n',
    schema: 'system-node-high',
  },
  { who: 'system:node:n', group: 'system:nodes', url: '/api/v1/pods', schema: 'system-nodes' },
])(
  'a request of $who for $url is told to belong to $schema',
  async ({ who, group, url, schema }) => {
    const { send } = await open();
    const { headers } = await send('GET', url, undefined, {
      'impersonate-user': who,
      ...(group !== undefined && { 'impersonate-group': group }),
    });
    const { json } = await send('GET', `${root}/flowschemas/${schema}`);
    expect(headers['x-kubernetes-pf-flowschema-uid']).toBe(json.metadata.uid);
  },
);
