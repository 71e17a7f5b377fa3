import { basename } from '../filesystem/index.ts';
import type { Shell } from './types.ts';

const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** Decodes a prompt's backslash sequences; parameters are expanded afterwards by the caller. */
export function expandPrompt(shell: Shell, prompt: string): string {
  const home = shell.variables.get('HOME') ?? '';
  const short =
    home !== '' && (shell.cwd === home || shell.cwd.startsWith(`${home}/`))
      ? `~${shell.cwd.slice(home.length)}`
      : shell.cwd;
  const date = new Date(shell.context.clock.now());
  const two = (value: number): string => String(value).padStart(2, '0');
  const time = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}`;
  return prompt.replace(/\\([0-7]{3}|D\{[^}]*\}|.)/gs, (whole, code: string) => {
    if (/^[0-7]{3}$/.test(code)) return String.fromCharCode(parseInt(code, 8));
    switch (code) {
      case 'u':
        return shell.context.user.name;
      case 'h':
        return shell.hostname().replace(/\..*$/, '');
      case 'H':
        return shell.hostname();
      case 'w':
        return short;
      case 'W':
        return shell.cwd === home ? '~' : basename(shell.cwd);
      case '$':
        return shell.context.user.uid === 0 ? '#' : '$';
      case 's':
        return basename(shell.arg0.replace(/^-/, ''));
      case 'n':
        return '\n';
      case 'r':
        return '\r';
      case 'a':
        return '\x07';
      case 'e':
        return '\x1b';
      case 't':
        return `${time}:${two(date.getUTCSeconds())}`;
      case 'A':
        return time;
      case 'd':
        return `${days[date.getUTCDay()] ?? ''} ${months[date.getUTCMonth()] ?? ''} ${two(date.getUTCDate())}`;
      case 'j':
        return String(shell.jobs.list().length);
      case '!':
      case '#':
        return String(shell.history.length + 1);
      case 'v':
        return '5.2';
      case '[':
        return '\x01';
      case ']':
        return '\x02';
      case '\\':
        return '\\';
      default:
        return whole;
    }
  });
}
