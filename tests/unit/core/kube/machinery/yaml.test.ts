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
  expect(parseYaml(yaml)).toEqual(value);
});

test.each([
  ['0400', 256],
  ['0644', 420],
  ['0o400', 256],
  ['0O17', 15],
  ['-0400', -256],
  ['08', 8],
  ['0009', 9],
  ['00', 0],
  ['-0', 0],
  ['0x1F', 31],
  ['0b11', 3],
  ['1_000', 1000],
  ['0_7', 7],
  ['_1', '_1'],
  ['0o8', '0o8'],
  ['1e3', 1000],
  ['1e400', '1e400'],
  ['.5', 0.5],
  ['1.', 1],
  ['0400.5', 400.5],
  ['685_230.15', 685230.15],
  ['18446744073709551616', 18446744073709552000],
  ['yes', true],
  ['Y', true],
  ['on', true],
  ['off', false],
  ['NO', false],
  ['n', false],
  ['tRue', 'tRue'],
  ['~', null],
  ['2001-01-01', '2001-01-01'],
  ['12:30:45', '12:30:45'],
  ['v1.2', 'v1.2'],
  ["'0400'", '0400'],
  ['"yes"', 'yes'],
])('a plain %s is read as Go reads it', (text, value) => {
  expect(parseYaml(`a: ${text}`)).toEqual({ a: value });
});

test('kustomize takes only true and false for booleans', () => {
  const text = '[y, on, No, True, false, 0400, ~]';
  expect(parseYaml(text)).toEqual([true, true, false, true, false, 256, null]);
  expect(parseYaml(text, undefined, 'v3')).toEqual(['y', 'on', 'No', true, false, 256, null]);
});

test('keys are read as values are, and merged', () => {
  expect(parseYaml('on: 1\n0400: 2\n')).toEqual({ true: 1, '256': 2 });
  expect(parseYaml('a: &a {x: 1, y: 2}\nb: {<<: *a, x: 3}\n')).toMatchObject({ b: { x: 3 } });
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
