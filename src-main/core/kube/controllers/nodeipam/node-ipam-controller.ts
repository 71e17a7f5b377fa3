import type { Node } from '../../apis/index.ts';
import { type Result, WorkQueue } from '../../client/index.ts';
import type { ObjectKey } from '../../machinery/index.ts';
import type { Controller, ControllerContext } from '../shared/context.ts';
import { enqueueSelf, queueController } from '../shared/informer-queue.ts';
import { nodeReference } from '../shared/nodes.ts';

export interface NodeIpamOptions {
  /** IPv4 network of `--cluster-cidr`: `10.244.0.0/16`. */
  readonly clusterCidr: string;
  /** `--node-cidr-mask-size-ipv4`; default 24. */
  readonly maskSize?: number;
}

/**
 * Gives each node a range of pod addresses out of the cluster's, first free first.
 *
 * @throws Error `clusterCidr` is no IPv4 network.
 * @see k8s.io/kubernetes/pkg/controller/nodeipam/ipam/range_allocator.go
 */
export function createNodeIpamController(
  context: ControllerContext,
  options: NodeIpamOptions,
): Controller {
  const { client, informers, recorder, clock } = context;
  const nodes = informers.for('nodes');
  const queue = new WorkQueue<ObjectKey>(clock);
  const ranges = nodeRanges(options.clusterCidr, options.maskSize ?? 24);
  /** Ranges given out that the cache may not show yet, by node. */
  const given = new Map<string, string>();

  async function reconcile(key: ObjectKey): Promise<Result> {
    const node = nodes.get(key);
    if (!node) {
      given.delete(key);
      return {};
    }
    if (node.spec?.podCIDR) return {};
    let range = given.get(key);
    if (range === undefined) {
      const taken = new Set(given.values());
      for (const other of nodes.list()) if (other.spec?.podCIDR) taken.add(other.spec.podCIDR);
      range = ranges.find((candidate) => !taken.has(candidate));
      if (range === undefined) {
        recorder.event(
          nodeReference(key, node.metadata.uid),
          'Normal',
          'CIDRNotAvailable',
          `Node ${key} status is now: CIDRNotAvailable`,
        );
        throw new Error(
          'failed to allocate cidr from cluster cidr at idx:0: CIDR allocation failed; there are no remaining CIDRs left to allocate in the accepted range',
        );
      }
      // Reserved before the write: two nodes must not get the same while it is under way.
      given.set(key, range);
    }
    const patch: { spec: Pick<NonNullable<Node['spec']>, 'podCIDR' | 'podCIDRs'> } = {
      spec: { podCIDR: range, podCIDRs: [range] },
    };
    await client.resource('nodes').patch(undefined, key, 'strategic', patch);
    return {};
  }

  return queueController(context, {
    name: 'node-ipam-controller',
    queue,
    reconcile,
    workers: 1,
    handlers: (own) => own(enqueueSelf(nodes, queue)),
  });
}

/** The networks of `maskSize` bits in an IPv4 network, in order. */
function nodeRanges(cidr: string, maskSize: number): string[] {
  const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\/(\d+)$/.exec(cidr);
  if (!match) throw new Error(`invalid CIDR address: ${cidr}`);
  const [a = 0, b = 0, c = 0, d = 0, bits = 0] = match.slice(1).map(Number);
  const base = ((a * 256 + b) * 256 + c) * 256 + d;
  const count = Math.min(2 ** Math.max(0, maskSize - bits), 65_536);
  const size = 2 ** (32 - maskSize);
  return Array.from({ length: count }, (_, index) => {
    const start = base + index * size;
    const octets = [24, 16, 8, 0].map((shift) => Math.floor(start / 2 ** shift) % 256);
    return `${octets.join('.')}/${maskSize}`;
  });
}
