import {
  type ApiResponse,
  badRequest,
  failure,
  responseText,
  type Status,
  StatusError,
  type StatusReason,
} from '../machinery/index.ts';

/** The object of an answer, whatever carries it. @throws StatusError the answer is not JSON. */
export async function objectOf(response: ApiResponse): Promise<unknown> {
  const { body } = response;
  switch (body.kind) {
    case 'object':
      return body.object;
    case 'bytes':
    case 'source':
      return parse(await responseText(response));
    case 'none':
      return {};
    case 'watch':
    case 'session':
      throw badRequest(`unexpected ${body.kind} in answer`);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw failure(500, 'InternalError', `couldn't decode the answer: ${String(error)}`);
  }
}

const reasons: Readonly<Record<number, StatusReason>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  409: 'Conflict',
  410: 'Gone',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

/** The failure an answer of 400 or above stands for; a body that is no Status becomes its message. */
export async function errorOf(response: ApiResponse): Promise<StatusError> {
  let text = '';
  if (response.body.kind === 'object') {
    if (isStatus(response.body.object)) return new StatusError(response.body.object);
  } else {
    text = await responseText(response);
    try {
      const value = JSON.parse(text) as unknown;
      if (isStatus(value)) return new StatusError(value);
    } catch {
      // A plain text answer, as from a proxy or a health check.
    }
  }
  return failure(
    response.status,
    reasons[response.status] ?? '',
    text.trim() || 'the server rejected our request for an unknown reason',
  );
}

export function isStatus(value: unknown): value is Status {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'Status';
}
