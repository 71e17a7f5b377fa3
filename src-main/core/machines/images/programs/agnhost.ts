import { utf8 } from '#core/base';
import type { Program, ProgramContext } from '../../process/types.ts';
import { print, resolverOf, untilSignal } from '../program-io.ts';
import { flagValue, serveHttp, textAnswer } from './http-service.ts';

type Command = (context: ProgramContext) => Promise<number>;

const hostnameOf = (context: ProgramContext): string => context.env['HOSTNAME'] ?? 'localhost';

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

const netexec: Command = async (context) => {
  const port = Number(flagValue(context.argv, '--http-port') ?? 8080);
  const udpPort = Number(flagValue(context.argv, '--udp-port') ?? 8081);
  if (udpPort > 0)
    context.net.listen(udpPort, {
      kind: 'udp',
      handle: (datagram) => {
        const text = new TextDecoder().decode(datagram).trim();
        if (text.toLowerCase() === 'hostname') return Promise.resolve(utf8(hostnameOf(context)));
        return Promise.resolve(text.startsWith('echo ') ? utf8(text.slice(5)) : undefined);
      },
    });
  await print(
    context.stderr,
    `I0101 00:00:00.000000       1 log.go:245] Started HTTP server on port ${port}\n`,
  );
  let healthy = true;
  return serveHttp(context, port, async (request, peer) => {
    const [path = '/', query = ''] = request.url.split('?');
    const parameters = new URLSearchParams(query);
    switch (path) {
      case '/':
        return textAnswer(
          200,
          `NOW: ${new Date(context.clock.now()).toISOString().replace('T', ' ').replace('Z', ' +0000 UTC')}`,
        );
      case '/hostname':
      case '/hostName':
        return textAnswer(200, hostnameOf(context));
      case '/clientip':
        return textAnswer(200, `${peer.address}:${peer.port}`);
      case '/echo':
        return textAnswer(Number(parameters.get('code') ?? 200), parameters.get('msg') ?? '');
      case '/header':
        return textAnswer(200, request.headers[(parameters.get('key') ?? '').toLowerCase()] ?? '');
      case '/healthz':
        return healthy ? textAnswer(200, '') : textAnswer(412, '');
      case '/exit':
        healthy = false;
        context.process.kill(context.process.pid, 'SIGTERM');
        return textAnswer(200, '');
      case '/shell': {
        const command = parameters.get('shellCommand') ?? parameters.get('cmd') ?? '';
        return textAnswer(200, JSON.stringify(await runShell(context, command)));
      }
      default:
        return textAnswer(404, '404 page not found\n');
    }
  });
};

async function runShell(
  context: ProgramContext,
  command: string,
): Promise<{ output?: string; error?: string }> {
  const parts: string[] = [];
  const child = context.process.spawn(['/bin/sh', '-c', command], {
    stdout: {
      write: (bytes) => {
        parts.push(new TextDecoder().decode(bytes));
        return Promise.resolve();
      },
      end: () => undefined,
    },
  });
  const code = await child.exit;
  return code === 0
    ? { output: parts.join('') }
    : { output: parts.join(''), error: `exit status ${code}` };
}

/** Answers on each port that an environment variable `SERVE_PORT_<port>` names. */
const porter: Command = async (context) => {
  for (const [name, value] of Object.entries(context.env)) {
    const port = /^SERVE_PORT_(\d+)$/.exec(name)?.[1];
    if (port !== undefined)
      context.net.listen(Number(port), {
        kind: 'http',
        handle: () => Promise.resolve(textAnswer(200, value)),
      });
  }
  await untilSignal(context, ['SIGTERM', 'SIGINT']);
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

const logsGenerator: Command = async (context) => {
  const total = Number(flagValue(context.argv, '--log-lines-total', '-l') ?? 10);
  for (let line = 0; line < total; line++)
    await print(
      context.stdout,
      `I0101 00:00:00.000000       1 logs_generator.go:76] ${line} POST /api/v1/namespaces/default/pods/p${line} ${200 + (line % 5)}\n`,
    );
  return 0;
};

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
  porter,
  'dns-suffix': dnsSuffix,
  'dns-server-list': dnsServerList,
  'etc-hosts': etcHosts,
  'logs-generator': logsGenerator,
  connect,
};

/** `agnhost COMMAND`: the test programs of Kubernetes, those that the documentation and tasks use. */
export const agnhost: Program = async (context) => {
  const name = context.argv[1] ?? '';
  if (name === '--version') {
    await print(context.stdout, 'agnhost version 2.53\n');
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
