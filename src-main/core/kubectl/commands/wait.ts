import { sleep } from '#core/base';
import { failure, type StatusError } from '#core/kube';
import type { CommandSpec } from '../command.ts';
import { qualifiedResource, resourceUrl } from '../discovery.ts';
import { asError, CommandError, throwCollected } from '../errors.ts';
import { at, isJson, type Json, list, nameOf, num, text } from '../json-view.ts';
import { JsonPathError, parseJsonPath, relaxedExpression } from '../print/jsonpath.ts';
import { fileFlags, fileOptions } from '../resources/manifests.ts';
import { isNotFound, selectTargets, type Target, urlOf } from '../resources/select.ts';
import { resultPrinter } from '../results.ts';
import type { Session } from '../session.ts';
import { waitGone } from './delete.ts';

const weekMs = 168 * 3_600_000;
const pollMs = 500;

export const waitCommand: CommandSpec = {
  name: 'wait',
  interruptCode: () => 1,
  short: 'Wait for a specific condition on one or many resources',
  use: "kubectl wait ([-f FILENAME] | resource.group/resource.name | resource.group [(-l label | --all)]) [--for=create|--for=delete|--for condition=available|--for=jsonpath='{}'[=value]] [options]",
  flags: [
    ...fileFlags.filter((flag) => !flag.startsWith('recursive') && !flag.startsWith('kustomize')),
    'recursive|R:bool=true',
    'selector|l:string',
    'field-selector:string',
    'all-namespaces|A:bool',
    'all:bool',
    'local:bool',
    'timeout:duration=30s',
    'for:array',
    'output|o:string',
    'template:string',
    'show-managed-fields:bool',
    'allow-missing-template-keys:bool=true',
  ],
  run: runWait,
};

type Condition =
  | { readonly kind: 'delete' }
  | { readonly kind: 'create' }
  /** Met or not; may throw what makes waiting useless. */
  | { readonly kind: 'state'; readonly met: (object: Json) => boolean };

async function runWait(session: Session): Promise<number> {
  const { flags } = session;
  const print = resultPrinter(session);
  const conditions = conditionsOf(flags.all('for'));
  const given = flags.duration('timeout');
  const timeoutMs = given < 0 ? weekMs : given;
  const deadline = timeoutMs === 0 ? Number.POSITIVE_INFINITY : session.now + timeoutMs;
  const forDelete = conditions.some(({ kind }) => kind === 'delete');
  if (conditions.some(({ kind }) => kind === 'create'))
    await created(session, session.now + timeoutMs);
  const errors: Error[] = [];
  const targets = await select(session, forDelete, (error) => errors.push(error));
  for (const target of targets)
    try {
      for (const condition of conditions)
        print(await satisfied(session, target, condition, timeoutMs, deadline), 'condition met');
    } catch (error) {
      session.checkInterrupted();
      errors.push(asError(error));
    }
  throwCollected(errors);
  if (targets.length === 0 && !forDelete) throw new CommandError('no matching resources found');
  return 0;
}

function select(
  session: Session,
  ignoreNotFound: boolean,
  onError: (error: Error) => void,
): Promise<Target[]> {
  const { flags } = session;
  return selectTargets(session, {
    args: session.args,
    files: fileOptions(session),
    selector: flags.text('selector'),
    fieldSelector: flags.text('field-selector'),
    all: flags.bool('all'),
    allNamespaces: flags.bool('all-namespaces'),
    ignoreNotFound,
    onError,
  });
}

/** Waits until the arguments name something. */
async function created(session: Session, deadline: number): Promise<void> {
  for (;;) {
    session.checkInterrupted();
    const errors: Error[] = [];
    const found = await select(session, false, (error) => errors.push(error));
    const other = errors.filter((error) => !isNotFound(error));
    if (other.length > 0) throwCollected(errors);
    if (found.length > 0 && errors.length === 0) return;
    if (session.now + pollMs > deadline) {
      await sleep(session.io.clock, Math.max(0, deadline - session.now), session.io.signal);
      throw new CommandError('timed out waiting for the condition');
    }
    await sleep(session.io.clock, pollMs, session.io.signal);
  }
}

/** @throws CommandError a text is no condition. */
function conditionsOf(texts: readonly string[]): Condition[] {
  if (texts.length === 0) throw new CommandError('unrecognized condition: []');
  return texts.map((condition) => {
    const lower = condition.toLowerCase();
    if (lower === 'delete' || lower === 'create') return { kind: lower };
    if (condition.startsWith('condition=')) return statusCondition(condition.slice(10));
    if (condition.startsWith('jsonpath=')) return pathCondition(condition.slice(9));
    throw new CommandError(`unrecognized condition: ${JSON.stringify(condition)}`);
  });
}

function statusCondition(condition: string): Condition {
  const equals = condition.indexOf('=');
  const name = (equals < 0 ? condition : condition.slice(0, equals)).toLowerCase();
  const value = equals < 0 ? 'true' : condition.slice(equals + 1).toLowerCase();
  return {
    kind: 'state',
    met: (object) => {
      for (const entry of list(object, 'status', 'conditions')) {
        if (text(entry, 'type').toLowerCase() !== name) continue;
        const observed =
          at(entry, 'observedGeneration') ?? at(object, 'status', 'observedGeneration');
        if (typeof observed === 'number' && observed < num(object, 'metadata', 'generation'))
          return false;
        return text(entry, 'status').toLowerCase() === value;
      }
      return false;
    },
  };
}

function pathCondition(input: string): Condition {
  const parts = splitAtSingleEquals(input);
  if (parts.length > 2)
    throw new CommandError(
      "jsonpath wait format must be --for=jsonpath='{.status.readyReplicas}'=3 or --for=jsonpath='{.status.readyReplicas}'",
    );
  const [path = '', given] = parts;
  const value = given?.replace(/^['"]+|['"]+$/g, '');
  try {
    const expression = relaxedExpression(path);
    if (value === '')
      throw new CommandError(
        "jsonpath wait has to have a value after equal sign, like --for=jsonpath='{.status.readyReplicas}'=3",
      );
    if (expression === '') throw new CommandError('jsonpath expression cannot be empty');
    const parsed = parseJsonPath(expression);
    return {
      kind: 'state',
      met: (object) => matches(parsed.find(object), value),
    };
  } catch (error) {
    if (error instanceof JsonPathError) throw new CommandError(error.message);
    throw error;
  }
}

/** A double `==` belongs to a filter and does not split. */
function splitAtSingleEquals(input: string): string[] {
  const out = [''];
  for (const [part] of input.matchAll(/==|=|[^=]+/g))
    if (part === '=') out.push('');
    else out.push(`${out.pop() ?? ''}${part}`);
  return out;
}

function matches(results: readonly (readonly unknown[])[], value: string | undefined): boolean {
  const [first] = results;
  if (!first || first.length === 0) return false;
  if (results.length > 1)
    throw new CommandError('given jsonpath expression matches more than one list');
  if (first.length > 1)
    throw new CommandError('given jsonpath expression matches more than one value');
  if (value === undefined) return true;
  const [found] = first;
  if (isJson(found) || Array.isArray(found))
    throw new CommandError('jsonpath leads to a nested object or list which is not supported');
  const shown =
    typeof found === 'string' ? found : found === null ? '<nil>' : JSON.stringify(found);
  return shown.trim() === value.trim();
}

/** Waits for one condition of one object; the object as it was then. */
async function satisfied(
  session: Session,
  target: Target,
  condition: Condition,
  timeoutMs: number,
  deadline: number,
): Promise<Json> {
  if (condition.kind === 'create') return target.object;
  if (condition.kind === 'state')
    return timeoutMs === 0
      ? checkOnce(session, target, condition.met)
      : watchUntil(session, target, condition.met, deadline);
  if (timeoutMs > 0) {
    if (session.now >= deadline)
      throw new CommandError(
        'client rate limiter Wait returned an error: context deadline exceeded',
      );
    await waitGone(session, [target], deadline - session.now);
    return target.object;
  }
  try {
    await session.api.get(urlOf(target));
  } catch (error) {
    if (isNotFound(error)) return target.object;
    throw error;
  }
  throw notMet(target);
}

async function checkOnce(
  session: Session,
  target: Target,
  met: (object: Json) => boolean,
): Promise<Json> {
  const object = await session.api.get(urlOf(target));
  if (!met(object)) throw notMet(target);
  return object;
}

function notMet({ resource, name }: Target): CommandError {
  return new CommandError(`condition not met for ${qualifiedResource(resource)}/${name}`);
}

async function watchUntil(
  session: Session,
  target: Target,
  met: (object: Json) => boolean,
  deadline: number,
): Promise<Json> {
  const { resource, namespace, name } = target;
  const url = resourceUrl(resource, namespace);
  const fieldSelector = `metadata.name=${name}`;
  const typed = (object: Json): Json => ({
    ...object,
    kind: resource.kind,
    apiVersion: session.groupVersion(resource),
  });
  const late = (): CommandError =>
    new CommandError(`timed out waiting for the condition on ${resource.resource}/${name}`);
  const abort = new AbortController();
  const stop = (): void => {
    abort.abort();
  };
  session.io.signal.addEventListener('abort', stop, { once: true });
  const timer = session.io.clock.setTimer(Math.max(0, deadline - session.now), stop);
  try {
    for (let first = true; ; first = false) {
      session.checkInterrupted();
      if (session.now >= deadline) throw late();
      const answer = await session.api.get(url, { fieldSelector });
      const object = list(answer, 'items').find((item) => nameOf(item) === name) as
        Json | undefined;
      if (!object && first) throw gone(target);
      if (object && met(object)) return typed(object);
      let found: Json | undefined;
      try {
        await session.api.watch(
          url,
          { fieldSelector, resourceVersion: text(answer, 'metadata', 'resourceVersion') },
          (event) => {
            if (event.type === 'ERROR') return true;
            if (event.type !== 'DELETED' && met(event.object)) found = event.object;
            return found !== undefined;
          },
          { signal: abort.signal },
        );
      } catch (error) {
        if (!abort.signal.aborted) throw error;
      }
      if (found) return typed(found);
      await sleep(session.io.clock, 1000, abort.signal).catch(() => undefined);
    }
  } finally {
    timer.dispose();
    session.io.signal.removeEventListener('abort', stop);
  }
}

function gone({ resource, name }: Target): StatusError {
  return failure(404, 'NotFound', `${qualifiedResource(resource)} "${name}" not found`);
}
