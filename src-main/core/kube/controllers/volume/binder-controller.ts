import {
  type ClaimView,
  type ClassView,
  isVolumeReservedFor,
  type PersistentVolume,
  type PersistentVolumeClaim,
  storageClassOf,
  type VolumeView,
} from '../../apis/index.ts';
import { type Result, WorkQueue } from '../../client/index.ts';
import { isReason, keyOf, objectKey, type ObjectKey } from '../../machinery/index.ts';
import { jsonEqual } from '#core/base';
import { type Controller, type ControllerContext, mutableCopy } from '../shared/context.ts';
import { formatTime } from '../../machinery/index.ts';
import { queueController } from '../shared/informer-queue.ts';
import { timeMs } from '../shared/pods.ts';
import { bestMatch, mismatch, modesDiffer } from './volume-matching.ts';

const bindCompleted = 'pv.kubernetes.io/bind-completed';
const boundByController = 'pv.kubernetes.io/bound-by-controller';
const provisionedBy = 'pv.kubernetes.io/provisioned-by';
const selectedNode = 'volume.kubernetes.io/selected-node';
const storageProvisioner = 'volume.kubernetes.io/storage-provisioner';
const betaStorageProvisioner = 'volume.beta.kubernetes.io/storage-provisioner';
const defaultClass = 'storageclass.kubernetes.io/is-default-class';
/** `--pvclaimbinder-sync-period`. */
const resyncMs = 15_000;

/**
 * Binds claims to volumes, and says what becomes of a volume whose claim is gone. Provisioning and deleting
 * the storage itself is left to external provisioners.
 *
 * The queue carries `pvc/<namespace>/<name>` and `pv/<name>`.
 *
 * @see k8s.io/kubernetes/pkg/controller/volume/persistentvolume/pv_controller.go
 */
export function createPersistentVolumeBinder(context: ControllerContext): Controller {
  const { client, informers, recorder, clock } = context;
  const claims = informers.for('persistentvolumeclaims');
  const volumes = informers.for('persistentvolumes');
  const classes = informers.for('storageclasses.storage.k8s.io');
  const pods = informers.for('pods');
  const claimClient = client.resource('persistentvolumeclaims');
  const volumeClient = client.resource('persistentvolumes');
  const queue = new WorkQueue<ObjectKey>(clock);

  const claimItem = (claim: ClaimView): ObjectKey =>
    `pvc/${objectKey(claim.metadata)}` as ObjectKey;
  const volumeItem = (volume: VolumeView): ObjectKey =>
    `pv/${volume.metadata.name ?? ''}` as ObjectKey;

  async function reconcile(item: ObjectKey): Promise<Result> {
    if (item.startsWith('pv/')) {
      const volume = volumes.get(keyOf(undefined, item.slice(3)));
      if (volume) await syncVolume(volume);
      return {};
    }
    const claim = claims.get(item.slice(4) as ObjectKey);
    if (!claim) return {};
    if (claim.metadata.annotations?.[bindCompleted] !== undefined) await syncBound(claim);
    else await syncUnbound(claim);
    const isPending = claims.get(item.slice(4) as ObjectKey)?.status?.phase !== 'Bound';
    return isPending ? { requeueAfterMs: resyncMs, background: true } : {};
  }

  function delaysBinding(claim: ClaimView): boolean {
    const name = storageClassOf(claim);
    if (name === '') return false;
    return classes.get(keyOf(undefined, name))?.volumeBindingMode === 'WaitForFirstConsumer';
  }

  async function syncUnbound(claim: ClaimView): Promise<void> {
    const wanted = claim.spec?.volumeName;
    if (wanted) {
      await syncRequested(claim, wanted);
      return;
    }
    const delayed = delaysBinding(claim);
    const volume = bestMatch(volumes.list(), claim, delayed);
    if (volume) {
      await bind(volume, claim);
      return;
    }
    if (await assignDefaultClass(claim)) return;
    if (delayed && claim.metadata.annotations?.[selectedNode] === undefined) announceDelay(claim);
    else if (storageClassOf(claim) !== '') await provision(claim);
    else
      recorder.event(
        claim,
        'Normal',
        'FailedBinding',
        'no persistent volumes available for this claim and no storage class is set',
      );
    await setClaimPhase(claim, 'Pending');
  }

  async function syncRequested(claim: ClaimView, name: string): Promise<void> {
    const volume = volumes.get(keyOf(undefined, name));
    if (!volume) {
      await setClaimPhase(claim, 'Pending');
      return;
    }
    if (!volume.spec?.claimRef) {
      const problem = mismatch(volume, claim);
      if (problem === undefined) {
        await bind(volume, claim);
        return;
      }
      recorder.event(
        claim,
        'Warning',
        'VolumeMismatch',
        `Cannot bind to requested volume "${name}": ${problem}`,
      );
      await setClaimPhase(claim, 'Pending');
    } else if (isVolumeReservedFor(volume, claim)) await bind(volume, claim);
    else {
      recorder.event(
        claim,
        'Warning',
        'FailedBinding',
        `volume "${name}" already bound to a different claim.`,
      );
      await setClaimPhase(claim, 'Pending');
    }
  }

  async function syncBound(claim: ClaimView): Promise<void> {
    const name = claim.spec?.volumeName;
    if (!name) {
      await lose(
        claim,
        'ClaimLost',
        'Bound claim has lost reference to PersistentVolume. Data on the volume is lost!',
      );
      return;
    }
    const volume = volumes.get(keyOf(undefined, name));
    if (!volume)
      await lose(
        claim,
        'ClaimLost',
        'Bound claim has lost its PersistentVolume. Data on the volume is lost!',
      );
    else if (!volume.spec?.claimRef || volume.spec.claimRef.uid === claim.metadata.uid)
      await bind(volume, claim);
    else
      await lose(
        claim,
        'ClaimMisbound',
        'Two claims are bound to the same volume, this one is bound incorrectly',
      );
  }

  async function lose(claim: ClaimView, reason: string, message: string): Promise<void> {
    if (claim.status?.phase === 'Lost') return;
    await setClaimPhase(claim, 'Lost');
    recorder.event(claim, 'Warning', reason, message);
  }

  function announceDelay(claim: ClaimView): void {
    const waiting = pods
      .list(claim.metadata.namespace)
      .filter(
        (pod) =>
          !pod.spec?.nodeName &&
          (pod.spec?.volumes ?? []).some(
            (volume) => volume.persistentVolumeClaim?.claimName === claim.metadata.name,
          ),
      )
      .map((pod) => pod.metadata.name ?? '');
    if (waiting.length === 0)
      recorder.event(
        claim,
        'Normal',
        'WaitForFirstConsumer',
        'waiting for first consumer to be created before binding',
      );
    else
      recorder.event(
        claim,
        'Normal',
        'WaitForPodScheduled',
        `waiting for pod${waiting.length > 1 ? 's' : ''} ${waiting.join(',')} to be scheduled`,
      );
  }

  /** A claim without a class gets the default one, even when that came later. */
  async function assignDefaultClass(claim: ClaimView): Promise<boolean> {
    const hasClass =
      claim.spec?.storageClassName !== undefined ||
      claim.metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] !== undefined;
    if (hasClass) return false;
    const isDefault = ({ metadata }: ClassView): boolean =>
      metadata.annotations?.[defaultClass] === 'true';
    const [newest] = classes
      .list()
      .filter(isDefault)
      .sort(
        (a, b) =>
          (timeMs(b.metadata.creationTimestamp) ?? 0) -
            (timeMs(a.metadata.creationTimestamp) ?? 0) ||
          ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1),
      );
    if (!newest?.metadata.name) return false;
    const draft = mutableCopy<PersistentVolumeClaim>(claim);
    draft.spec = { ...draft.spec, storageClassName: newest.metadata.name };
    await claimClient.update(draft);
    return true;
  }

  /** Hands a claim to its class's provisioner. */
  async function provision(claim: ClaimView): Promise<void> {
    const name = storageClassOf(claim);
    const found = classes.get(keyOf(undefined, name));
    if (!found) {
      recorder.event(
        claim,
        'Warning',
        'ProvisioningFailed',
        `storageclass.storage.k8s.io "${name}" not found`,
      );
      return;
    }
    if (found.provisioner.startsWith('kubernetes.io/')) {
      // The in-tree plugins are gone, and "no-provisioner" never was one.
      recorder.event(
        claim,
        'Warning',
        'ProvisioningFailed',
        'no volume plugin matched name: ' + found.provisioner,
      );
      return;
    }
    const annotations = claim.metadata.annotations ?? {};
    if (annotations[storageProvisioner] !== found.provisioner) {
      const draft = mutableCopy<PersistentVolumeClaim>(claim);
      draft.metadata.annotations = {
        ...draft.metadata.annotations,
        [betaStorageProvisioner]: found.provisioner,
        [storageProvisioner]: found.provisioner,
      };
      await claimClient.update(draft);
    }
    recorder.event(
      claim,
      'Normal',
      'ExternalProvisioning',
      `Waiting for a volume to be created either by the external provisioner '${found.provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.`,
    );
  }

  /** Four writes, each of which may be the last: volume, its phase, claim, its phase. */
  async function bind(volume: VolumeView, claim: ClaimView): Promise<void> {
    let bound = volume;
    const reference = volume.spec?.claimRef;
    if (!reference || reference.uid !== claim.metadata.uid) {
      const draft = mutableCopy<PersistentVolume>(volume);
      const { namespace, name, uid, resourceVersion } = claim.metadata;
      draft.spec = {
        ...draft.spec,
        claimRef: {
          kind: 'PersistentVolumeClaim',
          apiVersion: 'v1',
          ...(namespace ? { namespace } : {}),
          ...(name ? { name } : {}),
          ...(uid ? { uid } : {}),
          ...(resourceVersion ? { resourceVersion } : {}),
        },
      };
      if (!reference)
        draft.metadata.annotations = {
          ...draft.metadata.annotations,
          [boundByController]: 'yes',
        };
      bound = await volumeClient.update(draft);
    }
    await setVolumePhase(bound, 'Bound');
    let current = claim;
    const annotations = claim.metadata.annotations ?? {};
    if (claim.spec?.volumeName !== volume.metadata.name || annotations[bindCompleted] !== 'yes') {
      const draft = mutableCopy<PersistentVolumeClaim>(claim);
      const isChosen = claim.spec?.volumeName !== volume.metadata.name;
      draft.spec = { ...draft.spec, volumeName: volume.metadata.name ?? '' };
      draft.metadata.annotations = {
        ...draft.metadata.annotations,
        [bindCompleted]: 'yes',
        ...(isChosen ? { [boundByController]: 'yes' } : {}),
      };
      current = await claimClient.update(draft);
    }
    await setClaimPhase(current, 'Bound', bound);
  }

  async function setClaimPhase(
    claim: ClaimView,
    phase: 'Pending' | 'Bound' | 'Lost',
    volume?: VolumeView,
  ): Promise<void> {
    const draft = mutableCopy<PersistentVolumeClaim>(claim);
    const status = { ...draft.status, phase };
    delete status.accessModes;
    if (!volume) delete status.capacity;
    else {
      if (volume.spec?.accessModes) status.accessModes = [...volume.spec.accessModes];
      if (claim.status?.phase !== 'Bound' || !status.capacity) {
        const storage = volume.spec?.capacity?.['storage'];
        status.capacity = { ...status.capacity, ...(storage ? { storage } : {}) };
      }
    }
    if (jsonEqual(claim.status, status)) return;
    await claimClient.updateStatus({ ...draft, status });
  }

  async function setVolumePhase(
    volume: VolumeView,
    phase: string,
    message?: string,
  ): Promise<VolumeView> {
    if (volume.status?.phase === phase && volume.status.message === message) return volume;
    const draft = mutableCopy<PersistentVolume>(volume);
    draft.status = {
      ...draft.status,
      phase,
      ...(volume.status?.phase === phase
        ? {}
        : { lastPhaseTransitionTime: formatTime(clock.now()) }),
    };
    if (message) draft.status.message = message;
    else delete draft.status.message;
    return volumeClient.updateStatus(draft);
  }

  async function syncVolume(volume: VolumeView): Promise<void> {
    const reference = volume.spec?.claimRef;
    if (!reference?.uid) {
      await setVolumePhase(volume, 'Available');
      // A new volume may be what a claim waits for.
      for (const claim of claims.list())
        if (
          claim.status?.phase !== 'Bound' &&
          storageClassOf(claim) === (volume.spec?.storageClassName ?? '')
        )
          queue.add(claimItem(claim));
      return;
    }
    const key = keyOf(reference.namespace, reference.name ?? '');
    let claim: ClaimView | undefined = claims.get(key);
    if (!claim || claim.metadata.uid !== reference.uid) {
      try {
        claim = await claimClient.get(reference.namespace, reference.name ?? '');
      } catch (error) {
        if (!isReason(error, 'NotFound')) throw error;
        claim = undefined;
      }
    }
    if (!claim || claim.metadata.uid !== reference.uid) {
      let released = volume;
      if (volume.status?.phase !== 'Released' && volume.status?.phase !== 'Failed')
        released = await setVolumePhase(volume, 'Released');
      await reclaim(released);
      return;
    }
    if (!claim.spec?.volumeName) {
      if (modesDiffer(volume, claim)) {
        recorder.event(
          volume,
          'Warning',
          'VolumeMismatch',
          `Cannot bind PersistentVolume to requested PersistentVolumeClaim "${claim.metadata.name ?? ''}" due to incompatible volumeMode.`,
        );
        recorder.event(
          claim,
          'Warning',
          'VolumeMismatch',
          `Cannot bind PersistentVolume "${volume.metadata.name ?? ''}" to requested PersistentVolumeClaim due to incompatible volumeMode.`,
        );
        return;
      }
      queue.add(claimItem(claim));
    } else if (claim.spec.volumeName === volume.metadata.name) {
      await setVolumePhase(volume, 'Bound');
    } else if (volume.metadata.annotations?.[boundByController] !== undefined) {
      await unbind(volume);
    }
  }

  /** The claim went to another volume: this one is free again. */
  async function unbind(volume: VolumeView): Promise<void> {
    const draft = mutableCopy<PersistentVolume>(volume);
    if (draft.spec) delete draft.spec.claimRef;
    const annotations = { ...draft.metadata.annotations };
    delete annotations[boundByController];
    draft.metadata.annotations = annotations;
    await setVolumePhase(await volumeClient.update(draft), 'Available');
  }

  async function reclaim(volume: VolumeView): Promise<void> {
    switch (volume.spec?.persistentVolumeReclaimPolicy ?? 'Retain') {
      case 'Delete': {
        // What an external provisioner made, it takes away.
        if (volume.metadata.annotations?.[provisionedBy] !== undefined || volume.spec?.csi) return;
        if (volume.status?.phase === 'Failed') return;
        const path = volume.spec?.hostPath?.path;
        if (path !== undefined && /\/tmp\/.+/.test(path)) {
          await volumeClient.delete(undefined, volume.metadata.name ?? '');
          return;
        }
        const message =
          path === undefined
            ? `error getting deleter volume plugin for volume "${volume.metadata.name ?? ''}": no deletable volume plugin matched`
            : `host_path deleter only supports /tmp/.+ but received provided ${path}`;
        await setVolumePhase(volume, 'Failed', message);
        recorder.event(volume, 'Warning', 'VolumeFailedDelete', message);
        return;
      }
      case 'Recycle': {
        if (volume.status?.phase === 'Failed') return;
        const message = 'No recycler plugin found for the volume!';
        await setVolumePhase(volume, 'Failed', message);
        recorder.event(volume, 'Warning', 'VolumeFailedRecycle', message);
        return;
      }
      default:
    }
  }

  return queueController(context, {
    name: 'persistentvolume-binder-controller',
    queue,
    reconcile,
    workers: 1,
    handlers: (own) => {
      const onVolume = (volume: VolumeView): void => queue.add(volumeItem(volume));
      own(
        volumes.addHandler({
          onAdd: onVolume,
          onUpdate: (previous, volume) => {
            onVolume(volume);
            const before = previous.spec?.claimRef;
            if (!before?.uid || before.uid === volume.spec?.claimRef?.uid) return;
            // A claim whose volume was taken from it by hand hears of it with the next resync.
            const claim = claims.get(keyOf(before.namespace, before.name ?? ''));
            if (claim) queue.addAfter(claimItem(claim), resyncMs);
          },
          onDelete: (volume) => {
            const reference = volume.spec?.claimRef;
            const claim = reference && claims.get(keyOf(reference.namespace, reference.name ?? ''));
            if (claim) queue.add(claimItem(claim));
          },
        }),
      );
      const onClaim = (claim: ClaimView): void => queue.add(claimItem(claim));
      own(
        claims.addHandler({
          onAdd: onClaim,
          onUpdate: (_, claim) => onClaim(claim),
          onDelete: (claim) => {
            const volume = volumes.get(keyOf(undefined, claim.spec?.volumeName ?? ''));
            if (volume) queue.add(volumeItem(volume));
          },
        }),
      );
      const allPending = (): void => {
        for (const claim of claims.list())
          if (claim.status?.phase === 'Pending') queue.add(claimItem(claim));
      };
      own(classes.addHandler({ onAdd: allPending, onUpdate: allPending }));
    },
  });
}
