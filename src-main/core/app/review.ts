import type { CardView, Language, ReviewView } from '#contract';
import { badRequest } from '#core/kube';
import {
  checkCommand,
  checkManifest,
  checkTyped,
  facesOf,
  type ReviewState,
  type Study,
} from '#core/study';
import type { Handlers } from './serve.ts';
import type { StudyDeps } from './study-deps.ts';

type ReviewHandlers = Pick<Handlers, Extract<keyof Handlers, `review.${string}`>>;

/** Answering cards. */
export function reviewHandlers({ study, runner, tell }: StudyDeps): ReviewHandlers {
  const changed = (): void =>
    tell({ kind: 'event', event: 'study.changed', payload: { what: 'cards' } });
  return {
    'review.get': ({ language }) => Promise.resolve(reviewView(study, language)),
    'review.answer': ({ cardId, grade, durationMs, language }) => {
      study.answer(cardId, grade, durationMs);
      changed();
      return Promise.resolve(reviewView(study, language));
    },
    'review.check': async ({ cardId, answer, language }, context) => {
      const card = study.card(cardId);
      if (card.kind === 'typed') return checkTyped(card, answer, language);
      if (card.kind !== 'command' && card.kind !== 'manifest')
        throw badRequest(`card ${cardId} is ${card.kind}: it is graded by its reader`);
      context.progress({ step: 'answer.checking' });
      return card.kind === 'command'
        ? checkCommand(runner, card, answer, language)
        : checkManifest(runner, card, answer, language);
    },
    'review.undo': ({ language }) => {
      if (study.undo()) changed();
      return Promise.resolve(reviewView(study, language));
    },
  };
}

function reviewView(study: Study, language: Language): ReviewView {
  const review = study.review();
  const { counts, canUndo, nextDueMs } = review;
  return { card: cardView(review, language), counts, canUndo, nextDueMs };
}

function cardView({ card, state, intervalsMs }: ReviewState, language: Language): CardView | null {
  if (!card) return null;
  const { cardId, kind, lessonId, domain } = card;
  return {
    cardId,
    kind,
    lessonId,
    domain,
    ...facesOf(card, language),
    ...(card.kind === 'manifest' ? { manifest: card.manifest } : {}),
    state,
    intervalsMs,
  };
}
