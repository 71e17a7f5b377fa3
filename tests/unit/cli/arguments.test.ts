import { beforeAll, expect, test } from 'vitest';
import { clusterNameOf, readArguments } from '../../../src-main/cli/arguments.ts';
import { parseDuration } from '../../../src-main/cli/duration.ts';
import { useLanguage } from '../../../src-main/cli/language.ts';
import { table } from '../../../src-main/cli/output.ts';
import { usage, usageOf } from '../../../src-main/cli/usage.ts';

// Whatever language the machine has.
beforeAll(() => useLanguage('en'));

test.each([
  { line: 'cluster up', command: 'cluster up', operands: [], flags: {} },
  {
    line: 'cluster up lab --topology base+1cp',
    command: 'cluster up',
    operands: ['lab'],
    flags: { topology: 'base+1cp' },
  },
  {
    line: 'cluster up --name lab --topology base+1cp',
    command: 'cluster up',
    operands: [],
    flags: { name: 'lab', topology: 'base+1cp' },
  },
  {
    line: 'cluster down --cluster lab',
    command: 'cluster down',
    operands: [],
    flags: { cluster: 'lab' },
  },
  {
    line: 'clock --name lab settle',
    command: 'clock',
    operands: ['settle'],
    flags: { name: 'lab' },
  },
  {
    line: 'ssh --name=lab base uptime',
    command: 'ssh',
    operands: ['base', 'uptime'],
    flags: { name: 'lab' },
  },
  { line: '--json --data /d cluster list', command: 'cluster list', operands: [], flags: {} },
  { line: 'clock advance 5m', command: 'clock', operands: ['advance', '5m'], flags: {} },
  { line: 'clock --speed 10', command: 'clock', operands: [], flags: { speed: '10' } },
  { line: 'ssh base', command: 'ssh', operands: ['base'], flags: {} },
  {
    line: 'ssh --cluster lab base ls -la --json',
    command: 'ssh',
    operands: ['base', 'ls', '-la', '--json'],
    flags: { cluster: 'lab' },
  },
  { line: 'ssh base -- ls', command: 'ssh', operands: ['base', 'ls'], flags: {} },
  {
    line: 'kubectl get pods -A -o json --help',
    command: 'kubectl',
    operands: ['get', 'pods', '-A', '-o', 'json', '--help'],
    flags: {},
  },
  { line: '', command: 'help', operands: [], flags: {} },
  { line: '--help', command: 'help', operands: [], flags: {} },
  { line: 'help cluster up', command: 'help', operands: ['cluster', 'up'], flags: {} },
  { line: 'cluster up --help', command: 'help', operands: ['cluster', 'up'], flags: {} },
  { line: 'exam -h', command: 'help', operands: ['exam'], flags: {} },
  { line: '--version', command: 'version', operands: [], flags: {} },
  {
    line: 'ssh -t base vi -n x',
    command: 'ssh',
    operands: ['base', 'vi', '-n', 'x'],
    flags: { tty: true },
  },
  {
    line: 'ssh base -n cat',
    command: 'ssh',
    operands: ['base', 'cat'],
    flags: { 'no-input': true },
  },
])('kijabi $line', ({ line, command, operands, flags }) => {
  const args = readArguments(line.split(' ').filter((word) => word !== ''));
  expect({ command: args.command, operands: args.operands }).toEqual({ command, operands });
  expect(args.flags).toMatchObject(flags);
});

test.each([
  { flags: {}, operand: undefined, name: undefined },
  { flags: {}, operand: 'lab', name: 'lab' },
  { flags: { cluster: 'lab' }, operand: undefined, name: 'lab' },
  { flags: { name: 'lab' }, operand: undefined, name: 'lab' },
  { flags: { name: 'lab', cluster: 'lab' }, operand: 'lab', name: 'lab' },
])('$operand and $flags name the cluster $name', ({ flags, operand, name }) => {
  expect(clusterNameOf({ flags }, operand)).toBe(name);
});

test.each([
  { flags: { cluster: 'lab' }, operand: 'other', message: '"other" and "lab"' },
  { flags: { cluster: 'lab', name: 'other' }, operand: undefined, message: '"lab" and "other"' },
])('$operand and $flags are two names', ({ flags, operand, message }) => {
  expect(() => clusterNameOf({ flags }, operand)).toThrow(`two names for one cluster: ${message}`);
});

test('--data and --json are taken before and after the command', () => {
  expect(readArguments(['--data', '/a', '--json', 'doctor'])).toMatchObject({
    data: '/a',
    json: true,
  });
  expect(readArguments(['doctor', '--data', '/a', '--json'])).toMatchObject({
    data: '/a',
    json: true,
  });
  expect(readArguments(['--data=/a', 'doctor'])).toMatchObject({ data: '/a', json: false });
});

test.each([
  { line: 'fly', message: /^unknown command "fly"\n\nusage: kijabi/ },
  { line: 'cluster', message: '"kijabi cluster" needs one of: up, down, list, kubeconfig' },
  {
    line: 'cluster fly',
    message: '"kijabi cluster" has no "fly"; there are: up, down, list, kubeconfig',
  },
  { line: 'cluster up a b', message: '"kijabi cluster up" does not take "b"' },
  {
    line: 'cluster up --size 3',
    message:
      '"kijabi cluster up" has no option --size; it has: --data, --json, --lang, --cluster, --name, --topology',
  },
  { line: 'cluster up --topology', message: '"kijabi cluster up": --topology needs a value' },
  { line: 'cluster list --json=1', message: '"kijabi cluster list": --json takes no value' },
  { line: '--size', message: '"kijabi" has no option --size; it has: --data, --json, --lang' },
  { line: 'help fly', message: /^unknown command "fly"/ },
  { line: '--lang fr doctor', message: '--lang must be en or ko' },
  {
    line: 'task start',
    message: '"kijabi task start" needs 1 argument: kijabi task start TASK [--seed SEED]',
  },
  { line: 'ssh', message: '"kijabi ssh" needs a host' },
  { line: 'ssh --name', message: '--name needs a name' },
  { line: 'ssh -v base', message: '"kijabi ssh" does not know -v' },
  { line: '--data', message: '--data needs a folder' },
])('kijabi $line is refused: $message', ({ line, message }) => {
  expect(() => readArguments(line.split(' '))).toThrow(message);
});

test('with --lang ko everything is Korean', () => {
  try {
    expect(() => readArguments(['--lang', 'ko', 'cluster', 'fly'])).toThrow(
      '"kijabi cluster"에는 "fly"가 없습니다. 있는 것: up, down, list, kubeconfig',
    );
    expect(usage()).toContain('cluster list                                클러스터 목록을 봅니다');
    expect(usageOf(['exam', 'submit'])).toBe(
      'kijabi exam submit\n    진행 중인 시험을 제출하고 결과를 봅니다',
    );
  } finally {
    useLanguage('en');
  }
  expect(usageOf(['exam', 'submit'])).toBe(
    'kijabi exam submit\n    hand in the exam in progress and print its report',
  );
});

test.each([
  { text: '90', ms: 90_000 },
  { text: '1.5', ms: 1500 },
  { text: '250ms', ms: 250 },
  { text: '5m', ms: 300_000 },
  { text: '1h30m', ms: 5_400_000 },
  { text: '2d', ms: 172_800_000 },
])('$text is $ms ms', ({ text, ms }) => {
  expect(parseDuration(text)).toBe(ms);
});

test.each(['', 'x', '5 m', '5y', '-5m', 'm'])('%j is no duration', (text) => {
  expect(() => parseDuration(text)).toThrow('is not a duration: write 90s, 5m or 1h30m');
});

test('columns stand below one another, also with Korean', () => {
  expect(
    table([
      ['NAME', 'TITLE', 'N'],
      ['a', '한글', '1'],
      ['long-name', 'x', '2'],
    ]),
  ).toBe('NAME        TITLE   N\na           한글    1\nlong-name   x       2');
});
