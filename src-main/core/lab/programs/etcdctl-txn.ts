import { encodeBytes, readText } from '#core/base';
import { etcdBytesOf, type KeyValue, type StoredObject } from '#core/kube';
import { EtcdctlError } from './etcd-client.ts';
import {
  checkFormat,
  connect,
  type EtcdctlCommand,
  headerFields,
  headerOf,
  print,
  rpc,
} from './etcdctl-command.ts';
import {
  type Operation,
  type OperationAnswer,
  operationFlags,
  operationOf,
  TransactionWork,
} from './etcdctl-keys.ts';
import { goQuote } from './etcd-text.ts';
import { parseFlags } from './flags.ts';

type Target = 'version' | 'create' | 'mod' | 'value' | 'lease';

interface Comparison {
  readonly target: Target;
  readonly key: string;
  readonly operator: string;
  readonly operand: string;
}

const inputError = 3;

/** `mod("key") = "0"`. @throws EtcdctlError as etcdctl words it. */
function comparisonOf(line: string): Comparison {
  const match = /^\s*(\w+)\((.*?)\)\s*(=|!=|<|>)\s*(.*?)\s*$/.exec(line);
  if (!match) throw new EtcdctlError(`malformed comparison: ${line}`, inputError);
  const [, target = '', key = '', operator = '', operand = ''] = match;
  const known: Readonly<Record<string, Target>> = {
    ver: 'version',
    version: 'version',
    c: 'create',
    create: 'create',
    m: 'mod',
    mod: 'mod',
    val: 'value',
    value: 'value',
    lease: 'lease',
  };
  const kind = known[target];
  if (!kind)
    throw new EtcdctlError(`malformed comparison: ${line} (unknown target ${target})`, inputError);
  return { target: kind, key: unquoted(key), operator, operand: unquoted(operand) };
}

function unquoted(text: string): string {
  return /^".*"$/s.test(text) ? text.slice(1, -1).replace(/\\(.)/g, '$1') : text;
}

function holds(
  { target, operator, operand }: Comparison,
  kv: KeyValue<StoredObject> | undefined,
): boolean {
  const numbers: Readonly<Record<Exclude<Target, 'value'>, number>> = {
    version: kv?.version ?? 0,
    create: kv?.createRevision ?? 0,
    mod: kv?.modRevision ?? 0,
    lease: kv?.lease ?? 0,
  };
  let order: number;
  if (target !== 'value') order = numbers[target] - Number(operand);
  else {
    // A value that is not there compares with nothing.
    if (!kv) return false;
    const [mine, theirs] = [goQuote(etcdBytesOf(kv.value)), goQuote(encodeBytes(operand))];
    order = mine < theirs ? -1 : mine > theirs ? 1 : 0;
  }
  if (operator === '=') return order === 0;
  if (operator === '!=') return order !== 0;
  return operator === '<' ? order < 0 : order > 0;
}

/** The words of a line: quotes keep blanks. */
function wordsOf(line: string): string[] {
  return [...line.matchAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, plain]) => double?.replace(/\\(.)/g, '$1') ?? single ?? plain ?? '',
  );
}

async function operationOfLine(line: string): Promise<Operation> {
  const [kind = '', ...words] = wordsOf(line);
  if (kind !== 'get' && kind !== 'put' && kind !== 'del')
    throw new EtcdctlError(`invalid txn request: ${line}`, inputError);
  const flags = parseFlags(words, operationFlags[kind]);
  return operationOf(kind, flags.args, flags);
}

/** `etcdctl txn`: compares, then what to do if all hold, then what otherwise; an empty line ends each. */
export const txn: EtcdctlCommand = {
  flags: [{ name: 'interactive', kind: 'bool' }],
  run: async (call) => {
    const { context, args, flags, format, out } = call;
    if (args.length > 0) throw new EtcdctlError('txn command does not accept argument', 128);
    checkFormat(format);
    const isInteractive = flags.bool('interactive', false);
    const lines = (await readText(context.stdin)).split('\n');
    const section = async (prompt: string): Promise<string[]> => {
      if (isInteractive) await out(prompt);
      const end = lines.indexOf('');
      const found = lines.splice(0, end < 0 ? lines.length : end);
      lines.shift();
      return found;
    };
    const compares = (await section('compares:\n')).map(comparisonOf);
    const operations = async (name: string): Promise<Operation[]> => {
      const found: Operation[] = [];
      for (const line of await section(`${name} requests (get, put, del):\n`))
        found.push(await operationOfLine(line));
      return found;
    };
    const success = await operations('success');
    const failure = await operations('failure');

    const service = await connect(call, '/etcdserverpb.KV/Txn');
    const { store } = service;
    const succeeded = compares.every((compare) => holds(compare, store.get(compare.key)));
    const answers: OperationAnswer[] = [];
    await rpc(call, '/etcdserverpb.KV/Txn', () =>
      store.transaction((transaction) => {
        const work = new TransactionWork(call, service, transaction);
        for (const operation of succeeded ? success : failure) answers.push(work.run(operation));
      }),
    );
    await print(call, {
      simple: () => [
        succeeded ? 'SUCCESS\n' : 'FAILURE\n',
        ...answers.flatMap(({ simple }) => ['\n', ...simple]),
      ],
      json: () => ({
        header: headerOf(service, store.revision),
        ...(succeeded ? { succeeded } : {}),
        ...(answers.length > 0
          ? { responses: answers.map(({ json }) => ({ Response: json })) }
          : {}),
      }),
      fields: () =>
        `${headerFields(service, store.revision)}"Succeeded" : ${succeeded}\n${answers.map(({ fields }) => fields).join('')}`,
    });
  },
};
