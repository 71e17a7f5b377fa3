import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { parseYaml } from '#core/kube';

export interface Answer {
  readonly status: number;
  readonly body: string;
}

export interface ClusterApi {
  send(
    method: string,
    path: string,
    content?: { readonly type: string; readonly body: string | Buffer },
  ): Promise<Answer>;
  close(): void;
}

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

/** The API server of a running cluster over HTTPS, with the credentials of its kubeconfig. */
export function clusterApi(kubeconfig: string): ClusterApi {
  const { clusters, users } = parseYaml(readFileSync(kubeconfig, 'utf8')) as Kubeconfig;
  const [cluster, user] = [clusters[0]?.cluster, users[0]?.user];
  const pem = (data = ''): Buffer => Buffer.from(data, 'base64');
  const agent = new Agent({
    keepAlive: true,
    ca: pem(cluster?.['certificate-authority-data']),
    cert: pem(user?.['client-certificate-data']),
    key: pem(user?.['client-key-data']),
  });
  return {
    send: (method, path, content) =>
      new Promise((resolve, reject) => {
        const outgoing = request(
          `${cluster?.server ?? ''}${path}`,
          { method, agent, headers: content ? { 'content-type': content.type } : {} },
          (incoming) => {
            let body = '';
            incoming.on('data', (chunk: Buffer) => (body += chunk.toString()));
            incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, body }));
            incoming.on('error', reject);
          },
        );
        outgoing.on('error', reject);
        outgoing.end(content?.body);
      }),
    close: () => agent.destroy(),
  };
}
