import { toBase64, utf8 } from '#core/base';
import type { KeyPair } from './pki.ts';
import { formatYaml } from '#core/kube';

export interface KubeconfigOptions {
  readonly server: string;
  /** PEM. */
  readonly ca: string;
  readonly user: string;
  readonly clusterName?: string;
  readonly contextName?: string;
  /** Embedded credentials … */
  readonly credentials?: KeyPair;
  /** … or the path of a file that holds certificate and key. */
  readonly credentialsFile?: string;
}

/** A kubeconfig as `kubeadm init phase kubeconfig` writes it. */
export function kubeconfig(options: KubeconfigOptions): string {
  const cluster = options.clusterName ?? 'kubernetes';
  const context = options.contextName ?? `${options.user}@${cluster}`;
  const base64 = (text: string): string => toBase64(utf8(text));
  return formatYaml({
    apiVersion: 'v1',
    clusters: [
      {
        cluster: { 'certificate-authority-data': base64(options.ca), server: options.server },
        name: cluster,
      },
    ],
    contexts: [{ context: { cluster, user: options.user }, name: context }],
    'current-context': context,
    kind: 'Config',
    preferences: {},
    users: [
      {
        name: options.user,
        user: options.credentials
          ? {
              'client-certificate-data': base64(options.credentials.certificate),
              'client-key-data': base64(options.credentials.privateKey),
            }
          : {
              'client-certificate': options.credentialsFile,
              'client-key': options.credentialsFile,
            },
      },
    ],
  });
}
