import { type Program, type ProgramContext } from '../../process/types.ts';
import { ListenError } from '../../network/index.ts';
import { execute, print, untilSignal } from '../program-io.ts';

/** Listens as a database does without speaking its protocol: clients connect and are told nothing. */
async function listenUntilStopped(
  context: ProgramContext,
  port: number,
  ready: string,
  stopped: string,
): Promise<number> {
  try {
    context.net.listen(port, {
      kind: 'tcp',
      accept: (connection) => void drain(connection, context),
    });
  } catch (error) {
    if (!(error instanceof ListenError)) throw error;
    await print(context.stderr, `${error.message}\n`);
    return 1;
  }
  context.process.setMemory(90 * 1024 * 1024);
  await print(context.stderr, ready);
  const signal = await untilSignal(context, ['SIGTERM', 'SIGINT', 'SIGQUIT']);
  if (signal !== undefined) await print(context.stderr, stopped);
  return 0;
}

async function drain(
  connection: { input: { read(): Promise<Uint8Array | undefined> }; close(): void },
  context: ProgramContext,
): Promise<void> {
  while (!context.signal.aborted && (await connection.input.read()));
  connection.close();
}

const iso = (context: ProgramContext): string => new Date(context.clock.now()).toISOString();

/** `mysqld` behind the image's entry point. */
export function mysql(version: string): Program {
  return async (context) => {
    const command = context.argv.slice(1);
    if (command[0] !== undefined && command[0] !== 'mysqld' && !command[0].startsWith('-'))
      return execute(context, command);
    const { env, stdout, stderr } = context;
    const stamp = `${iso(context).slice(0, 10)} ${iso(context).slice(11, 19)}+00:00`;
    await print(
      stdout,
      `${stamp} [Note] [Entrypoint]: Entrypoint script for MySQL Server ${version}-1.el9 started.\n`,
    );
    await print(stdout, `${stamp} [Note] [Entrypoint]: Switching to dedicated user 'mysql'\n`);
    await print(
      stdout,
      `${stamp} [Note] [Entrypoint]: Entrypoint script for MySQL Server ${version}-1.el9 started.\n`,
    );
    const given = [
      'MYSQL_ROOT_PASSWORD',
      'MYSQL_ALLOW_EMPTY_PASSWORD',
      'MYSQL_RANDOM_ROOT_PASSWORD',
      'MYSQL_ROOT_PASSWORD_FILE',
    ];
    const initialised = context.files.exists('/var/lib/mysql/mysql');
    if (!initialised && !given.some((name) => env[name])) {
      await print(
        stderr,
        `${stamp} [ERROR] [Entrypoint]: Database is uninitialized and password option is not specified\n` +
          '    You need to specify one of the following as an environment variable:\n' +
          '    - MYSQL_ROOT_PASSWORD\n    - MYSQL_ALLOW_EMPTY_PASSWORD\n    - MYSQL_RANDOM_ROOT_PASSWORD\n',
      );
      return 1;
    }
    if (!initialised) {
      await print(stdout, `${stamp} [Note] [Entrypoint]: Initializing database files\n`);
      context.files.mkdir('/var/lib/mysql/mysql', { recursive: true });
      await print(stdout, `${stamp} [Note] [Entrypoint]: Database files initialized\n`);
    }
    return listenUntilStopped(
      context,
      3306,
      `${iso(context)} 0 [System] [MY-010931] [Server] /usr/sbin/mysqld: ready for connections. Version: '${version}'  socket: '/var/run/mysqld/mysqld.sock'  port: 3306  MySQL Community Server - GPL.\n`,
      `${iso(context)} 0 [System] [MY-010910] [Server] /usr/sbin/mysqld: Shutdown complete (mysqld ${version})  MySQL Community Server - GPL.\n`,
    );
  };
}

/** `postgres` behind the image's entry point. */
export function postgres(version: string): Program {
  return async (context) => {
    const command = context.argv.slice(1);
    if (command[0] !== undefined && command[0] !== 'postgres' && !command[0].startsWith('-'))
      return execute(context, command);
    const { env, stderr, stdout, files } = context;
    const data = env['PGDATA'] ?? '/var/lib/postgresql/data';
    const initialised = files.exists(`${data}/PG_VERSION`);
    if (
      !initialised &&
      !env['POSTGRES_PASSWORD'] &&
      !env['POSTGRES_PASSWORD_FILE'] &&
      env['POSTGRES_HOST_AUTH_METHOD'] !== 'trust'
    ) {
      await print(
        stderr,
        'Error: Database is uninitialized and superuser password is not specified.\n' +
          '       You must specify POSTGRES_PASSWORD to a non-empty value for the\n' +
          '       superuser. For example, "-e POSTGRES_PASSWORD=password" on "docker run".\n\n' +
          '       You may also use "POSTGRES_HOST_AUTH_METHOD=trust" to allow all\n' +
          '       connections without a password. This is *not* recommended.\n\n' +
          '       See PostgreSQL documentation about "trust":\n' +
          '       https://www.postgresql.org/docs/current/auth-trust.html\n',
      );
      return 1;
    }
    if (!initialised) {
      files.mkdir(data, { recursive: true });
      files.writeFile(`${data}/PG_VERSION`, `${version.split('.')[0] ?? ''}\n`);
      await print(stdout, 'PostgreSQL init process complete; ready for start up.\n\n');
    } else
      await print(
        stdout,
        '\nPostgreSQL Database directory appears to contain a database; Skipping initialization\n\n',
      );
    const stamp = `${iso(context).slice(0, 10)} ${iso(context).slice(11, 23)} UTC [1]`;
    return listenUntilStopped(
      context,
      5432,
      `${stamp} LOG:  starting PostgreSQL ${version} on x86_64-pc-linux-gnu, compiled by gcc (Debian 12.2.0-14) 12.2.0, 64-bit\n` +
        `${stamp} LOG:  listening on IPv4 address "0.0.0.0", port 5432\n${stamp} LOG:  database system is ready to accept connections\n`,
      `${stamp} LOG:  received smart shutdown request\n${stamp} LOG:  database system is shut down\n`,
    );
  };
}

/** `mongod`. */
export const mongo: Program = async (context) => {
  const command = context.argv.slice(1);
  if (command[0] !== undefined && command[0] !== 'mongod' && !command[0].startsWith('-'))
    return execute(context, command);
  const { env } = context;
  if (
    (env['MONGO_INITDB_ROOT_USERNAME'] === undefined) !==
    (env['MONGO_INITDB_ROOT_PASSWORD'] === undefined)
  ) {
    await print(
      context.stderr,
      `\nerror: missing 'MONGO_INITDB_ROOT_USERNAME' or 'MONGO_INITDB_ROOT_PASSWORD'\n       both must be specified for a user to be created\n\n`,
    );
    return 1;
  }
  const line = (id: number, message: string): string =>
    `{"t":{"$date":"${iso(context).replace('Z', '+00:00')}"},"s":"I",  "c":"NETWORK",  "id":${id},   "ctx":"listener","msg":"${message}","attr":{"port":27017,"ssl":"off"}}\n`;
  return listenUntilStopped(
    context,
    27017,
    line(23016, 'Waiting for connections'),
    line(23138, 'Shutting down'),
  );
};
