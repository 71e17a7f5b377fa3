import { fromUtf8, sleep } from '#core/base';
import { type ApiResponse, ConnectionError } from '#core/kube';
import { httpRequest, readBody } from '../../network/index.ts';
import type { ProgramContext } from '../../process/types.ts';
import { clockText, dateText, print, resolverOf } from '../program-io.ts';
import { flagValue, serveHttp, textAnswer } from './http-service.ts';

const registrationMs = 15_000;
const clientTimeoutMs = 5000;

/**
 * `agnhost guestbook`: a store with replicas, and a front end that asks them by the names of their Services.
 * @see test/images/agnhost/guestbook
 */
export async function guestbook(context: ProgramContext): Promise<number> {
  const { argv, stderr, clock } = context;
  const backendPort = flagValue(argv, '--backend-port') ?? '6379';
  const primary = flagValue(argv, '--replicaof') ?? '';
  const replicas: string[] = [];
  let store: Record<string, string> = {};
  const log = (text: string): Promise<void> => {
    const now = clock.now();
    return print(stderr, `${dateText(now).replaceAll('-', '/')} ${clockText(now)} ${text}\n`);
  };
  const data = (value: unknown): ApiResponse => textAnswer(200, JSON.stringify({ data: value }));

  const set = async (key: string, value: string): Promise<ApiResponse> => {
    store[key] = value;
    for (const replica of replicas)
      try {
        await ask(context, `${replica}:${backendPort}`, `set?key=${key}&value=${value}`);
      } catch (error) {
        if (!(error instanceof ConnectionError)) throw error;
        return failed(
          `encountered error while propagating to replica '${replica}': ${error.message}`,
        );
      }
    return textAnswer(200, JSON.stringify({ message: 'Updated' }));
  };
  const forward = async (command: string, key: string, value: string): Promise<ApiResponse> => {
    if (command !== 'get' && command !== 'set') return refused(`unsupported cmd: '${command}'`);
    if (command === 'set' && key === '') return refused('cannot set with empty key.');
    const host = command === 'get' ? 'agnhost-replica' : 'agnhost-primary';
    try {
      const path = `${command}?key=${key}&value=${value}`;
      return textAnswer(200, await ask(context, `${host}:${backendPort}`, path));
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      return error instanceof ConnectionError
        ? failed(`encountered error: ${error.message}`)
        : refused(`host and/or port param are invalid. ${error.message}`);
    }
  };
  const answer = async (url: string): Promise<ApiResponse> => {
    const [path = '', query = ''] = url.split('?');
    const asked = new URLSearchParams(query);
    const given = (name: string): string => asked.get(name) ?? '';
    await log(`GET ${path}?${query}`);
    switch (path) {
      case '/register':
        replicas.push(given('host'));
        await log(`Node '${given('host')}' registered.`);
        return data(store);
      case '/get':
        return data(given('key') === '' ? store : (store[given('key')] ?? ''));
      case '/set':
        return given('key') === ''
          ? refused('cannot set with empty key.')
          : set(given('key'), given('value'));
      case '/guestbook':
        return forward(given('cmd').toLowerCase(), given('key'), given('value'));
      default:
        return textAnswer(404, '404 page not found\n');
    }
  };

  const served = serveHttp(
    context,
    Number(flagValue(argv, '--http-port') ?? 80),
    ({ url }) => answer(url),
    { exitCode: 2 },
  );
  if (primary === '') return served;
  const registered = await register(context, `${primary}:${backendPort}`, log);
  if (!registered) {
    await log('Timed out while registering to primary.');
    return 1;
  }
  store = registered;
  await log(`Registered to node: ${primary}`);
  return served;
}

/** @returns what the primary holds; undefined when it did not answer in time. */
async function register(
  context: ProgramContext,
  primary: string,
  log: (text: string) => Promise<void>,
): Promise<Record<string, string> | undefined> {
  const { clock, net, signal } = context;
  const startedMs = clock.now();
  while (clock.now() - startedMs < registrationMs)
    try {
      const request = `register?host=${net.address}`;
      await log(`Registering to primary: ${primary}/${request}`);
      const said = JSON.parse(await ask(context, primary, request)) as {
        data: Record<string, string>;
      };
      return { ...said.data };
    } catch (error) {
      if (!(error instanceof Error) || signal.aborted) throw error;
      await log(
        `encountered error while registering to primary: ${error.message}. Retrying in 1s.`,
      );
      await sleep(clock, 1000, signal);
    }
  return undefined;
}

/** @throws ConnectionError; LookupError no such name. */
async function ask(context: ProgramContext, host: string, path: string): Promise<string> {
  const { net, clock, signal } = context;
  const resolver = resolverOf(context);
  const answer = await httpRequest({
    net,
    clock,
    signal,
    url: `http://${host}/${path}`,
    resolve: (name) => resolver.lookup(name),
    timeoutMs: clientTimeoutMs,
  });
  return fromUtf8(await readBody(answer));
}

const refused = (text: string): ApiResponse => textAnswer(400, `${text}\n`);
const failed = (text: string): ApiResponse => textAnswer(417, `${text}\n`);
