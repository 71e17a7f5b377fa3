export {
  type EngineService,
  type EngineThread,
  type EngineThreadData,
  startEngineThread,
  type ThreadEvents,
} from './engine-thread.ts';
export { connect, expose } from './thread-link.ts';
