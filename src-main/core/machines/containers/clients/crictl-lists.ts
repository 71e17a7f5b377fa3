import { type ParsedOptions, print } from '../../images/index.ts';
import type { ProgramContext } from '../../process/index.ts';
import type { Container } from '../container.ts';
import type { ContainerRuntime } from '../runtime.ts';
import type { Sandbox } from '../sandbox.ts';
import { humanDuration, humanSize, repositoryAndTag, shortId, table } from './format.ts';

/** What crictl does for one of its words. @returns the exit code. */
export type Command = (
  runtime: ContainerRuntime,
  context: ProgramContext,
  parsed: ParsedOptions,
) => Promise<number>;

/** The last value given for an option. */
export const last = (parsed: ParsedOptions, name: string): string | undefined =>
  parsed.values.get(name)?.at(-1);

const states: Readonly<Record<string, string>> = {
  CONTAINER_CREATED: 'Created',
  CONTAINER_RUNNING: 'Running',
  CONTAINER_EXITED: 'Exited',
  CONTAINER_UNKNOWN: 'Unknown',
};

/** Containers that CRI sees: not those of other tools. */
export const visibleContainers = (runtime: ContainerRuntime): readonly Container[] =>
  [...runtime.containers.values()].filter(({ sandbox }) => sandbox.isPod);
/** Sandboxes that CRI sees. */
export const visibleSandboxes = (runtime: ContainerRuntime): readonly Sandbox[] =>
  [...runtime.sandboxes.values()].filter(({ isPod }) => isPod);

function hasLabels(labels: Readonly<Record<string, string>>, wanted: readonly string[]): boolean {
  return wanted.every((word) => {
    const [name = '', value] = word.split('=');
    return value === undefined ? name in labels : labels[name] === value;
  });
}

/** `crictl ps`. */
export const ps: Command = async (runtime, context, parsed) => {
  const name = last(parsed, 'name');
  const pod = last(parsed, 'pod');
  const state = last(parsed, 'state')?.toLowerCase();
  let found = visibleContainers(runtime)
    .filter((container) => {
      const shown = (states[container.state] ?? '').toLowerCase();
      if (state === undefined ? !parsed.flags.has('a') && shown !== 'running' : shown !== state)
        return false;
      if (name !== undefined && !new RegExp(name).test(container.config.name)) return false;
      if (pod !== undefined && !container.sandbox.id.startsWith(pod)) return false;
      return hasLabels(container.config.labels, parsed.values.get('label') ?? []);
    })
    .reverse()
    .sort((a, b) => b.createdMs - a.createdMs);
  const limit = parsed.flags.has('l') ? 1 : Number(last(parsed, 'last') ?? 0);
  if (limit > 0) found = found.slice(0, limit);
  if (parsed.flags.has('q')) {
    await print(context.stdout, found.map(({ id }) => `${id}\n`).join(''));
    return 0;
  }
  if (last(parsed, 'o') === 'json') {
    const containers = found.map((container) => {
      const status = container.status();
      return {
        annotations: status.annotations,
        createdAt: String(status.createdMs * 1_000_000),
        id: status.id,
        image: {
          annotations: {},
          image: container.image.id,
          runtimeHandler: '',
          userSpecifiedImage: container.config.image,
        },
        imageRef: container.image.id,
        labels: status.labels,
        metadata: { attempt: status.attempt, name: status.name },
        podSandboxId: status.sandboxId,
        state: status.state,
      };
    });
    await print(context.stdout, `${JSON.stringify({ containers }, null, 2)}\n`);
    return 0;
  }
  const id = (text: string): string => (parsed.flags.has('no-trunc') ? text : shortId(text));
  await print(
    context.stdout,
    table([
      ['CONTAINER', 'IMAGE', 'CREATED', 'STATE', 'NAME', 'ATTEMPT', 'POD ID', 'POD', 'NAMESPACE'],
      ...found.map((container) => [
        id(container.id),
        id(container.image.id),
        `${humanDuration(context.clock.now() - container.createdMs)} ago`,
        states[container.state] ?? '',
        container.config.name,
        String(container.config.attempt),
        id(container.sandbox.id),
        container.sandbox.config.name,
        container.sandbox.config.namespace,
      ]),
    ]),
  );
  return 0;
};

/** `crictl pods`. */
export const pods: Command = async (runtime, context, parsed) => {
  const name = last(parsed, 'name');
  const namespace = last(parsed, 'namespace');
  const state = last(parsed, 'state')?.toLowerCase();
  const found = visibleSandboxes(runtime)
    .filter(({ config, ready, id }) => {
      if (name !== undefined && !new RegExp(name).test(config.name)) return false;
      if (namespace !== undefined && !new RegExp(namespace).test(config.namespace)) return false;
      if (state !== undefined && (state === 'ready') !== ready) return false;
      if (!id.startsWith(last(parsed, 'id') ?? '')) return false;
      return hasLabels(config.labels, parsed.values.get('label') ?? []);
    })
    .reverse()
    .sort((a, b) => b.createdMs - a.createdMs);
  if (parsed.flags.has('q')) {
    await print(context.stdout, found.map(({ id }) => `${id}\n`).join(''));
    return 0;
  }
  await print(
    context.stdout,
    table([
      ['POD ID', 'CREATED', 'STATE', 'NAME', 'NAMESPACE', 'ATTEMPT', 'RUNTIME'],
      ...found.map(({ id, createdMs, ready, config }) => [
        parsed.flags.has('no-trunc') ? id : shortId(id),
        `${humanDuration(context.clock.now() - createdMs)} ago`,
        ready ? 'Ready' : 'NotReady',
        config.name,
        config.namespace,
        String(config.attempt),
        '(default)',
      ]),
    ]),
  );
  return 0;
};

/** `crictl images`. */
export const images: Command = async (runtime, context, parsed) => {
  const filter = parsed.operands[0];
  const listed = runtime.store
    .list()
    .flatMap((stored) => {
      const names =
        stored.tags.size > 0
          ? [...stored.tags]
          : [`${[...stored.digests][0]?.split('@')[0] ?? '<none>'}:<none>`];
      return names.map((tag) => ({ stored, tag }));
    })
    .filter(({ tag }) => filter === undefined || tag.includes(filter))
    .sort((a, b) => (a.tag < b.tag ? -1 : 1));
  if (parsed.flags.has('q')) {
    const ids = new Set(listed.map(({ stored }) => stored.id));
    await print(context.stdout, [...ids].map((id) => `${id}\n`).join(''));
    return 0;
  }
  await print(
    context.stdout,
    table([
      ['IMAGE', 'TAG', 'IMAGE ID', 'SIZE'],
      ...listed.map(({ stored, tag }) => [
        ...repositoryAndTag(tag),
        parsed.flags.has('no-trunc') ? stored.id : shortId(stored.id),
        humanSize(stored.image.sizeBytes),
      ]),
    ]),
  );
  return 0;
};
