import type { ClaimView } from '../../apis/index.ts';
import { type Result, WorkQueue } from '../../client/index.ts';
import { objectKey, type ObjectKey, parseQuantity } from '../../machinery/index.ts';
import { type Controller, type ControllerContext, textOf } from '../shared/context.ts';
import { queueController } from '../shared/informer-queue.ts';

const storage = (text: string | undefined): bigint =>
  text === undefined ? 0n : parseQuantity(text).nano;
const requested = (claim: ClaimView): bigint =>
  storage(claim.spec?.resources?.requests?.['storage']);
const granted = (claim: ClaimView): bigint => storage(claim.status?.capacity?.['storage']);

/**
 * Tells of claims that ask for more than they have. No volume plugin of the controller manager itself can expand
 * a volume: the resizer of a CSI driver does, so that a claim of another kind of volume waits for good.
 *
 * @see k8s.io/kubernetes/pkg/controller/volume/expand
 */
export function createExpandController(context: ControllerContext): Controller {
  const { client, informers, recorder, clock } = context;
  const claims = informers.for('persistentvolumeclaims');
  const queue = new WorkQueue<ObjectKey>(clock);

  async function reconcile(key: ObjectKey): Promise<Result> {
    const claim = claims.get(key);
    if (!claim) return {};
    const name = claim.spec?.volumeName ?? '';
    const volume = await client
      .resource('persistentvolumes')
      .get(undefined, name)
      .catch((error: unknown) => {
        throw new Error(`failed to get PV "${name}": ${textOf(error)}`, { cause: error });
      });
    const bound = volume.spec?.claimRef;
    if (bound?.namespace !== claim.metadata.namespace || bound?.uid !== claim.metadata.uid)
      throw new Error(`persistent Volume is not bound to PVC being updated : ${key}`);
    if (requested(claim) <= granted(claim)) return {};
    recorder.event(
      claim,
      'Normal',
      'ExternalExpanding',
      'waiting for an external controller to expand this PVC',
    );
    return {};
  }

  const enqueue = (claim: ClaimView): void => {
    if (claim.status?.phase === 'Bound') queue.add(objectKey(claim.metadata));
  };

  return queueController(context, {
    name: 'persistentvolume-expander-controller',
    queue,
    reconcile,
    handlers: (own) =>
      own(
        claims.addHandler({
          onAdd: enqueue,
          onUpdate: (old, claim) => {
            if (requested(claim) > requested(old) || granted(claim) > granted(old)) enqueue(claim);
          },
          onDelete: enqueue,
        }),
      ),
  });
}
