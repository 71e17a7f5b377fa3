import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { expect, test } from 'vitest';
import type { KubeObject } from '#core/kube';
import { clusterSpec, startEngine } from '#tests/lab';
import { differences, masked } from './compare.ts';
import { connect } from './servers.ts';

// Upstream's own fixtures of the Pod Security Standards, every level and every version: each Pod, alone and as a
// Deployment's template, is sent to a real API server and to the engine. Their words must be the same.
//
//     REAL_KUBECONFIG_ORACLE  kubeconfig of the real cluster
//     POD_SECURITY_FIXTURES   test/testdata of k8s.io/pod-security-admission (default: as `go mod download` puts it)
//     POD_SECURITY_VERSIONS   versions to try, by comma: v1.0,v1.35 (default: all)
const oracle = process.env['REAL_KUBECONFIG_ORACLE'];
const module = 'go/pkg/mod/k8s.io/pod-security-admission@v0.36.3/test/testdata';
const fixtures = process.env['POD_SECURITY_FIXTURES'] ?? join(homedir(), module);
const wanted = process.env['POD_SECURITY_VERSIONS']?.split(',');

const missing = !oracle
  ? 'REAL_KUBECONFIG_ORACLE names no real cluster of v1.36.3'
  : existsSync(fixtures)
    ? undefined
    : `there is no ${fixtures}: set POD_SECURITY_FIXTURES`;

if (!oracle || missing !== undefined)
  test(`Pod Security Standards: NOT RUN, ${missing}`, () => {
    console.warn(`NOT RUN: the fixtures of the Pod Security Standards: ${missing}`);
  });
else
  test('Pod Security Standards, in upstream’s words', { timeout: 1_800_000 }, async () => {
    const lab = await startEngine();
    const servers = [
      connect('real', oracle),
      connect('ours', (await lab.engine.create(clusterSpec())).kubeconfig),
    ] as const;
    const [real, ours] = servers;
    let count = 0;
    const found: object[] = [];
    const compare = async (what: string, path: string, object: KubeObject): Promise<void> => {
      const [a, b] = await Promise.all(
        servers.map(async (server) => masked(await server.send('POST', path, object), object)),
      );
      count += 1;
      if (a && b) for (const difference of differences(a, b)) found.push({ what, ...difference });
    };
    try {
      for (const level of readdirSync(fixtures))
        for (const version of level.endsWith('.md') ? [] : readdirSync(join(fixtures, level))) {
          if (wanted && !wanted.includes(version)) continue;
          const namespace = `pod-security-${process.pid}-${level}-${version.replace('.', '-')}`;
          for (const server of servers) await prepare(server, namespace, level, version);
          const folder = join(fixtures, level, version);
          const files = ['pass', 'fail'].flatMap((kind) =>
            readdirSync(join(folder, kind)).map((name) => join(folder, kind, name)),
          );
          await Promise.all(
            files.map(async (file) => {
              const pod = load(readFileSync(file, 'utf8')) as KubeObject;
              await compare(file, `/api/v1/namespaces/${namespace}/pods?dryRun=All`, pod);
              const path = `/apis/apps/v1/namespaces/${namespace}/deployments?dryRun=All`;
              await compare(`${file}, a template`, path, deploymentOf(pod));
            }),
          );
          for (const server of servers)
            await server.send('DELETE', `/api/v1/namespaces/${namespace}`);
        }
    } finally {
      for (const server of [real, ours]) server.close();
      await lab.stop();
    }
    console.log(`${count} requests, ${found.length} differences`);
    expect(found.slice(0, 20)).toEqual([]);
    expect(count).toBeGreaterThan(0);
  });

async function prepare(
  server: ReturnType<typeof connect>,
  name: string,
  level: string,
  version: string,
): Promise<void> {
  const labels = Object.fromEntries(
    ['enforce', 'warn'].flatMap((mode) => [
      [`pod-security.kubernetes.io/${mode}`, level],
      [`pod-security.kubernetes.io/${mode}-version`, version],
    ]),
  );
  await server.send('POST', '/api/v1/namespaces', { metadata: { name, labels } });
  // Its controller would come a moment later.
  await server.send('POST', `/api/v1/namespaces/${name}/serviceaccounts`, {
    metadata: { name: 'default' },
  });
}

function deploymentOf({ metadata, spec }: KubeObject & { readonly spec?: unknown }): KubeObject {
  const labels = { app: 'fixture' };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'fixture' },
    spec: {
      selector: { matchLabels: labels },
      template: { metadata: { labels, annotations: metadata.annotations }, spec },
    },
  };
}
