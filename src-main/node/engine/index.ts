export {
  type EngineThread,
  type EngineThreadData,
  startEngineThread,
  type ThreadEvents,
} from './engine-thread.ts';
export { EngineService } from './engine-service.ts';
export { connect, expose } from './thread-link.ts';
