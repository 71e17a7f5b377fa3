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
  readonly oncancel: () => void;
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

function defineExCommands(): void {
  if (exCommandsDefined) return;
  exCommandsDefined = true;
  const save = (editor: { cm6: EditorView }): void =>
    owners.get(editor.cm6)?.onsave(editor.cm6.state.doc.toString());
  for (const [name, short] of [
    ['write', 'w'],
    ['wq', 'wq'],
    ['xit', 'x'],
  ] as const)
    Vim.defineEx(name, short, (editor: { cm6: EditorView }) => save(editor));
  Vim.defineEx('quit', 'q', (editor: { cm6: EditorView }) => owners.get(editor.cm6)?.oncancel());
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
