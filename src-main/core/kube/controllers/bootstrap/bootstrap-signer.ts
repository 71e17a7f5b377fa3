import { type DeepReadonly, fromBase64, fromUtf8, hmacSha256, toBase64, utf8 } from '#core/base';
import type { ConfigMap, Secret } from '../../apis/index.ts';
import { type Result, WorkQueue } from '../../client/index.ts';
import { isReason, keyOf, type ObjectKey } from '../../machinery/index.ts';
import { type Controller, type ControllerContext, mutableCopy } from '../shared/context.ts';
import { queueController } from '../shared/informer-queue.ts';
import { bootstrapTokenType, expiryMs } from './tokens.ts';

const namespace = 'kube-public';
const name = 'cluster-info';
const signatureKey = 'jws-kubeconfig-';

/**
 * Signs the kubeconfig in `kube-public/cluster-info` with every bootstrap token that may sign, so that a machine
 * which knows a token can tell that the cluster is the right one.
 *
 * @see k8s.io/kubernetes/pkg/controller/bootstrap/bootstrapsigner.go
 */
export function createBootstrapSigner(context: ControllerContext): Controller {
  const { client, informers, clock } = context;
  const configMaps = informers.for('configmaps', {
    namespace,
    fieldSelector: `metadata.name=${name}`,
  });
  const secrets = informers.for('secrets', {
    namespace: 'kube-system',
    fieldSelector: `type=${bootstrapTokenType}`,
  });
  const queue = new WorkQueue<ObjectKey>(clock);
  const key = keyOf(namespace, name);

  async function reconcile(): Promise<Result> {
    const found = configMaps.get(key);
    const content = found?.data?.['kubeconfig'];
    if (!found || content === undefined) return {};
    const data: Record<string, string> = {};
    for (const [field, value] of Object.entries(found.data ?? {}))
      if (!field.startsWith(signatureKey)) data[field] = value;
    for (const { id, secret } of signingTokens(secrets.list(), clock.now()))
      data[signatureKey + id] = detachedSignature(content, id, secret);
    const before = found.data ?? {};
    const isSigned =
      Object.keys(before).length === Object.keys(data).length &&
      Object.entries(data).every(([field, value]) => before[field] === value);
    if (isSigned) return {};
    const draft = mutableCopy<ConfigMap>(found);
    draft.data = data;
    try {
      await client.resource('configmaps').update(draft);
    } catch (error) {
      // The change that came between is told by the informer.
      if (!isReason(error, 'Conflict') && !isReason(error, 'NotFound')) throw error;
    }
    return {};
  }

  return queueController(context, {
    name: 'bootstrap-signer-controller',
    queue,
    reconcile,
    workers: 1,
    handlers: (own) => {
      const poke = (): void => queue.add(key);
      own(configMaps.addHandler({ onAdd: poke, onUpdate: poke }));
      own(secrets.addHandler({ onAdd: poke, onUpdate: poke, onDelete: poke }));
    },
  });
}

function signingTokens(
  secrets: readonly DeepReadonly<Secret>[],
  nowMs: number,
): { id: string; secret: string }[] {
  return secrets.flatMap((object) => {
    const text = (field: string): string => fromUtf8(fromBase64(object.data?.[field] ?? ''));
    const id = text('token-id');
    const secret = text('token-secret');
    const expires = expiryMs(object);
    const signs =
      object.type === bootstrapTokenType &&
      object.metadata.name === `bootstrap-token-${id}` &&
      /^[a-z0-9]{6}$/.test(id) &&
      secret !== '' &&
      (expires === undefined || expires > nowMs) &&
      text('usage-bootstrap-signing') === 'true';
    return signs ? [{ id, secret }] : [];
  });
}

/** A JWS without its content: `header..signature`. @see k8s.io/cluster-bootstrap/token/jws/jws.go */
function detachedSignature(content: string, id: string, secret: string): string {
  const header = urlSafe(utf8(JSON.stringify({ alg: 'HS256', kid: id })));
  const signed = utf8(`${header}.${urlSafe(utf8(content))}`);
  return `${header}..${urlSafe(hmacSha256(utf8(`${id}.${secret}`), signed))}`;
}

function urlSafe(bytes: Uint8Array): string {
  return toBase64(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}
