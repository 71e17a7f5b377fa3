import { expect, test } from 'vitest';
import { assembleContent, joinLesson, parseLessonFile } from '#core/study';
import { lesson } from '#tests/study';

const text = (body: string): string => `---\nlesson: one\nminutes: 5\n---\n${body}`;

test('fences of known kinds are live, all else is prose', () => {
  const file = parseLessonFile(
    text(
      [
        '# Title',
        '```run id=look host=node01 note="two words"',
        'crictl ps',
        'crictl pods',
        '```',
        'Between.',
        '```sh',
        'not live',
        '```',
        '````quiz id=ask',
        'question: "`a` or ```b```?"',
        'options: [a, b]',
        'answer: 0',
        'why: so',
        '````',
      ].join('\n'),
    ),
    'one.en.md',
  );
  expect(file.frontMatter).toEqual({ lesson: 'one', minutes: 5 });
  expect(file.blocks).toEqual([
    { kind: 'prose', markdown: '# Title' },
    {
      kind: 'command',
      blockId: 'look',
      command: 'crictl ps\ncrictl pods',
      host: 'node01',
      note: 'two words',
    },
    { kind: 'prose', markdown: 'Between.\n```sh\nnot live\n```' },
    {
      kind: 'quiz',
      blockId: 'ask',
      question: '`a` or ```b```?',
      options: ['a', 'b'],
      answer: 0,
      why: 'so',
    },
  ]);
});

test.each([
  { body: '```run id=a\nls', error: 'one.md:5: the fence is never closed' },
  { body: '\n```run\nls\n```', error: 'one.md:6: the block has no id' },
  { body: '```quiz id=a\n- b\n```', error: 'one.md:6: fields with names are needed here' },
  { body: '```quiz id=a\na: [\n```', error: /^one\.md:[67]: / },
])('$error', ({ body, error }) => {
  expect(() => parseLessonFile(text(body), 'one.md')).toThrow(error);
});

test('a file without front matter says what it must begin with', () => {
  expect(() => parseLessonFile('# Title', 'one.md')).toThrow(
    'one.md: the file must begin with front matter between two lines ---',
  );
});

const front = {
  lesson: 'one',
  title: 'T',
  summary: 'S',
  note: 'N0',
  minutes: 5,
  competencies: ['wl.deployments'],
};
const command = (line: string) => ({
  kind: 'command' as const,
  blockId: 'look',
  command: line,
  host: 'controlplane',
});

test('two languages of a lesson differ in language only', () => {
  const en = { frontMatter: front, blocks: [command('kubectl get pods')] };
  const ko = { frontMatter: { ...front, title: '제목' }, blocks: en.blocks };
  expect(joinLesson('one', { ko, en }).title).toEqual({ ko: '제목', en: 'T' });
  expect(() =>
    joinLesson('one', { ko: { ...ko, blocks: [command('kubectl get nodes')] }, en }),
  ).toThrow('one: block look differs between .ko.md and .en.md in more than language');
  expect(() =>
    joinLesson('one', { ko: { ...ko, frontMatter: { ...front, minutes: 6 } }, en }),
  ).toThrow('one: minutes differs between .ko.md and .en.md');
});

test('cards need a lesson, and an id of their own', () => {
  const file = (name: string, of: string) => ({
    file: name,
    lesson: of,
    cards: [{ id: 'a', kind: 'basic' as const, competencies: ['wl.deployments'] as [string] }],
  });
  expect(() => assembleContent([lesson('one')], [file('x.yaml', 'two')])).toThrow(
    'x.yaml: there is no lesson two',
  );
  expect(() =>
    assembleContent([lesson('one')], [file('x.yaml', 'one'), file('y.yaml', 'one')]),
  ).toThrow('y.yaml: card a is already in x.yaml');
  expect(assembleContent([lesson('one')], [file('x.yaml', 'one')]).cards).toMatchObject([
    { cardId: 'a', lessonId: 'one', domain: 'workloads' },
  ]);
});
