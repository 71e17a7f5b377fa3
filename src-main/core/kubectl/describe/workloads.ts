import { formatDuration, humanDuration } from '#core/kube';
import { at, has, type Json, list, num, strings, text } from '../json-view.ts';
import { selectorText } from '../resources/label-selector.ts';
import { describeTemplate } from './pod.ts';
import { type Description, timeText } from './writer.ts';

const selector = (object: Json): string => selectorText(at(object, 'spec', 'selector'));

function controlledBy(out: Description, object: Json): void {
  const owner = list(object, 'metadata', 'ownerReferences').find(
    (each) => at(each, 'controller') === true,
  );
  if (owner) out.line(0, 'Controlled By:', `${text(owner, 'kind')}/${text(owner, 'name')}`);
}

function conditionsTable(out: Description, object: Json): void {
  const conditions = list(object, 'status', 'conditions');
  if (conditions.length === 0) return;
  out.line(0, 'Conditions:');
  out.line(1, 'Type', 'Status', 'Reason');
  out.line(1, '----', '------', '------');
  for (const condition of conditions)
    out.line(1, text(condition, 'type'), text(condition, 'status'), text(condition, 'reason'));
}

/** @param sets the deployment's replica sets: those of the present template, and older ones. */
export function describeDeployment(
  out: Description,
  object: Json,
  sets: { current: readonly Json[]; old: readonly Json[] },
): void {
  out.line(0, 'Name:', text(object, 'metadata', 'name'));
  out.line(0, 'Namespace:', text(object, 'metadata', 'namespace'));
  out.line(0, 'CreationTimestamp:', timeText(text(object, 'metadata', 'creationTimestamp')));
  out.pairs('Labels', strings(object, 'metadata', 'labels'));
  out.annotations(strings(object, 'metadata', 'annotations'));
  out.line(0, 'Selector:', selector(object));
  out.line(
    0,
    'Replicas:',
    `${num(object, 'spec', 'replicas')} desired | ${num(object, 'status', 'updatedReplicas')} updated | ${num(object, 'status', 'replicas')} total | ${num(object, 'status', 'availableReplicas')} available | ${num(object, 'status', 'unavailableReplicas')} unavailable`,
  );
  out.line(0, 'StrategyType:', text(object, 'spec', 'strategy', 'type'));
  out.line(0, 'MinReadySeconds:', String(num(object, 'spec', 'minReadySeconds')));
  if (has(object, 'spec', 'strategy', 'rollingUpdate')) {
    const rolling = at(object, 'spec', 'strategy', 'rollingUpdate');
    out.line(
      0,
      'RollingUpdateStrategy:',
      `${text(rolling, 'maxUnavailable')} max unavailable, ${text(rolling, 'maxSurge')} max surge`,
    );
  }
  describeTemplate(out, at(object, 'spec', 'template'));
  conditionsTable(out, object);
  const shown = (items: readonly Json[]): string =>
    items.length === 0
      ? '<none>'
      : items
          .map(
            (item) =>
              `${text(item, 'metadata', 'name')} (${num(item, 'status', 'replicas')}/${num(item, 'spec', 'replicas')} replicas created)`,
          )
          .join(', ');
  out.line(0, 'OldReplicaSets:', shown(sets.old));
  out.line(0, 'NewReplicaSet:', shown(sets.current));
}

/** How many of a controller's pods are in each phase. */
export interface PodCounts {
  readonly running: number;
  readonly waiting: number;
  readonly succeeded: number;
  readonly failed: number;
}

const podsStatus = (pods: PodCounts): string =>
  `${pods.running} Running / ${pods.waiting} Waiting / ${pods.succeeded} Succeeded / ${pods.failed} Failed`;

export function describeReplicaSet(out: Description, object: Json, pods: PodCounts): void {
  out.line(0, 'Name:', text(object, 'metadata', 'name'));
  out.line(0, 'Namespace:', text(object, 'metadata', 'namespace'));
  out.line(0, 'Selector:', selector(object));
  out.pairs('Labels', strings(object, 'metadata', 'labels'));
  out.annotations(strings(object, 'metadata', 'annotations'));
  controlledBy(out, object);
  out.line(
    0,
    'Replicas:',
    `${num(object, 'status', 'replicas')} current / ${num(object, 'spec', 'replicas')} desired`,
  );
  out.line(0, 'Pods Status:', podsStatus(pods));
  describeTemplate(out, at(object, 'spec', 'template'));
  conditionsTable(out, object);
}

export function describeDaemonSet(out: Description, object: Json, pods: PodCounts): void {
  out.line(0, 'Name:', text(object, 'metadata', 'name'));
  out.line(0, 'Namespace:', text(object, 'metadata', 'namespace'));
  out.line(0, 'Selector:', selector(object));
  out.line(0, 'Node-Selector:', nodeSelectorOf(object));
  out.pairs('Labels', strings(object, 'metadata', 'labels'));
  out.annotations(strings(object, 'metadata', 'annotations'));
  const status = (key: string): string => String(num(object, 'status', key));
  out.line(0, `Desired Number of Nodes Scheduled: ${status('desiredNumberScheduled')}`);
  out.line(0, `Current Number of Nodes Scheduled: ${status('currentNumberScheduled')}`);
  out.line(
    0,
    `Number of Nodes Scheduled with Up-to-date Pods: ${status('updatedNumberScheduled')}`,
  );
  out.line(0, `Number of Nodes Scheduled with Available Pods: ${status('numberAvailable')}`);
  out.line(0, `Number of Nodes Misscheduled: ${status('numberMisscheduled')}`);
  out.line(0, 'Pods Status:', podsStatus(pods));
  describeTemplate(out, at(object, 'spec', 'template'));
}

function nodeSelectorOf(object: Json): string {
  return (
    Object.entries(strings(object, 'spec', 'template', 'spec', 'nodeSelector'))
      .map(([key, value]) => `${key}=${value}`)
      .sort()
      .join(',') || '<none>'
  );
}

export function describeStatefulSet(out: Description, object: Json, pods: PodCounts): void {
  out.line(0, 'Name:', text(object, 'metadata', 'name'));
  out.line(0, 'Namespace:', text(object, 'metadata', 'namespace'));
  out.line(0, 'CreationTimestamp:', timeText(text(object, 'metadata', 'creationTimestamp')));
  out.line(0, 'Selector:', selector(object));
  out.pairs('Labels', strings(object, 'metadata', 'labels'));
  out.annotations(strings(object, 'metadata', 'annotations'));
  out.line(
    0,
    'Replicas:',
    `${num(object, 'spec', 'replicas')} desired | ${num(object, 'status', 'replicas')} total`,
  );
  out.line(0, 'Update Strategy:', text(object, 'spec', 'updateStrategy', 'type'));
  if (has(object, 'spec', 'updateStrategy', 'rollingUpdate', 'partition'))
    out.line(1, 'Partition:', text(object, 'spec', 'updateStrategy', 'rollingUpdate', 'partition'));
  out.line(0, 'Pods Status:', podsStatus(pods));
  describeTemplate(out, at(object, 'spec', 'template'));
  const claims = list(object, 'spec', 'volumeClaimTemplates');
  if (claims.length === 0) out.line(0, 'Volume Claims:', '<none>');
  else {
    out.line(0, 'Volume Claims:');
    for (const claim of claims) {
      out.line(1, 'Name:', text(claim, 'metadata', 'name'));
      out.line(1, 'StorageClass:', text(claim, 'spec', 'storageClassName'));
      out.pairs('Labels', strings(claim, 'metadata', 'labels'), { level: 1 });
      out.annotations(strings(claim, 'metadata', 'annotations'), 1);
      out.line(
        1,
        'Capacity:',
        text(claim, 'spec', 'resources', 'requests', 'storage') || '<default>',
      );
      out.line(1, 'Access Modes:', `[${list(claim, 'spec', 'accessModes').join(' ')}]`);
    }
  }
}

export function describeJob(out: Description, object: Json): void {
  out.line(0, 'Name:', text(object, 'metadata', 'name'));
  out.line(0, 'Namespace:', text(object, 'metadata', 'namespace'));
  out.line(0, 'Selector:', selector(object));
  out.pairs('Labels', strings(object, 'metadata', 'labels'));
  out.annotations(strings(object, 'metadata', 'annotations'));
  controlledBy(out, object);
  const spec = (key: string): string => text(object, 'spec', key);
  out.line(0, 'Parallelism:', spec('parallelism') || '<unset>');
  out.line(0, 'Completions:', spec('completions') || '<unset>');
  if (spec('completionMode') !== '') out.line(0, 'Completion Mode:', spec('completionMode'));
  if (spec('suspend') !== '') out.line(0, 'Suspend:', spec('suspend'));
  if (spec('backoffLimit') !== '') out.line(0, 'Backoff Limit:', spec('backoffLimit'));
  if (spec('ttlSecondsAfterFinished') !== '')
    out.line(0, 'TTL Seconds After Finished:', spec('ttlSecondsAfterFinished'));
  const [start, end] = [
    text(object, 'status', 'startTime'),
    text(object, 'status', 'completionTime'),
  ];
  if (start !== '') out.line(0, 'Start Time:', timeText(start));
  if (end !== '') out.line(0, 'Completed At:', timeText(end));
  if (start !== '' && end !== '')
    out.line(0, 'Duration:', humanDuration(Date.parse(end) - Date.parse(start)));
  if (spec('activeDeadlineSeconds') !== '')
    out.line(
      0,
      'Active Deadline Seconds:',
      formatDuration(Number(spec('activeDeadlineSeconds')) * 1000),
    );
  const active = num(object, 'status', 'active');
  const ready = text(object, 'status', 'ready');
  out.line(
    0,
    'Pods Statuses:',
    ready === ''
      ? `${active} Running / ${num(object, 'status', 'succeeded')} Succeeded / ${num(object, 'status', 'failed')} Failed`
      : `${active} Active (${ready} Ready) / ${num(object, 'status', 'succeeded')} Succeeded / ${num(object, 'status', 'failed')} Failed`,
  );
  if (spec('completionMode') === 'Indexed')
    out.line(0, 'Completed Indexes:', text(object, 'status', 'completedIndexes') || '<none>');
  describeTemplate(out, at(object, 'spec', 'template'));
}

export function describeCronJob(out: Description, object: Json): void {
  out.line(0, 'Name:', text(object, 'metadata', 'name'));
  out.line(0, 'Namespace:', text(object, 'metadata', 'namespace'));
  out.pairs('Labels', strings(object, 'metadata', 'labels'));
  out.annotations(strings(object, 'metadata', 'annotations'));
  const spec = (...path: string[]): string => text(object, 'spec', ...path);
  out.line(0, 'Schedule:', spec('schedule'));
  out.line(0, 'Concurrency Policy:', spec('concurrencyPolicy'));
  out.line(0, 'Suspend:', spec('suspend') === 'true' ? 'True' : 'False');
  out.line(0, 'Successful Job History Limit:', spec('successfulJobsHistoryLimit') || '<unset>');
  out.line(0, 'Failed Job History Limit:', spec('failedJobsHistoryLimit') || '<unset>');
  out.line(
    0,
    'Starting Deadline Seconds:',
    spec('startingDeadlineSeconds') === '' ? '<unset>' : `${spec('startingDeadlineSeconds')}s`,
  );
  const template = at(object, 'spec', 'jobTemplate');
  out.line(
    0,
    'Selector:',
    has(template, 'spec', 'selector') ? selectorText(at(template, 'spec', 'selector')) : '<unset>',
  );
  out.line(0, 'Parallelism:', text(template, 'spec', 'parallelism') || '<unset>');
  out.line(0, 'Completions:', text(template, 'spec', 'completions') || '<unset>');
  if (text(template, 'spec', 'activeDeadlineSeconds') !== '')
    out.line(0, 'Active Deadline Seconds:', `${text(template, 'spec', 'activeDeadlineSeconds')}s`);
  describeTemplate(out, at(template, 'spec', 'template'));
  const last = text(object, 'status', 'lastScheduleTime');
  out.line(0, 'Last Schedule Time:', last === '' ? '<unset>' : timeText(last));
  const active = list(object, 'status', 'active');
  out.line(
    0,
    'Active Jobs:',
    active.length === 0 ? '<none>' : active.map((job) => text(job, 'name')).join(', '),
  );
}
