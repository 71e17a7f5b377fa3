import { jsonClone } from '#core/base';
import { matchesLabels, parseLabelSelector, StatusError } from '#core/kube';
import type { CommandSpec } from '../command.ts';
import { groupVersionOf, resourceUrl } from '../discovery.ts';
import { asError, CommandError, throwCollected, UsageError } from '../errors.ts';
import { ensureMap, type Json, map, nameOf, namespaceOf, strings, text } from '../json-view.ts';
import { fileFlags, fileOptions, requireFiles } from '../resources/manifests.ts';
import { lastApplied, lastAppliedAnnotation, withLastApplied } from '../resources/last-applied.ts';
import {
  isNotFound,
  listObjects,
  manifestTargets,
  type Target,
  urlOf,
} from '../resources/select.ts';
import { threeWayPatch } from '../resources/three-way.ts';
import { changeFlags, dryRunOf, resultPrinter, validateFlag, writeQuery } from '../results.ts';
import type { Session } from '../session.ts';
import { withSource } from './create.ts';
import { viewLastApplied } from './apply-last-applied.ts';

export const applyCommand: CommandSpec = {
  name: 'apply',
  short: 'Apply a configuration to a resource by file name or stdin',
  use: 'kubectl apply (-f FILENAME | -k DIRECTORY) [options]',
  flags: [
    ...fileFlags,
    ...changeFlags,
    validateFlag,
    'server-side:bool',
    'force-conflicts:bool',
    'force:bool',
    'prune:bool',
    'prune-allowlist:array',
    'all:bool',
    'selector|l:string',
    'overwrite:bool=true',
    'cascade:string=background?background',
    'grace-period:int=-1',
    'timeout:duration=0',
    'wait:bool',
    'openapi-patch:bool=true',
  ],
  commands: viewLastApplied,
  run: runApply,
};

async function runApply(session: Session): Promise<number> {
  const { flags } = session;
  if (session.args.length > 0)
    throw new UsageError(`Unexpected args: [${session.args.join(' ')}]`, {
      hint: `See '${session.command} -h' for help and examples`,
    });
  const files = fileOptions(session);
  requireFiles(files);
  const dryRun = dryRunOf(session);
  if (flags.bool('force-conflicts') && !flags.bool('server-side'))
    throw new CommandError('--force-conflicts only works with --server-side');
  if (dryRun === 'client' && flags.bool('server-side'))
    throw new CommandError(
      "--dry-run=client doesn't work with --server-side (did you mean --dry-run=server instead?)",
    );
  if (flags.bool('prune') && flags.text('selector') === '' && !flags.bool('all'))
    throw new CommandError(
      'all resources selected for prune without explicitly passing --all. To prune all resources, pass the --all flag. If you did not mean to prune all resources, specify a label selector',
    );
  const errors: Error[] = [];
  const print = resultPrinter(session);
  const visited = new Set<string>();
  const namespaces = new Set<string>();
  let seen = 0;
  const selector = parseLabelSelector(flags.text('selector'));
  for (const target of await manifestTargets(session, files, (error) => errors.push(error))) {
    if (!matchesLabels(selector, strings(target.object, 'metadata', 'labels'))) continue;
    seen += 1;
    try {
      const { object, operation } = flags.bool('server-side')
        ? await applyOnServer(session, target)
        : await applyOnClient(session, target);
      visited.add(text(object, 'metadata', 'uid'));
      if (target.namespace !== '') namespaces.add(target.namespace);
      print(object, operation);
    } catch (error) {
      errors.push(asError(error));
    }
  }
  if (errors.length > 0) throwCollected(errors);
  if (seen === 0) throw new CommandError('no objects passed to apply');
  if (flags.bool('prune')) await prune(session, visited, namespaces);
  return 0;
}

interface Applied {
  readonly object: Json;
  readonly operation: string;
}

async function applyOnServer(session: Session, target: Target): Promise<Applied> {
  try {
    const object = await session.api.json('PATCH', urlOf(target), {
      body: placedFor(target),
      contentType: 'application/apply-patch+yaml',
      query: { ...writeQuery(session, 'kubectl'), force: session.flags.bool('force-conflicts') },
    });
    return { object, operation: 'serverside-applied' };
  } catch (error) {
    if (error instanceof StatusError && error.status.reason === 'Conflict')
      throw new CommandError(conflictHelp(error));
    throw error;
  }
}

function conflictHelp(error: StatusError): string {
  const advice =
    "Please review the fields above--they currently have other managers. Here\nare the ways you can resolve this warning:\n* If you intend to manage all of these fields, please re-run the apply\n  command with the `--force-conflicts` flag.\n* If you do not intend to manage all of the fields, please edit your\n  manifest to remove references to the fields that should keep their\n  current managers.\n* You may co-own fields by updating your manifest to match the existing\n  value; in this case, you'll become the manager if the other manager(s)\n  stop managing the field (remove it from their configuration).\nSee https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts";
  return `${error.message}\n${advice}`;
}

function placedFor(target: Target): Json {
  if (target.namespace === '') return target.object;
  const copy = jsonClone(target.object);
  ensureMap(copy, 'metadata')['namespace'] ??= target.namespace;
  return copy;
}

async function applyOnClient(session: Session, target: Target): Promise<Applied> {
  const dryRun = dryRunOf(session);
  const modified = withLastApplied(placedFor(target));
  if (nameOf(modified) === '')
    throw new CommandError(
      `from ${target.source === 'STDIN' ? '-' : target.source}: cannot use generate name with apply`,
    );
  let current: Json;
  try {
    current = await session.api.get(urlOf(target));
  } catch (error) {
    if (!isNotFound(error))
      throw withSource(error, 'retrieving current configuration of:\n', target.source);
    if (dryRun === 'client') return { object: modified, operation: 'created' };
    try {
      const object = await session.api.json(
        'POST',
        resourceUrl(target.resource, target.namespace),
        {
          body: modified,
          query: writeQuery(session, 'kubectl-client-side-apply'),
        },
      );
      return { object, operation: 'created' };
    } catch (failure) {
      throw withSource(failure, 'creating', target.source);
    }
  }
  if (!(lastAppliedAnnotation in map(current, 'metadata', 'annotations')))
    session.err(
      `Warning: resource ${target.resource.resource}/${target.name} is missing the ${lastAppliedAnnotation} annotation which is required by kubectl apply. kubectl apply should only be used on resources created declaratively by either kubectl create --save-config or kubectl apply. The missing annotation will be patched automatically.\n`,
    );
  const change = threeWayPatch(lastApplied(current) ?? {}, modified, current);
  if (!change) return { object: current, operation: 'unchanged' };
  if (dryRun === 'client') return { object: current, operation: 'configured' };
  try {
    const object = await session.api.json('PATCH', urlOf(target), {
      body: change.patch,
      contentType: change.strategic
        ? 'application/strategic-merge-patch+json'
        : 'application/merge-patch+json',
      query: writeQuery(session, 'kubectl-client-side-apply'),
    });
    const same =
      text(object, 'metadata', 'resourceVersion') === text(current, 'metadata', 'resourceVersion');
    return { object, operation: same && dryRun === 'none' ? 'unchanged' : 'configured' };
  } catch (error) {
    const immutable =
      error instanceof StatusError &&
      (error.status.reason === 'Invalid' || error.status.reason === 'Conflict');
    if (!immutable || !session.flags.bool('force'))
      throw withSource(error, 'applying patch to', target.source);
    await session.api.json('DELETE', urlOf(target), { body: { propagationPolicy: 'Background' } });
    const object = await session.api.json('POST', resourceUrl(target.resource, target.namespace), {
      body: modified,
      query: writeQuery(session, 'kubectl-client-side-apply'),
    });
    return { object, operation: 'configured' };
  }
}

const prunable: readonly (readonly [string, string, string])[] = [
  ['', 'v1', 'ConfigMap'],
  ['', 'v1', 'Endpoints'],
  ['', 'v1', 'PersistentVolumeClaim'],
  ['', 'v1', 'Pod'],
  ['', 'v1', 'ReplicationController'],
  ['', 'v1', 'Secret'],
  ['', 'v1', 'Service'],
  ['batch', 'v1', 'Job'],
  ['batch', 'v1', 'CronJob'],
  ['networking.k8s.io', 'v1', 'Ingress'],
  ['apps', 'v1', 'DaemonSet'],
  ['apps', 'v1', 'Deployment'],
  ['apps', 'v1', 'ReplicaSet'],
  ['apps', 'v1', 'StatefulSet'],
  ['', 'v1', 'Namespace'],
  ['', 'v1', 'PersistentVolume'],
];

/** Deletes what an earlier apply made and this one no longer names. */
async function prune(
  session: Session,
  visited: ReadonlySet<string>,
  namespaces: ReadonlySet<string>,
): Promise<void> {
  const print = resultPrinter(session);
  const allow = session.flags.all('prune-allowlist');
  for (const [group, version, kind] of prunable) {
    if (allow.length > 0 && !allow.includes(`${group === '' ? 'core' : group}/${version}/${kind}`))
      continue;
    const resource = await session.resourceOfKind(groupVersionOf(group, version), kind);
    if (!resource) continue;
    for (const namespace of resource.namespaced ? namespaces : ['']) {
      const objects = await listObjects(session, resource, {
        namespace,
        selector: session.flags.text('selector'),
      });
      for (const object of objects) {
        if (!(lastAppliedAnnotation in map(object, 'metadata', 'annotations'))) continue;
        if (visited.has(text(object, 'metadata', 'uid'))) continue;
        if (dryRunOf(session) === 'none')
          await session.api.json(
            'DELETE',
            resourceUrl(resource, namespaceOf(object), nameOf(object)),
            {
              body: { kind: 'DeleteOptions', apiVersion: 'v1', propagationPolicy: 'Background' },
            },
          );
        print(object, 'pruned');
      }
    }
  }
}
