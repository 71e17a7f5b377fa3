import { expect, test } from 'vitest';
import { sleep, utf8 } from '#core/base';
import type { Program } from '../../../../../src-main/core/machines/process/index.ts';
import { bootedMachine } from './world.ts';

test('a loop prints one line a second and dies of SIGTERM', async () => {
  const { machine, time } = await bootedMachine();
  let text = '';
  const child = machine.spawn(['sh', '-c', 'while true; do echo x; sleep 1; done'], {
    stdout: {
      write: (bytes) => Promise.resolve(void (text += new TextDecoder().decode(bytes))),
      end: () => undefined,
    },
  });
  await time.advance(3500);
  expect(text).toBe('x\nx\nx\nx\n');
  child.kill('SIGTERM');
  expect(await child.exit).toBe(143);
});

test.each([
  {
    script:
      ': > /tmp/log; timeout 3 tail -f /tmp/log | grep --line-buffered b & echo a > /tmp/log; sleep 1; echo b >> /tmp/log; wait',
    want: 'b\n',
  },
  { script: 'printf "b\\na\\n" | sort | sed s/a/A/ | awk \'{print $1 "!"}\'', want: 'A!\nb!\n' },
  { script: 'echo \'{"a":[1,2]}\' | jq -c .a', want: '[1,2]\n' },
  { script: 'hostname; whoami; uname -r; nproc', want: 'node01\nroot\n6.8.0-90-generic\n2\n' },
  { script: 'date -u +%FT%TZ', want: '2026-01-01T10:00:00Z\n' },
  {
    script:
      'mkdir -p /tmp/a/b; touch /tmp/a/b/c; find /tmp/a -type f; rm -r /tmp/a; ls /tmp/a; echo $?',
    want: '/tmp/a/b/c\n2\n',
  },
  {
    script:
      'cp /usr/bin/whoami /tmp/me; /tmp/me; chmod -x /tmp/me; /tmp/me; echo $?; rm /usr/bin/whoami; whoami; echo $?',
    want: 'root\n126\n127\n',
  },
  { script: 'echo one two | xargs -n1 echo', want: 'one\ntwo\n' },
  { script: 'timeout 1 sleep 5; echo $?', want: '124\n' },
  { script: 'yes | head -n 2', want: 'y\ny\n' },
  { script: 'diff <(echo a) <(echo b)', want: '1c1\n< a\n---\n> b\n' },
  { script: 'sudo -u ubuntu id -un; su - ubuntu -c pwd', want: 'ubuntu\n/home/ubuntu\n' },
  { script: 'echo hi | tee /tmp/t | wc -c; cat /tmp/t', want: '3\nhi\n' },
  {
    script:
      'sysctl net.ipv4.ip_forward; echo 0 > /proc/sys/net/ipv4/ip_forward; cat /proc/sys/net/ipv4/ip_forward',
    want: 'net.ipv4.ip_forward = 1\n0\n',
  },
])('$script', async ({ script, want }) => {
  const { run } = await bootedMachine();
  const got = await run(['bash', '-c', script]);
  expect(got.stdout).toBe(want);
});

const server: Program = async ({ clock, signal, stdout, argv }) => {
  await stdout.write(utf8(`serving ${argv.slice(1).join(' ')}\n`));
  await sleep(clock, 3_600_000, signal, { background: true });
  return 0;
};

async function withUnit(text: string, program: Program = server) {
  return bootedMachine({ '/usr/bin/demo': program }, (machine) => {
    machine.files.writeFile('/usr/lib/systemd/system/demo.service', text);
  });
}

test('a service is started, shown, enabled and stopped', async () => {
  const { run, machine } = await withUnit(
    '[Unit]\nDescription=Demo\n[Service]\nEnvironment="ARGS=--a=1 --b"\nExecStart=/usr/bin/demo $ARGS\n[Install]\nWantedBy=multi-user.target\n',
  );
  expect(await run(['systemctl', 'enable', '--now', 'demo'])).toEqual({
    code: 0,
    stdout: '',
    stderr:
      'Created symlink /etc/systemd/system/multi-user.target.wants/demo.service → /usr/lib/systemd/system/demo.service.\n',
  });
  expect((await run(['systemctl', 'is-active', 'demo'])).stdout).toBe('active\n');
  expect((await run(['journalctl', '-u', 'demo', '-o', 'cat'])).stdout).toBe(
    'Started demo.service - Demo.\nserving --a=1 --b\n',
  );
  const { stdout } = await run(['systemctl', 'status', 'demo']);
  expect(stdout).toContain(
    '● demo.service - Demo\n     Loaded: loaded (/usr/lib/systemd/system/demo.service; enabled; preset: enabled)\n     Active: active (running) since Thu 2026-01-01 10:00:00 UTC; ',
  );
  await run(['systemctl', 'stop', 'demo']);
  expect(await run(['systemctl', 'is-active', 'demo'])).toMatchObject({
    code: 3,
    stdout: 'inactive\n',
  });
  machine.powerOff();
  await machine.boot();
  expect(machine.units.state('demo')?.active).toBe('active');
});

test('a service that keeps failing is given up after five starts', async () => {
  const { run, time, machine } = await withUnit(
    '[Service]\nExecStart=/usr/bin/demo\nRestart=always\n',
    () => Promise.resolve(1),
  );
  await run(['systemctl', 'start', 'demo']);
  await time.advance(5000);
  expect(machine.units.state('demo')).toMatchObject({ active: 'failed', exitCode: 1 });
  expect(
    machine.units
      .journal('demo')
      .map((line) => line.message)
      .slice(-3),
  ).toEqual([
    'demo.service: Start request repeated too quickly.',
    "demo.service: Failed with result 'exit-code'.",
    'Failed to start demo.service.',
  ]);
  expect((await run(['systemctl', 'start', 'nosuch'])).stderr).toBe(
    'Failed to start nosuch.service: Unit nosuch.service not found.\n',
  );
});

test('hexdump shows bytes as the real one does', async () => {
  const { run } = await bootedMachine();
  const dump = async (script: string) => (await run(['bash', '-c', script])).stdout;
  expect(await dump("printf '\\xde\\xca\\xfe\\xbaA' | hexdump -C")).toBe(
    '00000000  de ca fe ba 41                                    |....A|\n00000005\n',
  );
  expect(await dump("printf 'hello world abcdefg' | hexdump")).toBe(
    '0000000 6568 6c6c 206f 6f77 6c72 2064 6261 6463\n0000010 6665 0067\n0000013\n',
  );
  expect(await dump('head -c 64 /dev/zero | hexdump -C')).toBe(
    '00000000  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |................|\n*\n00000040\n',
  );
});

test('dd copies blocks and says how many, as coreutils do', async () => {
  const { run } = await bootedMachine();
  const sh = async (script: string) => {
    const { stdout, stderr, code } = await run(['bash', '-c', script]);
    const told = stderr.replace(/copied, \S+ s, .*/g, 'copied, S s, R');
    return `${stdout}|${told}|${code}`;
  };
  await sh('printf "hello world" > /tmp/a');
  expect(await sh('dd if=/tmp/a of=/tmp/b bs=4; cat /tmp/b')).toBe(
    'hello world|2+1 records in\n2+1 records out\n11 bytes copied, S s, R\n|0',
  );
  expect(
    await sh('dd if=/tmp/a of=/tmp/b bs=4 skip=1 count=1 seek=2 conv=notrunc; cat /tmp/b'),
  ).toBe('hello woo wo|1+0 records in\n1+0 records out\n4 bytes copied, S s, R\n|0');
  expect(await sh('dd if=/tmp/a of=/tmp/s bs=4 seek=2 status=none; hexdump -C /tmp/s')).toContain(
    '00 00 00 00 00 00 00 00  68 65 6c 6c 6f 20 77 6f',
  );
  expect(await sh('dd if=/tmp/a ibs=3 obs=5 conv=ucase')).toBe(
    'HELLO WORLD|3+1 records in\n2+1 records out\n11 bytes copied, S s, R\n|0',
  );
  expect(await sh('dd if=/dev/zero of=/tmp/z bs=1M count=3; stat -c %s /tmp/z')).toBe(
    '3145728\n|3+0 records in\n3+0 records out\n3145728 bytes (3.1 MB, 3.0 MiB) copied, S s, R\n|0',
  );
  expect(await sh('printf abc | dd bs=2 count=1 status=noxfer')).toBe(
    'ab|1+0 records in\n1+0 records out\n|0',
  );
  expect(await sh('dd if=/nope')).toBe(
    "|dd: failed to open '/nope': No such file or directory\n|1",
  );
  expect(await sh('dd if=/tmp status=none')).toBe("|dd: error reading '/tmp': Is a directory\n|1");
  expect(await sh('dd bs=0')).toBe("|dd: invalid number: '0'\n|1");
  expect(await sh('dd if=/tmp/a conv=odd')).toBe(
    "|dd: invalid conversion: 'odd'\nTry 'dd --help' for more information.\n|1",
  );
  expect(await sh('dd what=1')).toBe(
    "|dd: unrecognized operand 'what=1'\nTry 'dd --help' for more information.\n|1",
  );
});
