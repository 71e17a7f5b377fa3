import { CriError } from '#core/kube';
import { print } from '../../images/index.ts';
import type { Program, ProgramContext } from '../../process/index.ts';
import type { ContainerRuntime } from '../runtime.ts';
import { humanSize, table } from './format.ts';

interface Request {
  readonly runtime: ContainerRuntime;
  readonly context: ProgramContext;
  readonly namespace: string;
  readonly words: readonly string[];
}

const inNamespace = ({ runtime, namespace }: Request) =>
  [...runtime.containers.values()].filter(
    ({ sandbox }) => sandbox.isPod === (namespace === 'k8s.io'),
  );

/** `ctr`: containerd's own client, as far as it lists and pulls. */
export function ctr(runtime: ContainerRuntime): Program {
  return async (context) => {
    const words = context.argv.slice(1);
    let namespace = context.env['CONTAINERD_NAMESPACE'] ?? 'default';
    while (words[0]?.startsWith('-')) {
      const flag = words.shift() ?? '';
      const match = /^--?(?:n|namespace)=(.+)$/.exec(flag);
      if (match?.[1]) namespace = match[1];
      else if (flag === '-n' || flag === '--namespace') namespace = words.shift() ?? namespace;
      else if (flag === '-v' || flag === '--version') {
        await print(context.stdout, 'ctr github.com/containerd/containerd/v2 v2.2.9\n');
        return 0;
      } else if (flag === '-a' || flag === '--address') words.shift();
    }
    if (!runtime.up) {
      await print(
        context.stderr,
        `ctr: cannot access socket ${runtime.socketPath}: stat ${runtime.socketPath}: no such file or directory\n`,
      );
      return 1;
    }
    const [group = '', verb = 'ls', ...rest] = words;
    const request: Request = { runtime, context, namespace, words: rest };
    try {
      return await dispatch(group, verb, request);
    } catch (error) {
      if (!(error instanceof CriError)) throw error;
      await print(
        context.stderr,
        `ctr: ${error.message.replace(/^failed to pull and unpack image "[^"]*": /, '')}\n`,
      );
      return 1;
    }
  };
}

async function dispatch(group: string, verb: string, request: Request): Promise<number> {
  const { runtime, context, words } = request;
  const quiet = words.includes('-q') || words.includes('--quiet');
  if (/^(n|ns|namespaces?)$/.test(group)) {
    await print(
      context.stdout,
      table(
        [
          ['NAME', 'LABELS'],
          ['default', ''],
          ['k8s.io', ''],
        ],
        0,
        4,
      ),
    );
    return 0;
  }
  if (/^(i|images?)$/.test(group) && /^(ls|list)$/.test(verb)) {
    const rows = runtime.store
      .list()
      .flatMap(({ tags, digests, image }) =>
        [...tags].map((tag) => [
          tag,
          'application/vnd.oci.image.index.v1+json',
          [...digests][0]?.split('@')[1] ?? '',
          humanSize(image.sizeBytes).replace(/([kMG]?B)$/, ' $1'),
          'linux/amd64',
          'io.cri-containerd.image=managed',
        ]),
      )
      .sort(([a = ''], [b = '']) => (a < b ? -1 : 1));
    await print(
      context.stdout,
      quiet
        ? rows.map(([name = '']) => `${name}\n`).join('')
        : table([['REF', 'TYPE', 'DIGEST', 'SIZE', 'PLATFORMS', 'LABELS'], ...rows], 0, 1),
    );
    return 0;
  }
  if (/^(i|images?)$/.test(group) && verb === 'pull') {
    const image = words.find((word) => !word.startsWith('-')) ?? '';
    if (!image.includes('/') || !/[.:]/.test(image.split('/')[0] ?? '')) {
      await print(context.stderr, `ctr: failed to resolve reference "${image}": object required\n`);
      return 1;
    }
    const reference = await runtime.images.pullImage(image);
    await print(
      context.stdout,
      `${image}: resolved\nunpacking linux/amd64 ${reference.split('@')[1] ?? ''}...\ndone\n`,
    );
    return 0;
  }
  if (/^(i|images?)$/.test(group) && /^(rm|remove|delete|del)$/.test(verb)) {
    for (const name of words.filter((word) => !word.startsWith('-'))) {
      await runtime.images.removeImage(name);
      await print(context.stdout, `${name}\n`);
    }
    return 0;
  }
  if (/^(c|containers?)$/.test(group) && /^(ls|list)$/.test(verb)) {
    const found = inNamespace(request);
    await print(
      context.stdout,
      quiet
        ? found.map(({ id }) => `${id}\n`).join('')
        : table(
            [
              ['CONTAINER', 'IMAGE', 'RUNTIME'],
              ...found.map(({ id, image }) => [
                id,
                [...image.tags][0] ?? '',
                'io.containerd.runc.v2    ',
              ]),
            ],
            0,
            4,
          ),
    );
    return 0;
  }
  if (/^(t|tasks?)$/.test(group) && /^(ls|list)$/.test(verb)) {
    const found = inNamespace(request).filter(({ state }) => state === 'CONTAINER_RUNNING');
    await print(
      context.stdout,
      table(
        [
          ['TASK', 'PID', 'STATUS'],
          ...found.map((container) => [container.id, String(container.hostPid()), 'RUNNING']),
        ],
        0,
        4,
      ),
    );
    return 0;
  }
  if (group === 'version') {
    await print(
      context.stdout,
      'Client:\n  Version:  v2.2.9\n  Revision: 5a0e8a0\n\nServer:\n  Version:  v2.2.9\n  Revision: 5a0e8a0\n',
    );
    return 0;
  }
  await print(context.stderr, `No help topic for '${group}'\n`);
  return 3;
}
