export { Terminal, type TerminalOptions } from './terminal.ts';
export { charWidth, textWidth } from './width.ts';
