import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openFileLog } from '#node/log';
import { afterEach, beforeEach, expect, test } from 'vitest';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kijabi-log-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const now = (): Date => new Date('2026-01-31T09:30:00Z');
const read = (name = 'kijabi.log'): string => readFileSync(join(folder, name), 'utf8');

test.each([
  { message: 'started', fields: undefined, line: 'info  started' },
  { message: 'a', fields: { port: 1, ok: true }, line: 'info  a port=1 ok=true' },
  { message: 'a', fields: { path: 'with space' }, line: 'info  a path="with space"' },
  { message: 'two\nlines\r', fields: { x: 'a\nb' }, line: 'info  two\\nlines\\r x="a\\nb"' },
  {
    message: 'a',
    fields: { none: undefined, list: [1, 'b'] },
    line: 'info  a none=undefined list="[1,\\"b\\"]"',
  },
  { message: 'a', fields: { empty: '' }, line: 'info  a empty=""' },
])('$message $fields is one line', ({ message, fields, line }) => {
  const log = openFileLog({ folder, now });
  log.log('info', message, fields);
  log.dispose();
  expect(read()).toBe(`2026-01-31T09:30:00.000Z ${line}\n`);
});

test('levels below the wanted one are left out; others are echoed', () => {
  const echoed: string[] = [];
  const log = openFileLog({ folder, now, level: 'warn', echo: (level) => echoed.push(level) });
  for (const level of ['debug', 'info', 'warn', 'error'] as const) log.log(level, level);
  log.dispose();
  expect(read().match(/\S+$/gm)).toEqual(['warn', 'error']);
  expect(echoed).toEqual(['warn', 'error']);
});

test('a full file makes room; the oldest goes; only the owner reads them', () => {
  const log = openFileLog({ folder, now, maxBytes: 100, keep: 2 });
  for (let count = 1; count <= 9; count++) log.log('info', `line ${count} ${'x'.repeat(40)}`);
  log.dispose();
  expect(readdirSync(folder).sort()).toEqual(['kijabi.log', 'kijabi.log.1', 'kijabi.log.2']);
  const lines = ['kijabi.log.2', 'kijabi.log.1', 'kijabi.log'].map((name) =>
    read(name).match(/line \d/g),
  );
  expect(lines).toEqual([['line 7'], ['line 8'], ['line 9']]);
  expect(statSync(join(folder, 'kijabi.log')).mode & 0o777).toBe(0o600);
});

test('a later start writes on where the last one ended', () => {
  for (const message of ['first', 'second']) {
    const log = openFileLog({ folder, now });
    log.log('info', message);
    log.dispose();
  }
  expect(read().match(/\S+$/gm)).toEqual(['first', 'second']);
});
