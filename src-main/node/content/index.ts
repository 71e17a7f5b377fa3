export { readStudyContent } from './study-content.ts';
