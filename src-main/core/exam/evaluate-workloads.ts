import type { ProbeAssertion, RolloutAssertion, ScheduleAssertion } from './assertion.ts';
import { describeMatcher, matches, show } from './comparison.ts';
import { readPath } from './field-path.ts';
import { type Finding, finding } from './finding.ts';
import type { ClusterObject, GradedCluster, ProbeOutcome, ProbeSource } from './graded-cluster.ts';
import { parseReference, shortName } from './reference.ts';

/** Pods that are not on their way out. */
export async function podsOf(
  cluster: GradedCluster,
  namespace: string,
  selector?: string,
): Promise<readonly ClusterObject[]> {
  const pods = await cluster.list({ apiVersion: 'v1', kind: 'Pod', namespace }, selector);
  return pods.filter((pod) => readPath(pod, 'metadata.deletionTimestamp') === undefined);
}

/** Whether a pod has the condition Ready. */
export function isReady(pod: ClusterObject): boolean {
  return readPath(pod, 'status.conditions[type=Ready].status') === 'True';
}

/** Where the pods that still run, or shall run, have been placed. */
export async function evaluateSchedule(
  assertion: ScheduleAssertion,
  cluster: GradedCluster,
): Promise<Finding> {
  const { namespace, selector } = assertion.schedule;
  const pods = (await podsOf(cluster, namespace, selector)).filter(
    (pod) => !['Succeeded', 'Failed'].includes(String(readPath(pod, 'status.phase'))),
  );
  const places = pods.map((pod) => readPath(pod, 'spec.nodeName') as string | undefined);
  const used = new Set(places.filter((place) => place !== undefined));
  const { nodes, notNodes, spread, count } = assertion;
  const expected = [
    ...(nodes ? [`Pod → {${nodes.join(', ')}}`] : []),
    ...(notNodes ? [`Pod ↛ {${notNodes.join(', ')}}`] : []),
    ...(spread ? [`#Node ${describeMatcher(spread)}`] : []),
    ...(count ? [`#Pod ${describeMatcher(count)}`] : []),
  ];
  return finding(
    (!nodes || places.every((place) => place !== undefined && nodes.includes(place))) &&
      (!notNodes || places.every((place) => place === undefined || !notNodes.includes(place))) &&
      (!spread || matches(used.size, spread)) &&
      (count ? matches(pods.length, count) : pods.length > 0),
    expected.join(', '),
    pods.length === 0 ? 'Pod = ∅' : places.map((place) => place ?? 'Pending').join(', '),
  );
}

/** Sends a request over the cluster's network. */
export async function evaluateProbe(
  assertion: ProbeAssertion,
  cluster: GradedCluster,
): Promise<Finding> {
  const { expect } = assertion;
  const expected = [
    ...(expect.status === undefined ? [] : [`${expect.status}`]),
    ...(expect.body ? [`body ${describeMatcher(expect.body)}`] : []),
    ...(expect.reachable === undefined ? [] : [expect.reachable ? 'open' : 'blocked']),
    ...(expect.addresses ? [`addresses ${describeMatcher(expect.addresses)}`] : []),
  ].join(', ');
  const from = await sourceOf(assertion.from, cluster);
  const { probe: kind, target, headers } = assertion;
  if (!from) return finding(false, `${target}: ${expected}`, 'Pod = ∅');
  const outcome = await cluster.probe({ from, kind, target, ...(headers ? { headers } : {}) });
  const reached =
    outcome.kind !== 'error' && !(outcome.kind === 'addresses' && outcome.addresses.length === 0);
  const holds =
    (expect.reachable === undefined || reached === expect.reachable) &&
    (expect.status === undefined ||
      (outcome.kind === 'http' && outcome.status === expect.status)) &&
    (!expect.body || (outcome.kind === 'http' && matches(outcome.body, expect.body))) &&
    (!expect.addresses ||
      (outcome.kind === 'addresses' && matches(outcome.addresses, expect.addresses)));
  return finding(holds, `${target}: ${expected}`, `${target}: ${describeOutcome(outcome)}`);
}

async function sourceOf(
  from: ProbeAssertion['from'],
  cluster: GradedCluster,
): Promise<ProbeSource | undefined> {
  if (!('selector' in from)) return from;
  const pods = await podsOf(cluster, from.namespace, from.selector);
  const pod = pods.find(isReady);
  return pod && { namespace: from.namespace, pod: String(readPath(pod, 'metadata.name')) };
}

function describeOutcome(outcome: ProbeOutcome): string {
  switch (outcome.kind) {
    case 'http':
      return `${outcome.status} ${show(outcome.body)}`;
    case 'open':
      return 'open';
    case 'addresses':
      return outcome.addresses.length === 0 ? '∅' : outcome.addresses.join(', ');
    case 'error':
      return outcome.error;
  }
}

/** @see k8s.io/kubectl/pkg/polymorphichelpers/rollout_status.go for when a rollout is complete */
export async function evaluateRollout(
  assertion: RolloutAssertion,
  cluster: GradedCluster,
): Promise<Finding> {
  const reference = parseReference(assertion.rollout);
  const name = shortName(reference);
  const deployment = await cluster.get(reference);
  const expected = [
    ...(assertion.complete === undefined ? [] : [`complete = ${assertion.complete}`]),
    ...(assertion.revisions ? [`revision ${describeMatcher(assertion.revisions)}`] : []),
  ].join(', ');
  if (!deployment) return finding(false, `${name} ${expected}`, `${name} = ∅`);
  const number = (path: string): number => Number(readPath(deployment, path) ?? 0);
  const wanted = Number(readPath(deployment, 'spec.replicas') ?? 1);
  const complete =
    number('status.observedGeneration') >= number('metadata.generation') &&
    number('status.updatedReplicas') === wanted &&
    number('status.replicas') === wanted &&
    number('status.availableReplicas') === wanted;
  const revision = Number(
    readPath(deployment, "metadata.annotations['deployment.kubernetes.io/revision']") ?? 0,
  );
  return finding(
    (assertion.complete === undefined || complete === assertion.complete) &&
      (!assertion.revisions || matches(revision, assertion.revisions)),
    `${name} ${expected}`,
    `${name} updated = ${number('status.updatedReplicas')}, available = ${number('status.availableReplicas')}/${wanted}, revision = ${revision}`,
  );
}
