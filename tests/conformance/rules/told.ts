/** What is compared of an answer: code, message and warnings. */
export interface Told {
  readonly status: number;
  readonly message?: string;
  readonly warning?: string;
}

interface Answer {
  readonly status: number;
  readonly warning: string;
  readonly body: unknown;
}

export function toldOf({ status, warning, body }: Answer): Told {
  const { message } = (typeof body === 'object' && body !== null ? body : {}) as {
    message?: unknown;
  };
  return {
    status,
    ...(typeof message === 'string' ? { message } : {}),
    ...(warning === '' ? {} : { warning }),
  };
}
