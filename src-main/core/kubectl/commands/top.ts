import { formatDuration, parseQuantity } from '#core/kube';
import type { CommandSpec } from '../command.ts';
import { CommandError, UsageError } from '../errors.ts';
import {
  compareText,
  has,
  isJson,
  type Json,
  list,
  nameOf,
  namespaceOf,
  num,
  text,
} from '../json-view.ts';
import { listObjects } from '../resources/select.ts';
import type { Session } from '../session.ts';
import { resourceUrl } from '../discovery.ts';
import { alignTabs } from '../tab-writer.ts';

const commonFlags = [
  'selector|l:string',
  'sort-by:string',
  'no-headers:bool',
  'use-protocol-buffers:bool=true',
  'show-swap:bool',
];

export const topCommand: CommandSpec = {
  name: 'top',
  short: 'Display resource (CPU/memory) usage',
  use: 'kubectl top [flags] [options]',
  commands: [
    {
      name: 'node',
      aliases: ['nodes', 'no'],
      short: 'Display resource (CPU/memory) usage of nodes',
      use: 'kubectl top node [NAME | -l label] [options]',
      flags: [...commonFlags, 'show-capacity:bool'],
      run: topNode,
    },
    {
      name: 'pod',
      aliases: ['pods', 'po'],
      short: 'Display resource (CPU/memory) usage of pods',
      use: 'kubectl top pod [NAME | -l label] [options]',
      flags: [
        ...commonFlags,
        'field-selector:string',
        'containers:bool',
        'all-namespaces|A:bool',
        'sum:bool',
      ],
      run: topPod,
    },
  ],
};

type Measure = 'cpu' | 'memory' | 'swap';

/** Amounts in billionths of a core or byte. */
type Usage = Readonly<Record<Measure, bigint>>;

const million = 1_000_000n;
const mebibyte = 1024n * 1024n;
const roundedUp = (value: bigint, unit: bigint): bigint => (value + unit - 1n) / unit;

const nanoOf = (value: unknown, measure: Measure): bigint => {
  const found = text(value, measure);
  return found === '' ? 0n : parseQuantity(found).nano;
};

const usageOf = (value: unknown): Usage => ({
  cpu: nanoOf(value, 'cpu'),
  memory: nanoOf(value, 'memory'),
  swap: nanoOf(value, 'swap'),
});

const sumOf = (usages: readonly Usage[]): Usage => ({
  cpu: usages.reduce((sum, { cpu }) => sum + cpu, 0n),
  memory: usages.reduce((sum, { memory }) => sum + memory, 0n),
  swap: usages.reduce((sum, { swap }) => sum + swap, 0n),
});

const amount = (usage: Usage, measure: Measure): string =>
  measure === 'cpu'
    ? `${roundedUp(usage.cpu, million)}m`
    : `${roundedUp(usage[measure], million * 1000n) / mebibyte}Mi`;

const measures = (session: Session): readonly Measure[] =>
  session.flags.bool('show-swap') ? ['cpu', 'memory', 'swap'] : ['cpu', 'memory'];

/** Each cell ends with a tab, the last one too. */
const align = (rows: readonly (readonly string[])[]): string =>
  alignTabs(rows.map((row) => `${row.map((cell) => `${cell}\t`).join('')}\n`).join(''), {
    minWidth: 6,
    padding: 3,
  });

interface Measured {
  readonly name: string;
  readonly namespace: string;
  readonly usage: Usage;
}

function sorted<T extends Measured>(items: readonly T[], by: string, withNamespace: boolean): T[] {
  const descending = (a: bigint, b: bigint): number => (a > b ? -1 : a < b ? 1 : 0);
  return [...items].sort((a, b) => {
    if (by === 'cpu')
      return descending(roundedUp(a.usage.cpu, million), roundedUp(b.usage.cpu, million));
    if (by === 'memory') return descending(a.usage.memory, b.usage.memory);
    return (
      (withNamespace ? compareText(a.namespace, b.namespace) : 0) || compareText(a.name, b.name)
    );
  });
}

/** The name asked for, and whether the Metrics API is there at all. */
async function prepare(session: Session, kind: 'node' | 'pod'): Promise<string> {
  const { flags, args } = session;
  if (args.length > 1)
    throw new UsageError(`${kind} [NAME | -l label]`, {
      hint: `See '${session.command} -h' for help and examples`,
    });
  const by = flags.text('sort-by');
  if (by !== '' && by !== 'cpu' && by !== 'memory')
    throw new CommandError('--sort-by accepts only cpu or memory');
  const [name = ''] = args;
  if (kind === 'node' && name !== '' && flags.text('selector') !== '')
    throw new CommandError('only one of NAME or --selector can be provided');
  if (
    kind === 'pod' &&
    name !== '' &&
    (flags.text('selector') !== '' || flags.text('field-selector') !== '')
  )
    throw new CommandError('only one of NAME or selector can be provided');
  const groups = list(await session.api.get('/apis'), 'groups');
  const metrics = groups.find((group) => text(group, 'name') === 'metrics.k8s.io');
  if (!list(metrics, 'versions').some((version) => text(version, 'version') === 'v1beta1'))
    throw new CommandError('Metrics API not available');
  return name;
}

async function metricsOf(session: Session, path: string, name: string): Promise<readonly Json[]> {
  const { api, flags } = session;
  const url = `/apis/metrics.k8s.io/v1beta1/${path}`;
  if (name !== '') return [await api.get(`${url}/${name}`)];
  const found = await api.get(url, {
    labelSelector: flags.text('selector') || undefined,
    fieldSelector: flags.text('field-selector') || undefined,
  });
  return list(found, 'items').filter(isJson);
}

async function topNode(session: Session): Promise<number> {
  const { flags, api } = session;
  const name = await prepare(session, 'node');
  const metrics = await metricsOf(session, 'nodes', name);
  if (metrics.length === 0) throw new CommandError('metrics not available yet');
  const resource = session.builtin('', 'v1', 'nodes', 'Node', false);
  const nodes =
    name === ''
      ? await listObjects(session, resource, { namespace: '', selector: flags.text('selector') })
      : [await api.get(resourceUrl(resource, '', name))];
  const shown = measures(session);
  const rows: string[][] = [];
  if (!flags.bool('no-headers'))
    rows.push([
      ...['NAME', 'CPU(cores)', 'CPU(%)', 'MEMORY(bytes)', 'MEMORY(%)'],
      ...(flags.bool('show-swap') ? ['SWAP(bytes)', 'SWAP(%)'] : []),
    ]);
  const known = new Map(nodes.map((node) => [nameOf(node), node]));
  const items = metrics.map((each) => ({
    name: nameOf(each),
    namespace: '',
    usage: usageOf(each['usage']),
  }));
  for (const item of sorted(items, flags.text('sort-by'), false)) {
    const node = known.get(item.name);
    known.delete(item.name);
    rows.push([item.name, ...shown.flatMap((measure) => nodeCells(session, item, node, measure))]);
  }
  for (const missing of known.keys())
    rows.push([missing, ...shown.flatMap(() => ['<unknown>', '<unknown>'])]);
  session.out(align(rows));
  return 0;
}

function nodeCells(
  session: Session,
  { usage }: Measured,
  node: Json | undefined,
  measure: Measure,
): string[] {
  const used = amount(usage, measure);
  if (!node) return [used];
  if (measure === 'swap') {
    const path = ['status', 'nodeInfo', 'swap', 'capacity'] as const;
    if (!has(node, ...path)) return ['<unknown>', '<unknown>'];
    return [used, percent(usage.swap, BigInt(num(node, ...path)) * million * 1000n)];
  }
  const source = session.flags.bool('show-capacity') ? 'capacity' : 'allocatable';
  if (!has(node, 'status', source, measure)) return [used];
  const available = parseQuantity(text(node, 'status', source, measure)).nano;
  return [used, percent(usage[measure], available)];
}

function percent(used: bigint, available: bigint): string {
  if (available === 0n) return '0%';
  const milli = (nano: bigint): number => Number(roundedUp(nano, million));
  return `${Math.trunc((milli(used) / milli(available)) * 100)}%`;
}

interface PodMetrics extends Measured {
  readonly containers: readonly Measured[];
}

async function topPod(session: Session): Promise<number> {
  const { flags } = session;
  const name = await prepare(session, 'pod');
  const all = flags.bool('all-namespaces');
  const withContainers = flags.bool('containers');
  const metrics = await metricsOf(
    session,
    all ? 'pods' : `namespaces/${session.namespace}/pods`,
    name,
  );
  if (metrics.length === 0) {
    await explainNoMetrics(session);
    session.err(
      all ? 'No resources found\n' : `No resources found in ${session.namespace} namespace.\n`,
    );
    return 0;
  }
  const pods = metrics.map((each): PodMetrics => {
    const containers = list(each, 'containers').map((container) => ({
      name: text(container, 'name'),
      namespace: '',
      usage: usageOf(isJson(container) ? container['usage'] : undefined),
    }));
    return {
      name: nameOf(each),
      namespace: namespaceOf(each),
      containers,
      usage: sumOf(containers.map(({ usage }) => usage)),
    };
  });
  const shown = measures(session);
  const amounts = (usage: Usage): string[] => shown.map((measure) => amount(usage, measure));
  const columns = [
    ...(all ? ['NAMESPACE'] : []),
    ...(withContainers ? ['POD'] : []),
    ...['NAME', 'CPU(cores)', 'MEMORY(bytes)'],
    ...(flags.bool('show-swap') ? ['SWAP(bytes)'] : []),
  ];
  const rows: string[][] = flags.bool('no-headers') ? [] : [columns];
  for (const pod of sorted(pods, flags.text('sort-by'), all)) {
    const head = all ? [pod.namespace] : [];
    if (!withContainers) rows.push([...head, pod.name, ...amounts(pod.usage)]);
    else
      for (const container of sorted(pod.containers, flags.text('sort-by'), false))
        rows.push([...head, pod.name, container.name, ...amounts(container.usage)]);
  }
  if (flags.bool('sum')) {
    // Without headers upstream leaves the extra columns out of its count.
    const width = flags.bool('no-headers') ? shown.length + 1 : columns.length;
    const blank = (count: number): string[] => Array.from({ length: count }, () => '');
    rows.push(
      [...blank(width - 2), '________', '________'],
      [...blank(width - 3), '', ...amounts(sumOf(pods.map(({ usage }) => usage)))],
    );
  }
  session.out(align(rows));
  return 0;
}

/** @throws CommandError there are pods, but nobody has measured them. */
async function explainNoMetrics(session: Session): Promise<void> {
  const { flags } = session;
  const found = await listObjects(session, session.builtin('', 'v1', 'pods', 'Pod'), {
    namespace: session.namespace,
    selector: flags.text('selector'),
    fieldSelector: flags.text('field-selector'),
  });
  if (found.length === 0) return;
  for (const pod of found) {
    const age = session.now - Date.parse(text(pod, 'metadata', 'creationTimestamp'));
    if (age > 120_000)
      throw new CommandError(
        `Metrics not available for pod ${namespaceOf(pod)}/${nameOf(pod)}, age: ${formatDuration(age)}`,
      );
  }
  throw new CommandError('metrics not available yet');
}
