import { type Status, StatusError } from '#core/kube';
import { jsonClone, jsonEqual } from '#core/base';
import type { CommandSpec } from '../command.ts';
import { asError, CommandError, throwCollected } from '../errors.ts';
import { compact, ensureMap, type Json, list, text } from '../json-view.ts';
import { labelSelectorOf } from '../resources/label-selector.ts';
import { fileFlags, fileOptions } from '../resources/manifests.ts';
import { selectTargets, type SelectOptions, type Target, urlOf } from '../resources/select.ts';
import { threeWayPatch } from '../resources/three-way.ts';
import { changeFlags, dryRunOf, resultPrinter, writeQuery } from '../results.ts';
import type { Session } from '../session.ts';

const localFlags = [...fileFlags, ...changeFlags, 'all:bool', 'local:bool'];

function targetsOf(
  session: Session,
  args: readonly string[],
  more: Partial<SelectOptions> = {},
): Promise<Target[]> {
  const local = session.flags.bool('local');
  if (local && args.length > 0)
    throw new CommandError(
      'you may not specify resources by arguments as well when --local flag is set',
    );
  return selectTargets(session, {
    args,
    files: fileOptions(session),
    all: session.flags.bool('all'),
    latest: !local,
    ...more,
  });
}

/** Sends what an edit changed, or shows it where nothing may be sent. */
async function send(session: Session, target: Target, after: Json, word: string): Promise<void> {
  const print = resultPrinter(session);
  if (session.flags.bool('local') || dryRunOf(session) === 'client') {
    print(after, word);
    return;
  }
  const { patch = {} } = threeWayPatch(target.object, after, target.object) ?? {};
  print(
    await session.api.json('PATCH', urlOf(target), {
      body: patch,
      contentType: 'application/strategic-merge-patch+json',
      query: writeQuery(session, 'kubectl-set', { validation: false }),
    }),
    word,
  );
}

/** @see k8s.io/kubectl/pkg/cmd/set/set_selector.go */
export const setSelector: CommandSpec = {
  name: 'selector',
  short: 'Set the selector on a resource',
  use: 'kubectl set selector (-f FILENAME | TYPE NAME) EXPRESSIONS [--resource-version=version] [options]',
  flags: [...localFlags, 'resource-version:string'],
  run: async (session) => {
    const expression = session.args.at(-1);
    if (expression === undefined) throw new CommandError('one selector is required');
    const { matchLabels = {}, matchExpressions } = labelSelectorOf(expression);
    const errors: Error[] = [];
    const targets = await targetsOf(session, session.args.slice(0, -1), {
      onError: (error) => errors.push(error),
    });
    for (const target of targets)
      try {
        if (target.resource.kind !== 'Service' || target.resource.group !== '')
          throw new CommandError('setting a selector is only supported for Services');
        const after = jsonClone(target.object);
        if (matchExpressions)
          throw new CommandError(
            `match expression [${list(matchExpressions).map(goRequirement).join(' ')}] not supported on this object`,
          );
        ensureMap(after, 'spec')['selector'] = matchLabels;
        const version = session.flags.text('resource-version');
        if (version !== '') {
          ensureMap(after, 'metadata')['resourceVersion'] = version;
          checkVersion(target, version);
        }
        await send(session, target, after, 'selector updated');
      } catch (error) {
        errors.push(asError(error));
      }
    throwCollected(errors);
    return 0;
  },
};

/** Go's `%v`. */
const goRequirement = (requirement: unknown): string =>
  `{${text(requirement, 'key')} ${text(requirement, 'operator')} [${list(requirement, 'values').join(' ')}]}`;

/** @throws StatusError the object has changed since the version that was named. */
function checkVersion({ object, resource, name }: Target, version: string): void {
  if (text(object, 'metadata', 'resourceVersion') === version) return;
  const status: Status = {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: `Operation cannot be fulfilled on ${resource.resource} "${name}": the object has been modified; please apply your changes to the latest version and try again`,
    reason: 'Conflict',
    details: { name, kind: resource.resource },
    code: 409,
  };
  throw new StatusError(status);
}

/** @see k8s.io/kubectl/pkg/cmd/set/set_subject.go */
export const setSubject: CommandSpec = {
  name: 'subject',
  short: 'Update the user, group, or service account in a role binding or cluster role binding',
  use: 'kubectl set subject (-f FILENAME | TYPE NAME) [--user=username] [--group=groupname] [--serviceaccount=namespace:serviceaccountname] [--dry-run=server|client|none] [options]',
  flags: [...localFlags, 'selector|l:string', 'user:array', 'group:array', 'serviceaccount:array'],
  run: async (session) => {
    const { flags } = session;
    const errors: Error[] = [];
    const targets = await targetsOf(session, session.args, { selector: flags.text('selector') });
    if (flags.bool('local') && dryRunOf(session) === 'server')
      throw new CommandError(
        'cannot specify --local and --dry-run=server - did you mean --dry-run=client?',
      );
    const subjects = subjectsOf(session, targets);
    for (const target of targets)
      try {
        if (!['RoleBinding', 'ClusterRoleBinding'].includes(target.resource.kind))
          throw new CommandError(
            `error: ${target.resource.resource}/${target.name} setting subjects is only supported for RoleBinding/ClusterRoleBinding\n`,
          );
        const before = list(target.object, 'subjects') as readonly Json[];
        const added = subjects.filter(
          (subject) => !before.some((each) => jsonEqual(withoutEmpty(each), subject)),
        );
        if (added.length === 0) continue;
        await send(
          session,
          target,
          { ...jsonClone(target.object), subjects: [...before, ...added] },
          'subjects updated',
        );
      } catch (error) {
        errors.push(
          error instanceof StatusError
            ? new CommandError(`failed to patch subjects to rolebinding: ${error.message}`)
            : asError(error),
        );
      }
    throwCollected(errors);
    return 0;
  },
};

const withoutEmpty = (subject: Json): Json =>
  Object.fromEntries(Object.entries(subject).filter(([, value]) => value !== ''));

function subjectsOf(session: Session, targets: readonly Target[]): Json[] {
  const names = (flag: string): string[] => [...new Set(session.flags.all(flag))].sort();
  const accounts = names('serviceaccount');
  if (names('user').length + names('group').length + accounts.length === 0)
    throw new CommandError('you must specify at least one value of user, group or serviceaccount');
  const rbac = 'rbac.authorization.k8s.io';
  return [
    ...names('user').map((name) => ({ apiGroup: rbac, kind: 'User', name })),
    ...names('group').map((name) => ({ apiGroup: rbac, kind: 'Group', name })),
    ...accounts.map((account) => {
      const [namespace = '', name = '', ...rest] = account.split(':');
      if (name === '' || rest.length > 0)
        throw new CommandError('serviceaccount must be <namespace>:<name>');
      if (
        namespace === '' &&
        targets.some(({ resource }) => resource.kind === 'ClusterRoleBinding')
      )
        throw new CommandError(
          'serviceaccount must be <namespace>:<name>, namespace must be specified',
        );
      return compact({ kind: 'ServiceAccount', name, namespace: namespace || session.namespace });
    }),
  ];
}
