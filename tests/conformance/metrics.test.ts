import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { clusterSpec, startEngine, type TestEngine } from '#tests/lab';

// metrics-server behind the API server, installed and mended as on a cluster of kubeadm. The tests share the cluster.
const manifest = readFileSync(join(import.meta.dirname, 'manifests/metrics-server.yaml'), 'utf8');
let lab: TestEngine;

const run = async (command: string): Promise<string> => {
  const { stdout, stderr } = await lab.engine.run('test', 'controlplane', command, {
    timeoutMs: 60_000,
  });
  return (stdout + stderr).trim();
};
const advance = (ms: number): Promise<unknown> => lab.engine.advance('test', ms);
const available = (path: string): Promise<string> =>
  run(
    `kubectl get apiservice v1beta1.metrics.k8s.io -o jsonpath='{.status.conditions[?(@.type=="Available")].${path}}'`,
  );

beforeAll(async () => {
  lab = await startEngine();
  await lab.engine.create(clusterSpec());
}, 120_000);
afterAll(() => lab.stop());

test('without metrics-server there are no metrics', async () => {
  expect(await run('kubectl top nodes')).toBe('error: Metrics API not available');
});

test("kubelets' own certificates keep it from being ready", { timeout: 120_000 }, async () => {
  await run(`kubectl apply -f - <<'EOF'\n${manifest}EOF`);
  await advance(1000);
  expect(await available('reason')).toBe('MissingEndpoints');
  expect(await available('message')).toBe(
    'endpointslices for service/metrics-server in "kube-system" have no addresses with port name "https"',
  );
  await advance(40_000);
  expect(await run('kubectl -n kube-system get pods -l k8s-app=metrics-server')).toMatch(
    / 0\/1 +Running /,
  );
  expect(await run('kubectl -n kube-system logs -l k8s-app=metrics-server')).toContain(
    `"Failed to scrape node" err="Get \\"https://172.30.2.2:10250/metrics/resource\\": tls: failed to verify certificate: x509: cannot validate certificate for 172.30.2.2 because it doesn't contain any IP SANs" node="node01"`,
  );
  expect(await run('kubectl get --raw /apis/metrics.k8s.io/v1beta1/nodes')).toContain(
    'Error from server (ServiceUnavailable): the server is currently unable to handle the request',
  );
});

test('with --kubelet-insecure-tls nodes and pods are measured', { timeout: 120_000 }, async () => {
  await run(
    `kubectl -n kube-system patch deploy metrics-server --type json -p '[{"op":"add","path":"/spec/template/spec/containers/0/args/-","value":"--kubelet-insecure-tls"}]'`,
  );
  await advance(60_000);
  expect([
    await available('status'),
    await available('reason'),
    await available('message'),
  ]).toEqual(['True', 'Passed', 'all checks passed']);
  expect(await run('kubectl top nodes')).toMatch(
    /^NAME +CPU\(cores\) +CPU\(%\) +MEMORY\(bytes\) +MEMORY\(%\) *\ncontrolplane +\d+m +\d+% +\d+Mi +\d+% *\nnode01 +\d+m /,
  );
  expect(await run('kubectl top pod -n kube-system -l component=etcd')).toMatch(
    /\netcd-controlplane +16m +60Mi/,
  );
  expect(await run('kubectl api-resources --api-group=metrics.k8s.io')).toMatch(
    /nodes +metrics.k8s.io\/v1beta1 +false +NodeMetrics\npods +metrics.k8s.io\/v1beta1 +true +PodMetrics/,
  );
  expect(await run('kubectl get nodes.metrics.k8s.io node01 -o jsonpath={.window}')).toBe('15s');
  expect(await run('kubectl get pods.metrics.k8s.io none')).toBe(
    'Error from server (NotFound): pods "none" not found',
  );
});

test('the autoscaler follows what is used', { timeout: 120_000 }, async () => {
  await run(`kubectl apply -f - <<'EOF'
apiVersion: apps/v1
kind: Deployment
metadata: {name: load}
spec:
  selector: {matchLabels: {app: load}}
  template:
    metadata: {labels: {app: load}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
        - {name: load, image: vish/stress, args: [-cpus, "1"], resources: {requests: {cpu: 500m}, limits: {cpu: "1"}}}
EOF
kubectl autoscale deployment load --cpu-percent=80 --max=4`);
  await advance(120_000);
  expect(await run('kubectl top pod -l app=load --no-headers')).toMatch(/^load-\S+ +1000m /);
  expect(await run('kubectl get hpa load -o jsonpath={.status.desiredReplicas}')).not.toBe('1');
  expect(
    await run(
      `kubectl get hpa load -o jsonpath='{.status.conditions[?(@.type=="ScalingActive")].reason}'`,
    ),
  ).toBe('ValidMetricFound');
});

test('when the service goes, so do the metrics', { timeout: 60_000 }, async () => {
  await run('kubectl -n kube-system delete service metrics-server');
  await advance(2000);
  expect(await available('reason')).toBe('ServiceNotFound');
  expect(await available('message')).toBe('service/metrics-server in "kube-system" is not present');
  await run('kubectl delete apiservice v1beta1.metrics.k8s.io');
  await advance(1000);
  expect(await run('kubectl top pods')).toBe('error: Metrics API not available');
});
