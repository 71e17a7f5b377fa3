import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readExams, readTasks } from '#node/content';

const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'kijabi-content-'));
afterAll(() => fs.rmSync(scratch, { recursive: true, force: true }));

const task = `id: a-task
version: 1
title: { ko: 가, en: A }
domain: storage
competencies: [st.persistent-volumes]
tier: quick
targetSeconds: 60
weight: 3
lab: { topology: base+1cp, host: controlplane }
params: { ns: { pick: [x, y] } }
seed: [{ apply: a.yaml }]
checks:
  - { id: one, description: { ko: 가, en: A }, points: 2, assert: { object: 'v1/Pod/{{ns}}/a', path: spec.nodeName, equals: n } }
hints: [{ ko: 가, en: A }]
quickref: []
wrong: [{ file: wrong-a.sh, score: [0, 0] }]
`;
const files: Readonly<Record<string, string>> = {
  'task.yaml': task,
  'text.ko.md': '{{ns}}',
  'text.en.md': '{{ns}}',
  'solution.ko.md': 's',
  'solution.en.md': 's',
  'seed/a.yaml': 'kind: Pod',
  'solutions/ref.sh': 'true',
  'solutions/wrong-a.sh': 'true',
};

/** A content folder with one task of which some files differ; null leaves one out. */
function contentWith(changes: Readonly<Record<string, string | null>>): string {
  const folder = fs.mkdtempSync(path.join(scratch, 'c-'));
  fs.cpSync('content/schema', path.join(folder, 'schema'), { recursive: true });
  for (const [name, text] of Object.entries({ ...files, ...changes })) {
    const file = path.join(folder, 'tasks', 'a-task', name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    if (text !== null) fs.writeFileSync(file, text);
  }
  return folder;
}

test('a folder becomes a task', () => {
  expect(readTasks(contentWith({}))).toMatchObject([
    {
      id: 'a-task',
      lab: { isolated: false },
      text: { ko: '{{ns}}', en: '{{ns}}' },
      manifests: { 'a.yaml': 'kind: Pod' },
      scripts: { 'ref.sh': 'true', 'wrong-a.sh': 'true' },
    },
  ]);
});

const edit = (from: string, to: string): Record<string, string> => ({
  'task.yaml': task.replace(from, to),
});

test.each<{ why: string; changes: Record<string, string | null>; problem: string }>([
  { why: 'a misspelt field', changes: edit('weight:', 'wieght:'), problem: 'a-task/task.yaml: "weight" is missing; add it' },
  { why: 'an unknown field', changes: edit('hints:', 'hint: 1\nhints:'), problem: 'a-task/task.yaml: "hint" is not known here; remove it or mend its spelling' },
  { why: 'a wrong domain', changes: edit('domain: storage', 'domain: disks'), problem: 'a-task/task.yaml: domain: must be one of architecture, workloads, networking, storage, troubleshooting' },
  { why: 'broken YAML', changes: edit('tier: quick', 'tier: [quick'), problem: 'a-task/task.yaml: line ' },
  { why: 'an unknown assertion', changes: edit('{ object:', '{ objekt:'), problem: 'checks[0].assert: holds no known assertion' },
  { why: 'an unknown step', changes: edit('{ apply: a.yaml }', '{ aply: a.yaml }'), problem: 'seed[0]: is no known step' },
  { why: 'a path that cannot be read', changes: edit('path: spec.nodeName', "path: 'spec..x'"), problem: 'checks[0].assert: path "spec..x": cannot read ..x' },
  { why: 'a reference that is none', changes: edit("'v1/Pod/{{ns}}/a'", "'Pod/x/{{ns}}/a/b'"), problem: 'does not begin with an API version and a kind' },
  { why: 'a dangerous pattern', changes: edit('equals: n', "matches: '(a+)+'"), problem: 'checks[0].assert: pattern "(a+)+": a repeated group must not hold' },
  { why: 'an unknown parameter', changes: { 'text.en.md': 'Use {{nss}}' }, problem: 'text.en.md: {{nss}}: there is no parameter nss; add it to params' },
  { why: 'a missing language', changes: { 'text.ko.md': null }, problem: 'text.ko.md: is missing; create it' },
  { why: 'an empty text', changes: { 'solution.ko.md': ' ' }, problem: 'solution.ko.md: is empty' },
  { why: 'a missing manifest', changes: { 'seed/a.yaml': null }, problem: 'seed[0].apply: there is no seed/a.yaml; add it' },
  { why: 'no reference solution', changes: { 'solutions/ref.sh': null }, problem: 'solutions/ref.sh: is missing; create it' },
  { why: 'a check without points', changes: edit('points: 2, ', ''), problem: 'checks[0]: needs points, or gate: true' },
])('$why is refused by file and place', ({ changes, problem }) => {
  expect(() => readTasks(contentWith(changes))).toThrow(problem);
});

test('an exam that names an unknown task is refused', () => {
  const folder = contentWith({});
  fs.mkdirSync(path.join(folder, 'exams'));
  const domains =
    'domains: { troubleshooting: 30, architecture: 25, networking: 20, workloads: 15, storage: 10 }';
  fs.writeFileSync(
    path.join(folder, 'exams', 'e.yaml'),
    `id: e\ntitle: { ko: 가, en: A }\nminutes: 1\ntaskCount: 1\npassPercent: 66\ntasks: [b]\n${domains}\n`,
  );
  expect(() => readExams(folder, readTasks(folder))).toThrow('exams/e.yaml: tasks[0]: there is no task b');
});
