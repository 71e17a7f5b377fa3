import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import type { Disposable } from '#core/base';
import { parseYaml } from '#core/kube';

interface Kubeconfig {
  readonly clusters: readonly {
    readonly cluster: { readonly server: string; readonly 'certificate-authority-data': string };
  }[];
  readonly users: readonly {
    readonly user: {
      readonly 'client-certificate-data': string;
      readonly 'client-key-data': string;
    };
  }[];
}

/** An event of a watch, as far as the measurements look. */
export interface WatchEvent {
  readonly type: string;
  readonly object: { readonly metadata?: { readonly name?: string } };
}

/** JSON requests over HTTPS with the rights of a kubeconfig, as a client outside sends them. */
export interface ApiClient {
  /** @throws Error the answer is not 2xx. */
  send<T>(method: string, path: string, body?: unknown): Promise<T>;
  /** The same, answered with the text. */
  sendText(method: string, path: string, body?: unknown): Promise<string>;
  /** Calls `onEvent` for each event of a watch until it is disposed. */
  watch(path: string, onEvent: (event: WatchEvent) => void): Disposable;
  close(): void;
}

export function apiClient(kubeconfig: string): ApiClient {
  const config = parseYaml(readFileSync(kubeconfig, 'utf8')) as Kubeconfig;
  const [{ cluster }, { user }] = [config.clusters[0], config.users[0]] as [
    Kubeconfig['clusters'][0],
    Kubeconfig['users'][0],
  ];
  const pem = (data: string): Buffer => Buffer.from(data, 'base64');
  const agent = new Agent({
    keepAlive: true,
    maxSockets: 32,
    ca: pem(cluster['certificate-authority-data']),
    cert: pem(user['client-certificate-data']),
    key: pem(user['client-key-data']),
  });
  const sendText = (method: string, path: string, body?: unknown): Promise<string> =>
    new Promise((resolve, reject) => {
      const outgoing = request(
        cluster.server + path,
        { method, agent, headers: { 'content-type': 'application/json' } },
        (incoming) => {
          const chunks: Buffer[] = [];
          incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
          incoming.on('end', () => {
            const text = Buffer.concat(chunks).toString('utf8');
            if ((incoming.statusCode ?? 500) < 300) resolve(text);
            else reject(new Error(`${method} ${path}: ${incoming.statusCode} ${text}`));
          });
        },
      );
      outgoing.once('error', reject);
      outgoing.end(body === undefined ? undefined : JSON.stringify(body));
    });
  return {
    sendText,
    send: async <T>(method: string, path: string, body?: unknown) =>
      JSON.parse(await sendText(method, path, body)) as T,
    watch: (path, onEvent) => {
      // It ends when it is disposed, or with the host.
      const ended = (): void => undefined;
      const outgoing = request(cluster.server + path, { agent }, (incoming) => {
        let rest = '';
        incoming.setEncoding('utf8').on('error', ended);
        incoming.on('data', (text: string) => {
          const lines = (rest + text).split('\n');
          rest = lines.pop() ?? '';
          for (const line of lines) onEvent(JSON.parse(line) as WatchEvent);
        });
      });
      outgoing.on('error', ended);
      outgoing.end();
      return { dispose: () => void outgoing.destroy() };
    },
    close: () => agent.destroy(),
  };
}

/** Runs `count` jobs, `parallel` at a time. */
export async function inParallel(
  count: number,
  parallel: number,
  job: (index: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await job(next++);
  };
  await Promise.all(Array.from({ length: parallel }, worker));
}
