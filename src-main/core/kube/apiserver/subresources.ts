import type { DeepReadonly } from '#core/base';
import {
  type ApiResponse,
  badRequest,
  conflict,
  failure,
  formatTime,
  type KubeObject,
  type LabelSelector,
  matchesLabels,
  parseGroupVersion,
  selectorOf,
  type Status,
  trackUpdate,
} from '../machinery/index.ts';
import { decodeBody, expectedKind } from './body.ts';
import {
  type Call,
  admissionRequest,
  admit,
  admitFinal,
  draftOf,
  methodNotAllowed,
  notServed,
  nowText,
  type WriteOptions,
  writeOptions,
} from './call.ts';
import type { Served } from './catalog.ts';
import { handleConnect } from './connect.ts';
import { checkedDelete, deleteObject } from './delete.ts';
import { objectResponse, statusResponse } from './negotiation.ts';
import { checkName, handlePatch, partForm, type PatchTarget, written } from './patch.ts';
import { handleGet, respondObject, warningHeaders } from './read.ts';
import { readCurrent, updateObject } from './registry.ts';
import { connections } from './request-info.ts';
import { refuseTables } from './reviews.ts';
import { handleScale } from './scale.ts';
import { decodeObject } from './write.ts';

type Fields = Record<string, unknown>;

/** Subresources that are the object itself under other rules. */
const views = new Set(['status', 'approval', 'ephemeralcontainers', 'resize', 'finalize']);

/** Answers requests for `<resource>/<name>/<subresource>`. */
export async function handleSubresource(call: Call): Promise<ApiResponse> {
  const { info, served } = call;
  const row = served.info.subresources.find(({ name }) => name === info.subresource);
  if (!row) throw notServed();
  if (connections.has(info.subresource)) return handleConnect(call);
  if (info.subresource === 'scale') return handleScale(call);
  if (views.has(info.subresource)) {
    if (!(row.verbs as readonly string[]).includes(info.verb)) throw methodNotAllowed();
    switch (info.verb) {
      case 'get':
        return handleGet(call);
      case 'update':
        return updateView(call);
      case 'patch':
        return handlePatch(call, viewTarget(call, served, info.subresource));
      default:
        throw methodNotAllowed();
    }
  }
  if (info.verb !== 'create') throw methodNotAllowed();
  refuseTables(call.form);
  const write = writeOptions(call, 'CreateOptions');
  const { group, version } = parseGroupVersion(
    row.group === '' ? row.version : `${row.group}/${row.version}`,
  );
  const { object } = decodeBody(
    call.request,
    expectedKind(call.context.options.schemas, group, version, row.kind),
    false,
    write.fieldValidation,
    (...known) =>
      known[2] === row.kind || call.context.options.resources.ofKind(...known) !== undefined,
  );
  const { namespace } = object.metadata;
  if (namespace && namespace !== info.namespace)
    throw badRequest(
      'the namespace of the provided object does not match the namespace sent on the request',
    );
  switch (info.subresource) {
    case 'binding':
      if (object.metadata.name !== info.name)
        throw badRequest('name in URL does not match name in Binding object');
      return bindPod(call, info.name, object, write);
    case 'eviction':
      return evictPod(call, object, write);
    case 'token': {
      const { createToken } = call.context.options;
      if (!createToken) throw notServed();
      object.metadata.name ??= info.name;
      object.metadata.namespace ??= info.namespace;
      await admit(call.context, admissionRequest(call, 'CREATE', object, null, write));
      const answer = await createToken(
        info.namespace,
        info.name,
        object,
        (text) => void call.warnings.push(text),
        (complete) =>
          admitFinal(call.context, admissionRequest(call, 'CREATE', complete, null, write)),
      );
      return objectResponse(201, answer, call.form, undefined, warningHeaders(call.warnings));
    }
    default:
      throw notServed();
  }
}

/** Takes over into an object what a subresource may change of it. */
function restrict(subresource: string, whole: KubeObject, draft: KubeObject, nowMs: number): void {
  if (draft.metadata.managedFields) whole.metadata.managedFields = draft.metadata.managedFields;
  else delete whole.metadata.managedFields;
  const spec = (draft['spec'] ?? {}) as Fields;
  const own = (whole['spec'] ?? {}) as Fields;
  if (subresource === 'finalize' || subresource === 'approval') takeMetadata(whole, draft);
  if (subresource === 'finalize') {
    whole['spec'] = { ...own, finalizers: spec['finalizers'] };
    if (spec['finalizers'] === undefined) delete (whole['spec'] as Fields)['finalizers'];
  } else if (subresource === 'ephemeralcontainers') {
    const list = spec['ephemeralContainers'];
    if (list === undefined) delete own['ephemeralContainers'];
    else own['ephemeralContainers'] = list;
  } else if (subresource === 'resize') resizeWithin(whole, own, spec);
  else if (subresource === 'approval') {
    const conditions = ((draft['status'] as Fields | undefined)?.['conditions'] ?? []) as Fields[];
    const now = formatTime(nowMs);
    whole['status'] = {
      ...(whole['status'] as Fields | undefined),
      conditions: conditions.map((condition) => ({
        ...condition,
        lastUpdateTime: condition['lastUpdateTime'] ?? now,
        lastTransitionTime: condition['lastTransitionTime'] ?? now,
      })),
    };
  }
}

/** What clients may change of an object's metadata. */
function takeMetadata(whole: KubeObject, { metadata }: KubeObject): void {
  const { labels, annotations, ownerReferences, finalizers } = metadata;
  const taken = { labels, annotations, ownerReferences, finalizers };
  for (const name of Object.keys(taken) as (keyof typeof taken)[]) {
    if (taken[name] === undefined) delete whole.metadata[name];
    else Object.assign(whole.metadata, { [name]: taken[name] });
  }
}

const resizable = ['resources', 'resizePolicy'] as const;

/** Containers that come, go or change places are left for validation to refuse. @see podResizeStrategy */
function resizeWithin(whole: KubeObject, own: Fields, spec: Fields): void {
  const lists = ['containers', 'initContainers'] as const;
  const listOf = (from: Fields, list: string): Fields[] => (from[list] ?? []) as Fields[];
  if (lists.some((list) => listOf(spec, list).length !== listOf(own, list).length)) {
    whole['spec'] = spec;
    return;
  }
  for (const list of lists) {
    const wanted = listOf(spec, list);
    const present = listOf(own, list);
    if (wanted.some((each, index) => each['name'] !== present[index]?.['name'])) own[list] = wanted;
    else
      present.forEach((container, index) => {
        for (const field of resizable) {
          const value = wanted[index]?.[field];
          if (value === undefined) delete container[field];
          else container[field] = value;
        }
      });
  }
  if (spec['resources'] === undefined) delete own['resources'];
  else own['resources'] = spec['resources'];
}

/** The patch target of the resource itself or of a view of it. */
export function viewTarget(call: Call, served: Served, subresource: string): PatchTarget {
  if (subresource === '' || subresource === 'status') return { served, subresource };
  const nowMs = call.context.options.clock.now();
  return {
    served,
    subresource,
    form: partForm(served, subresource, (object, form) =>
      restrict(subresource, object, form, nowMs),
    ),
  };
}

async function updateView(call: Call): Promise<ApiResponse> {
  const { served, info } = call;
  const write = writeOptions(call, 'UpdateOptions');
  const draft = decodeObject(call, write);
  checkName(draft, info.name, info.namespace);
  const { form } = viewTarget(call, served, info.subresource);
  const stored = await updateObject(
    call,
    write,
    { served, namespace: info.namespace, name: info.name, subresource: info.subresource },
    (old) => {
      const uid = draft.metadata.uid ?? '';
      const own = draftOf(draft);
      if (!form) return { draft: own, uid };
      form.defaults?.(own);
      trackUpdate(old, own, write.manager, nowText(call.context), form.scope);
      return { draft: written(form, old, own), uid, tracked: true };
    },
  );
  return respondObject(call, 200, stored);
}

function success(call: Call, code: number): ApiResponse {
  const status: Status = {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    code,
  };
  const { store } = call.context.options;
  const { revision } = store;
  return {
    ...statusResponse(status, call.form, warningHeaders(call.warnings)),
    durable: () => store.durable(revision),
  };
}

/** Puts a pod on a node. @see pkg/registry/core/pod/storage/storage.go, BindingREST */
export async function bindPod(
  call: Call,
  name: string,
  binding: KubeObject,
  write: WriteOptions,
): Promise<ApiResponse> {
  const { context, info } = call;
  const pods = context.catalog.get('', 'v1', 'pods');
  if (!pods) throw notServed();
  const target = (binding['target'] ?? {}) as { kind?: string; name?: string };
  const errors: string[] = [];
  if (target.kind && target.kind !== 'Node')
    errors.push(
      `target.kind: Unsupported value: ${JSON.stringify(target.kind)}: supported values: "Node", "<empty>"`,
    );
  if (!target.name) errors.push('target.name: Required value');
  // Upstream hands on the bare list, which is no status.
  if (errors.length > 0)
    throw failure(500, '', errors.length === 1 ? String(errors[0]) : `[${errors.join(', ')}]`);
  binding.metadata.namespace ??= info.namespace;
  const admission = admissionRequest(call, 'CREATE', binding, null, write, {
    served: pods,
    subresource: 'binding',
    name,
  });
  await admit(context, admission);
  await admitFinal(context, admission);
  const resource = { group: '', resource: 'pods/binding' };
  await updateObject(
    call,
    write,
    { served: pods, namespace: info.namespace, name, subresource: 'binding', isInternal: true },
    (old) => {
      const refuse = (why: string): Error => conflict(resource, name, why);
      const spec = (old['spec'] ?? {}) as DeepReadonly<Fields>;
      if (old.metadata.deletionTimestamp)
        throw refuse(`pod ${name} is being deleted, cannot be assigned to a host`);
      if (binding.metadata.uid && binding.metadata.uid !== old.metadata.uid)
        throw refuse(
          `Precondition failed: UID in precondition: ${binding.metadata.uid}, UID in object meta: ${old.metadata.uid ?? ''}`,
        );
      if (spec['nodeName'])
        throw refuse(`pod ${name} is already assigned to node ${JSON.stringify(spec['nodeName'])}`);
      if (((spec['schedulingGates'] ?? []) as unknown[]).length > 0)
        throw refuse(`pod ${name} has non-empty .spec.schedulingGates`);
      // What is not written below stays the pod's own.
      const draft = { ...old, metadata: { ...old.metadata } } as KubeObject;
      delete draft.metadata.resourceVersion;
      draft['spec'] = { ...(draft['spec'] as Fields), nodeName: target.name };
      if (binding.metadata.annotations)
        draft.metadata.annotations = {
          ...draft.metadata.annotations,
          ...binding.metadata.annotations,
        };
      if (binding.metadata.labels)
        draft.metadata.labels = { ...draft.metadata.labels, ...binding.metadata.labels };
      setCondition(draft, { type: 'PodScheduled', status: 'True' }, nowText(context));
      // It has its node: where it was to go is of no interest any more.
      const { nominatedNodeName: _, ...status } = draft['status'] as Fields;
      draft['status'] = status;
      return { draft, tracked: true };
    },
  );
  return success(call, 201);
}

function setCondition(draft: KubeObject, condition: Fields, now: string): void {
  const status = (draft['status'] ?? {}) as Fields;
  const conditions = [...((status['conditions'] ?? []) as Fields[])];
  const index = conditions.findIndex((each) => each['type'] === condition['type']);
  const previous = conditions[index];
  const next = {
    ...condition,
    observedGeneration: draft.metadata.generation ?? 1,
    lastProbeTime: null,
    lastTransitionTime:
      previous?.['status'] === condition['status'] ? previous?.['lastTransitionTime'] : now,
  };
  if (index < 0) conditions.push(next);
  else conditions[index] = next;
  draft['status'] = { ...status, conditions };
}

interface Budget {
  readonly spec?: {
    readonly selector?: LabelSelector;
    readonly unhealthyPodEvictionPolicy?: string;
  };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly disruptionsAllowed?: number;
    readonly desiredHealthy?: number;
    readonly currentHealthy?: number;
    readonly disruptedPods?: Readonly<Record<string, string>>;
  };
}

const violates = "Cannot evict pod as it would violate the pod's disruption budget.";

/** Deletes a pod if its disruption budget lets it go. @see pkg/registry/core/pod/storage/eviction.go */
async function evictPod(
  call: Call,
  eviction: KubeObject,
  asked: WriteOptions,
): Promise<ApiResponse> {
  const { context, info } = call;
  const { name, namespace } = info;
  eviction.metadata.namespace ??= namespace;
  const admission = admissionRequest(call, 'CREATE', eviction, null, asked);
  await admit(context, admission);
  if (eviction.metadata.name && eviction.metadata.name !== name)
    throw badRequest('name in URL does not match name in Eviction object');
  const own = (eviction['deleteOptions'] ?? {}) as Fields;
  const request = checkedDelete(asked.dryRun ? { ...own, dryRun: ['All'] } : own);
  const { view } = await readCurrent(context, call.served, namespace, name);
  await admitFinal(context, admission);
  const pod = view.object;
  const status = (pod['status'] ?? {}) as { phase?: string; conditions?: Fields[] };
  const ignored =
    ['Succeeded', 'Failed', 'Pending'].includes(status.phase ?? '') ||
    pod.metadata.deletionTimestamp !== undefined;
  if (!ignored) await takeDisruption(call, pod, request.dryRun);
  const { options } = context;
  const write: WriteOptions = {
    dryRun: request.dryRun,
    fieldValidation: 'Ignore',
    manager: 'kube-apiserver',
    fieldManager: '',
    options: {},
  };
  if (!ignored && !request.dryRun)
    await updateObject(
      call,
      write,
      { served: call.served, namespace, name, subresource: 'status', isInternal: true },
      (old) => {
        const draft = draftOf(old);
        delete draft.metadata.resourceVersion;
        setCondition(
          draft,
          {
            type: 'DisruptionTarget',
            status: 'True',
            reason: 'EvictionByEvictionAPI',
            message: 'Eviction API: evicting',
          },
          formatTime(options.clock.now()),
        );
        return { draft };
      },
    );
  await deleteObject(call, name, namespace, request, 'none');
  return success(call, 201);
}

async function takeDisruption(
  call: Call,
  pod: DeepReadonly<KubeObject>,
  dryRun: boolean,
): Promise<void> {
  const { context, info } = call;
  const budgets = context.options.state
    .list('policy', 'poddisruptionbudgets', info.namespace)
    .filter((each) => {
      const { selector } = (each as Budget).spec ?? {};
      return selector !== undefined && matchesLabels(selectorOf(selector), pod.metadata.labels);
    });
  if (budgets.length === 0) return;
  if (budgets.length > 1)
    throw failure(
      500,
      '',
      'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
    );
  const served = context.catalog.get('policy', 'v1', 'poddisruptionbudgets');
  const name = budgets[0]?.metadata.name ?? '';
  if (!served) return;
  const conditions = (pod['status'] as { conditions?: Fields[] } | undefined)?.conditions ?? [];
  const ready = conditions.some((each) => each['type'] === 'Ready' && each['status'] === 'True');
  const refuse = (cause: string, retryAfterSeconds?: number): Error =>
    failure(429, 'TooManyRequests', violates, {
      causes: [{ reason: 'DisruptionBudget', message: cause }],
      ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    });
  const write: WriteOptions = {
    dryRun,
    fieldValidation: 'Ignore',
    manager: 'kube-apiserver',
    fieldManager: '',
    options: {},
  };
  let untouched = false;
  await updateObject(
    call,
    write,
    { served, namespace: info.namespace, name, subresource: 'status' },
    (old) => {
      const draft = draftOf(old);
      delete draft.metadata.resourceVersion;
      const { spec = {}, status = {} } = old as DeepReadonly<Budget>;
      const { currentHealthy = 0, desiredHealthy = 0, disruptionsAllowed = 0 } = status;
      untouched =
        !ready &&
        (spec.unhealthyPodEvictionPolicy === 'AlwaysAllow' ||
          (currentHealthy >= desiredHealthy && desiredHealthy > 0));
      if (untouched) return { draft };
      if ((status.observedGeneration ?? 0) < (old.metadata.generation ?? 0))
        throw refuse(`The disruption budget ${name} is still being processed by the server.`, 10);
      if (disruptionsAllowed < 0)
        throw failure(
          403,
          'Forbidden',
          `poddisruptionbudgets.policy ${JSON.stringify(name)} is forbidden: pdb disruptions allowed is negative`,
          {
            name,
            group: 'policy',
            kind: 'poddisruptionbudgets',
          },
        );
      if (disruptionsAllowed === 0)
        throw refuse(
          `The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`,
        );
      const allowed = disruptionsAllowed - 1;
      draft['status'] = {
        ...(draft['status'] as Fields),
        disruptionsAllowed: allowed,
        disruptedPods: { ...status.disruptedPods, [pod.metadata.name ?? '']: nowText(context) },
        ...(allowed === 0
          ? {
              conditions: (((draft['status'] as Fields)['conditions'] ?? []) as Fields[]).map(
                (each) =>
                  each['type'] === 'DisruptionAllowed'
                    ? {
                        ...each,
                        status: 'False',
                        reason: 'InsufficientPods',
                        message: '',
                        lastTransitionTime: nowText(context),
                      }
                    : each,
              ),
            }
          : {}),
      };
      return { draft };
    },
  );
}
