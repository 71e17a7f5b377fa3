import {
  type DnsMessage,
  type DnsRecord,
  ExchangeError,
  type RecordType,
  type Resolver,
  reverseName,
} from '../../dns/index.ts';
import { isAddress, joinHostPort } from '../../network/index.ts';
import type { Program, ProgramContext } from '../../process/types.ts';
import { print, resolverOf } from '../program-io.ts';

const types: ReadonlySet<string> = new Set([
  'A',
  'AAAA',
  'SRV',
  'PTR',
  'CNAME',
  'NS',
  'SOA',
  'TXT',
  'MX',
  'ANY',
]);

interface Question {
  readonly name: string;
  readonly type: RecordType | undefined;
  readonly server: string | undefined;
}

function nslookupQuestion(argv: readonly string[]): Question {
  let type: RecordType | undefined;
  const words: string[] = [];
  for (const word of argv.slice(1)) {
    const match = /^-(?:type|querytype|q)=(.+)$/i.exec(word);
    if (match?.[1]) type = match[1].toUpperCase() as RecordType;
    else if (!word.startsWith('-')) words.push(word);
  }
  return { name: words[0] ?? '', type, server: words[1] };
}

/** A server given by name is itself looked up. */
async function serverAddress(resolver: Resolver, server: string | undefined): Promise<string> {
  if (server === undefined) return resolver.config().servers[0] ?? '127.0.0.1';
  return isAddress(server) ? server : ((await resolver.lookup(server))[0] ?? server);
}

interface Answer {
  readonly name: string;
  readonly type: RecordType;
  readonly message: DnsMessage;
}

/** busybox's nslookup: asks every name of the search list, for A and AAAA. */
export const busyboxNslookup: Program = async (context) => {
  const question = nslookupQuestion(context.argv);
  const { stdout, stderr } = context;
  if (question.name === '') {
    await print(
      stderr,
      'BusyBox v1.36.1 multi-call binary.\n\nUsage: nslookup [-type=QUERY_TYPE] [-debug] HOST [DNS_SERVER]\n',
    );
    return 1;
  }
  const resolver = resolverOf(context);
  const server = await serverAddress(resolver, question.server);
  await print(stdout, `Server:\t\t${server}\nAddress:\t${joinHostPort(server, 53)}\n\n`);
  const reverse = isAddress(question.name);
  const names = reverse ? [reverseName(question.name)] : resolver.candidates(question.name);
  const asked = reverse
    ? ['PTR' as const]
    : question.type
      ? [question.type]
      : (['A', 'AAAA'] as const);
  const answers: Answer[] = [];
  try {
    for (const name of names)
      for (const type of asked)
        answers.push({
          name,
          type,
          message: await exchangeWithRetry(resolver, server, name, type),
        });
  } catch (error) {
    if (!(error instanceof ExchangeError)) throw error;
    await print(stdout, `;; connection timed out; no servers could be reached\n\n`);
    return 1;
  }
  const exact = names.length > 1 && /\.(local|arpa)$/.test(question.name);
  const shown = exact ? answers.filter(({ name }) => name === question.name) : answers;
  let failed = 0;
  let found = 0;
  for (const { name, message } of shown) {
    if (message.code !== 'NOERROR') {
      await print(stdout, `** server can't find ${name}: ${message.code}\n\n`);
      failed++;
      continue;
    }
    const text = message.answers.map(recordText).join('');
    if (text !== '') {
      found++;
      await print(stdout, `${text}\n`);
    } else await print(stdout, '\n');
  }
  return failed > 0 || found === 0 ? 1 : 0;
};

async function exchangeWithRetry(
  resolver: Resolver,
  server: string,
  name: string,
  type: RecordType,
  protocol: 'udp' | 'tcp' = 'udp',
): Promise<DnsMessage> {
  try {
    return await resolver.exchange(server, name, type, { protocol });
  } catch (error) {
    if (!(error instanceof ExchangeError) || error.kind !== 'timeout') throw error;
    return resolver.exchange(server, name, type, { protocol });
  }
}

function recordText(record: DnsRecord): string {
  switch (record.type) {
    case 'A':
    case 'AAAA':
      return `Name:\t${record.name}\nAddress: ${record.address}\n`;
    case 'CNAME':
      return `${record.name}\tcanonical name = ${record.target}\n`;
    case 'PTR':
      return `${record.name}\tname = ${record.target}\n`;
    case 'SRV':
      return `${record.name}\tservice = ${record.priority} ${record.weight} ${record.port} ${record.target}\n`;
    case 'MX':
      return `${record.name}\tmail exchanger = ${record.preference} ${record.target}\n`;
    case 'TXT':
      return `${record.name}\ttext = "${record.text}"\n`;
    case 'NS':
      return `${record.name}\tnameserver = ${record.target}\n`;
    case 'SOA':
      return `${record.name}\n\torigin = ${record.primary}\n\tmail addr = ${record.mailbox}\n\tserial = ${record.serial}\n`;
  }
}

/** BIND's nslookup: stops at the first name of the search list that exists. */
export const bindNslookup: Program = async (context) => {
  const question = nslookupQuestion(context.argv);
  const { stdout } = context;
  const resolver = resolverOf(context);
  const server = await serverAddress(resolver, question.server);
  const reverse = isAddress(question.name);
  const names = reverse ? [reverseName(question.name)] : resolver.candidates(question.name);
  const asked: readonly RecordType[] = reverse
    ? ['PTR']
    : question.type
      ? [question.type]
      : ['A', 'AAAA'];
  const head = `Server:\t\t${server}\nAddress:\t${server}#53\n\n`;
  try {
    for (const name of names) {
      const messages: DnsMessage[] = [];
      for (const type of asked)
        messages.push(await exchangeWithRetry(resolver, server, name, type));
      const first = messages[0];
      if (first?.code === 'NXDOMAIN' && name !== names.at(-1)) continue;
      await print(stdout, head);
      if (first && first.code !== 'NOERROR') {
        const shown = names.length > 1 ? question.name : name;
        await print(stdout, `** server can't find ${shown}: ${first.code}\n\n`);
        return 1;
      }
      const records = messages.flatMap(({ answers }) => answers);
      if (records.length === 0) {
        await print(stdout, `*** Can't find ${question.name}: No answer\n\n`);
        return 1;
      }
      await print(stdout, `${records.map(recordText).join('')}\n`);
      return 0;
    }
  } catch (error) {
    if (!(error instanceof ExchangeError)) throw error;
    await print(
      stdout,
      error.kind === 'timeout'
        ? ';; communications error to ' +
            `${server}#53: timed out\n;; no servers could be reached\n\n`
        : `;; communications error to ${server}#53: connection refused\n;; no servers could be reached\n\n`,
    );
  }
  return 1;
};

/** `dig`: as asked, without the search list unless `+search`. */
export const dig: Program = async (context) => {
  const words = context.argv.slice(1);
  let server: string | undefined;
  let type: RecordType = 'A';
  let name = '';
  const flags = new Set<string>();
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? '';
    if (word.startsWith('@')) server = word.slice(1);
    else if (word.startsWith('+')) flags.add(word.slice(1));
    else if (word === '-x') {
      name = reverseName(words[++i] ?? '');
      type = 'PTR';
    } else if (word === '-t') type = (words[++i] ?? 'A').toUpperCase() as RecordType;
    else if (types.has(word.toUpperCase())) type = word.toUpperCase() as RecordType;
    else if (!word.startsWith('-') && word.toUpperCase() !== 'IN') name = word;
  }
  const resolver = resolverOf(context);
  const address = await serverAddress(resolver, server);
  const names = flags.has('search') ? resolver.candidates(name) : [name.replace(/\.$/, '')];
  const protocol = flags.has('tcp') || flags.has('vc') ? 'tcp' : 'udp';
  const banner = `\n; <<>> DiG 9.18.28 <<>> ${words.join(' ')}\n`;
  const started = context.clock.now();
  let message: DnsMessage | undefined;
  try {
    for (const candidate of names) {
      message = await exchangeWithRetry(resolver, address, candidate, type, protocol);
      if (message.code !== 'NXDOMAIN') break;
    }
  } catch (error) {
    if (!(error instanceof ExchangeError)) throw error;
    const reason = error.kind === 'timeout' ? 'timed out' : 'connection refused';
    await print(
      context.stdout,
      `${banner}${server === undefined ? '' : '; (1 server found)\n'};; global options: +cmd\n;; communications error to ${address}#53: ${reason}\n;; no servers could be reached\n`,
    );
    return 9;
  }
  if (!message) return 1;
  if (flags.has('short')) {
    await print(context.stdout, message.answers.map((record) => `${dataText(record)}\n`).join(''));
    return 0;
  }
  await print(context.stdout, digText(message, banner, address, protocol, context, started));
  return 0;
};

function digText(
  message: DnsMessage,
  banner: string,
  server: string,
  protocol: 'udp' | 'tcp',
  context: ProgramContext,
  started: number,
): string {
  const flags = [
    'qr',
    ...(message.authoritative ? ['aa'] : []),
    'rd',
    ...(message.recursionAvailable ? ['ra'] : []),
  ];
  const section = (title: string, records: readonly DnsRecord[]): string =>
    records.length === 0
      ? ''
      : `;; ${title} SECTION:\n${records.map((record) => `${record.name}.\t${record.ttlSeconds}\tIN\t${record.type}\t${dataText(record)}\n`).join('')}\n`;
  const question = message.questions[0];
  return (
    `${banner};; global options: +cmd\n;; Got answer:\n` +
    `;; ->>HEADER<<- opcode: QUERY, status: ${message.code}, id: ${message.id}\n` +
    `;; flags: ${flags.join(' ')}; QUERY: ${message.questions.length}, ANSWER: ${message.answers.length}, AUTHORITY: ${message.authorities.length}, ADDITIONAL: ${message.additionals.length}\n\n` +
    `;; QUESTION SECTION:\n;${question?.name ?? ''}.\t\tIN\t${question?.type ?? ''}\n\n` +
    section('ANSWER', message.answers) +
    section('AUTHORITY', message.authorities) +
    section('ADDITIONAL', message.additionals) +
    `;; Query time: ${Math.round(context.clock.now() - started)} msec\n;; SERVER: ${server}#53(${server}) (${protocol.toUpperCase()})\n\n`
  );
}

function dataText(record: DnsRecord): string {
  switch (record.type) {
    case 'A':
    case 'AAAA':
      return record.address;
    case 'CNAME':
    case 'PTR':
    case 'NS':
      return `${record.target}.`;
    case 'SRV':
      return `${record.priority} ${record.weight} ${record.port} ${record.target}.`;
    case 'MX':
      return `${record.preference} ${record.target}.`;
    case 'TXT':
      return `"${record.text}"`;
    case 'SOA':
      return `${record.primary}. ${record.mailbox}. ${record.serial} ${record.refresh} ${record.retry} ${record.expire} ${record.minimum}`;
  }
}

/** `host NAME [SERVER]`. */
export const host: Program = async (context) => {
  const words = context.argv.slice(1).filter((word) => !word.startsWith('-'));
  const name = words[0] ?? '';
  const resolver = resolverOf(context);
  const server = await serverAddress(resolver, words[1]);
  const reverse = isAddress(name);
  try {
    for (const candidate of reverse ? [reverseName(name)] : resolver.candidates(name)) {
      const message = await exchangeWithRetry(resolver, server, candidate, reverse ? 'PTR' : 'A');
      if (message.code === 'NXDOMAIN') continue;
      if (message.code !== 'NOERROR') {
        await print(context.stdout, `Host ${name} not found: 2(${message.code})\n`);
        return 1;
      }
      for (const record of message.answers) {
        const text =
          record.type === 'A'
            ? `${record.name} has address ${record.address}`
            : record.type === 'CNAME'
              ? `${record.name} is an alias for ${record.target}.`
              : record.type === 'PTR'
                ? `${record.name} domain name pointer ${record.target}.`
                : `${record.name} has ${record.type} record ${dataText(record)}`;
        await print(context.stdout, `${text}\n`);
      }
      return 0;
    }
  } catch (error) {
    if (!(error instanceof ExchangeError)) throw error;
    await print(
      context.stdout,
      `;; communications error to ${server}#53: timed out\n;; no servers could be reached\n`,
    );
    return 1;
  }
  await print(context.stdout, `Host ${name} not found: 3(NXDOMAIN)\n`);
  return 1;
};
