// A process to be killed: puts one key after another into a store and prints `ack N` when N is on disk, `refused
// REASON` when it is not.
import fs from 'node:fs';
import { createStore, StoreUnavailableError } from '#core/kube';
import { createClusterFile } from '#node/sqlite';
import { TestTime } from '#tests/sim';

const { log } = createClusterFile(process.argv[2] ?? '');
const codec = { encode: (value: string) => value, decode: (text: string) => text };
const store = createStore({ clock: new TestTime().clock, codec, log });
for (let i = 0; ; i++) {
  try {
    store.put(`k${i}`, 'x'.repeat(300));
    await store.durable();
    fs.writeSync(1, `ack ${i}\n`);
  } catch (error) {
    if (!(error instanceof StoreUnavailableError)) throw error;
    fs.writeSync(1, `refused ${error.message}\n`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
