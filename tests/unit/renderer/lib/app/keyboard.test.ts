import { beforeEach, expect, test } from 'vitest';
import { Keyboard } from '../../../../../src-renderer/lib/app/index.ts';

let nowMs = 0;
let ran: string[] = [];
let keyboard: Keyboard;
const binding = (keys: string, name: string) => ({
  keys,
  label: () => name,
  run: () => void ran.push(name),
});
const press = (key: string, init: KeyboardEventInit & { target?: EventTarget } = {}): boolean => {
  const event = new KeyboardEvent('keydown', { key, cancelable: true, ...init });
  Object.defineProperty(event, 'target', { value: init.target ?? document.body });
  keyboard.handle(event);
  return event.defaultPrevented;
};
const inside = (html: string, selector: string): Element => {
  document.body.innerHTML = html;
  const element = document.querySelector(selector);
  if (element === null) throw new Error(selector);
  return element;
};

beforeEach(() => {
  nowMs = 0;
  ran = [];
  keyboard = new Keyboard(() => nowMs);
  keyboard.add([
    binding('g t', 'today'),
    binding('g g', 'top'),
    binding('?', 'help'),
    binding('t', 'plain'),
  ]);
});

test('a sequence runs once both keys came in time', () => {
  expect([press('g'), press('t')]).toEqual([false, true]);
  press('g');
  nowMs = 1_501;
  press('t');
  press('g');
  press('g');
  expect(ran).toEqual(['today', 'plain', 'top']);
});

test('the page in front wins, and gives its keys back when it leaves', () => {
  const remove = keyboard.add([binding('?', 'page')]);
  press('?');
  remove();
  press('?');
  expect(ran).toEqual(['page', 'help']);
  expect(keyboard.groups).toHaveLength(1);
});

test.each([
  { html: '<input>', selector: 'input', why: 'a field' },
  { html: '<textarea></textarea>', selector: 'textarea', why: 'a text area' },
  { html: '<div class="cm-editor"><b></b></div>', selector: 'b', why: 'an editor' },
  { html: '<div class="xterm"><b></b></div>', selector: 'b', why: 'a terminal' },
  { html: '<dialog><b></b></dialog>', selector: 'b', why: 'a dialog' },
])('letters belong to $why', ({ html, selector }) => {
  press('?', { target: inside(html, selector) });
  expect(ran).toEqual([]);
});

test.each([
  { key: '?', ctrlKey: true },
  { key: '?', altKey: true },
  { key: '?', metaKey: true },
])('chords belong to the browser: $key', ({ key, ...init }) => {
  press(key, init);
  expect(ran).toEqual([]);
});

test('space presses the button that has the focus', () => {
  keyboard.add([binding(' ', 'reveal')]);
  press(' ', { target: inside('<button></button>', 'button') });
  expect(ran).toEqual([]);
  press(' ');
  expect(ran).toEqual(['reveal']);
});

test('a checkbox lets letters through', () => {
  press('?', { target: inside('<input type="checkbox">', 'input') });
  expect(ran).toEqual(['help']);
});
