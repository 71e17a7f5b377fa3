import { type Disposable, DisposableStore, fromUtf8, jsonClone } from '#core/base';
import { type Pod, strategyFor } from '../apis/index.ts';
import {
  canonicalJson,
  fnv128a,
  type KubeObject,
  parseYaml,
  validateObjectMeta,
  YamlError,
} from '../machinery/index.ts';
import { durationMs } from './configuration.ts';
import type { KubeletContext } from './context.ts';
import { configHash, configSeen, type PodView } from './pods.ts';

/** A file holds no pod. `parsed`: it is a pod, but not a valid one. */
class ManifestError extends Error {
  override readonly name = 'ManifestError';
}

/**
 * Pods from the manifests of `staticPodPath`: read at once, after each change, and every `fileCheckFrequency`.
 * A file that cannot be read as a pod counts as absent.
 *
 * @see pkg/kubelet/config/file.go
 */
export class StaticPodSource implements Disposable {
  readonly #context: KubeletContext;
  readonly #onPods: (pods: readonly PodView[]) => void;
  readonly #owned = new DisposableStore();
  readonly #seen = new Map<string, { readonly text: string; readonly pod: PodView }>();
  readonly #path: string;
  #pending: Disposable | undefined;
  #again: Disposable | undefined;
  #last = '';

  constructor(context: KubeletContext, path: string, onPods: (pods: readonly PodView[]) => void) {
    this.#context = context;
    this.#path = path.replace(/\/+$/, '');
    this.#onPods = onPods;
  }

  start(): void {
    const { files } = this.#context.host;
    this.#read('file.go:187', 'Could not process manifest file');
    this.#owned.add(
      files.watch(this.#path, () => {
        // A save is several changes in a row: they are read together.
        this.#pending ??= this.#context.clock.setTimer(0, () => {
          this.#pending = undefined;
          this.#read('file.go:108', 'Unable to process watch event');
        });
      }),
    );
    this.#schedule();
  }

  dispose(): void {
    this.#owned.dispose();
    this.#pending?.dispose();
    this.#again?.dispose();
  }

  #schedule(): void {
    const { clock, config } = this.#context;
    this.#again = clock.setTimer(
      durationMs(config.fileCheckFrequency),
      () => {
        this.#read('file.go:187', 'Could not process manifest file');
        this.#schedule();
      },
      { background: true },
    );
  }

  #read(place: string, complaint: string): void {
    const { host, log } = this.#context;
    const { files } = host;
    if (!files.exists(this.#path)) {
      log('E', 'file.go:67', 'Unable to read config path', {
        err: 'path does not exist, ignoring',
        path: this.#path,
      });
      this.#publish([]);
      return;
    }
    const names = files.isDirectory(this.#path)
      ? [...files.readdir(this.#path)].filter((name) => !name.startsWith('.')).sort()
      : [''];
    const pods: PodView[] = [];
    for (const name of names) {
      const path = name === '' ? this.#path : `${this.#path}/${name}`;
      if (files.isDirectory(path)) {
        log(
          'E',
          'file.go:177',
          'Provided manifest path is a directory, not recursing into manifest path',
          { path },
        );
        continue;
      }
      try {
        pods.push(this.#podOf(path, fromUtf8(files.readFile(path))));
      } catch (error) {
        this.#seen.delete(path);
        if (!(error instanceof ManifestError)) continue;
        if (place === 'file.go:108')
          log('E', place, complaint, {
            err: `can't process config file ${JSON.stringify(path)}: ${error.message}`,
          });
        else log('E', place, complaint, { err: error.message, path });
      }
    }
    this.#publish(pods);
  }

  #publish(pods: readonly PodView[]): void {
    const state = pods.map(({ metadata }) => metadata.uid).join(' ');
    if (state === this.#last) return;
    this.#last = state;
    this.#onPods(pods);
  }

  /** @throws ManifestError */
  #podOf(path: string, text: string): PodView {
    const present = this.#seen.get(path);
    if (present?.text === text) return present.pod;
    const pod = this.#parse(path, text);
    this.#seen.set(path, { text, pod });
    return pod;
  }

  #parse(path: string, text: string): PodView {
    const { clock, nodeName } = this.#context;
    const unreadable = (reason: string): ManifestError =>
      new ManifestError(`${path}: couldn't parse as pod(${reason}), please check config file`);
    let document: unknown;
    try {
      document = parseYaml(text);
    } catch (error) {
      if (error instanceof YamlError) throw unreadable(error.message);
      throw error;
    }
    if (typeof document !== 'object' || document === null || Array.isArray(document))
      throw unreadable(`Object 'Kind' is missing in '${JSON.stringify(document ?? null)}'`);
    const { kind, apiVersion } = document as { kind?: unknown; apiVersion?: unknown };
    if (typeof kind !== 'string' || kind === '')
      throw unreadable(`Object 'Kind' is missing in '${JSON.stringify(document)}'`);
    if (typeof apiVersion !== 'string' || apiVersion === '')
      throw unreadable(`Object 'apiVersion' is missing in '${JSON.stringify(document)}'`);
    if (kind !== 'Pod' || apiVersion !== 'v1')
      throw unreadable(
        `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme "pkg/runtime/scheme.go:111"`,
      );
    const draft = jsonClone(document) as unknown as Pod;
    draft.metadata = { ...draft.metadata };
    const { metadata } = draft;
    if (!metadata.name) throw new ManifestError('invalid pod: name is needed for the pod');
    const strategy = strategyFor('', 'Pod');
    strategy?.defaults?.(draft);
    delete draft.status;
    const source = `${canonicalJson(draft)}host:${nodeName}file:${path}`;
    const uid = metadata.uid || fnv128a(source).toString(16).padStart(32, '0');
    const spec = draft.spec ?? { containers: [] };
    spec.nodeName = nodeName;
    const tolerations = spec.tolerations ?? [];
    if (
      !tolerations.some(
        ({ operator, effect, key }) => operator === 'Exists' && effect === 'NoExecute' && !key,
      )
    )
      spec.tolerations = [...tolerations, { operator: 'Exists', effect: 'NoExecute' }];
    draft.spec = spec;
    draft.metadata = {
      ...metadata,
      uid,
      name: `${metadata.name}-${nodeName.toLowerCase()}`,
      namespace: metadata.namespace || 'default',
      annotations: {
        ...metadata.annotations,
        [configHash]: uid,
        [configSeen]: goTime(clock.now()),
        'kubernetes.io/config.source': 'file',
      },
    };
    this.#validate(draft);
    draft.status = { phase: 'Pending' };
    return draft;
  }

  #validate(pod: Pod): void {
    const context = { nowMs: this.#context.clock.now() };
    const object = pod as unknown as KubeObject;
    const errors = [
      ...validateObjectMeta(pod.metadata, true),
      ...(strategyFor('', 'Pod')?.validate?.(object, context) ?? []),
    ].map(({ field, message }) => `${field}: ${message}`);
    if (errors.length === 1) throw new ManifestError(`invalid pod: [${errors[0] ?? ''}]`);
    if (errors.length > 0) throw new ManifestError(`invalid pod: [${errors.join(' ')}]`);
    const reference = apiReference(pod);
    if (reference !== '') throw new ManifestError(`static pods may not reference ${reference}`);
  }
}

/** What a static pod may not have: it runs without an API. @see pkg/api/v1/pod/util.go, HasAPIObjectReference */
function apiReference({ spec }: Pod): string {
  if (!spec) return '';
  if (spec.serviceAccountName) return 'serviceaccounts';
  if ((spec.imagePullSecrets ?? []).length > 0) return 'secrets';
  if ((spec.resourceClaims ?? []).length > 0) return 'resourceclaims';
  for (const container of [...(spec.initContainers ?? []), ...spec.containers]) {
    for (const { configMapRef, secretRef } of container.envFrom ?? [])
      if (configMapRef ?? secretRef) return configMapRef ? 'configmaps' : 'secrets';
    for (const { valueFrom } of container.env ?? [])
      if (valueFrom?.configMapKeyRef ?? valueFrom?.secretKeyRef)
        return valueFrom?.configMapKeyRef ? 'configmaps' : 'secrets';
  }
  for (const { configMap, secret, persistentVolumeClaim, projected } of spec.volumes ?? []) {
    if (configMap) return 'configmaps';
    if (secret) return 'secrets';
    if (persistentVolumeClaim) return 'persistentvolumeclaims';
    for (const source of projected?.sources ?? []) {
      if (source.configMap) return 'configmaps';
      if (source.secret) return 'secrets';
      if (source.serviceAccountToken) return 'serviceaccounts';
    }
  }
  return '';
}

/** RFC 3339 with nanoseconds, as Go prints a time. */
export function goTime(ms: number): string {
  return new Date(Math.floor(ms)).toISOString().replace('Z', '000000Z');
}
