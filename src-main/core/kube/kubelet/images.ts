import { fromBase64, fromUtf8, Turns } from '#core/base';
import { TokenBucket } from '../client/index.ts';
import { BackOff } from './back-off.ts';
import { errorText, type KubeletContext, podEvent } from './context.ts';
import { CriError, type RegistryCredentials } from './cri.ts';
import { type ContainerView, podKey, specOf, uidOf, type PodView } from './pods.ts';
import type { ReferencedObjects } from './referenced-objects.ts';
import { StartError } from './start-error.ts';

const initialBackOffMs = 10_000;
const maxBackOffMs = 300_000;

/**
 * Brings the image of a container onto the node: pull policy, back-off, events, pull secrets; one pull at a time.
 * @see pkg/kubelet/images/image_manager.go
 */
export class ImageManager {
  readonly #context: KubeletContext;
  readonly #objects: ReferencedObjects;
  readonly #backOff: BackOff;
  readonly #bucket: TokenBucket;
  readonly #lastError = new Map<string, string>();
  readonly #turns = new Turns();

  constructor(context: KubeletContext, objects: ReferencedObjects) {
    const { clock, config } = context;
    this.#context = context;
    this.#objects = objects;
    this.#backOff = new BackOff(clock, initialBackOffMs, maxBackOffMs);
    this.#bucket = new TokenBucket(clock, config.registryPullQPS, config.registryBurst);
  }

  /** Resolves when the image is there. @throws StartError */
  ensure(pod: PodView, container: ContainerView): Promise<void> {
    const { image = '', imagePullPolicy, name } = container;
    return this.#ensure(pod, image, imagePullPolicy, name);
  }

  /** Brings the images that the pod mounts as volumes. @returns why those are missing that could not be had, by volume. */
  async ensureVolumes(pod: PodView): Promise<ReadonlyMap<string, StartError>> {
    const failures = new Map<string, StartError>();
    for (const { name, image } of specOf(pod).volumes ?? []) {
      if (!image) continue;
      try {
        await this.#ensure(pod, image.reference ?? '', image.pullPolicy, undefined);
      } catch (error) {
        if (!(error instanceof StartError)) throw error;
        failures.set(name, error);
      }
    }
    return failures;
  }

  /** @param container whom events are about; absent: the pod. */
  async #ensure(
    pod: PodView,
    requested: string,
    policy = 'IfNotPresent',
    container: string | undefined,
  ): Promise<void> {
    const { host } = this.#context;
    const event = (type: 'Normal' | 'Warning', reason: string, message: string): void =>
      podEvent(this.#context, pod, type, reason, message, container);
    const invalid = referenceError(requested);
    if (invalid !== undefined) {
      const message = `Failed to apply default image tag ${JSON.stringify(requested)}: couldn't parse image name ${JSON.stringify(requested)}: ${invalid}`;
      event('Warning', 'InspectFailed', message);
      throw new StartError('InvalidImageName', message);
    }
    if (policy !== 'Always') {
      let present: boolean;
      try {
        present = (await host.images.imageStatus(requested)) !== undefined;
      } catch (error) {
        const message = `Failed to inspect image "": ${criText(error)}`;
        event('Warning', 'InspectFailed', message);
        throw new StartError('ImageInspectError', message);
      }
      if (present) {
        event(
          'Normal',
          'Pulled',
          `Container image ${JSON.stringify(requested)} already present on machine and can be accessed by the pod`,
        );
        return;
      }
      if (policy === 'Never') {
        const message = `Container image ${JSON.stringify(requested)} is not present with pull policy of Never`;
        event('Warning', 'ErrImageNeverPull', message);
        throw new StartError('ErrImageNeverPull', message);
      }
    }
    await this.#pull(pod, requested, event);
  }

  /** The pod is gone. */
  forget(uid: string): void {
    for (const key of this.#lastError.keys())
      if (key.startsWith(`${uid}_`)) this.#lastError.delete(key);
  }

  async #pull(
    pod: PodView,
    image: string,
    event: (type: 'Normal' | 'Warning', reason: string, message: string) => void,
  ): Promise<void> {
    const { clock, host, log } = this.#context;
    const quoted = JSON.stringify(image);
    const key = `${uidOf(pod)}_${image}`;
    if (this.#backOff.isWaiting(key)) {
      const message = `Back-off pulling image ${quoted}`;
      event('Normal', 'BackOff', message);
      const last = this.#lastError.get(key);
      throw new StartError(
        'ImagePullBackOff',
        last === undefined ? message : `${message}: ${last}`,
      );
    }
    this.#lastError.delete(key);
    const credentials = await this.#credentials(pod, image);
    event('Normal', 'Pulling', `Pulling image ${quoted}`);
    const askedMs = clock.now();
    let beganMs = askedMs;
    try {
      await this.#turns.take(async () => {
        // Asked for when the turn comes, as upstream's throttled image service does: waiting costs none. Unlike
        // there an image that is on the node takes none either, so that many pods of one image start at once.
        const present = (await host.images.imageStatus(image)) !== undefined;
        if (!present && !this.#bucket.tryTake()) throw new Error('pull QPS exceeded');
        beganMs = clock.now();
        return host.images.pullImage(image, credentials);
      });
    } catch (error) {
      const text = criText(error);
      log('E', 'kuberuntime_image.go:43', 'Failed to pull image', { err: text, image });
      event('Warning', 'Failed', `Failed to pull image ${quoted}: ${text}`);
      this.#backOff.next(key, clock.now());
      this.#lastError.set(key, `ErrImagePull: ${text}`);
      throw new StartError('ErrImagePull', text);
    }
    const size = (await host.images.imageStatus(image))?.sizeBytes ?? 0;
    const now = clock.now();
    event(
      'Normal',
      'Pulled',
      `Successfully pulled image ${quoted} in ${spanText(now - beganMs)} (${spanText(now - askedMs)} including waiting). Image size: ${size} bytes.`,
    );
  }

  /** Those of the pull secrets for the image's registry. */
  async #credentials(pod: PodView, image: string): Promise<RegistryCredentials | undefined> {
    const secrets = specOf(pod).imagePullSecrets ?? [];
    const missing: string[] = [];
    let found: RegistryCredentials | undefined;
    for (const { name } of secrets) {
      if (!name) continue;
      try {
        const secret = await this.#objects.secret(podKey(pod).split('/')[0] ?? '', name);
        found ??= credentialsOf(secret.data?.['.dockerconfigjson'], registryOf(image));
      } catch {
        missing.push(name);
      }
    }
    if (missing.length > 0)
      podEvent(
        this.#context,
        pod,
        'Warning',
        'FailedToRetrieveImagePullSecret',
        `Unable to retrieve some image pull secrets (${missing.join(', ')}); attempting to pull the image may not succeed.`,
      );
    return found;
  }
}

/** A CRI error as clients of the kubelet see it: codes other than Unknown are named. */
export function criText(error: unknown): string {
  if (!(error instanceof CriError) || error.code === 'Unknown') return errorText(error);
  return `rpc error: code = ${error.code} desc = ${error.message}`;
}

function spanText(ms: number): string {
  const whole = Math.floor(ms);
  return whole === 0 ? '0s' : whole < 1000 ? `${whole}ms` : `${Number((whole / 1000).toFixed(3))}s`;
}

function registryOf(image: string): string {
  const first = image.split('/')[0] ?? '';
  return image.includes('/') && /[.:]|^localhost$/.test(first) ? first : 'docker.io';
}

function credentialsOf(
  data: string | undefined,
  registry: string,
): RegistryCredentials | undefined {
  if (data === undefined) return undefined;
  try {
    const { auths = {} } = JSON.parse(fromUtf8(fromBase64(data))) as {
      auths?: Record<string, { username?: string; password?: string; auth?: string }>;
    };
    for (const [server, { username, password, auth }] of Object.entries(auths)) {
      const host = server.replace(/^https?:\/\//, '').split('/')[0];
      if (host !== registry && !(registry === 'docker.io' && host === 'index.docker.io')) continue;
      if (username !== undefined && password !== undefined) return { username, password };
      const [user = '', ...rest] = fromUtf8(fromBase64(auth ?? '')).split(':');
      return { username: user, password: rest.join(':') };
    }
  } catch {
    // A secret that cannot be read helps nobody; the pull goes on without.
  }
  return undefined;
}

/** Why a text is no image reference. @see github.com/distribution/reference */
function referenceError(image: string): string | undefined {
  if (image === '') return 'invalid reference format';
  const [name = '', digest] = image.split('@');
  if (digest !== undefined && !/^[a-z0-9]+:[0-9a-fA-F]{32,}$/.test(digest))
    return 'invalid reference format';
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  const hasDomain = slash >= 0 && (/[.:]/.test(first) || first === 'localhost');
  const rest = hasDomain ? name.slice(slash + 1) : name;
  const match = /^([^:]*)(?::([\w][\w.-]{0,127}))?$/.exec(rest);
  if (!match) return 'invalid reference format';
  const path = match[1] ?? '';
  if (path.toLowerCase() !== path && /^[\w./-]+$/.test(path))
    return `invalid reference format: repository name (${hasDomain || path.includes('/') ? path : `library/${path}`}) must be lowercase`;
  return /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/.test(
    path,
  )
    ? undefined
    : 'invalid reference format';
}
