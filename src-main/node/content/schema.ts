import fs from 'node:fs';
import path from 'node:path';
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { parseYaml, YamlError } from '#core/kube';
import { type CheckMemory, noMemory } from './check-memory.ts';
import { ContentFileError } from './content-file-error.ts';

/** Checks one value; `file` only names it in the error. @throws ContentFileError */
export type Validate = (value: unknown, file: string) => void;

/** What of a value does not fit a schema; undefined when all of it does. */
export type FindErrors = (value: unknown) => readonly ErrorObject[] | undefined;

/**
 * A schema that is compiled when the first value comes which the memory does not know.
 * @param text everything that decides what fits, also other schemas it refers to.
 */
export function lazySchema(
  text: string,
  compile: () => ValidateFunction,
  memory: CheckMemory = noMemory,
): FindErrors {
  let validate: ValidateFunction | undefined;
  return (value) => {
    if (memory.knows(text, value)) return undefined;
    validate ??= compile();
    if (!validate(value)) return validate.errors ?? [];
    memory.remember(text, value);
    return undefined;
  };
}

/** The text of `<contentFolder>/schema/<name>.schema.json`. */
export function schemaText(contentFolder: string, name: string): string {
  return fs.readFileSync(path.join(contentFolder, 'schema', `${name}.schema.json`), 'utf8');
}

/** The schema of that name, which refers to no other. */
export function readSchema(contentFolder: string, name: string, memory?: CheckMemory): Validate {
  const text = schemaText(contentFolder, name);
  const compile = (): ValidateFunction =>
    new Ajv({ allErrors: false, strict: false }).compile(JSON.parse(text) as object);
  const errorsOf = lazySchema(text, compile, memory);
  return (value, valueFile) => {
    const errors = errorsOf(value);
    if (!errors) return;
    const error = errors.find(({ keyword }) => keyword !== 'if');
    throw new ContentFileError(valueFile, placeOf(error), problemOf(error));
  };
}

/** One YAML document of a file. @throws ContentFileError the file is missing or no YAML. */
export function readYamlFile(file: string): unknown {
  const text = readText(file);
  try {
    return parseYaml(text);
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    const place = error.line === undefined ? '' : `line ${error.line}, column ${error.column ?? 1}`;
    throw new ContentFileError(file, place, error.message, { cause: error });
  }
}

/** @throws ContentFileError the file cannot be read. */
export function readText(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    throw new ContentFileError(file, '', missing ? 'is missing; create it' : String(error), {
      cause: error,
    });
  }
}

/** `/checks/2/assert` as `checks[2].assert`. */
function placeOf(error: ErrorObject | undefined): string {
  return (error?.instancePath ?? '')
    .replace(/\/(\d+)(?=\/|$)/g, '[$1]')
    .replace(/\//g, '.')
    .replace(/^\./, '');
}

function problemOf(error: ErrorObject | undefined): string {
  const params = (error?.params ?? {}) as Readonly<Record<string, unknown>>;
  switch (error?.keyword) {
    case 'additionalProperties':
      return `${JSON.stringify(params['additionalProperty'])} is not known here; remove it or mend its spelling`;
    case 'required':
      return `${JSON.stringify(params['missingProperty'])} is missing; add it`;
    case 'enum':
      return `must be one of ${(params['allowedValues'] as readonly unknown[]).join(', ')}`;
    case 'not':
      return error.schemaPath.includes('seed')
        ? 'is no known step (apply, file, edit, unit, settle, advance)'
        : 'holds no known assertion (object, absent, list, selects, canI, schedule, probe, rollout, unit, file, command, unchanged, podsReady, any, all, not)';
    default:
      return error?.message ?? 'does not fit its schema';
  }
}
