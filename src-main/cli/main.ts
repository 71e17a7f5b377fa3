import { fileURLToPath } from 'node:url';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type RpcClient, RpcError } from '#contract';
import { runDoctor } from '#node/doctor';
import { failStart } from '#node/host';
import { defaultDataFolder } from '#node/paths';
import { type Arguments, readArguments } from './arguments.ts';
import { commands, type Outcome } from './commands.ts';
import { runDaemon } from './daemon.ts';
import { reachHost } from './host.ts';
import { language, say } from './language.ts';
import { table } from './output.ts';
import { UsageError, usage, usageOf } from './usage.ts';

// The command line: asks a running host, or starts one in the background.
const program = fileURLToPath(import.meta.url);
const root = resolve(import.meta.dirname, '../..');

async function main(): Promise<void> {
  const args = readArguments(process.argv.slice(2));
  const dataFolder = resolve(args.data ?? defaultDataFolder());
  if (args.command === 'help') {
    console.log(args.operands.length === 0 ? usage() : usageOf(args.operands));
    return;
  }
  if (args.command === 'version') {
    const text = readFileSync(join(root, 'package.json'), 'utf8');
    console.log(`kijabi ${(JSON.parse(text) as { version: string }).version}`);
    return;
  }
  if (args.command === 'daemon') {
    await runDaemon(root, dataFolder).catch(failStart);
    return;
  }
  const outcome =
    args.command === 'doctor' ? await doctor(dataFolder) : await askHost(args, dataFolder);
  const text = args.json ? JSON.stringify(outcome.value, null, 2) : outcome.text;
  if (outcome.note !== undefined && !args.json) console.error(outcome.note);
  if (text !== '' && args.command !== 'ssh' && args.command !== 'kubectl') console.log(text);
  // A read of stdin that nobody waits for any more would keep this process.
  if (args.command === 'ssh' || args.command === 'kubectl') process.exit(outcome.exitCode ?? 0);
  process.exitCode = outcome.exitCode ?? 0;
}

async function askHost(args: Arguments, dataFolder: string): Promise<Outcome> {
  const command = commands[args.command];
  if (!command)
    throw new UsageError(`unknown command ${JSON.stringify(args.command)}\n\n${usage()}`);
  const host = await reachHost(dataFolder, program);
  try {
    if (args.command !== 'ssh' && args.command !== 'kubectl') await tellNotices(host.rpc, args);
    return await command(host.rpc, args);
  } finally {
    host.close();
  }
}

/** Warns of what a person has to know, beside the output. */
async function tellNotices(rpc: RpcClient, { command }: Arguments): Promise<void> {
  // A host of an older build that still runs in the background knows of none.
  for (const notice of await rpc.call('app.notices', {}).catch(() => [])) {
    if (notice.kind === 'content-broken') {
      const { message } = notice;
      console.error(`kijabi: ${say(`left out: ${message}`, `제외된 콘텐츠: ${message}`)}`);
      continue;
    }
    if (command === 'restore') continue;
    const { keptAs, backup } = notice;
    const made = backup && new Date(backup.createdMs).toISOString();
    const damaged = say(
      `the file of your study record was damaged and is kept as ${keptAs}`,
      `학습 기록 파일이 손상되어 ${keptAs}에 보관했습니다`,
    );
    const mend = backup
      ? say(
          `"kijabi restore ${backup.backupId}" brings back the backup of ${made}`,
          `"kijabi restore ${backup.backupId}"로 ${made}의 백업을 복원합니다`,
        )
      : say(
          'there is no backup, so an empty record was begun',
          '백업이 없어서 빈 기록으로 시작했습니다',
        );
    console.error(`kijabi: ${damaged}; ${mend}`);
  }
}

async function doctor(dataFolder: string): Promise<Outcome> {
  const checks = (await runDoctor({ root, dataFolder })).map(({ name, state, detail, mend }) => ({
    name: name[language()],
    state,
    detail: detail[language()],
    ...(mend ? { mend: mend[language()] } : {}),
  }));
  const marks = { ok: '✓', missing: '-', broken: '✗' };
  const rows = checks.map(({ name, state, detail, mend }) => [
    `${marks[state]} ${name}`,
    mend === undefined ? detail : `${detail} → ${mend}`,
  ]);
  return {
    value: checks,
    text: table(rows),
    exitCode: checks.some(({ state }) => state === 'broken') ? 1 : 0,
  };
}

main().catch((error: unknown) => {
  if (error instanceof UsageError) {
    console.error(`kijabi: ${error.message}`);
    process.exitCode = 2;
    return;
  }
  console.error(`kijabi: ${textOf(error)}`);
  process.exitCode = error instanceof RpcError && error.status.code === 404 ? 4 : 1;
});

/** What was not found comes with the way to what there is. */
function textOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  if (!(error instanceof RpcError)) return text;
  if (text.startsWith('unknown method'))
    return say(
      `the Kijabi that is running is older than this command and does not know it (${text}): end it, and try again`,
      `실행 중인 키잡이가 이 명령보다 오래되어 모르는 명령입니다 (${text}). 끝내고 다시 시도하세요`,
    );
  if (error.status.reason !== 'NotFound') return text;
  const { kind = '' } = error.status.details ?? {};
  const lists: Readonly<Record<string, string>> = {
    tasks: 'kijabi task list',
    exams: 'kijabi exam list',
    sessions: 'kijabi task start',
  };
  const list = lists[kind];
  return list === undefined ? text : `${text}; ${say(`see "${list}"`, `"${list}"를 보세요`)}`;
}
