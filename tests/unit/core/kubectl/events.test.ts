import { beforeAll, expect, test } from 'vitest';
import { kubectlPlane } from '#tests/kubectl-plane';

const { run } = kubectlPlane();

const event = (name: string, type: string, message: string, count: number, secondsAgo: number) => {
  const ago = (seconds: number) =>
    new Date(Date.now() - seconds * 1000).toISOString().replace(/\.\d+Z/, 'Z');
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name },
    involvedObject: { kind: 'Pod', name: 'web', namespace: 'default', apiVersion: 'v1' },
    type,
    reason: 'Tested',
    message,
    count,
    firstTimestamp: ago(secondsAgo + 3600),
    lastTimestamp: ago(secondsAgo),
  });
};

beforeAll(async () => {
  await run('apply -f -', { stdin: event('a.1', 'Normal', 'late', 1, 7200) });
  await run('apply -f -', { stdin: event('a.2', 'Warning', 'often\n', 3, 10_800) });
});

test('events stand in the order of their last times, with how often they came', async () => {
  expect(await run('events')).toEqual({
    stdout:
      'LAST SEEN         TYPE      REASON   OBJECT    MESSAGE\n' +
      '3h (x3 over 4h)   Warning   Tested   Pod/web   often\n' +
      '3h                Normal    Tested   Pod/web   late\n',
    stderr: '',
    code: 0,
  });
});

test.each([
  ['events --types=Warning --no-headers', /^3h \(x3 over 4h\) .*often\n$/],
  ['events --for pod/web --types=normal --no-headers', /^3h .*late\n$/],
  ['events -o jsonpath={.items[*].message}', /^often\n late$/],
  ['events -A', /^NAMESPACE +LAST SEEN +TYPE/],
])('%s', async (line, stdout) => {
  const outcome = await run(line);
  expect({ stderr: outcome.stderr, code: outcome.code }).toEqual({ stderr: '', code: 0 });
  expect(outcome.stdout).toMatch(stdout);
});

test.each([
  ['events --for pod/none', 0, 'No events found in default namespace.\n'],
  ['events --for web', 1, 'error: --for must be in resource/name form\n'],
  ['events --for foo/bar', 1, 'the server doesn\'t have a resource type "foo"\n'],
  ['events --types=Odd', 1, 'error: valid --types are Normal or Warning\n'],
])('%s', async (line, code, stderr) => {
  expect(await run(line)).toEqual({ stdout: '', stderr, code });
});
