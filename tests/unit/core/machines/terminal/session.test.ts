import { expect, test } from 'vitest';
import { fromUtf8, utf8 } from '#core/base';
import { bootedMachine } from '../machine/world.ts';
import { Terminal, textWidth } from '../../../../../src-main/core/machines/terminal/index.ts';

async function session() {
  const world = await bootedMachine();
  const edited: string[] = [];
  const terminal = world.machine.openTerminal(
    'root',
    { columns: 80, rows: 24 },
    {
      edit: ({ path, files, editor }) => {
        edited.push(`${editor} ${path}`);
        files.writeFile(path, 'edited\n');
        return Promise.resolve();
      },
    },
  );
  let screen = '';
  void (async () => {
    for (let bytes = await terminal.output.read(); bytes; bytes = await terminal.output.read())
      screen += fromUtf8(bytes);
  })();
  await world.time.advance(10);
  /** Types, lets time pass, and returns what is shown since. */
  const type = async (text: string, forMs = 10): Promise<string> => {
    const before = screen.length;
    terminal.input(utf8(text));
    await world.time.advance(forMs);
    return screen.slice(before);
  };
  /** The lines of a command's output, without the line that was typed and the next prompt. */
  const command = async (text: string, forMs = 10): Promise<string> => {
    const shown = await type(`${text}\r`, forMs);
    const after = shown.slice(shown.indexOf('\r\n') + 2);
    return after.replace(/root@node01:[^\r\n]*# $/, '');
  };
  return { ...world, terminal, type, command, edited, screen: () => screen };
}

test('a login shell greets with its prompt and runs commands', async () => {
  const { screen, command } = await session();
  expect(screen()).toBe('root@node01:~# ');
  expect(await command('echo hello; pwd; alias k')).toBe("hello\r\n/root\r\nalias k='kubectl'\r\n");
  expect(await command('cd /etc')).toBe('');
  expect(await command('nosuch')).toBe('-bash: nosuch: command not found\r\n');
});

test('Ctrl-C ends what runs, and the line that is typed', async () => {
  const { type, command, machine } = await session();
  expect(await type('while true; do echo x; sleep 1; done\r', 2500)).toContain('x\r\nx\r\nx\r\n');
  expect(await type('\x03')).toBe('^C\r\nroot@node01:~# ');
  expect(await command('echo $?')).toBe('130\r\n');
  expect(await type('half a line\x03')).toContain('^C\r\nroot@node01:~# ');
  expect(await type('sleep 100\r')).toBe('sleep 100\r\n');
  expect(await type('\x03')).toBe('^C\r\nroot@node01:~# ');
  expect(machine.processes().map((process) => process.argv[0])).toEqual(['/sbin/init', '-bash']);
});

test('jobs: Ctrl-Z, jobs, bg, fg, &', async () => {
  const { type, command } = await session();
  await type('sleep 5\r');
  expect(await type('\x1a')).toBe('^Z\r\n[1]+  Stopped                 sleep 5\r\nroot@node01:~# ');
  expect(await command('jobs')).toBe('[1]+  Stopped                 sleep 5\r\n');
  expect(await command('bg')).toBe('[1]+ sleep 5 &\r\n');
  expect(await command('true', 6000)).toBe('');
  expect(await command('')).toContain('[1]+  Done                    sleep 5\r\n');
});

test('line editing, history and completion', async () => {
  const { type, command } = await session();
  await command('echo one');
  expect(await command('\x1b[A')).toBe('one\r\n');
  expect(await command('echp\x1b[D\x7f\x1b[D\x1b[Ceco\x01\x1b[C')).toContain('command not found');
  expect(await command('echo word\x17two\x01\x05!')).toBe('two!\r\n');
  expect(await command('\x12echo o')).toBe('one\r\n');
  expect(await command('cat /etc/hostn\t')).toBe('node01\r\n');
  expect(await command('whoa\t')).toBe('root\r\n');
  expect(await type('ls /etc/os\t\x15')).toContain('/etc/os-release');
});

test('lines are continued, pasted blocks run line by line, the shell reads a password', async () => {
  const { command, type } = await session();
  expect(await type('for i in 1 2; do\r')).toContain('\r\n> ');
  expect(await command('echo $i; done')).toBe('1\r\n2\r\n');
  const pasted = await type('echo a\rcat <<E\rtext\rE\r');
  expect(pasted).toContain('a\r\n');
  expect(pasted).toContain('text\r\n');
  await type('read -sp "Password: " p; echo; echo "$p"\r');
  expect(await type('secret\r')).toBe('\r\nsecret\r\nroot@node01:~# ');
});

test('programs read the terminal line by line, with its editing keys', async () => {
  const { type } = await session();
  await type('cat\r');
  expect(await type('한글\x7f말\r')).toBe('한글\b \b\b \b말\r\n한말\r\n');
  expect(await type('\x04')).toBe('root@node01:~# ');
});

test('vim asks the owner of the terminal to edit', async () => {
  const { command, edited, machine } = await session();
  await command('cd /tmp; vim notes.txt');
  expect(edited).toEqual(['vim /tmp/notes.txt']);
  expect(machine.files.readText('/tmp/notes.txt')).toBe('edited\n');
});

test('exit ends the session; closing the window hangs it up', async () => {
  const first = await session();
  expect(await first.type('exit 3\r')).toBe('exit 3\r\nlogout\r\n');
  expect(await first.terminal.exit).toBe(3);
  const second = await session();
  await second.type('sleep 1000\r');
  second.terminal.close();
  await second.time.advance(10);
  expect(second.machine.processes().map((process) => process.argv[0])).toEqual(['/sbin/init']);
});

test('a resize is told to the foreground group', () => {
  const signals: string[] = [];
  const terminal = new Terminal({
    columns: 80,
    rows: 24,
    name: 'pts/0',
    signal: (group, signal) => signals.push(`${group} ${signal}`),
  });
  terminal.foregroundGroup = 7;
  terminal.resize(100, 30);
  terminal.type(utf8('\x03'));
  expect([terminal.columns, signals]).toEqual([100, ['7 SIGWINCH', '7 SIGINT']]);
});

test.each([
  { text: 'abc', width: 3 },
  { text: '한글', width: 4 },
  { text: '\x01\x1b[31m\x02red\x01\x1b[0m\x02', width: 3 },
])('$text is $width columns wide', ({ text, width }) => {
  expect(textWidth(text)).toBe(width);
});
