import { waitInForeground } from '../foreground.ts';
import { parseSignal, signalNumber, signalTable } from '../../process/index.ts';
import { ShellError } from '../flow.ts';
import type { Job } from '../jobs.ts';
import type { Builtin, Shell } from '../types.ts';

/** Ends early, with 128 + n, when a trapped signal arrives. */
async function orSignal(shell: Shell, done: Promise<number>): Promise<number> {
  const result = await Promise.race([done, shell.nextSignal().then(() => 'signal' as const)]);
  if (result !== 'signal') return result;
  await shell.breathe();
  return 143;
}

const wait: Builtin = async (shell, args) => {
  const specs = args.filter((arg) => arg !== '-n' && arg !== '-f');
  if (args.includes('-n')) {
    const running = shell.jobs.list();
    if (running.length === 0) return 127;
    const job = await Promise.race(running.map((one) => one.done.then(() => one)));
    shell.jobs.remove(job);
    return job.status;
  }
  if (specs.length === 0) {
    for (const job of [...shell.jobs.list()]) {
      const status = await orSignal(shell, job.done);
      if (job.state !== 'Done') return status;
      shell.jobs.remove(job);
    }
    return 0;
  }
  let status = 0;
  for (const spec of specs) {
    const job = shell.jobs.find(spec);
    if (job) {
      status = await orSignal(shell, job.done);
      if (job.state === 'Done') shell.jobs.remove(job);
      continue;
    }
    const known = shell.jobs.statuses.get(Number(spec));
    if (known !== undefined) status = known;
    else {
      await shell.complain(
        spec.startsWith('%')
          ? `wait: ${spec}: no such job`
          : `wait: pid ${spec} is not a child of this shell`,
      );
      status = 127;
    }
  }
  return status;
};

const jobs: Builtin = async (shell, args) => {
  for (const job of [...shell.jobs.list()]) {
    await shell.out(
      args.includes('-p')
        ? `${job.children.at(-1)?.pid ?? 0}\n`
        : `${shell.jobs.describe(job, { pid: args.includes('-l') })}\n`,
    );
    if (job.state === 'Done') shell.jobs.remove(job);
  }
  return 0;
};

function current(shell: Shell, name: string, spec: string | undefined): Job {
  const job = shell.jobs.find(spec ?? '%+');
  if (!job) throw new ShellError(`${name}: ${spec ?? 'current'}: no such job`);
  return job;
}

const foreground: Builtin = async (shell, args) => {
  if (!shell.interactive) throw new ShellError('fg: no job control');
  const job = current(shell, 'fg', args[0]);
  await shell.out(`${job.command}\n`);
  shell.jobs.remove(job);
  for (const child of job.children) child.kill('SIGCONT');
  const codes = await waitInForeground(shell, job.children, () => job.command);
  return codes.at(-1) ?? 0;
};

const background: Builtin = async (shell, args) => {
  if (!shell.interactive) throw new ShellError('bg: no job control');
  const job = current(shell, 'bg', args[0]);
  job.state = 'Running';
  for (const child of job.children) child.kill('SIGCONT');
  await shell.out(`[${job.number}]+ ${job.command} &\n`);
  return 0;
};

const kill: Builtin = async (shell, args) => {
  let signal = parseSignal('TERM');
  let words = [...args];
  const [first = ''] = words;
  if (first === '-l' || first === '-L') {
    const [, code] = words;
    if (code !== undefined) {
      const number = /^\d+$/.test(code)
        ? String(Number(code) > 128 ? Number(code) - 128 : Number(code))
        : code;
      const found = parseSignal(number);
      if (!found) throw new ShellError(`kill: ${code}: invalid signal specification`);
      await shell.out(`${/^\d+$/.test(code) ? found.slice(3) : signalNumber(found)}\n`);
      return 0;
    }
    await shell.out(
      signalTable()
        .map(([number, name]) => `${String(number).padStart(2)}) ${name}\n`)
        .join(''),
    );
    return 0;
  }
  let exists = false;
  if (first === '-s' || first === '-n') {
    signal = parseSignal(words[1] ?? '');
    if (!signal) throw new ShellError(`kill: ${words[1] ?? ''}: invalid signal specification`);
    words = words.slice(2);
  } else if (/^-[A-Za-z0-9]+$/.test(first)) {
    exists = first === '-0';
    signal = parseSignal(first.slice(1));
    if (!signal && !exists)
      throw new ShellError(`kill: ${first.slice(1)}: invalid signal specification`);
    words = words.slice(1);
  }
  if (words[0] === '--') words = words.slice(1);
  if (words.length === 0) {
    await shell.complain(
      'kill: usage: kill [-s sigspec | -n signum | -sigspec] pid | jobspec ... or kill -l [sigspec]',
    );
    return 2;
  }
  let status = 0;
  for (const word of words) {
    const job = word.startsWith('%') ? shell.jobs.find(word) : undefined;
    if (word.startsWith('%') && !job) {
      await shell.complain(`kill: ${word}: no such job`);
      status = 1;
      continue;
    }
    if (!job && !/^-?\d+$/.test(word)) {
      await shell.complain(`kill: ${word}: arguments must be process or job IDs`);
      status = 1;
      continue;
    }
    const pid = job ? (job.children.at(-1)?.pid ?? 0) : Number(word);
    const done = exists
      ? shell.context.process.list().some((process) => process.pid === pid)
      : job
        ? job.children.map((child) => child.kill(signal ?? 'SIGTERM')).length > 0
        : shell.context.process.kill(pid, signal ?? 'SIGTERM');
    if (done) continue;
    await shell.complain(`kill: (${word}) - No such process`);
    status = 1;
  }
  return status;
};

export const jobBuiltins: Readonly<Record<string, Builtin>> = {
  wait,
  jobs,
  fg: foreground,
  bg: background,
  kill,
  disown: (shell, args) => {
    const job = shell.jobs.find(
      args.at(-1)?.startsWith('-') === false ? (args.at(-1) ?? '%+') : '%+',
    );
    if (job) shell.jobs.remove(job);
    return 0;
  },
};
