import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'just-bash';
import { studyDomain, type CallContext } from '#core/app';
import { checkTyped, facesOf, liveBlocks, parsePath, parseReference, type Card } from '#core/study';
import { parseYaml } from '#core/kube';
import { readStudyContent } from '#node/content';
import { addDefaultServiceAccount, apiEngine } from '#tests/api-engine';
import { type ControlPlane, startControlPlane } from '#tests/control-plane';
import { startStudy } from '#tests/study';

const folder = path.resolve('content');
const content = readStudyContent(folder);
const competencies = Object.keys(
  (
    parseYaml(fs.readFileSync(path.join(folder, 'competencies.yaml'), 'utf8')) as {
      competencies: object;
    }
  ).competencies,
);

/** A line of the notes that somebody might copy: none of them may stand in what we teach as right. */
const misspellings =
  /appVersion|-name :|seelctor|volumn|lables|--fiter|port-forwad|imges|deploymnet|traefix|ngingx|nginix|DemonSet|readliness|bigum/;

describe.each(content.lessons)('lesson $lessonId', (lesson) => {
  const live = liveBlocks(lesson.blocks.en);
  const ofKind = (kind: string) => live.filter((block) => block.kind === kind);

  test('has substance: five commands, a mistake, two questions, 8 to 15 minutes', () => {
    expect(ofKind('command').length).toBeGreaterThanOrEqual(5);
    expect(ofKind('mistake').length).toBeGreaterThanOrEqual(1);
    expect(ofKind('quiz').length).toBeGreaterThanOrEqual(2);
    expect(lesson.minutes).toBeGreaterThanOrEqual(8);
    expect(lesson.minutes).toBeLessThanOrEqual(15);
    expect(lesson.competencies.filter((id) => !competencies.includes(id))).toEqual([]);
  });

  test('both languages have the same shape of text', () => {
    const shape = (language: 'ko' | 'en') =>
      lesson.blocks[language].map((block) =>
        block.kind === 'prose'
          ? block.markdown.match(/^(#+ |\|.*|- |\d+\. |```)/gm)?.map((mark) => mark.slice(0, 2))
          : block.blockId,
      );
    expect(shape('ko')).toEqual(shape('en'));
  });

  test('Korean is Korean, English is English, and both are polite in one way', () => {
    for (const block of lesson.blocks.en)
      expect(block.kind === 'prose' ? block.markdown : '').not.toMatch(/[가-힣]/);
    for (const block of lesson.blocks.ko)
      if (block.kind === 'prose') expect(block.markdown).not.toMatch(/(습니다|[가-힣]다)\.(\s|$)/);
  });

  test('every command is one, and free of the misspellings of the notes', () => {
    for (const block of live)
      if (block.kind === 'command') {
        expect(() => parse(block.command), block.blockId).not.toThrow();
        expect(block.command).not.toMatch(misspellings);
        expect(['base', 'controlplane', 'node01', 'node02']).toContain(block.host);
      }
  });

  test('every question has its answer among the options', () => {
    for (const block of live)
      if (block.kind === 'quiz') expect(block.options[block.answer]).toBeDefined();
  });

  test('has cards', () => {
    expect(
      content.cards.filter((card) => card.lessonId === lesson.lessonId).length,
    ).toBeGreaterThanOrEqual(12);
  });
});

test('there is a lesson of each note, and at least 90 cards of all five kinds', () => {
  expect(content.lessons.map(({ note }) => note)).toEqual(['N0', 'N1', 'N2', 'N3', 'N4']);
  expect(content.cards.length).toBeGreaterThanOrEqual(90);
  expect([...new Set(content.cards.map(({ kind }) => kind))].sort()).toEqual([
    'basic',
    'cloze',
    'command',
    'manifest',
    'typed',
  ]);
});

describe.each(content.cards)('card $cardId', (card: Card) => {
  test('is sound', () => {
    expect(card.competencies.filter((id) => !competencies.includes(id))).toEqual([]);
    for (const language of ['ko', 'en'] as const) {
      const { front, back } = facesOf(card, language);
      expect(front).not.toBe('');
      expect(back).not.toBe('');
      expect(front).not.toBe(back);
    }
    if (card.kind === 'typed')
      for (const answer of card.answers)
        expect(checkTyped(card, answer, 'en')).toMatchObject({ correct: true });
    if (card.kind === 'command') {
      expect(() => parse(card.answer)).not.toThrow();
      if (card.setup !== undefined) expect(() => parse(card.setup ?? '')).not.toThrow();
      expect(card.answer).not.toMatch(misspellings);
    }
    const expectations =
      card.kind === 'command'
        ? (card.expect.objects ?? [])
        : card.kind === 'manifest'
          ? card.expect
          : [];
    for (const { object, fields, has, lacks } of expectations) {
      parseReference(object);
      for (const each of [...Object.keys(fields ?? {}), ...(has ?? []), ...(lacks ?? [])])
        expect(parsePath(each).length).toBeGreaterThan(0);
    }
  });
});

describe('before the API server', () => {
  let plane: ControlPlane;
  let check: (place: { cardId: string } | [string, string], answer: string) => Promise<boolean>;
  beforeAll(async () => {
    plane = await startControlPlane({ controllers: false });
  await addDefaultServiceAccount(plane.admin);
    const { study } = startStudy({ content });
    const backups = {
      list: () => [],
      create: () => Promise.reject(new Error('not asked for')),
      restore: () => Promise.resolve(),
    };
    const { engine } = apiEngine(plane.admin);
    const handlers = studyDomain({ study, engine, backups })(() => undefined);
    const context = { progress: () => undefined } as unknown as CallContext;
    check = async (place, answer) => {
      const verdict = Array.isArray(place)
        ? await handlers['lessons.check']?.(
            { lessonId: place[0], blockId: place[1], answer, language: 'en' },
            context,
          )
        : await handlers['review.check']?.({ ...place, answer, language: 'en' }, context);
      return verdict?.correct ?? false;
    };
  });
  afterAll(() => plane.stop());

  const mistakes = content.lessons.flatMap(({ lessonId, blocks }) =>
    blocks.en.flatMap((block) => (block.kind === 'mistake' ? [{ ...block, lessonId }] : [])),
  );
  test.each(mistakes)('the mistake $blockId is one, and its solution is right', async (block) => {
    expect(await check([block.lessonId, block.blockId], block.manifest)).toBe(false);
    expect(await check([block.lessonId, block.blockId], block.solution)).toBe(true);
  });

  const manifests = content.cards.filter((card) => card.kind === 'manifest');
  test.each(manifests)('card $cardId: the start is wrong, the answer right', async (card) => {
    expect(await check({ cardId: card.cardId }, card.manifest)).toBe(false);
    expect(await check({ cardId: card.cardId }, card.answer)).toBe(true);
  });
});
