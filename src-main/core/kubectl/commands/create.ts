import { StatusError } from '#core/kube';
import { jsonClone } from '#core/base';
import type { CommandSpec } from '../command.ts';
import { resourceUrl } from '../discovery.ts';
import { asError, CommandError, throwCollected, UsageError } from '../errors.ts';
import { ensureMap } from '../json-view.ts';
import { fileFlags, fileOptions, requireFiles } from '../resources/manifests.ts';
import { withLastApplied } from '../resources/last-applied.ts';
import { manifestTargets, type Target } from '../resources/select.ts';
import { changeFlags, dryRunOf, resultPrinter, validateFlag, writeQuery } from '../results.ts';
import type { Session } from '../session.ts';
import { sendRaw } from './raw.ts';
import { createConfigMap, createSecret } from './create-config.ts';
import { createIngress, createService } from './create-network.ts';
import {
  createNamespace,
  createPdb,
  createPriorityClass,
  createQuota,
  createServiceAccount,
  createToken,
} from './create-policy.ts';
import {
  createClusterRole,
  createClusterRoleBinding,
  createRole,
  createRoleBinding,
} from './create-rbac.ts';
import { createCronJob, createDeployment, createJob } from './create-workloads.ts';

export const createCommand: CommandSpec = {
  name: 'create',
  short: 'Create a resource from a file or from stdin',
  use: 'kubectl create -f FILENAME [options]',
  flags: [
    ...fileFlags,
    ...changeFlags,
    validateFlag,
    'save-config:bool',
    'edit:bool',
    'selector|l:string',
    'raw:string',
  ],
  commands: [
    createClusterRole,
    createClusterRoleBinding,
    createConfigMap,
    createCronJob,
    createDeployment,
    createIngress,
    createJob,
    createNamespace,
    createPdb,
    createPriorityClass,
    createQuota,
    createRole,
    createRoleBinding,
    createSecret,
    createService,
    createServiceAccount,
    createToken,
  ],
  run: runCreate,
};

/** A failure of the server while a file's object was sent tells the file. */
export function withSource(error: unknown, verb: string, source: string): Error {
  if (error instanceof StatusError && error.status.reason !== 'Invalid')
    return new StatusError({
      ...error.status,
      message: `error when ${verb} "${source}": ${error.message}`,
    });
  return asError(error);
}

/** An object of a file with the namespace it goes to. */
export function placed({ object, resource, namespace }: Target) {
  if (!resource.namespaced) return object;
  const copy = jsonClone(object);
  const metadata = ensureMap(copy, 'metadata');
  metadata['namespace'] ??= namespace;
  return copy;
}

async function runCreate(session: Session): Promise<number> {
  const files = fileOptions(session);
  if (session.args.length > 0)
    throw new UsageError(`Unexpected args: [${session.args.join(' ')}]`, {
      hint: `See '${session.command} -h' for help and examples`,
    });
  if (session.flags.changed('raw')) return sendRaw(session, 'POST');
  requireFiles(files);
  const errors: Error[] = [];
  const print = resultPrinter(session);
  const dryRun = dryRunOf(session);
  let seen = 0;
  for (const target of await manifestTargets(session, files, (error) => errors.push(error))) {
    seen += 1;
    const object = session.flags.bool('save-config')
      ? withLastApplied(placed(target))
      : placed(target);
    try {
      const created =
        dryRun === 'client'
          ? object
          : await session.api.json('POST', resourceUrl(target.resource, target.namespace), {
              body: object,
              query: writeQuery(session, 'kubectl-create'),
            });
      print(created, 'created');
    } catch (error) {
      errors.push(withSource(error, 'creating', target.source));
    }
  }
  throwCollected(errors);
  if (seen === 0) throw new CommandError('no objects passed to create');
  return 0;
}
