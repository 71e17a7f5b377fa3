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
        handle: ({ url }) =>
          Promise.resolve(
            ['/healthz', '/livez', '/readyz'].includes(pathOf(url))
              ? plainAnswer(200, 'ok')
              : plainAnswer(403, 'Forbidden\n'),
          ),
      },
      { address: flags.text('bind-address') ?? '0.0.0.0' },
    ),
  );
}
