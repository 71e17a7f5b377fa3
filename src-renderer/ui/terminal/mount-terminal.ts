import { FitAddon } from '@xterm/addon-fit';
import { SearchAddon } from '@xterm/addon-search';
import { Unicode11Addon } from '@xterm/addon-unicode11';
import { WebLinksAddon } from '@xterm/addon-web-links';
import { WebglAddon } from '@xterm/addon-webgl';
import { Terminal } from '@xterm/xterm';
import type { RpcClient } from '#contract';
import { documentationLink, isDocumentationLink } from './documentation-links.ts';
import { replayOf } from './replay.ts';
import { terminalTheme, watchTheme } from './terminal-theme.ts';

export interface MountOptions {
  readonly parent: HTMLElement;
  readonly rpc: RpcClient;
  readonly terminalId: number;
  readonly fontSize: number;
  /** What a screen reader says: of the place to type in, and when a command prints more than it can read. */
  readonly spoken: { readonly input: string; readonly tooMuch: string };
  readonly onexit: (exitCode: number) => void;
  /** The core no longer knows the terminal, or the connection broke. */
  readonly onfail: (error: unknown) => void;
  /** Ctrl+Shift+F. */
  readonly onsearch: () => void;
  /** Ctrl+Shift+L: the way out for who works without a mouse, since Tab belongs to the shell. */
  readonly onleave: () => void;
  readonly onfocus: () => void;
}

export interface MountedTerminal {
  focus(): void;
  setFontSize(pixels: number): void;
  /** @returns whether the text was found. */
  find(text: string, direction: 'next' | 'previous'): boolean;
  endSearch(): void;
  dispose(): void;
}

const resizePauseMs = 60;
const scrollbackLines = 5_000;

/** Shows a terminal of the core in `parent` and joins the two, beginning with what the core remembers of it. */
export function mountTerminal(options: MountOptions): MountedTerminal {
  const { parent, rpc, terminalId } = options;
  const token = (name: string): string => getComputedStyle(parent).getPropertyValue(name).trim();
  Terminal.strings.promptLabel = options.spoken.input;
  Terminal.strings.tooMuchOutput = options.spoken.tooMuch;
  const terminal = new Terminal({
    allowProposedApi: true, // addon-unicode11 needs it
    cursorBlink: !matchMedia('(prefers-reduced-motion: reduce)').matches,
    fontFamily: token('--font-mono') || 'monospace',
    fontSize: options.fontSize,
    lineHeight: 1.15,
    macOptionIsMeta: true,
    // The screen is drawn on a canvas; this keeps its lines as text beside it. No page can ask who needs that.
    screenReaderMode: true,
    scrollback: scrollbackLines,
    theme: terminalTheme(token),
    linkHandler: { activate: (_event, address) => openLink(address) },
  });
  const fit = new FitAddon();
  const search = new SearchAddon();
  terminal.loadAddon(fit);
  terminal.loadAddon(search);
  terminal.loadAddon(new Unicode11Addon());
  terminal.unicode.activeVersion = '11';
  terminal.loadAddon(
    new WebLinksAddon((_event, address) => openLink(address), { urlRegex: documentationLink }),
  );
  // Programs may not write the clipboard, nor name the tab.
  for (const code of [0, 1, 2, 52]) terminal.parser.registerOscHandler(code, () => true);
  terminal.attachCustomKeyEventHandler((event) => handleKey(event, terminal, options));
  terminal.open(parent);
  useWebgl(terminal);
  fitTo(parent, fit);

  let replaying = true;
  let disposed = false;
  let early: Uint8Array[] | undefined = [];
  const encoder = new TextEncoder();
  const send = (bytes: Uint8Array): void => {
    // Answers to questions that a program asked before the page was loaded again would be typed into the shell.
    if (!replaying) rpc.writeTerminal(terminalId, bytes);
  };
  terminal.onData((text) => send(encoder.encode(text)));
  terminal.onBinary((text) => send(Uint8Array.from(text, (letter) => letter.charCodeAt(0))));

  const bytes = rpc.onTerminal(terminalId, (chunk) => {
    if (early) early.push(chunk);
    else terminal.write(chunk);
  });
  const exit = rpc.on('terminal.exit', (ended) => {
    if (ended.terminalId === terminalId) options.onexit(ended.exitCode);
  });
  rpc
    .call('terminals.attach', { terminalId, columns: terminal.cols, rows: terminal.rows })
    .then(({ replayedBytes }) => {
      if (disposed) return;
      const replay = replayOf(early ?? [], replayedBytes);
      early = undefined;
      terminal.write(replay, () => (replaying = false));
    })
    .catch((error: unknown) => {
      if (!disposed) options.onfail(error);
    });

  let resizeTimer: ReturnType<typeof setTimeout> | undefined;
  terminal.onResize(({ cols: columns, rows }) => {
    clearTimeout(resizeTimer);
    resizeTimer = setTimeout(() => {
      // A terminal that has ended has no size; its exit has been told.
      rpc.call('terminals.resize', { terminalId, columns, rows }).catch(() => undefined);
    }, resizePauseMs);
  });
  const observer = new ResizeObserver(() => fitTo(parent, fit));
  observer.observe(parent);
  const stopTheme = watchTheme(() => (terminal.options.theme = terminalTheme(token)));
  terminal.textarea?.addEventListener('focus', options.onfocus);

  return {
    focus: () => terminal.focus(),
    setFontSize: (pixels) => {
      terminal.options.fontSize = pixels;
      fitTo(parent, fit);
    },
    find: (text, direction) =>
      direction === 'next'
        ? search.findNext(text, { incremental: true })
        : search.findPrevious(text),
    endSearch: () => search.clearDecorations(),
    dispose: () => {
      disposed = true;
      clearTimeout(resizeTimer);
      observer.disconnect();
      stopTheme();
      bytes.dispose();
      exit.dispose();
      terminal.dispose();
    },
  };
}

function openLink(address: string): void {
  if (isDocumentationLink(address)) window.open(address, '_blank', 'noopener,noreferrer');
}

/** A hidden terminal keeps its size: programs would otherwise draw for one of a single column. */
function fitTo(parent: HTMLElement, fit: FitAddon): void {
  if (parent.clientWidth > 40 && parent.clientHeight > 20) fit.fit();
}

/** The fast renderer where there is one; without WebGL, or when the driver takes it back, the DOM serves. */
function useWebgl(terminal: Terminal): void {
  try {
    const webgl = new WebglAddon();
    webgl.onContextLoss(() => webgl.dispose());
    terminal.loadAddon(webgl);
  } catch {
    return;
  }
}

/** @returns false for keys that the page handles instead of the shell. */
function handleKey(event: KeyboardEvent, terminal: Terminal, options: MountOptions): boolean {
  if (event.type !== 'keydown' || !event.ctrlKey || !event.shiftKey || event.altKey) return true;
  switch (event.code) {
    case 'KeyC':
      event.preventDefault();
      if (terminal.hasSelection()) void navigator.clipboard.writeText(terminal.getSelection());
      return false;
    case 'KeyV':
      // The browser pastes by itself into the terminal's text area, which brackets it for the shell.
      return false;
    case 'KeyF':
      event.preventDefault();
      options.onsearch();
      return false;
    case 'KeyL':
      event.preventDefault();
      options.onleave();
      return false;
    default:
      return true;
  }
}
