import { StatusError } from '#core/kube';
import { sleep } from '#core/base';
import type { CommandSpec } from '../command.ts';
import { qualifiedKind, resourceUrl } from '../discovery.ts';
import { asError, CommandError, throwCollected } from '../errors.ts';
import { type Json, text } from '../json-view.ts';
import { fileFlags, fileOptions, namesFiles } from '../resources/manifests.ts';
import { isNotFound, selectTargets, type Target, urlOf } from '../resources/select.ts';
import { dryRunOf } from '../results.ts';
import type { Session } from '../session.ts';
import { sendRaw } from './raw.ts';

export const deleteCommand: CommandSpec = {
  name: 'delete',
  interruptCode: () => 1,
  short:
    'Delete resources by file names, stdin, resources and names, or by resources and label selector',
  use: 'kubectl delete ([-f FILENAME] | [-k DIRECTORY] | TYPE [(NAME | -l label | --all)]) [options]',
  flags: [
    ...fileFlags,
    'selector|l:string',
    'field-selector:string',
    'all:bool',
    'all-namespaces|A:bool',
    'ignore-not-found:bool',
    'cascade:string=background?background',
    'now:bool',
    'force:bool',
    'grace-period:int=-1',
    'timeout:duration=0',
    'wait:bool=true',
    'output|o:string',
    'dry-run:string=none?unchanged',
    'raw:string',
    'interactive|i:bool',
  ],
  run: runDelete,
};

async function runDelete(session: Session): Promise<number> {
  const { flags } = session;
  const dryRun = dryRunOf(session);
  if (flags.changed('raw')) return sendRaw(session, 'DELETE', { mayBeEmpty: true });
  if (flags.bool('now') && flags.changed('grace-period') && flags.int('grace-period') >= 0)
    throw new CommandError('--now and --grace-period cannot be specified together');
  const force = flags.bool('force');
  let grace: number | undefined =
    flags.int('grace-period') < 0 ? undefined : flags.int('grace-period');
  if (flags.bool('now')) grace = 1;
  if (force && grace === undefined) grace = 0;
  if (grace === 0 && !force)
    // As kubectl: zero seconds would be force, so that the shortest wait is asked for instead.
    grace = 1;
  if (force && grace !== undefined && grace > 0)
    throw new CommandError(
      '--force and --grace-period greater than 0 cannot be specified together',
    );
  const cascade = flags.text('cascade');
  const policy = {
    background: 'Background',
    foreground: 'Foreground',
    orphan: 'Orphan',
    true: 'Background',
    false: 'Orphan',
  }[cascade];
  if (policy === undefined)
    throw new CommandError(
      `invalid cascade value (${cascade}). Must be "background", "foreground", or "orphan"`,
    );
  const output = flags.text('output');
  if (output !== '' && output !== 'name')
    throw new CommandError(`unexpected -o output mode: ${output}. We only support '-o name'`);
  if (force && grace === 0)
    session.err(
      'Warning: Immediate deletion does not wait for confirmation that the running resource has been terminated. The resource may continue to run on the cluster indefinitely.\n',
    );
  const [types = ''] = session.args;
  if (session.settings.explicitNamespace && types !== '' && !namesFiles(fileOptions(session))) {
    const named = (types.split('/')[0] ?? '').split(',')[0] ?? '';
    const resource = await session.resource(named).catch(() => undefined);
    if (resource && !resource.namespaced)
      session.err(
        'Warning: deleting cluster-scoped resources, not scoped to the provided namespace\n',
      );
  }
  const errors: Error[] = [];
  const files = fileOptions(session);
  const targets = await selectTargets(session, {
    args: session.args,
    files,
    latest: false,
    selector: flags.text('selector'),
    fieldSelector: flags.text('field-selector'),
    all: flags.bool('all'),
    refusesNames: flags.bool('all'),
    allNamespaces: flags.bool('all-namespaces'),
    ignoreNotFound: flags.bool('ignore-not-found') || flags.bool('all'),
    onError: (error) => errors.push(error),
  });
  const deleted: Target[] = [];
  for (const target of targets)
    try {
      let answer: Json | undefined;
      if (dryRun !== 'client')
        answer = await session.api.json('DELETE', urlOf(target), {
          // Where there is a body, nothing else is read.
          body: {
            kind: 'DeleteOptions',
            apiVersion: 'v1',
            propagationPolicy: policy,
            ...(dryRun === 'server' ? { dryRun: ['All'] } : {}),
            ...(grace === undefined ? {} : { gracePeriodSeconds: grace }),
          },
        });
      const uid = text(answer, 'metadata', 'uid') || text(answer, 'details', 'uid');
      deleted.push({ ...target, object: { metadata: { uid } } });
      session.out(deletedLine(target, force && grace === 0, dryRun, output));
    } catch (error) {
      if (!(flags.bool('ignore-not-found') && isNotFound(error)))
        errors.push(fileError(error, target));
    }
  const found = targets.length > 0 || errors.length > 0;
  if (!found && !flags.bool('ignore-not-found') && !namesFiles(files))
    session.out('No resources found\n');
  throwCollected(errors);
  if (flags.bool('wait') && dryRun === 'none')
    await waitGone(session, deleted, flags.duration('timeout'));
  return 0;
}

function fileError(error: unknown, target: Target): Error {
  if (target.source !== '' && error instanceof StatusError)
    return new StatusError({
      ...error.status,
      message: `error when deleting "${target.source}": ${error.message}`,
    });
  return asError(error);
}

function deletedLine(target: Target, forced: boolean, dryRun: string, output: string): string {
  const kind = qualifiedKind(target.resource);
  if (output === 'name') return `${kind}/${target.name}\n`;
  const verb = forced ? 'force deleted' : 'deleted';
  const suffix = { none: '', client: ' (dry run)', server: ' (server dry run)' }[dryRun] ?? '';
  const where = target.namespace === '' ? '' : ` from ${target.namespace} namespace`;
  return `${kind} "${target.name}" ${verb}${where}${suffix}\n`;
}

/** Waits until the objects are gone, or others of their names have taken their place. @throws CommandError too late. */
export async function waitGone(
  session: Session,
  targets: readonly Target[],
  timeoutMs: number,
): Promise<void> {
  const deadline = timeoutMs > 0 ? session.now + timeoutMs : Number.POSITIVE_INFINITY;
  for (const target of targets) {
    const uid = text(target.object, 'metadata', 'uid');
    for (;;) {
      session.checkInterrupted();
      let current: Json;
      try {
        current = await session.api.get(urlOf(target));
      } catch (error) {
        if (isNotFound(error)) break;
        if (error instanceof StatusError && error.status.reason === 'Forbidden') break;
        throw error;
      }
      if (uid !== '' && text(current, 'metadata', 'uid') !== uid) break;
      if (session.now >= deadline)
        throw new CommandError(
          `timed out waiting for the condition on ${target.resource.resource}/${target.name}`,
        );
      const abort = new AbortController();
      const stop = (): void => {
        abort.abort();
      };
      session.io.signal.addEventListener('abort', stop, { once: true });
      const timer = session.io.clock.setTimer(Math.min(deadline - session.now, 30_000), stop);
      try {
        await session.api.watch(
          resourceUrl(target.resource, target.namespace),
          {
            fieldSelector: `metadata.name=${target.name}`,
            resourceVersion: text(current, 'metadata', 'resourceVersion'),
          },
          ({ type }) => type === 'DELETED' || type === 'ERROR',
          { signal: abort.signal },
        );
      } catch (error) {
        if (!abort.signal.aborted) {
          // No right to watch: ask again after a while.
          if (!(error instanceof StatusError)) throw error;
          await sleep(session.io.clock, 1000, session.io.signal);
        }
      } finally {
        timer.dispose();
        session.io.signal.removeEventListener('abort', stop);
      }
    }
  }
}
