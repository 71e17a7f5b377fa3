import { resourceUrl } from '../discovery.ts';
import { CommandError } from '../errors.ts';
import { isJson, type Json, list, text } from '../json-view.ts';
import type { ObjectPrinter } from '../print/printers.ts';
import { emptyTableState, printTable } from '../print/table.ts';
import type { Session } from '../session.ts';
import { type Fetch, tableOptions } from './get-options.ts';

/**
 * `get -w`: what is there, then each change until the watch ends.
 * @param printer of `-o`; absent for tables.
 */
export async function watchObjects(
  session: Session,
  fetches: readonly Fetch[],
  printer: ObjectPrinter | undefined,
  tableAccept: string,
): Promise<number> {
  const { flags, api } = session;
  const [fetch] = fetches;
  if (!fetch) return 0;
  if (fetches.length > 1) throw new CommandError('you may only specify a single resource type');
  const accept = printer ? 'application/json' : tableAccept;
  const url = resourceUrl(fetch.resource, fetch.namespace);
  const query = {
    labelSelector: flags.text('selector') || undefined,
    fieldSelector:
      fetch.name === undefined
        ? flags.text('field-selector') || undefined
        : `metadata.name=${fetch.name}`,
  };
  const withEvents = flags.bool('output-watch-events');
  const state = emptyTableState();
  // Columns come with the first event only; later ones repeat them by position.
  let columns: unknown;
  const show = async (type: string, object: Json): Promise<void> => {
    if (printer) {
      session.out(printer(withEvents ? { type, object } : object));
    } else {
      columns = Array.isArray(object['columnDefinitions']) ? object['columnDefinitions'] : columns;
      const table = object['kind'] === 'Table' ? { ...object, columnDefinitions: columns } : object;
      const options = tableOptions(session, fetch.resource, false);
      session.out(printTable(table, withEvents ? { ...options, event: type } : options, state));
    }
    await session.flush();
  };
  const initial =
    fetch.name === undefined
      ? await api.get(url, { ...query, limit: flags.int('chunk-size') || undefined }, accept)
      : await api.get(resourceUrl(fetch.resource, fetch.namespace, fetch.name), {}, accept);
  const resourceVersion = text(initial, 'metadata', 'resourceVersion');
  if (!flags.bool('watch-only')) {
    if (printer && Array.isArray(initial['items']))
      for (const item of list(initial, 'items'))
        await show('ADDED', {
          ...(item as Json),
          apiVersion: session.groupVersion(fetch.resource),
          kind: fetch.resource.kind,
        });
    else if (printer || list(initial, 'rows').length > 0) await show('ADDED', initial);
    else columns = initial['columnDefinitions'];
  } else columns = initial['columnDefinitions'];
  await api.watch(
    url,
    { ...query, resourceVersion: resourceVersion || '0' },
    async ({ type, object }) => {
      if (type === 'ERROR') throw new CommandError(text(object, 'message'));
      if (type === 'BOOKMARK' || !isJson(object)) return false;
      await show(type, object);
      return false;
    },
    { accept },
  );
  session.checkInterrupted();
  return 0;
}
