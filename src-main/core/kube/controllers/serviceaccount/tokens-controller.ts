import { type DeepReadonly, toBase64, utf8 } from '#core/base';
import type { Secret, ServiceAccount } from '../../apis/index.ts';
import { type Result, WorkQueue } from '../../client/index.ts';
import { isReason, keyOf, objectKey, type ObjectKey, splitKey } from '../../machinery/index.ts';
import { type Controller, type ControllerContext, mutableCopy } from '../shared/context.ts';
import { enqueueSelf, queueController } from '../shared/informer-queue.ts';

type SecretView = DeepReadonly<Secret>;
type AccountView = DeepReadonly<ServiceAccount>;

export interface TokensOptions {
  /** Signs with the key of `--service-account-private-key-file`. */
  readonly sign: (
    data: Uint8Array,
  ) => Promise<{ readonly algorithm: string; readonly signature: Uint8Array }>;
  /** PEM that goes into each secret as `ca.crt`. */
  readonly rootCa?: string;
}

const tokenType = 'kubernetes.io/service-account-token';
const nameAnnotation = 'kubernetes.io/service-account.name';
const uidAnnotation = 'kubernetes.io/service-account.uid';

/**
 * Fills secrets of type service-account-token, and deletes those whose account is gone. Such tokens do not
 * expire; nobody gets one unasked.
 *
 * @see k8s.io/kubernetes/pkg/controller/serviceaccount/tokens_controller.go
 */
export function createServiceAccountTokenController(
  context: ControllerContext,
  options: TokensOptions,
): Controller {
  const { client, informers, clock } = context;
  const accounts = informers.for('serviceaccounts');
  const secrets = informers.for('secrets', { fieldSelector: `type=${tokenType}` });
  const queue = new WorkQueue<ObjectKey>(clock);

  async function reconcile(key: ObjectKey): Promise<Result> {
    const secret = secrets.get(key);
    if (secret?.type !== tokenType || secret.metadata.deletionTimestamp) return {};
    const { namespace } = splitKey(key);
    const account = await accountOf(secret, namespace);
    if (!account) {
      await remove(secret);
      return {};
    }
    const data: Record<string, string> = { ...secret.data };
    const rootCa = options.rootCa === undefined ? undefined : toBase64(utf8(options.rootCa));
    const isComplete =
      data['token'] !== undefined &&
      data['namespace'] !== undefined &&
      (rootCa === undefined || data['ca.crt'] === rootCa);
    const annotations = secret.metadata.annotations ?? {};
    if (isComplete && annotations[uidAnnotation] === account.metadata.uid) return {};
    const draft = mutableCopy<Secret>(secret);
    if (rootCa !== undefined) data['ca.crt'] = rootCa;
    data['namespace'] ??= toBase64(utf8(namespace ?? ''));
    data['token'] ??= toBase64(utf8(await tokenFor(account, secret)));
    draft.data = data;
    draft.metadata.annotations = {
      ...draft.metadata.annotations,
      [nameAnnotation]: account.metadata.name ?? '',
      [uidAnnotation]: account.metadata.uid ?? '',
    };
    await client.resource('secrets').update(draft);
    return {};
  }

  async function accountOf(
    secret: SecretView,
    namespace: string | undefined,
  ): Promise<AccountView | undefined> {
    const annotations = secret.metadata.annotations ?? {};
    const name = annotations[nameAnnotation] ?? '';
    const uid = annotations[uidAnnotation];
    const matches = (account: AccountView | undefined): boolean =>
      account !== undefined && (!uid || account.metadata.uid === uid);
    const cached = accounts.get(keyOf(namespace, name));
    if (matches(cached)) return cached;
    try {
      // The cache may lag behind an account made a moment ago.
      const live = await client.resource('serviceaccounts').get(namespace, name);
      return matches(live) ? live : undefined;
    } catch (error) {
      if (isReason(error, 'NotFound')) return undefined;
      throw error;
    }
  }

  async function remove(secret: SecretView): Promise<void> {
    const { namespace, name = '', uid } = secret.metadata;
    try {
      await client
        .resource('secrets')
        .delete(namespace, name, uid ? { preconditions: { uid } } : {});
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error;
    }
  }

  async function tokenFor(account: AccountView, secret: SecretView): Promise<string> {
    const { namespace = '', name = '', uid = '' } = account.metadata;
    const claims = encode({
      iss: 'kubernetes/serviceaccount',
      'kubernetes.io/serviceaccount/namespace': namespace,
      'kubernetes.io/serviceaccount/secret.name': secret.metadata.name,
      'kubernetes.io/serviceaccount/service-account.name': name,
      'kubernetes.io/serviceaccount/service-account.uid': uid,
      sub: `system:serviceaccount:${namespace}:${name}`,
    });
    let algorithm = 'RS256';
    for (;;) {
      const head = encode({ alg: algorithm });
      const signed = await options.sign(utf8(`${head}.${claims}`));
      // The algorithm follows from the key, and the head is part of what is signed.
      if (signed.algorithm === algorithm) return `${head}.${claims}.${urlSafe(signed.signature)}`;
      algorithm = signed.algorithm;
    }
  }

  return queueController(context, {
    name: 'serviceaccount-token-controller',
    queue,
    reconcile,
    handlers: (own) => {
      own(enqueueSelf(secrets, queue));
      own(
        accounts.addHandler({
          onDelete: ({ metadata }) => {
            for (const secret of secrets.list(metadata.namespace))
              if (secret.metadata.annotations?.[nameAnnotation] === metadata.name)
                queue.add(objectKey(secret.metadata));
          },
        }),
      );
    },
  });
}

function urlSafe(bytes: Uint8Array): string {
  return toBase64(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

function encode(value: object): string {
  return urlSafe(utf8(JSON.stringify(value)));
}
