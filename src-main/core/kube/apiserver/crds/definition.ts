import { jsonClone, jsonEqual, utf8 } from '#core/base';
import type { FieldError, KindStrategy } from '../../apis/index.ts';

import {
  at,
  draftAt,
  isMap,
  type JsonMap,
  mapOf,
  mapsOf,
  textAt,
  textOf,
  textsOf,
} from '../fields/index.ts';
import { dns1035LabelErrors, dns1123SubdomainErrors } from '../../machinery/index.ts';
import { approvalErrors } from './approval.ts';
import { conversionErrors } from './conversion-validation.ts';
import { invalidValue, notSupported, required } from './field-errors.ts';
import { internalVersions } from './internal-versions.ts';
import { validateRuleDefinitions } from './rule-definitions.ts';
import { storageVersionOf, versionSchema, versionsOf } from './schema.ts';
import { selectableErrors } from './selectable-fields.ts';
import { markCrdTerminating } from './status.ts';
import { hasDefaults, validateStructural } from './structural.ts';

const columnTypes = ['boolean', 'date', 'integer', 'number', 'string'];
const columnFormats = [
  ...['byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password'],
];

/**
 * The strategy of CustomResourceDefinition itself.
 * @see apiextensions-apiserver/pkg/registry/customresourcedefinition/strategy.go and
 *   pkg/apis/apiextensions/validation/validation.go
 */
export const customResourceDefinitionStrategy: KindStrategy = {
  group: 'apiextensions.k8s.io',
  kind: 'CustomResourceDefinition',
  hasGeneration: true,
  nameRule: (name, object) => [
    ...dns1123SubdomainErrors(name),
    ...(name === `${textAt(object, 'spec', 'names', 'plural')}.${textAt(object, 'spec', 'group')}`
      ? []
      : ['must be spec.names.plural+"."+spec.group']),
  ],
  defaults(draft) {
    const names = draftAt(draft, 'spec', 'names');
    const kind = textOf(names['kind']);
    if (textOf(names['singular']) === '') names['singular'] = kind.toLowerCase();
    if (textOf(names['listKind']) === '' && kind !== '') names['listKind'] = `${kind}List`;
    const spec = draftAt(draft, 'spec');
    if (!isMap(spec['conversion'])) spec['conversion'] = { strategy: 'None' };
    const service = at(spec['conversion'], 'webhook', 'clientConfig', 'service');
    if (isMap(service)) (service as Record<string, unknown>)['port'] ??= 443;
    const storage = storageVersionOf(draft);
    if (storage !== '' && textsOf(at(draft, 'status', 'storedVersions')).length === 0)
      draftAt(draft, 'status')['storedVersions'] = [storage];
  },
  prepareForCreate(draft) {
    const storage = storageVersionOf(draft);
    draft['status'] = {
      acceptedNames: { kind: '', plural: '' },
      conditions: null,
      storedVersions: storage === '' ? [] : [storage],
    };
  },
  prepareForUpdate(draft, old) {
    if (!jsonEqual(draft['spec'], old['spec']))
      draft.metadata.generation = (old.metadata.generation ?? 0) + 1;
    const status = mapOf(jsonClone(old['status']));
    const stored = textsOf(status['storedVersions']);
    const storage = storageVersionOf(draft);
    draft['status'] = {
      ...status,
      storedVersions: storage === '' || stored.includes(storage) ? stored : [...stored, storage],
    };
  },
  prepareForStatusUpdate(draft, old) {
    draft['spec'] = jsonClone(old['spec']);
  },
  beginDelete: (draft, { nowMs }) => markCrdTerminating(draft, nowMs),
  validate: (object) => [
    ...validateDefinition(object),
    ...storedVersionErrors(object),
    ...approvalErrors(object),
  ],
  validateUpdate(object, old) {
    const errors = validateDefinition(object);
    const established = mapsOf(at(old, 'status', 'conditions')).some(
      (each) => each['type'] === 'Established' && each['status'] === 'True',
    );
    const immutable = (...path: string[]): void => {
      const value = textAt(object, ...path);
      if (value !== textAt(old, ...path))
        errors.push(invalidValue(path.join('.'), value, 'field is immutable'));
    };
    if (established) {
      immutable('spec', 'scope');
      immutable('spec', 'names', 'kind');
    }
    immutable('spec', 'group');
    immutable('spec', 'names', 'plural');
    errors.push(...labelErrors(at(object, 'status', 'acceptedNames'), 'status.acceptedNames'));
    errors.push(...storedVersionErrors(object), ...approvalErrors(object, old));
    return errors;
  },
  validateStatusUpdate: (object) =>
    labelErrors(at(object, 'status', 'acceptedNames'), 'status.acceptedNames'),
  table: {
    columns: [
      {
        name: 'Name',
        type: 'string',
        format: 'name',
        description:
          'Name must be unique within a namespace. Is required when creating resources, although some resources may allow a client to request the generation of an appropriate name automatically. Name is primarily intended for creation idempotence and configuration definition. Cannot be updated. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names',
        priority: 0,
      },
      {
        name: 'Created At',
        type: 'date',
        format: '',
        description:
          'CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed to be set in happens-before order across separate operations. Clients may not set this value. It is represented in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata',
        priority: 0,
      },
    ],
    cells: (object) => [object.metadata.name ?? '', object.metadata.creationTimestamp ?? null],
  },
};

function validateDefinition(crd: unknown): FieldError[] {
  const errors: FieldError[] = [];
  const group = textAt(crd, 'spec', 'group');
  const badGroup = dns1123SubdomainErrors(group);
  if (group === '') errors.push(required('spec.group'));
  else if (badGroup.length > 0) errors.push(invalidValue('spec.group', group, badGroup.join(',')));
  else if (!group.includes('.'))
    errors.push(invalidValue('spec.group', group, 'should be a domain with at least one dot'));
  const scope = textAt(crd, 'spec', 'scope');
  if (scope === '') errors.push(required('spec.scope'));
  else if (scope !== 'Cluster' && scope !== 'Namespaced')
    errors.push(notSupported('spec.scope', scope, ['Cluster', 'Namespaced']));
  const isOpen = at(crd, 'spec', 'preserveUnknownFields') === true;
  if (isOpen && versionsOf(crd).some((version) => hasDefaults(versionSchema(version))))
    errors.push(
      invalidValue(
        'spec.preserveUnknownFields',
        true,
        'must be false in order to use defaults in the schema',
      ),
    );
  const { own, above } = versionErrors(crd);
  errors.push(...own, ...nameErrors(crd), ...above, ...conversionErrors(crd));
  if (isOpen)
    errors.push(
      invalidValue(
        'spec.preserveUnknownFields',
        true,
        'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead',
      ),
    );
  return errors;
}

/** @see validateDeprecationWarning */
function deprecationErrors(version: JsonMap, path: string): FieldError[] {
  const warning = version['deprecationWarning'];
  if (typeof warning !== 'string') return [];
  const say = (detail: string): FieldError =>
    invalidValue(`${path}.deprecationWarning`, warning, detail);
  if (version['deprecated'] !== true) return [say('can only be set for deprecated versions')];
  const errors: FieldError[] = [];
  if (utf8(warning).length > 256) errors.push(say('must be <= 256 characters long'));
  if (warning === '') errors.push(say('must not be an empty string'));
  const hidden = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.exec(warning);
  if (hidden)
    errors.push(
      say(
        `must only contain printable UTF-8 characters; non-printable character found at index ${utf8(warning.slice(0, hidden.index)).length}`,
      ),
    );
  return errors;
}

/** What a schema is whose status is written apart. */
function statusTypeErrors(schema: JsonMap, path: string): FieldError[] {
  const type = textOf(schema['type']);
  return type === '' || type === 'object'
    ? []
    : [
        invalidValue(
          `${path}.type`,
          type,
          'only "object" is allowed as the type at the root of the schema if the status subresource is enabled',
        ),
      ];
}

/** Errors of single versions, and of what all share, which upstream holds above them and checks later. */
function versionErrors(crd: unknown): { own: FieldError[]; above: FieldError[] } {
  const errors: FieldError[] = [];
  const above: FieldError[] = [];
  const versions = versionsOf(crd);
  const names = versions.map((version) => textOf(version['name']));
  // With one schema for all versions upstream reports it under spec.validation.
  const first = versions[0];
  const isMissingList = !Array.isArray(at(crd, 'spec', 'versions'));
  const shared = versions.every((version) => jsonEqual(version['schema'], first?.['schema']));
  const isMissing = (version: JsonMap): boolean => !isMap(at(version, 'schema', 'openAPIV3Schema'));
  versions.forEach((version, index) => {
    if (isMissing(version)) errors.push(required(`spec.versions[${index}].schema.openAPIV3Schema`));
  });
  versions.forEach((version, index) => {
    const path = `spec.versions[${index}]`;
    const schema = versionSchema(version);
    const versionName = names[index] ?? '';
    const badName = dns1035LabelErrors(versionName);
    if (badName.length > 0)
      errors.push(invalidValue(`${path}.name`, versionName, badName.join(',')));
    errors.push(...deprecationErrors(version, path));
    if (!isMissing(version) && (!shared || index === 0)) {
      const own = shared ? 'spec.validation.openAPIV3Schema' : `${path}.schema.openAPIV3Schema`;
      const structural = validateStructural(schema, own);
      const typed = isMap(at(version, 'subresources', 'status'))
        ? statusTypeErrors(schema, own)
        : [];
      (shared ? above : errors).push(
        ...typed,
        ...structural,
        ...validateRuleDefinitions(schema, own, structural.length === 0),
      );
    }
    for (const [field, check] of [
      ['subresources', scaleErrors],
      ['additionalPrinterColumns', columnErrors],
      ['selectableFields', selectableErrors],
    ] as const) {
      if (!versions.every((each) => jsonEqual(each[field], version[field])))
        errors.push(...check(version, path));
      else if (index === 0) above.push(...check(version, 'spec'));
    }
  });
  if (new Set(names).size !== names.length)
    errors.push(
      invalidValue(
        'spec.versions',
        isMissingList ? null : internalVersions(versions),
        'must contain unique version names',
      ),
    );
  if (versions.filter((version) => version['storage'] === true).length !== 1)
    errors.push(
      invalidValue(
        'spec.versions',
        isMissingList ? null : internalVersions(versions),
        'must have exactly one version marked as storage version',
      ),
    );
  const [firstName = ''] = names;
  const badFirst = firstName === '' ? [] : dns1035LabelErrors(firstName);
  if (badFirst.length > 0) errors.push(invalidValue('spec.version', firstName, badFirst.join(',')));
  return { own: errors, above };
}

const simplePath = 'must be a simple json path starting with .';

function columnErrors(version: JsonMap, path: string): FieldError[] {
  return mapsOf(version['additionalPrinterColumns']).flatMap((column, index) => {
    const own = `${path}.additionalPrinterColumns[${index}]`;
    const errors: FieldError[] = [];
    if (textOf(column['name']) === '') errors.push(required(`${own}.name`));
    const type = textOf(column['type']);
    const rule = `must be one of ${columnTypes.join(',')}`;
    if (type === '') errors.push(required(`${own}.type`, rule));
    else if (!columnTypes.includes(type)) errors.push(invalidValue(`${own}.type`, type, rule));
    const format = textOf(column['format']);
    if (format !== '' && !columnFormats.includes(format))
      errors.push(
        invalidValue(`${own}.format`, format, `must be one of ${columnFormats.join(',')}`),
      );
    const jsonPath = textOf(column['jsonPath']);
    if (jsonPath === '') errors.push(required(`${own}.JSONPath`));
    else if (!jsonPath.startsWith('.'))
      errors.push(invalidValue(`${own}.JSONPath`, jsonPath, simplePath));
    return errors;
  });
}

function scaleErrors(version: JsonMap, path: string): FieldError[] {
  const scale = at(version, 'subresources', 'scale');
  if (!isMap(scale)) return [];
  const errors: FieldError[] = [];
  const own = `${path}.subresources.scale`;
  for (const [field, prefix, root] of [
    ['specReplicasPath', '.spec.', 'spec'],
    ['statusReplicasPath', '.status.', 'status'],
  ] as const) {
    const value = textOf(scale[field]);
    if (value === '') errors.push(required(`${own}.${field}`));
    else if (!value.startsWith('.'))
      errors.push(invalidValue(`${own}.${field}`, value, simplePath));
    else if (!value.startsWith(prefix))
      errors.push(invalidValue(`${own}.${field}`, value, `should be a json path under .${root}`));
  }
  const selector = textOf(scale['labelSelectorPath']);
  if (selector === '') return errors;
  if (!selector.startsWith('.'))
    errors.push(invalidValue(`${own}.labelSelectorPath`, selector, simplePath));
  else if (!/^\.(?:spec|status)\./.test(selector))
    errors.push(
      invalidValue(
        `${own}.labelSelectorPath`,
        selector,
        'should be a json path under either .spec or .status',
      ),
    );
  return errors;
}

function nameErrors(crd: unknown): FieldError[] {
  const names = at(crd, 'spec', 'names');
  return [
    ...['plural', 'singular', 'kind', 'listKind']
      .filter((field) => textAt(names, field) === '')
      .map((field) => required(`spec.names.${field}`)),
    ...labelErrors(names, 'spec.names'),
  ];
}

/** Names as a definition asks for them and as its status has them; those that are empty are not asked for. */
function labelErrors(given: unknown, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const names = mapOf(given);
  const check = (field: string, value: string, mixedCase: boolean): void => {
    const faults = dns1035LabelErrors(mixedCase ? value.toLowerCase() : value).join(',');
    if (faults === '') return;
    const prefix = mixedCase ? 'may have mixed case, but should otherwise match: ' : '';
    errors.push(invalidValue(`${path}.${field}`, value, `${prefix}${faults}`));
  };
  for (const field of ['plural', 'singular', 'kind', 'listKind']) {
    const value = textOf(names[field]);
    if (value !== '') check(field, value, /kind/i.test(field));
  }
  textsOf(names['shortNames']).forEach((name, index) => {
    check(`shortNames[${index}]`, name, false);
  });
  const kind = textOf(names['kind']);
  if (kind !== '' && kind === textOf(names['listKind']))
    errors.push(invalidValue(`${path}.listKind`, kind, 'kind and listKind may not be the same'));
  textsOf(names['categories']).forEach((name, index) => {
    check(`categories[${index}]`, name, false);
  });
  return errors;
}

function storedVersionErrors(crd: unknown): FieldError[] {
  const stored = textsOf(at(crd, 'status', 'storedVersions'));
  const path = 'status.storedVersions';
  if (stored.length === 0)
    return [invalidValue(path, null, 'must have at least one stored version')];
  const versions = versionsOf(crd);
  const names = versions.map((version) => textOf(version['name']));
  const errors = versions
    .filter((version) => version['storage'] === true && !stored.includes(textOf(version['name'])))
    .map((version) =>
      invalidValue(path, stored, `must have the storage version ${textOf(version['name'])}`),
    );
  stored.forEach((version, index) => {
    if (!names.includes(version))
      errors.push(
        invalidValue(
          `${path}[${index}]`,
          version,
          `missing from spec.versions; ${version} was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in ${version} and removes ${version} from status.storedVersions`,
        ),
      );
  });
  return errors;
}
