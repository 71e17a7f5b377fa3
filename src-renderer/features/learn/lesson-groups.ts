import type { Domain, Language, LessonSummary } from '#contract';
import { domainNames } from '../../lib/format/index.ts';

export interface LessonGroup {
  /** A domain or a note. */
  readonly id: string;
  readonly lessons: readonly LessonSummary[];
}

/** Groups lessons in the order of the curriculum, or of the notes; groups without lessons are left out. */
export function groupLessons(
  lessons: readonly LessonSummary[],
  by: 'domain' | 'note',
): readonly LessonGroup[] {
  const ids =
    by === 'domain'
      ? (Object.keys(domainNames) as Domain[])
      : [...new Set(lessons.map(({ note }) => note))].sort();
  return ids
    .map((id) => ({ id, lessons: lessons.filter((lesson) => lesson[by] === id) }))
    .filter(({ lessons: members }) => members.length > 0);
}

/** Lessons whose title, summary, competencies or domain hold every word of the query, in either language. */
export function searchLessons(
  lessons: readonly LessonSummary[],
  query: string,
  language: Language,
): readonly LessonSummary[] {
  const words = query.toLocaleLowerCase(language).split(/\s+/).filter(Boolean);
  return lessons.filter(({ title, summary, competencies, domain, note }) => {
    const domainName = domainNames[domain];
    const text = [
      ...[title, summary, domainName].flatMap(({ ko, en }) => [ko, en]),
      ...competencies,
      note,
    ]
      .join('\n')
      .toLocaleLowerCase(language);
    return words.every((word) => text.includes(word));
  });
}
