import { jsonClone, jsonEqual } from '#core/base';
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
import { invalidValue, notSupported, required } from './field-errors.ts';
import { compileJsonPath } from './json-path.ts';
import { storageVersionOf, versionSchema, versionsOf } from './schema.ts';
import { markCrdTerminating } from './status.ts';
import { validateStructural } from './structural.ts';

const dnsLabel = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const dnsLabelText =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const columnTypes = ['boolean', 'date', 'integer', 'number', 'string'];

/**
 * The strategy of CustomResourceDefinition itself.
 * @see apiextensions-apiserver/pkg/registry/customresourcedefinition/strategy.go and
 *   pkg/apis/apiextensions/validation/validation.go
 */
export const customResourceDefinitionStrategy: KindStrategy = {
  group: 'apiextensions.k8s.io',
  kind: 'CustomResourceDefinition',
  hasGeneration: true,
  defaults(draft) {
    const names = draftAt(draft, 'spec', 'names');
    const kind = textOf(names['kind']);
    if (textOf(names['singular']) === '') names['singular'] = kind.toLowerCase();
    if (textOf(names['listKind']) === '' && kind !== '') names['listKind'] = `${kind}List`;
    const spec = draftAt(draft, 'spec');
    if (!isMap(spec['conversion'])) spec['conversion'] = { strategy: 'None' };
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
  validate: (object) => [...validateDefinition(object), ...storedVersionErrors(object)],
  validateUpdate(object, old) {
    const errors = validateDefinition(object);
    const established = mapsOf(at(old, 'status', 'conditions')).some(
      (each) => each['type'] === 'Established' && each['status'] === 'True',
    );
    const immutable = (...path: string[]): void => {
      const value = at(object, ...path);
      if (!jsonEqual(value, at(old, ...path)))
        errors.push(invalidValue(path.join('.'), value, 'field is immutable'));
    };
    if (established) {
      immutable('spec', 'scope');
      immutable('spec', 'names', 'kind');
    }
    immutable('spec', 'group');
    immutable('spec', 'names', 'plural');
    errors.push(...storedVersionErrors(object));
    return errors;
  },
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
  const name = textAt(crd, 'metadata', 'name');
  const plural = textAt(crd, 'spec', 'names', 'plural');
  const group = textAt(crd, 'spec', 'group');
  if (name !== `${plural}.${group}`)
    errors.push(invalidValue('metadata.name', name, 'must be spec.names.plural+"."+spec.group'));
  if (group === '') errors.push(required('spec.group'));
  else if (!group.includes('.'))
    errors.push(invalidValue('spec.group', group, 'should be a domain with at least one dot'));
  const scope = textAt(crd, 'spec', 'scope');
  if (scope === '') errors.push(required('spec.scope'));
  else if (scope !== 'Cluster' && scope !== 'Namespaced')
    errors.push(notSupported('spec.scope', scope, ['Cluster', 'Namespaced']));
  errors.push(...versionErrors(crd), ...nameErrors(crd), ...conversionErrors(crd));
  if (at(crd, 'spec', 'preserveUnknownFields') === true)
    errors.push(
      invalidValue(
        'spec.preserveUnknownFields',
        true,
        'cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead',
      ),
    );
  return errors;
}

function versionErrors(crd: unknown): FieldError[] {
  const errors: FieldError[] = [];
  const versions = versionsOf(crd);
  const names = versions.map((version) => textOf(version['name']));
  // With one schema for all versions upstream reports it under spec.validation.
  const first = versions[0];
  const shared = versions.every((version) => jsonEqual(version['schema'], first?.['schema']));
  const isMissing = (version: JsonMap): boolean => !isMap(at(version, 'schema', 'openAPIV3Schema'));
  versions.forEach((version, index) => {
    if (isMissing(version)) errors.push(required(`spec.versions[${index}].schema.openAPIV3Schema`));
  });
  versions.forEach((version, index) => {
    const path = `spec.versions[${index}]`;
    const schema = versionSchema(version);
    const versionName = names[index] ?? '';
    if (!dnsLabel.test(versionName))
      errors.push(invalidValue(`${path}.name`, versionName, dnsLabelText));
    if (!isMissing(version) && (!shared || index === 0))
      errors.push(
        ...validateStructural(
          schema,
          shared ? 'spec.validation.openAPIV3Schema' : `${path}.schema.openAPIV3Schema`,
        ),
      );
    const pathOf = (field: string): string =>
      versions.every((each) => jsonEqual(each[field], version[field])) ? 'spec' : path;
    if (index === 0 || pathOf('additionalPrinterColumns') !== 'spec')
      errors.push(...columnErrors(version, pathOf('additionalPrinterColumns')));
    if (index === 0 || pathOf('subresources') !== 'spec')
      errors.push(...scaleErrors(version, pathOf('subresources')));
  });
  const [firstName = ''] = names;
  if (names.length > 0 && !dnsLabel.test(firstName))
    errors.push(invalidValue('spec.version', firstName, dnsLabelText));
  if (new Set(names).size !== names.length)
    errors.push(
      invalidValue(
        'spec.versions',
        internalVersions(versions),
        'must contain unique version names',
      ),
    );
  if (versions.filter((version) => version['storage'] === true).length !== 1)
    errors.push(
      invalidValue(
        'spec.versions',
        internalVersions(versions),
        'must have exactly one version marked as storage version',
      ),
    );
  return errors;
}

/** Versions as upstream holds them: what all have in common stands above them, and not in them. */
function internalVersions(versions: readonly JsonMap[]): object[] {
  const own = (version: JsonMap, field: string): unknown =>
    versions.every((each) => jsonEqual(each[field], version[field]))
      ? null
      : (version[field] ?? null);
  return versions.map((version) => ({
    Name: textOf(version['name']),
    Served: version['served'] === true,
    Storage: version['storage'] === true,
    Deprecated: version['deprecated'] === true,
    DeprecationWarning: version['deprecationWarning'] ?? null,
    Schema: own(version, 'schema'),
    Subresources: own(version, 'subresources'),
    AdditionalPrinterColumns: own(version, 'additionalPrinterColumns'),
    SelectableFields: own(version, 'selectableFields'),
  }));
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
    const jsonPath = textOf(column['jsonPath']);
    if (jsonPath === '') errors.push(required(`${own}.JSONPath`));
    else if (!jsonPath.startsWith('.'))
      errors.push(invalidValue(`${own}.JSONPath`, jsonPath, simplePath));
    else if (!compileJsonPath(jsonPath))
      errors.push(
        invalidValue(
          `${own}.JSONPath`,
          jsonPath,
          `is an invalid path: unrecognized character in action: U+0000`,
        ),
      );
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
  return errors;
}

function nameErrors(crd: unknown): FieldError[] {
  const errors: FieldError[] = [];
  const names = mapOf(at(crd, 'spec', 'names'));
  for (const field of ['plural', 'singular', 'kind', 'listKind']) {
    const value = textOf(names[field]);
    if (value === '') errors.push(required(`spec.names.${field}`));
    else if (!dnsLabel.test(value.toLowerCase()) || (!/kind/i.test(field) && !dnsLabel.test(value)))
      errors.push(
        invalidValue(
          `spec.names.${field}`,
          value,
          `${/kind/i.test(field) ? 'may have mixed case, but should otherwise match: ' : ''}${dnsLabelText}`,
        ),
      );
  }
  textsOf(names['shortNames']).forEach((shortName, index) => {
    if (!dnsLabel.test(shortName))
      errors.push(invalidValue(`spec.names.shortNames[${index}]`, shortName, dnsLabelText));
  });
  const kind = textOf(names['kind']);
  if (kind !== '' && kind === textOf(names['listKind']))
    errors.push(invalidValue('spec.names.listKind', kind, 'kind and listKind may not be the same'));
  return errors;
}

function conversionErrors(crd: unknown): FieldError[] {
  const conversion = mapOf(at(crd, 'spec', 'conversion'));
  const strategy = textOf(conversion['strategy']);
  if (strategy === 'None' || strategy === '') return [];
  if (strategy !== 'Webhook')
    return [notSupported('spec.conversion.strategy', strategy, ['None', 'Webhook'])];
  const errors: FieldError[] = [];
  if (!isMap(at(conversion, 'webhook', 'clientConfig')))
    errors.push(
      required('spec.conversion.webhookClientConfig', 'required when strategy is set to Webhook'),
    );
  if (textsOf(at(conversion, 'webhook', 'conversionReviewVersions')).length === 0)
    errors.push(required('spec.conversion.conversionReviewVersions'));
  return errors;
}

function storedVersionErrors(crd: unknown): FieldError[] {
  const stored = textsOf(at(crd, 'status', 'storedVersions'));
  const path = 'status.storedVersions';
  if (stored.length === 0)
    return [invalidValue(path, stored, 'must have at least one stored version')];
  const names = versionsOf(crd).map((version) => textOf(version['name']));
  const storage = storageVersionOf(crd);
  const errors: FieldError[] = [];
  if (storage !== '' && !stored.includes(storage))
    errors.push(invalidValue(path, stored, `must have the storage version ${storage}`));
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
