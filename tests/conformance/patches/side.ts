import { readFileSync } from 'node:fs';
import { fromUtf8, utf8 } from '#core/base';
import { parseYaml, type SendHttps, type Transport } from '#core/kube';
import { startControlPlane } from '#tests/control-plane';
import { httpsTransport } from '#tests/https-transport';

/** One request; both servers get the same. */
export interface Step {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: string;
  readonly type?: string;
  readonly body?: unknown;
  /** Sent until the answer has this text: for what a server does a moment later. */
  readonly until?: string;
}

export interface Answer {
  readonly status: number;
  readonly warning: string;
  readonly body: unknown;
}

/** What a request that made the server drop its connection is told as: upstream's handlers can panic. */
export const dropped = 'connection dropped';

/** One of the two servers. */
export interface Side {
  send(step: Step): Promise<Answer>;
  close(): Promise<void>;
}

const sideOf = (transport: Transport, close: () => Promise<void>): Side => {
  const once = async (step: Step): Promise<Answer & { text: string }> => {
    const { status, headers, body } = await transport.send({
      method: step.method,
      url: step.url,
      headers: {
        accept: 'application/json',
        'user-agent': 'patches/1',
        ...(step.body === undefined ? {} : { 'content-type': step.type ?? 'application/json' }),
      },
      ...(step.body === undefined
        ? {}
        : { body: utf8(typeof step.body === 'string' ? step.body : JSON.stringify(step.body)) }),
    });
    const text =
      body.kind === 'object'
        ? [...body.encode()].join('')
        : body.kind === 'bytes'
          ? fromUtf8(body.bytes)
          : '';
    const json = text.startsWith('{') ? (JSON.parse(text) as unknown) : text;
    return { status, warning: headers['warning'] ?? '', body: json, text };
  };
  return {
    send: async (step) => {
      for (let attempt = 0; ; attempt++) {
        const { text, ...answer } = await once(step).catch(() => ({
          status: 0,
          warning: '',
          body: dropped,
          text: '',
        }));
        if (step.until === undefined || text.includes(step.until) || attempt === 100) return answer;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    close,
  };
};

interface Kubeconfig {
  readonly clusters: readonly { readonly cluster: Readonly<Record<string, string>> }[];
  readonly users: readonly { readonly user: Readonly<Record<string, string>> }[];
}

/** A real cluster, by its kubeconfig. */
export function realSide(kubeconfig: string): Side {
  const { clusters, users } = parseYaml(readFileSync(kubeconfig, 'utf8')) as Kubeconfig;
  const cluster = clusters[0]?.cluster ?? {};
  const user = users[0]?.user ?? {};
  const pem = (data = ''): string => Buffer.from(data, 'base64').toString();
  const transport = httpsTransport({
    server: cluster['server'] ?? '',
    ca: pem(cluster['certificate-authority-data']),
    clientCertificate: pem(user['client-certificate-data']),
    clientKey: pem(user['client-key-data']),
  });
  return sideOf(transport, () => Promise.resolve(transport.close()));
}

/** The engine's API server, without controllers. */
export async function ourSide(options: { readonly sendHttps?: SendHttps } = {}): Promise<Side> {
  const plane = await startControlPlane({ controllers: false, ...options });
  return sideOf(plane.admin, () => plane.stop());
}
