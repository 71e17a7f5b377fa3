import { CommandError } from './errors.ts';
import type { Json } from './json-view.ts';
import { objectName, printerFor, type ObjectPrinter } from './print/printers.ts';
import type { Session } from './session.ts';

/** `--dry-run`, `-o` and their kin of commands that change something. */
export const changeFlags = [
  'dry-run:string=none?unchanged',
  'output|o:string',
  'template:string',
  'show-managed-fields:bool',
  'allow-missing-template-keys:bool=true',
  'field-manager:string',
];

export const validateFlag = 'validate:string=strict?strict';

export type DryRun = 'none' | 'client' | 'server';

/** @throws CommandError the value is not one of the three. */
export function dryRunOf(session: Session): DryRun {
  const value = session.flags.text('dry-run') || 'none';
  if (value === 'none' || value === 'client' || value === 'server') return value;
  if (value === 'unchanged') {
    session.warnOnce(
      'W',
      'helpers.go:719',
      '--dry-run is deprecated and can be replaced with --dry-run=client.',
    );
    return 'client';
  }
  throw new CommandError(
    `Invalid dry-run value (${value}). Must be "none", "server", or "client".`,
  );
}

/** Query parameters of a write. */
export function writeQuery(
  session: Session,
  manager: string,
  options: { validation?: boolean } = {},
): Record<string, string | undefined> {
  return {
    fieldManager: session.flags.text('field-manager') || manager,
    fieldValidation: options.validation === false ? undefined : validationOf(session),
    dryRun: dryRunOf(session) === 'server' ? 'All' : undefined,
  };
}

function validationOf(session: Session): string {
  switch (session.flags.text('validate')) {
    case 'false':
    case 'ignore':
      return 'Ignore';
    case 'warn':
      return 'Warn';
    default:
      return 'Strict';
  }
}

/**
 * Prints an object after a change: `pod/web created`, its name, or all of it, by `-o`.
 * @param options `withoutSuffix` for commands that do not say that a run was dry.
 */
export function resultPrinter(
  session: Session,
  options: { keepOrder?: boolean; withoutSuffix?: boolean } = {},
): (object: Json, operation: string) => void {
  const { flags } = session;
  const format = flags.text('output') || (flags.changed('template') ? 'go-template' : '');
  const dryRun = dryRunOf(session);
  const suffix = options.withoutSuffix
    ? ''
    : { none: '', client: ' (dry run)', server: ' (server dry run)' }[dryRun];
  let printer: ObjectPrinter | undefined;
  if (format !== '')
    printer = printerFor(format, {
      files: session.io.files,
      template: flags.text('template'),
      showManagedFields: flags.bool('show-managed-fields'),
      ...(options.keepOrder ? { keepOrder: true } : {}),
    });
  return (object, operation) => {
    session.out(printer ? printer(object) : `${objectName(object)} ${operation}${suffix}\n`);
  };
}
