import type { DeepReadonly } from '#core/base';
import {
  badRequest,
  everything,
  type FieldRequirement,
  forbiddenValue,
  invalid,
  invalidValue,
  type KubeObject,
  matchesFields,
  matchesLabels,
  parseFieldSelector,
  parseLabelSelector,
  type Selector,
  SelectorError,
  type StatusCause,
  unsupportedValue,
} from '../machinery/index.ts';
import type { Served } from './catalog.ts';
import { isTrue } from './request-info.ts';

/** Options of list, watch and deletecollection, checked. */
export interface ListOptions {
  readonly labels: Selector;
  readonly fields: readonly FieldRequirement[];
  readonly limit: number;
  readonly continue: string;
  readonly resourceVersion: string;
  readonly match: string;
  readonly bookmarks: boolean;
  readonly sendInitialEvents: boolean | undefined;
  /** Undefined: the server chooses. */
  readonly timeoutSeconds: number | undefined;
}

/** @throws StatusError 400, 422 as upstream words it. */
export function listOptionsOf(
  served: Served,
  query: URLSearchParams,
  watching: boolean,
): ListOptions {
  const limit = numberOf(query, 'limit') ?? 0;
  const timeoutSeconds = numberOf(query, 'timeoutSeconds');
  const resourceVersion = query.get('resourceVersion') ?? '';
  const match = query.get('resourceVersionMatch') ?? '';
  const token = query.get('continue') ?? '';
  const initial = query.get('sendInitialEvents');
  const sendInitialEvents = initial === null ? undefined : isTrue(initial);
  const errors: StatusCause[] = [];
  if (watching) {
    if (sendInitialEvents !== undefined) {
      if (match !== 'NotOlderThan')
        errors.push(
          forbiddenValue(
            'resourceVersionMatch',
            'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan',
          ),
        );
    } else if (match !== '')
      errors.push(
        forbiddenValue(
          'resourceVersionMatch',
          'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
        ),
      );
    if (match !== '' && match !== 'NotOlderThan')
      errors.push(unsupportedValue('resourceVersionMatch', match, ['NotOlderThan']));
  } else {
    if (sendInitialEvents !== undefined)
      errors.push(forbiddenValue('sendInitialEvents', 'sendInitialEvents is forbidden for list'));
    if (match !== '') {
      if (resourceVersion === '')
        errors.push(
          forbiddenValue(
            'resourceVersionMatch',
            'resourceVersionMatch is forbidden unless resourceVersion is provided',
          ),
        );
      if (token !== '')
        errors.push(
          forbiddenValue(
            'resourceVersionMatch',
            'resourceVersionMatch is forbidden when continue is provided',
          ),
        );
      if (match !== 'Exact' && match !== 'NotOlderThan')
        errors.push(unsupportedValue('resourceVersionMatch', match, ['Exact', 'NotOlderThan', '']));
      if (match === 'Exact' && resourceVersion === '0')
        errors.push(
          forbiddenValue(
            'resourceVersionMatch',
            'resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
          ),
        );
    }
  }
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', errors);
  let labels: Selector;
  let fields: readonly FieldRequirement[];
  try {
    labels = parseLabelSelector(query.get('labelSelector') ?? '');
    fields = parseFieldSelector(query.get('fieldSelector') ?? '');
  } catch (error) {
    if (error instanceof SelectorError) throw badRequest(error.message);
    throw error;
  }
  for (const { field } of fields) checkField(served, field);
  return {
    labels,
    fields,
    limit,
    continue: token,
    resourceVersion,
    match,
    bookmarks: isTrue(query.get('allowWatchBookmarks')),
    sendInitialEvents,
    timeoutSeconds,
  };
}

function numberOf(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  if (!/^-?\d+$/.test(text))
    throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
}

const sample = { apiVersion: '', kind: '', metadata: { name: '', namespace: '' } };

/** Labels every kind understands. */
function isCommon(field: string): boolean {
  return field === 'metadata.name' || field === 'metadata.namespace';
}

function checkField(served: Served, field: string): void {
  if (isCommon(field)) return;
  const { strategy } = served;
  if (!strategy.selectableFields) {
    const known = ['metadata.name', 'metadata.namespace']
      .map((name) => JSON.stringify(name))
      .join(', ');
    throw badRequest(
      served.custom
        ? `field label not supported: ${field}`
        : `${JSON.stringify(field)} is not a known field selector: only ${known}`,
    );
  }
  let fields: Readonly<Record<string, string>> = {};
  try {
    fields = strategy.selectableFields(sample);
  } catch {
    // A kind whose fields cannot be read from an empty object takes part with what the real ones have.
    return;
  }
  if (!Object.hasOwn(fields, field)) throw badRequest(`field label not supported: ${field}`);
}

const nodeNameField = 'spec.nodeName';
type Scheduled = { readonly nodeName?: string } | undefined;

/** Whether an object is among those asked for. */
export function isSelected(
  served: Served,
  options: Pick<ListOptions, 'labels' | 'fields'>,
  object: DeepReadonly<KubeObject>,
): boolean {
  const { labels, fields } = options;
  if (labels !== everything && !matchesLabels(labels, object.metadata.labels)) return false;
  if (fields.length === 0) return true;
  let selectable: Readonly<Record<string, string>> | undefined;
  return matchesFields(fields, (field) => {
    if (field === 'metadata.name') return object.metadata.name ?? '';
    if (field === 'metadata.namespace') return object.metadata.namespace ?? '';
    // Each kubelet's watch asks this of each version of each pod.
    if (field === nodeNameField) return (object['spec'] as Scheduled)?.nodeName ?? '';
    selectable ??= served.strategy.selectableFields?.(object) ?? {};
    return selectable[field] ?? '';
  });
}

/** A resource version of a list or watch. @throws StatusError 400 */
export function parseResourceVersion(text: string): number {
  if (text === '') return 0;
  if (!/^\d+$/.test(text)) {
    const { field, message } = invalidValue(
      'resourceVersion',
      text,
      `strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`,
    );
    throw badRequest(`invalid resource version: ${field ?? ''}: ${message ?? ''}`);
  }
  return Number(text);
}
