import { jsonClone, jsonEqual } from '#core/base';
import type { CommandSpec } from '../command.ts';
import { resourceUrl } from '../discovery.ts';
import { asError, CommandError, throwCollected } from '../errors.ts';
import { at, ensureMap, has, type Json, list, map, nameOf, num, text } from '../json-view.ts';
import { Description } from '../describe/writer.ts';
import { describeTemplate } from '../describe/pod.ts';
import { fileFlags, fileOptions } from '../resources/manifests.ts';
import { listObjects, selectTargets, type Target, urlOf } from '../resources/select.ts';
import { changeFlags, dryRunOf, resultPrinter, writeQuery } from '../results.ts';
import type { Session } from '../session.ts';
import { selectorOf } from '../resources/label-selector.ts';

const flags = [...fileFlags, ...changeFlags, 'selector|l:string'];

async function targetsOf(session: Session, onError: (error: Error) => void): Promise<Target[]> {
  const selector = session.flags.text('selector');
  if (session.args.length === 0 && session.flags.all('filename').length === 0)
    throw new CommandError('required resource not specified');
  return selectTargets(session, {
    args: session.args,
    files: fileOptions(session),
    selector,
    all: selector === '',
    onError,
  });
}

async function patchTarget(
  session: Session,
  target: Target,
  body: unknown,
  contentType = 'application/strategic-merge-patch+json',
): Promise<Json> {
  if (dryRunOf(session) === 'client') return target.object;
  return session.api.json('PATCH', urlOf(target), {
    body,
    contentType,
    query: writeQuery(session, 'kubectl-rollout', { validation: false }),
  });
}

/** One change for each target, with its word printed. */
function each(
  word: string,
  change: (session: Session, target: Target) => Promise<Json>,
): (session: Session) => Promise<number> {
  return async (session) => {
    const errors: Error[] = [];
    const print = resultPrinter(session);
    for (const target of await targetsOf(session, (error) => errors.push(error)))
      try {
        print(await change(session, target), word);
      } catch (error) {
        errors.push(asError(error));
      }
    throwCollected(errors);
    return 0;
  };
}

function pausing(paused: boolean): (session: Session, target: Target) => Promise<Json> {
  return async (session, target) => {
    const verb = paused ? 'pause' : 'resume';
    const { kind } = target.resource;
    if (kind !== 'Deployment')
      throw new CommandError(
        `${target.resource.resource}.${target.resource.group} "${target.name}" ${paused ? 'pausing' : 'resuming'} is not supported`,
      );
    if ((at(target.object, 'spec', 'paused') === true) === paused)
      throw new CommandError(
        `deployments.apps "${target.name}" ${paused ? 'is already paused' : 'is not paused'}`.replace(
          'is not paused',
          verb === 'resume' ? 'is not paused' : '',
        ),
      );
    return patchTarget(session, target, { spec: { paused: paused ? true : null } });
  };
}

/** `deployments.apps "web"`. */
function fullName({ resource: { resource, group }, name }: Target): string {
  return `${resource}${group === '' ? '' : `.${group}`} "${name}"`;
}

async function restart(session: Session, target: Target): Promise<Json> {
  const { kind } = target.resource;
  if (!['Deployment', 'DaemonSet', 'StatefulSet'].includes(kind))
    throw new CommandError(`${fullName(target)} restarting is not supported`);
  if (at(target.object, 'spec', 'paused') === true)
    throw new CommandError(
      `${fullName(target)} can't restart paused deployment (run rollout resume first)`,
    );
  const restartedAt = new Date(session.now).toISOString().replace(/\.\d+Z$/, 'Z');
  return patchTarget(session, target, {
    spec: {
      template: { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': restartedAt } } },
    },
  });
}

interface Revision {
  readonly number: number;
  readonly template: Json;
  readonly cause: string;
}

const causeOf = (object: unknown): string =>
  text(object, 'metadata', 'annotations', 'kubernetes.io/change-cause') || '<none>';

/** What a workload was made of before, oldest first. */
async function revisionsOf(session: Session, target: Target): Promise<Revision[]> {
  const uid = text(target.object, 'metadata', 'uid');
  const owned = (object: Json): boolean =>
    list(object, 'metadata', 'ownerReferences').some((owner) => text(owner, 'uid') === uid);
  const selector = selectorOf(target.object);
  if (target.resource.kind === 'Deployment') {
    const sets = (
      await listObjects(session, session.builtin('apps', 'v1', 'replicasets', 'ReplicaSet'), {
        namespace: target.namespace,
        selector,
      })
    ).filter(owned);
    return sets
      .map((set) => ({
        number: Number(text(set, 'metadata', 'annotations', 'deployment.kubernetes.io/revision')),
        template: map(set, 'spec', 'template'),
        cause: causeOf(set),
      }))
      .sort((a, b) => a.number - b.number);
  }
  if (!['DaemonSet', 'StatefulSet'].includes(target.resource.kind))
    throw new CommandError(`no history viewer has been implemented for "${target.resource.kind}"`);
  const found = (
    await listObjects(
      session,
      session.builtin('apps', 'v1', 'controllerrevisions', 'ControllerRevision'),
      { namespace: target.namespace, selector },
    )
  ).filter(owned);
  return found
    .map((revision) => ({
      number: num(revision, 'revision'),
      template: map(revision, 'data', 'spec', 'template'),
      cause: causeOf(revision),
    }))
    .sort((a, b) => a.number - b.number);
}

async function history(session: Session): Promise<number> {
  const errors: Error[] = [];
  const wanted = session.flags.int('revision');
  if (wanted < 0) throw new CommandError(`revision must be a positive integer: ${wanted}`);
  for (const target of await targetsOf(session, (error) => errors.push(error)))
    try {
      const revisions = await revisionsOf(session, target);
      const group = target.resource.group === '' ? '' : `.${target.resource.group}`;
      const title = `${target.resource.singular || target.resource.kind.toLowerCase()}${group}/${target.name}`;
      if (wanted > 0) {
        const found = revisions.find(({ number }) => number === wanted);
        if (!found) throw new CommandError('unable to find the specified revision');
        const out = new Description();
        describeTemplate(out, found.template);
        session.out(`${title} with revision #${wanted}\n${out.unaligned()}\n`);
      } else {
        session.out(`${title} \n`);
        session.out(
          `${alignDefault([['REVISION', 'CHANGE-CAUSE'], ...revisions.map(({ number, cause }) => [String(number), cause])])}\n`,
        );
      }
    } catch (error) {
      errors.push(asError(error));
    }
  throwCollected(errors);
  return 0;
}

/** The columns of rollout history are two spaces apart. */
function alignDefault(rows: readonly (readonly string[])[]): string {
  const out = new Description();
  for (const row of rows) out.line(0, ...row);
  return out.toString();
}

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

async function undo(session: Session): Promise<number> {
  const errors: Error[] = [];
  const print = resultPrinter(session);
  const wanted = session.flags.int('to-revision');
  for (const target of await targetsOf(session, (error) => errors.push(error)))
    try {
      const { kind, resource } = target.resource;
      if (has(target.object, 'metadata', 'annotations', lastApplied))
        session.err(
          `Warning: resource ${resource}/${target.name} was previously managed with 'kubectl apply'. Rolling back will not update the ${lastApplied} annotation, which may cause unexpected behavior on future 'kubectl apply' operations. Consider using 'kubectl apply' with your previous configuration file instead.\n`,
        );
      if (!['Deployment', 'DaemonSet', 'StatefulSet'].includes(kind))
        throw new CommandError(`no rollbacker has been implemented for "${kind}"`);
      const revisions = await revisionsOf(session, target);
      const found =
        wanted === 0 ? revisions.at(-2) : revisions.find(({ number }) => number === wanted);
      if (!found)
        throw new CommandError(
          wanted !== 0
            ? `unable to find specified revision ${wanted} in history`
            : `no rollout history found for ${target.resource.singular} "${target.name}"`,
        );
      if (dryRunOf(session) === 'client') {
        const out = new Description();
        describeTemplate(out, found.template);
        print(target.object, out.unaligned());
        continue;
      }
      if (at(target.object, 'spec', 'paused') === true)
        throw new CommandError(
          `you cannot rollback a paused deployment; resume it first with 'kubectl rollout resume' and try again`,
        );
      const template = jsonClone(found.template);
      const labels = ensureMap(template, 'metadata', 'labels');
      Reflect.deleteProperty(labels, 'pod-template-hash');
      if (jsonEqual(template, at(target.object, 'spec', 'template'))) {
        print(
          target.object,
          `skipped rollback (current template already matches revision ${found.number})`,
        );
        continue;
      }
      await patchTarget(
        session,
        target,
        [{ op: 'replace', path: '/spec/template', value: template }],
        'application/json-patch+json',
      );
      print(target.object, 'rolled back');
    } catch (error) {
      errors.push(asError(error));
    }
  throwCollected(errors);
  return 0;
}

/** Where a rollout stands. @see kubectl pkg/polymorphichelpers/rollout_status.go */
export function rolloutStatus(object: Json, kind: string): { message: string; done: boolean } {
  const name = nameOf(object);
  const status = (key: string): number => num(object, 'status', key);
  const observed = status('observedGeneration') >= num(object, 'metadata', 'generation');
  const wanted =
    typeof at(object, 'spec', 'replicas') === 'number' ? num(object, 'spec', 'replicas') : 1;
  const waiting = (message: string): { message: string; done: boolean } => ({
    message,
    done: false,
  });
  if (kind === 'Deployment') {
    if (!observed) return waiting('Waiting for deployment spec update to be observed...\n');
    const late = list(object, 'status', 'conditions').some(
      (condition) =>
        text(condition, 'type') === 'Progressing' &&
        text(condition, 'reason') === 'ProgressDeadlineExceeded',
    );
    if (late) throw new CommandError(`deployment "${name}" exceeded its progress deadline`);
    if (status('updatedReplicas') < wanted)
      return waiting(
        `Waiting for deployment "${name}" rollout to finish: ${status('updatedReplicas')} out of ${wanted} new replicas have been updated...\n`,
      );
    if (status('replicas') > status('updatedReplicas'))
      return waiting(
        `Waiting for deployment "${name}" rollout to finish: ${status('replicas') - status('updatedReplicas')} old replicas are pending termination...\n`,
      );
    if (status('availableReplicas') < status('updatedReplicas'))
      return waiting(
        `Waiting for deployment "${name}" rollout to finish: ${status('availableReplicas')} of ${status('updatedReplicas')} updated replicas are available...\n`,
      );
    return { message: `deployment "${name}" successfully rolled out\n`, done: true };
  }
  if (kind === 'DaemonSet') {
    if (text(object, 'spec', 'updateStrategy', 'type') !== 'RollingUpdate')
      throw new CommandError('rollout status is only available for RollingUpdate strategy type');
    if (!observed) return waiting('Waiting for daemon set spec update to be observed...\n');
    const desired = status('desiredNumberScheduled');
    if (status('updatedNumberScheduled') < desired)
      return waiting(
        `Waiting for daemon set "${name}" rollout to finish: ${status('updatedNumberScheduled')} out of ${desired} new pods have been updated...\n`,
      );
    if (status('numberAvailable') < desired)
      return waiting(
        `Waiting for daemon set "${name}" rollout to finish: ${status('numberAvailable')} of ${desired} updated pods are available...\n`,
      );
    return { message: `daemon set "${name}" successfully rolled out\n`, done: true };
  }
  if (kind !== 'StatefulSet')
    throw new CommandError(`no status viewer has been implemented for ${kind}`);
  if (text(object, 'spec', 'updateStrategy', 'type') !== 'RollingUpdate')
    throw new CommandError('rollout status is only available for RollingUpdate strategy type');
  if (!observed) return waiting('Waiting for statefulset spec update to be observed...\n');
  if (status('readyReplicas') < wanted)
    return waiting(`Waiting for ${wanted - status('readyReplicas')} pods to be ready...\n`);
  const partition = num(object, 'spec', 'updateStrategy', 'rollingUpdate', 'partition');
  if (partition > 0) {
    if (status('updatedReplicas') < wanted - partition)
      return waiting(
        `Waiting for partitioned roll out to finish: ${status('updatedReplicas')} out of ${wanted - partition} new pods have been updated...\n`,
      );
    return {
      message: `partitioned roll out complete: ${status('updatedReplicas')} new pods have been updated...\n`,
      done: true,
    };
  }
  if (text(object, 'status', 'updateRevision') !== text(object, 'status', 'currentRevision'))
    return waiting(
      `waiting for statefulset rolling update to complete ${status('updatedReplicas')} pods at revision ${text(object, 'status', 'updateRevision')}...\n`,
    );
  return {
    message: `statefulset rolling update complete ${status('currentReplicas')} pods at revision ${text(object, 'status', 'currentRevision')}...\n`,
    done: true,
  };
}

async function status(session: Session): Promise<number> {
  const errors: Error[] = [];
  const timeoutMs = session.flags.duration('timeout');
  const deadline = timeoutMs > 0 ? session.now + timeoutMs : Number.POSITIVE_INFINITY;
  const targets = await targetsOf(session, (error) => errors.push(error));
  throwCollected(errors);
  if (targets.length === 0) session.err(`No resources found in ${session.namespace} namespace.\n`);
  for (const target of targets) {
    const { group, kind } = target.resource;
    if (!['Deployment', 'DaemonSet', 'StatefulSet'].includes(kind))
      throw new CommandError(
        `no status viewer has been implemented for ${kind}${group === '' ? '' : `.${group}`}`,
      );
    checkRevision(target, session.flags.int('revision'));
    await followRollout(session, target, deadline);
  }
  return 0;
}

/** A rollout that somebody waits for may be over. @throws CommandError */
function checkRevision({ resource, object }: Target, wanted: number): void {
  const running = text(object, 'metadata', 'annotations', 'deployment.kubernetes.io/revision');
  if (wanted > 0 && resource.kind === 'Deployment' && Number(running) !== wanted)
    throw new CommandError(
      `desired revision (${wanted}) is different from the running revision (${running})`,
    );
}

/** Prints where the rollout stands at every change, until it is done. */
async function followRollout(session: Session, target: Target, deadline: number): Promise<void> {
  const show = async (object: Json): Promise<boolean> => {
    const { message, done } = rolloutStatus(object, target.resource.kind);
    session.out(message);
    await session.flush();
    return done;
  };
  if ((await show(target.object)) || !session.flags.bool('watch')) return;
  let version = text(target.object, 'metadata', 'resourceVersion');
  let done = false;
  while (!done) {
    session.checkInterrupted();
    if (session.now >= deadline) throw new CommandError('timed out waiting for the condition');
    const abort = new AbortController();
    const stop = (): void => {
      abort.abort();
    };
    session.io.signal.addEventListener('abort', stop, { once: true });
    const timer = session.io.clock.setTimer(Math.min(deadline - session.now, 300_000), stop);
    try {
      await session.api.watch(
        resourceUrl(target.resource, target.namespace),
        { fieldSelector: `metadata.name=${target.name}`, resourceVersion: version },
        async ({ type, object }) => {
          if (type === 'DELETED') throw new CommandError('object has been deleted');
          if (type === 'ERROR') return true;
          version = text(object, 'metadata', 'resourceVersion');
          done = await show(object);
          return done;
        },
        { signal: abort.signal },
      );
    } catch (error) {
      if (!abort.signal.aborted) throw error;
    } finally {
      timer.dispose();
      session.io.signal.removeEventListener('abort', stop);
    }
  }
}

export const rolloutCommand: CommandSpec = {
  name: 'rollout',
  short: 'Manage the rollout of one or many resources',
  use: 'kubectl rollout SUBCOMMAND [options]',
  commands: [
    {
      name: 'history',
      short: 'View rollout history',
      flags: [...flags, 'revision:int=0'],
      run: history,
    },
    {
      name: 'pause',
      short: 'Mark the provided resource as paused',
      flags,
      run: each('paused', pausing(true)),
    },
    { name: 'restart', short: 'Restart a resource', flags, run: each('restarted', restart) },
    {
      name: 'resume',
      short: 'Resume a paused resource',
      flags,
      run: each('resumed', pausing(false)),
    },
    {
      name: 'status',
      interruptCode: () => 1,
      short: 'Show the status of the rollout',
      flags: [...flags, 'watch|w:bool=true', 'timeout:duration=0', 'revision:int=0'],
      run: status,
    },
    {
      name: 'undo',
      short: 'Undo a previous rollout',
      flags: [...flags, 'to-revision:int=0'],
      run: undo,
    },
  ],
};
