import { utf8 } from '#core/base';
import { parseArgs, tool, ToolError } from './tool.ts';

const changes: ReadonlySet<string> = new Set(['add', 'change', 'del', 'delete', 'replace', 'set']);

/** Interfaces and routes of a network namespace: only what its addresses tell. */
const ip = tool(async (self) => {
  const words = self.args.filter((arg) => !arg.startsWith('-'));
  const [object = '', ...rest] = words;
  const { addresses } = self.context.net;
  const outside = addresses.filter(
    (address) => !address.startsWith('127.') && !address.includes(':'),
  );
  const brief = self.args.some((arg) => arg.startsWith('-br'));
  if (changes.has(rest[0] ?? '')) {
    // Interfaces and routes follow from the addresses: nobody can change them here, and most may not anywhere.
    const allowed = self.context.process.capable?.('NET_ADMIN') ?? true;
    const outcome = allowed ? 'supported' : 'permitted';
    await self.context.stderr.write(utf8(`RTNETLINK answers: Operation not ${outcome}\n`));
    return 2;
  }
  if ('address'.startsWith(object) && object !== '') {
    if (brief) {
      await self.out('lo               UNKNOWN        127.0.0.1/8 ::1/128 \n');
      for (const [index, address] of outside.entries())
        await self.out(`${`eth${index}`.padEnd(17)}UP             ${address}/24 \n`);
      return 0;
    }
    const wanted = rest.find((word) => /^(lo|eth\d+)$/.test(word));
    if (wanted === undefined || wanted === 'lo')
      await self.out(
        '1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000\n    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00\n    inet 127.0.0.1/8 scope host lo\n       valid_lft forever preferred_lft forever\n',
      );
    for (const [index, address] of outside.entries()) {
      if (wanted !== undefined && wanted !== `eth${index}`) continue;
      const mac = `02:42:${address
        .split('.')
        .map((part) => Number(part).toString(16).padStart(2, '0'))
        .join(':')}`;
      await self.out(
        `${index + 2}: eth${index}: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc fq_codel state UP group default qlen 1000\n    link/ether ${mac} brd ff:ff:ff:ff:ff:ff\n    inet ${address}/24 brd ${address.replace(/\d+$/, '255')} scope global eth${index}\n       valid_lft forever preferred_lft forever\n`,
      );
    }
    return 0;
  }
  if ('route'.startsWith(object) && object !== '') {
    const address = outside[0];
    if (address === undefined) return 0;
    const net = address.replace(/\d+$/, '');
    await self.out(
      `default via ${net}1 dev eth0 proto static \n${net}0/24 dev eth0 proto kernel scope link src ${address} \n`,
    );
    return 0;
  }
  if ('link'.startsWith(object) && object !== '') {
    await self.out(
      '1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN mode DEFAULT group default qlen 1000\n    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00\n',
    );
    for (const index of outside.keys())
      await self.out(
        `${index + 2}: eth${index}: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc fq_codel state UP mode DEFAULT group default qlen 1000\n`,
      );
    return 0;
  }
  throw new ToolError(`Object "${object}" is unknown, try "ip help".`);
});

const sockets = tool(async (self) => {
  const { flags } = parseArgs(self.args, 'tulnpaeHxs46');
  const both = !flags.has('t') && !flags.has('u');
  const rows = self.context.net
    .listeners()
    .filter(({ protocol }) => both || flags.has(protocol === 'tcp' ? 't' : 'u'))
    .sort((a, b) => a.port - b.port);
  if (self.name === 'netstat') {
    await self.out(
      'Active Internet connections (only servers)\nProto Recv-Q Send-Q Local Address           Foreign Address         State      \n',
    );
    for (const { address, port, protocol } of rows)
      await self.out(
        `${protocol.padEnd(5)}      0      0 ${`${address}:${port}`.padEnd(23)} ${'0.0.0.0:*'.padEnd(23)} ${protocol === 'tcp' ? 'LISTEN     ' : '           '}\n`,
      );
    return 0;
  }
  if (!flags.has('H'))
    await self.out('Netid State  Recv-Q Send-Q Local Address:Port  Peer Address:Port\n');
  for (const { address, port, protocol } of rows)
    await self.out(
      `${protocol.padEnd(5)} ${(protocol === 'tcp' ? 'LISTEN' : 'UNCONN').padEnd(6)} 0      ${protocol === 'tcp' ? '4096  ' : '0     '} ${`${address === '0.0.0.0' ? '0.0.0.0' : address}:${port}`.padStart(18)}  0.0.0.0:*        \n`,
    );
  return 0;
});

export const networkTools = { ip, ss: sockets, netstat: sockets };
