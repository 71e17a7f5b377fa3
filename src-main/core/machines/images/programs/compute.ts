import { sleep } from '#core/base';
import type { Program } from '../../process/types.ts';
import { print, untilSignal } from '../program-io.ts';
import { flagValue } from './http-service.ts';

/**
 * π to `digits` places after the point, the last one rounded, by Machin's formula on big integers.
 * Guard digits keep the sum of truncations away from the last place.
 */
export function piDigits(digits: number): string {
  const guard = 12n;
  const scale = 10n ** (BigInt(digits) + guard);
  const arctangentOfInverse = (x: bigint): bigint => {
    let power = scale / x;
    let sum = power;
    const square = x * x;
    for (let n = 3n, sign = -1n; power !== 0n; n += 2n, sign = -sign) {
      power /= square;
      sum += (sign * power) / n;
    }
    return sum;
  };
  const scaled = 4n * (4n * arctangentOfInverse(5n) - arctangentOfInverse(239n));
  const unit = 10n ** guard;
  const rounded = ((scaled + unit / 2n) / unit).toString();
  return digits === 0 ? rounded : `${rounded.slice(0, 1)}.${rounded.slice(1)}`;
}

/** `perl` for one program: `-Mbignum=bpi -wle 'print bpi(N)'`, π to N significant digits; and `-e 'print "…"'`. */
export const perl: Program = async (context) => {
  const { argv, stdout, stderr } = context;
  if (argv[1] === '-v' || argv[1] === '--version') {
    await print(
      stdout,
      '\nThis is perl 5, version 34, subversion 0 (v5.34.0) built for x86_64-linux-gnu\n',
    );
    return 0;
  }
  const code = argv.find((word, index) => index > 0 && /^-\w*e$/.test(argv[index - 1] ?? ''));
  const pi = /^\s*print\s+bpi\((\d+)\)\s*;?\s*$/.exec(code ?? '');
  if (pi) {
    if (!argv.some((word) => /^-Mbi(gnum|gint|grat)=bpi$/.test(word))) {
      await print(stderr, 'Undefined subroutine &main::bpi called at -e line 1.\n');
      return 255;
    }
    const digits = Number(pi[1]);
    context.process.setCpu(1000);
    // Perl's bignum takes some seconds for 2000 digits.
    await sleep(
      context.clock,
      Math.min(60_000, Math.round((digits / 2000) ** 2 * 5000)),
      context.signal,
    );
    await print(stdout, `${piDigits(Math.max(0, digits - 1))}\n`);
    return 0;
  }
  const text = /^\s*print\s+"((?:[^"\\]|\\.)*)"\s*;?\s*$/.exec(code ?? '')?.[1];
  if (text !== undefined) {
    const newline = argv.some((word) => /^-\w*l\w*e$/.test(word)) ? '\n' : '';
    await print(stdout, text.replaceAll('\\n', '\n').replaceAll('\\t', '\t') + newline);
    return 0;
  }
  await print(
    stderr,
    code === undefined
      ? `Can't open perl script "${argv[1] ?? ''}": No such file or directory\n`
      : 'syntax error at -e line 1, at EOF\nExecution of -e aborted due to compilation errors.\n',
  );
  return code === undefined ? 2 : 255;
};

/** Bytes of `150M`, `950Mi`, `1G`. */
function bytesOf(text: string): number {
  const match = /^(\d+)(Ki|Mi|Gi|[KMGkmgBb])?$/.exec(text);
  if (!match) return 0;
  const unit = match[2]?.replace('i', '').toUpperCase() ?? '';
  const power = { K: 1, M: 2, G: 3 }[unit] ?? 0;
  return Number(match[1]) * 1024 ** power;
}

/** `stress` of polinux/stress: `--cpu N`, `--vm N --vm-bytes B`, `--timeout S`. */
export const stress: Program = async (context) => {
  const { argv, process, clock, stdout } = context;
  const cpu = Number(flagValue(argv, '--cpu', '-c') ?? 0);
  const vm = Number(flagValue(argv, '--vm', '-m') ?? 0);
  const io = Number(flagValue(argv, '--io', '-i') ?? 0);
  if (cpu + vm + io === 0) {
    await print(stdout, 'Usage: stress [OPTION [ARG]] ...\n');
    return 0;
  }
  await print(
    stdout,
    `stress: info: [${process.pid}] dispatching hogs: ${cpu} cpu, ${io} io, ${vm} vm, 0 hdd\n`,
  );
  process.setCpu((cpu + vm) * 1000);
  if (vm > 0) process.setMemory(vm * bytesOf(flagValue(argv, '--vm-bytes') ?? '256M'));
  const timeout = flagValue(argv, '--timeout', '-t');
  if (timeout === undefined) {
    const signal = await untilSignal(context, ['SIGTERM', 'SIGINT']);
    return signal === undefined ? 137 : 1;
  }
  const seconds = Number.parseInt(timeout, 10);
  await sleep(clock, seconds * 1000, context.signal);
  await print(stdout, `stress: info: [${process.pid}] successful run completed in ${seconds}s\n`);
  return 0;
};

/** `vish/stress`: `-cpus N -mem-total B -mem-alloc-size B -mem-alloc-sleep D`. */
export const vishStress: Program = async (context) => {
  const { argv, process, clock, stderr } = context;
  const total = bytesOf(flagValue(argv, '-mem-total', '--mem-total') ?? '0');
  const step = bytesOf(flagValue(argv, '-mem-alloc-size', '--mem-alloc-size') ?? '4Ki') || 4096;
  const pause = flagValue(argv, '-mem-alloc-sleep', '--mem-alloc-sleep') ?? '1ms';
  const pauseMs = Number.parseFloat(pause) * (pause.endsWith('ms') ? 1 : 1000);
  const cpus = Number(flagValue(argv, '-cpus', '--cpus') ?? 0);
  const line = (text: string): Promise<void> =>
    print(stderr, `I0101 00:00:00.000000       1 main.go:26] ${text}\n`);
  await line(
    `Allocating "${flagValue(argv, '-mem-total', '--mem-total') ?? '0'}" memory, in "${flagValue(argv, '-mem-alloc-size', '--mem-alloc-size') ?? '4Ki'}" chunks, with a ${pause} sleep between allocations`,
  );
  if (cpus > 0) {
    await line(`Spawning a thread to consume CPU`);
    process.setCpu(cpus * 1000);
  }
  // No more than a hundred steps, however small the chunks are.
  const steps = Math.min(100, Math.ceil(total / step));
  for (let index = 1; index <= steps; index++) {
    process.setMemory(1_000_000 + Math.round((total * index) / steps));
    await sleep(clock, (pauseMs * Math.ceil(total / step)) / steps, context.signal);
  }
  if (total > 0)
    await line(`Allocated "${flagValue(argv, '-mem-total', '--mem-total') ?? ''}" memory`);
  await untilSignal(context, []);
  return 0;
};
