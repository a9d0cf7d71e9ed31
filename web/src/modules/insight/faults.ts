import type { TFunction } from 'i18next';

/** What the server says of a definition, by how it says it; the groups are what the words are filled with. */
const FAULTS: readonly [RegExp, string, ...string[]][] = [
  [/^expected (.+), found (.+)$/s, 'expected', 'what', 'found'],
  [/^there is no (tag|shop|user|audience|scheme of levels|programme) "(.*)"$/s, 'unknown', 'what', 'name'],
  [/^there is no level "(.*)" in this scheme$/s, 'noLevel', 'name'],
  [/^there is not exactly one to mean: say `(.+)`$/, 'which', 'say'],
  [
    /^the (tag|shop|scheme of levels|programme of points) (.+) is not there any more$/,
    'gone',
    'what',
    'name',
  ],
  [/^nested deeper than (\d+) levels$/, 'deep', 'n'],
  [/^more than (\d+) conditions$/, 'many', 'n'],
  [/^longer than (\d+) bytes$/, 'long', 'n'],
  [/^at most (\d+) values$/, 'values', 'n'],
  [/ takes at most (\d+) values$/, 'values', 'n'],
  [/^a value has at most (\d+) characters$/, 'characters', 'n'],
  [/^this was said before$/, 'twice'],
  [/^this number is too large$/, 'large'],
  [/^(.+) is no day of the calendar$/, 'noDay', 'day'],
  [/^(\S+) is after (\S+)$/, 'after', 'from', 'to'],
  [/^1 to (\d+) days$/, 'days', 'n'],
  [/^no \S+ is (\S+) or more and (\S+) or less$/, 'noNumber', 'min', 'max'],
  [/^amount: no number is that much and that little$/, 'noAmount'],
  [/ needs a bound$/, 'bound'],
  [/ needs a value$/, 'value'],
  [/ must not be empty$/, 'empty'],
  [/^amount is of whole orders/, 'wholeOrders'],
  [/^the character (.+) has no meaning here$/, 'character', 'character'],
  [/^the character (.+) has no meaning here: texts stand in quotation marks$/, 'unquoted', 'character'],
  [/^this text does not end with (.+)$/, 'open', 'sign'],
  [/^another audience is called "(.*)"$/, 'nameTaken', 'name'],
  [/^must be 1 to (\d+) characters on one line$/, 'nameLength', 'n'],
  [/^must be at most (\d+) characters$/, 'noteLength', 'n'],
];

/** A fault of an audience in the reader's language; as the server says it where there are no words for it. */
export function faultText(t: TFunction, message: string): string {
  for (const [pattern, key, ...names] of FAULTS) {
    const found = pattern.exec(message);
    if (!found) continue;
    const values = Object.fromEntries(names.map((name, index) => [name, found[index + 1]]));
    const what = values.what && t(`insight.audience.faults.of.${values.what}`, { defaultValue: values.what });
    return t(`insight.audience.faults.${key}`, { ...values, what, defaultValue: message });
  }
  return message;
}
