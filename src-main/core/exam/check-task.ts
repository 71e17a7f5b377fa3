import type { Assertion } from './assertion.ts';
import { parsePath } from './field-path.ts';
import { paramNames, placeholders } from './params.ts';
import { parseListReference, parseReference } from './reference.ts';
import { safePattern } from './safe-pattern.ts';
import type { Task, When } from './task.ts';

/** What a schema cannot say: file of the task's folder, place in it, and the mend. */
export interface TaskProblem {
  readonly file: string;
  readonly place: string;
  readonly text: string;
}

/** The first thing wrong in a task that fits its schema; undefined when nothing is. */
export function checkTask(task: Task): TaskProblem | undefined {
  const inYaml = (place: string, text: string): TaskProblem => ({ file: 'task.yaml', place, text });
  const known = new Set(paramNames(task.params));
  const unknown = (text: string): string | undefined =>
    placeholders(text).find((name) => !known.has(name));

  const texts: [string, string][] = [
    ['text.ko.md', task.text.ko],
    ['text.en.md', task.text.en],
    ['solution.ko.md', task.solution.ko],
    ['solution.en.md', task.solution.en],
    ...Object.entries(task.manifests).map(([name, text]): [string, string] => [
      `seed/${name}`,
      text,
    ]),
    ...Object.entries(task.scripts).map(([name, text]): [string, string] => [
      `solutions/${name}`,
      text,
    ]),
    ['task.yaml', JSON.stringify({ ...task, text: {}, solution: {}, manifests: {}, scripts: {} })],
  ];
  for (const [file, text] of texts) {
    const name = unknown(text);
    if (name !== undefined)
      return {
        file,
        place: `{{${name}}}`,
        text: `there is no parameter ${name}; add it to params`,
      };
    if (text.trim() === '') return { file, place: '', text: 'is empty' };
  }
  const whens: [string, When | undefined][] = [
    ...task.seed.map((step, index): [string, When | undefined] => [
      `seed[${index}].when`,
      step.when,
    ]),
    ...task.wrong.map((one, index): [string, When | undefined] => [
      `wrong[${index}].when`,
      one.when,
    ]),
  ];
  for (const [place, when] of whens)
    for (const name of Object.keys(when ?? {}))
      if (!known.has(name)) return inYaml(place, `there is no parameter ${name}`);
  for (const [name, spec] of Object.entries(task.params))
    if ('int' in spec && spec.int[0] > spec.int[1])
      return inYaml(`params.${name}.int`, 'the first number must not exceed the second');
  for (const [index, step] of task.seed.entries())
    if ('apply' in step && task.manifests[step.apply] === undefined)
      return inYaml(`seed[${index}].apply`, `there is no seed/${step.apply}; add it`);
  for (const [index, { file }] of task.wrong.entries())
    if (task.scripts[file] === undefined)
      return inYaml(`wrong[${index}].file`, `there is no solutions/${file}; add it`);
  if (task.scripts['ref.sh'] === undefined)
    return { file: 'solutions/ref.sh', place: '', text: 'is missing; create it' };

  const ids = new Set<string>();
  for (const [index, check] of task.checks.entries()) {
    const place = `checks[${index}]`;
    if (ids.has(check.id)) return inYaml(`${place}.id`, `${check.id} stands twice`);
    ids.add(check.id);
    if (!check.gate && check.points < 1) return inYaml(place, 'needs points, or gate: true');
    const asserted: [string, Assertion][] = [[`${place}.assert`, check.assert]];
    for (const [number, { when }] of (check.miss ?? []).entries())
      if (when) asserted.push([`${place}.miss[${number}].when`, when]);
    for (const [where, assertion] of asserted) {
      const problem = checkAssertion(assertion);
      if (problem !== undefined) return inYaml(where, problem);
    }
  }
  return undefined;
}

function checkAssertion(assertion: Assertion): string | undefined {
  try {
    if ('any' in assertion || 'all' in assertion)
      return ('any' in assertion ? assertion.any : assertion.all)
        .map(checkAssertion)
        .find((problem) => problem !== undefined);
    if ('not' in assertion) return checkAssertion(assertion.not);
    for (const reference of references(assertion)) parseReference(reference);
    if ('list' in assertion) parseListReference(assertion.list);
    checkValues(assertion);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function references(assertion: Assertion): readonly string[] {
  if ('object' in assertion) return [assertion.object];
  if ('absent' in assertion) return [assertion.absent];
  if ('selects' in assertion) return [assertion.selects];
  if ('rollout' in assertion) return [assertion.rollout];
  if ('unchanged' in assertion) return assertion.unchanged;
  return 'file' in assertion && assertion.equalsField ? [assertion.equalsField.object] : [];
}

/** Field paths and patterns wherever they stand in an assertion; a parameter may stand for one name of a path. */
function checkValues(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, item] of Object.entries(value) as [string, unknown][]) {
    if (key === 'matches' && typeof item === 'string') safePattern(item);
    else if (key === 'path' && typeof item === 'string')
      parsePath(item.replace(/\{\{[^}]*\}\}/g, 'x'));
    // Below `file` a path is one of a file system.
    else if (key !== 'equals' && key !== 'file') checkValues(item);
  }
}
