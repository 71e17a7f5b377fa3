import { type DeepReadonly, jsonClone } from '#core/base';

import type { KubeObject } from '../../../machinery/index.ts';
import type { FieldError, KindStrategy } from '../../kind-strategy.ts';
import { FieldErrors, Printed } from '../../validation/field.ts';
import { semanticEqual } from '../../validation/meta.ts';
import { setClaimSpecDefaults, setTemplateDefaults } from '../core/pod-defaults.ts';
import { view } from '../core/pod-types.ts';
import { claimSpecWarnings } from '../core/pod-volume-warnings.ts';
import { templateWarnings, workloadNameWarnings } from '../core/pod-warnings.ts';
import { bumpGeneration, isNewGeneration, keepSpec, keepStatus } from '../strategy.ts';
import { count, type Counts, type Workload, type WorkloadSpec } from './types.ts';
import {
  validateDaemonSetSpec,
  validateDeploymentSpec,
  validateReplicaCounts,
  validateReplicaSetSpec,
  validateSameSelector,
  validateStatefulSetChange,
  validateStatefulSetSpec,
} from './validation.ts';

const specOf = (object: DeepReadonly<KubeObject>): WorkloadSpec =>
  view<Workload>(object).spec ?? {};
const statusOf = (object: DeepReadonly<KubeObject>): Workload['status'] =>
  view<Workload>(object).status;

function setWorkloadDefaults(draft: KubeObject, status: Record<string, unknown>): WorkloadSpec {
  const workload = view<Workload>(draft);
  const spec = (workload.spec ??= {});
  setTemplateDefaults((spec.template ??= {}));
  workload.status = { ...status, ...workload.status };
  return spec;
}

/** Workloads that say so when their name is no good for the pods named after it. */
const namesPods = new Set(['Deployment', 'ReplicaSet']);

type Check = (errors: FieldErrors, spec: WorkloadSpec, old?: WorkloadSpec) => void;

/** DaemonSets count the generations of their templates apart. */
const warnsOfTemplate = (
  object: DeepReadonly<KubeObject>,
  old: DeepReadonly<KubeObject> | undefined,
): boolean =>
  object.kind === 'DaemonSet' && old
    ? !semanticEqual(specOf(object).template, specOf(old).template)
    : isNewGeneration(object, old);

/** What every workload of the group does alike. */
function workload(
  kind: string,
  zeroStatus: Record<string, unknown>,
  defaults: (spec: WorkloadSpec) => void,
  validate: Check,
  more: Partial<KindStrategy> = {},
): KindStrategy {
  const run = (object: DeepReadonly<KubeObject>, old?: DeepReadonly<KubeObject>): FieldError[] => {
    const errors = new FieldErrors();
    validate(errors, specOf(object), old && specOf(old));
    return errors.list;
  };
  return {
    group: 'apps',
    kind,
    hasGeneration: true,
    unconditionalUpdate: true,
    defaultPropagation: 'Background',
    defaults(draft) {
      defaults(setWorkloadDefaults(draft, zeroStatus));
    },
    prepareForCreate(draft) {
      draft['status'] = { ...zeroStatus };
      draft.metadata.generation = 1;
    },
    prepareForUpdate(draft, old) {
      keepStatus(draft, old);
      bumpGeneration(draft, old);
    },
    prepareForStatusUpdate: keepSpec,
    validate: (object) => run(object),
    validateUpdate: (object, old) => run(object, old),
    warnings: (object, old) => [
      ...(old || !namesPods.has(kind) ? [] : workloadNameWarnings(object.metadata.name)),
      ...(warnsOfTemplate(object, old)
        ? templateWarnings('spec.template', specOf(object).template)
        : []),
      ...(specOf(object).volumeClaimTemplates ?? []).flatMap(({ spec }, index) =>
        // Upstream's paths: of a new set without `spec`, of an updated one with a capital letter.
        claimSpecWarnings(`spec.volumeClaimTemplates[${index}]${old ? '.Spec' : ''}`, spec),
      ),
      ...(kind === 'StatefulSet' && (specOf(object).revisionHistoryLimit ?? 0) < 0
        ? [
            'spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended',
          ]
        : []),
    ],
    ...more,
  };
}

const replicaFields = [
  'observedGeneration',
  'replicas',
  'updatedReplicas',
  'readyReplicas',
  'availableReplicas',
  'unavailableReplicas',
  'terminatingReplicas',
  'collisionCount',
];

export const deploymentStrategy = workload(
  'Deployment',
  {},
  (spec) => {
    spec.replicas ??= 1;
    const strategy = (spec.strategy ??= {});
    strategy.type ||= 'RollingUpdate';
    if (strategy.type === 'RollingUpdate') {
      const rolling = (strategy.rollingUpdate ??= {});
      rolling.maxUnavailable ??= '25%';
      rolling.maxSurge ??= '25%';
    }
    spec.revisionHistoryLimit ??= 10;
    spec.progressDeadlineSeconds ??= 600;
  },
  (errors, spec, old) => {
    validateDeploymentSpec(errors, spec);
    if (old) validateSameSelector(errors, spec, old);
  },
  {
    prepareForUpdate(draft, old) {
      keepStatus(draft, old);
      // Annotations count too: a rollout's record of revisions is kept in them.
      bumpGeneration(draft, old);
      if (
        draft.metadata.generation === (old.metadata.generation ?? 0) &&
        JSON.stringify(sorted(draft.metadata.annotations)) !==
          JSON.stringify(sorted(old.metadata.annotations))
      ) {
        draft.metadata.generation += 1;
      }
    },
    prepareForStatusUpdate(draft, old) {
      keepSpec(draft, old);
      if (old.metadata.labels) draft.metadata.labels = jsonClone(old.metadata.labels);
      else delete draft.metadata.labels;
    },
    validateStatusUpdate(object, old) {
      const errors = new FieldErrors();
      const status = statusOf(object);
      validateReplicaCounts(
        errors,
        status,
        replicaFields,
        ['updatedReplicas', 'readyReplicas', 'availableReplicas'],
        'cannot be greater than readyReplicas',
      );
      refuseFewerCollisions(errors, status, statusOf(old));
      return errors.list;
    },
  },
);

const sorted = (map: Readonly<Record<string, string>> | undefined): unknown =>
  Object.entries(map ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));

export const replicaSetStrategy = workload(
  'ReplicaSet',
  { replicas: 0 },
  (spec) => {
    spec.replicas ??= 1;
  },
  (errors, spec, old) => {
    validateReplicaSetSpec(errors, spec);
    if (old) validateSameSelector(errors, spec, old);
  },
  {
    selectableFields: (object) => ({
      'status.replicas': String(count(statusOf(object), 'replicas')),
    }),
    validateStatusUpdate(object) {
      const errors = new FieldErrors();
      validateReplicaCounts(
        errors,
        statusOf(object),
        [
          'replicas',
          'fullyLabeledReplicas',
          'readyReplicas',
          'availableReplicas',
          'observedGeneration',
          'terminatingReplicas',
        ],
        ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'],
        'cannot be greater than readyReplicas',
      );
      return errors.list;
    },
  },
);

export const statefulSetStrategy = workload(
  'StatefulSet',
  { replicas: 0, availableReplicas: 0 },
  (spec) => {
    spec.podManagementPolicy ||= 'OrderedReady';
    const strategy = (spec.updateStrategy ??= {});
    if (!strategy.type) {
      strategy.type = 'RollingUpdate';
      strategy.rollingUpdate ??= {};
    }
    if (strategy.type === 'RollingUpdate' && strategy.rollingUpdate) {
      strategy.rollingUpdate.partition ??= 0;
    }
    const policy = (spec.persistentVolumeClaimRetentionPolicy ??= {});
    policy.whenDeleted ||= 'Retain';
    policy.whenScaled ||= 'Retain';
    spec.replicas ??= 1;
    spec.revisionHistoryLimit ??= 10;
    // Printed even when empty: the field has no `omitempty`.
    spec.serviceName ??= '';
    for (const claim of spec.volumeClaimTemplates ?? []) {
      claim.apiVersion = 'v1';
      claim.kind = 'PersistentVolumeClaim';
      claim.metadata ??= {};
      setClaimSpecDefaults((claim.spec ??= {}));
      claim.status = { phase: 'Pending', ...claim.status };
    }
  },
  (errors, spec, old) => {
    validateStatefulSetSpec(errors, spec, old !== undefined);
    if (old) validateStatefulSetChange(errors, spec, old);
  },
  {
    prepareForCreate(draft) {
      draft['status'] = { replicas: 0, availableReplicas: 0 };
      draft.metadata.generation = 1;
      delete specOf(draft).updateStrategy?.rollingUpdate?.maxUnavailable;
    },
    prepareForUpdate(draft, old) {
      keepStatus(draft, old);
      // Behind a gate that is off by default.
      if (specOf(old).updateStrategy?.rollingUpdate?.maxUnavailable === undefined)
        delete specOf(draft).updateStrategy?.rollingUpdate?.maxUnavailable;
      bumpGeneration(draft, old);
    },
    nameRule: 'dns-label',
    validateStatusUpdate(object, old) {
      const errors = new FieldErrors();
      const status = statusOf(object);
      validateReplicaCounts(
        errors,
        status,
        [
          'replicas',
          'readyReplicas',
          'currentReplicas',
          'updatedReplicas',
          'availableReplicas',
          'observedGeneration',
          'collisionCount',
        ],
        ['readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas'],
        'cannot be greater than status.readyReplicas',
      );
      refuseFewerCollisions(errors, status, statusOf(old));
      return errors.list;
    },
  },
);

export const daemonSetStrategy = workload(
  'DaemonSet',
  {
    currentNumberScheduled: 0,
    numberMisscheduled: 0,
    desiredNumberScheduled: 0,
    numberReady: 0,
  },
  (spec) => {
    const strategy = (spec.updateStrategy ??= {});
    strategy.type ||= 'RollingUpdate';
    if (strategy.type === 'RollingUpdate') {
      const rolling = (strategy.rollingUpdate ??= {});
      rolling.maxUnavailable ??= 1;
      rolling.maxSurge ??= 0;
    }
    spec.revisionHistoryLimit ??= 10;
  },
  (errors, spec, old) => {
    if (old) validateSameSelector(errors, spec, old);
    validateDaemonSetSpec(errors, spec);
  },
  {
    prepareForUpdate(draft, old) {
      keepStatus(draft, old);
      bumpGeneration(draft, old);
      // `deprecated.daemonset.template.generation` is how v1 carries the template's own generation.
      const key = 'deprecated.daemonset.template.generation';
      const previous = Number(old.metadata.annotations?.[key] ?? '0');
      const changed = bumpedTemplate(draft, old);
      draft.metadata.annotations = {
        ...draft.metadata.annotations,
        [key]: String(previous + (changed ? 1 : 0)),
      };
    },
    prepareForCreate(draft) {
      draft['status'] = {
        currentNumberScheduled: 0,
        numberMisscheduled: 0,
        desiredNumberScheduled: 0,
        numberReady: 0,
      };
      draft.metadata.generation = 1;
      const key = 'deprecated.daemonset.template.generation';
      const given = draft.metadata.annotations?.[key];
      draft.metadata.annotations = {
        ...draft.metadata.annotations,
        [key]: given && Number(given) > 0 ? given : '1',
      };
    },
    validateStatusUpdate(object, old) {
      const errors = new FieldErrors();
      for (const field of [
        'currentNumberScheduled',
        'numberMisscheduled',
        'desiredNumberScheduled',
        'numberReady',
        'observedGeneration',
        'updatedNumberScheduled',
        'numberAvailable',
        'numberUnavailable',
        'collisionCount',
      ]) {
        const value = count(statusOf(object), field);
        if (value < 0) {
          errors.invalid(`status.${field}`, value, 'must be greater than or equal to 0');
        }
      }
      refuseFewerCollisions(errors, statusOf(object), statusOf(old));
      return errors.list;
    },
  },
);

/** A count that was written may not become less, nor vanish. */
function refuseFewerCollisions(
  errors: FieldErrors,
  status: Counts | undefined,
  old: Counts | undefined,
): void {
  const field = 'collisionCount';
  const present = (counts: Counts | undefined): boolean => counts?.[field] !== undefined;
  if (present(old) && (!present(status) || count(status, field) < count(old, field))) {
    errors.invalid(`status.${field}`, count(status, field), 'cannot be decremented');
  }
}

function bumpedTemplate(draft: KubeObject, old: DeepReadonly<KubeObject>): boolean {
  const probe: KubeObject = { apiVersion: '', kind: '', metadata: {} };
  const before: KubeObject = { apiVersion: '', kind: '', metadata: { generation: 0 } };
  probe['spec'] = specOf(draft).template;
  before['spec'] = specOf(old).template;
  bumpGeneration(probe, before);
  return probe.metadata.generation === 1;
}

function validateRevision(errors: FieldErrors, object: DeepReadonly<KubeObject>): void {
  const revision = object['revision'];
  if (typeof revision === 'number' && revision < 0)
    errors.invalid('revision', revision, 'must be greater than or equal to 0');
}

export const controllerRevisionStrategy: KindStrategy = {
  group: 'apps',
  kind: 'ControllerRevision',
  unconditionalUpdate: true,
  defaults(draft) {
    draft['revision'] ??= 0;
  },
  validate(object) {
    const errors = new FieldErrors();
    validateRevision(errors, object);
    const data = object['data'];
    if (data === undefined || data === null) errors.required('data', 'data is mandatory');
    else if (typeof data !== 'object' || Array.isArray(data))
      errors.required('data', 'data must be a valid JSON object');
    return errors.list;
  },
  validateUpdate(object, old) {
    const errors = new FieldErrors();
    validateRevision(errors, object);
    // Kept as the text it was sent in, and shown so.
    const [data, before] = [object, old].map((each) => JSON.stringify(each['data'] ?? null));
    if (data !== before) errors.invalid('data', new Printed(data ?? ''), 'field is immutable');
    return errors.list;
  },
};
