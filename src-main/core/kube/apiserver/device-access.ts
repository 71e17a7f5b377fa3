import { type DeepReadonly, jsonEqual, quoted } from '#core/base';
import type { FieldError, ResourceClaim, ResourceClaimTemplate } from '../apis/index.ts';
import type { KubeObject } from '../machinery/index.ts';
import { forbiddenByAuthorizer } from './authorization/index.ts';
import type { Call } from './call.ts';
import { keyPrefix, objectKeyOf } from './keys.ts';
import type { ResourceAttributes } from './types.ts';

type Claim = DeepReadonly<Partial<ResourceClaim>>;
type Status = DeepReadonly<NonNullable<ResourceClaim['status']>>;
type DeviceStatus = NonNullable<Status['devices']>[number];

const group = 'resource.k8s.io';
const adminLabel = 'resource.kubernetes.io/admin-access';
const nodeNameExtra = 'authentication.kubernetes.io/node-name';

/**
 * What a write of a claim needs beside the permission for the write: admin access only in namespaces with the label,
 * allocations only by who may bind claims, and the state of a driver's devices only by who may speak for the driver.
 *
 * @param old absent when the object is created
 * @see pkg/registry/resource/authorization.go
 */
export async function deviceAccessErrors(
  call: Call,
  draft: KubeObject,
  old: DeepReadonly<KubeObject> | undefined,
  subresource: string,
): Promise<FieldError[]> {
  if (!draft.apiVersion.startsWith(`${group}/`)) return [];
  const namespace = draft.metadata.namespace ?? '';
  if (!old && draft.kind === 'ResourceClaim')
    return adminErrors(call, namespace, adminRequestPath(draft as Claim));
  if (!old && draft.kind === 'ResourceClaimTemplate')
    return adminErrors(
      call,
      namespace,
      adminRequestPath((draft as Partial<ResourceClaimTemplate>).spec ?? {}),
    );
  if (draft.kind !== 'ResourceClaim' || subresource !== 'status') return [];
  const status = (draft as Claim).status ?? {};
  const before = (old as Claim | undefined)?.status ?? {};
  return [
    ...(adminResultPath(before) === undefined
      ? adminErrors(call, namespace, adminResultPath(status))
      : []),
    ...(await bindingErrors(call, status, before)),
    ...(status.allocation ? await driverErrors(call, namespace, status, before) : []),
  ];
}

/** Templates are told of by the path in the claims they make. */
function adminRequestPath({ spec }: Pick<Claim, 'spec'>): string | undefined {
  const index = (spec?.devices?.requests ?? []).findIndex(({ exactly }) => exactly?.adminAccess);
  return index < 0 ? undefined : `spec.devices.requests[${index}].adminAccess`;
}

function adminResultPath({ allocation }: Status): string | undefined {
  const index = (allocation?.devices?.results ?? []).findIndex(({ adminAccess }) => adminAccess);
  return index < 0 ? undefined : `status.allocation.devices.results[${index}].adminAccess`;
}

function adminErrors({ context }: Call, namespace: string, path: string | undefined): FieldError[] {
  if (path === undefined) return [];
  const key = objectKeyOf(keyPrefix('', 'namespaces', true), '', namespace);
  const labels = context.options.store.get(key)?.value.object.metadata.labels;
  if (labels?.[adminLabel] === 'true') return [];
  const why = `admin access to devices requires the \`${adminLabel}: true\` label on the containing namespace`;
  return [forbidden(path, why)];
}

const forbidden = (field: string, why: string): FieldError => ({
  reason: 'FieldValueForbidden',
  field,
  message: `Forbidden: ${why}`,
});

/** Asks for a subresource that exists for this alone. @returns why not */
async function refusal(
  { context, user, info }: Call,
  asked: Pick<ResourceAttributes, 'verb' | 'subresource' | 'namespace' | 'name'>,
): Promise<string | undefined> {
  const attributes: ResourceAttributes = {
    kind: 'resource',
    user,
    group,
    version: info.version,
    resource: 'resourceclaims',
    ...asked,
  };
  const { decision, reason } = await context.options.authorizer.authorize(attributes);
  return decision === 'allow' ? undefined : forbiddenByAuthorizer(attributes, reason).message;
}

async function bindingErrors(call: Call, status: Status, before: Status): Promise<FieldError[]> {
  const bound = ({ allocation, reservedFor }: Status): unknown => [
    allocation ?? null,
    reservedFor ?? [],
  ];
  if (jsonEqual(bound(status), bound(before))) return [];
  const { verb } = call.info;
  const why = await refusal(call, { verb, subresource: 'binding', namespace: '', name: '' });
  return why === undefined
    ? []
    : [
        forbidden(
          'status.allocation',
          `changing status.allocation or status.reservedFor requires resource="resourceclaims/binding", verb=${quoted(verb)} permission: ${why}`,
        ),
      ];
}

async function driverErrors(
  call: Call,
  namespace: string,
  status: Status,
  before: Status,
): Promise<FieldError[]> {
  const { verb } = call.info;
  const anywhere = `arbitrary-node:${verb}`;
  const verbs = isOnNodeOf(call, status) ? [`associated-node:${verb}`, anywhere] : [anywhere];
  const errors: FieldError[] = [];
  for (const driver of changedDrivers(status, before)) {
    const reasons: string[] = [];
    for (const asked of verbs) {
      const why = await refusal(call, {
        verb: asked,
        subresource: 'driver',
        namespace,
        name: driver,
      });
      if (why === undefined) break;
      reasons.push(why);
    }
    if (reasons.length === verbs.length)
      errors.push(
        forbidden(
          'status.devices',
          `changing status.devices requires resource="resourceclaims/driver", verb="[${verbs.join(' ')}]" permission: ${reasons[0] ?? ''}`,
        ),
      );
  }
  return errors;
}

/** Drivers of which a device's state came, went or changed, in order. */
function changedDrivers(status: Status, before: Status): string[] {
  const keyOf = ({ driver, pool, device, shareID }: DeviceStatus): string =>
    JSON.stringify([driver, pool, device, shareID ?? '']);
  const left = new Map((before.devices ?? []).map((device) => [keyOf(device), device]));
  const drivers = new Set<string>();
  for (const device of status.devices ?? []) {
    const key = keyOf(device);
    if (!jsonEqual(left.get(key), device)) drivers.add(device.driver);
    left.delete(key);
  }
  for (const { driver } of left.values()) drivers.add(driver);
  return [...drivers].sort();
}

/** Whether the asking service account runs on the one node the claim is allocated for. */
function isOnNodeOf({ user }: Call, { allocation }: Status): boolean {
  const terms = allocation?.nodeSelector?.nodeSelectorTerms ?? [];
  const { matchExpressions = [], matchFields = [] } = terms[0] ?? {};
  const [field] = matchFields;
  const isOneNode =
    terms.length === 1 &&
    matchExpressions.length === 0 &&
    matchFields.length === 1 &&
    field?.key === 'metadata.name' &&
    field.operator === 'In' &&
    field.values?.length === 1;
  const names = user.extra?.[nodeNameExtra] ?? [];
  return (
    isOneNode &&
    user.username.startsWith('system:serviceaccount:') &&
    names.length === 1 &&
    names[0] === field.values?.[0]
  );
}
