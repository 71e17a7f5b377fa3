import { describe, expect, it } from 'vitest';
import { fromUtf8, utf8 } from '#core/base';
import { node, run, start, useImageNode } from './image-node.ts';

useImageNode();

describe('services', () => {
  it('redis keeps values', async () => {
    const redis = await start('redis:alpine');
    const cli = async (...words: string[]) => {
      const done = node.containerd.runtime.execSync(redis.id, ['redis-cli', ...words], 0);
      await node.time.advance(0);
      return fromUtf8((await done).stdout);
    };
    expect(await cli('ping')).toBe('PONG\n');
    expect(await cli('set', 'a', 'two words')).toBe('OK\n');
    expect(await cli('get', 'a')).toBe('two words\n');
    expect(await cli('get', 'none')).toBe('\n');
  });

  it('perl prints π as the documentation’s Job does', async () => {
    const job = await start('perl:5.34.0', {
      command: ['perl', '-Mbignum=bpi', '-wle', 'print bpi(2000)'],
    });
    await node.time.advance(10_000);
    const [text = ''] = await job.log();
    expect(text).toHaveLength(2001);
    expect(text.slice(0, 52)).toBe('3.14159265358979323846264338327950288419716939937510');
    expect(text.slice(-30)).toBe('908658326459958133904780275901');
  });

  it.each([
    ['mysql:8.0', 'You need to specify one of the following as an environment variable:'],
    ['postgres:16', 'Error: Database is uninitialized and superuser password is not specified.'],
  ])('%s wants a password', async (image, line) => {
    const database = await start(image);
    expect((await database.log()).some((text) => text.includes(line))).toBe(true);
    expect((await node.containerd.runtime.containerStatus(database.id)).exitCode).toBe(1);
  });

  it('databases listen once they have it', async () => {
    const database = await start('mysql:8.0', {
      env: [{ name: 'MYSQL_ROOT_PASSWORD', value: 'x' }],
    });
    expect((await run('nc', '-zv', database.address, '3306')).code).toBe(0);
  });

  it('stress is killed beyond its limit', async () => {
    const { id } = await start('polinux/stress', {
      command: ['stress', '--vm', '1', '--vm-bytes', '250M', '--vm-hang', '1'],
      resources: { memoryLimitBytes: 100 * 1024 * 1024 },
    });
    expect((await node.containerd.runtime.containerStatus(id)).reason).toBe('OOMKilled');
  });

  it.each([
    ['kiamol/ch02-hello-kiamol', [], 80, 'Hello from Chapter 2!'],
    ['httpd:2.4', [], 80, '<html><body><h1>It works!</h1></body></html>\n'],
    ['hashicorp/http-echo', ['-text=hi'], 5678, 'hi\n'],
    [
      'gcr.io/google-samples/hello-app:1.0',
      [],
      8080,
      'Hello, world!\nVersion: 1.0.0\nHostname: gcr-io-google-samples-hello-app-1-0\n',
    ],
    ['gcr.io/google_samples/gb-frontend:v3', [], 80, 'Guestbook'],
    ['python:3.12', ['python3', '-m', 'http.server', '8000'], 8000, 'Directory listing for /'],
    ['busybox', ['httpd', '-f', '-p', '8080', '-h', '/etc'], 8080, 'NOT FOUND'],
  ])('%s answers', async (image, args, port, text) => {
    const web = await start(image, { args });
    const got = await run('curl', '-s', `${web.address}:${port}/`);
    expect(got.out.toUpperCase()).toContain(text.toUpperCase());
    expect(utf8(got.out).length).toBeGreaterThan(0);
  });
});
