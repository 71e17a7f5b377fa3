import type { DeepReadonly } from '#core/base';
import {
  badRequest,
  everything,
  failure,
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
import { fieldOfLabel } from './field-labels.ts';
import { isTrue, type ResourceRequest } from './request-info.ts';

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
  { query, name }: Pick<ResourceRequest, 'query' | 'name'>,
  watching: boolean,
): ListOptions {
  const limit = numberOf(query, 'limit') ?? 0;
  const timeoutSeconds = numberOf(query, 'timeoutSeconds');
  const resourceVersion = query.get('resourceVersion') ?? '';
  const asked = query.get('resourceVersionMatch') ?? '';
  const token = query.get('continue') ?? '';
  const initial = query.get('sendInitialEvents');
  // @see apis/meta/internalversion/defaults.go: a watch of old clients is one with initial events.
  const isLegacy =
    watching &&
    initial === null &&
    asked === '' &&
    (resourceVersion === '' || resourceVersion === '0');
  const sendInitialEvents = initial !== null ? isTrue(initial) : isLegacy || undefined;
  const match = isLegacy ? 'NotOlderThan' : asked;
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
    if (match !== '' && token !== '')
      errors.push(
        forbiddenValue(
          'resourceVersionMatch',
          'resourceVersionMatch is forbidden when continue is provided',
        ),
      );
  } else {
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
    if (sendInitialEvents !== undefined)
      errors.push(forbiddenValue('sendInitialEvents', 'sendInitialEvents is forbidden for list'));
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
  fields = fields.map((each) => ({ ...each, field: fieldOfLabel(served, each.field) }));
  // A watch of one object; a collection has no name.
  if (name !== '') {
    if (fields.length === 0) fields = [{ field: 'metadata.name', operator: '=', value: name }];
    else if (!fields.some((each) => isNamed(each, name)))
      throw badRequest("fieldSelector metadata.name doesn't match requested name");
  }
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

function isNamed({ field, operator, value }: FieldRequirement, name: string): boolean {
  return field === 'metadata.name' && operator === '=' && value === name;
}

function numberOf(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  const problem = /^[-+]?\d+$/.test(text)
    ? BigInt.asIntN(64, BigInt(text)) === BigInt(text)
      ? undefined
      : 'value out of range'
    : 'invalid syntax';
  if (problem !== undefined)
    throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: ${problem}`);
  return Number(text);
}

/** What is asked of every version of many objects, by kubelets above all. */
const triggerFields = {
  'metadata.name': (object) => object.metadata.name ?? '',
  'spec.nodeName': (object) => (object['spec'] as Scheduled)?.nodeName ?? '',
} as const satisfies Readonly<Record<string, (object: DeepReadonly<KubeObject>) => string>>;
type Scheduled = { readonly nodeName?: string } | undefined;

/** A field by whose values watches are kept. @see registry/core/pod/strategy.go, NodeNameTriggerFunc */
export type TriggerField = keyof typeof triggerFields;

/** The one value of a field that a watch is about. */
export interface Trigger {
  readonly field: TriggerField;
  readonly value: string;
}

export function triggerValue(object: DeepReadonly<KubeObject>, field: TriggerField): string {
  return triggerFields[field](object);
}

function isTriggerField(field: string): field is TriggerField {
  return Object.hasOwn(triggerFields, field);
}

/** What a watch with these options can be found by; undefined when it may be about any object. */
export function triggerOf(
  { custom }: Served,
  { fields }: Pick<ListOptions, 'fields'>,
): Trigger | undefined {
  for (const { field, operator, value } of fields)
    // The spec of a custom object may be another in another version; its name is not.
    if (operator === '=' && isTriggerField(field) && (!custom || field === 'metadata.name'))
      return { field, value };
  return undefined;
}

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
    if (isTriggerField(field)) return triggerValue(object, field);
    if (field === 'metadata.namespace') return object.metadata.namespace ?? '';
    selectable ??= served.strategy.selectableFields?.(object) ?? {};
    return selectable[field] ?? '';
  });
}

/**
 * A resource version of a list.
 * @throws StatusError 400
 */
export function listVersion(text: string): bigint {
  const parsed = parseVersion(text);
  if (typeof parsed === 'string') throw badRequest(`invalid resource version: ${parsed}`);
  return parsed;
}

/**
 * A resource version of a watch, or of reading one object.
 * @throws StatusError 500
 */
export function exactVersion(text: string): bigint {
  const parsed = parseVersion(text);
  if (typeof parsed === 'string') throw failure(500, '', parsed);
  return parsed;
}

const maxVersion = (1n << 64n) - 1n;

/** @returns what is wrong, as text. */
function parseVersion(text: string): bigint | string {
  if (text === '') return 0n;
  let problem = 'invalid syntax';
  if (/^\d+$/.test(text)) {
    const version = BigInt(text);
    if (version <= maxVersion) return version;
    problem = 'value out of range';
  }
  const { field, message } = invalidValue(
    'resourceVersion',
    text,
    `strconv.ParseUint: parsing ${JSON.stringify(text)}: ${problem}`,
  );
  return `${field ?? ''}: ${message ?? ''}`;
}
