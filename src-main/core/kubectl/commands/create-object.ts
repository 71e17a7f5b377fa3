import { StatusError } from '#core/kube';
import { type Resource, resourceUrl } from '../discovery.ts';
import { CommandError, UsageError } from '../errors.ts';
import { ensureMap, type Json } from '../json-view.ts';
import { dryRunOf, resultPrinter, writeQuery } from '../results.ts';
import { lastAppliedAnnotation, withLastApplied } from '../resources/last-applied.ts';
import type { Session } from '../session.ts';

/** @throws UsageError there is not exactly one NAME. */
export function singleName(session: Session): string {
  const before =
    session.flags.dashAt < 0 ? session.args : session.args.slice(0, session.flags.dashAt);
  const [name] = before;
  if (name === undefined || before.length !== 1)
    throw new UsageError(`exactly one NAME is required, got ${before.length}`, {
      hint: `See '${session.command} -h' for help and examples`,
    });
  return name;
}

/** The words after `--`. */
export function commandWords(session: Session): readonly string[] {
  const { dashAt } = session.flags;
  if (dashAt >= 0) return session.args.slice(dashAt);
  return [];
}

/** @throws CommandError a required flag is missing. */
export function requireFlags(session: Session, ...names: readonly string[]): void {
  const missing = names.filter((name) => !session.flags.changed(name));
  if (missing.length > 0)
    throw new CommandError(
      `required flag(s) ${missing.map((name) => `"${name}"`).join(', ')} not set`,
    );
}

/** `metadata` of a new object; the namespace only where `-n` names one. */
export function metadataFor(
  session: Session,
  name: string,
  resource: Resource,
  rest: Readonly<Record<string, unknown>> = {},
): Json {
  return {
    name,
    ...(resource.namespaced && session.settings.explicitNamespace
      ? { namespace: session.namespace }
      : {}),
    ...rest,
  };
}

/**
 * Sends a generated object, or only shows it, and prints the result.
 *
 * @param failure what a failure's message begins with; absent when the server's own words stand.
 */
export async function createGenerated(
  session: Session,
  resource: Resource,
  object: Json,
  failure?: string,
): Promise<number> {
  const print = resultPrinter(session, { keepOrder: true });
  if (session.flags.bool('save-config')) {
    const annotated = withLastApplied(object);
    const metadata = ensureMap(object, 'metadata');
    metadata['annotations'] = {
      [lastAppliedAnnotation]: ensureMap(annotated, 'metadata', 'annotations')[
        lastAppliedAnnotation
      ],
    };
  }
  if (dryRunOf(session) === 'client') {
    print(object, 'created');
    return 0;
  }
  let created: Json;
  try {
    created = await session.api.json('POST', resourceUrl(resource, session.namespace), {
      query: writeQuery(session, 'kubectl-create'),
      body: object,
    });
  } catch (error) {
    if (failure !== undefined && error instanceof StatusError)
      throw new CommandError(`${failure}${error.message}`);
    throw error;
  }
  print({ kind: resource.kind, apiVersion: session.groupVersion(resource), ...created }, 'created');
  return 0;
}
