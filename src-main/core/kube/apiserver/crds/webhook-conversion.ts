import { jsonClone, quoted, type Random, uuid } from '#core/base';
import { type KubeObject, StatusError } from '../../machinery/index.ts';
import { at, isMap, mapOf, mapsOf, textAt, textOf, textsOf } from '../fields/index.ts';
import type { CallWebhook } from '../outbound/index.ts';

const timeoutMs = 30_000;
const group = 'apiextensions.k8s.io';

/** A plain 500, as of an error that says nothing of what kind it is. */
const failure = (message: string): StatusError =>
  new StatusError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    code: 500,
  });

/**
 * Has the webhook of a definition convert an object; its metadata stay, but for labels and annotations.
 * @throws StatusError
 * @see apiextensions-apiserver/pkg/apiserver/conversion/webhook_converter.go
 */
export async function convertByWebhook(
  crd: unknown,
  object: KubeObject,
  apiVersion: string,
  options: { readonly random: Random; readonly callWebhook?: CallWebhook },
): Promise<KubeObject> {
  const webhook = at(crd, 'spec', 'conversion', 'webhook');
  const named = `conversion webhook for ${object.apiVersion}, Kind=${object.kind}`;
  const version = textsOf(at(webhook, 'conversionReviewVersions')).find(
    (each) => each === 'v1' || each === 'v1beta1',
  );
  if (version === undefined) throw failure('no supported conversion review versions');
  const review = {
    kind: 'ConversionReview',
    apiVersion: `${group}/${version}`,
    request: { uid: uuid(options.random), desiredAPIVersion: apiVersion, objects: [object] },
  };
  let answer: unknown;
  try {
    if (!options.callWebhook) throw new Error('no webhook transport');
    answer = await options.callWebhook(mapOf(at(webhook, 'clientConfig')), review, timeoutMs);
  } catch (error) {
    throw failure(`${named} failed: ${error instanceof Error ? error.message : String(error)}`);
  }
  const problem = responseProblem(answer, review.apiVersion, review.request.uid);
  if (problem !== undefined) throw failure(`${named} failed: ${problem}`);
  const objects = mapsOf(at(answer, 'response', 'convertedObjects'));
  const [converted] = objects;
  if (!converted || objects.length !== 1)
    throw failure(`${named} returned ${objects.length} objects, expected 1`);
  const fault =
    converted['apiVersion'] === apiVersion
      ? converted['kind'] === object.kind
        ? undefined
        : `object at index 0: invalid kind (expected ${object.kind}, received ${textOf(converted['kind'])})`
      : `object at index 0: invalid groupVersion (expected ${apiVersion}, received ${textOf(converted['apiVersion'])})`;
  const other = fault ?? identityFault(object, converted);
  if (other !== undefined) throw failure(`${named} returned invalid ${other}`);
  const metadata = converted['metadata'];
  if (!isMap(metadata))
    throw failure(`${named} returned invalid metadata: missing metadata in converted object`);
  const kept: Record<string, unknown> = { ...jsonClone(object.metadata) };
  for (const field of ['labels', 'annotations']) {
    if (isMap(metadata[field])) kept[field] = metadata[field];
    else delete kept[field];
  }
  return { ...converted, metadata: kept } as unknown as KubeObject;
}

/** What is wrong with the answer as a whole. */
function responseProblem(answer: unknown, apiVersion: string, uid: string): string | undefined {
  const response = at(answer, 'response');
  // The first version of the review was not checked for what it is.
  const isChecked = apiVersion.endsWith('/v1');
  const told = `${textAt(answer, 'apiVersion')}, Kind=${textAt(answer, 'kind')}`;
  const expected = `${apiVersion}, Kind=ConversionReview`;
  if (isChecked && told !== expected)
    return `expected webhook response of ${expected}, got ${told}`;
  if (!isMap(response)) return 'no response provided';
  if (isChecked && response['uid'] !== uid)
    return `expected response.uid=${quoted(uid)}, got ${quoted(textOf(response['uid']))}`;
  const status = textAt(response, 'result', 'status');
  if (status === 'Success') return undefined;
  return (
    textAt(response, 'result', 'message') || `response.result.status was '${status}', not 'Success'`
  );
}

/** How a converted object is not the one that was sent. */
function identityFault(object: KubeObject, converted: unknown): string | undefined {
  const { name = '', namespace = '', uid = '' } = object.metadata;
  for (const [what, field, own] of [
    ['name', 'name', name],
    ['namespace', 'namespace', namespace],
    ['UID', 'uid', uid],
  ] as const) {
    const got = textAt(converted, 'metadata', field);
    if (got !== own) return `object: must have the same ${what}: ${own} != ${got}`;
  }
  return undefined;
}
