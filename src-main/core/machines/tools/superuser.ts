import { utf8 } from '#core/base';
import { basename } from '../filesystem/index.ts';
import { findUser, readGroups, readPasswd, rootUser, type User } from '../process/index.ts';
import { type Tool, tool, ToolError } from './tool.ts';
import { launch, optionsBefore } from './launchers.ts';

/** Asks for a password only where a terminal could answer; every account of a lab machine is open to root. */
async function becomeUser(
  self: Tool,
  user: User,
  words: readonly string[],
  login: boolean,
): Promise<number> {
  const entry = readPasswd(self.context.files).find((one) => one.name === user.name);
  const shell = entry?.shell ?? '/bin/sh';
  const base: Record<string, string> = {
    HOME: user.home,
    SHELL: shell,
    USER: user.name,
    LOGNAME: user.name,
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    ...(self.context.env['TERM'] === undefined ? {} : { TERM: self.context.env['TERM'] }),
    ...(self.context.env['LANG'] === undefined ? {} : { LANG: self.context.env['LANG'] }),
  };
  if (words.length === 0)
    return launch(self, [shell], {
      user,
      env: login ? base : { ...self.context.env, ...base },
      ...(login ? { cwd: user.home, name: `-${basename(shell)}` } : {}),
    });
  return launch(self, words, {
    user,
    env: { ...(login ? {} : self.context.env), ...base },
    ...(login ? { cwd: user.home } : {}),
  });
}

function mayBecomeRoot(self: Tool): boolean {
  const { user, files } = self.context;
  if (user.uid === 0) return true;
  const gids = new Set(
    readGroups(files)
      .filter((group) => group.name === 'sudo' || group.name === 'wheel')
      .map((group) => group.gid),
  );
  return user.groups.some((gid) => gids.has(gid));
}

/** `sudo`. */
export const sudo = tool(async (self) => {
  const { flags, values, words } = optionsBefore(self.args, ['u', 'g', 'user']);
  if (!mayBecomeRoot(self)) {
    await self.context.stderr.write(
      utf8(
        `${self.context.user.name} is not in the sudoers file.\nThis incident has been reported to the administrator.\n`,
      ),
    );
    return 1;
  }
  const name = values.get('u') ?? values.get('user') ?? 'root';
  const user = findUser(self.context.files, name) ?? (name === 'root' ? rootUser : undefined);
  if (!user)
    throw new ToolError(
      `unknown user ${name}\nsudo: error initializing audit plugin sudoers_audit`,
    );
  const variables = words.filter(
    (word, index) =>
      /^\w+=/.test(word) && words.slice(0, index).every((before) => /^\w+=/.test(before)),
  );
  const command = words.slice(variables.length);
  if (command.length === 0 && !flags.has('i') && !flags.has('s')) {
    if (flags.has('l') || flags.has('v') || flags.has('k') || flags.has('n')) return 0;
    await self.context.stderr.write(
      utf8(
        'usage: sudo -h | -K | -k | -V\nusage: sudo [-ABbEHnPS] [-g group] [-h host] [-p prompt] [-u user] [VAR=value] [-i | -s] [command [arg ...]]\n',
      ),
    );
    return 1;
  }
  const all = variables.length > 0 ? ['env', ...variables, ...command] : command;
  if (flags.has('i') && all.length > 0)
    return becomeUser(self, user, ['bash', '-lc', all.join(' ')], true);
  if (flags.has('E'))
    return launch(self, all.length > 0 ? all : ['bash'], {
      user,
      env: {
        ...self.context.env,
        HOME: user.home,
        USER: user.name,
        LOGNAME: user.name,
        SUDO_USER: self.context.user.name,
      },
    });
  return becomeUser(self, user, all, flags.has('i'));
});

/** `su`. */
export const su = tool(async (self) => {
  const login =
    self.args.includes('-') || self.args.includes('-l') || self.args.includes('--login');
  const at = self.args.indexOf('-c');
  const command = at >= 0 ? self.args[at + 1] : undefined;
  const name =
    self.args.find((arg, index) => !arg.startsWith('-') && (at < 0 || index !== at + 1)) ?? 'root';
  const user = findUser(self.context.files, name);
  if (!user)
    throw new ToolError(
      `user ${name} does not exist or the user entry does not contain all the required fields`,
    );
  if (self.context.user.uid !== 0 && self.context.user.uid !== user.uid) {
    await self.context.stderr.write(utf8('Password: \n'));
    throw new ToolError('Authentication failure');
  }
  return becomeUser(self, user, command === undefined ? [] : ['bash', '-c', command], login);
});
