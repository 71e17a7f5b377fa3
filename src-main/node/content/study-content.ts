import fs from 'node:fs';
import path from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { parseYaml, YamlError } from '#core/kube';
import {
  assembleContent,
  type CardFile,
  ContentError,
  joinLesson,
  type Lesson,
  type LessonFile,
  parseLessonFile,
  refuseProblems,
  type ReportProblem,
  type StudyContent,
  unlessBroken,
} from '#core/study';
import type { CheckMemory } from './check-memory.ts';
import { type FindErrors, lazySchema, schemaText } from './schema.ts';

/**
 * Reads all lessons (`lessons/NAME.ko.md` with `NAME.en.md`) and cards (`cards/NAME.yaml`) of a content folder
 * and checks them against `schema/`.
 *
 * @param report told what is wrong with a lesson, a card or a file of cards, by file and place; it is left out then.
 * @throws ContentError the same, unless `report` is given.
 */
export function readStudyContent(
  folder: string,
  report: ReportProblem = refuseProblems,
  memory?: CheckMemory,
): StudyContent {
  const { lesson: lessonSchema, card: cardSchema } = readSchemas(folder, memory);
  const read = (file: string): string => fs.readFileSync(path.join(folder, file), 'utf8');
  const list = (directory: string, suffix: string): string[] =>
    fs
      .readdirSync(path.join(folder, directory))
      .filter((name) => name.endsWith(suffix))
      .sort()
      .map((name) => `${directory}/${name}`);

  const languageFile = (file: string): LessonFile => {
    if (!fs.existsSync(path.join(folder, file)))
      throw new ContentError(`${file} is missing: a lesson needs both languages`);
    const parsed = parseLessonFile(read(file), file);
    check(lessonSchema, parsed, file);
    return parsed;
  };
  const koreanOnly = list('lessons', '.ko.md').map((file) => file.slice(0, -'.ko.md'.length));
  const stems = new Set([
    ...koreanOnly,
    ...list('lessons', '.en.md').map((file) => file.slice(0, -'.en.md'.length)),
  ]);
  const lessons = [...stems].flatMap((stem): Lesson[] =>
    unlessBroken(report, () =>
      joinLesson(stem, { ko: languageFile(`${stem}.ko.md`), en: languageFile(`${stem}.en.md`) }),
    ),
  );
  const cardFiles = list('cards', '.yaml').flatMap((file): CardFile[] =>
    unlessBroken(report, () => {
      const parsed = withoutBrokenCards(cardSchema, yaml(read(file), file), file, report);
      return { ...(parsed as Omit<CardFile, 'file'>), file };
    }),
  );
  return assembleContent(lessons, cardFiles, report);
}

/** The file with those cards that fit the schema; each other one is reported. @throws ContentError no cards at all. */
function withoutBrokenCards(
  schema: FindErrors,
  value: unknown,
  file: string,
  report: ReportProblem,
): unknown {
  const given = (value as { readonly cards?: unknown } | null | undefined)?.cards;
  const cards: readonly unknown[] = Array.isArray(given) ? given : [];
  /** Where the cards that are left stand in the file. */
  let places = [...cards.keys()];
  for (let current = value; ; ) {
    const problem = problemOf(schema, current);
    if (!problem) return current;
    const [, index] = /^\/cards\/(\d+)(?=\/|$)/.exec(problem.path) ?? [];
    const broken = places[Number(index)];
    if (broken === undefined) throw errorOf(problem, file);
    const error = errorOf(
      { ...problem, path: problem.path.replace(/\d+/, String(broken)) },
      file,
    );
    if (places.length === 1) throw error;
    report(error);
    places = places.filter((place) => place !== broken);
    current = { ...(value as object), cards: places.map((place) => cards[place]) };
  }
}

function readSchemas(
  contentFolder: string,
  memory: CheckMemory | undefined,
): Record<'lesson' | 'card', FindErrors> {
  const texts = {
    lesson: schemaText(contentFolder, 'lesson'),
    card: schemaText(contentFolder, 'card'),
  };
  const lesson = JSON.parse(texts.lesson) as object;
  const card = JSON.parse(texts.card) as object;
  let ajv: Ajv2020 | undefined;
  const compile = (schema: object): ValidateFunction => {
    ajv ??= new Ajv2020({
      strict: true,
      strictRequired: false,
      strictTypes: false,
      discriminator: false,
      schemas: [lesson, card],
    });
    return ajv.compile(schema);
  };
  return {
    lesson: lazySchema(texts.lesson, () => compile(lesson), memory),
    // It refers to definitions of the lesson's.
    card: lazySchema(texts.card + texts.lesson, () => compile(card), memory),
  };
}

function check(schema: FindErrors, value: unknown, file: string): void {
  const problem = problemOf(schema, value);
  if (problem) throw errorOf(problem, file);
}

interface Problem {
  /** JSON pointer; empty for the whole. */
  readonly path: string;
  readonly text: string;
}

/** What does not fit the schema first of all. */
function problemOf(schema: FindErrors, value: unknown): Problem | undefined {
  const errors = schema(value);
  if (!errors) return undefined;
  // Of the errors of a oneOf, the deepest is the one of the branch that was meant.
  const [worst] = [...errors].sort(
    (a, b) => b.instancePath.split('/').length - a.instancePath.split('/').length,
  );
  const more = worst?.params['additionalProperty'] as string | undefined;
  const text = `${worst?.message ?? 'is not valid'}${more === undefined ? '' : ` (${more})`}`;
  return { path: worst?.instancePath ?? '', text };
}

const errorOf = ({ path: place, text }: Problem, file: string): ContentError =>
  new ContentError(`${file}: ${place || 'the file'} ${text}`);

function yaml(text: string, file: string): unknown {
  try {
    return parseYaml(text);
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    throw new ContentError(`${file}:${error.line ?? 1}: ${error.message}`, { cause: error });
  }
}
