import { type DeepReadonly, jsonClone, jsonEqual } from '#core/base';

import { type KubeObject, formatTime } from '../../../machinery/index.ts';
import type { KindStrategy, StrategyContext } from '../../kind-strategy.ts';
import { FieldErrors } from '../../validation/field.ts';
import {
  contentEqual,
  semanticEqual,
  sortedEntries,
  qualifiedName,
} from '../../validation/meta.ts';
import { inRange, isDns1123Subdomain } from '../../validation/names.ts';
import { isNewGeneration, keepStatus } from '../strategy.ts';
import { adoptAppArmorAnnotations } from './app-armor.ts';
import { internalEqual, specDiff } from './internal-print.ts';
import {
  mirrorAnnotation,
  validateAnnotationChange,
  validatePodAnnotations,
  validateProfilesMatch,
} from './pod-annotations.ts';
import { syncPodAddresses, validatePodAddresses } from './pod-addresses.ts';
import { setPodDefaults, setPodSpecDefaults, setTemplateDefaults } from './pod-defaults.ts';
import { validateImageSpaces } from './pod-containers.ts';
import { validatePodSpec, validatePodTemplate } from './pod-spec-validation.ts';
import { validateResize } from './pod-resize.ts';
import { validateTolerations } from './pod-scheduling.ts';
import {
  type Container,
  type ContainerStatus,
  type Pod,
  type PodSpec,
  type PodTemplate,
  type Toleration,
  view,
} from './pod-types.ts';
import { validateAffinityChange } from './pod-gates.ts';
import { podWarnings, templateWarnings } from './pod-warnings.ts';
import { qosClass } from './qos.ts';

function validateMetaAndSpec(errors: FieldErrors, pod: Pod): void {
  const spec = pod.spec ?? {};
  validatePodAnnotations(errors, 'metadata.annotations', pod.metadata.annotations ?? {}, spec);
  validatePodSpec(errors, 'spec', spec, pod.metadata);
  if (!spec.serviceAccountName) {
    spec.volumes?.forEach((volume, index) => {
      volume.projected?.sources?.forEach((source, i) => {
        if (source.serviceAccountToken) {
          errors.forbidden(
            `spec.volumes[${index}].projected.sources[${i}].serviceAccountToken`,
            'must not be specified when serviceAccountName is not set',
          );
        }
      });
    });
  }
  for (const list of ['containers', 'initContainers'] as const) {
    spec[list]?.forEach((container, index) => {
      validateImageSpaces(errors, `spec.${list}[${index}]`, container);
    });
  }
}

/** The images may change, the list may not; returns false when it did. */
function sameContainers(
  errors: FieldErrors,
  list: 'containers' | 'initContainers',
  spec: PodSpec,
  old: PodSpec,
): boolean {
  const now = spec[list] ?? [];
  if (now.length !== (old[list] ?? []).length) {
    errors.forbidden(`spec.${list}`, 'pod updates may not add or remove containers');
    return false;
  }
  now.forEach((container, index) => {
    if (!container.image) errors.required(`spec.${list}[${index}].image`);
    validateImageSpaces(errors, `spec.${list}[${index}]`, container);
  });
  return true;
}

function validateAddedTolerations(
  errors: FieldErrors,
  tolerations: readonly Toleration[],
  old: readonly Toleration[],
): void {
  const withoutSeconds = ({ tolerationSeconds: _, ...rest }: Toleration): object => rest;
  const kept = old.every((before) =>
    tolerations.some((now) => semanticEqual(withoutSeconds(now), withoutSeconds(before))),
  );
  if (!kept) {
    errors.forbidden(
      'spec.tolerations',
      'existing toleration can not be modified except its tolerationSeconds',
    );
  } else validateTolerations(errors, 'spec.tolerations', tolerations);
}

const withImagesOf = (
  containers: readonly Container[] | undefined,
  old: readonly Container[] | undefined,
): Container[] | undefined =>
  containers?.map((container, index) => {
    const copy = { ...container };
    const image = old?.[index]?.image;
    if (image === undefined) delete copy.image;
    else copy.image = image;
    return copy;
  });

const updatable = [
  '`spec.containers[*].image`',
  '`spec.initContainers[*].image`',
  '`spec.activeDeadlineSeconds`',
  '`spec.tolerations` (only additions to existing tolerations)',
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
];

function assign<Key extends keyof PodSpec>(target: PodSpec, source: PodSpec, key: Key): void {
  if (source[key] === undefined) delete target[key];
  else target[key] = source[key];
}

/** @see pkg/apis/core/validation/validation.go, ValidatePodUpdate */
function validateUpdate(errors: FieldErrors, pod: Pod, oldPod: Pod): void {
  const spec = pod.spec ?? {};
  const old = oldPod.spec ?? {};
  validateMetaAndSpec(errors, pod);
  validateAnnotationChange(
    errors,
    'metadata.annotations',
    pod.metadata.annotations ?? {},
    oldPod.metadata.annotations ?? {},
  );
  validatePodAnnotations(errors, 'metadata.annotations', pod.metadata.annotations ?? {}, spec);
  if (!sameContainers(errors, 'containers', spec, old)) return;
  if (!sameContainers(errors, 'initContainers', spec, old)) return;
  const deadline = spec.activeDeadlineSeconds;
  if (deadline !== undefined) {
    const messages = inRange(deadline, 0, 2_147_483_647);
    errors.invalidEach('spec.activeDeadlineSeconds', deadline, messages);
    if (messages.length > 0) return;
    if (old.activeDeadlineSeconds !== undefined && old.activeDeadlineSeconds < deadline) {
      errors.invalid(
        'spec.activeDeadlineSeconds',
        deadline,
        'must be less than or equal to previous value',
      );
      return;
    }
  } else if (old.activeDeadlineSeconds !== undefined) {
    errors.invalid(
      'spec.activeDeadlineSeconds',
      null,
      'must not update from a positive integer to nil value',
    );
  }
  validateAddedTolerations(errors, spec.tolerations ?? [], old.tolerations ?? []);
  const gates = new Set((old.schedulingGates ?? []).map(({ name }) => name));
  spec.schedulingGates?.forEach(({ name = '' }, index) => {
    if (!gates.has(name)) {
      errors.forbidden(
        `spec.schedulingGates[${index}].name`,
        `only deletion is allowed, but found new scheduling gate '${name}'`,
      );
    }
  });
  if (sameSpec(spec, old)) return;
  const munged: PodSpec = { ...spec };
  for (const list of ['containers', 'initContainers'] as const) {
    const containers = withImagesOf(spec[list], old[list]);
    if (containers) munged[list] = containers;
  }
  assign(munged, old, 'activeDeadlineSeconds');
  assign(munged, old, 'schedulingGates');
  assign(munged, old, 'tolerations');
  if ((old.terminationGracePeriodSeconds ?? 0) < 0 && spec.terminationGracePeriodSeconds === 1) {
    assign(munged, old, 'terminationGracePeriodSeconds');
  }
  if (gates.size > 0) validateGatedChange(errors, munged, old);
  if (!sameSpec(munged, old)) {
    errors.forbidden(
      'spec',
      `pod updates may not change fields other than ${updatable.join(',')}\n${specDiff('PodSpec', old, munged)}`,
    );
  }
}

/** A gated pod may still be narrowed: more node labels to match, never fewer. */
function validateGatedChange(errors: FieldErrors, munged: PodSpec, old: PodSpec): void {
  if (!semanticEqual(munged.nodeSelector, old.nodeSelector)) {
    for (const [key, value] of sortedEntries(old.nodeSelector)) {
      if (munged.nodeSelector?.[key] !== value) {
        errors.invalid(
          'spec.nodeSelector',
          munged.nodeSelector ?? null,
          'only additions to spec.nodeSelector are allowed (no mutations or deletions)',
        );
        break;
      }
    }
    assign(munged, old, 'nodeSelector');
  }
  const [now, before] = [munged.affinity?.nodeAffinity, old.affinity?.nodeAffinity];
  if (!now !== !before || !semanticEqual(now, before)) {
    validateAffinityChange(errors, munged, old);
    const { nodeAffinity: _, ...others } = munged.affinity ?? {};
    const kept = old.affinity?.nodeAffinity;
    munged.affinity = { ...others, ...(kept && { nodeAffinity: kept }) };
    if (Object.keys(munged.affinity).length === 0 && !old.affinity) delete munged.affinity;
  }
}

function mayRestart(spec: PodSpec, name: string | undefined, exitCode: number): boolean {
  const container = [...(spec.containers ?? []), ...(spec.initContainers ?? [])].find(
    (candidate) => candidate.name === name,
  );
  for (const { action, exitCodes } of container?.restartPolicyRules ?? []) {
    const listed = exitCodes?.values?.includes(exitCode) ?? false;
    if (action?.startsWith('Restart') && (exitCodes?.operator === 'In') === listed) return true;
  }
  const policy = container?.restartPolicy ?? spec.restartPolicy ?? 'Always';
  return policy === 'Always' || (policy === 'OnFailure' && exitCode !== 0);
}

function validateTransitions(
  errors: FieldErrors,
  field: 'containerStatuses' | 'initContainerStatuses',
  now: readonly ContainerStatus[],
  before: readonly ContainerStatus[],
  spec: PodSpec,
): void {
  before.forEach((old, index) => {
    const exit = old.state?.terminated;
    const next = now.find(({ name }) => name === old.name);
    if (
      exit &&
      next &&
      !next.state?.terminated &&
      !mayRestart(spec, old.name, exit.exitCode ?? 0)
    ) {
      errors.forbidden(
        `status.${field}[${index}].state`,
        'may not be transitioned to non-terminated state',
      );
    }
  });
}

/** What a label key of an affinity term selects is copied into its selector when the pod is made. */
function mergeLabelKeys(pod: Pod): void {
  const labels = pod.metadata.labels ?? {};
  const affinity = pod.spec?.affinity;
  const terms = [affinity?.podAffinity, affinity?.podAntiAffinity].flatMap((part) => [
    ...(part?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
    ...(part?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(
      ({ podAffinityTerm }) => podAffinityTerm,
    ),
  ]);
  for (const term of [...terms, ...(pod.spec?.topologySpreadConstraints ?? [])]) {
    if (!term?.labelSelector) continue;
    const add = (key: string, operator: string): void => {
      const value = labels[key];
      if (value === undefined || !term.labelSelector) return;
      (term.labelSelector.matchExpressions ??= []).push({ key, operator, values: [value] });
    };
    for (const key of term.matchLabelKeys ?? []) add(key, 'In');
    const mismatched = 'mismatchLabelKeys' in term ? (term.mismatchLabelKeys ?? []) : [];
    for (const key of mismatched) add(key, 'NotIn');
  }
}

function prepareForCreate(draft: KubeObject, { nowMs, warn }: StrategyContext): void {
  const pod = view<Pod>(draft);
  adoptAppArmorAnnotations(pod, (text) => warn?.(text));
  draft.metadata.generation = 1;
  const gated = (pod.spec?.schedulingGates ?? []).length > 0;
  draft['status'] = {
    phase: 'Pending',
    qosClass: qosClass(pod.spec ?? {}),
    ...(gated
      ? {
          conditions: [
            {
              type: 'PodScheduled',
              status: 'False',
              lastProbeTime: null,
              lastTransitionTime: formatTime(nowMs),
              reason: 'SchedulingGated',
              message: 'Scheduling is blocked due to non-empty scheduling gates',
            },
          ],
        }
      : {}),
  };
  mergeLabelKeys(pod);
}

function prepareForStatusUpdate(draft: KubeObject, old: DeepReadonly<KubeObject>): void {
  const pod = view<Pod>(draft);
  const before = view<Pod>(old);
  draft['spec'] = old['spec'];
  if (old.metadata.ownerReferences) {
    draft.metadata.ownerReferences = jsonClone(old.metadata.ownerReferences) as NonNullable<
      KubeObject['metadata']['ownerReferences']
    >;
  } else delete draft.metadata.ownerReferences;
  const status = (pod.status ??= {});
  if (!status.qosClass && before.status?.qosClass) status.qosClass = before.status.qosClass;
  if (!status.observedGeneration && before.status?.observedGeneration) {
    status.observedGeneration = before.status.observedGeneration;
  }
}

const sameSpec = (a: PodSpec, b: PodSpec): boolean =>
  jsonEqual(a, b) || internalEqual('PodSpec', a, b);

/** What a static pod takes no part in, by subresource. */
const staticPodRefusals: Readonly<Record<string, string>> = {
  ephemeralcontainers: 'static pods do not support ephemeral containers',
  resize: 'static pods cannot be resized',
};

/** @see ValidatePodEphemeralContainersUpdate */
function keepEphemeralContainers(errors: FieldErrors, pod: Pod, old: DeepReadonly<Pod>): void {
  for (const before of old.spec?.ephemeralContainers ?? []) {
    const now = pod.spec?.ephemeralContainers?.find(({ name }) => name === before.name);
    const which = `existing ephemeral containers ${JSON.stringify(before.name)}`;
    if (!now) errors.forbidden('spec.ephemeralContainers', `${which} may not be removed\n`);
    else if (!semanticEqual(before, now))
      errors.forbidden(
        'spec.ephemeralContainers',
        `${which} may not be changed\n${specDiff('EphemeralContainer', before, now)}`,
      );
  }
}

/** @see validatePodConditions */
function validateConditions(
  errors: FieldErrors,
  conditions: readonly { type?: string; observedGeneration?: number }[],
): void {
  const own = ['PodScheduled', 'Ready', 'Initialized'];
  conditions.forEach(({ type = '', observedGeneration = 0 }, index) => {
    const at = `status.conditions[${index}]`;
    if (observedGeneration < 0) {
      errors.invalid(
        `${at}.observedGeneration`,
        observedGeneration,
        'must be a non-negative integer',
      );
    }
    if (!own.includes(type)) qualifiedName(errors, `${at}.Type`, type);
  });
}

export const podStrategy: KindStrategy = {
  group: '',
  kind: 'Pod',
  hasGeneration: true,
  unconditionalUpdate: true,
  sharesSpec: true,
  defaults(draft) {
    const pod = view<Pod>(draft);
    const spec = (pod.spec ??= {});
    setPodSpecDefaults(spec);
    setPodDefaults(spec);
    // Of a pod, but not of a template: there it is only warned of.
    if ((spec.terminationGracePeriodSeconds ?? 0) < 0) spec.terminationGracePeriodSeconds = 1;
    syncPodAddresses((pod.status ??= {}));
  },
  prepareForCreate,
  prepareForUpdate(draft, old) {
    keepStatus(draft, old);
    const changed = !contentEqual(draft['spec'], old['spec']);
    draft.metadata.generation = (old.metadata.generation ?? 0) + (changed ? 1 : 0);
  },
  prepareForStatusUpdate,
  validate(object, { subresource, old }) {
    const errors = new FieldErrors();
    const pod = view<Pod>(object);
    const refusal = subresource && staticPodRefusals[subresource];
    if (refusal && object.metadata.annotations?.[mirrorAnnotation] !== undefined) {
      // Upstream's path of no name.
      errors.forbidden('[]', refusal);
      return errors.list;
    }
    validateMetaAndSpec(errors, pod);
    const qos = pod.status?.qosClass;
    if (subresource === 'resize' && qos !== undefined && qosClass(pod.spec ?? {}) !== qos) {
      errors.invalid('spec', qos, 'Pod QOS Class may not change as a result of resizing');
    }
    if (subresource === 'ephemeralcontainers' && old)
      keepEphemeralContainers(errors, pod, view<Pod>(old));
    if (subresource === 'resize' && old) validateResize(errors, pod, view<Pod>(old));
    if (subresource === undefined && (pod.spec?.ephemeralContainers ?? []).length > 0) {
      errors.forbidden('spec.ephemeralContainers', 'cannot be set on create');
    }
    if (pod.spec?.nodeName && (pod.spec.schedulingGates ?? []).length > 0) {
      errors.forbidden(
        'spec.nodeName',
        'cannot be set until all schedulingGates have been cleared',
      );
    }
    if (subresource === undefined)
      validateProfilesMatch(errors, 'spec', pod.metadata.annotations ?? {}, pod.spec ?? {});
    return errors.list;
  },
  validateUpdate(object, old) {
    const errors = new FieldErrors();
    validateUpdate(errors, view<Pod>(object), view<Pod>(old));
    return errors.list;
  },
  validateStatusUpdate(object, old) {
    const errors = new FieldErrors();
    const { status = {} } = view<Pod>(object);
    const { status: before = {}, spec = {} } = view<Pod>(old);
    validateConditions(errors, status.conditions ?? []);
    const nominated = status.nominatedNodeName;
    if (nominated && nominated !== before.nominatedNodeName) {
      errors.invalidEach('status.nominatedNodeName', nominated, isDns1123Subdomain(nominated));
    }
    if (nominated && nominated !== before.nominatedNodeName && spec.nodeName) {
      errors.forbidden(
        'status.nominatedNodeName',
        'may not be set on pods that are already bound to a node',
      );
    }
    if ((status.observedGeneration ?? 0) < 0) {
      errors.invalid(
        'status.observedGeneration',
        status.observedGeneration,
        'must be a non-negative integer',
      );
    }
    if ((status.qosClass ?? '') !== (before.qosClass ?? '')) {
      errors.invalid('status.qosClass', status.qosClass ?? '', 'field is immutable');
    }
    for (const field of ['containerStatuses', 'initContainerStatuses'] as const) {
      validateTransitions(errors, field, status[field] ?? [], before[field] ?? [], spec);
    }
    validatePodAddresses(errors, status, before);
    return errors.list;
  },
  warnings: (object, old) => (old ? [] : podWarnings(view<Pod>(object))),
  selectableFields(object) {
    const { spec, status } = view<Pod>(object);
    return {
      'spec.nodeName': spec?.nodeName ?? '',
      'spec.restartPolicy': spec?.restartPolicy ?? '',
      'spec.schedulerName': spec?.schedulerName ?? '',
      'spec.serviceAccountName': spec?.serviceAccountName ?? '',
      'spec.hostNetwork': String(spec?.hostNetwork ?? false),
      'status.phase': status?.phase ?? '',
      'status.podIP': status?.podIPs?.[0]?.ip ?? '',
      'status.nominatedNodeName': status?.nominatedNodeName ?? '',
    };
  },
  gracePeriodSeconds(object, requested) {
    const { spec, status } = view<Pod>(object);
    if (!spec?.nodeName || status?.phase === 'Failed' || status?.phase === 'Succeeded') return 0;
    const period = requested ?? spec.terminationGracePeriodSeconds ?? 0;
    return period < 0 ? 1 : period;
  },
};

export const podTemplateStrategy: KindStrategy = {
  group: '',
  kind: 'PodTemplate',
  hasGeneration: true,
  unconditionalUpdate: true,
  defaults(draft) {
    setTemplateDefaults((draft['template'] ??= {}));
  },
  prepareForCreate(draft) {
    draft.metadata.generation = 1;
  },
  prepareForUpdate(draft, old) {
    const changed = !contentEqual(draft['template'], old['template']);
    draft.metadata.generation = (old.metadata.generation ?? 0) + (changed ? 1 : 0);
  },
  validate(object) {
    const errors = new FieldErrors();
    validatePodTemplate(errors, 'template', view<PodTemplate>(object['template']));
    return errors.list;
  },
  warnings: (object, old) =>
    isNewGeneration(object, old)
      ? templateWarnings('template', view<PodTemplate>(object['template']))
      : [],
};
