import { humanDuration } from '../../machinery/index.ts';
import { count, type Workload } from '../kinds/apps/types.ts';
import type { CronJob, Job } from '../kinds/batch/types.ts';
import {
  type Container,
  type ContainerStatus,
  type Pod,
  type PodTemplate,
  view,
} from '../kinds/core/pod-types.ts';
import {
  age,
  columns,
  containerCells,
  formatLabels,
  formatSelector,
  nameOf,
  type Shared,
  selectorText,
  simpleTable,
  since,
  type Table,
} from './table.ts';

const isSidecar = (container: Container | undefined): boolean =>
  container?.restartPolicy === 'Always';

const conditionTrue = (pod: Pod, type: string): boolean =>
  (pod.status?.conditions ?? []).some(
    (condition) => condition.type === type && condition.status === 'True',
  );

/** Sums restarts and keeps the latest end of a container before its restart. */
class Restarts {
  total = 0;
  lastMs = 0;
  last: string | undefined;

  add(status: ContainerStatus): void {
    this.total += status.restartCount ?? 0;
    const finished = status.lastState?.terminated?.finishedAt;
    const ms = finished ? Date.parse(finished) : 0;
    if (finished && ms > this.lastMs) {
      this.lastMs = ms;
      this.last = finished;
    }
  }
}

const exitReason = (
  terminated: { reason?: string; signal?: number; exitCode?: number },
  prefix = '',
): string =>
  terminated.reason
    ? `${prefix}${terminated.reason}`
    : terminated.signal
      ? `${prefix}Signal:${terminated.signal}`
      : `${prefix}ExitCode:${terminated.exitCode ?? 0}`;

interface PodSummary {
  readonly reason: string;
  readonly ready: number;
  readonly total: number;
  readonly restarts: Restarts;
}

interface InitSummary {
  readonly reason?: string;
  readonly ready: number;
  readonly all: Restarts;
  readonly sidecars: Restarts;
}

function summarizeInit(pod: Pod): InitSummary {
  const declared = pod.spec?.initContainers ?? [];
  const all = new Restarts();
  const sidecars = new Restarts();
  let ready = 0;
  for (const [index, status] of (pod.status?.initContainerStatuses ?? []).entries()) {
    const sidecar = isSidecar(declared.find(({ name }) => name === status.name));
    const { terminated, waiting } = status.state ?? {};
    all.add(status);
    if (sidecar) sidecars.add(status);
    if (terminated && (terminated.exitCode ?? 0) === 0) continue;
    if (sidecar && status.started) {
      if (status.ready) ready++;
      continue;
    }
    const reason = terminated
      ? exitReason(terminated, 'Init:')
      : waiting?.reason && waiting.reason !== 'PodInitializing'
        ? `Init:${waiting.reason}`
        : `Init:${index}/${declared.length}`;
    return { reason, ready, all, sidecars };
  }
  return { ready, all, sidecars };
}

function summarizePod(pod: Pod): PodSummary {
  const { spec, status } = pod;
  const total =
    (spec?.containers ?? []).length + (spec?.initContainers ?? []).filter(isSidecar).length;
  let reason = status?.reason || (status?.phase ?? '');
  const gated = (status?.conditions ?? []).some(
    (condition) => condition.type === 'PodScheduled' && condition.reason === 'SchedulingGated',
  );
  if (gated) reason = 'SchedulingGated';
  const init = summarizeInit(pod);
  let { ready } = init;
  let restarts = init.all;
  if (init.reason !== undefined) reason = init.reason;
  if (init.reason === undefined || conditionTrue(pod, 'Initialized')) {
    restarts = init.sidecars;
    let running = false;
    let errorReason = '';
    for (const container of [...(status?.containerStatuses ?? [])].reverse()) {
      const { waiting, terminated, running: runs } = container.state ?? {};
      restarts.add(container);
      if (waiting?.reason) reason = waiting.reason;
      else if (terminated) {
        reason = exitReason(terminated);
        if ((terminated.exitCode ?? 0) !== 0) errorReason = reason;
      } else if (container.ready && runs) {
        running = true;
        ready++;
      }
    }
    if (reason === 'Completed') {
      if (running && conditionTrue(pod, 'Ready')) reason = 'Running';
      else if (errorReason !== '') reason = errorReason;
      else if (running) reason = 'NotReady';
    }
  }
  if (pod.metadata.deletionTimestamp) {
    if (status?.reason === 'NodeLost') reason = 'Unknown';
    else if (status?.phase !== 'Succeeded' && status?.phase !== 'Failed') reason = 'Terminating';
  }
  return { reason, ready, total, restarts };
}

function readinessGates({ spec, status }: Pod): string {
  const gates = spec?.readinessGates ?? [];
  if (gates.length === 0) return '<none>';
  const met = gates.filter(
    ({ conditionType }) =>
      status?.conditions?.find(({ type }) => type === conditionType)?.status === 'True',
  );
  return `${met.length}/${gates.length}`;
}

export const podTable: Table = {
  columns: columns(
    'Name',
    'Ready',
    'Status',
    'Restarts',
    'Age',
    '+IP',
    '+Node',
    '+Nominated Node',
    '+Readiness Gates',
  ),
  cells(object, context) {
    const pod = view<Pod>(object);
    const { reason, ready, total, restarts } = summarizePod(pod);
    const restarted =
      restarts.total !== 0 && restarts.last
        ? `${restarts.total} (${since(restarts.last, context)} ago)`
        : String(restarts.total);
    return [
      nameOf(object),
      `${ready}/${total}`,
      reason,
      restarted,
      age(object, context),
      pod.status?.podIPs?.[0]?.ip || '<none>',
      pod.spec?.nodeName || '<none>',
      pod.status?.nominatedNodeName || '<none>',
      readinessGates(pod),
    ];
  },
};

export const podTemplateTable = simpleTable(
  ['Name', 'Containers', 'Images', 'Pod Labels'],
  (object) => {
    const template = view<PodTemplate>(object['template'] ?? {});
    return [
      nameOf(object),
      ...containerCells(template.spec?.containers),
      formatLabels(template.metadata?.labels),
    ];
  },
);

const specOf = (object: Shared): NonNullable<Workload['spec']> => view<Workload>(object).spec ?? {};
const statusOf = (object: Shared): Workload['status'] => view<Workload>(object).status;
const containersOf = (object: Shared): [string, string] =>
  containerCells(specOf(object).template?.spec?.containers);

export const replicaSetTable = simpleTable(
  [
    'Name',
    'Desired:integer',
    'Current:integer',
    'Ready:integer',
    'Age',
    '+Containers',
    '+Images',
    '+Selector',
  ],
  (object, context) => [
    nameOf(object),
    specOf(object).replicas ?? 0,
    count(statusOf(object), 'replicas'),
    count(statusOf(object), 'readyReplicas'),
    age(object, context),
    ...containersOf(object),
    formatSelector(specOf(object).selector),
  ],
);

export const replicationControllerTable: Table = {
  columns: replicaSetTable.columns,
  cells: (object, context) => [
    ...replicaSetTable
      .cells({ ...object, spec: { ...specOf(object), selector: {} } }, context)
      .slice(0, -1),
    formatLabels(view<{ spec?: { selector?: Record<string, string> } }>(object).spec?.selector),
  ],
};

export const deploymentTable = simpleTable(
  ['Name', 'Ready', 'Up-to-date', 'Available', 'Age', '+Containers', '+Images', '+Selector'],
  (object, context) => [
    nameOf(object),
    `${count(statusOf(object), 'readyReplicas')}/${specOf(object).replicas ?? 0}`,
    count(statusOf(object), 'updatedReplicas'),
    count(statusOf(object), 'availableReplicas'),
    age(object, context),
    ...containersOf(object),
    selectorText(specOf(object).selector),
  ],
);

export const statefulSetTable = simpleTable(
  ['Name', 'Ready', 'Age', '+Containers', '+Images'],
  (object, context) => [
    nameOf(object),
    `${count(statusOf(object), 'readyReplicas')}/${specOf(object).replicas ?? 0}`,
    age(object, context),
    ...containersOf(object),
  ],
);

export const daemonSetTable = simpleTable(
  [
    'Name',
    'Desired:integer',
    'Current:integer',
    'Ready:integer',
    'Up-to-date:integer',
    'Available:integer',
    'Node Selector',
    'Age',
    '+Containers',
    '+Images',
    '+Selector',
  ],
  (object, context) => [
    nameOf(object),
    count(statusOf(object), 'desiredNumberScheduled'),
    count(statusOf(object), 'currentNumberScheduled'),
    count(statusOf(object), 'numberReady'),
    count(statusOf(object), 'updatedNumberScheduled'),
    count(statusOf(object), 'numberAvailable'),
    formatLabels(specOf(object).template?.spec?.nodeSelector),
    age(object, context),
    ...containersOf(object),
    formatSelector(specOf(object).selector),
  ],
);

export const controllerRevisionTable = simpleTable(
  ['Name', 'Controller', 'Revision', 'Age'],
  (object, context) => {
    const owner = object.metadata.ownerReferences?.find(({ controller }) => controller);
    const group = owner?.apiVersion.includes('/') ? `.${owner.apiVersion.split('/')[0] ?? ''}` : '';
    return [
      nameOf(object),
      owner ? `${`${owner.kind}${group}`.toLowerCase()}/${owner.name}` : '<none>',
      object['revision'] ?? 0,
      age(object, context),
    ];
  },
);

function jobStatus(job: Job): string {
  const is = (type: string): boolean =>
    job.status?.conditions?.find((condition) => condition.type === type)?.status === 'True';
  if (is('Complete')) return 'Complete';
  if (is('Failed')) return 'Failed';
  if (job.metadata.deletionTimestamp) return 'Terminating';
  if (is('Suspended')) return 'Suspended';
  if (is('FailureTarget')) return 'FailureTarget';
  return is('SuccessCriteriaMet') ? 'SuccessCriteriaMet' : 'Running';
}

export const jobTable = simpleTable(
  ['Name', 'Status', 'Completions', 'Duration', 'Age', '+Containers', '+Images', '+Selector'],
  (object, context) => {
    const job = view<Job>(object);
    const { completions, parallelism = 0, template, selector } = job.spec ?? {};
    const { succeeded = 0, startTime, completionTime } = job.status ?? {};
    const wanted =
      completions !== undefined
        ? `${succeeded}/${completions}`
        : parallelism > 1
          ? `${succeeded}/1 of ${parallelism}`
          : `${succeeded}/1`;
    const endMs = completionTime ? Date.parse(completionTime) : context.nowMs;
    return [
      nameOf(object),
      jobStatus(job),
      wanted,
      startTime ? humanDuration(endMs - Date.parse(startTime)) : '',
      age(object, context),
      ...containerCells(template?.spec?.containers),
      formatSelector(selector),
    ];
  },
);

export const cronJobTable = simpleTable(
  [
    'Name',
    'Schedule',
    'Timezone',
    'Suspend:boolean',
    'Active:integer',
    'Last Schedule',
    'Age',
    '+Containers',
    '+Images',
    '+Selector',
  ],
  (object, context) => {
    const { spec, status } = view<CronJob>(object);
    const suspend = spec?.suspend;
    return [
      nameOf(object),
      spec?.schedule ?? '',
      spec?.timeZone ?? '<none>',
      suspend === undefined ? '<unset>' : suspend ? 'True' : 'False',
      (status?.active ?? []).length,
      status?.lastScheduleTime ? since(status.lastScheduleTime, context) : '<none>',
      age(object, context),
      ...containerCells(spec?.jobTemplate?.spec?.template?.spec?.containers),
      formatSelector(spec?.jobTemplate?.spec?.selector),
    ];
  },
);
