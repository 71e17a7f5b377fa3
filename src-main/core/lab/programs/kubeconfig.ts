import { fromBase64, fromUtf8 } from '#core/base';
import { parseYaml } from '#core/kube';
import type { FileSystem } from '#core/machines';

/** What a client takes from a kubeconfig for its current context. */
export interface ClientConfig {
  readonly server: string;
  /** PEM bundle; absent: none is trusted. */
  readonly ca?: string;
  readonly insecure: boolean;
  /** PEM. */
  readonly clientCertificate?: string;
  readonly clientKey?: string;
  readonly token?: string;
  /** Read again at each request: the kubelet renews it. */
  readonly tokenFile?: string;
  readonly namespace?: string;
}

/** The file cannot be used; `message` is client-go's. */
export class KubeconfigError extends Error {
  override readonly name = 'KubeconfigError';
}

interface Named {
  readonly name?: string;
  readonly [key: string]: unknown;
}

/** Reads a kubeconfig of a machine or container. @throws KubeconfigError */
export function readKubeconfig(files: FileSystem, path: string): ClientConfig {
  if (!files.exists(path)) throw new KubeconfigError(`stat ${path}: no such file or directory`);
  const text = files.readText(path);
  let parsed: unknown;
  try {
    parsed = parseYaml(text);
  } catch (error) {
    throw new KubeconfigError(
      `error loading config file "${path}": yaml: ${error instanceof Error ? (error.message.split('\n')[0] ?? '') : ''}`,
    );
  }
  const config = (typeof parsed === 'object' && parsed !== null ? parsed : {}) as Record<
    string,
    unknown
  >;
  const entry = (
    list: string,
    name: unknown,
    field: string,
  ): Record<string, unknown> | undefined => {
    const items = config[list];
    if (!Array.isArray(items)) return undefined;
    const found = (items as Named[]).find((item) => item.name === name);
    return found?.[field] as Record<string, unknown> | undefined;
  };
  const contextName = config['current-context'];
  const context = entry('contexts', contextName, 'context');
  if (!context)
    throw new KubeconfigError(
      'invalid configuration: no configuration has been provided, try setting KUBERNETES_MASTER environment variable',
    );
  const cluster = entry('clusters', context['cluster'], 'cluster') ?? {};
  const user = entry('users', context['user'], 'user') ?? {};
  const pem = (source: Record<string, unknown>, name: string): string | undefined => {
    const data = source[`${name}-data`];
    if (typeof data === 'string' && data !== '') {
      try {
        return fromUtf8(fromBase64(data));
      } catch {
        throw new KubeconfigError(
          `error loading config file "${path}": illegal base64 data at input byte 0`,
        );
      }
    }
    const file = source[name];
    if (typeof file !== 'string' || file === '') return undefined;
    if (!files.exists(file))
      throw new KubeconfigError(
        `unable to read ${name} ${file} for context due to open ${file}: no such file or directory`,
      );
    return files.readText(file);
  };
  const text1 = (value: unknown): string | undefined =>
    typeof value === 'string' && value !== '' ? value : undefined;
  const ca = pem(cluster, 'certificate-authority');
  const certificate = pem(user, 'client-certificate');
  const key = pem(user, 'client-key');
  const token = text1(user['token']);
  const tokenFile = text1(user['tokenFile']);
  const namespace = text1(context['namespace']);
  return {
    server: text1(cluster['server']) ?? 'http://localhost:8080',
    insecure: cluster['insecure-skip-tls-verify'] === true,
    ...(ca === undefined ? {} : { ca }),
    ...(certificate === undefined ? {} : { clientCertificate: certificate }),
    ...(key === undefined ? {} : { clientKey: key }),
    ...(token === undefined ? {} : { token }),
    ...(tokenFile === undefined ? {} : { tokenFile }),
    ...(namespace === undefined ? {} : { namespace }),
  };
}

/** The configuration of a process in a pod: service account token and the address in its environment. */
export function inClusterConfig(
  files: FileSystem,
  env: Readonly<Record<string, string>>,
): ClientConfig {
  const folder = '/var/run/secrets/kubernetes.io/serviceaccount';
  const host = env['KUBERNETES_SERVICE_HOST'];
  const port = env['KUBERNETES_SERVICE_PORT'];
  if (host === undefined || port === undefined)
    throw new KubeconfigError(
      'unable to load in-cluster configuration, KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must be defined',
    );
  if (!files.exists(`${folder}/token`))
    throw new KubeconfigError(`open ${folder}/token: no such file or directory`);
  return {
    server: `https://${host}:${port}`,
    insecure: false,
    ca: files.readText(`${folder}/ca.crt`),
    tokenFile: `${folder}/token`,
    ...(files.exists(`${folder}/namespace`)
      ? { namespace: files.readText(`${folder}/namespace`) }
      : {}),
  };
}
