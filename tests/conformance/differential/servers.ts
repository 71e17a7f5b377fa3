import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import type { ApiRequest } from '#core/kube';
import { fromUtf8, utf8 } from '#core/base';
import { httpsTransport } from '#tests/https-transport';

/** One of the two API servers whose answers are compared. */
export interface Server {
  readonly name: string;
  send(
    method: ApiRequest['method'],
    path: string,
    body?: unknown,
    contentType?: string,
  ): Promise<Answer>;
  close(): void;
}

export interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
  /** The texts of the `Warning` headers. */
  readonly warnings: readonly string[];
}

interface Kubeconfig {
  readonly clusters: readonly [
    {
      readonly cluster: { readonly server: string; readonly 'certificate-authority-data': string };
    },
  ];
  readonly users: readonly [
    {
      readonly user: {
        readonly 'client-certificate-data': string;
        readonly 'client-key-data': string;
      };
    },
  ];
}

/** The cluster of a kubeconfig with one context and the certificates inside. */
export function connect(name: string, kubeconfig: string): Server {
  const { clusters, users } = load(readFileSync(kubeconfig, 'utf8')) as Kubeconfig;
  const pem = (data: string): string => Buffer.from(data, 'base64').toString();
  const transport = httpsTransport({
    server: clusters[0].cluster.server,
    ca: pem(clusters[0].cluster['certificate-authority-data']),
    clientCertificate: pem(users[0].user['client-certificate-data']),
    clientKey: pem(users[0].user['client-key-data']),
  });
  return {
    name,
    close: () => transport.close(),
    send: async (method, path, body, contentType = 'application/json') => {
      const response = await transport.send({
        method,
        url: path,
        headers: { accept: 'application/json', 'content-type': contentType },
        ...(body === undefined ? {} : { body: utf8(JSON.stringify(body)) }),
      });
      const text = response.body?.kind === 'bytes' ? fromUtf8(response.body.bytes) : '';
      let parsed: Record<string, unknown>;
      try {
        parsed = JSON.parse(text) as Record<string, unknown>;
      } catch {
        parsed = { text };
      }
      return {
        status: response.status,
        body: parsed,
        warnings: (response.headers['warning'] ?? '')
          .split(/(?:^|, )299 - /)
          .filter((part) => part !== ''),
      };
    },
  };
}
