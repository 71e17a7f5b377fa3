import { beforeEach } from 'vitest';
import { fromUtf8 } from '#core/base';
import { dnsListener, dnsReply } from '../../../../../src-main/core/machines/dns/index.ts';
import { standardImages } from '../../../../../src-main/core/machines/images/index.ts';
import { TestNode } from '../containers/node.ts';

/** The node, fresh for each test. */
export let node: TestNode;
/** A container on it with curl and the like. */
export let client: string;
let sandboxes: Map<string, string>;

/** Runs an image in a pod of its own; returns the address. */
export async function start(
  image: string,
  config: Parameters<TestNode['run']>[0] = {},
): Promise<{ address: string; id: string; log: () => Promise<string[]> }> {
  node.containerd.preload([image]);
  const name = image.replace(/\W/g, '-');
  const uid = `${name}-${sandboxes.size}`;
  const logDirectory = `/var/log/pods/${uid}`;
  const { sandbox, id } = await node.run(
    { image, ...config },
    { name, hostname: name, uid, logDirectory },
  );
  sandboxes.set(name, sandbox);
  const [address = ''] = (await node.containerd.runtime.podSandboxStatus(sandbox)).ips;
  const log = async (): Promise<string[]> => {
    await node.time.advance(0);
    const text = node.files.readText(`${logDirectory}/c/0.log`);
    return text
      .split('\n')
      .filter(Boolean)
      .map((line) => line.split(' ').slice(3).join(' '));
  };
  return { address, id, log };
}

/** Runs a command in the client's container. */
export async function run(
  ...command: string[]
): Promise<{ out: string; err: string; code: number }> {
  const done = node.containerd.runtime.execSync(client, command, 0);
  await node.time.settle();
  const { stdout, stderr, exitCode } = await done;
  return { out: fromUtf8(stdout), err: fromUtf8(stderr), code: exitCode };
}

/** Gives each test of a file a node with every image, a name server and a client. */
export function useImageNode(): void {
  beforeEach(prepare);
}

async function prepare(): Promise<void> {
  node = new TestNode(standardImages);
  sandboxes = new Map();
  const names: Record<string, string> = { 'web.default.svc.cluster.local': '10.96.0.5' };
  node.network.addHost('dns', '10.0.0.53').listen(
    53,
    dnsListener(async (query) => {
      const question = query.questions[0];
      const address = names[question?.name ?? ''];
      if (address === undefined) return dnsReply(query, { code: 'NXDOMAIN' });
      if (question?.type !== 'A') return dnsReply(query, {});
      return dnsReply(query, {
        answers: [{ name: question.name, type: 'A', ttlSeconds: 30, address }],
      });
    }),
  );
  node.files.writeFile(
    '/pod-resolv.conf',
    'search default.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.0.0.53\noptions ndots:5\n',
  );
  const netshoot = await start('nicolaka/netshoot', {
    command: ['polite'],
    env: [{ name: 'PATH', value: '/usr/bin:/bin' }],
    mounts: [{ hostPath: '/pod-resolv.conf', containerPath: '/etc/resolv.conf', readOnly: true }],
  });
  client = netshoot.id;
}

/** Has commands run in another container. */
export function useClient(id: string): void {
  client = id;
}
