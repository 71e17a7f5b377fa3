import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  answerOf,
  type AutoscalerAnswer,
  answerTo,
  autoscaler,
  cases,
  metricGroups,
  podsOf,
  type Recording,
  type Step,
  steps,
  workload,
} from './cases.ts';

// Serves fixed figures to a real kube-controller-manager and writes what its autoscalers say of them to `answers.json`:
//
//     node record.ts KUBECTL KUBECONFIG PORT
//
// The cluster needs an API server on this computer, and a controller manager with
// `--controllers=horizontal-pod-autoscaler-controller --horizontal-pod-autoscaler-sync-period=2s`.
const [kubectl = '', kubeconfig = '', port = ''] = process.argv.slice(2);
type Json = Record<string, unknown>;

/** Not to be waited for in place: the server of figures has to answer meanwhile. */
function run(args: readonly string[], input?: object): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(kubectl, ['--kubeconfig', kubeconfig, ...args]);
    let [out, err] = ['', ''];
    child.stdout.on('data', (part: Buffer) => (out += part.toString()));
    child.stderr.on('data', (part: Buffer) => (err += part.toString()));
    child.on('close', (code) => {
      if (code === 0) resolve(out);
      else reject(new Error(`${args.join(' ')}: ${err}`));
    });
    child.stdin.end(input ? JSON.stringify(input) : '');
  });
}
const get = async <T>(...args: string[]): Promise<T> =>
  JSON.parse(await run(['get', ...args, '-o', 'json'])) as T;
const list = (items: Json[]): Json => ({ apiVersion: 'v1', kind: 'List', items });
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const nameOf = (object: Json): string => (object['metadata'] as { name: string }).name;

let step: Step = steps[0];
const folder = mkdtempSync(join(tmpdir(), 'metrics-'));
const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
spawnSync('openssl', [
  ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', '/CN=metrics'],
  ...['-keyout', keyFile, '-out', certFile],
]);
const server = createServer(
  { key: readFileSync(keyFile), cert: readFileSync(certFile) },
  (request, response) => {
    const { status, body } = answerTo(request.url ?? '/', step, new Date().toISOString());
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  },
).listen(Number(port), '127.0.0.1');

const services = [
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'metrics', namespace: 'kube-system' },
    spec: { type: 'ExternalName', externalName: 'localhost', ports: [{ port: Number(port) }] },
  },
  ...metricGroups.map(({ group, version }) => ({
    apiVersion: 'apiregistration.k8s.io/v1',
    kind: 'APIService',
    metadata: { name: `${version}.${group}` },
    spec: {
      group,
      version,
      service: { name: 'metrics', namespace: 'kube-system', port: Number(port) },
      insecureSkipTLSVerify: true,
      groupPriorityMinimum: 100,
      versionPriority: 100,
    },
  })),
];
await run(['apply', '-f', '-'], list(services));
await run(['wait', '--for=condition=Available', 'apiservice', ...services.slice(1).map(nameOf)]);
await run(['create', '-f', '-'], list(cases.flatMap((one) => [workload(one), ...podsOf(one)])));
const patchStatus = (kind: string, name: string, status: unknown): Promise<string> =>
  run([
    'patch',
    kind,
    name,
    '--subresource=status',
    '--type=merge',
    '-p',
    JSON.stringify({ status }),
  ]);
for (const one of cases) {
  await patchStatus('deployment', one.name, { replicas: one.pods });
  for (const pod of podsOf(one)) await patchStatus('pod', nameOf(pod), pod['status']);
}
await run(['create', '-f', '-'], list(cases.map(autoscaler)));

async function look(): Promise<Record<string, AutoscalerAnswer>> {
  const { items } = await get<{ items: { metadata: { name: string }; status?: Json }[] }>('hpa');
  const workloads = await get<{
    items: { metadata: { name: string }; spec: { replicas: number } }[];
  }>('deployments');
  return Object.fromEntries(
    items.map(({ metadata: { name }, status }) => [
      name,
      answerOf(
        status,
        workloads.items.find(({ metadata }) => metadata.name === name)?.spec.replicas ?? 0,
      ),
    ]),
  );
}

const seen: Record<string, AutoscalerAnswer>[] = [];
for (const next of steps) {
  step = next;
  await pause(9000);
  let last = '';
  for (let same = 0; same < 2;) {
    await pause(3500);
    const now = JSON.stringify(await look());
    same = now === last ? same + 1 : 0;
    last = now;
  }
  seen.push(JSON.parse(last) as Record<string, AutoscalerAnswer>);
  console.log('step', next);
}
const { items } = await get<{ items: Json[] }>('events');
const events: Record<string, string[]> = {};
for (const { involvedObject, type, reason, message } of items as {
  involvedObject: { kind: string; name: string };
  type: string;
  reason: string;
  message: string;
}[])
  if (involvedObject.kind === 'HorizontalPodAutoscaler')
    (events[involvedObject.name] ??= []).push(`${type} ${reason} ${message}`);
const recording: Recording = {
  steps: seen,
  events: Object.fromEntries(cases.map(({ name }) => [name, [...new Set(events[name])].sort()])),
};
writeFileSync(join(import.meta.dirname, 'answers.json'), `${JSON.stringify(recording, null, 2)}\n`);
await run(['delete', 'hpa', '--all']);
await run(['delete', 'deployments', '--all']);
await run(['delete', 'pods', '--all', '--force', '--grace-period=0']);
await run(['delete', 'apiservice', ...services.slice(1).map(nameOf)]);
await run(['delete', 'service', 'metrics', '-n', 'kube-system']);
server.close();
