import { type ContainerConfig, CriError, type PodSandboxConfig } from '#core/kube';
import { familiarName, parseOptions, type ParsedOptions, print } from '../../images/index.ts';
import type { Program, ProgramContext } from '../../process/index.ts';
import type { Container } from '../container.ts';
import type { ContainerRuntime } from '../runtime.ts';
import { standaloneLabel } from '../sandbox.ts';
import { humanDuration, humanSize, repositoryAndTag, shortId, table } from './format.ts';
import { showLog } from './log-reader.ts';
import { joinStreams } from './session.ts';

const options = {
  flags: {
    a: 'a',
    all: 'a',
    q: 'q',
    quiet: 'q',
    f: 'f',
    force: 'f',
    follow: 'f',
    d: 'd',
    detach: 'd',
    i: 'i',
    interactive: 'i',
    t: 't',
    tty: 't',
    rm: 'rm',
    'no-trunc': 'no-trunc',
    l: 'l',
    v: 'v',
    volumes: 'v',
  },
  values: {
    filter: 'filter',
    name: 'name',
    p: 'p',
    publish: 'p',
    e: 'e',
    env: 'e',
    tail: 'tail',
    n: 'namespace',
    namespace: 'namespace',
    restart: 'restart',
    network: 'network',
    label: 'label',
    format: 'format',
    time: 'time',
    memory: 'memory',
    m: 'memory',
    cpus: 'cpus',
    user: 'user',
    u: 'user',
    w: 'workdir',
    workdir: 'workdir',
    hostname: 'hostname',
    h: 'hostname',
    'stop-signal': 'stop-signal',
  },
} as const;

interface Tool {
  readonly name: 'docker' | 'nerdctl';
  /** Whether the pods' containers are shown without asking for their namespace. */
  readonly seesPods: boolean;
}

/** A failure with its text and exit code. */
class ToolError extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

type Command = (
  tool: Tool,
  runtime: ContainerRuntime,
  context: ProgramContext,
  parsed: ParsedOptions,
) => Promise<number>;

const last = (parsed: ParsedOptions, name: string): string | undefined =>
  parsed.values.get(name)?.at(-1);

/** Docker's name of a pod's container: `k8s_<container>_<pod>_<namespace>_<uid>_<attempt>`. */
function nameOf({ sandbox, config }: Container): string {
  const own = sandbox.config.labels[standaloneLabel];
  if (own !== undefined) return own;
  const { name, namespace, uid } = sandbox.config;
  return `k8s_${config.name}_${name}_${namespace}_${uid}_${config.attempt}`;
}

function visible(
  tool: Tool,
  runtime: ContainerRuntime,
  parsed: ParsedOptions,
): readonly Container[] {
  const pods = tool.seesPods || last(parsed, 'namespace') === 'k8s.io';
  return [...runtime.containers.values()]
    .filter(({ sandbox }) => (tool.seesPods ? true : pods === sandbox.isPod))
    .reverse()
    .sort((a, b) => b.createdMs - a.createdMs);
}

function find(
  tool: Tool,
  runtime: ContainerRuntime,
  parsed: ParsedOptions,
  key: string,
): Container {
  const found = visible(tool, runtime, parsed).find(
    (container) => container.id.startsWith(key) || nameOf(container) === key,
  );
  if (found) return found;
  throw new ToolError(
    tool.name === 'docker'
      ? `Error response from daemon: No such container: ${key}`
      : `time="" level=fatal msg="no such container ${key}"`,
  );
}

function matches(container: Container, filters: readonly string[]): boolean {
  return filters.every((filter) => {
    const equals = filter.indexOf('=');
    const [kind, value] = [filter.slice(0, equals), filter.slice(equals + 1)];
    if (kind === 'label') {
      const [name = '', wanted] = value.split('=');
      const label = container.config.labels[name];
      return wanted === undefined ? label !== undefined : label === wanted;
    }
    if (kind === 'name') return nameOf(container).includes(value);
    if (kind === 'status')
      return value === (container.state === 'CONTAINER_RUNNING' ? 'running' : 'exited');
    if (kind === 'id') return container.id.startsWith(value);
    if (kind === 'ancestor') return container.config.image === value;
    throw new ToolError(`Error response from daemon: invalid filter '${kind}'`);
  });
}

function statusText(container: Container, now: number): string {
  if (container.state === 'CONTAINER_RUNNING')
    return `Up ${humanDuration(now - container.startedMs)}`;
  if (container.state === 'CONTAINER_CREATED') return 'Created';
  return `Exited (${container.exitCode}) ${humanDuration(now - container.finishedMs)} ago`;
}

function ports({ sandbox }: Container): string {
  return sandbox.config.portMappings
    .map(
      ({ hostPort, containerPort, protocol }) =>
        `0.0.0.0:${hostPort}->${containerPort}/${protocol.toLowerCase()}`,
    )
    .join(', ');
}

const list: Command = async (tool, runtime, context, parsed) => {
  const now = context.clock.now();
  const found = visible(tool, runtime, parsed)
    .filter(({ state }) => parsed.flags.has('a') || state === 'CONTAINER_RUNNING')
    .filter((container) => matches(container, parsed.values.get('filter') ?? []));
  const id = (text: string): string => (parsed.flags.has('no-trunc') ? text : shortId(text, 12));
  if (parsed.flags.has('q')) {
    await print(context.stdout, found.map((container) => `${id(container.id)}\n`).join(''));
    return 0;
  }
  const command = (container: Container): string => {
    const text = container.argv().join(' ');
    return `"${text.length > 20 ? `${text.slice(0, 19)}…` : text}"`;
  };
  await print(
    context.stdout,
    table(
      [
        ['CONTAINER ID', 'IMAGE', 'COMMAND', 'CREATED', 'STATUS', 'PORTS', 'NAMES'],
        ...found.map((container) => [
          id(container.id),
          tool.name === 'docker'
            ? container.config.image
            : ([...container.image.tags][0] ?? container.config.image),
          command(container),
          `${humanDuration(now - container.createdMs)} ago`,
          statusText(container, now),
          ports(container),
          nameOf(container),
        ]),
      ],
      10,
    ),
  );
  return 0;
};

const remove: Command = async (tool, runtime, context, parsed) => {
  for (const key of parsed.operands) {
    const container = find(tool, runtime, parsed, key);
    if (container.state === 'CONTAINER_RUNNING' && !parsed.flags.has('f'))
      throw new ToolError(
        `Error response from daemon: cannot remove container "/${nameOf(container)}": container is running: stop the container before removing or force remove`,
      );
    await discard(runtime, container);
    await print(context.stdout, `${key}\n`);
  }
  return 0;
};

async function discard(runtime: ContainerRuntime, container: Container): Promise<void> {
  await runtime.runtime.stopContainer(container.id, 0);
  await runtime.runtime.removeContainer(container.id);
  if (container.sandbox.isPod) return;
  await runtime.runtime.stopPodSandbox(container.sandbox.id);
  await runtime.runtime.removePodSandbox(container.sandbox.id);
}

const stop: Command = async (tool, runtime, context, parsed) => {
  for (const key of parsed.operands) {
    const seconds = Number(last(parsed, 'time') ?? 10);
    await runtime.runtime.stopContainer(find(tool, runtime, parsed, key).id, seconds);
    await print(context.stdout, `${key}\n`);
  }
  return 0;
};

const images: Command = async (_, runtime, context, parsed) => {
  const rows = runtime.store
    .list()
    .flatMap((stored) => [...stored.tags].map((tag) => ({ stored, tag })))
    .sort((a, b) => b.stored.pulledMs - a.stored.pulledMs);
  if (parsed.flags.has('q')) {
    await print(context.stdout, rows.map(({ stored }) => `${shortId(stored.id, 12)}\n`).join(''));
    return 0;
  }
  await print(
    context.stdout,
    table(
      [
        ['REPOSITORY', 'TAG', 'IMAGE ID', 'CREATED', 'SIZE'],
        ...rows.map(({ stored, tag }) => {
          const [repository, name] = repositoryAndTag(tag);
          return [
            familiarName(repository),
            name,
            shortId(stored.id, 12),
            `${humanDuration(context.clock.now() - stored.pulledMs)} ago`,
            humanSize(stored.image.sizeBytes),
          ];
        }),
      ],
      10,
    ),
  );
  return 0;
};

async function fetchImage(tool: Tool, runtime: ContainerRuntime, image: string): Promise<string> {
  try {
    return await runtime.images.pullImage(image);
  } catch (error) {
    if (!(error instanceof CriError)) throw error;
    if (tool.name === 'nerdctl')
      throw new ToolError(`time="" level=fatal msg=${JSON.stringify(error.message)}`);
    const [repository] = repositoryAndTag(image.includes(':') ? image : `${image}:latest`);
    throw new ToolError(
      error.code === 'NotFound'
        ? `Error response from daemon: manifest for ${image} not found: manifest unknown: manifest unknown`
        : `Error response from daemon: pull access denied for ${repository}, repository does not exist or may require 'docker login': denied: requested access to the resource is denied`,
    );
  }
}

const pull: Command = async (tool, runtime, context, parsed) => {
  const [image = ''] = parsed.operands;
  const reference = await fetchImage(tool, runtime, image);
  const [repository = '', digest = ''] = reference.split('@');
  const tag = image.includes(':') ? repositoryAndTag(image)[1] : 'latest';
  await print(
    context.stdout,
    `${tag}: Pulling from ${familiarName(repository).includes('/') ? familiarName(repository) : `library/${familiarName(repository)}`}\nDigest: ${digest}\nStatus: Downloaded newer image for ${familiarName(repository)}:${tag}\n${repository}:${tag}\n`,
  );
  return 0;
};

const logs: Command = async (tool, runtime, context, parsed) => {
  const container = find(tool, runtime, parsed, parsed.operands[0] ?? '');
  const tail = last(parsed, 'tail');
  await showLog(context, context.files, container.logPath, {
    follow: parsed.flags.has('f'),
    running: () => container.state === 'CONTAINER_RUNNING',
    ...(tail === undefined ? {} : { tail: Number(tail) }),
  });
  return 0;
};

const exec: Command = async (tool, runtime, context, parsed) => {
  const [key = '', ...command] = parsed.operands;
  const container = find(tool, runtime, parsed, key);
  const tty = parsed.flags.has('t');
  const stdin = parsed.flags.has('i');
  try {
    const attached = await runtime.runtime.exec(container.id, {
      command,
      stdin,
      stdout: true,
      stderr: !tty,
      tty,
    });
    return await joinStreams(context, attached, stdin);
  } catch (error) {
    if (!(error instanceof CriError)) throw error;
    throw new ToolError(
      error.message.replace(/^failed to exec in container: failed to start exec "\w+": /, ''),
      126,
    );
  }
};

/** Makes a container of its own, outside any pod, and stays with it unless `-d`. */
const run: Command = async (tool, runtime, context, parsed) => {
  const [image = '', ...args] = parsed.operands;
  if (image === '') throw new ToolError(`"${tool.name} run" requires at least 1 argument.`);
  if (!runtime.store.find(image)) {
    if (tool.name === 'docker')
      await print(
        context.stderr,
        `Unable to find image '${image.includes(':') ? image : `${image}:latest`}' locally\n`,
      );
    await fetchImage(tool, runtime, image);
  }
  const count = runtime.containers.size;
  const name =
    last(parsed, 'name') ??
    `${familiarName(image).replace(/\W+/g, '-')}-${(count + 0x1a2b3).toString(16)}`;
  const taken = [...runtime.sandboxes.values()].some(
    ({ config }) => config.labels[standaloneLabel] === name,
  );
  if (taken)
    throw new ToolError(
      tool.name === 'docker'
        ? `docker: Error response from daemon: Conflict. The container name "/${name}" is already in use. You have to remove (or rename) that container to be able to reuse that name.`
        : `time="" level=fatal msg="name \\"${name}\\" is already used"`,
      125,
    );
  const directory = `/var/lib/${tool.name}/containers/${name}`;
  const tty = parsed.flags.has('t');
  const sandboxId = await runtime.runtime.runPodSandbox(sandboxConfig(name, directory, parsed));
  const config: ContainerConfig = {
    name,
    attempt: 0,
    image,
    command: [],
    args,
    workingDirectory: last(parsed, 'workdir') ?? '',
    env: (parsed.values.get('e') ?? []).map((word) => {
      const equals = word.indexOf('=');
      return equals < 0
        ? { name: word, value: context.env[word] ?? '' }
        : { name: word.slice(0, equals), value: word.slice(equals + 1) };
    }),
    mounts: [{ containerPath: '/etc/resolv.conf', hostPath: '/etc/resolv.conf', readOnly: false }],
    labels: { [standaloneLabel]: name },
    annotations: {},
    logPath: `${name}.log`,
    stdin: parsed.flags.has('i'),
    stdinOnce: true,
    tty,
    resources: {},
    security: {
      privileged: false,
      readOnlyRootFilesystem: false,
      addedCapabilities: [],
      droppedCapabilities: [],
      supplementalGroups: [],
    },
  };
  const id = await runtime.runtime.createContainer(sandboxId, config);
  const container = runtime.containers.get(id);
  const attached = parsed.flags.has('d')
    ? undefined
    : await startAttached(runtime, id, { stdin: config.stdin, tty });
  if (!attached) {
    await runtime.runtime.startContainer(id);
    await print(context.stdout, `${id}\n`);
    return 0;
  }
  const code = await joinStreams(context, attached, config.stdin);
  if (parsed.flags.has('rm') && container) await discard(runtime, container);
  return code;
};

async function startAttached(
  runtime: ContainerRuntime,
  id: string,
  { stdin, tty }: { stdin: boolean; tty: boolean },
): ReturnType<ContainerRuntime['runtime']['attach']> {
  const started = runtime.runtime.startContainer(id);
  // Attached in the same step, before the process writes its first byte.
  const attached = runtime.runtime.attach(id, { stdin, stdout: true, stderr: !tty, tty });
  await started;
  return attached;
}

function sandboxConfig(
  name: string,
  logDirectory: string,
  parsed: ParsedOptions,
): PodSandboxConfig {
  return {
    name,
    namespace: 'default',
    uid: name,
    attempt: 0,
    hostname: last(parsed, 'hostname') ?? name.slice(0, 12),
    labels: { [standaloneLabel]: name },
    annotations: {},
    logDirectory,
    hostNetwork: last(parsed, 'network') === 'host',
    hostPid: false,
    shareProcessNamespace: false,
    dns: { servers: [], searches: [], options: [] },
    portMappings: (parsed.values.get('p') ?? []).map((word) => {
      const [mapping = '', protocol = 'tcp'] = word.split('/');
      const parts = mapping.split(':');
      return {
        protocol,
        containerPort: Number(parts.at(-1)),
        hostPort: Number(parts.at(-2) ?? parts.at(-1)),
        hostIp: parts.length > 2 ? (parts[0] ?? '') : '',
      };
    }),
    sysctls: {},
  };
}

const version: Command = async (tool, _, context) => {
  await print(
    context.stdout,
    tool.name === 'docker'
      ? 'Client: Docker Engine - Community\n Version:           28.5.1\n\nServer: Docker Engine - Community\n Engine:\n  Version:          28.5.1\n'
      : 'Client:\n Version:\tv2.1.6\n\nServer:\n containerd:\n  Version:\tv2.2.9\n',
  );
  return 0;
};

const removeImages: Command = async (_, runtime, context, parsed) => {
  for (const name of parsed.operands) {
    const stored = runtime.store.find(name);
    if (!stored)
      throw new ToolError(
        `Error response from daemon: No such image: ${name.includes(':') ? name : `${name}:latest`}`,
      );
    await runtime.images.removeImage(name);
    await print(context.stdout, `Untagged: ${name}\n`);
  }
  return 0;
};

const commands: Readonly<Record<string, Command>> = {
  ps: list,
  rm: remove,
  stop,
  images,
  pull,
  logs,
  exec,
  run,
  version,
  rmi: removeImages,
};

/** `docker container ls` and the like are older names' longer forms. */
const groups: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  container: {
    ls: 'ps',
    list: 'ps',
    ps: 'ps',
    rm: 'rm',
    stop: 'stop',
    logs: 'logs',
    exec: 'exec',
    run: 'run',
  },
  image: { ls: 'images', list: 'images', pull: 'pull', rm: 'rmi' },
};

/** `exec` and `run`: options end at the first operand. */
function ownOptions(name: string, words: readonly string[]): readonly string[] {
  if (name !== 'exec' && name !== 'run') return words;
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? '';
    if (!word.startsWith('-'))
      return [...words.slice(0, index + 1), '--', ...words.slice(index + 1)];
    const key = word.replace(/^--?/, '');
    if (!word.includes('=') && key in options.values) index++;
  }
  return words;
}

function dockerLike(tool: Tool, runtime: ContainerRuntime): Program {
  return async (context) => {
    let words = context.argv.slice(1);
    const before: string[] = [];
    while (words[0]?.startsWith('-')) {
      if (words[0] === '--version') {
        await print(
          context.stdout,
          tool.name === 'docker'
            ? 'Docker version 28.5.1, build e180ab8\n'
            : 'nerdctl version 2.1.6\n',
        );
        return 0;
      }
      before.push(...words.splice(0, words[0].includes('=') ? 1 : 2));
    }
    const [first = '', second = ''] = words;
    const group = Object.hasOwn(groups, first) ? groups[first] : undefined;
    const name = group ? (group[second] ?? second) : first;
    words = words.slice(group ? 2 : 1);
    const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
    if (!command) {
      await print(
        context.stderr,
        tool.name === 'docker'
          ? `docker: unknown command: docker ${first}\n\nRun 'docker --help' for more information\n`
          : `time="" level=fatal msg="unknown subcommand \\"${first}\\" for \\"nerdctl\\""\n`,
      );
      return 1;
    }
    const parsed = parseOptions([...before, ...ownOptions(name, words)], options);
    try {
      if (parsed.bad) {
        const { option } = parsed.bad;
        const text = option.startsWith('--')
          ? `unknown flag: ${option}`
          : `unknown shorthand flag: '${option.slice(1)}' in ${option}`;
        throw new ToolError(
          `${text}\n\nUsage:  ${tool.name} ${group ? `${first} ${second}` : first} [OPTIONS]\n\nRun '${tool.name} ${group ? `${first} ${second}` : first} --help' for more information`,
          125,
        );
      }
      if (!runtime.up)
        throw new ToolError(
          tool.name === 'docker'
            ? 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?'
            : `time="" level=fatal msg="cannot access containerd socket \\"${runtime.socketPath}\\": no such file or directory"`,
        );
      return await command(tool, runtime, context, parsed);
    } catch (error) {
      if (!(error instanceof ToolError) && !(error instanceof CriError)) throw error;
      const time = `time="${new Date(context.clock.now()).toISOString().slice(0, 19)}Z"`;
      await print(context.stderr, `${error.message.replace(/^time=""/, time)}\n`);
      return error instanceof ToolError ? error.exitCode : 125;
    }
  };
}

/** `docker`, on a node whose containers it shows under the names dockershim gave them. */
export const docker = (runtime: ContainerRuntime): Program =>
  dockerLike({ name: 'docker', seesPods: true }, runtime);

/** `nerdctl`: containerd's `default` namespace; `-n k8s.io` shows the pods' containers. */
export const nerdctl = (runtime: ContainerRuntime): Program =>
  dockerLike({ name: 'nerdctl', seesPods: false }, runtime);
