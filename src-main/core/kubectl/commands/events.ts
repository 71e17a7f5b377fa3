import type { CommandSpec } from '../command.ts';
import { shortAge } from '../describe/ages.ts';
import { resourceUrl } from '../discovery.ts';
import { CommandError, ExitError } from '../errors.ts';
import { at, isJson, type Json, list, num, text } from '../json-view.ts';
import { printerFor } from '../print/printers.ts';
import { listObjects } from '../resources/select.ts';
import type { Session } from '../session.ts';
import { alignTabs } from '../tab-writer.ts';

/** What happened, oldest first. @see k8s.io/kubectl/pkg/cmd/events */
export const eventsCommand: CommandSpec = {
  name: 'events',
  interruptCode: (flags) => (flags.bool('watch') ? 1 : undefined),
  short: 'List events',
  use: 'kubectl events [(-o|--output=)json|yaml|kyaml|name|go-template|go-template-file|template|templatefile|jsonpath|jsonpath-as-json|jsonpath-file] [--for TYPE/NAME] [--watch] [--types=Normal,Warning] [options]',
  flags: [
    'all-namespaces|A:bool',
    'allow-missing-template-keys:bool=true',
    'chunk-size:int=500',
    'for:string',
    'no-headers:bool',
    'output|o:string',
    'show-managed-fields:bool',
    'template:string',
    'types:strings',
    'watch|w:bool',
  ],
  run: async (session) => {
    const { flags } = session;
    const fieldSelector = await selectorOfTarget(session);
    const print = eventPrinter(session);
    const types = flags.all('types').map((type) => type.toLowerCase());
    if (types.some((type) => type !== 'normal' && type !== 'warning'))
      throw new CommandError('valid --types are Normal or Warning');
    const wanted = (event: unknown): boolean =>
      types.length === 0 || types.includes(text(event, 'type').toLowerCase());
    const events = session.builtin('', 'v1', 'events', 'Event');
    const namespace = flags.bool('all-namespaces') ? '' : session.namespace;
    if (flags.bool('watch')) {
      await session.api.watch(
        resourceUrl(events, namespace),
        { fieldSelector: fieldSelector || undefined },
        async ({ type, object }) => {
          if (type === 'ERROR') throw new CommandError(text(object, 'message'));
          if (type === 'DELETED' || type === 'BOOKMARK' || !wanted(object)) return false;
          session.out(print(object));
          await session.flush();
          return false;
        },
      );
      session.checkInterrupted();
      return 0;
    }
    const items = (await listObjects(session, events, { namespace, fieldSelector })).filter(wanted);
    if (items.length === 0) {
      session.err(
        flags.bool('all-namespaces')
          ? 'No events found.\n'
          : `No events found in ${session.namespace} namespace.\n`,
      );
      return 0;
    }
    items.sort((a, b) => timeOf(a) - timeOf(b));
    session.out(print({ apiVersion: 'v1', items, kind: 'EventList', metadata: {} }));
    return 0;
  },
};

async function selectorOfTarget(session: Session): Promise<string> {
  const target = session.flags.text('for');
  if (target === '') return '';
  const parts = target.split('/');
  if (parts.length === 1) throw new CommandError('--for must be in resource/name form');
  if (parts.length > 2)
    throw new CommandError('arguments in resource/name form may not have more than one slash');
  const resource = await session
    .resource((parts[0] ?? '').toLowerCase())
    .catch((error: unknown) => {
      // Upstream tells this one without `error: `.
      throw error instanceof CommandError ? new ExitError(error.message) : error;
    });
  return `involvedObject.kind=${resource.kind},involvedObject.apiVersion=${session.groupVersion(resource)},involvedObject.name=${parts[1] ?? ''}`;
}

const msOf = (event: Json, ...path: string[]): number => Date.parse(text(event, ...path));

/** When it was last seen; what has no time at all comes first. */
function timeOf(event: Json): number {
  const last = at(event, 'series')
    ? msOf(event, 'series', 'lastObservedTime')
    : msOf(event, 'lastTimestamp') || msOf(event, 'eventTime');
  return Number.isNaN(last) ? 0 : last;
}

function eventPrinter(session: Session): (object: Json) => string {
  const { flags, io } = session;
  const format = flags.text('output') || (flags.changed('template') ? 'go-template' : '');
  if (format !== '')
    return printerFor(format, {
      files: io.files,
      template: flags.text('template'),
      showManagedFields: flags.bool('show-managed-fields'),
    });
  const all = flags.bool('all-namespaces');
  let heading = flags.bool('no-headers')
    ? ''
    : `${all ? 'NAMESPACE\t' : ''}LAST SEEN\tTYPE\tREASON\tOBJECT\tMESSAGE\n`;
  return (object) => {
    const events = Array.isArray(object['items']) ? list(object, 'items').filter(isJson) : [object];
    const rows = events.map((event) => {
      const cells = [
        ...(all ? [text(event, 'metadata', 'namespace')] : []),
        lastSeen(event, session.now),
        text(event, 'type'),
        text(event, 'reason'),
        `${text(event, 'involvedObject', 'kind')}/${text(event, 'involvedObject', 'name')}`,
        text(event, 'message').trim(),
      ];
      return `${cells.join('\t')}\n`;
    });
    const shown = alignTabs(`${heading}${rows.join('')}`, { minWidth: 6, padding: 3 });
    heading = '';
    return shown;
  };
}

function lastSeen(event: Json, now: number): string {
  const first = shortAge(msOf(event, 'eventTime') || msOf(event, 'firstTimestamp'), now);
  const series = at(event, 'series');
  if (series)
    return `${shortAge(msOf(event, 'series', 'lastObservedTime'), now)} (x${num(series, 'count')} over ${first})`;
  if (num(event, 'count') > 1)
    return `${shortAge(msOf(event, 'lastTimestamp'), now)} (x${num(event, 'count')} over ${first})`;
  return first;
}
