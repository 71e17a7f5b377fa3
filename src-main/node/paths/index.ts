export { type AppPaths, appPaths } from './app-paths.ts';
export { DataFolderError, defaultDataFolder, prepareDataFolder } from './data-folder.ts';
