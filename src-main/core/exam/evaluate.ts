import { jsonEqual } from '#core/base';
import { load } from 'js-yaml';
import type {
  Assertion,
  FileAssertion,
  ListAssertion,
  Matcher,
  ObjectAssertion,
  SelectsAssertion,
  UnchangedAssertion,
} from './assertion.ts';
import { describeMatcher, matches, normaliseText, show } from './comparison.ts';
import { readPath, withoutPath } from './field-path.ts';
import type { ClusterObject, GradedCluster } from './graded-cluster.ts';
import {
  evaluateProbe,
  evaluateRollout,
  evaluateSchedule,
  isReady,
  podsOf,
} from './evaluate-workloads.ts';
import { parseListReference, parseReference, shortName } from './reference.ts';
import type { Baseline } from './seeding.ts';
import { type Finding, finding } from './finding.ts';

/** What an assertion may look at. */
export interface Evidence {
  readonly cluster: GradedCluster;
  readonly baseline: Baseline;
}

/**
 * Holds an assertion against a cluster.
 * @throws whatever the cluster rejects with: the assertion could not be decided.
 */
export async function evaluate(assertion: Assertion, evidence: Evidence): Promise<Finding> {
  const { cluster } = evidence;
  if ('object' in assertion) return evaluateObject(assertion, cluster);
  if ('absent' in assertion) {
    const reference = parseReference(assertion.absent);
    const object = await cluster.get(reference);
    const name = shortName(reference);
    return finding(object === undefined, `${name} = ∅`, object ? name : '∅');
  }
  if ('list' in assertion) return evaluateList(assertion, cluster);
  if ('selects' in assertion) return evaluateSelects(assertion, cluster);
  if ('canI' in assertion) {
    const { canI, allowed } = assertion;
    const answer = await cluster.canI(canI);
    const resource = [canI.resource, canI.subresource].filter(Boolean).join('/');
    const question = `can-i ${canI.verb} ${resource} --as=${canI.user}`;
    const word = (yes: boolean): string => `${question}: ${yes ? 'yes' : 'no'}`;
    return finding(answer === allowed, word(allowed), word(answer));
  }
  if ('schedule' in assertion) return evaluateSchedule(assertion, cluster);
  if ('probe' in assertion) return evaluateProbe(assertion, cluster);
  if ('rollout' in assertion) return evaluateRollout(assertion, cluster);
  if ('unit' in assertion) {
    const { host, name } = assertion.unit;
    const unit = await cluster.unit(host, name);
    const wanted = [
      ...(assertion.active ? [`active ${describeMatcher(assertion.active)}`] : []),
      ...(assertion.enabled ? [`enabled ${describeMatcher(assertion.enabled)}`] : []),
    ];
    return finding(
      unit !== null &&
        matches(unit.active, assertion.active ?? {}) &&
        matches(unit.enabled, assertion.enabled ?? {}),
      `${host}: ${name}: ${wanted.join(', ')}`,
      unit ? `${host}: ${name}: active = ${unit.active}, enabled = ${unit.enabled}` : '∅',
    );
  }
  if ('file' in assertion) return evaluateFile(assertion, cluster);
  if ('command' in assertion) {
    const { host, run } = assertion.command;
    const { exitCode, stdout, stderr } = await cluster.run(host, run);
    const text = normaliseText(stdout, assertion.normalise ?? ['crlf', 'trim']);
    const wantedCode = assertion.exitCode ?? 0;
    return finding(
      exitCode === wantedCode && matches(text, assertion.stdout ?? {}),
      `$ ${run} → ${wantedCode} ${describeMatcher(assertion.stdout ?? {})}`.trim(),
      // A command that failed says why on its standard error.
      `→ ${exitCode} ${show(exitCode !== wantedCode && text === '' ? stderr.trim() : text)}`,
    );
  }
  if ('unchanged' in assertion) return evaluateUnchanged(assertion, evidence);
  if ('podsReady' in assertion) {
    const { namespace, selector } = assertion.podsReady;
    const pods = await podsOf(cluster, namespace, selector);
    const ready = pods.filter(isReady).length;
    return finding(
      matches(ready, assertion.count),
      `Ready ${describeMatcher(assertion.count)}`,
      `Ready = ${ready}/${pods.length}`,
    );
  }
  if ('not' in assertion) {
    const inner = await evaluate(assertion.not, evidence);
    return finding(!inner.holds, `¬(${inner.expected})`, inner.actual);
  }
  return 'any' in assertion
    ? evaluateAny(assertion.any, evidence)
    : evaluateAll(assertion.all, evidence);
}

async function evaluateAny(options: readonly Assertion[], evidence: Evidence): Promise<Finding> {
  const findings: Finding[] = [];
  for (const option of options) {
    const found = await evaluate(option, evidence);
    if (found.holds) return found;
    findings.push(found);
  }
  return finding(
    false,
    findings.map(({ expected }) => expected).join(' ∨ '),
    findings.map(({ actual }) => actual).join('; '),
  );
}

async function evaluateAll(parts: readonly Assertion[], evidence: Evidence): Promise<Finding> {
  for (const part of parts) {
    const found = await evaluate(part, evidence);
    if (!found.holds) return found;
  }
  return finding(true, '', '');
}

async function evaluateObject(
  assertion: ObjectAssertion,
  cluster: GradedCluster,
): Promise<Finding> {
  const reference = parseReference(assertion.object);
  const object = await cluster.get(reference);
  const name = shortName(reference);
  if (assertion.path === undefined)
    return finding(object !== undefined, name, object ? name : `${name} = ∅`);
  const value = readPath(object, assertion.path);
  return finding(
    object !== undefined && matches(value, assertion),
    `${name} ${assertion.path} ${describeMatcher(assertion)}`,
    object ? `${name} ${assertion.path} = ${show(value)}` : `${name} = ∅`,
  );
}

async function evaluateList(assertion: ListAssertion, cluster: GradedCluster): Promise<Finding> {
  const { kind, ...reference } = parseListReference(assertion.list);
  const objects = await cluster.list({ kind, ...reference }, assertion.selector);
  const counted = objects.filter((object) =>
    (assertion.where ?? []).every((where) => matches(readPath(object, where.path), where)),
  );
  const where = (assertion.where ?? [])
    .map((one) => `${one.path} ${describeMatcher(one)}`)
    .join(', ');
  const label = [kind, assertion.selector, where].filter(Boolean).join(', ');
  return finding(
    matches(counted.length, assertion.count),
    `#(${label}) ${describeMatcher(assertion.count)}`,
    `#(${label}) = ${counted.length}`,
  );
}

async function evaluateSelects(
  assertion: SelectsAssertion,
  cluster: GradedCluster,
): Promise<Finding> {
  const reference = parseReference(assertion.selects);
  const object = await cluster.get(reference);
  const name = shortName(reference);
  const expected = `${name} → Pod ${describeMatcher(assertion.count)}`;
  if (!object) return finding(false, expected, `${name} = ∅`);
  const selector = selectorText(reference.kind, object);
  const pods =
    selector === undefined ? [] : await podsOf(cluster, reference.namespace ?? '', selector);
  const found = assertion.ready ? pods.filter(isReady) : pods;
  return finding(
    matches(found.length, assertion.count),
    expected,
    `${name} → Pod = ${found.length} (${show(selector)})`,
  );
}

/** A selector as kubectl's `-l` has it; undefined when it selects nothing. */
function selectorText(kind: string, object: ClusterObject): string | undefined {
  if (kind === 'Service') {
    const labels = readPath(object, 'spec.selector') as Record<string, string> | undefined;
    return labels && equalities(labels);
  }
  const selector = readPath(
    object,
    kind === 'NetworkPolicy' ? 'spec.podSelector' : 'spec.selector',
  ) as
    | {
        matchLabels?: Record<string, string>;
        matchExpressions?: { key: string; operator: string; values?: string[] }[];
      }
    | undefined;
  if (!selector) return undefined;
  const expressions = (selector.matchExpressions ?? []).map(({ key, operator, values = [] }) => {
    if (operator === 'Exists') return key;
    if (operator === 'DoesNotExist') return `!${key}`;
    return `${key} ${operator === 'In' ? 'in' : 'notin'} (${values.join(',')})`;
  });
  return [equalities(selector.matchLabels ?? {}), ...expressions].filter(Boolean).join(',');
}

function equalities(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
}

async function evaluateFile(assertion: FileAssertion, cluster: GradedCluster): Promise<Finding> {
  const { host, path } = assertion.file;
  const name = `${host}:${path}`;
  const raw = await cluster.readFile(host, path);
  const steps = assertion.normalise ?? ['crlf', 'trim'];
  let matcher: Matcher = assertion;
  if (assertion.equalsField) {
    const { object, path: field } = assertion.equalsField;
    const value = readPath(await cluster.get(parseReference(object)), field);
    matcher = { equals: value === undefined ? null : normaliseText(plainText(value), steps) };
  }
  const where = assertion.format && assertion.path ? `${name} ${assertion.path}` : name;
  const expected = `${where} ${describeMatcher(matcher)}`.trim();
  if (raw === null) return finding(false, expected, `${name} = ∅`);
  if (!assertion.format) {
    const text = normaliseText(raw, steps);
    return finding(matches(text, matcher), expected, `${name} = ${show(text)}`);
  }
  const document = parseDocument(raw);
  if (document.problem !== undefined)
    return finding(false, expected, `${name}: ${document.problem}`);
  const value = assertion.path ? readPath(document.value, assertion.path) : document.value;
  return finding(matches(value, matcher), expected, `${where} = ${show(value)}`);
}

/** JSON is YAML, so one reader does for both. */
function parseDocument(text: string): { value?: unknown; problem?: string } {
  try {
    return { value: load(text, { maxDepth: 100 }) };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

const plainText = (value: unknown): string =>
  typeof value === 'string' ? value : JSON.stringify(value);

/** What the control plane and clients note on an object without changing what it is. */
const bookkeeping = [
  'status',
  'metadata.resourceVersion',
  'metadata.generation',
  'metadata.managedFields',
  'metadata.creationTimestamp',
  "metadata.annotations['kubectl.kubernetes.io/last-applied-configuration']",
  "metadata.annotations['deployment.kubernetes.io/revision']",
];

async function evaluateUnchanged(
  assertion: UnchangedAssertion,
  { cluster, baseline }: Evidence,
): Promise<Finding> {
  const left = [
    ...bookkeeping,
    ...(assertion.sameUid ? [] : ['metadata.uid']),
    ...(assertion.ignore ?? []),
  ];
  const essence = (object: ClusterObject | null | undefined): unknown => {
    const rest = left.reduce<unknown>(withoutPath, object ?? null);
    return readPath(rest, 'metadata.annotations') !== undefined &&
      Object.keys(readPath(rest, 'metadata.annotations') as object).length === 0
      ? withoutPath(rest, 'metadata.annotations')
      : rest;
  };
  for (const text of assertion.unchanged) {
    const reference = parseReference(text);
    const before = essence(baseline[text]);
    const after = essence(await cluster.get(reference));
    if (jsonEqual(before, after)) continue;
    const path = firstDifference(before, after);
    const name = [shortName(reference), path].filter(Boolean).join(' ');
    return finding(
      false,
      `${name} = ${show(path ? readPath(before, path) : before)}`,
      `${name} = ${show(path ? readPath(after, path) : after)}`,
    );
  }
  return finding(true, '', '');
}

/** Fields down to the first that differs; empty when the values themselves do. */
function firstDifference(a: unknown, b: unknown): string {
  if (!isRecord(a) || !isRecord(b)) return '';
  for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
    if (jsonEqual(a[key], b[key])) continue;
    const step = /^[A-Za-z_][\w-]*$/.test(key) ? key : `['${key}']`;
    const rest = firstDifference(a[key], b[key]);
    return rest === '' ? step : rest.startsWith('[') ? step + rest : `${step}.${rest}`;
  }
  return '';
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
