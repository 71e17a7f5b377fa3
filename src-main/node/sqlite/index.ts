export { createBackupStore } from './backup-store.ts';
export {
  type Backup,
  backUp,
  backupsToKeep,
  listBackups,
  newestGoodBackup,
  thinBackups,
} from './backups.ts';
export { type BlobStore, type ClusterFile, createClusterFile } from './cluster-file.ts';
export type { Connection } from './connection.ts';
export { type DatabaseOptions, openDatabase, schemaSql } from './database.ts';
export {
  DatabaseCorruptError,
  DatabaseInUseError,
  DatabaseReadOnlyError,
  DatabaseTooNewError,
  LogCorruptError,
  MigrationError,
} from './errors.ts';
export { createStudyRepository } from './study-repository.ts';
export { sqliteVersion } from './version.ts';
export { createExamRepository } from './exam-repository.ts';
