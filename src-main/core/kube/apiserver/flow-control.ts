import {
  type Clock,
  type DeepReadonly,
  defer,
  type Disposable,
  jsonEqual,
  type Logger,
} from '#core/base';
import { formatTime, isReason, type KubeObject } from '../machinery/index.ts';
import { prefixEnd, type Store } from '../storage/index.ts';
import {
  autoUpdateAnnotation,
  type StandardObject,
  standardFlowControl,
} from './flow-control-objects.ts';
import type { Loopback } from './loopback.ts';
import { connections, type RequestInfo } from './request-info.ts';
import type { StoredObject } from './stored-object.ts';
import type { ServerState, UserInfo } from './types.ts';

const group = 'flowcontrol.apiserver.k8s.io';
const root = `/apis/${group}/v1`;
const producer = 'api-priority-and-fairness-config-producer-v1';
const consumer = 'api-priority-and-fairness-config-consumer-v1';
/** How often what was deleted or changed by hand is brought back. */
const maintenanceMs = 60_000;
/** `--max-requests-inflight` and `--max-mutating-requests-inflight` together. */
const concurrencyLimit = 400 + 200;
const races = ['AlreadyExists', 'Conflict', 'NotFound'] as const;

type Stored = DeepReadonly<KubeObject>;

interface Subject {
  readonly kind?: string;
  readonly user?: { readonly name?: string };
  readonly group?: { readonly name?: string };
  readonly serviceAccount?: { readonly namespace?: string; readonly name?: string };
}

interface Rule {
  readonly subjects?: readonly Subject[] | null;
  readonly resourceRules?:
    | readonly {
        readonly verbs?: readonly string[];
        readonly apiGroups?: readonly string[];
        readonly resources?: readonly string[];
        readonly namespaces?: readonly string[];
        readonly clusterScope?: boolean;
      }[]
    | null;
  readonly nonResourceRules?:
    | readonly {
        readonly verbs?: readonly string[];
        readonly nonResourceURLs?: readonly string[];
      }[]
    | null;
}

interface SchemaSpec {
  readonly matchingPrecedence?: number;
  readonly priorityLevelConfiguration?: { readonly name?: string };
  readonly rules?: readonly Rule[] | null;
}

interface Condition {
  readonly type?: string;
  readonly status?: string;
  readonly reason?: string;
  readonly message?: string;
}

export interface FlowControl extends Disposable {
  /** The headers that tell which flow schema and priority level a request belongs to. */
  headersFor(user: UserInfo, info: RequestInfo): Readonly<Record<string, string>>;
}

/**
 * Keeps the standard flow schemas and priority levels, says of each schema whether its level exists, and tells
 * requests apart by them. Nothing is ever queued or refused: the engine serves requests as they come.
 * @see k8s.io/apiserver/pkg/util/flowcontrol/apf_controller.go; k8s.io/kubernetes/pkg/registry/flowcontrol/rest
 */
export function runFlowControl(options: {
  readonly store: Store<StoredObject>;
  readonly state: ServerState;
  readonly loopback: Loopback;
  readonly clock: Clock;
  readonly logger: Logger;
}): FlowControl & { readonly started: Promise<void> } {
  const { store, state, loopback, clock, logger } = options;
  let disposed = false;
  let pending = false;
  let timer: Disposable | undefined;
  let sorted: { readonly version: number; readonly schemas: readonly Stored[] } | undefined;

  const find = (resource: string, name: string): Stored | undefined =>
    state.get(group, resource, '', name);

  async function write(
    method: 'POST' | 'PUT' | 'DELETE' | 'PATCH',
    path: string,
    object?: KubeObject,
  ): Promise<void> {
    await loopback
      .request(method, `${root}/${path}`, object, 'application/apply-patch+yaml')
      .catch((error: unknown) => {
        // Somebody else was faster; the next round looks again.
        if (!races.some((reason) => isReason(error, reason))) throw error;
      });
  }

  async function ensure(wanted: StandardObject): Promise<void> {
    const { resource, object, isMandatory } = wanted;
    const name = object.metadata.name ?? '';
    const current = find(resource, name);
    if (!current) return write('POST', `${resource}?fieldManager=${producer}`, object);
    const updatesSpec = isMandatory || mayUpdate(current);
    const isSame = !updatesSpec || jsonEqual(current['spec'], object['spec']);
    const marked = current.metadata.annotations?.[autoUpdateAnnotation] === String(updatesSpec);
    if (isSame && marked) return;
    await write('PUT', `${resource}/${name}?fieldManager=${producer}`, {
      ...(current as KubeObject),
      metadata: {
        ...(current.metadata as KubeObject['metadata']),
        annotations: {
          ...current.metadata.annotations,
          [autoUpdateAnnotation]: String(updatesSpec),
        },
      },
      ...(isSame ? {} : { spec: object['spec'] }),
    });
  }

  async function maintain(): Promise<void> {
    for (const wanted of standardFlowControl) await ensure(wanted);
    for (const resource of ['flowschemas', 'prioritylevelconfigurations'])
      for (const { metadata } of state.list(group, resource)) {
        const { name = '', annotations, resourceVersion } = metadata;
        const isStandard = standardFlowControl.some(
          (each) => each.resource === resource && each.object.metadata.name === name,
        );
        if (isStandard || annotations?.[autoUpdateAnnotation] !== 'true') continue;
        await write('DELETE', `${resource}/${name}`, {
          apiVersion: 'v1',
          kind: 'DeleteOptions',
          preconditions: { resourceVersion },
        } as unknown as KubeObject);
      }
  }

  /** Every schema says whether its priority level exists. */
  async function settle(): Promise<void> {
    for (const flowSchema of state.list(group, 'flowschemas')) {
      const { name = '' } = flowSchema.metadata;
      const level = specOf(flowSchema).priorityLevelConfiguration?.name ?? '';
      const exists = find('prioritylevelconfigurations', level) !== undefined;
      const wanted: Condition = {
        type: 'Dangling',
        status: exists ? 'False' : 'True',
        reason: exists ? 'Found' : 'NotFound',
        message: `This FlowSchema references the PriorityLevelConfiguration object named ${JSON.stringify(level)} and ${exists ? 'it exists' : 'there is no such object'}`,
      };
      const conditions = (flowSchema['status'] as { conditions?: readonly Condition[] } | undefined)
        ?.conditions;
      const old = conditions?.find(({ type }) => type === 'Dangling');
      if (
        old?.status === wanted.status &&
        old?.reason === wanted.reason &&
        old?.message === wanted.message
      )
        continue;
      await write('PATCH', `flowschemas/${name}/status?fieldManager=${consumer}&force=true`, {
        apiVersion: `${group}/v1`,
        kind: 'FlowSchema',
        metadata: { name },
        status: { conditions: [{ ...wanted, lastTransitionTime: formatTime(clock.now()) }] },
      });
    }
  }

  const guarded = async (work: () => Promise<void>): Promise<void> => {
    try {
      if (!disposed) await work();
    } catch (error) {
      logger.log('error', 'flow control', {
        error: error instanceof Error ? error.message : String(error),
      });
    }
  };
  const changed = (): void => {
    if (pending || disposed) return;
    pending = true;
    defer(clock, () => {
      pending = false;
      void guarded(settle);
    });
  };
  const again = (): void => {
    if (disposed) return;
    timer = clock.setTimer(maintenanceMs, () => void guarded(maintain).then(again), {
      background: true,
    });
  };
  const prefix = `/registry/flowschemas/`;
  const levels = `/registry/prioritylevelconfigurations/`;
  const watches = [prefix, levels].map((each) =>
    store.watch(each, prefixEnd(each), { onEvents: changed }),
  );
  const started = guarded(async () => {
    await maintain();
    await settle();
  }).then(again);

  return {
    started,
    headersFor: (user, info) => {
      // What lasts is not counted against anybody's share.
      if (info.kind === 'resource' && connections.has(info.subresource)) return {};
      const version = state.version(group, 'flowschemas');
      if (sorted?.version !== version)
        sorted = { version, schemas: [...state.list(group, 'flowschemas')].sort(byPrecedence) };
      const found = sorted.schemas.find((each) =>
        specOf(each).rules?.some((rule) => fits(rule, user, info)),
      );
      const level =
        found &&
        find('prioritylevelconfigurations', specOf(found).priorityLevelConfiguration?.name ?? '');
      if (!found || !level) return {};
      return {
        'x-kubernetes-pf-flowschema-uid': found.metadata.uid ?? '',
        'x-kubernetes-pf-prioritylevel-uid': level.metadata.uid ?? '',
      };
    },
    dispose: () => {
      disposed = true;
      timer?.dispose();
      for (const watch of watches) watch.dispose();
    },
  };
}

interface LevelSpec {
  readonly exempt?: { readonly nominalConcurrencyShares?: number };
  readonly limited?: { readonly nominalConcurrencyShares?: number };
}

/**
 * How many requests each priority level may have in hand by its share of all, by name.
 * @see k8s.io/apiserver/pkg/util/flowcontrol/apf_controller.go, finishQueueSetReconfigsLocked
 */
export function nominalSeats(state: ServerState): readonly (readonly [string, number])[] {
  const shares = state.list(group, 'prioritylevelconfigurations').map((level): [string, number] => {
    const { exempt, limited } = (level['spec'] ?? {}) as LevelSpec;
    const own = exempt?.nominalConcurrencyShares ?? limited?.nominalConcurrencyShares ?? 0;
    return [level.metadata.name ?? '', own];
  });
  const all = shares.reduce((sum, [, own]) => sum + own, 0);
  return shares
    .map(([name, own]) => [name, Math.ceil((concurrencyLimit * own) / (all || 1))] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

const specOf = (flowSchema: Stored): SchemaSpec => flowSchema['spec'] ?? {};

function byPrecedence(a: Stored, b: Stored): number {
  const difference = (specOf(a).matchingPrecedence ?? 0) - (specOf(b).matchingPrecedence ?? 0);
  if (difference !== 0) return difference;
  return (a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1;
}

/** Whether the spec of a suggested object is still the server's to change. */
function mayUpdate({ metadata }: Stored): boolean {
  const said = metadata.annotations?.[autoUpdateAnnotation];
  if (said === 'true' || said === 'false') return said === 'true';
  return metadata.generation === 1;
}

/** @see k8s.io/apiserver/pkg/util/flowcontrol/rule.go */
function fits(rule: Rule, user: UserInfo, info: RequestInfo): boolean {
  if (!rule.subjects?.some((subject) => isMeant(subject, user))) return false;
  if (info.kind === 'other')
    return (
      rule.nonResourceRules?.some(
        ({ verbs, nonResourceURLs }) =>
          holds(verbs, info.verb) && nonResourceURLs?.some((url) => covers(url, info.path)),
      ) ?? false
    );
  const resource = info.subresource === '' ? info.resource : `${info.resource}/${info.subresource}`;
  return (
    rule.resourceRules?.some(
      (each) =>
        holds(each.verbs, info.verb) &&
        holds(each.resources, resource) &&
        holds(each.apiGroups, info.group) &&
        (info.namespace === ''
          ? each.clusterScope === true
          : holds(each.namespaces, info.namespace)),
    ) ?? false
  );
}

function isMeant(subject: Subject, { username, groups }: UserInfo): boolean {
  switch (subject.kind) {
    case 'User':
      return subject.user?.name === '*' || subject.user?.name === username;
    case 'Group':
      return subject.group?.name === '*' || groups.includes(subject.group?.name ?? '');
    case 'ServiceAccount': {
      const { namespace = '', name = '' } = subject.serviceAccount ?? {};
      const account = `system:serviceaccount:${namespace}:`;
      return name === '*' ? username.startsWith(account) : username === account + name;
    }
    default:
      return false;
  }
}

const holds = (list: readonly string[] | undefined, value: string): boolean =>
  list !== undefined && ((list.length === 1 && list[0] === '*') || list.includes(value));

function covers(url: string, path: string): boolean {
  if (url === '*' || url === path) return true;
  const prefix = url.endsWith('*') ? url.slice(0, -1) : url;
  return path.startsWith(prefix.endsWith('/') ? prefix : `${prefix}/`);
}
