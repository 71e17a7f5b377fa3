import type { LessonSummary, LessonView } from '#contract';
import { badRequest } from '#core/kube';
import { checkMistake, checkQuiz, type Lesson, liveBlocks, type Study } from '#core/study';
import { clusterView } from './clusters.ts';
import type { Handlers } from './serve.ts';
import type { StudyDeps } from './study-deps.ts';

type LessonHandlers = Pick<Handlers, Extract<keyof Handlers, `lessons.${string}`>>;

/** Lessons: reading, their live clusters, and the checks of what the reader does. */
export function lessonHandlers({ study, clusters, runner, tell }: StudyDeps): LessonHandlers {
  const markDone = (lessonId: string, blockId: string): void => {
    study.markDone(lessonId, blockId);
    tell({ kind: 'event', event: 'study.changed', payload: { what: 'lessons' } });
  };
  return {
    'lessons.list': () =>
      Promise.resolve(study.content.lessons.map((lesson) => lessonSummary(study, lesson))),
    'lessons.get': ({ lessonId, language }) => {
      const lesson = study.lesson(lessonId);
      return Promise.resolve({
        lessonId,
        title: lesson.title[language],
        blocks: lesson.blocks[language].map(blockView),
        done: study.stepsDone(lessonId),
      });
    },
    'lessons.open': async ({ lessonId }, context) => {
      const lesson = study.lesson(lessonId);
      context.progress({ step: 'cluster.starting' });
      return clusterView(await clusters.ofLesson(lesson));
    },
    'lessons.markDone': ({ lessonId, blockId }) => {
      markDone(lessonId, blockId);
      return Promise.resolve({ done: study.stepsDone(lessonId) });
    },
    'lessons.check': async ({ lessonId, blockId, answer, language }, context) => {
      const block = study.block(lessonId, blockId, language);
      if (block.kind === 'command')
        throw badRequest(`block ${blockId} of lesson ${lessonId} is a command, not a question`);
      if (block.kind === 'mistake') context.progress({ step: 'cluster.starting' });
      const verdict =
        block.kind === 'quiz'
          ? checkQuiz(block, answer)
          : await checkMistake(runner, lessonId, block, answer, language);
      if (verdict.correct) markDone(lessonId, blockId);
      return verdict;
    },
  };
}

/** A lesson as lists show it. */
export function lessonSummary(study: Study, lesson: Lesson): LessonSummary {
  const { lessonId, title, summary, domain, competencies, note, minutes } = lesson;
  return {
    lessonId,
    title,
    summary,
    domain,
    competencies,
    note,
    minutes,
    stepCount: liveBlocks(lesson.blocks.en).length,
    stepsDone: study.stepsDone(lessonId).length,
    cardCount: study.content.cards.filter((card) => card.lessonId === lessonId).length,
  };
}

/** A block without what would give its answer away. */
function blockView(block: Lesson['blocks']['en'][number]): LessonView['blocks'][number] {
  if (block.kind === 'mistake') {
    const { kind, blockId, prompt, manifest } = block;
    return { kind, blockId, prompt, manifest };
  }
  if (block.kind === 'quiz') {
    const { kind, blockId, question, options } = block;
    return { kind, blockId, question, options };
  }
  return block;
}
