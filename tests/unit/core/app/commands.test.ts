import { firstStreamId } from '#contract';
import { fromUtf8, utf8 } from '#core/base';
import { failure } from '#core/kube';
import { testApp } from '#tests/app';
import { expect, test } from 'vitest';

const where = { clusterId: 'a', host: 'base', command: 'cat' };

/** An app whose engine takes commands, number 1 first. */
function commandApp() {
  const made = testApp({
    startCommand: async () => undefined,
    writeCommand: async () => undefined,
    takenFromCommand: async () => undefined,
    signalCommand: async () => undefined,
  });
  const heard: string[] = [];
  made.rpc.onTerminal(firstStreamId, (bytes) => heard.push(`out ${fromUtf8(bytes)}`));
  made.rpc.onTerminal(firstStreamId + 1, (bytes) => heard.push(`err ${fromUtf8(bytes)}`));
  return { ...made, heard };
}

test('a command has its input, its two outputs and its exit code', async () => {
  const { rpc, source, heard } = commandApp();
  const ended = rpc.call('commands.run', { ...where, streamId: firstStreamId, input: true });
  rpc.writeTerminal(firstStreamId, utf8('in'));
  rpc.writeTerminal(firstStreamId, new Uint8Array());
  await rpc.call('commands.drained', { streamId: firstStreamId });
  source.emit('commandData', { commandId: 1, stream: 'stdout', bytes: utf8('a') });
  source.emit('commandData', { commandId: 1, stream: 'stderr', bytes: utf8('b') });
  await rpc.call('commands.taken', { streamId: firstStreamId, bytes: 2 });
  await rpc.call('commands.signal', { streamId: firstStreamId, signal: 'SIGINT' });
  source.emit('commandExit', { commandId: 1, exitCode: 130 });
  expect(await ended).toEqual({ exitCode: 130 });
  expect(heard).toEqual(['out a', 'err b']);
  expect(source.calls).toEqual([
    ['startCommand', 1, { ...where, input: true }],
    ['writeCommand', 1, utf8('in')],
    ['writeCommand', 1, new Uint8Array()],
    ['takenFromCommand', 1, 2],
    ['signalCommand', 1, 'SIGINT'],
  ]);
});

test('two pages may use the same number, one page may not use it twice', async () => {
  const { rpc, connect, source, heard } = commandApp();
  const run = { ...where, streamId: firstStreamId, input: false };
  void rpc.call('commands.run', run);
  void connect().call('commands.run', run);
  await expect(rpc.call('commands.run', run)).rejects.toThrow(
    `commands.run: stream ${firstStreamId} belongs to another command`,
  );
  source.emit('commandData', { commandId: 2, stream: 'stdout', bytes: utf8('other') });
  source.emit('commandData', { commandId: 1, stream: 'stdout', bytes: utf8('own') });
  expect(heard).toEqual(['out own']);
});

test('a page that closes hangs up', async () => {
  const { connect, source } = commandApp();
  const page = connect();
  page.call('commands.run', { ...where, streamId: firstStreamId, input: false }).catch(() => 0);
  await expect.poll(() => source.calls.length).toBe(1);
  page.close();
  await expect.poll(() => source.calls[1]).toEqual(['signalCommand', 1, 'SIGHUP']);
});

test('a number of a terminal is refused, and so is what the engine refuses', async () => {
  const { rpc } = testApp({
    startCommand: async () => {
      throw failure(503, 'ServiceUnavailable', 'base is switched off');
    },
  });
  const run = (streamId: number) => rpc.call('commands.run', { ...where, streamId, input: false });
  await expect(run(1)).rejects.toThrow(/streamId must be from 2147483648 to 4294967294/);
  await expect(run(firstStreamId)).rejects.toThrow('base is switched off');
});
