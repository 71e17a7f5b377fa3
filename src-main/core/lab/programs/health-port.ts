import { utf8 } from '#core/base';
import { type ApiRequest, type ApiResponse, failure, type Status } from '#core/kube';
import { type Component, listenOrFail } from './component.ts';
import { pathOf, plainAnswer } from './http-answer.ts';

/** The secure port of a component, of which anonymous callers may read the health alone. */
export function serveHealth({ context, flags, own }: Component, defaultPort: number): void {
  own(
    listenOrFail(
      context.net,
      Number(flags.text('secure-port') ?? defaultPort),
      {
        kind: 'http',
        tls: { certificate: '' },
        handle: (request) => Promise.resolve(healthAnswer(request)),
      },
      { address: flags.text('bind-address') ?? '0.0.0.0' },
    ),
  );
}

/** @see k8s.io/apiserver/pkg/endpoints/filters, as components set them up around their own port */
export function healthAnswer({ url, method, headers }: ApiRequest): ApiResponse {
  const path = pathOf(url);
  if (['/healthz', '/livez', '/readyz'].includes(path)) return plainAnswer(200, 'ok');
  if (/^Bearer +\S/i.test(headers['authorization'] ?? ''))
    return statusAnswer({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: 'Unauthorized',
      reason: 'Unauthorized',
      code: 401,
    });
  const { status } = failure(
    403,
    'Forbidden',
    `forbidden: User "system:anonymous" cannot ${method.toLowerCase()} path ${JSON.stringify(path)}`,
    {},
  );
  return statusAnswer(status, { 'x-content-type-options': 'nosniff' });
}

function statusAnswer(status: Status, headers: Readonly<Record<string, string>> = {}): ApiResponse {
  return {
    status: status.code ?? 500,
    headers: {
      'content-type': 'application/json',
      'cache-control': 'no-cache, private',
      ...headers,
    },
    body: { kind: 'bytes', bytes: utf8(JSON.stringify(status, null, 2)) },
  };
}
