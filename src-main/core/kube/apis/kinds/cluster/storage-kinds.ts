import type { DeepReadonly } from '#core/base';
import type { KubeObject, LabelSelector } from '../../../machinery/index.ts';
import type { KindStrategy } from '../../kind-strategy.ts';
import { FieldErrors, Printed } from '../../validation/field.ts';
import {
  immutableMessage,
  nonNegative,
  nonNegativeMessage,
  printSelector,
  qualifiedName,
  semanticEqual,
  validateLabelSelector,
} from '../../validation/meta.ts';
import { isDns1123Subdomain } from '../../validation/names.ts';
import { compareQuantities } from '../../validation/quantity.ts';
import { driverName } from '../core/volume-sources.ts';
import { view } from '../core/pod-types.ts';

// Rules: pkg/apis/storage/validation/validation.go.

type Draft = DeepReadonly<KubeObject>;

interface NodeDriver {
  name?: string;
  nodeID?: string;
  topologyKeys?: string[] | null;
  allocatable?: { count?: number };
}

const driversOf = (object: Draft): readonly NodeDriver[] =>
  view<{ spec?: { drivers?: NodeDriver[] | null } }>(object).spec?.drivers ?? [];

function nodeDrivers(errors: FieldErrors, object: Draft): void {
  const names = new Set<string>();
  driversOf(object).forEach(({ name = '', nodeID = '', topologyKeys, allocatable }, index) => {
    const path = `spec.drivers[${index}]`;
    driverName(errors, `${path}.name`, name);
    if (nodeID === '') errors.required(`${path}.nodeID`);
    if (nodeID.length > 192)
      errors.invalid(`${path}.nodeID`, nodeID, 'must be 192 characters or less');
    nonNegative(errors, `${path}.allocatable.count`, allocatable?.count);
    if (names.has(name)) errors.duplicate(`${path}.name`, name);
    names.add(name);
    const keys = new Set<string>();
    for (const key of topologyKeys ?? []) {
      if (key === '') errors.required(path);
      if (keys.has(key)) errors.duplicate(path, key);
      keys.add(key);
      qualifiedName(errors, path, key);
    }
  });
}

/** A driver of a node as Go prints it, without what may change. */
const printedDriver = ({ name = '', nodeID = '', topologyKeys }: NodeDriver): Printed =>
  new Printed(
    `{"Name":${JSON.stringify(name)},"NodeID":${JSON.stringify(nodeID)},"TopologyKeys":${JSON.stringify(topologyKeys ?? null)},"Allocatable":null}`,
  );

const csiNodeStrategy: KindStrategy = {
  group: 'storage.k8s.io',
  kind: 'CSINode',
  validate(object) {
    const errors = new FieldErrors();
    nodeDrivers(errors, object);
    return errors.list;
  },
  validateUpdate(object, old) {
    const errors = new FieldErrors();
    nodeDrivers(errors, object);
    for (const before of driversOf(old))
      for (const driver of driversOf(object)) {
        const fixed = ({ nodeID, topologyKeys }: NodeDriver): unknown[] => [
          nodeID ?? '',
          topologyKeys ?? [],
        ];
        if (before.name === driver.name && !semanticEqual(fixed(before), fixed(driver)))
          errors.invalid('spec.drivers', printedDriver(driver), immutableMessage);
      }
    return errors.list;
  },
};

interface StorageCapacity {
  nodeTopology?: LabelSelector;
  storageClassName?: string;
  capacity?: string;
}

function storageCapacity(errors: FieldErrors, object: Draft): void {
  const { nodeTopology, storageClassName = '', capacity } = view<StorageCapacity>(object);
  if (nodeTopology) validateLabelSelector(errors, 'nodeTopology', nodeTopology);
  errors.invalidEach('storageClassName', storageClassName, isDns1123Subdomain(storageClassName));
  if (capacity !== undefined && compareQuantities(capacity, '0') < 0)
    errors.invalid('capacity', capacity, nonNegativeMessage);
}

const storageCapacityStrategy: KindStrategy = {
  group: 'storage.k8s.io',
  kind: 'CSIStorageCapacity',
  validate(object) {
    const errors = new FieldErrors();
    storageCapacity(errors, object);
    return errors.list;
  },
  validateUpdate(object, old) {
    const errors = new FieldErrors();
    storageCapacity(errors, object);
    const now = view<StorageCapacity>(object);
    const before = view<StorageCapacity>(old);
    if (!semanticEqual(now.nodeTopology, before.nodeTopology))
      errors.invalid('nodeTopology', printSelector(now.nodeTopology), immutableMessage);
    if ((now.storageClassName ?? '') !== (before.storageClassName ?? ''))
      errors.invalid('storageClassName', now.storageClassName ?? '', immutableMessage);
    return errors.list;
  },
};

interface AttributesClass {
  driverName?: string;
  parameters?: Record<string, string>;
}

/** All keys and values of a class's parameters together. */
const maxParameters = 512;
const maxParametersBytes = 256 * 1024;

function attributesClass(errors: FieldErrors, object: Draft): void {
  const { driverName: name = '', parameters = {} } = view<AttributesClass>(object);
  if (name === '') errors.required('driverName');
  else qualifiedName(errors, 'driverName', name.toLowerCase());
  const entries = Object.entries(parameters);
  if (entries.length > maxParameters) errors.tooLong('parameters', maxParameters);
  let bytes = 0;
  for (const [key, value] of entries) {
    if (key === '') errors.invalid('parameters', key, 'field can not be empty.');
    bytes += key.length + value.length;
  }
  if (bytes > maxParametersBytes) errors.tooLong('parameters', maxParametersBytes);
  if (entries.length === 0)
    errors.required('parameters', 'must contain at least one key/value pair');
}

const attributesClassStrategy: KindStrategy = {
  group: 'storage.k8s.io',
  kind: 'VolumeAttributesClass',
  validate(object) {
    const errors = new FieldErrors();
    attributesClass(errors, object);
    return errors.list;
  },
  validateUpdate(object, old) {
    const errors = new FieldErrors();
    const now = view<AttributesClass>(object);
    const before = view<AttributesClass>(old);
    if ((now.driverName ?? '') !== (before.driverName ?? ''))
      errors.forbidden('driverName', 'updates to driverName are forbidden.');
    if (!semanticEqual(now.parameters, before.parameters))
      errors.forbidden('parameters', 'updates to parameters are forbidden.');
    attributesClass(errors, object);
    return errors.list;
  },
};

/** Kinds of storage that only drivers write. */
export const storageStrategies: readonly KindStrategy[] = [
  csiNodeStrategy,
  storageCapacityStrategy,
  attributesClassStrategy,
];
