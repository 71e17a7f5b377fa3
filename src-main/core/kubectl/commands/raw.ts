import { type ApiRequest, responseText } from '#core/kube';
import { utf8 } from '#core/base';
import { CommandError } from '../errors.ts';
import type { Session } from '../session.ts';

/**
 * Sends the file of `-f`, or stdin, to the path of `--raw` as it is, and prints the answer as it is.
 *
 * @throws CommandError flags that do not go together; a file that cannot be read.
 * @see k8s.io/kubectl/pkg/rawhttp
 */
export async function sendRaw(
  session: Session,
  method: ApiRequest['method'],
  options: { readonly mayBeEmpty?: boolean } = {},
): Promise<number> {
  const { flags } = session;
  const [file, ...more] = flags.all('filename');
  if (more.length > 0 || (file === undefined && !options.mayBeEmpty))
    throw new CommandError('--raw can only use a single local file or stdin');
  if (file !== undefined && /^https?:\/\//.test(file))
    throw new CommandError('--raw cannot read from a url');
  if (flags.bool('recursive'))
    throw new CommandError('--raw and --recursive are mutually exclusive');
  if (flags.text('output') !== '')
    throw new CommandError('--raw and --output are mutually exclusive');
  const bytes = file === undefined ? undefined : await contentOf(session, file);
  const response = await session.api.send(method, flags.text('raw'), {
    accept: 'application/json, */*',
    ...(bytes ? { bytes } : {}),
  });
  session.out(await responseText(response));
  return 0;
}

async function contentOf(session: Session, file: string): Promise<Uint8Array<ArrayBuffer>> {
  if (file === '-') return utf8(await session.readStdin());
  try {
    return session.io.files.readFile(session.path(file)) as Uint8Array<ArrayBuffer>;
  } catch {
    throw new CommandError(`open ${file}: no such file or directory`);
  }
}
