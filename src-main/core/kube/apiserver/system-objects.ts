import type { KubeObject } from '../machinery/index.ts';

export interface SystemObjectsOptions {
  /** PEM. */
  readonly clientCa?: string;
  readonly requestHeader?: {
    readonly ca: string;
    readonly allowedNames: readonly string[];
    readonly usernameHeaders: readonly string[];
    readonly groupHeaders: readonly string[];
    readonly extraHeaderPrefixes: readonly string[];
  };
}

/** An object and where it is created. */
export interface SystemObject {
  readonly url: string;
  readonly object: KubeObject;
}

/**
 * What every API server creates at its start beside namespaces and the default policy: the two system priority
 * classes and the ConfigMap that extension servers learn their trust from.
 *
 * @see k8s.io/kubernetes/pkg/apis/scheduling/helpers.go; pkg/controlplane/controller/clusterauthenticationtrust
 */
export function systemObjects({ clientCa, requestHeader }: SystemObjectsOptions): SystemObject[] {
  const priorityClass = (name: string, value: number, description: string): SystemObject => ({
    url: '/apis/scheduling.k8s.io/v1/priorityclasses',
    object: {
      apiVersion: 'scheduling.k8s.io/v1',
      kind: 'PriorityClass',
      metadata: { name },
      value,
      description,
    },
  });
  return [
    priorityClass(
      'system-node-critical',
      2_000_001_000,
      'Used for system critical pods that must not be moved from their current node.',
    ),
    priorityClass(
      'system-cluster-critical',
      2_000_000_000,
      'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
    ),
    {
      url: '/api/v1/namespaces/kube-system/configmaps',
      object: {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'extension-apiserver-authentication', namespace: 'kube-system' },
        data: {
          ...(clientCa === undefined ? {} : { 'client-ca-file': clientCa }),
          ...(requestHeader
            ? {
                'requestheader-allowed-names': JSON.stringify(requestHeader.allowedNames),
                'requestheader-client-ca-file': requestHeader.ca,
                'requestheader-extra-headers-prefix': JSON.stringify(
                  requestHeader.extraHeaderPrefixes,
                ),
                'requestheader-group-headers': JSON.stringify(requestHeader.groupHeaders),
                'requestheader-username-headers': JSON.stringify(requestHeader.usernameHeaders),
              }
            : {}),
        },
      },
    },
  ];
}
