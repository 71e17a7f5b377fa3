import { formatYaml, type KubeObject } from '#core/kube';

const name = 'cloud-controller-manager';
const rbac = 'rbac.authorization.k8s.io';

/**
 * The cloud controller manager as the example of Kubernetes' documentation installs it, with the addresses that its
 * load balancers may have.
 *
 * @see https://kubernetes.io/docs/tasks/administer-cluster/running-cloud-controller/
 */
export function cloudObjects(options: {
  readonly kubernetesVersion: string;
  readonly loadBalancerPool: string;
}): KubeObject[] {
  const labels = { 'k8s-app': name };
  const namespace = 'kube-system';
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } },
    {
      apiVersion: `${rbac}/v1`,
      kind: 'ClusterRoleBinding',
      metadata: { name: `system:${name}` },
      roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [{ kind: 'ServiceAccount', name, namespace }],
    },
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'cloud-config', namespace },
      data: {
        'cloud.conf': formatYaml({ loadBalancer: { addresses: [options.loadBalancerPool] } }),
      },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: { name, namespace, labels },
      spec: {
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            serviceAccountName: name,
            hostNetwork: true,
            priorityClassName: 'system-cluster-critical',
            nodeSelector: { 'node-role.kubernetes.io/control-plane': '' },
            tolerations: [
              {
                key: 'node.cloudprovider.kubernetes.io/uninitialized',
                value: 'true',
                effect: 'NoSchedule',
              },
              {
                key: 'node-role.kubernetes.io/control-plane',
                operator: 'Exists',
                effect: 'NoSchedule',
              },
            ],
            containers: [
              {
                name,
                image: `registry.k8s.io/${name}:${options.kubernetesVersion}`,
                imagePullPolicy: 'IfNotPresent',
                command: [
                  `/usr/local/bin/${name}`,
                  '--cloud-provider=pool',
                  '--cloud-config=/etc/cloud/cloud.conf',
                  '--leader-elect=true',
                  '--use-service-account-credentials',
                ],
                livenessProbe: { httpGet: { path: '/healthz', port: 10258, scheme: 'HTTPS' } },
                readinessProbe: { httpGet: { path: '/healthz', port: 10258, scheme: 'HTTPS' } },
                resources: { requests: { cpu: '50m', memory: '50Mi' } },
                volumeMounts: [{ name: 'cloud-config', mountPath: '/etc/cloud', readOnly: true }],
              },
            ],
            volumes: [{ name: 'cloud-config', configMap: { name: 'cloud-config' } }],
          },
        },
      },
    },
  ];
}
