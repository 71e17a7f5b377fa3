import { utf8 } from '#core/base';
import type { ApiRequest, ApiResponse } from '#core/kube';
import { httpRequest, joinHostPort, type Peer, readBody } from '../../network/index.ts';
import { type ProgramContext, SpawnError } from '../../process/types.ts';
import { print, resolverOf } from '../program-io.ts';
import { flagValue, serveHttp, textAnswer } from './http-service.ts';

/** What agnhost takes for its host's name. */
export const hostnameOf = (context: ProgramContext): string =>
  context.env['HOSTNAME'] ?? 'localhost';

const dialTimeoutMs = 5000;

/**
 * `agnhost netexec`: an HTTP and a UDP server that tell who they are and who asks, and that ask others when told to.
 *
 * @see kubernetes test/images/agnhost/netexec
 */
export async function netexec(context: ProgramContext): Promise<number> {
  const { argv } = context;
  const port = Number(flagValue(argv, '--http-port') ?? 8080);
  const udpPort = Number(flagValue(argv, '--udp-port') ?? 8081);
  const delaySeconds = Number(flagValue(argv, '--delay-shutdown') ?? 0);
  const override = flagValue(argv, '--http-override');
  const log = (text: string): Promise<void> => print(context.stderr, `${stamp(context)} ${text}\n`);

  let ready = false;
  let ending = false;
  let end: (code: number) => void = () => undefined;
  const ended = new Promise<number>((resolve) => {
    end = resolve;
  });
  context.process.onSignal('SIGTERM', () => {
    ending = true;
    if (delaySeconds === 0) return end(0);
    void log(`Sleeping ${delaySeconds} seconds before terminating...`);
    context.clock.setTimer(delaySeconds * 1000, () => end(0));
  });
  if (udpPort !== -1) {
    context.net.listen(udpPort, { kind: 'udp', handle: (text, peer) => answerUdp(text, peer) });
    ready = true;
    await log(`Started UDP server on port  ${udpPort}`);
  }

  const answerUdp = (datagram: Uint8Array, peer: Peer): Promise<Uint8Array | undefined> => {
    const text = new TextDecoder().decode(datagram).trim().toLowerCase();
    if (text === 'hostname') return Promise.resolve(utf8(hostnameOf(context)));
    if (text.startsWith('echo ')) return Promise.resolve(utf8(text.slice(5)));
    if (text === 'clientip') return Promise.resolve(utf8(`${peer.address}:${peer.port}`));
    return Promise.resolve(text === 'serverport' ? utf8(String(udpPort)) : undefined);
  };

  const answer = async (request: ApiRequest, peer: Peer, url: string): Promise<ApiResponse> => {
    const [path = '/', query = ''] = url.split('?');
    const given = new URLSearchParams(query);
    const value = (name: string): string => given.get(name) ?? '';
    switch (path) {
      case '/':
        await log('GET /');
        return textAnswer(200, `NOW: ${goTime(context.clock.now())}`);
      case '/hostname':
      case '/hostName':
        await log(`GET ${path}`);
        return textAnswer(200, hostnameOf(context));
      case '/clientip':
        await log('GET /clientip');
        return textAnswer(200, `${peer.address}:${peer.port}`);
      case '/serverport':
        await log('GET /serverport');
        return textAnswer(200, String(port));
      case '/echo':
        await log(`GET /echo?msg=${value('msg')}&code=${value('code')}`);
        if (value('code') !== '' && !/^\d+$/.test(value('code')))
          return textAnswer(
            200,
            `argument 'code' must be an integer or empty, got "${value('code')}"\n`,
          );
        return textAnswer(Number(value('code') || 200), value('msg'));
      case '/header': {
        const key = value('key');
        await log(key === '' ? 'GET /header' : `GET /header?key=${key}`);
        if (key !== '') return textAnswer(200, request.headers[key.toLowerCase()] ?? '');
        const all = Object.entries(request.headers)
          .filter(([name]) => name !== 'host')
          .map(([name, text]) => [canonicalHeader(name), [text]] as const)
          .sort(([a], [b]) => (a < b ? -1 : 1));
        return textAnswer(200, JSON.stringify(Object.fromEntries(all)));
      }
      case '/healthz':
        await log('GET /healthz');
        return textAnswer(ready ? 200 : 412, '');
      case '/readyz':
        await log('GET /readyz');
        if (ending) return textAnswer(503, 'shutting down');
        return ready ? textAnswer(200, 'ok') : textAnswer(412, '');
      case '/redirect':
        await log(`${request.method} /redirect?msg=${value('location')}&code=${value('code')}`);
        return textAnswer(Number(value('code') || 302), '', { location: value('location') });
      case '/shutdown':
        await log('GET /shutdown');
        end(0);
        return textAnswer(200, '');
      case '/exit':
        await log(
          `GET /exit?code=${value('code')}&timeout=${value('timeout')}&wait=${value('wait')}`,
        );
        context.clock.setTimer(milliseconds(value('wait')), () => end(Number(value('code') || 0)));
        return textAnswer(200, '');
      case '/shell': {
        const command = value('shellCommand') || value('cmd');
        await log(`GET /shell?cmd=${command}`);
        return textAnswer(200, JSON.stringify(await runShell(context, command)));
      }
      case '/dial':
        await log(
          `GET /dial?host=${value('host')}&protocol=${value('protocol')}&port=${value('port')}&request=${value('request')}&tries=${value('tries')}`,
        );
        return dial(context, given);
      default:
        await log('GET /');
        return textAnswer(200, `NOW: ${goTime(context.clock.now())}`);
    }
  };

  await log(`Started HTTP server on port ${port}`);
  const served = serveHttp(context, port, (request, peer) =>
    answer(request, peer, override ?? request.url),
  );
  // The server's own wait ends with the first SIGTERM; a taken port is the one other way it ends.
  return Promise.race([ended, served.then((code) => (ending ? ended : code))]);
}

/** `/dial`: asks another as often as told, and says what came of it. */
async function dial(context: ProgramContext, given: URLSearchParams): Promise<ApiResponse> {
  const host = given.get('host') ?? '';
  const port = Number(given.get('port') ?? '');
  const request = given.get('request') ?? '';
  const protocol = (given.get('protocol') ?? '').toLowerCase();
  const tries = given.get('tries') ?? '';
  if (tries !== '' && !/^\d+$/.test(tries))
    return textAnswer(
      400,
      `tries parameter is invalid. strconv.Atoi: parsing "${tries}": invalid syntax\n`,
    );
  if (request === '') return textAnswer(400, 'request parameter not specified. <nil>\n');
  if (!['', 'http', 'udp'].includes(protocol))
    return textAnswer(400, `unsupported protocol. ${protocol}\n`);
  const responses: string[] = [];
  const errors: string[] = [];
  let last = '';
  for (let turn = 0; turn < Number(tries || 1); turn++) {
    try {
      last = await (protocol === 'udp' ? askUdp : askHttp)(context, host, port, request);
      responses.push(last);
    } catch (error) {
      last = '';
      errors.push(error instanceof Error ? error.message : String(error));
    }
  }
  return textAnswer(
    200,
    JSON.stringify({
      ...(errors.length > 0 ? { errors } : {}),
      ...(last === '' ? {} : { responses }),
    }),
  );
}

type Ask = (
  context: ProgramContext,
  host: string,
  port: number,
  request: string,
) => Promise<string>;

const askHttp: Ask = async (context, host, port, request) => {
  const url = `http://${joinHostPort(host, port)}/${request}`;
  try {
    const answer = await httpRequest({
      net: context.net,
      clock: context.clock,
      url,
      timeoutMs: dialTimeoutMs,
      connectTimeoutMs: dialTimeoutMs,
      resolve: (name) => resolverOf(context).lookup(name),
      signal: context.signal,
    });
    return new TextDecoder().decode(await readBody(answer));
  } catch (error) {
    throw new Error(`Get "${url}": ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
};

const askUdp: Ask = async (context, host, port, request) => {
  const address = (await resolverOf(context).lookup(host))[0] ?? host;
  const dialed = await context.net.dial(address, port, 'udp', { timeoutMs: dialTimeoutMs });
  const answer =
    dialed.listener.kind === 'udp'
      ? await dialed.listener.handle(utf8(request), dialed.peer)
      : undefined;
  if (answer === undefined)
    throw new Error("reading from udp connection failed. err:'i/o timeout'");
  return new TextDecoder().decode(answer);
};

async function runShell(
  context: ProgramContext,
  command: string,
): Promise<{ output?: string; error?: string }> {
  const parts: string[] = [];
  const sink = {
    write: (bytes: Uint8Array) => {
      parts.push(new TextDecoder().decode(bytes));
      return Promise.resolve();
    },
    end: () => undefined,
  };
  let code: number;
  try {
    const child = context.process.spawn(['/bin/sh', '-c', command], { stdout: sink, stderr: sink });
    code = await child.exit;
  } catch (error) {
    if (!(error instanceof SpawnError)) throw error;
    // Go writes errno's texts in lower case.
    return {
      error: `fork/exec /bin/sh: ${error.message.replace(/^./, (first) => first.toLowerCase())}`,
    };
  }
  const output = parts.join('');
  return {
    ...(code === 0 ? {} : { error: `exit status ${code}` }),
    ...(output === '' ? {} : { output }),
  };
}

/** `2s`, `500ms`; empty is none. */
function milliseconds(duration: string): number {
  const [, count = '0', unit = 's'] = /^([\d.]+)(ms|s|m)?$/.exec(duration) ?? [];
  return Number(count) * (unit === 'ms' ? 1 : unit === 'm' ? 60_000 : 1000);
}

const canonicalHeader = (name: string): string =>
  name.replace(/(^|-)[a-z]/g, (start) => start.toUpperCase());

const goTime = (ms: number): string =>
  new Date(ms).toISOString().replace('T', ' ').replace('Z', ' +0000 UTC');

/** The stamp of Go's own log: `2026/01/01 10:00:00`. */
const stamp = (context: ProgramContext): string =>
  new Date(context.clock.now()).toISOString().slice(0, 19).replace('T', ' ').replaceAll('-', '/');
