import { sleep } from '#core/base';
import { type Connection, ConnectionError } from '#core/kube';
import { LookupError } from '../../dns/index.ts';
import { type Dialed, openConnection } from '../../network/index.ts';
import type { Program, ProgramContext } from '../../process/types.ts';
import { aborted, chunksOf, print, resolverOf } from '../program-io.ts';
import { parseOptions } from './arguments.ts';

/** Copies both ways until the far end closes, or `idleMs` are over. */
async function relay(
  context: ProgramContext,
  connection: Connection,
  idleMs?: number,
): Promise<'ended' | 'idle'> {
  const up = (async (): Promise<void> => {
    for await (const chunk of chunksOf(context.stdin, context.signal))
      await connection.output.write(chunk).catch(() => undefined);
    connection.output.end();
  })();
  const down = (async (): Promise<void> => {
    for await (const chunk of chunksOf(connection.input, context.signal))
      await context.stdout.write(chunk).catch(() => undefined);
  })();
  void up;
  if (idleMs === undefined) {
    await down;
    return 'ended';
  }
  const abort = new AbortController();
  const result = await Promise.race([
    down.then(() => 'ended' as const),
    sleep(context.clock, idleMs, abort.signal).then(
      () => 'idle' as const,
      () => 'ended' as const,
    ),
  ]);
  abort.abort();
  return result;
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Connection refused',
  ETIMEDOUT: 'Operation timed out',
  EHOSTUNREACH: 'No route to host',
};

/** OpenBSD's nc or busybox's: connect, scan with `-z`, listen with `-l`. */
function netcat(flavour: 'openbsd' | 'busybox'): Program {
  return async (context) => {
    const options = parseOptions(context.argv.slice(1), {
      // -t answers Telnet's questions: nobody here asks any.
      flags: { z: 'z', v: 'v', l: 'l', k: 'k', u: 'u', n: 'n', N: 'N', t: 't', '4': '4', q: 'q' },
      values: { w: 'w', p: 'p', s: 's' },
    });
    const { stderr } = context;
    const usage = 'usage: nc [-46klnuvz] [-p source_port] [-w timeout] [destination] [port]\n';
    if (options.bad) {
      await print(
        stderr,
        `nc: invalid option -- '${options.bad.option.replace(/^-+/, '')}'\n${usage}`,
      );
      return 1;
    }
    if (options.flags.has('l'))
      return listen(
        context,
        Number(options.values.get('p')?.[0] ?? options.operands.at(-1)),
        options.flags.has('k'),
      );
    const [name = '', portText = ''] = options.operands;
    const [from, to = from] = portText.split('-').map(Number);
    if (name === '' || from === undefined || to === undefined || Number.isNaN(from)) {
      await print(stderr, usage);
      return 1;
    }
    const waitSeconds = options.values.get('w')?.[0];
    const timeoutMs = waitSeconds === undefined ? undefined : Number(waitSeconds) * 1000;
    const verbose = options.flags.has('v');
    const protocol = options.flags.has('u') ? 'udp' : 'tcp';
    let code = 1;
    for (let port = from; port <= to; port++) {
      try {
        const address = (await resolverOf(context).lookup(name))[0] ?? name;
        const dialed = await context.net.dial(
          address,
          port,
          protocol,
          timeoutMs === undefined ? {} : { timeoutMs },
        );
        code = 0;
        if (verbose)
          await print(
            stderr,
            flavour === 'busybox'
              ? `${name} (${address}:${port}) open\n`
              : `Connection to ${name} ${address === name ? '' : `(${address}) `}${port} port [${protocol}/*] succeeded!\n`,
          );
        if (options.flags.has('z')) continue;
        if (protocol === 'udp') {
          await exchangeDatagrams(context, dialed, timeoutMs);
          continue;
        }
        const connection = openConnection(dialed);
        await relay(context, connection, timeoutMs);
        connection.close();
      } catch (error) {
        if (error instanceof LookupError) {
          await print(
            stderr,
            flavour === 'busybox'
              ? `nc: bad address '${name}'\n`
              : `nc: getaddrinfo for host "${name}" port ${port}: Name or service not known\n`,
          );
          return 1;
        }
        if (!(error instanceof ConnectionError)) throw error;
        const reason = reasons[error.code] ?? 'Connection reset by peer';
        if (flavour === 'busybox') {
          if (verbose || !options.flags.has('z') || options.values.has('w'))
            await print(
              stderr,
              error.code === 'ETIMEDOUT'
                ? 'nc: timed out\n'
                : `nc: ${name} (${name}:${port}): ${reason}\n`,
            );
        } else if (verbose)
          await print(
            stderr,
            `nc: connect to ${name} port ${port} (${protocol}) failed: ${error.code === 'ETIMEDOUT' ? 'Connection timed out' : reason}\n`,
          );
        code = 1;
      }
    }
    return code;
  };
}

/** Each piece of stdin is a datagram; UDP tells no end, so that only silence for `idleMs` ends it. */
async function exchangeDatagrams(
  context: ProgramContext,
  { listener, peer }: Dialed,
  idleMs: number | undefined,
): Promise<void> {
  const { stdin, stdout, signal, clock } = context;
  if (listener.kind === 'udp')
    for await (const chunk of chunksOf(stdin, signal)) {
      const reply = await listener.handle(chunk, peer);
      if (reply) await stdout.write(reply).catch(() => undefined);
    }
  if (idleMs === undefined) await aborted(signal);
  else await sleep(clock, idleMs, signal).catch(() => undefined);
}

async function listen(context: ProgramContext, port: number, again: boolean): Promise<number> {
  do {
    const connection = await new Promise<Connection | undefined>((resolve) => {
      const socket = context.net.listen(port, {
        kind: 'tcp',
        accept: (accepted) => {
          socket.dispose();
          resolve(accepted);
        },
      });
      void aborted(context.signal).then(() => resolve(undefined));
    });
    if (!connection) return 0;
    await relay(context, connection);
    connection.close();
  } while (again);
  return 0;
}

export const openbsdNetcat = netcat('openbsd');
export const busyboxNetcat = netcat('busybox');

/** `telnet HOST [PORT]`. */
export const telnet: Program = async (context) => {
  const [name = '', port = '23'] = context.argv.slice(1).filter((word) => !word.startsWith('-'));
  let address = name;
  try {
    address = (await resolverOf(context).lookup(name))[0] ?? name;
    await print(context.stdout, `Trying ${address}...\n`);
    const connection = openConnection(await context.net.dial(address, Number(port)));
    await print(context.stdout, `Connected to ${name}.\nEscape character is '^]'.\n`);
    await relay(context, connection);
    connection.close();
    await print(context.stdout, 'Connection closed by foreign host.\n');
    return 1;
  } catch (error) {
    if (error instanceof LookupError)
      await print(
        context.stderr,
        `telnet: could not resolve ${name}/${port}: Name or service not known\n`,
      );
    else if (error instanceof ConnectionError)
      await print(
        context.stderr,
        `telnet: Unable to connect to remote host: ${error.code === 'ETIMEDOUT' ? 'Connection timed out' : (reasons[error.code] ?? 'Connection reset by peer')}\n`,
      );
    else throw error;
    return 1;
  }
};

/** Whether anything has this address: ICMP answers where a dial is refused, too. */
async function echo(context: ProgramContext, address: string, waitMs: number): Promise<boolean> {
  try {
    await context.net.dial(address, 1, 'tcp', { timeoutMs: waitMs, signal: context.signal });
    return true;
  } catch (error) {
    if (!(error instanceof ConnectionError)) throw error;
    return error.code === 'ECONNREFUSED';
  }
}

/** `ping`: one echo a second; the time of an answer is simulated. */
export const ping: Program = async (context) => {
  const options = parseOptions(context.argv.slice(1), {
    flags: { q: 'q', n: 'n', '4': '4' },
    values: { c: 'c', i: 'i', W: 'W', w: 'w', s: 's', I: 'I' },
  });
  const name = options.operands[0] ?? '';
  const { stdout, stderr, clock } = context;
  let address: string;
  try {
    address = (await resolverOf(context).lookup(name))[0] ?? name;
  } catch (error) {
    if (!(error instanceof LookupError)) throw error;
    await print(stderr, `ping: ${name}: Name or service not known\n`);
    return 2;
  }
  const count = Number(options.values.get('c')?.[0] ?? Number.POSITIVE_INFINITY);
  const waitMs = Number(options.values.get('W')?.[0] ?? 1) * 1000;
  const deadlineMs = Number(options.values.get('w')?.[0] ?? Number.POSITIVE_INFINITY) * 1000;
  await print(stdout, `PING ${name} (${address}) 56(84) bytes of data.\n`);
  const started = clock.now();
  let interrupted = false;
  context.process.onSignal('SIGINT', () => {
    interrupted = true;
  });
  let sent = 0;
  const times: number[] = [];
  while (sent < count && !interrupted && clock.now() - started < deadlineMs) {
    const at = clock.now();
    sent++;
    if (await echo(context, address, waitMs)) {
      const time = 0.05 + context.random.next() * 0.4;
      times.push(time);
      await print(
        stdout,
        `64 bytes from ${address}: icmp_seq=${sent} ttl=64 time=${time.toFixed(3)} ms\n`,
      );
    }
    if (sent < count) await sleep(clock, Math.max(0, at + 1000 - clock.now()), context.signal);
  }
  const loss = Math.round(((sent - times.length) / Math.max(1, sent)) * 100);
  const average = times.reduce((sum, time) => sum + time, 0) / Math.max(1, times.length);
  await print(
    stdout,
    `\n--- ${name} ping statistics ---\n${sent} packets transmitted, ${times.length} received, ${loss}% packet loss, time ${Math.round(clock.now() - started)}ms\n` +
      (times.length > 0
        ? `rtt min/avg/max/mdev = ${Math.min(...times).toFixed(3)}/${average.toFixed(3)}/${Math.max(...times).toFixed(3)}/0.010 ms\n`
        : ''),
  );
  return times.length > 0 ? 0 : 1;
};

/** `getent hosts NAME`, `getent ahosts NAME`. */
export const getent: Program = async (context) => {
  const [, database = '', ...keys] = context.argv;
  if (database !== 'hosts' && database !== 'ahosts' && database !== 'ahostsv4') {
    const path = `/etc/${database}`;
    if (!context.files.exists(path)) {
      await print(
        context.stderr,
        `Unknown database: ${database}\nTry \`getent --help' or \`getent --usage' for more information.\n`,
      );
      return 1;
    }
    const lines = context.files.readText(path).split('\n').filter(Boolean);
    const chosen =
      keys.length === 0
        ? lines
        : lines.filter(
            (line) =>
              keys.includes(line.split(':')[0] ?? '') || keys.includes(line.split(':')[2] ?? ''),
          );
    await print(context.stdout, chosen.map((line) => `${line}\n`).join(''));
    return chosen.length > 0 ? 0 : 2;
  }
  let found = false;
  for (const key of keys) {
    try {
      for (const address of await resolverOf(context).lookup(key)) {
        await print(
          context.stdout,
          database === 'hosts'
            ? `${address.padEnd(15)} ${key}\n`
            : `${address.padEnd(15)} STREAM ${key}\n`,
        );
        found = true;
      }
    } catch (error) {
      if (!(error instanceof LookupError)) throw error;
    }
  }
  return found ? 0 : 2;
};

/** `hostname`, `-i`/`-I` for addresses, `-f` for the full name of `/etc/hosts`, `-s` for the first part. */
export const hostname: Program = async (context) => {
  const option = context.argv[1] ?? '';
  const path = '/proc/sys/kernel/hostname';
  const name = (
    context.files.exists(path)
      ? context.files.readText(path)
      : context.files.readText('/etc/hostname')
  ).trim();
  let text = name;
  if (option === '-i' || option === '--ip-address') {
    try {
      text = (await resolverOf(context).lookup(name)).join(' ');
    } catch {
      await print(context.stderr, 'hostname: Name or service not known\n');
      return 1;
    }
  } else if (option === '-I' || option === '--all-ip-addresses')
    text = `${context.net.addresses.join(' ')} `;
  else if (option === '-f' || option === '--fqdn') text = (await fullName(context, name)) ?? name;
  else if (option === '-s') text = name.split('.')[0] ?? name;
  else if (option === '-d')
    text = ((await fullName(context, name)) ?? '').split('.').slice(1).join('.');
  await print(context.stdout, `${text}\n`);
  return 0;
};

async function fullName(context: ProgramContext, name: string): Promise<string | undefined> {
  const hosts = context.files.exists('/etc/hosts') ? context.files.readText('/etc/hosts') : '';
  for (const line of hosts.split('\n')) {
    const names = line.replace(/#.*/, '').trim().split(/\s+/).slice(1);
    if (names.includes(name)) return names[0];
  }
  return Promise.resolve(undefined);
}
