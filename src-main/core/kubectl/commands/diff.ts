import { jsonClone, utf8 } from '#core/base';
import { formatYaml, matchesLabels, parseLabelSelector, StatusError } from '#core/kube';
import type { CommandSpec } from '../command.ts';
import { resourceUrl } from '../discovery.ts';
import { CommandError, UsageError } from '../errors.ts';
import { ensureMap, has, isJson, type Json, strings, text } from '../json-view.ts';
import { withoutManagedFields } from '../print/printers.ts';
import { lastApplied, lastAppliedAnnotation } from '../resources/last-applied.ts';
import { fileFlags, fileOptions, requireFiles } from '../resources/manifests.ts';
import { isNotFound, manifestTargets, type Target, urlOf } from '../resources/select.ts';
import { threeWayPatch } from '../resources/three-way.ts';
import type { Session } from '../session.ts';
import { placed, withSource } from './create.ts';

export const diffCommand: CommandSpec = {
  name: 'diff',
  short: 'Diff the live version against a would-be applied version',
  use: 'kubectl diff -f FILENAME [options]',
  flags: [
    ...fileFlags,
    'selector|l:string',
    'server-side:bool',
    'force-conflicts:bool',
    'field-manager:string=kubectl-client-side-apply',
    'show-managed-fields:bool',
    'show-secrets:bool',
    'concurrency:int=1',
  ],
  failureCode: 2,
  run: runDiff,
};

/** How often an object that changes meanwhile is read again before it is compared without a lock. */
const maxTries = 4;

/** @see k8s.io/kubectl/pkg/cmd/diff/diff.go */
async function runDiff(session: Session): Promise<number> {
  const { flags, io } = session;
  if (session.args.length > 0)
    throw new UsageError(`Unexpected args: [${session.args.join(' ')}]`, {
      hint: `See '${session.command} -h' for help and examples`,
    });
  const options = fileOptions(session);
  requireFiles(options);
  if (flags.bool('force-conflicts') && !flags.bool('server-side'))
    throw new CommandError('--force-conflicts only works with --server-side');
  const selector = parseLabelSelector(flags.text('selector'));
  const targets = await manifestTargets(session, options, (error) => {
    throw error;
  });
  const folders = ['LIVE', 'MERGED'].map(
    (name) =>
      `${io.env['TMPDIR'] ?? '/tmp'}/${name}-${1_000_000_000 + io.random.integer(3_000_000_000)}`,
  );
  const [from = '', to = ''] = folders;
  try {
    for (const folder of folders) io.files.mkdir(folder, { mode: 0o700 });
    for (const target of targets) {
      if (!matchesLabels(selector, strings(target.object, 'metadata', 'labels'))) continue;
      const { live, merged } = await versions(session, target);
      const group = target.resource.group === '' ? '' : `${target.resource.group}.`;
      const name = `${group}${target.resource.version}.${target.resource.kind}.${target.namespace}.${target.name}`;
      io.files.writeFile(`${from}/${name}`, utf8(live ? formatYaml(live) : ''), 0o700);
      io.files.writeFile(`${to}/${name}`, utf8(formatYaml(merged)), 0o700);
    }
    return await compare(session, from, to);
  } finally {
    for (const folder of folders) io.files.remove(folder, { recursive: true, force: true });
  }
}

/** The object as it is, and as it would be after apply; as they are shown. */
async function versions(
  session: Session,
  target: Target,
): Promise<{ live: Json | undefined; merged: Json }> {
  const { flags } = session;
  for (let attempt = 1; ; attempt++) {
    const live = await session.api.get(urlOf(target)).catch((error: unknown) => {
      if (isNotFound(error)) return undefined;
      throw error;
    });
    if (attempt === maxTries)
      session.log(
        'W',
        'diff.go:719',
        `Object (${target.resource.group}/${target.resource.version}, Kind=${target.resource.kind}: ${target.name}) keeps changing, diffing without lock`,
      );
    try {
      const merged = await mergedObject(session, target, live, attempt < maxTries);
      if (has(live, 'metadata', 'deletionTimestamp'))
        session.err(
          `Warning: Detected changes to resource ${target.name} which is currently being deleted.\n`,
        );
      const shown = (object: Json): Json =>
        flags.bool('show-managed-fields') ? object : withoutManagedFields(object);
      const pair = { live: live && shown(live), merged: shown(merged) };
      return text(merged, 'kind') === 'Secret' &&
        text(merged, 'apiVersion') === 'v1' &&
        !flags.bool('show-secrets')
        ? masked(pair.live, pair.merged)
        : pair;
    } catch (error) {
      const conflict = error instanceof StatusError && error.status.reason === 'Conflict';
      if (!conflict || attempt === maxTries) throw error;
    }
  }
}

/** What the server would store, by its dry run. */
async function mergedObject(
  session: Session,
  target: Target,
  live: Json | undefined,
  locked: boolean,
): Promise<Json> {
  const { flags } = session;
  const modified = placed(target);
  if (flags.bool('server-side'))
    return session.api.json('PATCH', urlOf(target), {
      body: modified,
      contentType: 'application/apply-patch+yaml',
      query: {
        dryRun: 'All',
        fieldManager: flags.changed('field-manager') ? flags.text('field-manager') : 'kubectl',
        force: flags.bool('force-conflicts'),
      },
    });
  const query = { dryRun: 'All', fieldManager: flags.text('field-manager') };
  if (!live)
    return session.api.json('POST', resourceUrl(target.resource, target.namespace), {
      body: modified,
      query,
    });
  // As apply reads the file: with annotations, but without the one that tells what was applied last.
  const configured = jsonClone(modified);
  Reflect.deleteProperty(ensureMap(configured, 'metadata', 'annotations'), lastAppliedAnnotation);
  const change = threeWayPatch(lastApplied(live) ?? {}, configured, live);
  if (!change) return live;
  const patch = jsonClone(change.patch);
  if (locked)
    ensureMap(patch, 'metadata')['resourceVersion'] = text(live, 'metadata', 'resourceVersion');
  try {
    return await session.api.json('PATCH', urlOf(target), {
      body: patch,
      contentType: change.strategic
        ? 'application/strategic-merge-patch+json'
        : 'application/merge-patch+json',
      query,
    });
  } catch (error) {
    throw withSource(error, 'applying patch to', target.source);
  }
}

/** Secrets' values as asterisks that still tell whether they differ. */
function masked(live: Json | undefined, merged: Json): { live: Json | undefined; merged: Json } {
  const before = isJson(live?.['data']) ? live['data'] : undefined;
  const after = isJson(merged['data']) ? merged['data'] : undefined;
  const hide = (own: Json, other: Json | undefined, word: string): Json =>
    Object.fromEntries(
      Object.entries(own).map(([key, value]) => [
        key,
        other && key in other && other[key] !== value ? `*** (${word})` : '***',
      ]),
    );
  return {
    live: live && before ? { ...live, data: hide(before, after, 'before') } : live,
    merged: after ? { ...merged, data: hide(after, before, 'after') } : merged,
  };
}

/** Leaves the comparison to `diff`, or to the program the person chose. */
async function compare(session: Session, from: string, to: string): Promise<number> {
  const { io } = session;
  const external = io.env['KUBECTL_EXTERNAL_DIFF'] ?? '';
  const [program = 'diff', ...words] = (external || 'diff').split(' ');
  const options =
    external === '' ? ['-u', '-N'] : words.filter((word) => /^[a-zA-Z0-9-=]+$/.test(word));
  await session.flush();
  // Options that come from the environment follow the folders, as upstream places them.
  const folders = [from, to];
  const code = await io.runProgram?.([
    program,
    ...(external === '' ? [...options, ...folders] : [...folders, ...options]),
  ]);
  if (code === undefined || code === null)
    throw new CommandError(`failed to run "${program}": executable file not found in $PATH`);
  if (code > 1) throw new CommandError(`failed to run "${program}": exit status ${code}`);
  return code;
}
