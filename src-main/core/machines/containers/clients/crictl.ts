import { CriError } from '#core/kube';
import { parseOptions, type ParsedOptions, print } from '../../images/index.ts';
import type { Program, ProgramContext } from '../../process/index.ts';
import type { Container } from '../container.ts';
import { containerNotFound, sandboxNotFound, unavailable } from '../errors.ts';
import type { ContainerRuntime } from '../runtime.ts';
import type { Sandbox } from '../sandbox.ts';
import { inspectContainer, inspectImage, inspectSandbox } from './crictl-inspect.ts';
import {
  type Command,
  images,
  last,
  pods,
  ps,
  visibleContainers,
  visibleSandboxes,
} from './crictl-lists.ts';
import { humanSize, logrusLine, shortId, table } from './format.ts';
import { showLog } from './log-reader.ts';
import { joinStreams } from './session.ts';

const version = 'v1.34.0';

const options = {
  flags: {
    a: 'a',
    all: 'a',
    q: 'q',
    quiet: 'q',
    f: 'f',
    force: 'f',
    follow: 'f',
    i: 'i',
    interactive: 'i',
    t: 't',
    tty: 't',
    v: 'v',
    verbose: 'v',
    l: 'l',
    latest: 'l',
    'no-trunc': 'no-trunc',
    s: 's',
    sync: 's',
    digests: 'digests',
    D: 'debug',
    debug: 'debug',
  },
  values: {
    name: 'name',
    namespace: 'namespace',
    state: 'state',
    label: 'label',
    pod: 'pod',
    p: 'pod',
    o: 'o',
    output: 'o',
    tail: 'tail',
    timeout: 'timeout',
    n: 'last',
    last: 'last',
    image: 'image',
    r: 'r',
    'runtime-endpoint': 'r',
    'image-endpoint': 'image-endpoint',
    c: 'config',
    config: 'config',
    id: 'id',
    template: 'template',
  },
} as const;

/** A failure that ends crictl: the text after `level=fatal`. */
class Fatal extends Error {}

const rpc = (error: CriError): string => `rpc error: code = ${error.code} desc = ${error.message}`;
/** Runs a CRI call; its failure ends crictl. */
async function call<T>(work: Promise<T>, before = ''): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof CriError)) throw error;
    throw new Fatal(`${before}${error.code === 'Unknown' ? error.message : rpc(error)}`);
  }
}

function endpointOf(context: ProgramContext, parsed: ParsedOptions): string {
  const given = last(parsed, 'r') ?? context.env['CONTAINER_RUNTIME_ENDPOINT'];
  if (given !== undefined) return given;
  const path = last(parsed, 'config') ?? '/etc/crictl.yaml';
  const text = context.files.exists(path) ? context.files.readText(path) : '';
  return (
    /^runtime-endpoint:\s*"?([^\s"]+)"?/m.exec(text)?.[1] ??
    'unix:///run/containerd/containerd.sock'
  );
}

/** `crictl` on a machine with this runtime. */
export function crictl(runtime: ContainerRuntime): Program {
  return async (context) => {
    const words = context.argv.slice(1);
    const at = commandIndex(words);
    const name = words[at] ?? '';
    const stopAtCommand = name === 'exec';
    const own = words.filter((_, index) => index !== at);
    const parsed = parseOptions(stopAtCommand ? execWords(own) : own, options);
    const now = (): number => context.clock.now();
    if (words.length === 0 || words.includes('--help') || name === 'help') {
      await print(context.stdout, usage);
      return 0;
    }
    if (words[0] === '--version' || words[0] === '-v') {
      await print(context.stdout, `crictl version ${version}\n`);
      return 0;
    }
    const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
    if (!command) {
      await print(context.stdout, `No help topic for '${name}'\n`);
      return 3;
    }
    try {
      if (parsed.bad)
        throw new Fatal(`flag provided but not defined: ${parsed.bad.option.replace(/^--/, '-')}`);
      const endpoint = endpointOf(context, parsed);
      const socket = endpoint.replace(/^unix:\/\//, '').replace(/^\/var\/run\//, '/run/');
      if (!runtime.up || socket !== runtime.socketPath)
        throw new Fatal(
          `validate service connection: validate CRI v1 runtime API for endpoint "${endpoint}": ${rpc(unavailable(endpoint.replace(/^unix:\/\//, '')))}`,
        );
      return await command(runtime, context, parsed);
    } catch (error) {
      if (!(error instanceof Fatal)) throw error;
      await print(context.stderr, logrusLine(now(), 'fatal', error.message));
      return 1;
    }
  };
}

/** The first word that is neither an option of crictl's own nor its value. */
function commandIndex(words: readonly string[]): number {
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? '';
    if (!word.startsWith('-')) return index;
    if (/^(-r|--runtime-endpoint|-c|--config|-i|--image-endpoint|-t|--timeout)$/.test(word))
      index++;
  }
  return words.length;
}

/** Options of `exec` end at the container; what follows is the command's. */
function execWords(words: readonly string[]): readonly string[] {
  const first = words.findIndex((word) => !word.startsWith('-'));
  if (first < 0) return words;
  const command = words.slice(first + 1);
  return [
    ...words.slice(0, first + 1),
    '--',
    ...(command[0] === '--' ? command.slice(1) : command),
  ];
}

const usage = `NAME:
   crictl - client for CRI

USAGE:
   crictl [global options] command [command options]

VERSION:
   ${version}

COMMANDS:
   exec                Run a command in a running container
   images, image, img  List images
   imagefsinfo         Return image filesystem info
   inspect             Display the status of one or more containers
   inspecti            Return the status of one or more images
   inspectp            Display the status of one or more pods
   info                Display information of the container runtime
   logs                Fetch the logs of a container
   pods                List pods
   ps                  List containers
   pull                Pull an image from a registry
   rm                  Remove one or more containers
   rmi                 Remove one or more images
   rmp                 Remove one or more pods
   start               Start one or more created containers
   stats               List container(s) resource usage statistics
   stop                Stop one or more running containers
   stopp               Stop one or more running pods
   version             Display runtime version information
`;

/** Every operand must name a thing; each failure is told and the rest goes on. */
function requireOperands(parsed: ParsedOptions): readonly string[] {
  if (parsed.operands.length === 0) throw new Fatal('ID cannot be empty');
  return parsed.operands;
}

function findContainer(runtime: ContainerRuntime, id: string): Container {
  const found = visibleContainers(runtime).filter((container) => container.id.startsWith(id));
  if (found.length !== 1 || !found[0]) throw containerNotFound(id);
  return found[0];
}

function findSandbox(runtime: ContainerRuntime, id: string): Sandbox {
  const found = visibleSandboxes(runtime).filter((sandbox) => sandbox.id.startsWith(id));
  if (found.length !== 1 || !found[0]) throw sandboxNotFound(id);
  return found[0];
}

const lookUp = <T>(find: () => T, before = ''): Promise<T> =>
  call(
    new Promise<T>((resolve) => {
      resolve(find());
    }),
    before,
  );

const inspect: Command = async (runtime, context, parsed) => {
  for (const id of requireOperands(parsed)) {
    const container = await lookUp(
      () => findContainer(runtime, id),
      'get the status of containers: get container status: ',
    );
    await print(context.stdout, `${JSON.stringify(inspectContainer(container), null, 2)}\n`);
  }
  return 0;
};

const inspectp: Command = async (runtime, context, parsed) => {
  for (const id of requireOperands(parsed)) {
    const sandbox = await lookUp(
      () => findSandbox(runtime, id),
      'getting the pod sandbox status for "' + id + '": ',
    );
    await print(context.stdout, `${JSON.stringify(inspectSandbox(sandbox), null, 2)}\n`);
  }
  return 0;
};

const inspecti: Command = async (runtime, context, parsed) => {
  for (const id of requireOperands(parsed)) {
    const image = runtime.store.find(id);
    if (!image) throw new Fatal(`no such image "${id}" present`);
    await print(context.stdout, `${JSON.stringify(inspectImage(image), null, 2)}\n`);
  }
  return 0;
};

const logs: Command = async (runtime, context, parsed) => {
  const [id = ''] = requireOperands(parsed);
  const container = await lookUp(() => findContainer(runtime, id));
  const tail = last(parsed, 'tail');
  await showLog(context, context.files, container.logPath, {
    follow: parsed.flags.has('f'),
    running: () => container.state === 'CONTAINER_RUNNING',
    ...(tail === undefined || Number(tail) < 0 ? {} : { tail: Number(tail) }),
  });
  return 0;
};

const exec: Command = async (runtime, context, parsed) => {
  const [id = '', ...command] = requireOperands(parsed);
  const container = await lookUp(
    () => findContainer(runtime, id),
    'execing command in container: ',
  );
  const tty = parsed.flags.has('t');
  const interactive = parsed.flags.has('i') || tty;
  const attached = await call(
    runtime.runtime.exec(container.id, {
      command,
      stdin: interactive,
      stdout: true,
      stderr: !tty,
      tty,
    }),
    'execing command in container: ',
  );
  const code = await joinStreams(context, attached, interactive);
  if (code === 0) return 0;
  throw new Fatal(`execing command in container: command terminated with exit code ${code}`);
};

/** A command that does one thing to each operand and prints its id. */
function each(
  work: (runtime: ContainerRuntime, id: string, parsed: ParsedOptions) => Promise<string>,
  failure: (id: string) => string,
): Command {
  return async (runtime, context, parsed) => {
    const everything = parsed.flags.has('a');
    const ids = everything
      ? visibleContainers(runtime).map(({ id }) => id)
      : requireOperands(parsed);
    let failed = false;
    for (const id of ids) {
      try {
        await print(context.stdout, `${await work(runtime, id, parsed)}\n`);
      } catch (error) {
        if (!(error instanceof CriError)) throw error;
        failed = true;
        await print(
          context.stderr,
          logrusLine(context.clock.now(), 'error', `${failure(id)}: ${rpc(error)}`),
        );
      }
    }
    return failed ? 1 : 0;
  };
}

const rm = each(
  async (runtime, id, parsed) => {
    const container = findContainer(runtime, id);
    if (container.state === 'CONTAINER_RUNNING' && !parsed.flags.has('f'))
      throw new CriError('Unknown', `container "${id}" is running, please stop it first`);
    await runtime.runtime.stopContainer(container.id, 0);
    await runtime.runtime.removeContainer(container.id);
    return id;
  },
  (id) => `removing container "${id}"`,
);

const rmp = each(
  async (runtime, id, parsed) => {
    const sandbox = findSandbox(runtime, id);
    if (sandbox.ready && !parsed.flags.has('f'))
      throw new CriError('Unknown', `pod sandbox "${id}" is running, please stop it first`);
    await runtime.runtime.stopPodSandbox(sandbox.id);
    await runtime.runtime.removePodSandbox(sandbox.id);
    return `Removed sandbox ${id}`;
  },
  (id) => `removing the pod sandbox "${id}"`,
);

const stop = each(
  async (runtime, id, parsed) => {
    const container = findContainer(runtime, id);
    await runtime.runtime.stopContainer(container.id, Number(last(parsed, 'timeout') ?? 0));
    return id;
  },
  (id) => `stopping the container "${id}"`,
);

const stopp = each(
  async (runtime, id) => {
    await runtime.runtime.stopPodSandbox(findSandbox(runtime, id).id);
    return `Stopped sandbox ${id}`;
  },
  (id) => `stopping the pod sandbox "${id}"`,
);

const start = each(
  async (runtime, id) => {
    await runtime.runtime.startContainer(findContainer(runtime, id).id);
    return id;
  },
  (id) => `starting the container "${id}"`,
);

const rmi = async (
  runtime: ContainerRuntime,
  context: ProgramContext,
  parsed: ParsedOptions,
): Promise<number> => {
  const used = new Set([...runtime.containers.values()].map(({ image }) => image.id));
  const names = parsed.flags.has('a')
    ? runtime.store.list().map(({ id }) => id)
    : requireOperands(parsed);
  let failed = false;
  for (const name of names) {
    const stored = runtime.store.find(name);
    if (!stored) {
      await print(
        context.stderr,
        logrusLine(context.clock.now(), 'error', `no such image ${name}`),
      );
      failed = true;
      continue;
    }
    if (parsed.flags.has('a') && used.has(stored.id)) continue;
    const tags = [...stored.tags];
    await call(runtime.images.removeImage(stored.id), 'removing image: ');
    await print(context.stdout, tags.map((tag) => `Deleted: ${tag}\n`).join(''));
  }
  if (failed) throw new Fatal('unable to remove the image(s)');
  return 0;
};

const pull: Command = async (runtime, context, parsed) => {
  const [image = ''] = parsed.operands;
  if (image === '') throw new Fatal('Image reference cannot be empty');
  const reference = await call(runtime.images.pullImage(image), 'pulling image: ');
  const id = runtime.store.find(reference)?.id ?? reference;
  await print(context.stdout, `Image is up to date for ${id}\n`);
  return 0;
};

const stats: Command = async (runtime, context) => {
  const running = visibleContainers(runtime).filter(({ state }) => state === 'CONTAINER_RUNNING');
  await print(
    context.stdout,
    table([
      ['CONTAINER', 'NAME', 'CPU %', 'MEM', 'DISK', 'INODES', 'SWAP'],
      ...running.map(({ id, config, group }) => [
        shortId(id),
        config.name,
        (group.cpuMilli / 10).toFixed(2),
        humanSize(group.memoryBytes),
        '28.67kB',
        '9',
        '0B',
      ]),
    ]),
  );
  return 0;
};

const info: Command = async (runtime, context) => {
  const status = await call(runtime.runtime.status());
  const condition = (type: string, ready: boolean, reason: string, message: string): object => ({
    message,
    reason,
    status: ready,
    type,
  });
  const text = JSON.stringify(
    {
      status: {
        conditions: [
          condition('RuntimeReady', status.runtimeReady, '', ''),
          condition(
            'NetworkReady',
            status.networkReady,
            status.networkReady ? '' : 'NetworkPluginNotReady',
            status.networkMessage,
          ),
        ],
      },
      config: {
        containerd: { defaultRuntimeName: 'runc', snapshotter: 'overlayfs' },
        cni: { binDirs: ['/opt/cni/bin'], confDir: '/etc/cni/net.d' },
        containerdEndpoint: runtime.socketPath,
        containerdRootDir: '/var/lib/containerd',
      },
      lastCNILoadStatus: status.networkReady
        ? 'OK'
        : 'cni config load failed: no network config found in /etc/cni/net.d: cni plugin not initialized: failed to load cni config',
    },
    null,
    2,
  );
  await print(context.stdout, `${text}\n`);
  return 0;
};

const showVersion: Command = async (runtime, context) => {
  const { runtimeName, runtimeVersion } = await call(runtime.runtime.version());
  await print(
    context.stdout,
    `Version:  0.1.0\nRuntimeName:  ${runtimeName}\nRuntimeVersion:  ${runtimeVersion}\nRuntimeApiVersion:  v1\n`,
  );
  return 0;
};

const commands: Readonly<Record<string, Command>> = {
  ps,
  pods,
  images,
  image: images,
  img: images,
  inspect,
  inspectp,
  inspecti,
  logs,
  exec,
  rm,
  rmp,
  rmi,
  stop,
  stopp,
  start,
  pull,
  stats,
  info,
  version: showVersion,
};
