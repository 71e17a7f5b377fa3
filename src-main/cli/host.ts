import { spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { join } from 'node:path';
import { createRpcClient, type RpcClient } from '#contract';
import { connectControl } from '#node/control';
import { prepareDataFolder } from '#node/paths';

export interface HostConnection {
  readonly rpc: RpcClient;
  close(): void;
}

const startLimitMs = 30_000;
const pollMs = 50;

/** The host that serves a data folder: a running one, else a new one in the background. */
export async function reachHost(dataFolder: string, program: string): Promise<HostConnection> {
  const data = prepareDataFolder(dataFolder);
  return (await connectHost(data)) ?? startBackground(data, program);
}

/** The host that runs already; undefined when there is none. */
export async function connectHost(dataFolder: string): Promise<HostConnection | undefined> {
  const port = await connectControl(dataFolder);
  return port && { rpc: createRpcClient(port), close: () => port.close() };
}

async function startBackground(dataFolder: string, program: string): Promise<HostConnection> {
  const output = openSync(join(dataFolder, 'background.out'), 'w', 0o600);
  const child = spawn(
    process.execPath,
    [...process.execArgv, program, 'daemon', '--data', dataFolder],
    {
      detached: true,
      stdio: ['ignore', output, output],
    },
  );
  child.unref();
  let ended: string | undefined;
  child.once('error', (error) => (ended = error.message));
  child.once('exit', (code) => (ended = `it ended with code ${code ?? 'none'}`));
  for (let waitedMs = 0; waitedMs < startLimitMs; waitedMs += pollMs) {
    const connection = await connectHost(dataFolder);
    if (connection) return connection;
    if (ended !== undefined) break;
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
  throw new Error(
    `Kijabi did not start in the background (${ended ?? 'it does not answer'}); see ${join(dataFolder, 'background.out')} and ${join(dataFolder, 'logs', 'kijabi.log')}`,
  );
}
