import { jsonClone } from '#core/base';
import type { CommandSpec } from '../command.ts';
import { asError, CommandError, throwCollected } from '../errors.ts';
import { ensureMap, type Json, list, text } from '../json-view.ts';
import { fileFlags, fileOptions, namesFiles } from '../resources/manifests.ts';
import { selectTargets, type Target, urlOf } from '../resources/select.ts';
import { resultPrinter } from '../results.ts';
import type { Session } from '../session.ts';

interface Verdict {
  readonly condition: string;
  readonly opposite: string;
  readonly reason: string;
  readonly message: string;
  readonly operation: string;
}

const approved: Verdict = {
  condition: 'Approved',
  opposite: 'Denied',
  reason: 'KubectlApprove',
  message: 'This CSR was approved by kubectl certificate approve.',
  operation: 'approved',
};

const denied: Verdict = {
  condition: 'Denied',
  opposite: 'Approved',
  reason: 'KubectlDeny',
  message: 'This CSR was denied by kubectl certificate deny.',
  operation: 'denied',
};

const flags = [
  ...fileFlags,
  'force:bool',
  'output|o:string',
  'template:string',
  'show-managed-fields:bool',
  'allow-missing-template-keys:bool=true',
];

export const certificateCommand: CommandSpec = {
  name: 'certificate',
  short: 'Modify certificate resources',
  use: 'kubectl certificate SUBCOMMAND [options]',
  commands: [
    {
      name: 'approve',
      short: 'Approve a certificate signing request',
      use: 'kubectl certificate approve (-f FILENAME | NAME) [options]',
      flags,
      run: (session) => judge(session, approved),
    },
    {
      name: 'deny',
      short: 'Deny a certificate signing request',
      use: 'kubectl certificate deny (-f FILENAME | NAME) [options]',
      flags,
      run: (session) => judge(session, denied),
    },
  ],
};

async function judge(session: Session, verdict: Verdict): Promise<number> {
  const print = resultPrinter(session);
  const files = fileOptions(session);
  if (session.args.length === 0 && !namesFiles(files))
    throw new CommandError('one or more CSRs must be specified as <name> or -f <filename>');
  const errors: Error[] = [];
  const targets = await selectTargets(session, {
    args: session.args.map((name) =>
      name.includes('/') ? name : `certificatesigningrequests/${name}`,
    ),
    files,
    onError: (error) => errors.push(error),
  });
  for (const target of targets)
    try {
      await record(session, target, verdict);
      print(target.object, verdict.operation);
    } catch (error) {
      errors.push(asError(error));
    }
  throwCollected(errors);
  return 0;
}

/** Adds the condition where it is not yet there, or anew with `--force`. */
async function record(session: Session, target: Target, verdict: Verdict): Promise<void> {
  const { resource, name, object } = target;
  if (resource.kind !== 'CertificateSigningRequest' || resource.group !== 'certificates.k8s.io')
    throw new CommandError(
      `can only handle CertificateSigningRequest.certificates.k8s.io objects, got ${resource.group === '' ? resource.kind : `${resource.kind}.${resource.group}`}`,
    );
  const conditions = list(object, 'status', 'conditions');
  const has = (type: string): boolean => conditions.some((each) => text(each, 'type') === type);
  if (has(verdict.opposite))
    throw new CommandError(`certificate signing request "${name}" is already ${verdict.opposite}`);
  const already = has(verdict.condition);
  if (already && !session.flags.bool('force')) return;
  const changed: Json = jsonClone(object);
  if (!already)
    ensureMap(changed, 'status')['conditions'] = [
      ...conditions,
      {
        type: verdict.condition,
        status: 'True',
        reason: verdict.reason,
        message: verdict.message,
        lastUpdateTime: new Date(session.now).toISOString().replace(/\.\d+Z$/, 'Z'),
        lastTransitionTime: null,
      },
    ];
  await session.api.json('PUT', urlOf(target, 'approval'), { body: changed });
}
