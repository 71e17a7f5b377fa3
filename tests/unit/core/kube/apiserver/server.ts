import { seededRandom, silentLogger } from '#core/base';
import {
  builtinResources,
  builtinSchemas,
  type KindStrategy,
} from '../../../../../src-main/core/kube/apis/index.ts';
import {
  type AdmissionPlugin,
  type ApiServer,
  type ApiServerOptions,
  createApiServer,
  createServerState,
  type ServerState,
  type StoredObject,
  storedObjectCodec,
} from '../../../../../src-main/core/kube/apiserver/index.ts';
import type { ApiRequest, ApiResponse } from '../../../../../src-main/core/kube/machinery/index.ts';
import { createStore, type Store } from '../../../../../src-main/core/kube/storage/index.ts';
import { fromUtf8, utf8 } from '#core/base';
import { buildInfo } from '#tests/build-info';
import { TestTime } from '#tests/sim';

export interface TestServer {
  readonly time: TestTime;
  readonly server: ApiServer;
  readonly store: Store<StoredObject>;
  /** Sends a request; an object is sent as JSON, a string as it is. */
  readonly send: (
    method: ApiRequest['method'],
    url: string,
    body?: object | string,
    headers?: Record<string, string>,
  ) => Promise<Answer>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- answers are read as they come
  readonly json: any;
  readonly response: ApiResponse;
}

function deepFreeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  Object.values(value).forEach(deepFreeze);
}

/** A server that lets everybody in as `tester`. */
export function testServer(
  strategies: readonly KindStrategy[] = [],
  more: Partial<ApiServerOptions> = {},
  admission: (state: ServerState) => readonly AdmissionPlugin[] = () => [],
): TestServer {
  const time = new TestTime();
  const store = createStore({ clock: time.clock, codec: storedObjectCodec });
  // Versions of an object share their parts: who changes one in place is found out.
  store.watch('/registry/', '/registry0', {
    onEvents: (events) => {
      for (const { kv } of events) deepFreeze(kv?.value.object);
    },
  });
  const state = createServerState(store, builtinResources);
  const server = createApiServer({
    store,
    state,
    clock: time.clock,
    random: seededRandom('apiserver'),
    logger: silentLogger,
    version: { major: '1', minor: '36', ...buildInfo },
    resources: builtinResources,
    schemas: builtinSchemas,
    strategyFor: (group, kind) =>
      strategies.find((each) => each.group === group && each.kind === kind),
    authenticator: {
      authenticate: () => Promise.resolve({ username: 'tester', groups: ['system:authenticated'] }),
    },
    authorizer: { authorize: () => ({ decision: 'allow', reason: '' }) },
    admission: admission(state),
    anonymous: false,
    serviceClusterIpRange: '10.96.0.0/12',
    nodePortRange: { from: 30_000, to: 32_767 },
    advertiseAddress: '172.30.1.2',
    port: 6443,
    ...more,
  });
  return {
    time,
    server,
    store,
    async send(method, url, body, headers = {}) {
      const response = await server.handle({
        method,
        url,
        headers: { 'user-agent': 'test/1', ...headers },
        ...(body === undefined
          ? {}
          : { body: utf8(typeof body === 'string' ? body : JSON.stringify(body)) }),
      });
      const text =
        response.body.kind === 'object'
          ? [...response.body.encode()].join('')
          : response.body.kind === 'bytes'
            ? fromUtf8(response.body.bytes)
            : '';
      const json: unknown = /^\s*(\{|\[\{|\[\])/.test(text) ? JSON.parse(text) : undefined;
      return { status: response.status, headers: response.headers, text, json, response };
    },
  };
}
