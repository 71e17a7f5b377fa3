import type { JsonValue } from '#core/base';
import { findObject, type Mismatch, mismatchOf } from './expectations.ts';
import type { AnswerRunner, CommandOutcome, DryRunOutcome, Place } from './ports.ts';
import { isTypedAnswer } from './typed-answer.ts';
import type {
  CommandCard,
  Language,
  ManifestCard,
  MistakeBlock,
  ObjectExpectation,
  QuizBlock,
  TypedCard,
  Verdict,
} from './types.ts';

const texts = {
  ko: {
    right: '맞았어요.',
    missing: (object: string) => `${object} 오브젝트가 없어요.`,
    present: (object: string) => `${object} 오브젝트가 아직 남아 있어요.`,
    field: (object: string, path: string) => `${object}의 ${path} 값이 기대와 달라요.`,
    absent: (object: string, path: string) => `${object}에 ${path} 필드가 없어요.`,
    extra: (object: string, path: string) => `${object}에 ${path} 필드가 있으면 안 돼요.`,
    output: '출력에 있어야 할 내용이 없어요.',
    failed: (exitCode: number) => `명령이 종료 코드 ${exitCode}로 실패했어요.`,
    any: '(아무 값)',
    none: '(없음)',
  },
  en: {
    right: 'Correct.',
    missing: (object: string) => `${object} does not exist.`,
    present: (object: string) => `${object} still exists.`,
    field: (object: string, path: string) => `${path} of ${object} is not what was asked for.`,
    absent: (object: string, path: string) => `${object} has no field ${path}.`,
    extra: (object: string, path: string) => `${object} must not have the field ${path}.`,
    output: 'Something that belongs in the output is missing.',
    failed: (exitCode: number) => `The command failed with exit code ${exitCode}.`,
    any: '(any value)',
    none: '(none)',
  },
} as const;

/** Longest piece of a command's output that a verdict repeats. */
const outputLimit = 2000;

/** Compares a typed answer with the right ones. */
export function checkTyped(card: TypedCard, answer: string, language: Language): Verdict {
  const [expected = ''] = card.answers;
  return isTypedAnswer(answer, card.answers)
    ? { correct: true, explanation: card.back?.[language] ?? texts[language].right }
    : {
        correct: false,
        explanation: card.back?.[language] ?? '',
        expected,
        actual: answer.trim(),
      };
}

/** Runs the typed command and looks at what became of the cluster. */
export async function checkCommand(
  runner: AnswerRunner,
  card: CommandCard,
  answer: string,
  language: Language,
): Promise<Verdict> {
  const { objects = [] } = card.expect;
  const outcome = await runner.runCommand({
    host: card.host,
    ...(card.setup === undefined ? {} : { setup: card.setup }),
    command: answer,
    reads: objects.map(({ object }) => object),
  });
  return judgeCommand(card, outcome, language);
}

/** What the outcome of a command is worth: right when everything expected holds, however it came about. */
export function judgeCommand(
  card: CommandCard,
  outcome: CommandOutcome,
  language: Language,
): Verdict {
  const text = texts[language];
  const { objects = [], output = [] } = card.expect;
  const said = clipped(outcome.stderr.trim() || outcome.stdout.trim());
  for (const [index, expectation] of objects.entries()) {
    const mismatch = mismatchOf(expectation, outcome.objects[index] ?? null);
    if (!mismatch) continue;
    const verdict = wrong(mismatch, language);
    return outcome.exitCode === 0
      ? verdict
      : { ...verdict, explanation: said || text.failed(outcome.exitCode) };
  }
  const missing = output.find((part) => !outcome.stdout.includes(part));
  if (missing !== undefined)
    return {
      correct: false,
      explanation: outcome.exitCode === 0 ? text.output : said || text.failed(outcome.exitCode),
      expected: missing,
      actual: clipped(outcome.stdout.trim()),
    };
  return { correct: true, explanation: card.back?.[language] ?? text.right };
}

/** Asks the API server what it makes of the manifest and compares. */
export async function checkManifest(
  runner: AnswerRunner,
  card: ManifestCard,
  answer: string,
  language: Language,
): Promise<Verdict> {
  const outcome = await runner.dryRun({ kind: 'cards' }, answer);
  return judgeManifest(outcome, card.expect, language, card.back?.[language]);
}

/** As `checkManifest`, on the lesson's own cluster. */
export async function checkMistake(
  runner: AnswerRunner,
  lessonId: string,
  block: MistakeBlock,
  answer: string,
  language: Language,
): Promise<Verdict> {
  const place: Place = { kind: 'lesson', lessonId };
  return judgeManifest(await runner.dryRun(place, answer), block.expect, language, block.why);
}

/** What a dry run is worth. A refusal is explained in the server's own words. */
export function judgeManifest(
  outcome: DryRunOutcome,
  expectations: readonly ObjectExpectation[],
  language: Language,
  why?: string,
): Verdict {
  if (!outcome.accepted) return { correct: false, explanation: outcome.message };
  for (const expectation of expectations) {
    const object = findObject(outcome.objects, expectation.object) ?? null;
    const mismatch = mismatchOf(expectation, object);
    if (mismatch) return wrong(mismatch, language);
  }
  return { correct: true, explanation: why ?? texts[language].right };
}

/** `answer` is the index of an option. */
export function checkQuiz(block: QuizBlock, answer: string): Verdict {
  const correct = Number.parseInt(answer, 10) === block.answer;
  const expected = block.options[block.answer] ?? '';
  return { correct, explanation: block.why, ...(correct ? {} : { expected }) };
}

function wrong(mismatch: Mismatch, language: Language): Verdict {
  const text = texts[language];
  if (mismatch.kind !== 'field')
    return { correct: false, explanation: text[mismatch.kind](mismatch.object) };
  const { object, path, wanted, found } = mismatch;
  if (wanted !== undefined)
    return {
      correct: false,
      explanation: text.field(object, path),
      expected: shown(wanted),
      actual: found === undefined ? text.none : shown(found),
    };
  return found === undefined
    ? {
        correct: false,
        explanation: text.absent(object, path),
        expected: text.any,
        actual: text.none,
      }
    : {
        correct: false,
        explanation: text.extra(object, path),
        expected: text.none,
        actual: shown(found),
      };
}

const shown = (value: JsonValue): string =>
  typeof value === 'string' ? value : JSON.stringify(value);
const clipped = (text: string): string =>
  text.length > outputLimit ? `${text.slice(0, outputLimit)}…` : text;
