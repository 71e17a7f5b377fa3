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
  type StudyContent,
} from '#core/study';

/**
 * Reads all lessons (`lessons/NAME.ko.md` with `NAME.en.md`) and cards (`cards/NAME.yaml`) of a content folder
 * and checks them against `schema/`.
 *
 * @throws ContentError naming the file and what is wrong with it.
 */
export function readStudyContent(folder: string): StudyContent {
  const { lesson: lessonSchema, card: cardSchema } = compileSchemas(path.join(folder, 'schema'));
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
  const lessons = [...stems].map(
    (stem): Lesson =>
      joinLesson(stem, { ko: languageFile(`${stem}.ko.md`), en: languageFile(`${stem}.en.md`) }),
  );
  const cardFiles = list('cards', '.yaml').map((file): CardFile => {
    const parsed = yaml(read(file), file);
    check(cardSchema, parsed, file);
    return { ...(parsed as Omit<CardFile, 'file'>), file };
  });
  return assembleContent(lessons, cardFiles);
}

function compileSchemas(folder: string): Record<'lesson' | 'card', ValidateFunction> {
  const ajv = new Ajv2020({ strict: true, strictRequired: false, strictTypes: false, discriminator: false });
  const schema = (name: string): object =>
    JSON.parse(fs.readFileSync(path.join(folder, `${name}.schema.json`), 'utf8')) as object;
  return { lesson: ajv.compile(schema('lesson')), card: ajv.compile(schema('card')) };
}

function check(validate: ValidateFunction, value: unknown, file: string): void {
  if (validate(value)) return;
  // Of the errors of a oneOf, the deepest is the one of the branch that was meant.
  const [worst] = [...(validate.errors ?? [])].sort(
    (a, b) => b.instancePath.split('/').length - a.instancePath.split('/').length,
  );
  const more = worst?.params['additionalProperty'] as string | undefined;
  throw new ContentError(
    `${file}: ${worst?.instancePath || 'the file'} ${worst?.message ?? 'is not valid'}${more === undefined ? '' : ` (${more})`}`,
  );
}

function yaml(text: string, file: string): unknown {
  try {
    return parseYaml(text);
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    throw new ContentError(`${file}:${error.line ?? 1}: ${error.message}`, { cause: error });
  }
}
