import { cpSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileMemory, readExams, readStudyContent, readTasks } from '#node/content';
import { afterAll, expect, test } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'kijabi-checked-'));
const file = join(folder, 'checked-content.json');
const content = join(folder, 'content');
cpSync(resolve('content'), content, { recursive: true });
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Reads everything as a start does. @returns what was read, the problems, and how often a value was known. */
function read() {
  const memory = fileMemory(file);
  let known = 0;
  let asked = 0;
  const counting: typeof memory = {
    ...memory,
    knows: (schema, value) => {
      const isKnown = memory.knows(schema, value);
      asked += 1;
      if (isKnown) known += 1;
      return isKnown;
    },
  };
  const problems: string[] = [];
  const report = (problem: Error): void => void problems.push(problem.message);
  const study = readStudyContent(content, report, counting);
  const tasks = readTasks(content, report, counting);
  const exams = readExams(content, tasks, report, counting);
  memory.save();
  return { all: { study, tasks, exams }, problems, known, asked };
}

test('what was checked is not checked again, and what changed is', () => {
  const first = read();
  expect([first.problems, first.known]).toEqual([[], 0]);
  const { mtimeMs } = statSync(file);
  const second = read();
  expect(second.all).toEqual(first.all);
  expect([second.known, second.asked]).toEqual([first.asked, first.asked]);
  expect(statSync(file).mtimeMs).toBe(mtimeMs);

  const task = join(content, 'tasks/sn-nodeport/task.yaml');
  writeFileSync(task, readFileSync(task, 'utf8').replace('tier: quick', 'tier: slow'));
  const third = read();
  expect(third.problems).toEqual([`${task}: tier: must be one of quick, core, deep`]);
  expect([third.known, third.asked]).toEqual([first.asked - 1, first.asked]);
  expect(read().problems).toEqual(third.problems);

  const schema = join(content, 'schema/exam.schema.json');
  writeFileSync(schema, `${readFileSync(schema, 'utf8')}\n`);
  expect(read().known).toBe(first.asked - 1 - first.all.exams.length);
});

test.each([
  {
    name: 'one card',
    change: (text: string) => text.replace('kind: basic', 'kind: bogus'),
    problems: ['/cards/0/kind must be equal to constant'],
  },
  {
    name: 'three cards, each by its place in the file',
    change: (text: string) => {
      let card = 0;
      return text.replaceAll(/(?<=^ {2}kind: )\w+$/gm, (kind) =>
        [1, 2, 6].includes(card++) ? 'bogus' : kind,
      );
    },
    problems: [1, 2, 6].map((place) => `/cards/${place}/kind must be equal to constant`),
  },
  { name: 'an empty file', change: () => '', problems: ['the file must be object'] },
])('cards that alone were changed are checked: $name', ({ change, problems }) => {
  const before = read();
  const cards = join(content, 'cards/components-and-runtime.yaml');
  const text = readFileSync(cards, 'utf8');
  writeFileSync(cards, change(text));
  const after = read();
  writeFileSync(cards, text);
  expect(after.problems).toEqual([
    ...problems.map((problem) => `cards/components-and-runtime.yaml: ${problem}`),
    ...before.problems,
  ]);
});

test('a memory that was cut short is begun anew', () => {
  writeFileSync(file, readFileSync(file, 'utf8').slice(0, 40));
  expect(read().known).toBe(0);
  expect(read().known).toBeGreaterThan(0);
});
