import type { DeepReadonly } from '#core/base';
import type { KubeObject } from '../../../machinery/index.ts';
import type { FieldError, KindStrategy } from '../../kind-strategy.ts';
import { FieldErrors, Printed } from '../../validation/field.ts';
import { immutable, qualifiedName, semanticEqual } from '../../validation/meta.ts';
import { view } from './pod-types.ts';

/** An event in the words of the internal type, which validation uses whatever the request's version is. */
interface InternalEvent {
  readonly namespace: string;
  readonly involvedObject: Readonly<Record<string, unknown>>;
  readonly eventTime: string;
  readonly reportingController: string;
  readonly reportingInstance: string;
  readonly action: string;
  readonly reason: string;
  readonly message: string;
  readonly type: string;
  readonly source: Readonly<Record<string, unknown>>;
  readonly firstTimestamp: string;
  readonly lastTimestamp: string;
  readonly count: number;
  readonly related: unknown;
  readonly series:
    { readonly count?: number; readonly lastObservedTime?: string | null } | undefined;
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const fields = (value: unknown): Readonly<Record<string, unknown>> =>
  (value ?? {}) as Readonly<Record<string, unknown>>;

function internalOf(object: DeepReadonly<KubeObject>): InternalEvent {
  const event = view<Record<string, unknown>>(object);
  const either = (old: string, now: string): unknown => event[old] ?? event[now];
  return {
    namespace: object.metadata.namespace ?? '',
    involvedObject: fields(either('involvedObject', 'regarding')),
    eventTime: text(event['eventTime']),
    reportingController: text(either('reportingComponent', 'reportingController')),
    reportingInstance: text(event['reportingInstance']),
    action: text(event['action']),
    reason: text(event['reason']),
    message: text(either('message', 'note')),
    type: text(event['type']),
    source: fields(either('source', 'deprecatedSource')),
    firstTimestamp: text(either('firstTimestamp', 'deprecatedFirstTimestamp')),
    lastTimestamp: text(either('lastTimestamp', 'deprecatedLastTimestamp')),
    count: Number(either('count', 'deprecatedCount') ?? 0),
    related: event['related'],
    series: event['series'] as InternalEvent['series'],
  };
}

const lengthLimits = {
  reportingInstance: 128,
  action: 128,
  reason: 128,
  message: 1024,
} as const;

/** @param controllerField what the request's version calls the reporting controller. */
function validateLegacy(errors: FieldErrors, event: InternalEvent, controllerField: string): void {
  const { namespace, eventTime, reportingController } = event;
  const involved = text(event.involvedObject['namespace']);
  const mismatch = (): void =>
    errors.invalid('involvedObject.namespace', involved, 'does not match event.namespace');
  if (eventTime === '') {
    if (involved === '' ? !['', 'default'].includes(namespace) : namespace !== involved) mismatch();
    return;
  }
  if (involved === '' && !['default', 'kube-system'].includes(namespace)) mismatch();
  if (reportingController === '') errors.required(controllerField);
  qualifiedName(errors, controllerField, reportingController);
  for (const field of ['reportingInstance', 'action', 'reason', 'message'] as const) {
    const limit = lengthLimits[field];
    if (field !== 'message' && event[field] === '') errors.required(field);
    if (event[field].length > limit)
      errors.invalid(field, '', `can have at most ${limit} characters`);
  }
}

function validateSeries(errors: FieldErrors, { series }: InternalEvent): void {
  if (!series) return;
  if ((series.count ?? 0) < 2) errors.invalid('series.count', '', 'should be at least 2');
  if (!series.lastObservedTime) errors.required('series.lastObservedTime');
}

/** What the newer group asks of new events beyond the old rules. */
function validateStrictly(errors: FieldErrors, event: InternalEvent): void {
  validateSeries(errors, event);
  if (event.eventTime === '') errors.required('eventTime');
  if (event.type !== 'Normal' && event.type !== 'Warning')
    errors.invalid('type', '', `has invalid value: ${event.type}`);
  const unset = (field: string, isSet: boolean): void => {
    if (isSet) errors.invalid(field, '', 'needs to be unset');
  };
  unset('firstTimestamp', event.firstTimestamp !== '');
  unset('lastTimestamp', event.lastTimestamp !== '');
  unset('count', event.count !== 0);
  unset('source', Boolean(event.source['component']) || Boolean(event.source['host']));
}

const fixed = [
  'involvedObject',
  'reason',
  'message',
  'source',
  'firstTimestamp',
  'lastTimestamp',
  'count',
  // Upstream looks at it twice.
  'reason',
  'type',
  'eventTime',
  'action',
  'related',
  'reportingController',
  'reportingInstance',
] as const;

/** Fields of a reference to an object, and what Go calls them. */
const referenceNames = {
  kind: 'Kind',
  namespace: 'Namespace',
  name: 'Name',
  uid: 'UID',
  apiVersion: 'APIVersion',
  resourceVersion: 'ResourceVersion',
  fieldPath: 'FieldPath',
} as const;

/** Of what an event is about; selectors may name each. */
export const eventTargetFields = Object.keys(referenceNames);

/** A value as the internal type prints it: structs by Go's names, with all their fields. */
function printed(field: (typeof fixed)[number], event: InternalEvent): unknown {
  const struct = (value: unknown, names: readonly string[], keys: readonly string[]): Printed =>
    new Printed(
      JSON.stringify(
        Object.fromEntries(names.map((name, at) => [name, text(fields(value)[keys[at] ?? ''])])),
      ),
    );
  if (field === 'source') return struct(event.source, ['Component', 'Host'], ['component', 'host']);
  if (field === 'involvedObject' || (field === 'related' && event.related))
    return struct(event[field], Object.values(referenceNames), eventTargetFields);
  return event[field];
}

/** What a field selector may name, by the names of the old group, which labels of the new one are led to. */
function selectableFields(object: unknown): Record<string, string> {
  const event = internalOf(object as DeepReadonly<KubeObject>);
  return {
    reason: event.reason,
    reportingComponent: event.reportingController,
    type: event.type,
    source: text(event.source['component']) || event.reportingController,
    ...Object.fromEntries(
      eventTargetFields.map((field) => [
        `involvedObject.${field}`,
        text(event.involvedObject[field]),
      ]),
    ),
  };
}

function eventStrategy(group: string): KindStrategy {
  const isCore = group === '';
  const controllerField = isCore ? 'reportingComponent' : 'reportingController';
  return {
    group,
    kind: 'Event',
    createOnUpdate: true,
    unconditionalUpdate: true,
    defaults(draft) {
      if (!isCore) return;
      // Fields the type prints even when they are empty.
      draft['involvedObject'] ??= {};
      draft['source'] ??= {};
      draft['firstTimestamp'] ??= null;
      draft['lastTimestamp'] ??= null;
      draft['eventTime'] ??= null;
      draft['reportingComponent'] ??= '';
      draft['reportingInstance'] ??= '';
    },
    validate(object): FieldError[] {
      const errors = new FieldErrors();
      const event = internalOf(object);
      validateLegacy(errors, event, controllerField);
      if (!isCore) validateStrictly(errors, event);
      return errors.list;
    },
    validateUpdate(object, old): FieldError[] {
      const errors = new FieldErrors();
      const [event, before] = [internalOf(object), internalOf(old)];
      validateLegacy(errors, event, controllerField);
      if (isCore) return errors.list;
      if (!semanticEqual(event.series, before.series)) validateSeries(errors, event);
      for (const field of fixed)
        immutable(errors, field, event[field], before[field], printed(field, event));
      return errors.list;
    },
    selectableFields,
  };
}

/** The old and the new group serve the same objects. @see pkg/apis/core/validation/events.go */
export const eventStrategies = [eventStrategy(''), eventStrategy('events.k8s.io')];
