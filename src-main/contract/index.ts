export { type CallOptions, createRpcClient, type RpcClient, RpcError } from './client.ts';
export type { EventName, Events, PayloadOf } from './events.ts';
export type {
  CancelFrame,
  CoreFrame,
  EventFrame,
  FramePort,
  Progress,
  ProgressFrame,
  RendererFrame,
  ReplyFrame,
  RequestFrame,
} from './frames.ts';
export {
  checkParams,
  type CommandSignal,
  firstStreamId,
  type MethodName,
  methods,
  type ParamsOf,
  type ResultOf,
} from './methods.ts';
export type {
  AppInfo,
  ClusterEventView,
  ClusterView,
  DoctorCheck,
  EditRequestView,
  ObjectTableView,
  ResourceKindView,
  StationView,
  TerminalView,
} from './views/cluster.ts';
export type { Notice } from './views/notice.ts';
export type { Bilingual, Domain, Language } from './views/common.ts';
export type {
  CriterionResult,
  ExamClock,
  ExamReport,
  ExamSummary,
  ExamTaskView,
  ExamView,
  GradeReport,
  TaskSummary,
  TaskView,
  Tier,
} from './views/exam.ts';
export type {
  BackupView,
  CardKind,
  CardView,
  DomainReadiness,
  Grade,
  LessonBlock,
  LessonSummary,
  LessonView,
  ProgressView,
  ReviewCounts,
  ReviewView,
  Settings,
  TodayView,
  Verdict,
} from './views/study.ts';
