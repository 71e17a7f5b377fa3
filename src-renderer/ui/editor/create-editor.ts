import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import { yaml } from '@codemirror/lang-yaml';
import { bracketMatching, indentUnit, syntaxHighlighting } from '@codemirror/language';
import { highlightSelectionMatches, searchKeymap } from '@codemirror/search';
import { EditorState, Prec } from '@codemirror/state';
import { EditorView, highlightActiveLine, keymap, lineNumbers } from '@codemirror/view';
import { Vim, vim } from '@replit/codemirror-vim';
import { editorTheme, highlightStyle } from './editor-theme.ts';

export interface EditorOptions {
  readonly parent: HTMLElement;
  readonly value: string;
  readonly label: string;
  readonly vim: boolean;
  readonly readonly: boolean;
  readonly language: 'yaml' | 'plain';
  readonly onchange: (value: string) => void;
  readonly onsave: (value: string) => void;
  /** `:w`, which writes and stays; without it `:w` saves. */
  readonly onwrite?: (value: string) => void;
  /** `:q` and `:q!`; `force` is the exclamation mark. */
  readonly oncancel: (force: boolean) => void;
}

export interface EditorHandle {
  value(): string;
  /** Replaces the text when it differs; does not call `onchange`. */
  replace(value: string): void;
  focus(): void;
  dispose(): void;
}

/** Vim's commands are global to the package; this says which editor a command was typed in. */
const owners = new WeakMap<EditorView, EditorOptions>();
let exCommandsDefined = false;

interface VimEditor {
  readonly cm6: EditorView;
}

function defineExCommands(): void {
  if (exCommandsDefined) return;
  exCommandsDefined = true;
  const save = (view: EditorView, stay: boolean): void => {
    const owner = owners.get(view);
    (stay ? (owner?.onwrite ?? owner?.onsave) : owner?.onsave)?.(view.state.doc.toString());
  };
  const quit = (view: EditorView, force: boolean): void => owners.get(view)?.oncancel(force);
  Vim.defineEx('write', 'w', ({ cm6 }: VimEditor) => save(cm6, true));
  Vim.defineEx('wq', 'wq', ({ cm6 }: VimEditor) => save(cm6, false));
  Vim.defineEx('xit', 'x', ({ cm6 }: VimEditor) => save(cm6, false));
  Vim.defineEx('quit', 'q', ({ cm6 }: VimEditor, params: { argString?: string }) =>
    quit(cm6, params.argString?.startsWith('!') ?? false),
  );
  Vim.defineAction('writeAndQuit', ({ cm6 }: VimEditor) => save(cm6, false));
  Vim.defineAction('quitAnyway', ({ cm6 }: VimEditor) => quit(cm6, true));
  Vim.mapCommand('ZZ', 'action', 'writeAndQuit', {}, { context: 'normal' });
  Vim.mapCommand('ZQ', 'action', 'quitAnyway', {}, { context: 'normal' });
}

/** Builds a CodeMirror editor in `parent`. */
export function createEditor(options: EditorOptions): EditorHandle {
  let replacing = false;
  if (options.vim) defineExCommands();
  const view = new EditorView({
    parent: options.parent,
    state: EditorState.create({
      doc: options.value,
      extensions: [
        // Before all other keymaps, as the package asks.
        ...(options.vim ? [vim({ status: true })] : []),
        Prec.high(
          keymap.of([
            {
              key: 'Mod-s',
              preventDefault: true,
              run: ({ state }) => {
                options.onsave(state.doc.toString());
                return true;
              },
            },
          ]),
        ),
        lineNumbers(),
        highlightActiveLine(),
        history(),
        bracketMatching(),
        highlightSelectionMatches(),
        indentUnit.of('  '),
        EditorState.tabSize.of(2),
        keymap.of([indentWithTab, ...defaultKeymap, ...historyKeymap, ...searchKeymap]),
        ...(options.language === 'yaml' ? [yaml()] : []),
        syntaxHighlighting(highlightStyle),
        editorTheme,
        EditorState.readOnly.of(options.readonly),
        EditorView.contentAttributes.of({ 'aria-label': options.label }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged && !replacing) options.onchange(update.state.doc.toString());
        }),
      ],
    }),
  });
  owners.set(view, options);
  return {
    value: () => view.state.doc.toString(),
    replace: (value) => {
      if (value === view.state.doc.toString()) return;
      replacing = true;
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: value } });
      replacing = false;
    },
    focus: () => view.focus(),
    dispose: () => view.destroy(),
  };
}
