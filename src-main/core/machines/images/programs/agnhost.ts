import { nameSuffix, sleep, utf8 } from '#core/base';
import type { Program, ProgramContext } from '../../process/types.ts';
import { print, resolverOf, untilSignal } from '../program-io.ts';
import { grpcHealthChecking } from './agnhost-grpc.ts';
import { guestbook } from './agnhost-guestbook.ts';
import { mounttest } from './agnhost-mounttest.ts';
import { hostnameOf, netexec } from './agnhost-netexec.ts';
import { nettest } from './agnhost-nettest.ts';
import { openIdMetadata } from './agnhost-openid.ts';
import { portForwardTester } from './agnhost-port-forward-tester.ts';
import { conversionWebhook, webhook } from './agnhost-webhook.ts';
import { fileAnswer, flagValue, folderAnswer, serveHttp, textAnswer } from './http-service.ts';

type Command = (context: ProgramContext) => Promise<number>;

const pause: Command = async (context) => {
  await print(context.stdout, 'Paused\n');
  await untilSignal(context, ['SIGTERM', 'SIGINT']);
  return 0;
};

/** Healthy for ten seconds, then 500: the documentation's example of a liveness probe. */
const liveness: Command = (context) => {
  const started = context.clock.now();
  return serveHttp(
    context,
    8080,
    (request) => {
      if (request.url !== '/healthz') return textAnswer(404, '404 page not found\n');
      const seconds = (context.clock.now() - started) / 1000;
      return seconds > 10 ? textAnswer(500, `error: ${seconds}`) : textAnswer(200, 'ok');
    },
    // It handles no signal, and process 1 cannot die of one: Go's runtime gives up with 2.
    { exitCode: 2 },
  );
};

const serveHostname: Command = (context) => {
  const port = Number(flagValue(context.argv, '--port') ?? 9376);
  return serveHttp(context, port, () => textAnswer(200, hostnameOf(context)));
};

/**
 * Answers on each port that an environment variable `SERVE_PORT_<port>` (or `SERVE_TCP_PORT_`, `SERVE_TLS_PORT_`,
 * `SERVE_UDP_PORT_`) names.
 */
const porter: Command = async (context) => {
  const { argv, env, files, net } = context;
  const asJson = argv.some((word) => /^--json-response(=true)?$/.test(word));
  for (const [name, value] of Object.entries(env)) {
    const [, kind = '', port = ''] = /^SERVE_(?:(TCP|TLS|UDP)_)?PORT_(\d+)$/.exec(name) ?? [];
    if (port === '') continue;
    if (kind === 'UDP') {
      const handle = (): Promise<Uint8Array> => Promise.resolve(utf8(value));
      net.listen(Number(port), { kind: 'udp', handle }, { protocol: 'udp' });
      continue;
    }
    net.listen(Number(port), {
      kind: 'http',
      ...(kind === 'TLS'
        ? { tls: { certificate: files.readText(env['CERT_FILE'] ?? '/localhost.crt') } }
        : {}),
      handle: ({ method }) =>
        Promise.resolve(
          asJson
            ? textAnswer(200, JSON.stringify({ Method: method, Body: value }), {
                'content-type': 'application/json',
              })
            : textAnswer(
                200,
                value,
                isPage(value) ? { 'content-type': 'text/html; charset=utf-8' } : {},
              ),
        ),
    });
  }
  await untilSignal(context, ['SIGTERM', 'SIGINT']);
  return 0;
};

/** Go tells a page by its first tag. @see net/http/sniff.go */
const isPage = (text: string): boolean =>
  /^\s*<(?:!doctype html|html|head|script|iframe|h1|div|font|table|a|style|title|b|body|br|p|!--)[ >]/i.test(
    text,
  );

/** Serves the files of the container. */
const testWebserver: Command = (context) => {
  const port = Number(flagValue(context.argv, '--port') ?? 80);
  return serveHttp(context, port, (request) => {
    const answer =
      fileAnswer(context, '/', request.url) ??
      folderAnswer(context, '/', request.url) ??
      textAnswer(404, '404 page not found\n');
    return { ...answer, headers: { 'cache-control': 'private', ...answer.headers } };
  });
};

const entrypointTester: Command = async (context) => {
  await print(context.stdout, `[${context.argv.join(' ')}]\n`);
  return 0;
};

const dnsSuffix: Command = async (context) => {
  await print(context.stdout, resolverOf(context).config().search.join(','));
  return 0;
};

const dnsServerList: Command = async (context) => {
  await print(context.stdout, resolverOf(context).config().servers.join(','));
  return 0;
};

const etcHosts: Command = async (context) => {
  await print(context.stdout, context.files.readText('/etc/hosts'));
  return 0;
};

const methods = ['GET', 'POST', 'PUT'];
const namespaces = ['kube-system', 'default', 'ns'];

/** As many lines as told, spread over the time told. */
const logsGenerator: Command = async (context) => {
  const { argv, clock, random, stderr } = context;
  const total = Number(flagValue(argv, '--log-lines-total', '-t') ?? 0);
  const durationText = flagValue(argv, '--run-duration', '-d') ?? '0s';
  const durationMs = durationOf(durationText);
  const klog = (level: 'I' | 'F', line: number, text: string): Promise<void> =>
    print(stderr, `${klogHeader(level, clock.now())} logs_generator.go:${line}] ${text}\n`);
  if (!(total > 0)) {
    await klog('F', 64, `Invalid total number of lines: ${total}`);
    return 255;
  }
  if (!(durationMs > 0)) {
    await klog('F', 68, `Invalid duration: ${durationText}`);
    return 255;
  }
  const pick = (words: readonly string[]): string => words[random.integer(words.length)] ?? '';
  for (let id = 0; id < total; id++) {
    const url = `/api/v1/namespaces/${pick(namespaces)}/pods/${nameSuffix(random, 3 + random.integer(2))}`;
    await klog('I', 76, `${id} ${pick(methods)} ${url} ${200 + random.integer(400)}`);
    await sleep(clock, durationMs / total, context.signal);
  }
  return 0;
};

/** `20s`, `1m`, `500ms`. */
function durationOf(text: string): number {
  const [, count = '0', unit = 's'] = /^([\d.]+)(ms|s|m|h)$/.exec(text) ?? [];
  return Number(count) * ({ ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[unit] ?? 0);
}

/** `I0102 15:04:05.000000       1`, as klog begins a line. */
function klogHeader(level: string, ms: number): string {
  const at = new Date(ms).toISOString();
  return `${level}${at.slice(5, 7)}${at.slice(8, 10)} ${at.slice(11, 23)}000       1`;
}

const connect: Command = async (context) => {
  const target = context.argv.slice(2).find((word) => !word.startsWith('-')) ?? '';
  const [host = '', port = '80'] = target.split(':');
  const timeout = flagValue(context.argv, '--timeout') ?? '0s';
  const timeoutMs = Number.parseFloat(timeout) * (timeout.endsWith('ms') ? 1 : 1000);
  try {
    const address = (await resolverOf(context).lookup(host))[0] ?? host;
    await context.net.dial(address, Number(port), 'tcp', timeoutMs > 0 ? { timeoutMs } : {});
    return 0;
  } catch (error) {
    const code = (error as { code?: string }).code;
    const text =
      code === 'ECONNREFUSED'
        ? 'REFUSED'
        : code === 'ETIMEDOUT'
          ? 'TIMEOUT'
          : code === 'ENOTFOUND'
            ? 'DNS: no such host'
            : 'OTHER: no route to host';
    await print(context.stderr, `${text}\n`);
    return 1;
  }
};

const commands: Readonly<Record<string, Command>> = {
  pause,
  liveness,
  'serve-hostname': serveHostname,
  netexec,
  nettest,
  porter,
  'port-forward-tester': portForwardTester,
  'dns-suffix': dnsSuffix,
  'dns-server-list': dnsServerList,
  'etc-hosts': etcHosts,
  'entrypoint-tester': entrypointTester,
  mounttest,
  'test-webserver': testWebserver,
  'logs-generator': logsGenerator,
  connect,
  webhook,
  'crd-conversion-webhook': conversionWebhook,
  guestbook,
  'grpc-health-checking': grpcHealthChecking,
  'test-service-account-issuer-discovery': openIdMetadata,
};

/** `agnhost COMMAND`: the test programs of Kubernetes, those that the documentation and tasks use. */
export const agnhost: Program = async (context) => {
  const name = context.argv[1] ?? '';
  if (name === '--version') {
    await print(context.stdout, 'agnhost version 2.63.0\n');
    return 0;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command) return command(context);
  await print(
    context.stderr,
    name === ''
      ? 'Usage:\n  app [command]\n'
      : `Error: unknown command "${name}" for "app"\nRun 'app --help' for usage.\n`,
  );
  return name === '' ? 0 : 1;
};
