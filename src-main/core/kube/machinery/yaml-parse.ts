import {
  defineScalarTag,
  FAILSAFE_SCHEMA,
  load,
  loadAll,
  mergeTag,
  NOT_RESOLVED,
  Schema,
  YAMLException,
} from 'js-yaml';
import { type GoYaml, plainScalar } from './yaml-scalars.ts';

const digits = [...'0123456789'];
const signs = ['-', '+'];
const schemas: Readonly<Record<GoYaml, Schema>> = { v2: goSchema('v2'), v3: goSchema('v3') };

function goSchema(reader: GoYaml): Schema {
  const tag = (name: string, first: readonly string[], isOfTag: (value: unknown) => boolean) =>
    goTag(reader, name, first, isOfTag);
  return new Schema([
    ...FAILSAFE_SCHEMA.tags,
    mergeTag,
    tag('null', ['', '~', 'n', 'N'], (value) => value === null),
    tag('bool', [...'yYnNtTfFoO'], (value) => typeof value === 'boolean'),
    tag('int', [...signs, ...digits], Number.isInteger),
    tag('float', [...signs, '.', ...digits], (value) => typeof value === 'number'),
  ]);
}

/** A tag of plain scalars as Go's reader has it. @param first the characters such a scalar begins with. */
function goTag(
  reader: GoYaml,
  name: string,
  first: readonly string[],
  isOfTag: (value: unknown) => boolean,
): ReturnType<typeof defineScalarTag> {
  return defineScalarTag<unknown>(`tag:yaml.org,2002:${name}`, {
    implicit: true,
    implicitFirstChars: first,
    resolve: (source) => {
      const value = plainScalar(source, reader);
      return isOfTag(value) ? value : NOT_RESOLVED;
    },
    identify: () => false,
  });
}

export interface YamlLimits {
  /** Characters of the whole input. */
  readonly maxLength: number;
  readonly maxDepth: number;
  /** Values after aliases are expanded. */
  readonly maxNodes: number;
}

/** The body limit of a real API server, and more nodes than any object of that size needs. */
export const defaultYamlLimits: YamlLimits = {
  maxLength: 3 * 1024 * 1024,
  maxDepth: 100,
  maxNodes: 1_000_000,
};

/** The text is not YAML, or would grow beyond the limits. `line` and `column` count from 1. */
export class YamlError extends Error {
  override readonly name = 'YamlError';
  readonly line: number | undefined;
  readonly column: number | undefined;

  constructor(message: string, line?: number, column?: number) {
    super(message);
    this.line = line;
    this.column = column;
  }
}

/** One document, as Go's `sigs.k8s.io/yaml` reads it. @throws YamlError */
export function parseYaml(
  text: string,
  limits: YamlLimits = defaultYamlLimits,
  reader: GoYaml = 'v2',
): unknown {
  return guarded(text, limits, () =>
    text.trim() === '' ? null : load(text, { schema: schemas[reader], maxDepth: limits.maxDepth }),
  );
}

/** A key that a mapping has twice, where it stands the second time. */
export interface YamlDuplicate {
  readonly line: number;
  readonly key: string;
}

const maxDuplicates = 100;
const keyToken = /^(?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^:\r\n]*?(?=\s*:))/;

/** One document as `parseYaml` reads it, but of a key that occurs twice the last counts. @throws YamlError */
export function parseYamlLeniently(
  text: string,
  limits: YamlLimits = defaultYamlLimits,
): { readonly value: unknown; readonly duplicates: readonly YamlDuplicate[] } {
  const duplicates: YamlDuplicate[] = [];
  let rest = text;
  for (;;) {
    try {
      const value = parseYaml(rest, limits);
      if (duplicates.length === 0) return { value, duplicates };
      break;
    } catch (error) {
      if (!(error instanceof YamlError) || !error.message.startsWith('duplicated mapping key'))
        throw error;
      const { line = 1, column = 1 } = error;
      // The reader stops at the first: under another name it goes on to the next.
      const lines = rest.split('\n');
      const found = lines[line - 1] ?? '';
      const token = keyToken.exec(found.slice(column - 1))?.[0] ?? '';
      if (token === '' || duplicates.length === maxDuplicates) throw error;
      duplicates.push({ line, key: String(parseYaml(token, limits)) });
      lines[line - 1] =
        `${found.slice(0, column - 1)}"twice ${duplicates.length}"${found.slice(column - 1 + token.length)}`;
      rest = lines.join('\n');
    }
  }
  const value = guarded(text, limits, () =>
    load(text, { schema: schemas.v2, maxDepth: limits.maxDepth, json: true }),
  );
  return { value, duplicates };
}

/** All documents of a stream; empty ones are left out. @throws YamlError */
export function parseYamlDocuments(
  text: string,
  limits: YamlLimits = defaultYamlLimits,
  reader: GoYaml = 'v2',
): unknown[] {
  const documents = guarded(text, limits, () =>
    loadAll(text, { schema: schemas[reader], maxDepth: limits.maxDepth }),
  );
  return documents.filter((document) => document !== null && document !== undefined);
}

function guarded<T>(text: string, limits: YamlLimits, parse: () => T): T {
  if (text.length > limits.maxLength)
    throw new YamlError(`the document is longer than ${limits.maxLength} characters`);
  let parsed: T;
  try {
    parsed = parse();
  } catch (error) {
    if (error instanceof YAMLException) {
      const { mark } = error as { mark?: { line: number; column: number } };
      throw new YamlError(error.message, mark && mark.line + 1, mark && mark.column + 1);
    }
    throw new YamlError(error instanceof Error ? error.message : String(error));
  }
  checkSize(parsed, limits);
  return parsed;
}

/**
 * Counts values as a writer would meet them: an alias stands for all it names, so ten lines of aliases of
 * aliases are a billion values. The counting itself stops at the limit.
 */
function checkSize(root: unknown, limits: YamlLimits): void {
  let nodes = 0;
  const visit = (value: unknown, depth: number): void => {
    nodes += 1;
    if (nodes > limits.maxNodes)
      throw new YamlError(`the document expands to more than ${limits.maxNodes} values`);
    if (depth > limits.maxDepth)
      throw new YamlError(`the document is nested deeper than ${limits.maxDepth}`);
    if (Array.isArray(value)) for (const item of value) visit(item, depth + 1);
    else if (typeof value === 'object' && value !== null)
      for (const item of Object.values(value)) visit(item, depth + 1);
  };
  visit(root, 0);
}
