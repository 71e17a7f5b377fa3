import { describe, expect, test } from 'vitest';
import {
  applyChanges,
  exportChanges,
  FileError,
  MemoryFileSystem,
  standardDevices,
  TreeBuilder,
  virtualFile,
  virtualTree,
} from '../../../../../src-main/core/machines/filesystem/index.ts';
import { fromUtf8, seededRandom, utf8 } from '#core/base';

const startMs = Date.parse('2026-01-01T10:00:00Z');

function baseTree() {
  return new TreeBuilder(startMs)
    .directory('/tmp', { mode: 0o1777 })
    .directory('/usr/bin')
    .symlink('usr/bin', '/bin')
    .file('/bin/tool', 'tool', { mode: 0o755 })
    .file('/etc/hosts', '127.0.0.1 localhost\n')
    .file('/etc/shadow', 'root:*\n', { mode: 0o640, gid: 42 })
    .directory('/home/ann', { uid: 1000, gid: 1000 })
    .build();
}

function fresh(options: { capacityBytes?: number } = {}) {
  return new MemoryFileSystem({ now: () => startMs, base: baseTree(), ...options });
}

function codeOf(action: () => unknown): string {
  try {
    action();
    return 'ok';
  } catch (error) {
    if (error instanceof FileError) return `${error.code} ${error.message}`;
    throw error;
  }
}

test.each<{ name: string; run: (fs: MemoryFileSystem) => unknown; want: string }>([
  { name: 'missing', run: (fs) => fs.readFile('/no'), want: 'ENOENT No such file or directory' },
  { name: 'below a file', run: (fs) => fs.stat('/etc/hosts/x'), want: 'ENOTDIR Not a directory' },
  { name: 'file with slash', run: (fs) => fs.stat('/etc/hosts/'), want: 'ENOTDIR Not a directory' },
  { name: 'read directory', run: (fs) => fs.readFile('/etc'), want: 'EISDIR Is a directory' },
  { name: 'write directory', run: (fs) => fs.writeFile('/etc', ''), want: 'EISDIR Is a directory' },
  { name: 'mkdir again', run: (fs) => fs.mkdir('/etc'), want: 'EEXIST File exists' },
  { name: 'mkdir -p again', run: (fs) => fs.mkdir('/etc', { recursive: true }), want: 'ok' },
  {
    name: 'mkdir -p on file',
    run: (fs) => fs.mkdir('/etc/hosts', { recursive: true }),
    want: 'EEXIST File exists',
  },
  { name: 'rmdir full', run: (fs) => fs.rmdir('/etc'), want: 'ENOTEMPTY Directory not empty' },
  { name: 'unlink directory', run: (fs) => fs.unlink('/etc'), want: 'EISDIR Is a directory' },
  {
    name: 'readlink of file',
    run: (fs) => fs.readlink('/etc/hosts'),
    want: 'EINVAL Invalid argument',
  },
  {
    name: 'link loop',
    run: (fs) => {
      fs.symlink('b', '/tmp/a');
      fs.symlink('a', '/tmp/b');
      return fs.readFile('/tmp/a');
    },
    want: 'ELOOP Too many levels of symbolic links',
  },
  {
    name: 'hard link to directory',
    run: (fs) => fs.link('/etc', '/e'),
    want: 'EPERM Operation not permitted',
  },
  {
    name: 'directory into itself',
    run: (fs) => fs.rename('/etc', '/etc/x'),
    want: 'EINVAL Invalid argument',
  },
  {
    name: 'file over directory',
    run: (fs) => fs.rename('/etc/hosts', '/usr'),
    want: 'EISDIR Is a directory',
  },
  {
    name: 'directory over file',
    run: (fs) => fs.rename('/usr', '/etc/hosts'),
    want: 'ENOTDIR Not a directory',
  },
  { name: 'remove forced', run: (fs) => fs.remove('/no', { force: true }), want: 'ok' },
])('$name: $want', ({ run, want }) => {
  expect(codeOf(() => run(fresh()))).toBe(want);
});

const ann = { uid: 1000, gid: 1000, groups: [1000] };
test.each<{ name: string; run: (fs: MemoryFileSystem) => unknown; want: string }>([
  { name: 'reads what all may', run: (fs) => fs.readText('/etc/hosts'), want: 'ok' },
  {
    name: 'reads a secret',
    run: (fs) => fs.readText('/etc/shadow'),
    want: 'EACCES Permission denied',
  },
  {
    name: 'writes /etc',
    run: (fs) => fs.writeFile('/etc/x', ''),
    want: 'EACCES Permission denied',
  },
  {
    name: 'appends to hosts',
    run: (fs) => fs.appendFile('/etc/hosts', 'x'),
    want: 'EACCES Permission denied',
  },
  { name: 'writes home', run: (fs) => fs.writeFile('/home/ann/x', ''), want: 'ok' },
  {
    name: 'chmods another’s',
    run: (fs) => fs.chmod('/etc/hosts', 0o777),
    want: 'EPERM Operation not permitted',
  },
  {
    name: 'gives away',
    run: (fs) => {
      fs.writeFile('/home/ann/x', '');
      fs.chown('/home/ann/x', 0, 0);
    },
    want: 'EPERM Operation not permitted',
  },
])('a user $name: $want', ({ run, want }) => {
  const fs = fresh();
  expect(codeOf(() => run(fs.as(ann)))).toBe(want);
});

test('in a sticky directory only the owner removes a file', () => {
  const fs = fresh();
  fs.as(ann).writeFile('/tmp/mine', '');
  const bob = fs.as({ uid: 1001, gid: 1001, groups: [1001] });
  expect(codeOf(() => bob.unlink('/tmp/mine'))).toBe('EPERM Operation not permitted');
  expect(fs.stat('/tmp/mine')).toMatchObject({ uid: 1000, gid: 1000, mode: 0o644 });
  fs.as(ann).unlink('/tmp/mine');
  expect(fs.exists('/tmp/mine')).toBe(false);
});

test('two file systems over one tree share it and do not see each other', () => {
  const base = baseTree();
  const a = new MemoryFileSystem({ now: () => startMs, base });
  const b = new MemoryFileSystem({ now: () => startMs, base });
  expect(a.readFile('/etc/hosts').buffer).toBe(b.readFile('/etc/hosts').buffer);
  a.appendFile('/etc/hosts', 'more\n');
  a.unlink('/bin/tool');
  a.rename('/etc', '/etc2');
  expect(a.readText('/etc2/hosts')).toBe('127.0.0.1 localhost\nmore\n');
  expect(a.exists('/etc')).toBe(false);
  expect(b.readText('/etc/hosts')).toBe('127.0.0.1 localhost\n');
  expect(b.readText('/usr/bin/tool')).toBe('tool');
  expect(a.readdir('/usr/bin')).toEqual([]);
});

test('what a reader holds does not change when the file does', () => {
  const fs = fresh();
  fs.writeFile('/tmp/log', 'one\n');
  fs.appendFile('/tmp/log', 'two\n');
  const held = fs.readFile('/tmp/log');
  fs.appendFile('/tmp/log', 'three\n');
  const open = fs.open('/tmp/log', { read: true, write: true });
  open.write(utf8('ONE'));
  fs.writeFile('/tmp/log', 'x');
  expect(fromUtf8(held)).toBe('one\ntwo\n');
});

test('an open file outlives its name', () => {
  const fs = fresh();
  const out = fs.open('/tmp/f', { write: true, create: true });
  out.write(utf8('a'));
  fs.link('/tmp/f', '/tmp/g');
  fs.unlink('/tmp/f');
  out.write(utf8('b'));
  expect(fs.readText('/tmp/g')).toBe('ab');
  expect(fs.stat('/tmp/g').links).toBe(1);
});

describe('mounts', () => {
  test('a bound directory is the same directory; read-only refuses', () => {
    const host = fresh();
    const container = fresh();
    host.mkdir('/var/lib/data', { recursive: true });
    container.bind(host, '/var/lib/data', '/data');
    container.bind(host, '/var/lib/data', '/ro', { readOnly: true });
    container.bind(host, '/etc/hosts', '/etc/hosts');
    container.writeFile('/data/x', 'hi');
    expect(host.readText('/var/lib/data/x')).toBe('hi');
    expect(codeOf(() => container.writeFile('/ro/y', ''))).toBe('EROFS Read-only file system');
    expect(codeOf(() => container.rmdir('/data'))).toBe('EBUSY Device or resource busy');
    expect(codeOf(() => container.rename('/data/x', '/tmp/x'))).toBe(
      'EXDEV Invalid cross-device link',
    );
    container.appendFile('/etc/hosts', 'from inside\n');
    expect(host.readText('/etc/hosts')).toBe('127.0.0.1 localhost\nfrom inside\n');
    expect(container.mounts.list().map((mount) => [mount.path, mount.readOnly])).toEqual([
      ['/', false],
      ['/data', false],
      ['/ro', true],
      ['/etc/hosts', false],
    ]);
    container.unmount('/data');
    expect(container.readdir('/data')).toEqual([]);
  });

  test('a tmpfs has its own room', () => {
    const fs = fresh();
    fs.mountTmpfs('/run', { sizeBytes: 8192, mode: 0o755 });
    fs.writeFile('/run/a', new Uint8Array(8192));
    expect(codeOf(() => fs.writeFile('/run/b', 'x'))).toBe('ENOSPC No space left on device');
    fs.unlink('/run/a');
    fs.writeFile('/run/b', 'x');
    expect(fs.statfs('/run/b')).toMatchObject({
      source: 'tmpfs',
      mountPoint: '/run',
      usedBytes: 4096,
    });
  });

  test('virtual files are made when they are read', () => {
    const fs = fresh();
    let forward = '0\n';
    fs.mountVirtual(
      '/proc',
      virtualTree({
        'sys/net/ipv4/ip_forward': virtualFile(
          () => forward,
          (content) => {
            forward = fromUtf8(content);
          },
        ),
        version: virtualFile(() => 'Linux\n'),
      }),
      { type: 'proc' },
    );
    expect(fs.readText('/proc/sys/net/ipv4/ip_forward')).toBe('0\n');
    fs.writeFile('/proc/sys/net/ipv4/ip_forward', '1\n');
    expect(fs.readText('/proc/sys/net/ipv4/ip_forward')).toBe('1\n');
    expect(fs.readdir('/proc')).toEqual(['sys', 'version']);
    expect(codeOf(() => fs.writeFile('/proc/version', 'x'))).toBe('EACCES Permission denied');
  });

  test('devices', () => {
    const fs = fresh();
    for (const [path, device] of Object.entries(standardDevices(seededRandom('d')))) {
      fs.mkdir('/dev', { recursive: true });
      fs.mknod(path, device);
    }
    fs.writeFile('/dev/null', 'gone');
    expect(fs.readText('/dev/null')).toBe('');
    expect(fs.open('/dev/zero', { read: true }).read(3)).toEqual(new Uint8Array(3));
    expect(codeOf(() => fs.writeFile('/dev/full', 'x'))).toBe('ENOSPC No space left on device');
  });
});

describe('watch', () => {
  test('a directory tells of what is below, through bind mounts too', () => {
    const host = fresh();
    host.mkdir('/data');
    const container = fresh();
    container.bind(host, '/data', '/mnt/data');
    const seen: string[] = [];
    const watch = host.watch('/data', (path) => seen.push(`host ${path}`));
    container.watch('/mnt/data', (path) => seen.push(`container ${path}`));
    container.writeFile('/mnt/data/a', '1');
    host.rename('/data/a', '/data/b');
    watch.dispose();
    host.unlink('/data/b');
    expect(seen).toEqual([
      'host /data/a',
      'container /mnt/data/a',
      'host /data/a',
      'container /mnt/data/a',
      'host /data/b',
      'container /mnt/data/b',
      'container /mnt/data/b',
    ]);
  });

  test('a file that does not exist yet, replaced by renaming, and behind a link', () => {
    const fs = fresh();
    let changes = 0;
    fs.watch('/tmp/new/file', () => (changes += 1));
    fs.mkdir('/tmp/new');
    fs.writeFile('/tmp/new/file', '1');
    const afterWrite = changes;
    fs.writeFile('/tmp/new/.swap', '2');
    fs.rename('/tmp/new/.swap', '/tmp/new/file');
    expect([afterWrite > 0, changes > afterWrite]).toEqual([true, true]);
    fs.symlink('/tmp/new/file', '/tmp/link');
    let throughLink = 0;
    fs.watch('/tmp/link', () => (throughLink += 1));
    fs.appendFile('/tmp/new/file', '3');
    expect(throughLink).toBe(1);
  });
});

test('exported changes rebuild the same tree over the same base', () => {
  const fs = fresh();
  fs.writeFile('/etc/hosts', 'changed\n');
  fs.chmod('/etc/shadow', 0o600);
  fs.unlink('/bin/tool');
  fs.rename('/home/ann', '/home/eve');
  fs.mkdir('/opt/x', { recursive: true });
  fs.symlink('../x', '/opt/x/self');
  fs.as(ann).writeFile('/tmp/a', 'a');
  fs.link('/tmp/a', '/tmp/b');
  const changes = exportChanges(fs);
  const copy = fresh();
  applyChanges(copy, changes);
  expect(exportChanges(copy)).toEqual(changes);
  expect(copy.readText('/etc/hosts')).toBe('changed\n');
  expect(copy.stat('/tmp/b')).toMatchObject({ uid: 1000, links: 2 });
  expect(copy.exists('/home/ann')).toBe(false);
  expect(exportChanges(fresh())).toEqual([]);
});
