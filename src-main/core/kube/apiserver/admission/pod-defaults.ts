import { byBytes, jsonClone, jsonEqual, quoted } from '#core/base';
import {
  at,
  draftAt,
  formatResourceList,
  isMap,
  type JsonMap,
  mapsOf,
  numberOf,
  resourceListOf,
  textAt,
  textOf,
} from '../fields/index.ts';
import type { AdmissionPlugin, AdmissionRequest, ServerState } from '../types.ts';
import { forbid, isPod, isResource } from './attributes.ts';

/** Resolves priority classes. @see plugin/pkg/admission/priority/admission.go */
export function priority(state: ServerState): AdmissionPlugin {
  const group = 'scheduling.k8s.io';
  const defaultClass = (): JsonMap | undefined =>
    (state.list(group, 'priorityclasses') as readonly JsonMap[])
      .filter((each) => each['globalDefault'] === true)
      .sort((a, b) => (numberOf(a['value']) ?? 0) - (numberOf(b['value']) ?? 0))[0];
  return {
    name: 'Priority',
    admit(request) {
      const pod = request.object;
      if (!pod || !isPod(request)) return;
      const spec = draftAt(pod, 'spec');
      if (request.operation === 'UPDATE') {
        for (const field of ['priority', 'preemptionPolicy'])
          if (spec[field] === undefined) {
            const old = at(request.oldObject, 'spec', field);
            if (old !== undefined) spec[field] = old;
          }
        return;
      }
      if (request.operation !== 'CREATE') return;
      const name = textOf(spec['priorityClassName']);
      const found = name === '' ? defaultClass() : state.get(group, 'priorityclasses', '', name);
      if (name !== '' && !found)
        throw forbid(request, `no PriorityClass with name ${name} was found`);
      const value = numberOf(at(found, 'value')) ?? 0;
      const policy = found ? textAt(found, 'preemptionPolicy') : 'PreemptLowerPriority';
      const given = numberOf(spec['priority']);
      if (given !== undefined && given !== value)
        throw forbid(
          request,
          `the integer value of priority (${given}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`,
        );
      const chosen = textAt(found, 'metadata', 'name');
      if (chosen !== '') spec['priorityClassName'] = chosen;
      spec['priority'] = value;
      if (policy === '') return;
      const givenPolicy = textOf(spec['preemptionPolicy']);
      if (givenPolicy !== '' && givenPolicy !== policy)
        throw forbid(
          request,
          `the string value of PreemptionPolicy (${givenPolicy}) must not be provided in pod spec; priority admission controller computed ${policy} from the given PriorityClass name`,
        );
      spec['preemptionPolicy'] = policy;
    },
    validate(request) {
      if (!isResource(request, group, 'priorityclasses')) return;
      if (request.operation !== 'CREATE' && request.operation !== 'UPDATE') return;
      if (at(request.object, 'globalDefault') !== true) return;
      const existing = textAt(defaultClass(), 'metadata', 'name');
      const own = textAt(request.object, 'metadata', 'name');
      if (existing !== '' && (request.operation === 'CREATE' || existing !== own))
        throw forbid(
          request,
          `PriorityClass ${existing} is already marked as default. Only one default can exist`,
        );
    },
  };
}

/** How long a pod stays on a lost node. @see plugin/pkg/admission/defaulttolerationseconds */
export function defaultTolerationSeconds(
  notReadySeconds: number,
  unreachableSeconds: number,
): AdmissionPlugin {
  const added = [
    ['node.kubernetes.io/not-ready', notReadySeconds],
    ['node.kubernetes.io/unreachable', unreachableSeconds],
  ] as const;
  return {
    name: 'DefaultTolerationSeconds',
    admit(request) {
      const pod = request.object;
      if (!pod || !isPod(request)) return;
      if (request.operation !== 'CREATE' && request.operation !== 'UPDATE') return;
      const spec = draftAt(pod, 'spec');
      const own = mapsOf(spec['tolerations']);
      const missing = added.filter(
        ([key]) =>
          !own.some(
            (each) =>
              [key, ''].includes(textOf(each['key'])) &&
              ['NoExecute', ''].includes(textOf(each['effect'])),
          ),
      );
      if (missing.length > 0)
        spec['tolerations'] = [
          ...own,
          ...missing.map(([key, seconds]) => ({
            key,
            operator: 'Exists',
            effect: 'NoExecute',
            tolerationSeconds: seconds,
          })),
        ];
    },
  };
}

/** New nodes begin tainted. @see plugin/pkg/admission/nodetaint */
export function taintNodesByCondition(): AdmissionPlugin {
  return {
    name: 'TaintNodesByCondition',
    admit(request) {
      const node = request.object;
      if (!node || request.operation !== 'CREATE' || !isResource(request, '', 'nodes')) return;
      const spec = draftAt(node, 'spec');
      const taints = mapsOf(spec['taints']);
      const key = 'node.kubernetes.io/not-ready';
      if (!taints.some((taint) => taint['key'] === key && taint['effect'] === 'NoSchedule'))
        spec['taints'] = [...taints, { key, effect: 'NoSchedule' }];
    },
  };
}

/** Overhead, node selector and tolerations of a RuntimeClass. @see plugin/pkg/admission/runtimeclass */
export function runtimeClass(state: ServerState): AdmissionPlugin {
  const find = (request: AdmissionRequest): unknown => {
    const name = textAt(request.object, 'spec', 'runtimeClassName');
    if (name === '') return undefined;
    const found = state.get('node.k8s.io', 'runtimeclasses', '', name);
    if (!found) throw forbid(request, `pod rejected: RuntimeClass ${quoted(name)} not found`);
    return found;
  };
  const mismatch = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead";
  const same = (a: unknown, b: unknown): boolean =>
    jsonEqual(formatResourceList(resourceListOf(a)), formatResourceList(resourceListOf(b)));
  return {
    name: 'RuntimeClass',
    admit(request) {
      const pod = request.object;
      if (!pod || request.operation !== 'CREATE' || !isPod(request)) return;
      const found = find(request);
      if (found === undefined) return;
      const spec = draftAt(pod, 'spec');
      const overhead = at(found, 'overhead');
      if (isMap(overhead)) {
        const fixed = at(overhead, 'podFixed');
        if (isMap(spec['overhead']) && Object.keys(spec['overhead']).length > 0)
          if (!same(spec['overhead'], fixed)) throw forbid(request, mismatch);
        if (fixed !== undefined) spec['overhead'] = jsonClone(fixed);
      }
      const scheduling = at(found, 'scheduling');
      if (!isMap(scheduling)) return;
      const own = (spec['nodeSelector'] ?? {}) as Record<string, string>;
      const wanted = (at(scheduling, 'nodeSelector') ?? {}) as Record<string, string>;
      for (const key of Object.keys(wanted).sort(byBytes)) {
        const value = own[key];
        if (value !== undefined && value !== wanted[key])
          throw forbid(
            request,
            `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${wanted[key] ?? ''}; pod.spec.nodeSelector[${key}] = ${value}`,
          );
      }
      if (Object.keys(wanted).length > 0) spec['nodeSelector'] = { ...own, ...wanted };
      const tolerations = mapsOf(spec['tolerations']);
      const more = mapsOf(at(scheduling, 'tolerations')).filter(
        (each) => !tolerations.some((other) => jsonEqual(each, other)),
      );
      if (more.length > 0) spec['tolerations'] = [...tolerations, ...more];
    },
    validate(request) {
      if (!request.object || request.operation !== 'CREATE' || !isPod(request)) return;
      const overhead = at(find(request), 'overhead');
      const own = at(request.object, 'spec', 'overhead');
      if (isMap(overhead)) {
        if (!same(at(overhead, 'podFixed'), own)) throw forbid(request, mismatch);
      } else if (own !== undefined && own !== null)
        throw forbid(
          request,
          'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead',
        );
    },
  };
}

/** Every image is pulled at each start. @see plugin/pkg/admission/alwayspullimages */
export function alwaysPullImages(): AdmissionPlugin {
  return {
    name: 'AlwaysPullImages',
    admit(request) {
      if (!request.object || !isPod(request)) return;
      if (request.operation !== 'CREATE' && request.operation !== 'UPDATE') return;
      for (const list of ['initContainers', 'containers', 'ephemeralContainers'])
        for (const container of mapsOf(at(request.object, 'spec', list)))
          (container as Record<string, unknown>)['imagePullPolicy'] = 'Always';
    },
  };
}
