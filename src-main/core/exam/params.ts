import { seededRandom } from '#core/base';
import type { Bilingual, Params, ParamSpec, Scalar, Task, When } from './task.ts';

/** Draws the parameters of a task; the same seed draws the same, and one parameter does not move another. */
export function drawParams(task: Pick<Task, 'id' | 'params'>, seed: string): Params {
  const drawn: Record<string, Scalar> = {};
  for (const [name, spec] of Object.entries(task.params))
    for (const [key, value] of Object.entries(drawOne(name, spec, `${seed}/${task.id}/${name}`)))
      drawn[key] = value;
  return drawn;
}

function drawOne(name: string, spec: ParamSpec, seed: string): Record<string, Scalar> {
  const random = seededRandom(seed);
  if ('int' in spec) {
    const [low, high] = spec.int;
    return { [name]: low + random.integer(high - low + 1) };
  }
  const value = spec.pick[random.integer(spec.pick.length)];
  if (value === undefined) throw new Error(`parameter ${name} has nothing to pick from`);
  if (typeof value !== 'object') return { [name]: value };
  return Object.fromEntries(
    Object.entries(value).map(([field, item]) => [`${name}.${field}`, item]),
  );
}

/** Names of the parameters a task's draw defines. */
export function paramNames(params: Task['params']): readonly string[] {
  return Object.entries(params).flatMap(([name, spec]) => {
    if ('int' in spec) return [name];
    const names = spec.pick.flatMap((item) =>
      typeof item === 'object' ? Object.keys(item).map((field) => `${name}.${field}`) : [name],
    );
    return [...new Set(names)];
  });
}

const placeholder = /\{\{\s*([A-Za-z][\w.-]*)\s*\}\}/g;

/** Names in double braces in a text. */
export function placeholders(text: string): readonly string[] {
  return [...text.matchAll(placeholder)].map((match) => match[1] ?? '');
}

/** Puts the parameters into a text. @throws Error naming a parameter that was not drawn. */
export function fillText(text: string, params: Params): string {
  return text.replace(placeholder, (_, name: string) => String(valueOf(name, params)));
}

/** Puts the parameters into every text of a JSON value; a text that is one parameter takes on its type. */
export function fill<T>(value: T, params: Params): T {
  if (typeof value === 'string') {
    const whole = /^\{\{\s*([A-Za-z][\w.-]*)\s*\}\}$/.exec(value);
    return (whole?.[1] ? valueOf(whole[1], params) : fillText(value, params)) as T;
  }
  if (Array.isArray(value)) return value.map((item: unknown) => fill(item, params)) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      fillText(key, params),
      fill(item as unknown, params),
    ]),
  ) as T;
}

/** The same for a text in both languages. */
export function fillBilingual(text: Bilingual, params: Params): Bilingual {
  return { ko: fillText(text.ko, params), en: fillText(text.en, params) };
}

/** Whether a step, hint or script is meant for this draw. */
export function applies(when: When | undefined, params: Params): boolean {
  return Object.entries(when ?? {}).every(([name, value]) => valueOf(name, params) === value);
}

function valueOf(name: string, params: Params): Scalar {
  const value = params[name];
  if (value === undefined) throw new Error(`there is no parameter ${name}`);
  return value;
}
