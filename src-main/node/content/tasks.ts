import fs from 'node:fs';
import path from 'node:path';
import {
  type Blueprint,
  checkTask,
  type Task,
} from '#core/exam';
import { refuseProblems, type ReportProblem, unlessBroken } from '#core/study';
import type { CheckMemory } from './check-memory.ts';
import { ContentFileError } from './content-file-error.ts';
import { readSchema, readText, readYamlFile } from './schema.ts';

/** A task's file, without what stands in other files of its folder. */
type TaskFile = Omit<Task, 'text' | 'solution' | 'manifests' | 'scripts' | 'params' | 'seed' | 'wrong'> &
  Partial<Pick<Task, 'params' | 'seed' | 'wrong'>>;

/**
 * Reads `tasks/<id>/`: task.yaml, text.ko.md, text.en.md, solution.ko.md, solution.en.md, seed/*.yaml and
 * solutions/*.sh. In the order of ids.
 * @param report told what is wrong with a task, by file, place and mend; it is left out then.
 * @throws ContentFileError the same, unless `report` is given.
 */
export function readTasks(
  contentFolder: string,
  report: ReportProblem = refuseProblems,
  memory?: CheckMemory,
): readonly Task[] {
  const validate = readSchema(contentFolder, 'task', memory);
  const folder = path.join(contentFolder, 'tasks');
  return foldersOf(folder).flatMap((id) => unlessBroken(report, () => {
    const home = path.join(folder, id);
    const file = path.join(home, 'task.yaml');
    const value = readYamlFile(file);
    validate(value, file);
    const task = withFolder(value as TaskFile, home);
    if (task.id !== id)
      throw new ContentFileError(file, 'id', `is ${task.id}, but the folder is ${id}; make them equal`);
    const problem = checkTask(task);
    if (problem) throw new ContentFileError(path.join(home, problem.file), problem.place, problem.text);
    return task;
  }));
}

/**
 * Reads `exams/*.yaml`.
 * @param tasks what they may draw.
 * @param report as with `readTasks`; an exam goes without a task that is not there as long as it has enough others.
 */
export function readExams(
  contentFolder: string,
  tasks: readonly Task[],
  report: ReportProblem = refuseProblems,
  memory?: CheckMemory,
): readonly Blueprint[] {
  const validate = readSchema(contentFolder, 'exam', memory);
  const folder = path.join(contentFolder, 'exams');
  return filesOf(folder, '.yaml').flatMap((name) => unlessBroken(report, () => {
    const file = path.join(folder, name);
    const value = readYamlFile(file);
    validate(value, file);
    const blueprint = value as Blueprint;
    if (`${blueprint.id}.yaml` !== name)
      throw new ContentFileError(file, 'id', `is ${blueprint.id}; name the file ${blueprint.id}.yaml`);
    const drawn = blueprint.tasks?.filter((id, index) => {
      const isKnown = tasks.some((task) => task.id === id);
      if (!isKnown) report(new ContentFileError(file, `tasks[${index}]`, `there is no task ${id}`));
      return isKnown;
    });
    const pool = drawn?.length ?? tasks.length;
    if (pool < blueprint.taskCount)
      throw new ContentFileError(file, 'taskCount', `is ${blueprint.taskCount}, but there are ${pool} tasks`);
    return { ...blueprint, ...(drawn ? { tasks: drawn } : {}) };
  }));
}

function withFolder(file: TaskFile, home: string): Task {
  return {
    ...file,
    lab: { ...file.lab, isolated: file.lab.isolated ?? false },
    params: file.params ?? {},
    seed: file.seed ?? [],
    wrong: file.wrong ?? [],
    checks: file.checks.map((check) => ({ ...check, points: check.gate ? 0 : (check.points ?? 0) })),
    text: bilingual(home, 'text'),
    solution: bilingual(home, 'solution'),
    manifests: textsOf(path.join(home, 'seed'), '.yaml'),
    scripts: textsOf(path.join(home, 'solutions'), '.sh'),
  };
}

const bilingual = (home: string, name: string): { ko: string; en: string } => ({
  ko: readText(path.join(home, `${name}.ko.md`)),
  en: readText(path.join(home, `${name}.en.md`)),
});

function textsOf(folder: string, ending: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    filesOf(folder, ending).map((name) => [name, readText(path.join(folder, name))]),
  );
}

function filesOf(folder: string, ending: string): readonly string[] {
  return entriesOf(folder)
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map(({ name }) => name)
    .sort();
}

function foldersOf(folder: string): readonly string[] {
  return entriesOf(folder)
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
}

function entriesOf(folder: string): readonly fs.Dirent[] {
  return fs.existsSync(folder) ? fs.readdirSync(folder, { withFileTypes: true }) : [];
}
