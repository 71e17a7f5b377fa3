import { jsonEqual, type JsonValue } from '#core/base';
import { ContentError, type LessonFile } from './lesson-format.ts';
import {
  type Card,
  domainOf,
  type Language,
  type Lesson,
  type LessonBlock,
  type Localized,
  type StudyContent,
} from './types.ts';

/** Front matter of a lesson, already checked against its schema. */
interface LessonFrontMatter {
  readonly lesson: string;
  readonly title: string;
  readonly summary: string;
  readonly competencies: readonly [string, ...string[]];
  readonly note: string;
  readonly minutes: number;
  readonly topology?: string;
}

/** A file of cards, already checked against its schema. */
export interface CardFile {
  readonly file: string;
  readonly lesson: string;
  readonly cards: readonly CardEntry[];
}

interface CardEntry {
  readonly id: string;
  readonly kind: Card['kind'];
  readonly competencies: readonly [string, ...string[]];
  readonly host?: string;
}

export const defaultTopology = 'base+1cp+2w';

/**
 * Joins the two languages of a lesson.
 * @throws ContentError they differ in anything but language.
 */
export function joinLesson(
  file: string,
  languages: Readonly<Record<Language, LessonFile>>,
): Lesson {
  const front = (language: Language): LessonFrontMatter =>
    languages[language].frontMatter as unknown as LessonFrontMatter;
  const [ko, en] = [front('ko'), front('en')];
  const both = (name: 'title' | 'summary'): Localized => ({ ko: ko[name], en: en[name] });
  for (const name of ['lesson', 'competencies', 'note', 'minutes', 'topology'] as const)
    if (!jsonEqual(ko[name], en[name]))
      throw new ContentError(`${file}: ${name} differs between .ko.md and .en.md`);
  const blocks = { ko: languages.ko.blocks, en: languages.en.blocks };
  const [live, other] = [liveBlocks(blocks.ko), liveBlocks(blocks.en)];
  const twice = live.find(
    ({ blockId }, index) => live.findIndex((block) => block.blockId === blockId) !== index,
  );
  if (twice) throw new ContentError(`${file}: block ${twice.blockId} occurs twice`);
  for (let index = 0; index < Math.max(live.length, other.length); index++)
    if (!jsonEqual(neutral(live[index]), neutral(other[index])))
      throw new ContentError(
        `${file}: block ${live[index]?.blockId ?? other[index]?.blockId} differs between .ko.md and .en.md in more than language`,
      );
  return {
    lessonId: ko.lesson,
    title: both('title'),
    summary: both('summary'),
    domain: demandDomain(ko.competencies[0], file),
    competencies: ko.competencies,
    note: ko.note,
    minutes: ko.minutes,
    topology: ko.topology ?? defaultTopology,
    blocks,
  };
}

/** Blocks that the reader does something with: the steps of a lesson. */
export function liveBlocks(
  blocks: readonly LessonBlock[],
): Exclude<LessonBlock, { kind: 'prose' }>[] {
  return blocks.filter((block) => block.kind !== 'prose');
}

/** What must be the same in both languages. */
function neutral(block: LessonBlock | undefined): JsonValue {
  if (!block || block.kind === 'prose') return null;
  const { kind, blockId } = block;
  if (kind === 'command') return [kind, blockId, block.command, block.host];
  if (kind === 'quiz') return [kind, blockId, block.options.length, block.answer];
  return [kind, blockId, block.manifest, block.solution, JSON.stringify(block.expect)];
}

/** Told what is wrong with one piece of content, which is then left out. */
export type ReportProblem = (problem: Error) => void;

/** Nothing may be wrong: what is gets thrown. */
export const refuseProblems: ReportProblem = (problem) => {
  throw problem;
};

/** What `read` makes, alone in a list; nothing when that is broken, which is reported. */
export function unlessBroken<T>(report: ReportProblem, read: () => T): T[] {
  try {
    return [read()];
  } catch (error) {
    if (!(error instanceof ContentError)) throw error;
    report(error);
    return [];
  }
}

/**
 * Puts lessons and cards in order: lessons by note, cards by lesson, then as in their files.
 * @param report told of an id that occurs twice, and of cards whose lesson is unknown; throws unless given.
 */
export function assembleContent(
  all: readonly Lesson[],
  cardFiles: readonly CardFile[],
  report: ReportProblem = refuseProblems,
): StudyContent {
  const lessons = all.filter(({ lessonId }, index) => {
    const isFirst = all.findIndex((other) => other.lessonId === lessonId) === index;
    if (!isFirst) report(new ContentError(`two lessons have the same id ${lessonId}`));
    return isFirst;
  });
  const sorted = [...lessons].sort(
    (a, b) => a.note.localeCompare(b.note) || a.lessonId.localeCompare(b.lessonId),
  );
  const order = new Map(sorted.map((lesson, index) => [lesson.lessonId, index]));
  const cards: Card[] = [];
  const seen = new Map<string, string>();
  for (const { file, lesson, cards: entries } of cardFiles) {
    if (!order.has(lesson)) {
      report(new ContentError(`${file}: there is no lesson ${lesson}; its cards are left out`));
      continue;
    }
    for (const { id, ...entry } of entries) {
      const first = seen.get(id);
      if (first !== undefined) {
        report(new ContentError(`${file}: card ${id} is already in ${first}`));
        continue;
      }
      seen.set(id, file);
      const card = unlessBroken(
        report,
        () =>
          ({
            ...entry,
            ...(entry.kind === 'command' ? { host: entry.host ?? 'controlplane' } : {}),
            cardId: id,
            lessonId: lesson,
            domain: demandDomain(entry.competencies[0], `${file}: card ${id}`),
          }) as unknown as Card,
      );
      cards.push(...card);
    }
  }
  cards.sort((a, b) => (order.get(a.lessonId) ?? 0) - (order.get(b.lessonId) ?? 0));
  return { lessons: sorted, cards };
}

function demandDomain(competency: string, place: string): Card['domain'] {
  const domain = domainOf(competency);
  if (!domain) throw new ContentError(`${place}: competency ${competency} is of no domain`);
  return domain;
}
