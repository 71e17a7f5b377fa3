import { fromUtf8, jsonClone, jsonEqual, utf8 } from '#core/base';
import { parseYaml, StatusError } from '#core/kube';
import type { CommandSpec } from '../command.ts';
import { qualifiedResource } from '../discovery.ts';
import { asError, CommandError, ExitError } from '../errors.ts';
import { compactJson } from '../go-text.ts';
import { has, type Json, map, nameOf, namespaceOf, text } from '../json-view.ts';
import { printerFor, withoutManagedFields } from '../print/printers.ts';
import { withLastApplied } from '../resources/last-applied.ts';
import {
  fileFlags,
  fileOptions,
  type Manifest,
  noMatch,
  parseManifests,
  validateManifest,
} from '../resources/manifests.ts';
import { isNotFound, selectTargets, type Target, urlOf } from '../resources/select.ts';
import { threeWayPatch } from '../resources/three-way.ts';
import { resultPrinter, validateFlag, writeQuery } from '../results.ts';
import type { Session } from '../session.ts';

export const editCommand: CommandSpec = {
  name: 'edit',
  short: 'Edit a resource on the server',
  use: 'kubectl edit (RESOURCE/NAME | -f FILENAME) [options]',
  flags: [
    ...fileFlags,
    validateFlag,
    'output|o:string',
    'template:string',
    'show-managed-fields:bool',
    'allow-missing-template-keys:bool=true',
    'output-patch:bool',
    'windows-line-endings:bool',
    'field-manager:string=kubectl-edit',
    'save-config:bool',
    'subresource:string',
  ],
  run: runEdit,
};

const header =
  "# Please edit the object below. Lines beginning with a '#' will be ignored,\n# and an empty file will abort the edit. If an error occurs while saving this file will be\n# reopened with the relevant failures.\n#\n";

/** Why the file is opened once more. */
interface Reason {
  readonly head: string;
  readonly causes: readonly string[];
}

/** What the server said to one round of edits. */
interface Round {
  readonly reasons: Reason[];
  retryable: number;
  notFound: number;
}

/** @see k8s.io/kubectl/pkg/cmd/util/editor/editoptions.go, Run */
async function runEdit(session: Session): Promise<number> {
  const { flags, io } = session;
  const targets = await selectTargets(session, {
    args: session.args,
    files: fileOptions(session),
    all: true,
    subresource: flags.text('subresource'),
  });
  if (targets.length === 0) throw new CommandError('edit cancelled, no objects found');
  const format = flags.text('output') || 'yaml';
  if (!['json', 'kyaml', 'yaml'].includes(format))
    throw new CommandError(
      `unable to match a printer suitable for the output format "${format}", allowed formats are: json,kyaml,yaml`,
    );
  const original = fileText(session, targets, format);
  let reasons: readonly Reason[] = [];
  let edited = '';
  let kept = '';
  for (;;) {
    const retried = reasons.length > 0;
    const body = retried ? withoutComments(edited) : original;
    const before = edited;
    const path = `${io.env['TMPDIR'] ?? '/tmp'}/kubectl-edit-${1_000_000_000 + io.random.integer(3_000_000_000)}.${format === 'json' ? 'json' : 'yaml'}`;
    try {
      edited = await launch(
        session,
        path,
        `${format === 'json' ? '' : headerText(reasons)}${lineEnds(session, body)}`,
      );
    } catch (error) {
      throw preserved(session, kept, error);
    }
    if (retried && sameContent(before, edited))
      throw preserved(
        session,
        path,
        new CommandError('Edit cancelled, no valid changes were saved.'),
      );
    if (kept !== '') io.files.remove(kept, { force: true });
    kept = path;
    const fault = invalidity(session, edited);
    if (fault !== undefined) {
      reasons = [notValid(session, targets[0], fault)];
      continue;
    }
    if (sameContent(original, edited)) return cancel(session, path, 'no changes made');
    if (!edited.split('\n').some((line) => /^\s*[^#\s]/.test(line)))
      return cancel(session, path, 'saved file was empty');
    let updates: Target[];
    try {
      updates = await updatesOf(session, edited);
    } catch (error) {
      reasons = [
        { head: `The edited file had a syntax error: ${asError(error).message}`, causes: [] },
      ];
      continue;
    }
    const round: Round = { reasons: [], retryable: 0, notFound: 0 };
    try {
      for (const update of updates) requireNamespace(session, update);
      for (const update of updates) await patchOne(session, targets, update, round);
    } catch (error) {
      throw preserved(session, path, error);
    }
    if (round.retryable > 0) {
      session.err(`You can run \`kubectl replace -f ${path}\` to try this update again.\n`);
      throw new ExitError('');
    }
    if (round.notFound > 0) {
      session.err(`The edits you made on deleted resources have been saved to "${path}"\n`);
      throw new ExitError('');
    }
    if (round.reasons.length === 0) {
      io.files.remove(path, { force: true });
      return 0;
    }
    reasons = round.reasons;
  }
}

function fileText(session: Session, targets: readonly Target[], format: string): string {
  const objects = targets.map(({ object }) => withoutManagedFields(object));
  const [first] = objects;
  const shown: Json =
    objects.length === 1 && first
      ? first
      : { apiVersion: 'v1', kind: 'List', metadata: {}, items: objects };
  return printerFor(format, { files: session.io.files })(shown);
}

function headerText(reasons: readonly Reason[]): string {
  const commented = (line: string): string => line.replace(/\n(?=[^#])/g, '\n# ');
  return `${header}${reasons
    .map(
      ({ head, causes }) =>
        `# ${commented(head)}${causes.length > 0 ? ':' : ''}\n${causes.map((cause) => `# * ${commented(cause)}\n`).join('')}#\n`,
    )
    .join('')}`;
}

function lineEnds(session: Session, body: string): string {
  return session.flags.bool('windows-line-endings') ? body.replace(/\r?\n/g, '\r\n') : body;
}

/** Starts the person's editor on a file of this content; the content afterwards. */
async function launch(session: Session, path: string, content: string): Promise<string> {
  const { io } = session;
  const editor = io.env['KUBE_EDITOR'] || io.env['EDITOR'] || 'vi';
  const inShell = editor.includes(' ') && /["'\\]/.test(editor);
  const words = inShell
    ? [io.env['SHELL'] || '/bin/bash', '-c', editor]
    : editor.split(editor.includes(' ') ? ' ' : '\n');
  const argv = inShell ? [...words.slice(0, -1), `${editor} "${path}"`] : [...words, path];
  io.files.writeFile(path, utf8(content), 0o600);
  await session.flush();
  const code = await io.runProgram?.(argv);
  if (code === undefined || code === null)
    throw new CommandError(`unable to launch the editor "${words.join(' ')}"`);
  if (code !== 0)
    throw new CommandError(
      `there was a problem with the editor ${JSON.stringify(words.join(' '))}`,
    );
  return fromUtf8(io.files.readFile(path));
}

function preserved(session: Session, path: string, error: unknown): Error {
  if (path !== '' && session.io.files.exists(path))
    session.err(`A copy of your changes has been stored to "${path}"\n`);
  return asError(error);
}

function cancel(session: Session, path: string, why: string): number {
  session.io.files.remove(path, { force: true });
  session.err(`Edit cancelled, ${why}.\n`);
  return 0;
}

const withoutComments = (source: string): string =>
  source
    .split('\n')
    .filter((line) => !/^\s*#(?!!)/.test(line))
    .join('\n');

function sameContent(a: string, b: string): boolean {
  try {
    return jsonEqual(parseYaml(a), parseYaml(b));
  } catch {
    return withoutComments(a) === withoutComments(b);
  }
}

/** What makes the file unfit to be sent; undefined when nothing does. */
function invalidity(session: Session, source: string): string | undefined {
  if (['false', 'ignore'].includes(session.flags.text('validate'))) return undefined;
  try {
    const manifests = editedManifests(source);
    if (manifests.length === 0) return 'invalid object to validate';
    for (const manifest of manifests) validateManifest(manifest);
    return undefined;
  } catch (error) {
    return asError(error)
      .message.replace(/^error validating ".*?": error validating data: /s, '')
      .replace(/^error parsing .*?: (?:error converting YAML to JSON: )?/s, '')
      .replace(/; if you choose to ignore these errors.*$/s, '');
  }
}

function editedManifests(source: string): Manifest[] {
  if (withoutComments(source).trim() === '') return [];
  const errors: Error[] = [];
  const manifests = parseManifests(source, 'edited-file', (error) => errors.push(error));
  if (errors[0]) throw errors[0];
  return manifests;
}

function notValid(session: Session, target: Target | undefined, fault: string): Reason {
  const what = target ? `${qualifiedResource(target.resource)} "${target.name}"` : '';
  session.err(`error: ${what} is invalid\n`);
  return {
    head: `${what} was not valid`,
    causes: [`<nil>: Invalid value: "The edited file failed validation": ${fault}`],
  };
}

async function updatesOf(session: Session, source: string): Promise<Target[]> {
  const out: Target[] = [];
  for (const { object, source: name } of editedManifests(source)) {
    const resource = await session.resourceOfKind(text(object, 'apiVersion'), text(object, 'kind'));
    if (!resource) throw noMatch(object, name);
    const namespace = resource.namespaced ? namespaceOf(object) || session.namespace : '';
    out.push({ resource, name: nameOf(object), namespace, object, source: name });
  }
  return out;
}

function requireNamespace(session: Session, { resource, namespace }: Target): void {
  if (resource.namespaced && namespace !== session.namespace)
    throw new CommandError(
      `the namespace from the provided object "${namespace}" does not match the namespace "${session.namespace}". You must pass '--namespace=${namespace}' to perform this operation.`,
    );
}

async function patchOne(
  session: Session,
  targets: readonly Target[],
  update: Target,
  round: Round,
): Promise<void> {
  const { flags } = session;
  const uid = text(update.object, 'metadata', 'uid');
  const target = targets.find(({ object }) => text(object, 'metadata', 'uid') === uid);
  if (!target) throw new CommandError(`no original object found for ${compactJson(update.object)}`);
  const print = resultPrinter(session);
  let modified = jsonClone(update.object);
  const managed = map(target.object, 'metadata')['managedFields'];
  if (managed !== undefined) map(modified, 'metadata')['managedFields'] = managed;
  if (flags.bool('save-config')) modified = withLastApplied(modified);
  if (jsonEqual(target.object, modified)) {
    print(modified, 'skipped');
    return;
  }
  const change = threeWayPatch(target.object, modified, target.object);
  const patch = change?.patch ?? {};
  if (has(patch, 'apiVersion') || has(patch, 'kind') || 'name' in map(patch, 'metadata'))
    throw new CommandError('At least one of apiVersion, kind and name was changed');
  if (flags.bool('output-patch')) session.out(`Patch: ${compactJson(patch)}\n`);
  try {
    const object = await session.api.json('PATCH', urlOf(update, flags.text('subresource')), {
      body: patch,
      contentType:
        change?.strategic === false
          ? 'application/merge-patch+json'
          : 'application/strategic-merge-patch+json',
      query: writeQuery(session, 'kubectl-edit'),
    });
    print(object, 'edited');
  } catch (error) {
    refused(session, update, asError(error), round);
  }
}

function refused(session: Session, update: Target, error: Error, round: Round): void {
  const what = `${qualifiedResource(update.resource)} "${update.name}"`;
  if (error instanceof StatusError && error.status.reason === 'Invalid') {
    const causes = error.status.details?.causes ?? [];
    round.reasons.push({
      head: `${what} was not valid`,
      causes: causes.map(({ field, message }) => `${field ?? ''}: ${message ?? ''}`),
    });
    session.err(`error: ${what} is invalid\n`);
  } else if (isNotFound(error)) {
    round.notFound += 1;
    session.err(`error: ${what} could not be found on the server\n`);
  } else {
    round.retryable += 1;
    session.err(`error: ${what} could not be patched: ${error.message}\n`);
  }
}
