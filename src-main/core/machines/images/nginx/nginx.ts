import { type ByteSink, type Disposable, utf8 } from '#core/base';
import { isAddress, ListenError } from '../../network/index.ts';
import type { Program, ProgramContext } from '../../process/types.ts';
import { clockText, execute, print, resolverOf, untilSignal } from '../program-io.ts';
import { all, ConfigError, type Directive, parseListen, readConfig, value } from './config.ts';
import { handleRequest, type Site, type VirtualServer } from './handler.ts';

interface Port {
  readonly address: string;
  readonly port: number;
  readonly servers: VirtualServer[];
}

interface Loaded {
  readonly site: Site;
  readonly ports: readonly Port[];
}

const memoryBytes = 6 * 1024 * 1024;

/** `nginx`, of one version: serves by the files below `/etc/nginx` until it is told to end. */
export function nginxProgram(version: string): Program {
  return async (context) => {
    const { argv, stderr } = context;
    const path = argument(argv, '-c') ?? '/etc/nginx/nginx.conf';
    if (argv.includes('-v') || argv.includes('-V')) {
      await print(stderr, `nginx version: nginx/${version}\n`);
      return 0;
    }
    const control = argument(argv, '-s');
    if (control !== undefined) return tellMaster(context, control);
    const testing = argv.includes('-t') || argv.includes('-T');
    let loaded: Loaded;
    try {
      loaded = await load(context, path, version);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      if (!testing)
        await print(
          stderr,
          `${stamp(context)} [emerg] ${context.process.pid}#${context.process.pid}: ${error.message}\n`,
        );
      await print(stderr, `nginx: [emerg] ${error.message}\n`);
      if (testing) await print(stderr, `nginx: configuration file ${path} test failed\n`);
      return 1;
    }
    if (testing) {
      await print(
        stderr,
        `nginx: the configuration file ${path} syntax is ok\nnginx: configuration file ${path} test is successful\n`,
      );
      return 0;
    }
    return serve(context, path, version, loaded);
  };
}

function argument(argv: readonly string[], flag: string): string | undefined {
  const index = argv.indexOf(flag);
  return index < 0 ? undefined : argv[index + 1];
}

function stamp(context: ProgramContext): string {
  const now = context.clock.now();
  return `${new Date(now).toISOString().slice(0, 10).replaceAll('-', '/')} ${clockText(now)}`;
}

async function tellMaster(context: ProgramContext, control: string): Promise<number> {
  const signal = (
    { reload: 'SIGHUP', quit: 'SIGQUIT', stop: 'SIGTERM', reopen: 'SIGUSR1' } as const
  )[control as 'reload'];
  if (!signal) {
    await print(context.stderr, `nginx: invalid option: "-s ${control}"\n`);
    return 1;
  }
  const master = context.process
    .list()
    .find(({ pid, argv }) => pid !== context.process.pid && /(^|\/)nginx$/.test(argv[0] ?? ''));
  if (!master) {
    await print(
      context.stderr,
      'nginx: [error] open() "/run/nginx.pid" failed (2: No such file or directory)\n',
    );
    return 1;
  }
  await print(
    context.stderr,
    `${stamp(context)} [notice] ${context.process.pid}#${context.process.pid}: signal process started\n`,
  );
  context.process.kill(master.pid, signal);
  return 0;
}

/** @throws ConfigError */
async function load(context: ProgramContext, path: string, version: string): Promise<Loaded> {
  const root = readConfig(context.files, path);
  if (all(root, 'events').length === 0)
    throw new ConfigError(`no "events" section in configuration`);
  const http = all(root, 'http')[0]?.block ?? [];
  const upstreams = new Map<string, readonly string[]>();
  for (const { args, block } of all(http, 'upstream'))
    upstreams.set(
      args[0] ?? '',
      all(block, 'server').map((member) => member.args[0] ?? ''),
    );
  const ports: Port[] = [];
  for (const server of all(http, 'server')) await addServer(context, server, upstreams, ports);
  return { site: { version, http, upstreams }, ports };
}

async function addServer(
  context: ProgramContext,
  server: Directive,
  upstreams: ReadonlyMap<string, readonly string[]>,
  ports: Port[],
): Promise<void> {
  const block = server.block ?? [];
  for (const directive of locations(block)) {
    const upstream = all(directive.block, 'proxy_pass')[0];
    const host = /^https?:\/\/([^/:$]+)/.exec(upstream?.args[0] ?? '')?.[1];
    if (!upstream || host === undefined || upstreams.has(host) || isAddress(host)) continue;
    try {
      await resolverOf(context).lookup(host);
    } catch {
      throw new ConfigError(`host not found in upstream "${host}" in ${upstream.at}`);
    }
  }
  const names = all(block, 'server_name').flatMap(({ args }) => args);
  const listens = all(block, 'listen');
  const parsed =
    listens.length > 0
      ? listens.map(parseListen)
      : [{ address: '0.0.0.0', port: 80, tls: false, defaultServer: false }];
  for (const listen of parsed) {
    if (listen.tls) checkCertificate(context, block, server);
    // An IPv6 wildcard beside the IPv4 one is the same socket here.
    const address = listen.address.startsWith('[') ? '0.0.0.0' : listen.address;
    const found = ports.find((port) => port.port === listen.port && port.address === address);
    const virtual = { names, block };
    if (!found) ports.push({ address, port: listen.port, servers: [virtual] });
    else if (!found.servers.some((other) => other.block === block)) {
      if (listen.defaultServer) found.servers.unshift(virtual);
      else found.servers.push(virtual);
    }
  }
}

function checkCertificate(
  context: ProgramContext,
  block: readonly Directive[],
  server: Directive,
): void {
  const path = value('ssl_certificate', block);
  if (path === undefined)
    throw new ConfigError(
      `no "ssl_certificate" is defined for the "listen ... ssl" directive in ${server.at}`,
    );
  if (!context.files.exists(path))
    throw new ConfigError(
      `cannot load certificate "${path}": BIO_new_file() failed (SSL: error:80000002:system library::No such file or directory:calling fopen(${path}, r) error:10000080:BIO routines::no such file)`,
    );
}

function locations(block: readonly Directive[]): readonly Directive[] {
  return [{ name: 'server', args: [], block, at: '' }, ...all(block, 'location')];
}

async function serve(
  context: ProgramContext,
  path: string,
  version: string,
  first: Loaded,
): Promise<number> {
  const { pid } = context.process;
  const log = (level: string, text: string): void =>
    writeLine(context.stderr, `${stamp(context)} [${level}] ${pid}#${pid}: ${text}`);
  let sockets: Disposable[] = [];
  const open = async (loaded: Loaded): Promise<boolean> => {
    for (const port of loaded.ports) {
      try {
        sockets.push(listen(context, loaded.site, port, log));
      } catch (error) {
        if (!(error instanceof ListenError)) throw error;
        const text = `bind() to ${port.address}:${port.port} failed (98: Address already in use)`;
        log('emerg', text);
        await print(context.stderr, `nginx: [emerg] ${text}\n`);
        return false;
      }
    }
    return true;
  };
  if (!(await open(first))) {
    await print(context.stderr, 'nginx: [emerg] still could not bind()\n');
    return 1;
  }
  context.process.setMemory(memoryBytes);
  log('notice', 'using the "epoll" event method');
  log('notice', `nginx/${version}`);
  log('notice', 'start worker processes');
  log('notice', `start worker process ${pid + 28}`);
  for (;;) {
    const signal = await untilSignal(context, ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP']);
    if (signal === 'SIGHUP') {
      log('notice', 'signal 1 (SIGHUP) received, reconfiguring');
      try {
        const next = await load(context, path, version);
        for (const socket of sockets) socket.dispose();
        sockets = [];
        await open(next);
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        log('emerg', error.message);
      }
      continue;
    }
    for (const socket of sockets) socket.dispose();
    if (signal === 'SIGQUIT') log('notice', 'signal 3 (SIGQUIT) received, shutting down');
    if (signal === 'SIGTERM') log('notice', 'signal 15 (SIGTERM) received, exiting');
    if (signal !== undefined) log('notice', 'exit');
    return 0;
  }
}

function writeLine(sink: ByteSink, text: string): void {
  void sink.write(utf8(`${text}\n`)).catch(() => undefined);
}

function listen(
  context: ProgramContext,
  site: Site,
  { address, port, servers }: Port,
  errorLog: (level: string, text: string) => void,
): Disposable {
  const certificatePath = servers
    .filter(({ block }) =>
      all(block, 'listen').some(
        (directive) => directive.args.includes('ssl') && parseListen(directive).port === port,
      ),
    )
    .map(({ block }) => value('ssl_certificate', block))[0];
  return context.net.listen(
    port,
    {
      kind: 'http',
      ...(certificatePath === undefined
        ? {}
        : { tls: { certificate: context.files.readText(certificatePath) } }),
      handle: (request, peer) =>
        handleRequest(
          {
            context,
            site,
            servers,
            port,
            accessLog: (line) => writeLine(context.stdout, line),
            errorLog,
          },
          request,
          peer,
        ),
    },
    { address },
  );
}

/** `/docker-entrypoint.sh` of the image: prepares the configuration and becomes nginx. */
export const nginxEntrypoint: Program = async (context) => {
  const command = context.argv.slice(1);
  if (command[0] === 'nginx' || command[0] === 'nginx-debug') {
    const script = '/docker-entrypoint.sh';
    await print(
      context.stdout,
      `${script}: /docker-entrypoint.d/ is not empty, will attempt to perform configuration\n` +
        `${script}: Looking for shell scripts in /docker-entrypoint.d/\n` +
        `${script}: Launching /docker-entrypoint.d/10-listen-on-ipv6-by-default.sh\n`,
    );
    await print(context.stdout, ipv6Lines(context));
    await print(
      context.stdout,
      `${script}: Sourcing /docker-entrypoint.d/15-local-resolvers.envsh\n` +
        `${script}: Launching /docker-entrypoint.d/20-envsubst-on-templates.sh\n` +
        applyTemplates(context) +
        `${script}: Launching /docker-entrypoint.d/30-tune-worker-processes.sh\n` +
        `${script}: Configuration complete; ready for start up\n`,
    );
  }
  return execute(context, command);
};

function ipv6Lines({ files }: ProgramContext): string {
  const script = '10-listen-on-ipv6-by-default.sh: info:';
  const path = '/etc/nginx/conf.d/default.conf';
  if (!files.exists(path))
    return `${script} /etc/nginx/conf.d/default.conf is not a file or does not exist\n`;
  const text = files.readText(path);
  const checked = `${script} Getting the checksum of ${path}\n`;
  if (!/^ {4}listen {7}80;$/m.test(text))
    return `${checked}${script} ${path} differs from the packaged version\n`;
  try {
    files.writeFile(
      path,
      text.replace(/^ {4}listen {7}80;$/m, '    listen       80;\n    listen  [::]:80;'),
    );
    return `${checked}${script} Enabled listen on IPv6 in ${path}\n`;
  } catch {
    return `${script} can not modify ${path} (read-only file system?)\n`;
  }
}

/** Fills the environment into `/etc/nginx/templates/*.template`. */
function applyTemplates({ files, env }: ProgramContext): string {
  const directory = '/etc/nginx/templates';
  if (!files.exists(directory)) return '';
  let lines = '';
  for (const name of files.readdir(directory)) {
    if (!name.endsWith('.template')) continue;
    const target = `/etc/nginx/conf.d/${name.replace(/\.template$/, '')}`;
    lines += `20-envsubst-on-templates.sh: Running envsubst on ${directory}/${name} to ${target}\n`;
    files.writeFile(
      target,
      files
        .readText(`${directory}/${name}`)
        .replace(
          /\$\{(\w+)\}|\$(\w+)/g,
          (whole, braced?: string, plain?: string) => env[braced ?? plain ?? ''] ?? whole,
        ),
    );
  }
  return lines;
}
