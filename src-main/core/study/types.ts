import type { JsonObject, JsonValue } from '#core/base';

export type Language = 'ko' | 'en';

/** A text in both languages. */
export interface Localized {
  readonly ko: string;
  readonly en: string;
}

export type Domain = 'architecture' | 'workloads' | 'networking' | 'storage' | 'troubleshooting';

/** The five domains of the curriculum: prefix of their competencies' ids, share of the exam in percent. */
export const domains: Readonly<
  Record<Domain, { readonly prefix: string; readonly weight: number }>
> = {
  architecture: { prefix: 'ar', weight: 25 },
  workloads: { prefix: 'wl', weight: 15 },
  networking: { prefix: 'sn', weight: 20 },
  storage: { prefix: 'st', weight: 10 },
  troubleshooting: { prefix: 'tr', weight: 30 },
};

export const domainNames = Object.keys(domains) as readonly Domain[];

/** The domain of a competency: `sn.services` → `networking`; undefined for an unknown prefix. */
export function domainOf(competency: string): Domain | undefined {
  const prefix = competency.slice(0, competency.indexOf('.'));
  return domainNames.find((name) => domains[name].prefix === prefix);
}

/** What an object of the API must be like. */
export interface ObjectExpectation {
  /** `apps/v1/Deployment/default/web`; `-` stands for the namespace of cluster-wide objects. */
  readonly object: string;
  /** The object must not be there. */
  readonly absent?: boolean;
  /** Values at paths: `spec.containers[name=web].image`, `metadata.labels["a.b/c"]`, `spec.ports[0].port`. */
  readonly fields?: Readonly<Record<string, JsonValue>>;
  /** Paths that must be there, whatever they hold. */
  readonly has?: readonly string[];
  /** Paths that must not be there. */
  readonly lacks?: readonly string[];
}

/** What a command must have brought about. */
export interface Expectation {
  readonly objects?: readonly ObjectExpectation[];
  /** Texts that standard output must hold, in any order. */
  readonly output?: readonly string[];
}

interface CardBase {
  readonly cardId: string;
  readonly lessonId: string;
  readonly domain: Domain;
  readonly competencies: readonly string[];
}

export interface BasicCard extends CardBase {
  readonly kind: 'basic';
  readonly front: Localized;
  readonly back: Localized;
}

/** `text` marks what to hide: `a Pod gets one {{IP address}}`. */
export interface ClozeCard extends CardBase {
  readonly kind: 'cloze';
  readonly text: Localized;
  readonly back?: Localized;
}

export interface TypedCard extends CardBase {
  readonly kind: 'typed';
  readonly front: Localized;
  /** Each is right; the first is shown. */
  readonly answers: readonly string[];
  readonly back?: Localized;
}

/** Answered by a command that is run; any that brings about `expect` is right. */
export interface CommandCard extends CardBase {
  readonly kind: 'command';
  readonly front: Localized;
  /** Machine the command runs on. */
  readonly host: string;
  /** Shell commands that lay out the start, run as root on the same machine. */
  readonly setup?: string;
  readonly answer: string;
  readonly expect: Expectation;
  readonly back?: Localized;
}

/** Answered by a manifest that the API server must accept and that must be as expected. */
export interface ManifestCard extends CardBase {
  readonly kind: 'manifest';
  readonly front: Localized;
  readonly manifest: string;
  readonly answer: string;
  readonly expect: readonly ObjectExpectation[];
  readonly back?: Localized;
}

export type Card = BasicCard | ClozeCard | TypedCard | CommandCard | ManifestCard;

export type LessonBlock =
  { readonly kind: 'prose'; readonly markdown: string } | CommandBlock | MistakeBlock | QuizBlock;

export interface CommandBlock {
  readonly kind: 'command';
  readonly blockId: string;
  readonly command: string;
  readonly host: string;
  readonly note?: string;
}

/** A broken manifest to mend. */
export interface MistakeBlock {
  readonly kind: 'mistake';
  readonly blockId: string;
  readonly prompt: string;
  readonly manifest: string;
  readonly solution: string;
  readonly expect: readonly ObjectExpectation[];
  readonly why: string;
}

export interface QuizBlock {
  readonly kind: 'quiz';
  readonly blockId: string;
  readonly question: string;
  readonly options: readonly string[];
  /** Index of the right option. */
  readonly answer: number;
  readonly why: string;
}

export interface Lesson {
  readonly lessonId: string;
  readonly title: Localized;
  readonly summary: Localized;
  readonly domain: Domain;
  readonly competencies: readonly string[];
  /** `N0` … `N4`. */
  readonly note: string;
  readonly minutes: number;
  /** Of the lesson's own cluster: `base+1cp+2w`. */
  readonly topology: string;
  readonly blocks: Readonly<Record<Language, readonly LessonBlock[]>>;
}

/** All lessons and cards, in the order they are to be learnt. */
export interface StudyContent {
  readonly lessons: readonly Lesson[];
  readonly cards: readonly Card[];
}

export type Grade = 'again' | 'hard' | 'good' | 'easy';
export const grades: readonly Grade[] = ['again', 'hard', 'good', 'easy'];

/** What is known of how well a card is remembered; absent for a card never answered. */
export interface MemoryState {
  readonly state: 'learning' | 'review' | 'relearning';
  readonly dueMs: number;
  /** Days until the chance of recall has fallen to 90 %. */
  readonly stability: number;
  /** In [1, 10]. */
  readonly difficulty: number;
  readonly scheduledDays: number;
  readonly learningStep: number;
  readonly reps: number;
  readonly lapses: number;
  readonly lastReviewMs: number;
}

/** What a check of an answer found. */
export interface Verdict {
  readonly correct: boolean;
  readonly explanation: string;
  readonly expected?: string;
  readonly actual?: string;
}

export interface Settings {
  readonly language: 'system' | 'ko' | 'en';
  readonly theme: 'system' | 'light' | 'dark';
  /** `YYYY-MM-DD`. */
  readonly examDate: string | null;
  readonly newCardsPerDay: number;
  /** In [0.7, 0.99]. */
  readonly desiredRetention: number;
  readonly terminalFontSize: number;
  readonly vimKeys: boolean;
}

/** An object of the API as JSON. */
export type ApiObject = JsonObject;
