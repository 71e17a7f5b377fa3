import type { DeepReadonly } from '#core/base';
import { strategyFor } from '../apis/index.ts';
import {
  type ApiResponse,
  conflict,
  formatSelector,
  invalid,
  invalidValue,
  type KubeObject,
  type LabelSelector,
  parentEntries,
  type ReplicasPath,
  scaleEntries,
  selectorOf,
  trackUpdate,
} from '../machinery/index.ts';
import { decodeBody, expectedKind } from './body.ts';
import { type Call, methodNotAllowed, nowText, writeOptions } from './call.ts';
import type { Served } from './catalog.ts';
import { objectResponse } from './negotiation.ts';
import { checkName, handlePatch, type ObjectForm, written } from './patch.ts';
import { warningHeaders } from './read.ts';
import { readCurrent, updateObject } from './registry.ts';
import { includeObjectOf, tableOf } from './table.ts';

const scaleVersion = 'autoscaling/v1';

/** Answers requests for the scale of a resource. */
export async function handleScale(call: Call): Promise<ApiResponse> {
  const { info, served, context } = call;
  if (info.verb === 'get') {
    const { view } = await readCurrent(context, served, info.namespace, info.name);
    const scale = scaleOf(call, view.object, 'read');
    return objectResponse(
      200,
      call.form.as === 'Table' ? tableOfScale(call, scale) : scale,
      call.form,
    );
  }
  const form = scaleForm(call);
  if (info.verb === 'patch') return handlePatch(call, { served, subresource: 'scale', form });
  if (info.verb !== 'update') throw methodNotAllowed();
  const write = writeOptions(call, 'UpdateOptions');
  const { object: scale, problems } = decodeBody(
    call.request,
    form.expected,
    false,
    write.fieldValidation,
    (_group, _version, kind) => kind === 'Scale',
  );
  if (write.fieldValidation === 'Warn') call.warnings.push(...problems);
  checkName(scale, info.name, info.namespace);
  const stored = await updateObject(
    call,
    write,
    { served, namespace: info.namespace, name: info.name, subresource: 'scale', form },
    (old) => {
      const draft = structuredClone(scale);
      trackUpdate(form.read(old), draft, write.manager, nowText(context), form.scope);
      return { draft: written(form, old, draft), tracked: true };
    },
  );
  return objectResponse(
    200,
    scaleOf(call, stored.object, 'read'),
    call.form,
    undefined,
    warningHeaders(call.warnings),
  );
}

function tableOfScale({ served, context, form, info }: Call, scale: KubeObject): object {
  return tableOf(
    { ...served, custom: false, strategy: strategyFor('autoscaling', 'Scale') ?? served.strategy },
    [scale],
    { resourceVersion: scale.metadata.resourceVersion ?? '' },
    form.version,
    includeObjectOf(info.query.get('includeObject')),
    { nowMs: context.options.clock.now() },
  ).object;
}

function scaleForm(call: Call): ObjectForm {
  const { served, context } = call;
  const expected = expectedKind(context.options.schemas, 'autoscaling', 'v1', 'Scale');
  const replicas = replicasPath(call, served);
  return {
    expected,
    scope: {
      node: expected.root,
      schemas: expected.schemas,
      apiVersion: scaleVersion,
      subresource: 'scale',
      knows: (apiVersion) => apiVersion === scaleVersion,
    },
    custom: false,
    ...(served.custom ? { unappliable: noConversion } : {}),
    read: (object) => {
      const scale = scaleOf(call, object, 'write');
      const entries = scaleEntries(object.metadata.managedFields ?? [], replicas);
      if (entries.length > 0) scale.metadata.managedFields = entries;
      return scale;
    },
    write: (object, scale) => {
      applyScale(call, object, scale);
      const entries = parentEntries(
        object.metadata.managedFields ?? [],
        scale.metadata.managedFields ?? [],
        served.groupVersion,
        replicas,
      );
      if (entries.length > 0) object.metadata.managedFields = entries;
      else delete object.metadata.managedFields;
    },
    answer: (object) => scaleOf(call, object, 'read'),
  };
}

/** Upstream cannot bring an applied Scale of a custom resource back into its own form. */
const noConversion = 'request to convert CR to an invalid group/version: autoscaling/v1';

const specReplicas = ['spec', 'replicas'];

function replicasPath({ context }: Call, served: Served): ReplicasPath {
  const { customResources } = context.options;
  if (served.custom && customResources)
    return (apiVersion) => customResources.replicasPath(served.info, apiVersion);
  return (apiVersion) => (served.knows(apiVersion) ? specReplicas : undefined);
}

/**
 * The `autoscaling/v1` Scale of a workload.
 * @param purpose a custom resource without replicas cannot be read, but its scale may be written.
 */
function scaleOf(
  call: Call,
  object: DeepReadonly<KubeObject>,
  purpose: 'read' | 'write',
): KubeObject {
  const { served, context } = call;
  if (served.custom && context.options.customResources)
    return context.options.customResources.scaleOf(served.info, object, purpose);
  const spec = (object['spec'] ?? {}) as { replicas?: number; selector?: LabelSelector };
  const status = (object['status'] ?? {}) as { replicas?: number };
  const selector =
    served.info.kind === 'ReplicationController'
      ? selectorOf({ matchLabels: (spec.selector ?? {}) as Record<string, string> })
      : selectorOf(spec.selector);
  const {
    name = '',
    namespace = '',
    uid = '',
    resourceVersion = '',
    creationTimestamp = '',
  } = object.metadata;
  const text = formatSelector(selector);
  return {
    kind: 'Scale',
    apiVersion: scaleVersion,
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: spec.replicas ? { replicas: spec.replicas } : {},
    status: { replicas: status.replicas ?? 0, ...(text === '' ? {} : { selector: text }) },
  };
}

function applyScale(call: Call, draft: KubeObject, scale: KubeObject): void {
  const { served, context } = call;
  if (served.custom && context.options.customResources) {
    context.options.customResources.applyScale(served.info, draft, scale);
    return;
  }
  const { name = '' } = draft.metadata;
  const replicas = ((scale['spec'] ?? {}) as { replicas?: number }).replicas ?? 0;
  if (replicas < 0)
    throw invalid({ group: 'autoscaling', kind: 'Scale' }, name, [
      invalidValue('spec.replicas', replicas, 'must be greater than or equal to 0'),
    ]);
  const { uid } = scale.metadata;
  if (uid && uid !== draft.metadata.uid) {
    const { group, resource } = served.info;
    throw conflict(
      { group, resource: `${resource}/scale` },
      name,
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${draft.metadata.uid ?? ''}`,
    );
  }
  draft['spec'] = { ...(draft['spec'] as object), replicas };
}
