import { type ByteSink, type ByteSource, utf8 } from '#core/base';
import { ConnectionError } from '#core/kube';
import {
  type ChildProcess,
  createResolver,
  FileError,
  type FileSystem,
  LookupError,
  type SimulatedMachine,
  type TerminalSession,
  type Program,
  type ProgramContext,
  type Tty,
} from '#core/machines';

/** What answers at port 22 of a machine. Every machine of a lab trusts the keys of the others. */
interface SshService {
  readonly hostname: string;
  /** Runs a command line without a terminal, or a login shell that reads its commands from `stdin`. */
  start(session: SshSession): ChildProcess;
  /** A login shell, or one command, on a terminal of its own. */
  open(
    user: string,
    size: { readonly columns: number; readonly rows: number },
    edit: Tty['edit'],
    command: string | undefined,
  ): TerminalSession;
  readonly files: FileSystem;
}

interface SshSession {
  readonly user: string;
  readonly command?: string;
  readonly stdin: ByteSource;
  readonly stdout: ByteSink;
  readonly stderr: ByteSink;
}

const serviceName = 'ssh';
/** What ssh itself exits with when it, not the command, failed. */
const sshFailed = 255;

/** sshd: the unit `ssh` of every machine. Stopping it refuses new sessions and leaves those that run. */
export function sshd(machine: () => SimulatedMachine): Program {
  return async ({ net, process, signal }) => {
    const host = machine();
    const service: SshService = {
      hostname: host.spec.hostname,
      files: host.files,
      start: ({ user, command, ...streams }) =>
        host.spawn(command === undefined ? ['/bin/bash', '-l'] : ['/bin/bash', '-c', command], {
          ...streams,
          cwd: user === 'root' ? '/root' : `/home/${user}`,
        }),
      open: (user, size, edit, command) =>
        host.openTerminal(user, size, {
          ...(edit ? { edit } : {}),
          ...(command === undefined ? {} : { command }),
        }),
    };
    const port = net.listen(22, { kind: 'object', service: serviceName, object: service });
    await new Promise<void>((resolve) => {
      process.onSignal('SIGTERM', () => resolve());
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    port.dispose();
    return 0;
  };
}

interface Target {
  readonly user: string;
  readonly host: string;
}

/** ssh: `ssh [options] [user@]host [command]`. Options that change how to connect are read and need nothing here. */
export const ssh: Program = async (context) => {
  const { argv, stdin, stdout, stderr, tty } = context;
  const words = argv.slice(1);
  let noTty = false;
  let forceTty = false;
  let login: string | undefined;
  let target: string | undefined;
  while (words.length > 0 && target === undefined) {
    const word = words.shift() ?? '';
    if (/^-[oipFJEbcDLRWmOQSw]$/.test(word)) words.shift();
    else if (word === '-l') login = words.shift();
    else if (word === '-T') noTty = true;
    else if (/^-t+$/.test(word)) forceTty = true;
    else if (!word.startsWith('-')) target = word;
  }
  if (target === undefined) {
    await print(
      stderr,
      'usage: ssh [-46AaCfGgKkMNnqsTtVvXxYy] [-l login_name] [-o option] [-p port] destination [command [argument ...]]\n',
    );
    return sshFailed;
  }
  const destination = readTarget(target, login);
  const service = await connect(context, destination.host);
  if (typeof service === 'string') {
    await print(stderr, `${service}\n`);
    return sshFailed;
  }
  const command = words.length > 0 ? words.join(' ') : undefined;
  if (tty !== undefined && !noTty && (command === undefined || forceTty)) {
    const code = await onTerminal(context, tty, service, destination.user, command);
    await print(stderr, `Connection to ${destination.host} closed.\r\n`);
    return code;
  }
  const child = service.start({
    user: destination.user,
    ...(command === undefined ? {} : { command }),
    stdin,
    stdout,
    stderr,
  });
  context.signal.addEventListener('abort', () => child.kill('SIGHUP'), { once: true });
  return child.exit;
};

/** Joins our terminal, which turns raw, with one on the other machine. */
async function onTerminal(
  context: ProgramContext,
  tty: Tty,
  service: SshService,
  user: string,
  command: string | undefined,
): Promise<number> {
  const { stdin, stdout } = context;
  const remote = service.open(user, { columns: tty.columns, rows: tty.rows }, tty.edit, command);
  const resizing = tty.onResize(() => remote.resize(tty.columns, tty.rows));
  context.signal.addEventListener('abort', () => remote.close(), { once: true });
  tty.setRaw(true);
  let open = true;
  const type = async (): Promise<void> => {
    while (open) {
      const bytes = await stdin.read();
      if (!bytes) return;
      if (open) remote.input(bytes);
    }
  };
  const show = async (): Promise<void> => {
    for (let bytes = await remote.output.read(); bytes; bytes = await remote.output.read())
      await stdout.write(bytes).catch(() => undefined);
  };
  void type();
  const shown = show();
  const code = await remote.exit;
  open = false;
  await shown;
  resizing.dispose();
  tty.setRaw(false);
  return code;
}

/** scp: files and, with -r, folders, to or from one other machine. */
export const scp: Program = async (context) => {
  const { argv, files, stderr, cwd } = context;
  const words = argv.slice(1).filter((word) => !/^-[a-zA-Z]+$/.test(word));
  const recursive = argv.some((word) => /^-\w*r/.test(word));
  const last = words.pop();
  if (last === undefined || words.length === 0) {
    await print(
      stderr,
      'usage: scp [-346ABCOpqRrsTv] [-i identity_file] [-o ssh_option] [-P port] source ... target\n',
    );
    return 1;
  }
  const open = async (spec: string): Promise<{ files: FileSystem; path: string } | string> => {
    const match = /^(?:([^@:/]+)@)?([^:/]+):(.*)$/.exec(spec);
    if (!match) return { files, path: spec.startsWith('/') ? spec : `${cwd}/${spec}` };
    const service = await connect(context, match[2] ?? '');
    if (typeof service === 'string') return service;
    const path = match[3] ?? '';
    return { files: service.files, path: path.startsWith('/') ? path : `/root/${path}` };
  };
  for (const word of words) {
    const [from, to] = [await open(word), await open(last)];
    const problem = typeof from === 'string' ? from : typeof to === 'string' ? to : undefined;
    if (problem !== undefined || typeof from === 'string' || typeof to === 'string') {
      await print(stderr, `${problem ?? ''}\nscp: Connection closed\n`);
      return sshFailed;
    }
    try {
      const isFolder = to.files.exists(to.path) && to.files.stat(to.path).kind === 'directory';
      const name = from.path.split('/').filter(Boolean).at(-1) ?? '';
      copy(from.files, from.path, to.files, isFolder ? `${to.path}/${name}` : to.path, recursive);
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      await print(stderr, `scp: ${error.path}: ${error.message}\n`);
      return 1;
    }
  }
  return 0;
};

function copy(
  from: FileSystem,
  source: string,
  to: FileSystem,
  target: string,
  recursive: boolean,
): void {
  const { kind, mode } = from.stat(source);
  if (kind !== 'directory') {
    to.writeFile(target, from.readFile(source), mode);
    return;
  }
  if (!recursive) throw new FileError('EISDIR', source, 'not a regular file');
  to.mkdir(target, { recursive: true, mode });
  for (const name of from.readdir(source))
    copy(from, `${source}/${name}`, to, `${target}/${name}`, true);
}

function readTarget(text: string, login: string | undefined): Target {
  const at = text.lastIndexOf('@');
  return at < 0
    ? { user: login ?? 'root', host: text }
    : { user: text.slice(0, at), host: text.slice(at + 1) };
}

/** @returns the machine's service, or what ssh prints when there is none. */
async function connect(context: ProgramContext, host: string): Promise<SshService | string> {
  const { files, net, clock, random, signal } = context;
  const resolver = createResolver({ files, net, clock, random, signal });
  try {
    const [address = host] = await resolver.lookup(host);
    const { listener } = await net.dial(address, 22, 'tcp', { timeoutMs: 30_000, signal });
    if (listener.kind === 'object' && listener.service === serviceName)
      return listener.object as SshService;
    return 'kex_exchange_identification: Connection closed by remote host';
  } catch (error) {
    if (error instanceof LookupError)
      return `ssh: Could not resolve hostname ${host}: Name or service not known`;
    if (!(error instanceof ConnectionError)) throw error;
    const why = {
      ECONNREFUSED: 'Connection refused',
      ETIMEDOUT: 'Connection timed out',
      EHOSTUNREACH: 'No route to host',
    };
    return `ssh: connect to host ${host} port 22: ${why[error.code as keyof typeof why] ?? error.message}`;
  }
}

async function print(sink: ByteSink, text: string): Promise<void> {
  await sink.write(utf8(text)).catch(() => undefined);
}
