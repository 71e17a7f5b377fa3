import { jsonClone, sleep } from '#core/base';
import { labelValueErrors, parseLabelSelector, qualifiedNameErrors, StatusError } from '#core/kube';
import type { CommandSpec } from '../command.ts';
import { resourceUrl } from '../discovery.ts';
import { asError, CommandError, ExitError, throwCollected, UsageError } from '../errors.ts';
import { at, ensureMap, has, type Json, list, nameOf, namespaceOf, text } from '../json-view.ts';
import { isNotFound, listObjects, selectTargets, type Target, urlOf } from '../resources/select.ts';
import { changeFlags, dryRunOf, resultPrinter } from '../results.ts';
import type { Session } from '../session.ts';

const nodeFlags = ['selector|l:string', 'dry-run:string=none?unchanged', 'output|o:string'];

function usage(session: Session, verb: string): UsageError {
  return new UsageError(`USAGE: ${verb} NODE [flags]`, {
    hint: `See '${session.command} -h' for help and examples`,
  });
}

async function nodesOf(session: Session, verb: string): Promise<Target[]> {
  const selector = session.flags.text('selector');
  if (session.args.length === 0 && selector === '') throw usage(session, verb);
  if (session.args.length > 0 && selector !== '')
    throw new UsageError('cannot specify both a node name and a --selector option', {
      hint: `See '${session.command} -h' for help and examples`,
    });
  if (selector !== '') return selectTargets(session, { args: ['nodes'], selector });
  const args = session.args.flatMap((arg) => (arg.includes('/') ? [arg] : [`nodes/${arg}`]));
  return selectTargets(session, { args });
}

const dryRunSuffix = (session: Session): string =>
  ({ none: '', client: ' (dry run)', server: ' (server dry run)' })[dryRunOf(session)];

async function mark(
  session: Session,
  verb: 'cordon' | 'uncordon' | 'drain',
  nodes: readonly Target[],
): Promise<void> {
  const wanted = verb !== 'uncordon';
  const dryRun = dryRunOf(session);
  const suffix = dryRunSuffix(session);
  for (const node of nodes) {
    const word = wanted ? 'cordoned' : 'uncordoned';
    if ((at(node.object, 'spec', 'unschedulable') === true) === wanted) {
      session.out(`node/${node.name} already ${word}${suffix}\n`);
      continue;
    }
    if (dryRun !== 'client')
      await session.api.json('PATCH', urlOf(node), {
        body: { spec: { unschedulable: wanted ? true : null } },
        contentType: 'application/strategic-merge-patch+json',
        query: { dryRun: dryRun === 'server' ? 'All' : undefined },
      });
    session.out(`node/${node.name} ${word}${suffix}\n`);
  }
}

export const cordonCommand: CommandSpec = {
  name: 'cordon',
  short: 'Mark node as unschedulable',
  use: 'kubectl cordon NODE [options]',
  flags: nodeFlags,
  run: async (session) => {
    await mark(session, 'cordon', await nodesOf(session, 'cordon'));
    return 0;
  },
};

export const uncordonCommand: CommandSpec = {
  name: 'uncordon',
  short: 'Mark node as schedulable',
  use: 'kubectl uncordon NODE [options]',
  flags: nodeFlags,
  run: async (session) => {
    await mark(session, 'uncordon', await nodesOf(session, 'uncordon'));
    return 0;
  },
};

export const drainCommand: CommandSpec = {
  name: 'drain',
  short: 'Drain node in preparation for maintenance',
  use: 'kubectl drain NODE [options]',
  flags: [
    ...nodeFlags,
    'ignore-daemonsets:bool',
    'delete-emptydir-data:bool',
    'delete-local-data:bool',
    'force:bool',
    'grace-period:int=-1',
    'timeout:duration=0',
    'disable-eviction:bool',
    'pod-selector:string',
    'skip-wait-for-delete-timeout:int=0',
    'chunk-size:int=500',
  ],
  run: async (session) => {
    const nodes = await nodesOf(session, 'drain');
    try {
      parseLabelSelector(session.flags.text('pod-selector'));
    } catch {
      throw new CommandError('--pod-selector=<pod_selector> must be a valid label selector');
    }
    await mark(session, 'drain', nodes);
    for (const node of nodes) {
      await drain(session, node);
      session.out(`node/${node.name} drained${dryRunSuffix(session)}\n`);
    }
    return 0;
  },
};

/** Why a pod may not be removed, by the texts kubectl groups them under. */
interface Sorted {
  readonly evict: Json[];
  readonly problems: Map<string, string[]>;
  readonly warnings: Map<string, string[]>;
}

const daemonPods = 'cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore)';
const localPods = 'cannot delete Pods with local storage (use --delete-emptydir-data to override)';
const lonePods = 'cannot delete Pods that declare no controller (use --force to override)';

async function sortPods(session: Session, pods: readonly Json[]): Promise<Sorted> {
  const { flags } = session;
  const out: Sorted = { evict: [], problems: new Map(), warnings: new Map() };
  const note = (target: Map<string, string[]>, reason: string, pod: Json): void => {
    target.set(reason, [...(target.get(reason) ?? []), `${namespaceOf(pod)}/${nameOf(pod)}`]);
  };
  for (const pod of pods) {
    const owner = list(pod, 'metadata', 'ownerReferences').find(
      (each) => at(each, 'controller') === true,
    );
    if (has(pod, 'metadata', 'annotations', 'kubernetes.io/config.mirror')) continue;
    const ended = ['Succeeded', 'Failed'].includes(text(pod, 'status', 'phase'));
    if (text(owner, 'kind') === 'DaemonSet' && !ended) {
      const set = await session.api
        .get(`/apis/apps/v1/namespaces/${namespaceOf(pod)}/daemonsets/${text(owner, 'name')}`)
        .catch((error: unknown) => {
          if (isNotFound(error)) return undefined;
          throw error;
        });
      if (set) {
        if (flags.bool('ignore-daemonsets'))
          note(out.warnings, 'ignoring DaemonSet-managed Pods', pod);
        else note(out.problems, daemonPods, pod);
        continue;
      }
    }
    const local = list(pod, 'spec', 'volumes').some((volume) => has(volume, 'emptyDir'));
    if (
      local &&
      !ended &&
      !flags.bool('delete-emptydir-data') &&
      !flags.bool('delete-local-data')
    ) {
      note(out.problems, localPods, pod);
      continue;
    }
    if (!owner && !ended) {
      if (!flags.bool('force')) {
        note(out.problems, lonePods, pod);
        continue;
      }
      note(out.warnings, 'deleting Pods that declare no controller', pod);
    }
    out.evict.push(pod);
  }
  return out;
}

async function drain(session: Session, node: Target): Promise<void> {
  const { flags } = session;
  const pods = session.builtin('', 'v1', 'pods', 'Pod');
  const found = await listObjects(session, pods, {
    namespace: '',
    fieldSelector: `spec.nodeName=${node.name}`,
    selector: flags.text('pod-selector'),
  });
  const { evict, problems, warnings } = await sortPods(session, found);
  const shown = (reasons: Map<string, string[]>): string =>
    [...reasons].map(([reason, names]) => `${reason}: ${names.join(', ')}`).join('; ');
  if (problems.size > 0) {
    const left = session.args.length > 0 ? session.args : [node.name];
    session.err(
      `error: unable to drain node "${node.name}" due to error: ${problems.size === 1 ? shown(problems) : `[${[...problems].map(([reason, names]) => `${reason}: ${names.join(', ')}`).join(', ')}]`}, continuing command...\n`,
    );
    session.err(
      `There are pending nodes to be drained:\n${left.map((name) => ` ${name}\n`).join('')}`,
    );
    throw new ExitError(
      problems.size === 1
        ? shown(problems)
        : [...problems].map(([reason, names]) => `${reason}: ${names.join(', ')}`).join('\n'),
    );
  }
  if (warnings.size > 0) session.err(`Warning: ${shown(warnings)}\n`);
  const deadline =
    flags.duration('timeout') > 0
      ? session.now + flags.duration('timeout')
      : Number.POSITIVE_INFINITY;
  const grace =
    flags.int('grace-period') >= 0 ? { gracePeriodSeconds: flags.int('grace-period') } : {};
  if (dryRunOf(session) === 'client') {
    for (const pod of evict)
      session.out(`evicting pod ${namespaceOf(pod)}/${nameOf(pod)} (dry run)\n`);
    return;
  }
  const errors: Error[] = [];
  await Promise.all(
    evict.map(async (pod) => {
      try {
        await removePod(session, pod, grace, deadline);
      } catch (error) {
        errors.push(asError(error));
      }
    }),
  );
  throwCollected(errors);
}

async function removePod(
  session: Session,
  pod: Json,
  grace: Json,
  deadline: number,
): Promise<void> {
  const url = resourceUrl(session.builtin('', 'v1', 'pods', 'Pod'), namespaceOf(pod), nameOf(pod));
  const name = `${namespaceOf(pod)}/${nameOf(pod)}`;
  const byEviction = !session.flags.bool('disable-eviction');
  const isDry = dryRunOf(session) === 'server';
  if (byEviction) session.out(`evicting pod ${name}${dryRunSuffix(session)}\n`);
  const options = { ...grace, ...(isDry ? { dryRun: ['All'] } : {}) };
  for (;;) {
    session.checkInterrupted();
    if (session.now >= deadline)
      throw new CommandError(
        `error when waiting for pod "${nameOf(pod)}" in namespace "${namespaceOf(pod)}" to terminate: global timeout reached: ${session.flags.text('timeout')}`,
      );
    try {
      if (byEviction)
        await session.api.json('POST', `${url}/eviction`, {
          body: {
            kind: 'Eviction',
            apiVersion: 'policy/v1',
            metadata: { name: nameOf(pod), namespace: namespaceOf(pod) },
            deleteOptions: options,
          },
        });
      else
        await session.api.json('DELETE', url, {
          body: { kind: 'DeleteOptions', apiVersion: 'v1', ...options },
        });
      break;
    } catch (error) {
      if (isNotFound(error)) return;
      if (!(error instanceof StatusError) || error.status.code !== 429) throw error;
      session.err(
        `error when evicting pods/${JSON.stringify(nameOf(pod))} -n ${JSON.stringify(namespaceOf(pod))} (will retry after 5s): ${error.message}\n`,
      );
      await sleep(session.io.clock, 5000, session.io.signal);
    }
  }
  if (isDry) return;
  const uid = text(pod, 'metadata', 'uid');
  while (session.now < deadline) {
    session.checkInterrupted();
    const current = await session.api.get(url).catch((error: unknown) => {
      if (isNotFound(error)) return undefined;
      throw error;
    });
    if (!current || text(current, 'metadata', 'uid') !== uid) {
      session.out(`pod/${nameOf(pod)} ${byEviction ? 'evicted' : 'deleted'}\n`);
      return;
    }
    await sleep(session.io.clock, 1000, session.io.signal);
  }
  throw new CommandError(
    `error when waiting for pod "${nameOf(pod)}" in namespace "${namespaceOf(pod)}" to terminate: global timeout reached: ${session.flags.text('timeout')}`,
  );
}

const effects = ['NoSchedule', 'NoExecute', 'PreferNoSchedule'];

export const taintCommand: CommandSpec = {
  name: 'taint',
  short: 'Update the taints on one or more nodes',
  use: 'kubectl taint NODE NAME KEY_1=VAL_1:TAINT_EFFECT_1 ... KEY_N=VAL_N:TAINT_EFFECT_N [options]',
  flags: [
    ...changeFlags,
    'selector|l:string',
    'overwrite:bool',
    'all:bool',
    'validate:string=strict?strict',
  ],
  run: async (session) => {
    const { flags, args } = session;
    const [type, ...rest] = args;
    if (type === undefined)
      throw new CommandError('one or more resources must be specified as <resource> <name>');
    const isSpec = (arg: string): boolean => /[=:]/.test(arg) || arg.endsWith('-');
    const names = rest.filter((arg) => !isSpec(arg));
    const specs = rest.filter(isSpec);
    if (specs.length === 0) throw new CommandError('at least one taint update is required');
    const { add, remove } = taintsOf(session, specs);
    const both = remove.filter(({ key, effect }) =>
      add.some((each) => each.key === key && (effect === '' || each.effect === effect)),
    );
    if (both.length > 0)
      throw new CommandError(
        `can not both modify and remove the following taint(s) in the same command: ${both.map(({ key, effect }) => `${key}=${effect}`).join(', ')}`,
      );
    if ((await session.resource(type)).kind !== 'Node')
      throw new CommandError(
        `invalid resource type ${type.toLowerCase()}, only node types are supported`,
      );
    const targets = await selectTargets(session, {
      args: names.length > 0 ? [type, ...names] : [type],
      selector: flags.text('selector'),
      all: flags.bool('all'),
    });
    const errors: Error[] = [];
    for (const target of targets)
      try {
        await taintNode(session, target, add, remove);
      } catch (error) {
        errors.push(asError(error));
      }
    throwCollected(errors);
    return 0;
  },
};

interface TaintSpec {
  readonly key: string;
  readonly value: string;
  readonly effect: string;
}

/** Reads `KEY=VALUE:EFFECT` and `KEY:EFFECT-`. @throws UsageError */
function taintsOf(
  session: Session,
  specs: readonly string[],
): { add: TaintSpec[]; remove: TaintSpec[] } {
  const hint = `See '${session.command} -h' for help and examples`;
  const refuse = (message: string): never => {
    throw new UsageError(message, { hint });
  };
  const parse = (spec: string): TaintSpec => {
    const [pair = '', effect, ...more] = spec.split(':');
    if (more.length > 0) refuse(`invalid taint spec: ${spec}`);
    if (effect !== undefined && !effects.includes(effect))
      refuse(`invalid taint effect: ${effect}, unsupported taint effect`);
    const [key = '', value = '', ...rest] = effect === undefined ? [pair] : pair.split('=');
    if (rest.length > 0) refuse(`invalid taint spec: ${spec}`);
    for (const problems of [labelValueErrors(value), qualifiedNameErrors(key)])
      if (problems.length > 0) refuse(`invalid taint spec: ${spec}, ${problems.join('; ')}`);
    return { key, value, effect: effect ?? '' };
  };
  const add: TaintSpec[] = [];
  const remove: TaintSpec[] = [];
  for (const spec of specs) {
    if (spec.endsWith('-')) {
      remove.push(parse(spec.slice(0, -1)));
      continue;
    }
    const taint = parse(spec);
    const { key, value, effect } = taint;
    if (effect === '') refuse(`invalid taint spec: ${spec}`);
    if (add.some((each) => each.key === key && each.effect === effect))
      refuse(`duplicated taints with the same key and effect: {${key} ${value} ${effect} <nil>}`);
    add.push(taint);
  }
  return { add, remove };
}

async function taintNode(
  session: Session,
  target: Target,
  add: readonly { key: string; value: string; effect: string }[],
  remove: readonly { key: string; effect: string }[],
): Promise<void> {
  const current = list(target.object, 'spec', 'taints') as Json[];
  const taken = add.filter((taint) =>
    current.some((each) => each['key'] === taint.key && each['effect'] === taint.effect),
  );
  if (taken.length > 0 && !session.flags.bool('overwrite'))
    throw new CommandError(
      `node ${target.name} already has ${taken.map(({ key }) => key).join(', ')} taint(s) with same effect(s) and --overwrite is false`,
    );
  for (const each of remove)
    if (
      !current.some(
        (taint) =>
          taint['key'] === each.key && (each.effect === '' || taint['effect'] === each.effect),
      )
    )
      throw new CommandError(
        `taint "${each.key}${each.effect === '' ? '' : `:${each.effect}`}" not found`,
      );
  const kept = current.filter(
    (taint) =>
      !remove.some(
        (each) =>
          taint['key'] === each.key && (each.effect === '' || taint['effect'] === each.effect),
      ) && !add.some((each) => taint['key'] === each.key && taint['effect'] === each.effect),
  );
  const taints = [
    ...add.map(({ key, value, effect }) => ({ effect, key, ...(value === '' ? {} : { value }) })),
    ...kept,
  ];
  const changes = remove.length > 0 && add.length > 0;
  const word =
    changes || session.flags.bool('overwrite')
      ? 'modified'
      : remove.length > 0
        ? 'untainted'
        : 'tainted';
  const print = resultPrinter(session, { withoutSuffix: true });
  if (dryRunOf(session) === 'client') {
    const after = jsonClone(target.object);
    const spec = ensureMap(after, 'spec');
    if (taints.length > 0) spec['taints'] = taints;
    else delete spec['taints'];
    print(after, word);
    return;
  }
  print(
    await session.api.json('PATCH', urlOf(target), {
      body: { spec: { taints: taints.length > 0 ? taints : null } },
      contentType: 'application/merge-patch+json',
      query: {
        fieldManager: 'kubectl-taint',
        dryRun: dryRunOf(session) === 'server' ? 'All' : undefined,
      },
    }),
    word,
  );
}
