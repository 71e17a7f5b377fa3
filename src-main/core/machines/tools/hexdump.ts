import { concatBytes } from '#core/base';
import { parseArgs, tool } from './tool.ts';

const row = 16;
const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');

/** `hexdump`, and `hexdump -C`: the bytes of files, sixteen a line, those that repeat as one star. */
export const hexdump = tool(async (self) => {
  const { flags, values, words } = parseArgs(self.args, 'Cv', ['n'], {});
  const parts: Uint8Array[] = [];
  const { files, stdin } = self.context;
  for (const word of words) parts.push(files.readFile(self.resolve(word)));
  if (words.length === 0)
    for (let chunk = await stdin.read(); chunk; chunk = await stdin.read()) parts.push(chunk);
  const all = concatBytes(parts);
  const limit = values.get('n');
  const bytes = limit === undefined ? all : all.subarray(0, Number(limit));
  const canonical = flags.has('C');
  const offset = (at: number): string => hex(at, canonical ? 8 : 7);
  let previous = '';
  let starred = false;
  for (let at = 0; at < bytes.length; at += row) {
    const line = bytes.subarray(at, at + row);
    const text = canonical ? canonicalLine(line) : words16(line);
    const isFull = line.length === row;
    if (isFull && text === previous && !flags.has('v')) {
      if (!starred) await self.out('*\n');
      starred = true;
      continue;
    }
    starred = false;
    previous = text;
    await self.out(`${offset(at)}${text}\n`);
  }
  if (bytes.length > 0) await self.out(`${offset(bytes.length)}\n`);
  return 0;
});

function canonicalLine(line: Uint8Array): string {
  const cells = Array.from({ length: row }, (_, index) => {
    const byte = line[index];
    return `${index === row / 2 ? ' ' : ''} ${byte === undefined ? '  ' : hex(byte, 2)}`;
  }).join('');
  const shown = Array.from(line, (byte) =>
    byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.',
  ).join('');
  return ` ${cells}  |${shown}|`;
}

/** Two bytes a word, the second first. */
function words16(line: Uint8Array): string {
  let text = '';
  for (let index = 0; index < line.length; index += 2)
    text += ` ${hex((line[index] ?? 0) | ((line[index + 1] ?? 0) << 8), 4)}`;
  return text;
}
