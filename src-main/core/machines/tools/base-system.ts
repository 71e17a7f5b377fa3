import { TreeBuilder, type TreeNode } from '../filesystem/index.ts';
import { type Program, ProgramRegistry } from '../process/index.ts';
import { loadParser, shellProgram } from '../shell/index.ts';
import { busyboxApplet } from './busybox.ts';
import { ddProgram } from './dd.ts';
import { diff } from './diff.ts';
import { fileTools } from './files.ts';
import { find, xargs } from './find.ts';
import { hexdump } from './hexdump.ts';
import { ls } from './ls.ts';
import { networkTools } from './network.ts';
import { systemTools } from './system.ts';
import { batchCommands, batchProgram, loadTextEngine } from './text-engine.ts';
import { textTools } from './text.ts';

/** The small commands every system has, by name. */
export const tools: Readonly<Record<string, Program>> = {
  ...Object.fromEntries(batchCommands.map((name) => [name, batchProgram(name)])),
  ...fileTools,
  ...textTools,
  ...systemTools,
  ...networkTools,
  ls,
  dd: ddProgram('gnu'),
  diff,
  hexdump,
  find,
  xargs,
};

/** Loads what the tools load late, so that no simulated step waits for it: call once, before anything runs. */
export async function prepareTools(): Promise<void> {
  await Promise.all([loadParser(), loadTextEngine()]);
}

/** Files and programs of a system before anything is installed on it. */
export interface BaseSystem {
  readonly tree: TreeNode;
  readonly programs: ProgramRegistry;
}

type Base = 'ubuntu' | 'debian' | 'alpine' | 'busybox' | 'none';

/** Absent from a slim image, as they are in Debian's: `ps` and friends, editors, network tools. */
const hostOnly = new Set([
  'vi',
  'vim',
  'view',
  'nano',
  'less',
  'ip',
  'ss',
  'netstat',
  'jq',
  'yq',
  'tree',
  'sudo',
  'file',
  'column',
  'ps',
  'top',
  'free',
  'uptime',
  'pgrep',
  'pkill',
  'kill',
  'watch',
  'sysctl',
  'hexdump',
]);
const notInBusybox = new Set([
  'nano',
  'vim',
  'view',
  'sudo',
  'ss',
  'jq',
  'yq',
  'file',
  'bash',
  'column',
  'join',
]);

const systems = new Map<Base, BaseSystem>();

/** The system under an image or machine; made once and shared. */
export function baseSystem(base: Base): BaseSystem {
  const known = systems.get(base);
  if (known) return known;
  const made = build(base);
  systems.set(base, made);
  return made;
}

function build(base: Base): BaseSystem {
  const programs = new ProgramRegistry();
  const builder = new TreeBuilder(Date.UTC(2026, 0, 1));
  for (const path of [
    '/dev',
    '/proc',
    '/sys',
    '/etc',
    '/run',
    '/var/log',
    '/var/lib',
    '/usr',
    '/root',
    '/home',
    '/opt',
    '/mnt',
    '/srv',
  ])
    builder.directory(path, path === '/root' ? { mode: 0o700 } : {});
  builder.directory('/tmp', { mode: 0o1777 }).directory('/var/tmp', { mode: 0o1777 });
  builder.symlink('/run', '/var/run');
  const accounts = [
    'root:x:0:0:root:/root:',
    'daemon:x:1:1:daemon:/usr/sbin:',
    'nobody:x:65534:65534:nobody:/nonexistent:',
  ];
  const shell =
    base === 'ubuntu' || base === 'debian'
      ? '/bin/bash'
      : base === 'none'
        ? '/sbin/nologin'
        : '/bin/sh';
  builder.file(
    '/etc/passwd',
    accounts.map((line, index) => `${line}${index === 0 ? shell : '/usr/sbin/nologin'}\n`).join(''),
  );
  builder.file(
    '/etc/group',
    `root:x:0:\ndaemon:x:1:\ntty:x:5:\nsudo:x:27:\nusers:x:100:\n${base === 'alpine' || base === 'busybox' ? 'nobody' : 'nogroup'}:x:65534:\n`,
  );
  builder.file(
    '/etc/nsswitch.conf',
    'passwd:         files\ngroup:          files\nhosts:          files dns\n',
  );
  if (base === 'none') return { tree: builder.build(), programs };
  if (base === 'ubuntu' || base === 'debian') {
    builder
      .directory('/usr/bin')
      .directory('/usr/sbin')
      .directory('/usr/lib')
      .directory('/usr/local/bin');
    builder.symlink('usr/bin', '/bin').symlink('usr/sbin', '/sbin').symlink('usr/lib', '/lib');
    const add = (path: string, program: Program): void =>
      void builder.file(path, programs.add(`${base}:${path}`, program), { mode: 0o755 });
    add('/usr/bin/bash', shellProgram('bash'));
    add('/usr/bin/dash', shellProgram('dash'));
    builder.symlink('dash', '/usr/bin/sh');
    for (const [name, program] of Object.entries(tools))
      if (base === 'ubuntu' || !hostOnly.has(name)) add(`/usr/bin/${name}`, program);
    builder.file('/etc/os-release', base === 'ubuntu' ? ubuntuRelease : debianRelease);
    builder.file('/etc/debian_version', base === 'ubuntu' ? 'trixie/sid\n' : '12.9\n');
    return { tree: builder.build(), programs };
  }
  // One binary with many names, as BusyBox is.
  builder.directory('/bin').directory('/sbin').directory('/usr/bin').directory('/usr/sbin');
  const applets: Record<string, Program> = {
    ...Object.fromEntries(
      Object.entries(tools).map(([name, program]) => [name, busyboxApplet(name, program)]),
    ),
    dd: ddProgram('busybox'),
    sh: shellProgram('ash'),
    ash: shellProgram('ash'),
  };
  const busybox: Program = async (context) => {
    const called = (context.argv[0] ?? '').replace(/^.*\/|^-/g, '');
    const argv = called === 'busybox' ? context.argv.slice(1) : context.argv;
    const name = (argv[0] ?? '').replace(/^.*\/|^-/g, '');
    const applet = Object.hasOwn(applets, name) ? applets[name] : undefined;
    if (applet) return applet({ ...context, argv });
    await context.stderr.write(
      new TextEncoder().encode(
        name === '' ? 'BusyBox v1.36.1 multi-call binary.\n' : `${name}: applet not found\n`,
      ),
    );
    return name === '' ? 0 : 127;
  };
  builder.file('/bin/busybox', programs.add(`${base}:/bin/busybox`, busybox), { mode: 0o755 });
  for (const name of Object.keys(applets))
    if (!notInBusybox.has(name)) builder.symlink('/bin/busybox', `/bin/${name}`);
  if (base === 'alpine') {
    builder.file('/etc/os-release', alpineRelease);
    builder.file('/etc/alpine-release', '3.21.2\n');
  }
  return { tree: builder.build(), programs };
}

const ubuntuRelease = `PRETTY_NAME="Ubuntu 24.04.3 LTS"
NAME="Ubuntu"
VERSION_ID="24.04"
VERSION="24.04.3 LTS (Noble Numbat)"
VERSION_CODENAME=noble
ID=ubuntu
ID_LIKE=debian
HOME_URL="https://www.ubuntu.com/"
SUPPORT_URL="https://help.ubuntu.com/"
BUG_REPORT_URL="https://bugs.launchpad.net/ubuntu/"
PRIVACY_POLICY_URL="https://www.ubuntu.com/legal/terms-and-policies/privacy-policy"
UBUNTU_CODENAME=noble
LOGO=ubuntu-logo
`;
const debianRelease = `PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
NAME="Debian GNU/Linux"
VERSION_ID="12"
VERSION="12 (bookworm)"
VERSION_CODENAME=bookworm
ID=debian
HOME_URL="https://www.debian.org/"
SUPPORT_URL="https://www.debian.org/support"
BUG_REPORT_URL="https://bugs.debian.org/"
`;
const alpineRelease = `NAME="Alpine Linux"
ID=alpine
VERSION_ID=3.21.2
PRETTY_NAME="Alpine Linux v3.21"
HOME_URL="https://alpinelinux.org/"
BUG_REPORT_URL="https://gitlab.alpinelinux.org/alpine/aports/-/issues"
`;
