import { type ByteSink, fromUtf8, utf8 } from '#core/base';
import type { Program } from '../process/index.ts';

interface Wording {
  readonly from: RegExp;
  readonly to: string;
}

const reword = (from: RegExp, to: string): Wording => ({ from, to });

/**
 * What BusyBox's applets say where GNU's tools say something else.
 * @see busybox 1.36: coreutils/, libbb/perror_msg.c
 */
const wordings: Readonly<Record<string, readonly Wording[]>> = {
  cat: [reword(/^cat: (.+): (.+)$/, "cat: can't open '$1': $2")],
  chmod: [reword(/^chmod: (?:cannot access|changing permissions of) '(.+)': /, 'chmod: $1: ')],
  chown: [reword(/^chown: (?:cannot access|changing ownership of) '(.+)': /, 'chown: $1: ')],
  cp: [
    reword(/^cp: cannot stat /, "cp: can't stat "),
    reword(/^cp: cannot create (?:regular file|directory|symbolic link) /, "cp: can't create "),
    reword(/^cp: -r not specified; omitting directory /, 'cp: omitting directory '),
  ],
  du: [reword(/^du: cannot access '(.+)': /, 'du: $1: ')],
  find: [reword(/^find: '(.+)': /, 'find: $1: ')],
  head: [reword(/^head: cannot open '(.+)' for reading: /, 'head: $1: ')],
  ip: [reword(/^RTNETLINK answers: /, 'ip: RTNETLINK answers: ')],
  ln: [reword(/^ln: failed to (?:create (?:symbolic|hard) link|access) '(.+)': /, 'ln: $1: ')],
  ls: [
    reword(/^ls: cannot access '(.+)': /, 'ls: $1: '),
    reword(/^ls: cannot open directory '(.+)': /, "ls: can't open '$1': "),
  ],
  mkdir: [reword(/^mkdir: cannot create directory /, "mkdir: can't create directory ")],
  mv: [
    reword(/^mv: cannot stat /, "mv: can't rename "),
    reword(/^mv: cannot move ('.+') to '.+': /, "mv: can't rename $1: "),
  ],
  rm: [reword(/^rm: cannot remove /, "rm: can't remove ")],
  rmdir: [reword(/^rmdir: failed to remove /, 'rmdir: ')],
  stat: [reword(/^stat: cannot statx? /, "stat: can't stat ")],
  tail: [reword(/^tail: cannot open '(.+)' for reading: /, "tail: can't open '$1': ")],
  tar: [reword(/^tar: Removing leading `\/'/, "tar: removing leading '/'")],
  touch: [reword(/^touch: cannot touch '(.+)': /, 'touch: $1: ')],
};

/** Applets that fail with 1 where GNU's tool fails with 2. */
const failsWithOne: ReadonlySet<string> = new Set(['ls']);

/** `ps` shows every process, whatever the flags but `-o`. */
const ps =
  (full: Program): Program =>
  async (context) => {
    if (context.argv.includes('-o')) return full(context);
    const rows = context.process
      .list()
      .map(
        ({ pid, user, argv }) =>
          `${String(pid).padStart(5)} ${user.slice(0, 8).padEnd(8)}  0:00 ${argv.join(' ')}\n`,
      );
    await context.stdout.write(utf8(`PID   USER     TIME  COMMAND\n${rows.join('')}`));
    return 0;
  };

/** An applet of BusyBox from the tool that does the same work. */
export function busyboxApplet(name: string, program: Program): Program {
  if (name === 'ps') return ps(program);
  if (name === 'id')
    return (context) => program({ ...context, stdout: eachLine(context.stdout, sortGroups) });
  const known = Object.hasOwn(wordings, name) ? wordings[name] : undefined;
  if (!known) return program;
  return async (context) => {
    const code = await program({ ...context, stderr: reworded(context.stderr, known) });
    return code === 2 && failsWithOne.has(name) ? 1 : code;
  };
}

/** The kernel's order; GNU's `id` puts the primary group first. */
const sortGroups = (line: string): string =>
  line.replace(
    /groups=(.*)$/,
    (_, groups: string) =>
      `groups=${groups
        .split(',')
        .sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10))
        .join(',')}`,
  );

const reworded = (sink: ByteSink, known: readonly Wording[]): ByteSink =>
  eachLine(sink, (line) => {
    const wording = known.find(({ from }) => from.test(line));
    return wording ? line.replace(wording.from, wording.to) : line;
  });

/** Tools write whole lines at a time. */
function eachLine(sink: ByteSink, change: (line: string) => string): ByteSink {
  return {
    write: (bytes) => sink.write(utf8(fromUtf8(bytes).split('\n').map(change).join('\n'))),
    end: () => sink.end(),
  };
}
