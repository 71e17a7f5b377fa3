import type { DeepReadonly } from '#core/base';
import type { IPAddress, ServiceCIDR } from '../../apis/index.ts';
import { type Result, WorkQueue } from '../../client/index.ts';
import { formatTime, isReason, objectKey, type ObjectKey } from '../../machinery/index.ts';
import type { Controller, ControllerContext } from '../shared/context.ts';
import { enqueueSelf, queueController } from '../shared/informer-queue.ts';
import { timeMs } from '../shared/pods.ts';
import { ipPrefix, type IpPrefix } from './ip-prefix.ts';

type CidrView = DeepReadonly<ServiceCIDR>;

const finalizer = 'networking.k8s.io/service-cidr-finalizer';
const manager = 'service-cidr-controller';
const managedBy = 'ipaddress.kubernetes.io/managed-by';
const allocator = 'ipallocator.k8s.io';
/** Allocators hear of a deletion before the range is gone. */
const deletionGraceMs = 10_000;
const maxRetries = 15;

/**
 * Keeps a range of Service addresses while Services have addresses of it that are in no other range, and tells
 * whether it is ready.
 *
 * @see k8s.io/kubernetes/pkg/controller/servicecidrs
 */
export function createServiceCidrController(context: ControllerContext): Controller {
  const { client, informers, recorder, clock } = context;
  const cidrs = informers.for('servicecidrs.networking.k8s.io');
  const addresses = informers.for('ipaddresses.networking.k8s.io');
  const resource = client.resource('servicecidrs.networking.k8s.io');
  const queue = new WorkQueue<ObjectKey>(clock);

  const prefixes = (cidr: CidrView): IpPrefix[] =>
    (cidr.spec?.cidrs ?? []).flatMap((text) => ipPrefix(text) ?? []);
  /** Ranges that contain an address or a network. */
  const containing = (inner: IpPrefix): CidrView[] =>
    cidrs.list().filter((cidr) => prefixes(cidr).some((outer) => outer.contains(inner)));

  function canGo(cidr: CidrView): boolean {
    const own = prefixes(cidr);
    const others = (inner: IpPrefix): CidrView[] =>
      containing(inner).filter(({ metadata }) => metadata.name !== cidr.metadata.name);
    if (own.every((prefix) => others(prefix).length > 0)) return true;
    return !addresses.list().some(({ metadata }) => {
      if (metadata.labels?.[managedBy] !== allocator) return false;
      const address = ipPrefix(metadata.name ?? '');
      return (
        address !== undefined &&
        own.some((prefix) => prefix.contains(address)) &&
        others(address).length === 0
      );
    });
  }

  async function setCondition(
    cidr: CidrView,
    condition: { status: 'True' | 'False'; reason: string; message: string },
  ): Promise<void> {
    const present = cidr.status?.conditions?.find(({ type }) => type === 'Ready');
    if (
      present?.status === condition.status &&
      present.reason === condition.reason &&
      present.message === condition.message
    )
      return;
    const lastTransitionTime = formatTime(clock.now());
    await resource.patch(
      undefined,
      cidr.metadata.name ?? '',
      'apply',
      {
        apiVersion: 'networking.k8s.io/v1',
        kind: 'ServiceCIDR',
        metadata: { name: cidr.metadata.name },
        status: { conditions: [{ type: 'Ready', ...condition, lastTransitionTime }] },
      },
      { subresource: 'status', fieldManager: manager, force: true },
    );
  }

  async function setFinalizer(cidr: CidrView, held: boolean): Promise<void> {
    if ((cidr.metadata.finalizers ?? []).includes(finalizer) === held) return;
    const field = held ? 'finalizers' : '$deleteFromPrimitiveList/finalizers';
    await resource
      .patch(undefined, cidr.metadata.name ?? '', 'strategic', {
        metadata: { [field]: [finalizer] },
      })
      .catch((error: unknown) => {
        if (!isReason(error, 'NotFound')) throw error;
      });
  }

  async function reconcile(key: ObjectKey): Promise<Result> {
    const cidr = cidrs.get(key);
    if (!cidr) return {};
    const deletedMs = timeMs(cidr.metadata.deletionTimestamp);
    if (deletedMs === undefined) {
      await setFinalizer(cidr, true);
      try {
        const message = 'Kubernetes Service CIDR is ready';
        await setCondition(cidr, { status: 'True', reason: '', message });
      } catch (error) {
        recorder.event(
          cidr,
          'Warning',
          'KubernetesServiceCIDRError',
          'The ServiceCIDR Status can not be set to Ready=True',
        );
        throw error;
      }
      return {};
    }
    if (!canGo(cidr)) {
      await setCondition(cidr, {
        status: 'False',
        reason: 'Terminating',
        message:
          'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR',
      });
      return {};
    }
    const leftMs = deletedMs + deletionGraceMs - clock.now();
    if (leftMs > 0) return { requeueAfterMs: leftMs };
    await setFinalizer(cidr, false);
    return {};
  }

  return queueController(context, {
    name: 'service-cidr-controller',
    queue,
    reconcile,
    maxRetries,
    handlers: (own) => {
      own(enqueueSelf(cidrs, queue));
      own(
        cidrs.addHandler({
          onAdd: (cidr) => {
            for (const other of cidrs.list())
              if (prefixes(other).some((one) => prefixes(cidr).some((two) => one.overlaps(two))))
                queue.add(objectKey(other.metadata));
          },
        }),
      );
      const onAddress = ({ metadata }: DeepReadonly<IPAddress>): void => {
        if (metadata.labels?.[managedBy] !== allocator) return;
        const address = ipPrefix(metadata.name ?? '');
        for (const cidr of address ? containing(address) : []) queue.add(objectKey(cidr.metadata));
      };
      own(addresses.addHandler({ onAdd: onAddress, onDelete: onAddress }));
    },
  });
}
