import { expect, test } from 'vitest';
import { formatYaml, parseYaml, parseYamlDocuments } from '#core/kube';

test.each([
  {
    value: { b: 1, a: [{ x: 1, w: [] }], c: {} },
    yaml: 'a:\n- w: []\n  x: 1\nb: 1\nc: {}\n',
    why: 'keys sorted, lists not indented',
  },
  {
    value: { a: 'yes', b: '012', c: '1e3', d: '', e: '08:30', f: '2026-01-01', g: 'null' },
    yaml: 'a: "yes"\nb: "012"\nc: "1e3"\nd: ""\ne: "08:30"\nf: "2026-01-01"\ng: "null"\n',
    why: 'what YAML 1.1 would read as something else is double-quoted',
  },
  {
    value: { a: 'x: y', b: '- x', c: '#x', d: "it's", e: "'x'", f: '*' },
    yaml: "a: 'x: y'\nb: '- x'\nc: '#x'\nd: it's\ne: '''x'''\nf: '*'\n",
    why: 'indicators are single-quoted',
  },
  {
    value: { a: 'one\ntwo\n', b: 'one\ntwo', c: 'tab\there', d: 'trailing \nspace' },
    yaml: 'a: |\n  one\n  two\nb: |-\n  one\n  two\nc: "tab\\there"\nd: "trailing \\nspace"\n',
    why: 'several lines are a literal block where they can be',
  },
  {
    value: { y: true, n: null, item10: 1, item9: 2, '1': 3, 'a/b': 4 },
    yaml: '"1": 3\na/b: 4\nitem9: 2\nitem10: 1\n"n": null\n"y": true\n',
    why: 'natural order of keys; y and n are quoted',
  },
  { value: { a: [['x', 'y'], 'z'] }, yaml: 'a:\n- - x\n  - "y"\n- z\n', why: 'a list in a list' },
  {
    value: { message: `${'word '.repeat(20)}end` },
    yaml: `message: ${'word '.repeat(15).trimEnd()}\n  ${'word '.repeat(5)}end\n`,
    why: 'plain text folds at the first space after column 80',
  },
  {
    value: { nested: { message: `'q' ${'word '.repeat(20)}end` } },
    yaml: `nested:\n  message: '''q'' ${'word '.repeat(13).trimEnd()}\n    ${'word '.repeat(7)}end'\n`,
    why: 'quoted text folds too',
  },
])('formatYaml: $why', ({ value, yaml }) => {
  expect(formatYaml(value)).toBe(yaml);
  expect(parseYaml(yaml.replace('"y": true', 'y: true'))).toEqual(value);
});

test('documents of a stream, empty ones left out', () => {
  expect(parseYamlDocuments('---\n---\na: 1\n---\n# nothing\n---\nb: 2\n')).toEqual([
    { a: 1 },
    { b: 2 },
  ]);
});

test.each([
  { text: 'a: 1\n b: 2', message: /mapping|indentation/, line: 2, why: 'bad indentation' },
  { text: 'a: 1\na: 2', message: /duplicated mapping key/, line: 2, why: 'a key twice' },
  {
    text: `x: ${'['.repeat(5000)}`,
    message: /depth|nest/i,
    line: undefined,
    why: 'nested too deep',
  },
])('refused with its place: $why', ({ text, message, line }) => {
  let error: unknown;
  try {
    parseYaml(text);
  } catch (caught) {
    error = caught;
  }
  expect(error).toMatchObject({
    name: 'YamlError',
    message: expect.stringMatching(message) as unknown,
  });
  if (line !== undefined) expect(error).toMatchObject({ line });
});

test('an alias bomb is refused before it is expanded', () => {
  const lines = ['a0: &a0 [x,x,x,x,x,x,x,x,x,x]'];
  for (let i = 1; i < 10; i++)
    lines.push(
      `a${i}: &a${i} [${Array(10)
        .fill(`*a${i - 1}`)
        .join(',')}]`,
    );
  expect(() => parseYaml(lines.join('\n'))).toThrow('expands to more than 1000000 values');
});
