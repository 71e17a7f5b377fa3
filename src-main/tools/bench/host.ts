import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { createRpcClient, type RpcClient } from '#contract';
import { connectControl } from '#node/control';

/** A web host of the build, in a process of its own. */
export interface BenchHost {
  readonly rpc: RpcClient;
  readonly launchUrl: string;
  /** Resident memory of the host, MiB. */
  memory(): number;
  /** Processor time of the host so far, of all its threads, ms. */
  cpuMs(): number;
  stop(): Promise<void>;
}

/** Starts the host and waits until it has printed its link and answers. */
export async function startHost(program: string, dataFolder: string): Promise<BenchHost> {
  const child = spawn(process.execPath, [...process.execArgv, program, '--data', dataFolder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const launchUrl = await firstLink(child);
  const port = await connectControl(dataFolder);
  if (!port) throw new Error('the host listens on no socket');
  const rpc = createRpcClient(port);
  await rpc.call('app.info', {});
  return {
    rpc,
    launchUrl,
    memory: () => residentMiB(child.pid ?? 0),
    cpuMs: () => processorMs(child.pid ?? 0),
    stop: async () => {
      port.close();
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
    },
  };
}

function firstLink(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    if (!child.stdout) throw new Error('the host has no output');
    createInterface({ input: child.stdout }).on('line', (line) => {
      const link = /http:\/\/\S+/.exec(line)?.[0];
      if (link !== undefined) resolve(link);
    });
    child.once('exit', (code) => reject(new Error(`the host ended with code ${code}`)));
  });
}

function residentMiB(pid: number): number {
  if (process.platform === 'linux') {
    const kilobytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return Number(kilobytes ?? 0) / 1024;
  }
  return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' })) / 1024;
}

/** Linux counts in hundredths of a second; `ps` prints `[[days-]hours:]minutes:seconds`. */
function processorMs(pid: number): number {
  if (process.platform === 'linux') {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10;
  }
  const text = execFileSync('ps', ['-o', 'cputime=', '-p', String(pid)], { encoding: 'utf8' });
  return text
    .trim()
    .replace('-', ':')
    .split(':')
    .map(Number)
    .reduceRight((sum, part, index, all) => sum + part * unitMs(all.length - 1 - index), 0);
}

const unitMs = (place: number): number => [1000, 60_000, 3_600_000, 86_400_000][place] ?? 0;
