import type { DeepReadonly } from '#core/base';
import { formatTime, type KubeObject } from '../../../machinery/index.ts';
import type { KindStrategy } from '../../kind-strategy.ts';
import type {
  DeviceClaim,
  DeviceClass,
  DeviceToleration,
  ExactDeviceRequest,
  ResourceClaim,
  ResourceClaimTemplate,
  ResourceSlice,
} from '../../generated/types.ts';
import { FieldErrors, Printed } from '../../validation/field.ts';
import { immutableMessage } from '../../validation/meta.ts';
import { validateTemplateMetadata } from '../core/claim-spec.ts';
import { internalEqual, internalJson } from '../core/internal-print.ts';
import { view } from '../core/pod-types.ts';
import { bumpGeneration, keepSpec, keepStatus } from '../strategy.ts';
import { deviceKeyOf, validateClaimStatus } from './claim-status-validation.ts';
import { validateDeviceClaim, validateDeviceClass } from './claim-validation.ts';
import { validateSlice } from './slice-validation.ts';

type Shared = DeepReadonly<KubeObject>;

const group = 'resource.k8s.io';

function defaultTolerations(tolerations: DeviceToleration[] | undefined): void {
  for (const toleration of tolerations ?? []) toleration.operator ||= 'Equal';
}

/** @see pkg/apis/resource/v1/defaults.go */
function defaultRequest(request: Omit<ExactDeviceRequest, 'adminAccess'>): void {
  request.allocationMode ||= 'ExactCount';
  if (request.allocationMode === 'ExactCount') request.count ||= 1;
  defaultTolerations(request.tolerations);
}

function defaultClaim(claim: DeviceClaim | undefined): void {
  for (const { exactly, firstAvailable } of claim?.requests ?? []) {
    if (exactly) defaultRequest(exactly);
    for (const alternative of firstAvailable ?? []) defaultRequest(alternative);
  }
}

function immutableSpec(errors: FieldErrors, type: string, object: Shared, old: Shared): void {
  if (!internalEqual(type, object['spec'], old['spec']))
    errors.invalid('spec', new Printed(internalJson(type, object['spec'])), immutableMessage);
}

/** @see pkg/registry/resource/resourceclaim/strategy.go */
const resourceClaimStrategy: KindStrategy = {
  group,
  kind: 'ResourceClaim',
  unconditionalUpdate: true,
  defaults(draft) {
    const { spec, status } = view<ResourceClaim>(draft);
    defaultClaim(spec?.devices);
    for (const { tolerations } of status?.allocation?.devices?.results ?? [])
      defaultTolerations(tolerations);
  },
  prepareForCreate(draft) {
    draft['status'] = {};
  },
  prepareForUpdate: keepStatus,
  prepareForStatusUpdate(draft, old) {
    keepSpec(draft, old);
    dropDeallocatedDevices(view<ResourceClaim>(draft), view<ResourceClaim>(old));
  },
  validate(object, { checkDeviceSelector }) {
    const errors = new FieldErrors();
    const { spec } = view<ResourceClaim>(object);
    validateDeviceClaim(errors, 'spec.devices', spec?.devices, checkDeviceSelector);
    return errors.list;
  },
  validateUpdate(object, old) {
    const errors = new FieldErrors();
    immutableSpec(errors, 'ResourceClaimSpec', object, old);
    return errors.list;
  },
  validateStatusUpdate(object, old) {
    const errors = new FieldErrors();
    validateClaimStatus(errors, view<ResourceClaim>(object), view<ResourceClaim>(old));
    return errors.list;
  },
};

/** What drivers told of devices that are no longer allocated is forgotten. @see dropDeallocatedStatusDevices */
function dropDeallocatedDevices(claim: ResourceClaim, old: ResourceClaim): void {
  const keysOf = ({ status }: ResourceClaim): string[] =>
    (status?.allocation?.devices?.results ?? []).map(deviceKeyOf);
  const held = new Set(keysOf(claim));
  const gone = new Set(keysOf(old).filter((key) => !held.has(key)));
  if (!claim.status?.devices) return;
  const left = claim.status.devices.filter((device) => !gone.has(deviceKeyOf(device)));
  if (left.length > 0) claim.status.devices = left;
  else delete claim.status.devices;
}

/** @see pkg/registry/resource/resourceclaimtemplate/strategy.go */
const resourceClaimTemplateStrategy: KindStrategy = {
  group,
  kind: 'ResourceClaimTemplate',
  unconditionalUpdate: true,
  defaults(draft) {
    defaultClaim(view<ResourceClaimTemplate>(draft).spec?.spec?.devices);
  },
  validate(object, { checkDeviceSelector }) {
    const errors = new FieldErrors();
    const { spec } = view<ResourceClaimTemplate>(object);
    validateTemplateMetadata(errors, 'spec.metadata', spec?.metadata ?? {});
    validateDeviceClaim(errors, 'spec.spec.devices', spec?.spec?.devices, checkDeviceSelector);
    return errors.list;
  },
  validateUpdate(object, old, context) {
    const errors = new FieldErrors();
    errors.addAll(resourceClaimTemplateStrategy.validate?.(object, context) ?? []);
    immutableSpec(errors, 'ResourceClaimTemplateSpec', object, old);
    return errors.list;
  },
};

/** @see pkg/registry/resource/deviceclass/strategy.go */
const deviceClassStrategy: KindStrategy = {
  group,
  kind: 'DeviceClass',
  unconditionalUpdate: true,
  hasGeneration: true,
  prepareForUpdate: (draft, old) => bumpGeneration(draft, old),
  validate(object, { checkDeviceSelector }) {
    const errors = new FieldErrors();
    validateDeviceClass(errors, view<DeviceClass>(object).spec ?? {}, checkDeviceSelector);
    return errors.list;
  },
};

const listAttributes = ['bools', 'ints', 'strings', 'versions'] as const;

/** Fields of feature gates that are off: DRANodeAllocatableResources, DRAListTypeAttributes. */
function dropDisabled({ spec }: ResourceSlice): void {
  for (const device of spec?.devices ?? []) {
    delete device.nodeAllocatableResourceMappings;
    for (const attribute of Object.values(device.attributes ?? {}))
      for (const field of listAttributes) delete attribute[field];
  }
}

function prepareSlice(draft: KubeObject, nowMs: number): void {
  const slice = view<ResourceSlice>(draft);
  for (const { taints } of slice.spec?.devices ?? [])
    for (const taint of taints ?? []) taint.timeAdded ??= formatTime(nowMs);
  dropDisabled(slice);
}

/** @see pkg/registry/resource/resourceslice/strategy.go */
const resourceSliceStrategy: KindStrategy = {
  group,
  kind: 'ResourceSlice',
  unconditionalUpdate: true,
  hasGeneration: true,
  prepareForCreate: (draft, { nowMs }) => prepareSlice(draft, nowMs),
  prepareForUpdate(draft, old, { nowMs }) {
    // A change is a change, also of what is dropped afterwards.
    bumpGeneration(draft, old);
    prepareSlice(draft, nowMs);
  },
  validate(object) {
    const errors = new FieldErrors();
    validateSlice(errors, view<ResourceSlice>(object).spec, undefined);
    return errors.list;
  },
  validateUpdate(object, old) {
    const errors = new FieldErrors();
    validateSlice(errors, view<ResourceSlice>(object).spec, view<ResourceSlice>(old).spec);
    return errors.list;
  },
  warnings(object) {
    const { driver = '' } = view<ResourceSlice>(object).spec ?? {};
    return driver === driver.toLowerCase()
      ? []
      : [
          `spec.driver: driver names should be lowercase; ${JSON.stringify(driver)} contains uppercase characters`,
        ];
  },
  selectableFields(object) {
    const { nodeName = '', driver = '' } = view<ResourceSlice>(object).spec ?? {};
    return { 'spec.nodeName': nodeName, 'spec.driver': driver };
  },
};

/** Kinds of dynamic resource allocation. */
export const deviceStrategies: readonly KindStrategy[] = [
  deviceClassStrategy,
  resourceClaimStrategy,
  resourceClaimTemplateStrategy,
  resourceSliceStrategy,
];
