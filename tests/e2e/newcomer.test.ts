import { resolve } from 'node:path';
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { drawExam, instantiate, scriptOf, type Task, type TaskInstance } from '#core/exam';
import { readExams, readTasks } from '#node/content';
import { findBarriers } from '#tests/accessibility';
import { chromiumPath, launchBrowser, reportNoBrowser } from '#tests/browser';
import { startWebHost, type WebHost } from '#tests/web-host';

reportNoBrowser('the first evening of a newcomer');

const contentFolder = resolve('content');
const tasks = readTasks(contentFolder);

/** What the newcomer reads on buttons and headings. */
const words = {
  en: {
    locale: 'en-US',
    language: 'en',
    openLesson: 'Open lesson',
    runOn: /Run on controlplane/,
    stepsDone: /^1\/\d+ steps$/,
    settings: 'Settings',
    vimKeys: 'Vim keys in editors',
    nonePassed: '0 of 3 passed',
    score: 'Score',
    passed: 'Passed',
    criteria: 'Criteria',
    explore: 'Look around in its cluster',
    flaggedTask: (number: number) => new RegExp(`^${number}\\. .*, flagged$`),
    answer: 'Answer',
    done: 'Done',
    practice: 'Practice',
    seed: 'Seed (optional)',
    start: 'Start',
    check: 'Check',
    allPassed: 'Every criterion passed',
    editing: (path: string) => `Editing ${path}`,
    end: 'End',
    exam: 'Exam',
    exams: '30-minute mock exam',
    startExam: 'Start the exam',
    task: (number: number, count: number) => `Task ${number} of ${count}`,
    next: 'Next task',
    flag: 'Flag',
    unflag: 'Unflag',
    notes: 'Notes',
    saved: 'Saved',
    resume: 'Resume',
    endExam: 'End the exam',
    flaggedLeft: '1 task is still flagged.',
    report: 'Exam report',
    failed: 'Not passed',
    passLine: '66% to pass',
  },
  ko: {
    locale: 'ko-KR',
    language: 'ko',
    openLesson: '레슨 열기',
    runOn: /controlplane에서 실행/,
    stepsDone: /^1\/\d+단계$/,
    settings: '설정',
    vimKeys: '편집기에서 Vim 키 사용',
    nonePassed: '3개 중 0개 통과',
    score: '점수',
    passed: '통과',
    criteria: '채점 항목',
    explore: '이 과제의 클러스터 둘러보기',
    flaggedTask: (number: number) => new RegExp(`^${number}\\. .*, 표시됨$`),
    answer: '답',
    done: '답함',
    practice: '실습',
    seed: '시드 (선택)',
    start: '시작',
    check: '채점',
    allPassed: '모든 항목을 통과했습니다',
    editing: (path: string) => `${path} 편집`,
    end: '끝내기',
    exam: '모의시험',
    exams: '30분 모의고사',
    startExam: '시험 시작',
    task: (number: number, count: number) => `과제 ${number} / ${count}`,
    next: '다음 과제',
    flag: '표시',
    unflag: '표시 지우기',
    notes: '메모',
    saved: '저장됨',
    resume: '이어서 보기',
    endExam: '시험 끝내기',
    flaggedLeft: '표시해 둔 과제가 1개 있습니다.',
    report: '시험 결과',
    failed: '불합격',
    passLine: '합격선 66%',
  },
} as const;

/** Tasks whose reference solution is short enough to type, and needs no waiting. */
const typable = ['ar-rbac-serviceaccount', 'tr-log-lines', 'wl-cronjob', 'ar-node-drain'];

/** The tasks that a seed draws for the short mock exam, in their order. */
function drawnBy(seed: string): readonly Task[] {
  const blueprint = readExams(contentFolder, tasks).find(({ id }) => id === 'mock-30');
  if (!blueprint) throw new Error('there is no short mock exam');
  return drawExam(blueprint, tasks, seed);
}

/** A seed that draws a task to solve and, as asked, one that has a cluster of its own. */
function examSeed(isolated: boolean): string {
  for (let number = 1; number < 500; number++) {
    const seed = `evening ${number}`;
    const drawn = drawnBy(seed);
    if (
      drawn.some(({ id }) => typable.includes(id)) &&
      drawn.some(({ lab }) => lab.isolated === true) === isolated
    )
      return seed;
  }
  throw new Error('no seed draws such an exam: choose other tasks');
}

function taskOf(id: string): Task {
  const task = tasks.find((one) => one.id === id);
  if (!task) throw new Error(`there is no task ${id}`);
  return task;
}

/** Lines of the reference solution, as one types them. */
const commandsOf = (instance: TaskInstance): readonly string[] =>
  scriptOf(instance, 'ref.sh')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));

/** What the terminal in front shows, as a screen reader finds it. */
const screenOf = (page: Page): Locator => page.locator('.xterm-accessibility-tree:visible');

/** Types a command into the terminal in front and waits until its shell asks for the next one. */
async function type(page: Page, command: string, machine: string): Promise<void> {
  await page.keyboard.type(command);
  await page.keyboard.press('Enter');
  // Long commands wrap, so blanks and line ends say nothing.
  const squeezed = (text: string): string => text.replace(/\s+/g, '');
  await expect
    .poll(async () => squeezed(await screenOf(page).innerText()), {
      timeout: 30_000,
      message: `the end of ${command}`,
    })
    .toSatisfy((text: string) => {
      const at = text.lastIndexOf(squeezed(command));
      return at >= 0 && text.slice(at).endsWith(`root@${machine}:~#`);
    });
}

/** Waits for the shell of the jump host, then goes to the machine of the task. */
async function logIn(page: Page, machine: string): Promise<void> {
  await screenOf(page).filter({ hasText: 'root@base' }).waitFor();
  await page.locator('.xterm-screen:visible').click();
  await type(page, `ssh ${machine}`, machine);
}

/** The number beside a name in a list of figures. */
const figure = (page: Page, name: string): Locator =>
  page
    .locator('dl > div')
    .filter({ has: page.getByText(name, { exact: true }) })
    .locator('dd');

/** Answers the card in front, whatever its kind, and grades it, by keys alone. */
async function review(page: Page, answer: string): Promise<void> {
  const takesText = await page.evaluate('document.activeElement?.tagName === "INPUT"');
  if (takesText === true) {
    await page.keyboard.type('kubectl version');
    await page.keyboard.press('Enter');
  } else await page.keyboard.press('Space');
  await page.getByRole('region', { name: answer, exact: true }).waitFor();
  await page.keyboard.press('3');
}

async function open(
  browser: Browser,
  host: WebHost,
  locale: string,
): Promise<{ context: BrowserContext; page: Page; complaints: string[] }> {
  const context = await browser.newContext({ locale, viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  page.setDefaultTimeout(45_000);
  const complaints: string[] = [];
  page.on('console', (message) => {
    // What the graphics driver thinks of the machine says nothing about the page.
    if (['error', 'warning'].includes(message.type()) && !message.text().includes('GL Driver'))
      complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.goto(host.launchUrl);
  return { context, page, complaints };
}

describe.runIf(chromiumPath !== undefined)('the first evening of a newcomer', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser.close());

  test.each([
    { language: 'en', editor: 'vi', isolated: true, crash: true },
    { language: 'ko', editor: 'sed', isolated: false, crash: false },
  ] as const)(
    'in $language: a lesson, five cards, a task with $editor, a mock exam and its report',
    async ({ language, editor, isolated, crash }) => {
      const t = words[language];
      let host = await startWebHost();
      let { context, page, complaints } = await open(browser, host, t.locale);
      try {
        await firstLesson(page, t);
        await fiveCards(page, t);
        await firstTask(page, t, editor);

        const seed = examSeed(isolated);
        const solved = await beginExam(page, t, seed);
        await page.reload();
        await expectRoom(page, t, solved);
        expect(complaints).toEqual([]);
        if (crash) {
          await context.close();
          await host.kill();
          host = await startWebHost([], host.dataFolder);
          ({ context, page, complaints } = await open(browser, host, t.locale));
          await page.getByRole('button', { name: t.resume }).click();
          await expectRoom(page, t, solved);
        }
        await handIn(page, t, solved);
        expect(complaints).toEqual([]);
      } finally {
        await context.close();
        await host.stop();
      }
    },
    180_000,
  );
});

type Words = (typeof words)['en' | 'ko'];

/** Opens the lesson that Today offers, runs its first command and reads what it prints. */
async function firstLesson(page: Page, t: Words): Promise<void> {
  await page.getByRole('button', { name: t.openLesson }).click();
  await page.getByRole('button', { name: t.runOn }).first().click();
  await screenOf(page)
    .filter({ hasText: /node01\s+Ready/ })
    .waitFor();
  await page.getByText(t.stepsDone).waitFor();
}

async function fiveCards(page: Page, t: Words): Promise<void> {
  // Out of the terminal, which takes every key but this one.
  await page.keyboard.press('Control+Shift+L');
  await page.keyboard.press('g');
  await page.keyboard.press('r');
  for (let done = 0; done <= 5; done++) {
    await figure(page, t.done).getByText(String(done), { exact: true }).waitFor();
    if (done < 5) await review(page, t.answer);
  }
}

/** Repairs a manifest on its machine and has it checked until every criterion passes. */
async function firstTask(page: Page, t: Words, editor: 'vi' | 'sed'): Promise<void> {
  const instance = instantiate(taskOf('wl-repair-manifest'), 'first evening');
  const menu = page.getByRole('navigation').first();
  if (editor === 'vi') {
    await menu.getByRole('link', { name: t.settings }).click();
    await page.getByLabel(t.vimKeys).check();
    await page.getByText(t.saved).waitFor();
  }
  await menu.getByRole('link', { name: t.practice }).click();
  await page.getByRole('link', { name: instance.title[t.language] }).click();
  await page.getByLabel(t.seed).fill('first evening');
  await page.getByRole('button', { name: t.start, exact: true }).click();
  await logIn(page, instance.host);

  await page.getByRole('button', { name: t.check, exact: true }).click();
  await page.getByText(t.nonePassed).waitFor();
  await page.locator('.xterm-screen:visible').click();
  const [sed = '', ...commands] = commandsOf(instance);
  if (editor === 'vi') {
    const path = `/root/${String(instance.params['app'])}.yaml`;
    await page.keyboard.type(`vi ${path}`);
    await page.keyboard.press('Enter');
    await page.getByRole('textbox', { name: t.editing(path) }).waitFor();
    for (const substitution of sed.matchAll(/'(s\/[^']+\/)'/g)) {
      await page.keyboard.type(`:%${substitution[1] ?? ''}`);
      await page.keyboard.press('Enter');
    }
    await page.keyboard.type(':wq');
    await page.keyboard.press('Enter');
    await page.getByRole('textbox', { name: t.editing(path) }).waitFor({ state: 'detached' });
  } else await type(page, sed, instance.host);
  for (const command of commands) await type(page, command, instance.host);
  await page.getByRole('button', { name: t.check, exact: true }).click();
  await page.getByText(t.allPassed).waitFor();

  await page.getByRole('button', { name: t.end, exact: true }).click();
  await page.getByRole('dialog').getByRole('button', { name: t.end, exact: true }).click();
  await page.getByRole('heading', { level: 1, name: t.practice }).waitFor();
}

/** A task of the mock exam, as the room shows it. */
interface Sat {
  /** Counted from 1. */
  readonly solved: number;
  readonly flagged: number;
  readonly titles: readonly string[];
}

/** Sits the short mock exam: solves a task, flags another, takes a note. */
async function beginExam(page: Page, t: Words, seed: string): Promise<Sat> {
  const drawn = drawnBy(seed).map((task) => instantiate(task, seed));
  const titles = drawn.map(({ title }) => title[t.language]);
  const index = drawn.findIndex(({ task }) => typable.includes(task.id));
  const instance = drawn[index];
  if (!instance) throw new Error(`seed ${seed} draws nothing to solve`);
  const flagged = index === 0 ? 2 : 1;

  await page.getByRole('navigation').first().getByRole('link', { name: t.exam }).click();
  await page
    .getByRole('listitem')
    .filter({ hasText: t.exams })
    .getByRole('button', { name: t.startExam })
    .click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel(t.seed).fill(seed);
  await dialog.getByRole('button', { name: t.startExam }).click();
  await page.getByRole('timer').waitFor({ timeout: 90_000 });

  await page.getByRole('button', { name: `${index + 1}. ${titles[index]}` }).click();
  await page.getByText(t.task(index + 1, titles.length)).waitFor();
  await logIn(page, instance.host);
  for (const command of commandsOf(instance)) await type(page, command, instance.host);

  await page.getByRole('button', { name: `${flagged}. ${titles[flagged - 1]}` }).click();
  await page.getByRole('heading', { level: 2, name: titles[flagged - 1] ?? '' }).waitFor();
  await page.getByRole('button', { name: t.flag, exact: true }).click();
  await page.getByRole('button', { name: t.unflag }).waitFor();
  await page.getByRole('button', { name: t.notes }).click();
  await page.getByRole('textbox', { name: t.notes }).fill('come back to it');
  await page.getByText(t.saved, { exact: true }).waitFor();
  await page.getByRole('button', { name: t.next }).click();
  await page.getByText(t.task(flagged + 1, titles.length)).waitFor();
  return { solved: index + 1, flagged, titles };
}

/** The room is as it was left: the task in front, the flag and the note. */
async function expectRoom(page: Page, t: Words, { flagged, titles }: Sat): Promise<void> {
  await page.getByText(t.task(flagged + 1, titles.length)).waitFor({ timeout: 90_000 });
  await page.getByRole('button', { name: t.flaggedTask(flagged) }).waitFor();
  expect(await findBarriers(page, t.language)).toEqual([]);
  expect(await page.getByRole('textbox', { name: t.notes }).inputValue()).toBe('come back to it');
  await screenOf(page).filter({ hasText: 'root@base' }).waitFor();
}

/** Ends the exam and reads its report: one task solved, which is not enough for 66 %. */
async function handIn(page: Page, t: Words, { solved, titles }: Sat): Promise<void> {
  const name = await page
    .getByRole('button', { name: `${solved}. ${titles[solved - 1]}` })
    .getAttribute('aria-label');
  const weight = /(\d+%)/.exec(name ?? '')?.[1] ?? '';
  await page.getByRole('button', { name: t.endExam }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText(t.flaggedLeft).waitFor();
  await dialog.getByRole('button', { name: t.endExam }).click();

  await page.getByRole('heading', { level: 1, name: t.report }).waitFor({ timeout: 90_000 });
  const result = page.getByRole('region', { name: t.score, exact: true });
  await result.getByText(t.failed).waitFor();
  await result.getByText(t.passLine).waitFor();
  expect(await result.innerText()).toContain(weight);
  for (const [index, title] of titles.entries()) {
    const row = page.getByRole('button', { name: title });
    expect((await row.innerText()).trim().split(/\s/).at(-1)).toBe(
      index + 1 === solved ? '100%' : '0%',
    );
  }
  await page.getByRole('button', { name: titles[solved - 1] ?? '' }).click();
  await page
    .getByRole('list', { name: t.criteria })
    .getByRole('img', { name: t.passed })
    .first()
    .waitFor();
  await page.getByRole('link', { name: t.explore }).waitFor();
  expect(await findBarriers(page, t.language)).toEqual([]);

  await page.getByRole('link', { name: t.exam }).last().click();
  await page.getByRole('row').filter({ hasText: t.exams }).getByText(weight).waitFor();
}
