import { load, YAMLException } from 'js-yaml';
import type { LessonBlock } from './types.ts';

/** A file of lessons or cards is not as it must be; the message names file, line and what is wrong. */
export class ContentError extends Error {
  override readonly name: string = 'ContentError';
}

/** One language of a lesson, as its file has it. The parts are checked against the schema by the reader. */
export interface LessonFile {
  readonly frontMatter: Readonly<Record<string, unknown>>;
  readonly blocks: readonly LessonBlock[];
}

const fence = /^(`{3,})\s*(.*)$/;
const attribute = /([a-z]+)=(?:"([^"]*)"|(\S+))/g;
const blockKinds = ['run', 'mistake', 'quiz'];

/**
 * Reads a lesson: front matter, then Markdown in which fenced blocks with these info strings are live:
 *
 *     ```run id=get-nodes host=controlplane note="…"   a command to run
 *     ```mistake id=typo                               YAML: prompt, manifest, solution, expect, why
 *     ```quiz id=who-decides                           YAML: question, options, answer (from 0), why
 *
 * Every other fence is prose.
 *
 * @throws ContentError
 */
export function parseLessonFile(text: string, file: string): LessonFile {
  const lines = text.replaceAll('\r\n', '\n').split('\n');
  const end = lines.indexOf('---', 1);
  if (lines[0] !== '---' || end < 0)
    throw new ContentError(`${file}: the file must begin with front matter between two lines ---`);
  const frontMatter = yamlObject(lines.slice(1, end).join('\n'), file, 2);
  const blocks: LessonBlock[] = [];
  let prose: string[] = [];
  const flush = (): void => {
    const markdown = prose.join('\n').trim();
    if (markdown !== '') blocks.push({ kind: 'prose', markdown });
    prose = [];
  };
  for (let index = end + 1; index < lines.length; index++) {
    const line = lines[index] ?? '';
    const opening = fence.exec(line);
    if (!opening) {
      prose.push(line);
      continue;
    }
    const [, ticks = '', info = ''] = opening;
    const close = lines.findIndex((other, at) => at > index && other.trimEnd() === ticks);
    if (close < 0) throw new ContentError(`${file}:${index + 1}: the fence is never closed`);
    const body = lines.slice(index + 1, close);
    const kind = info.split(/\s/)[0] ?? '';
    if (blockKinds.includes(kind)) {
      flush();
      blocks.push(liveBlock(kind, info, body.join('\n'), file, index + 1));
    } else prose.push(line, ...body, ticks);
    index = close;
  }
  flush();
  return { frontMatter, blocks };
}

function liveBlock(
  kind: string,
  info: string,
  body: string,
  file: string,
  line: number,
): LessonBlock {
  const attributes = new Map(
    [...info.matchAll(attribute)].map(([, name, quoted, bare]) => [name, quoted ?? bare ?? '']),
  );
  const blockId = attributes.get('id');
  if (!blockId) throw new ContentError(`${file}:${line}: the block has no id`);
  if (kind === 'run') {
    const note = attributes.get('note');
    return {
      kind: 'command',
      blockId,
      command: body,
      host: attributes.get('host') ?? 'controlplane',
      ...(note === undefined ? {} : { note }),
    };
  }
  const fields = yamlObject(body, file, line + 1);
  return { kind, blockId, ...fields } as unknown as LessonBlock;
}

function yamlObject(text: string, file: string, line: number): Record<string, unknown> {
  try {
    const value = load(text, { maxDepth: 20 });
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new ContentError(`${file}:${line}: fields with names are needed here`);
    return value as Record<string, unknown>;
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    throw new ContentError(
      `${file}:${line + ((error as { mark?: { line: number } }).mark?.line ?? 0)}: ${error.message}`,
      { cause: error },
    );
  }
}
