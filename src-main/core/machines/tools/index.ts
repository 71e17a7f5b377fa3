export { type BaseSystem, baseSystem, prepareTools, tools } from './base-system.ts';
export { columns } from './ls.ts';
export { parseArgs, type Tool, tool, ToolError } from './tool.ts';
