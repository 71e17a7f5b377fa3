import type { KubeObject } from '#core/kube';

/** The release whose objects these are shaped after. */
export const calicoVersion = 'v3.32.1';

/**
 * The pod network of a new cluster: Calico's node agent, which configures the CNI of each node and enforces
 * network policies, and its controllers. Reduced to what acts in a simulated machine.
 */
export function cniObjects(): KubeObject[] {
  const labels = { 'k8s-app': 'calico-node' };
  const controllersLabels = { 'k8s-app': 'calico-kube-controllers' };
  const rbac = 'rbac.authorization.k8s.io';
  return [
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'calico-config', namespace: 'kube-system' },
      data: {
        calico_backend: 'bird',
        typha_service_name: 'none',
        veth_mtu: '0',
        cni_network_config: JSON.stringify(cniNetworkConfig, null, 2),
      },
    },
    ...['calico-node', 'calico-kube-controllers'].map((name): KubeObject => ({
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name, namespace: 'kube-system' },
    })),
    {
      apiVersion: `${rbac}/v1`,
      kind: 'ClusterRole',
      metadata: { name: 'calico-node' },
      rules: [
        {
          apiGroups: [''],
          resources: ['pods', 'nodes', 'namespaces', 'serviceaccounts'],
          verbs: ['get', 'list', 'watch'],
        },
        {
          apiGroups: ['networking.k8s.io'],
          resources: ['networkpolicies'],
          verbs: ['watch', 'list'],
        },
        { apiGroups: [''], resources: ['endpoints', 'services'], verbs: ['watch', 'list', 'get'] },
        {
          apiGroups: ['discovery.k8s.io'],
          resources: ['endpointslices'],
          verbs: ['watch', 'list'],
        },
        { apiGroups: [''], resources: ['nodes/status'], verbs: ['patch', 'update'] },
      ],
    },
    {
      apiVersion: `${rbac}/v1`,
      kind: 'ClusterRole',
      metadata: { name: 'calico-kube-controllers' },
      rules: [{ apiGroups: [''], resources: ['nodes', 'pods'], verbs: ['get', 'list', 'watch'] }],
    },
    ...['calico-node', 'calico-kube-controllers'].map((name): KubeObject => ({
      apiVersion: `${rbac}/v1`,
      kind: 'ClusterRoleBinding',
      metadata: { name },
      roleRef: { apiGroup: rbac, kind: 'ClusterRole', name },
      subjects: [{ kind: 'ServiceAccount', name, namespace: 'kube-system' }],
    })),
    {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: { name: 'calico-node', namespace: 'kube-system', labels },
      spec: {
        selector: { matchLabels: labels },
        updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1 } },
        template: {
          metadata: { labels },
          spec: {
            nodeSelector: { 'kubernetes.io/os': 'linux' },
            hostNetwork: true,
            tolerations: [
              { effect: 'NoSchedule', operator: 'Exists' },
              { key: 'CriticalAddonsOnly', operator: 'Exists' },
              { effect: 'NoExecute', operator: 'Exists' },
            ],
            serviceAccountName: 'calico-node',
            terminationGracePeriodSeconds: 0,
            priorityClassName: 'system-node-critical',
            initContainers: [
              {
                name: 'install-cni',
                image: `quay.io/calico/cni:${calicoVersion}`,
                imagePullPolicy: 'IfNotPresent',
                command: ['/opt/cni/bin/install'],
                env: [
                  { name: 'CNI_CONF_NAME', value: '10-calico.conflist' },
                  {
                    name: 'CNI_NETWORK_CONFIG',
                    valueFrom: {
                      configMapKeyRef: { name: 'calico-config', key: 'cni_network_config' },
                    },
                  },
                  {
                    name: 'KUBERNETES_NODE_NAME',
                    valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } },
                  },
                ],
                volumeMounts: [
                  { mountPath: '/host/opt/cni/bin', name: 'cni-bin-dir' },
                  { mountPath: '/host/etc/cni/net.d', name: 'cni-net-dir' },
                ],
                securityContext: { privileged: true },
              },
            ],
            containers: [
              {
                name: 'calico-node',
                image: `quay.io/calico/node:${calicoVersion}`,
                imagePullPolicy: 'IfNotPresent',
                env: [
                  { name: 'NODENAME', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
                  { name: 'CALICO_NETWORKING_BACKEND', value: 'bird' },
                  { name: 'CLUSTER_TYPE', value: 'k8s,bgp' },
                ],
                securityContext: { privileged: true },
                resources: { requests: { cpu: '250m' } },
                livenessProbe: {
                  httpGet: { host: 'localhost', path: '/liveness', port: 9099 },
                  periodSeconds: 10,
                  initialDelaySeconds: 10,
                  failureThreshold: 6,
                  timeoutSeconds: 10,
                },
                readinessProbe: {
                  httpGet: { host: 'localhost', path: '/readiness', port: 9099 },
                  periodSeconds: 10,
                  timeoutSeconds: 10,
                },
                volumeMounts: [
                  { mountPath: '/host/etc/cni/net.d', name: 'cni-net-dir' },
                  { mountPath: '/lib/modules', name: 'lib-modules', readOnly: true },
                ],
              },
            ],
            volumes: [
              { name: 'lib-modules', hostPath: { path: '/lib/modules' } },
              {
                name: 'cni-bin-dir',
                hostPath: { path: '/opt/cni/bin', type: 'DirectoryOrCreate' },
              },
              { name: 'cni-net-dir', hostPath: { path: '/etc/cni/net.d' } },
            ],
          },
        },
      },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: {
        name: 'calico-kube-controllers',
        namespace: 'kube-system',
        labels: controllersLabels,
      },
      spec: {
        replicas: 1,
        selector: { matchLabels: controllersLabels },
        strategy: { type: 'Recreate' },
        template: {
          metadata: {
            name: 'calico-kube-controllers',
            namespace: 'kube-system',
            labels: controllersLabels,
          },
          spec: {
            nodeSelector: { 'kubernetes.io/os': 'linux' },
            tolerations: [
              { key: 'CriticalAddonsOnly', operator: 'Exists' },
              { key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' },
            ],
            serviceAccountName: 'calico-kube-controllers',
            priorityClassName: 'system-cluster-critical',
            containers: [
              {
                name: 'calico-kube-controllers',
                image: `quay.io/calico/kube-controllers:${calicoVersion}`,
                imagePullPolicy: 'IfNotPresent',
                env: [{ name: 'ENABLED_CONTROLLERS', value: 'node' }],
              },
            ],
          },
        },
      },
    },
  ];
}

/** The CNI configuration that install-cni writes to each node. */
const cniNetworkConfig = {
  name: 'k8s-pod-network',
  cniVersion: '1.0.0',
  plugins: [
    {
      type: 'calico',
      log_level: 'info',
      datastore_type: 'kubernetes',
      nodename: '__KUBERNETES_NODE_NAME__',
      mtu: 0,
      ipam: { type: 'host-local', subnet: 'usePodCidr' },
      policy: { type: 'k8s' },
      kubernetes: { kubeconfig: '/etc/cni/net.d/calico-kubeconfig' },
    },
    { type: 'portmap', snat: true, capabilities: { portMappings: true } },
  ],
};
