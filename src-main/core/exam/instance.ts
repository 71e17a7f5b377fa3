import { applies, drawParams, fill, fillBilingual, fillText } from './params.ts';
import type { Bilingual, Check, Params, SeedStep, Task } from './task.ts';

/** A task with its parameters drawn and filled in everywhere. */
export interface TaskInstance {
  readonly task: Task;
  readonly seed: string;
  readonly params: Params;
  readonly title: Bilingual;
  readonly text: Bilingual;
  readonly solution: Bilingual;
  readonly hints: readonly Bilingual[];
  readonly host: string;
  readonly namespace: string | null;
  readonly steps: readonly SeedStep[];
  readonly checks: readonly Check[];
  readonly manifests: Readonly<Record<string, string>>;
}

/** Draws a task. The same seed gives the same instance. */
export function instantiate(task: Task, seed: string): TaskInstance {
  const params = drawParams(task, seed);
  return {
    task,
    seed,
    params,
    title: fillBilingual(task.title, params),
    text: fillBilingual(task.text, params),
    solution: fillBilingual(task.solution, params),
    hints: task.hints.map((hint) => fillBilingual(hint, params)),
    host: fillText(task.lab.host, params),
    namespace: task.lab.namespace === undefined ? null : fillText(task.lab.namespace, params),
    steps: task.seed.filter(({ when }) => applies(when, params)).map((step) => fill(step, params)),
    checks: task.checks.map((check) => fill(check, params)),
    manifests: Object.fromEntries(
      Object.entries(task.manifests).map(([name, text]) => [name, fillText(text, params)]),
    ),
  };
}

/** A script of the task with the parameters of a draw. @throws Error there is no such script. */
export function scriptOf(instance: TaskInstance, file: string): string {
  const script = instance.task.scripts[file];
  if (script === undefined) throw new Error(`task ${instance.task.id} has no script ${file}`);
  return fillText(script, instance.params);
}
