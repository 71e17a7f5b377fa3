import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { configuration, nodes, pods, type ProfileAnswer, services } from './cases.ts';

// Asks a real kube-scheduler where its profiles put the pods of the cases, and writes `answers.json`:
//
//     node record.ts --configuration     prints what the scheduler's --config file must hold
//     node record.ts KUBECTL KUBECONFIG
//
// The cluster needs an API server and that scheduler, and neither controllers nor nodes of its own.
const [kubectl = '', kubeconfig = ''] = process.argv.slice(2);
if (kubectl === '--configuration') {
  const head = {
    apiVersion: 'kubescheduler.config.k8s.io/v1',
    kind: 'KubeSchedulerConfiguration',
    leaderElection: { leaderElect: false },
  };
  console.log(JSON.stringify({ ...head, ...configuration }));
  process.exit(0);
}

type Json = Record<string, unknown>;

function run(args: readonly string[], input?: object): string {
  const { stdout, stderr, status } = spawnSync(kubectl, ['--kubeconfig', kubeconfig, ...args], {
    encoding: 'utf8',
    ...(input ? { input: JSON.stringify(input) } : {}),
  });
  if (status !== 0) throw new Error(`${args.join(' ')}: ${stderr}`);
  return stdout;
}
const create = (object: object): string => run(['create', '-f', '-'], object);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

for (const each of nodes) {
  const { metadata, spec, status } = each as {
    metadata: { name: string };
    spec: Json;
    status: Json;
  };
  create(each);
  // A node is born with the taint of one that is not ready.
  const taints = JSON.stringify({ spec: { taints: spec['taints'] ?? null } });
  run(['patch', 'node', metadata.name, '--type=merge', '-p', taints]);
  const state = JSON.stringify({ status });
  run(['patch', 'node', metadata.name, '--subresource=status', '--type=merge', '-p', state]);
}
for (const service of services) create(service);
await pause(1000);
const answers: ProfileAnswer[] = [];
for (const each of pods) {
  const { name } = each['metadata'] as { name: string };
  create(each);
  let answer: ProfileAnswer = { pod: name };
  for (let tries = 0; tries < 40 && !answer.node && !answer.message; tries++) {
    await pause(150);
    const { spec, status } = JSON.parse(run(['get', 'pod', name, '-o', 'json'])) as {
      spec: { nodeName?: string };
      status: { conditions?: { type: string; message?: string }[] };
    };
    const message = status.conditions?.find(({ type }) => type === 'PodScheduled')?.message;
    if (spec.nodeName) answer = { pod: name, node: spec.nodeName };
    else if (message) answer = { pod: name, message };
  }
  // Who waits would be placed later, when it is in nobody's way any more.
  if (answer.message) run(['delete', 'pod', name, '--now']);
  answers.push(answer);
  console.log(name, answer.node ?? answer.message ?? 'nothing');
}
writeFileSync(join(import.meta.dirname, 'answers.json'), `${JSON.stringify(answers, null, 2)}\n`);
run(['delete', 'pods', '--all', '--force', '--grace-period=0']);
run(['delete', 'services', ...services.map((each) => (each['metadata'] as { name: string }).name)]);
run(['delete', 'nodes', ...nodes.map((each) => (each['metadata'] as { name: string }).name)]);
