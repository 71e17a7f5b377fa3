/** What is compared of one step: the answer, and what webhooks were sent meanwhile. */
export interface Told {
  readonly status: number;
  readonly warning?: string;
  readonly body: unknown;
  readonly calls: readonly Call[];
}

/** A review as a webhook got it. */
export interface Call {
  readonly url: string;
  readonly body: unknown;
}

const masked: Readonly<Record<string, string>> = {
  uid: 'UID',
  resourceVersion: 'VERSION',
  creationTimestamp: 'TIME',
  time: 'TIME',
  deletionTimestamp: 'TIME',
  expirationTimestamp: 'TIME',
  lastTransitionTime: 'TIME',
  lastUpdateTime: 'TIME',
  startTime: 'TIME',
  token: 'TOKEN',
  groups: 'GROUPS',
  extra: 'EXTRA',
  caBundle: 'CA',
};
const uid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

/** Without what is another one each time. */
function mask(value: unknown): unknown {
  if (typeof value === 'string')
    return value.replace(uid, 'UID').replace(/\bg-[a-z0-9]{5}\b/g, 'g-NAME');
  if (Array.isArray(value)) return value.map(mask);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      // Who owns which field is asked elsewhere.
      .filter(([key]) => key !== 'managedFields')
      .map(([key, each]) => [key, key in masked && each !== null ? masked[key] : mask(each)]),
  );
}

export function toldOf(
  answer: { readonly status: number; readonly warning: string; readonly body: unknown },
  calls: readonly Call[],
): Told {
  return {
    status: answer.status,
    ...(answer.warning === '' ? {} : { warning: answer.warning }),
    body: mask(answer.body),
    calls: calls.map(({ url, body }) => ({ url, body: mask(body) })),
  };
}
