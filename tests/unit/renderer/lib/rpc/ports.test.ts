import { expect, test } from 'vitest';
import { createRpcClient, RpcError } from '#contract';
import { pagePort, socketPort } from '../../../../../src-renderer/lib/rpc/index.ts';

/** A browser's WebSocket whose other end is the test. */
class FakeSocket extends EventTarget {
  readonly sent: (string | Uint8Array)[] = [];
  readyState = 1;
  binaryType = 'blob';

  send(data: string | Uint8Array): void {
    this.sent.push(data);
  }
  close(): void {
    this.readyState = 3;
    this.dispatchEvent(new Event('close'));
  }
  receive(data: string | ArrayBuffer): void {
    this.dispatchEvent(new MessageEvent('message', { data }));
  }
}

test('a call travels as JSON text and is answered', async () => {
  const socket = new FakeSocket();
  const rpc = createRpcClient(socketPort(socket as unknown as WebSocket));
  const answer = rpc.call('app.doctor', {});
  expect(socket.sent).toEqual(['{"kind":"request","id":1,"method":"app.doctor","params":{}}']);
  socket.receive('{"kind":"reply","id":1,"result":[]}');
  expect(await answer).toEqual([]);
});

test('terminal bytes carry the id in four bytes, most significant first, both ways', () => {
  const socket = new FakeSocket();
  const rpc = createRpcClient(socketPort(socket as unknown as WebSocket));
  const heard: number[][] = [];
  rpc.onTerminal(258, (bytes) => heard.push([...bytes]));
  rpc.writeTerminal(258, new Uint8Array([0xed, 0x95, 0x9c]));
  expect(socket.sent).toEqual([new Uint8Array([0, 0, 1, 2, 0xed, 0x95, 0x9c])]);
  socket.receive(new Uint8Array([0, 0, 1, 2, 65, 66]).buffer);
  socket.receive(new Uint8Array([0, 0, 1, 3, 67]).buffer);
  socket.receive(new Uint8Array([0, 0, 1]).buffer);
  expect(heard).toEqual([[65, 66]]);
});

test('a broken connection fails the calls under way and drops what is typed afterwards', async () => {
  const socket = new FakeSocket();
  const rpc = createRpcClient(socketPort(socket as unknown as WebSocket));
  const answer = rpc.call('today.get', {});
  const { length } = socket.sent;
  socket.close();
  await expect(answer).rejects.toThrow(RpcError);
  await expect(answer).rejects.toThrow('the connection to the core was lost');
  rpc.writeTerminal(1, new Uint8Array([65]));
  expect(socket.sent).toHaveLength(length);
});

test('a page port tells frames from bytes', async () => {
  const { port1, port2 } = new MessageChannel();
  const rpc = createRpcClient(pagePort(port1));
  const heard = new Promise<Uint8Array>((resolve) => rpc.onTerminal(7, resolve));
  port2.onmessage = ({ data }: MessageEvent<{ id?: number; terminalId?: number }>) => {
    if (data.id !== undefined) port2.postMessage({ kind: 'reply', id: data.id, result: [] });
    else port2.postMessage(data);
  };
  expect(await rpc.call('app.doctor', {})).toEqual([]);
  rpc.writeTerminal(7, new Uint8Array([1, 2]));
  expect([...(await heard)]).toEqual([1, 2]);
  port1.close();
  port2.close();
});
