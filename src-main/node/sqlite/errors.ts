/** The file is not, or no longer, a sound database. It was kept aside, never deleted. */
export class DatabaseCorruptError extends Error {
  override readonly name = 'DatabaseCorruptError';
  readonly file: string;
  /** Where the corrupt file lies now; the same as `file` when it could not be moved. */
  readonly keptAs: string;
  /** The newest backup that passed its check; undefined when there is none. */
  readonly newestBackup: string | undefined;

  constructor(
    file: string,
    keptAs: string,
    newestBackup: string | undefined,
    problem: string,
    options?: ErrorOptions,
  ) {
    const mend = newestBackup
      ? `The newest good backup is ${newestBackup}.`
      : 'There is no backup of it.';
    super(`${file} is damaged (${problem}). It is kept as ${keptAs}. ${mend}`, options);
    this.file = file;
    this.keptAs = keptAs;
    this.newestBackup = newestBackup;
  }
}

/** A newer version of the program wrote the file. */
export class DatabaseTooNewError extends Error {
  override readonly name = 'DatabaseTooNewError';
  readonly fileVersion: number;
  readonly knownVersion: number;

  constructor(file: string, fileVersion: number, knownVersion: number) {
    super(
      `${file} has schema version ${fileVersion}, but this version of Kijabi knows only up to ${knownVersion}. ` +
        'Start the newer Kijabi that wrote it, or restore a backup from before the update.',
    );
    this.fileVersion = fileVersion;
    this.knownVersion = knownVersion;
  }
}

/** Another process has the file open. */
export class DatabaseInUseError extends Error {
  override readonly name = 'DatabaseInUseError';

  constructor(file: string, options?: ErrorOptions) {
    super(`${file} is open in another Kijabi. Close that one first.`, options);
  }
}

/** The file or its folder cannot be written. */
export class DatabaseReadOnlyError extends Error {
  override readonly name = 'DatabaseReadOnlyError';

  constructor(file: string, options?: ErrorOptions) {
    super(
      `${file} cannot be written. Make the file and its folder writable for your account.`,
      options,
    );
  }
}

/** The numbered migrations are not 0001, 0002, … without a gap, or one of them broke a rule. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError';
}

/** A row does not match its checksum: the disk gave back something else than was written. */
export class LogCorruptError extends Error {
  override readonly name = 'LogCorruptError';
  readonly file: string;
  /** Of the damaged row; 0 for a blob. */
  readonly revision: number;
  readonly key: string;

  constructor(file: string, revision: number, key: string) {
    const what = revision === 0 ? `blob ${key}` : `revision ${revision} of ${key}`;
    super(`${file} is damaged: ${what} does not match its checksum. Restore a snapshot or reset.`);
    this.file = file;
    this.revision = revision;
    this.key = key;
  }
}
