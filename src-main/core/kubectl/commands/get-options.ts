import type { Resource } from '../discovery.ts';
import type { TableOptions } from '../print/table.ts';
import type { Session } from '../session.ts';

/** One thing to read: an object, or all of a resource. */
export interface Fetch {
  readonly resource: Resource;
  readonly namespace: string;
  readonly name?: string;
}

/** How tables of a resource are printed, by the flags of `get`. */
export function tableOptions(session: Session, resource: Resource, several: boolean): TableOptions {
  const { flags } = session;
  return {
    wide: flags.text('output') === 'wide',
    noHeaders: flags.bool('no-headers'),
    withNamespace: flags.bool('all-namespaces') && resource.namespaced,
    withKind: several || flags.bool('show-kind'),
    showLabels: flags.bool('show-labels'),
    labelColumns: flags.all('label-columns'),
    resource,
    nowMs: session.now,
  };
}
