export { type CheckMemory, fileMemory } from './check-memory.ts';
export { ContentFileError } from './content-file-error.ts';
export { readStudyContent } from './study-content.ts';
export { readExams, readTasks } from './tasks.ts';
