import { byteCharacter } from '#core/base';
import { quoteWord } from './variables.ts';

/** printf(1): the format is used again while arguments are left. @returns `text` of which `encodeBytes` makes the output. */
export function formatPrintf(
  format: string,
  args: readonly string[],
  nowMs: number,
): { text: string; errors: string[] } {
  const errors: string[] = [];
  let text = '';
  let left = [...args];
  for (;;) {
    const before = left.length;
    const round = once(format, left, errors, nowMs);
    text += round.text;
    left = round.left;
    if (round.stop || left.length === 0 || left.length === before) return { text, errors };
  }
}

function once(
  format: string,
  args: readonly string[],
  errors: string[],
  nowMs: number,
): { text: string; left: string[]; stop: boolean } {
  const left = [...args];
  let text = '';
  const next = (): string => left.shift() ?? '';
  for (let i = 0; i < format.length; i++) {
    const char = format[i] as string;
    if (char === '\\') {
      const escape = decodeEscape(format, i);
      if (escape.stop) return { text, left, stop: true };
      text += escape.text;
      i = escape.end;
      continue;
    }
    if (char !== '%') {
      text += char;
      continue;
    }
    const spec = /^%([-+ 0#]*)(\*|\d+)?(?:\.(\*|-?\d*))?(\(([^)]*)\)T|[a-zA-Z%])/.exec(
      format.slice(i),
    );
    if (!spec) {
      errors.push(`\`${format[i + 1] ?? ''}': invalid format character`);
      return { text, left: [], stop: true };
    }
    i += spec[0].length - 1;
    let flags = spec[1] ?? '';
    let width = spec[2] === '*' ? Number(next()) : Number(spec[2] ?? 0);
    if (width < 0) {
      flags += '-';
      width = -width;
    }
    const precision =
      spec[3] === undefined ? undefined : spec[3] === '*' ? Number(next()) : Number(spec[3] || 0);
    const conversion = (spec[4] ?? '').slice(-1);
    if (conversion === '%') {
      text += '%';
      continue;
    }
    if (conversion === 'T') {
      const at = next();
      const date = new Date(at === '' || Number(at) < 0 ? nowMs : Number(at) * 1000);
      text += strftime(spec[5] || '%H:%M:%S', date);
      continue;
    }
    if (conversion === 'b') {
      const value = next();
      let out = '';
      for (let at = 0; at < value.length; at++) {
        if (value[at] !== '\\') {
          out += value[at] ?? '';
          continue;
        }
        const escape = decodeEscape(value, at, true);
        if (escape.stop) return { text: text + out, left, stop: true };
        out += escape.text;
        at = escape.end;
      }
      text += pad(out, width, flags.replace('0', ''));
      continue;
    }
    text += convert(conversion, next(), flags, width, precision, errors);
  }
  return { text, left, stop: false };
}

function convert(
  conversion: string,
  arg: string,
  flags: string,
  width: number,
  precision: number | undefined,
  errors: string[],
): string {
  switch (conversion) {
    case 's':
      return pad(
        precision === undefined ? arg : arg.slice(0, precision),
        width,
        flags.replace('0', ''),
      );
    case 'q':
      return pad(quoteWord(arg, 'backslash'), width, flags.replace('0', ''));
    case 'c':
      return pad([...arg][0] ?? '', width, flags.replace('0', ''));
    case 'e':
    case 'E':
    case 'f':
    case 'F':
    case 'g':
    case 'G':
      return pad(float(conversion, arg, precision, flags, errors), width, flags);
    default:
      return pad(
        integer(conversion, arg, precision, flags, errors),
        width,
        precision === undefined ? flags : flags.replace('0', ''),
      );
  }
}

function pad(text: string, width: number, flags: string): string {
  const missing = width - [...text].length;
  if (missing <= 0) return text;
  if (flags.includes('-')) return text + ' '.repeat(missing);
  if (!flags.includes('0')) return ' '.repeat(missing) + text;
  const sign = /^([-+ ]|0[xX])?/.exec(text)?.[0] ?? '';
  return sign + '0'.repeat(missing) + text.slice(sign.length);
}

function parseInteger(arg: string, errors: string[]): bigint {
  const text = arg.trim();
  if (text === '') return 0n;
  if (/^["']/.test(text)) return BigInt([...text][1]?.codePointAt(0) ?? 0);
  const match = /^([-+]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9]\d*)/.exec(text);
  if (!match) {
    errors.push(`${arg}: invalid number`);
    return 0n;
  }
  const digits = match[2] ?? '0';
  const octal = /^0\d/.test(digits);
  const value = BigInt(octal ? `0o${digits.slice(1)}` : digits);
  if (match[0] !== text) errors.push(`${arg}: invalid ${octal ? 'octal ' : ''}number`);
  return match[1] === '-' ? -value : value;
}

function integer(
  conversion: string,
  arg: string,
  precision: number | undefined,
  flags: string,
  errors: string[],
): string {
  let value = parseInteger(arg, errors);
  const signed = conversion === 'd' || conversion === 'i';
  if (!signed) value = BigInt.asUintN(64, value);
  const base = { o: 8, x: 16, X: 16 }[conversion] ?? 10;
  const negative = value < 0n;
  let digits = (negative ? -value : value).toString(base).padStart(precision ?? 1, '0');
  if (conversion === 'X') digits = digits.toUpperCase();
  if (flags.includes('#') && value !== 0n)
    digits = `${{ o: '0', x: '0x', X: '0X' }[conversion] ?? ''}${digits}`;
  const sign = negative
    ? '-'
    : signed && flags.includes('+')
      ? '+'
      : signed && flags.includes(' ')
        ? ' '
        : '';
  return sign + digits;
}

function float(
  conversion: string,
  arg: string,
  precision: number | undefined,
  flags: string,
  errors: string[],
): string {
  const value = Number(arg.trim() === '' ? '0' : arg);
  if (Number.isNaN(value) && !/nan/i.test(arg)) {
    errors.push(`${arg}: invalid number`);
    return float(conversion, '0', precision, flags, errors);
  }
  const digits = precision ?? 6;
  const exponent = (text: string): string => text.replace(/e([-+])(\d)$/, 'e$10$2');
  const lower = conversion.toLowerCase();
  let text =
    lower === 'f'
      ? value.toFixed(digits)
      : lower === 'e'
        ? exponent(value.toExponential(digits))
        : general(value, digits, exponent);
  if (conversion !== lower) text = text.toUpperCase();
  return flags.includes('+') && value >= 0 ? `+${text}` : text;
}

function general(value: number, precision: number, exponent: (text: string) => string): string {
  if (value === 0) return '0';
  const size = Math.floor(Math.log10(Math.abs(value)));
  const digits = precision === 0 ? 1 : precision;
  const text =
    size < -4 || size >= digits
      ? exponent(value.toExponential(digits - 1)).replace(/\.?0+e/, 'e')
      : value.toFixed(Math.max(0, digits - 1 - size));
  return text.includes('.') && !text.includes('e') ? text.replace(/\.?0+$/, '') : text;
}

/** Decodes the escape at `at`; `echo`'s form (`\0nnn`, `\c`) with `inArgument`. */
function decodeEscape(
  text: string,
  at: number,
  inArgument = false,
): { text: string; end: number; stop: boolean } {
  const rest = text.slice(at + 1);
  const simple: Readonly<Record<string, string>> = {
    a: '\x07',
    b: '\b',
    e: '\x1b',
    E: '\x1b',
    f: '\f',
    n: '\n',
    r: '\r',
    t: '\t',
    v: '\v',
    '\\': '\\',
    '"': '"',
    "'": "'",
  };
  if (rest.startsWith('c') && inArgument) return { text: '', end: text.length, stop: true };
  const known = simple[rest[0] ?? ''];
  if (known !== undefined) return { text: known, end: at + 1, stop: false };
  const code =
    /^(?:x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8}))/.exec(rest) ??
    (inArgument ? /^0([0-7]{0,3})/ : /^([0-7]{1,3})/).exec(rest);
  if (!code) return { text: '\\', end: at, stop: false };
  const digits = code[1] ?? code[2] ?? code[3] ?? '0';
  const value = parseInt(digits || '0', /^[xuU]/.test(rest) ? 16 : 8);
  return {
    // `\nnn` and `\xhh` are bytes, which need not be characters.
    text: /^[uU]/.test(rest) ? String.fromCodePoint(value) : byteCharacter(value & 0xff),
    end: at + code[0].length,
    stop: false,
  };
}

const dayNames = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const monthNames = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

/** strftime(3) in UTC and the C locale, with GNU's flags `-`, `_` and `0`, and `%N`. */
export function strftime(format: string, date: Date): string {
  const year = date.getUTCFullYear();
  const month = date.getUTCMonth();
  const day = date.getUTCDate();
  const hour = date.getUTCHours();
  const weekday = date.getUTCDay();
  const yearDay = Math.floor((Date.UTC(year, month, day) - Date.UTC(year, 0, 1)) / 86_400_000);
  const numbers: Readonly<Record<string, [number, number, string]>> = {
    Y: [year, 4, '0'],
    C: [Math.floor(year / 100), 2, '0'],
    y: [year % 100, 2, '0'],
    m: [month + 1, 2, '0'],
    d: [day, 2, '0'],
    e: [day, 2, ' '],
    H: [hour, 2, '0'],
    I: [hour % 12 || 12, 2, '0'],
    k: [hour, 2, ' '],
    l: [hour % 12 || 12, 2, ' '],
    M: [date.getUTCMinutes(), 2, '0'],
    S: [date.getUTCSeconds(), 2, '0'],
    j: [yearDay + 1, 3, '0'],
    u: [weekday || 7, 1, '0'],
    w: [weekday, 1, '0'],
    U: [Math.floor((yearDay + 7 - weekday) / 7), 2, '0'],
    W: [Math.floor((yearDay + 7 - ((weekday + 6) % 7)) / 7), 2, '0'],
    N: [date.getUTCMilliseconds() * 1_000_000, 9, '0'],
    V: [isoWeek(date).week, 2, '0'],
    G: [isoWeek(date).year, 4, '0'],
    s: [Math.floor(date.getTime() / 1000), 1, '0'],
  };
  const composed: Readonly<Record<string, string>> = {
    c: '%a %b %e %H:%M:%S %Y',
    D: '%m/%d/%y',
    x: '%m/%d/%y',
    F: '%Y-%m-%d',
    T: '%H:%M:%S',
    X: '%H:%M:%S',
    R: '%H:%M',
    r: '%I:%M:%S %p',
  };
  return format.replace(
    /%([-_0^#]?)(\d*)(:{0,3}z|[a-zA-Z%])/g,
    (whole, flag: string, width: string, code: string) => {
      const more = composed[code];
      if (more !== undefined) return strftime(more, date);
      const number = numbers[code];
      if (number) {
        const [value, digits, fill] = number;
        if (code === 'N' && width !== '')
          return String(value).padStart(9, '0').slice(0, Number(width));
        if (flag === '-') return String(value);
        const size = width === '' ? digits : Number(width);
        return String(value).padStart(size, flag === '_' ? ' ' : flag === '0' ? '0' : fill);
      }
      const upper = (text: string): string => (flag === '^' ? text.toUpperCase() : text);
      switch (code) {
        case 'A':
          return upper(dayNames[weekday] ?? '');
        case 'a':
          return upper((dayNames[weekday] ?? '').slice(0, 3));
        case 'B':
          return upper(monthNames[month] ?? '');
        case 'b':
        case 'h':
          return upper((monthNames[month] ?? '').slice(0, 3));
        case 'p':
          return hour < 12 ? 'AM' : 'PM';
        case 'P':
          return hour < 12 ? 'am' : 'pm';
        case 'Z':
          return 'UTC';
        case 'z':
          return '+0000';
        case ':z':
          return '+00:00';
        case 'n':
          return '\n';
        case 't':
          return '\t';
        case '%':
          return '%';
        default:
          return whole;
      }
    },
  );
}

function isoWeek(date: Date): { year: number; week: number } {
  const thursday = new Date(
    Date.UTC(
      date.getUTCFullYear(),
      date.getUTCMonth(),
      date.getUTCDate() + 4 - (date.getUTCDay() || 7),
    ),
  );
  const year = thursday.getUTCFullYear();
  return {
    year,
    week: Math.ceil(((thursday.getTime() - Date.UTC(year, 0, 1)) / 86_400_000 + 1) / 7),
  };
}
