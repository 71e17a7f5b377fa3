import { findUser, groupName, readPasswd } from '../process/index.ts';
import { parseArgs, type Tool, tool, ToolError } from './tool.ts';

/** `id`. */
export const id = tool(async (self) => {
  const { flags, words } = parseArgs(self.args, 'ugGn');
  const { files } = self.context;
  const user = words[0] === undefined ? self.context.user : findUser(files, words[0]);
  if (!user) throw new ToolError(`'${words[0] ?? ''}': no such user`);
  const name = (gid: number): string => groupName(files, gid) ?? String(gid);
  const groups = [...new Set([user.gid, ...user.groups])];
  if (flags.has('u')) await self.out(`${flags.has('n') ? user.name : user.uid}\n`);
  else if (flags.has('g')) await self.out(`${flags.has('n') ? name(user.gid) : user.gid}\n`);
  else if (flags.has('G'))
    await self.out(`${groups.map((gid) => (flags.has('n') ? name(gid) : gid)).join(' ')}\n`);
  else {
    const shown = (number: number, text: string | undefined): string =>
      text === undefined ? String(number) : `${number}(${text})`;
    const userName = readPasswd(files).find((entry) => entry.uid === user.uid)?.name;
    await self.out(
      `uid=${shown(user.uid, userName)} gid=${shown(user.gid, groupName(files, user.gid))} groups=${groups.map((gid) => shown(gid, groupName(files, gid))).join(',')}\n`,
    );
  }
  return 0;
});

/** `whoami`. */
export const whoami = tool(async (self) => {
  const entry = readPasswd(self.context.files).find((user) => user.uid === self.context.user.uid);
  if (!entry)
    throw new ToolError(
      `cannot find name for user ID ${self.context.user.uid}: No such file or directory`,
    );
  await self.out(`${entry.name}\n`);
  return 0;
});

export function hostName(self: Tool): string {
  const { files } = self.context;
  for (const path of ['/proc/sys/kernel/hostname', '/etc/hostname'])
    if (files.exists(path)) return files.readText(path).trim();
  return 'localhost';
}

/** `hostname`. */
export const hostname = tool(async (self) => {
  const [flag] = self.args;
  await self.out(
    flag === '-I' || flag === '-i'
      ? `${self.context.net.addresses.filter((address) => !address.startsWith('127.')).join(' ')}${flag === '-I' ? ' ' : ''}\n`
      : `${flag === '-s' ? hostName(self).replace(/\..*/, '') : hostName(self)}\n`,
  );
  return 0;
});

/** `uname`. */
export const uname = tool(async (self) => {
  const { flags } = parseArgs(self.args, 'asnrvmpio', [], {
    all: 'a',
    'kernel-release': 'r',
    machine: 'm',
  });
  const { files } = self.context;
  const release = files.exists('/proc/sys/kernel/osrelease')
    ? files.readText('/proc/sys/kernel/osrelease').trim()
    : '6.8.0';
  const fields: [string, string][] = [
    ['s', 'Linux'],
    ['n', hostName(self)],
    ['r', release],
    ['v', '#1 SMP PREEMPT_DYNAMIC'],
    ['m', 'x86_64'],
    ['p', 'x86_64'],
    ['i', 'x86_64'],
    ['o', 'GNU/Linux'],
  ];
  const shown = fields.filter(
    ([letter]) => flags.has('a') || flags.has(letter) || (flags.size === 0 && letter === 's'),
  );
  await self.out(`${shown.map(([, text]) => text).join(' ')}\n`);
  return 0;
});
