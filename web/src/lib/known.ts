import type { Search } from './url';

/** Whether a value of the URL means something. */
export type Rule = (value: string) => boolean;
export type Rules = Record<string, Rule>;

export const oneOf =
  (values: readonly string[]): Rule =>
  (value) =>
    values.includes(value);

/** Several values with commas between them. */
export const someOf =
  (values: readonly string[]): Rule =>
  (value) =>
    value.split(',').every((one) => values.includes(one));

/** Names of columns, with `-` in front for descending. */
export const sortOf =
  (names: readonly string[]): Rule =>
  (value) =>
    names.includes(value.replace(/^-/, ''));

/** Ids of what is there; until that is known, any. */
export const idOf =
  (items: readonly { id: string }[] | undefined): Rule =>
  (value) =>
    !items || items.some((one) => one.id === value);

export const isDay: Rule = (value) => {
  const at = new Date(`${value}T00:00:00Z`);
  return !Number.isNaN(at.getTime()) && at.toISOString().slice(0, 10) === value;
};

export const within =
  (least: number, most = Number.MAX_SAFE_INTEGER): Rule =>
  (value) =>
    /^\d+$/.test(value) && Number(value) >= least && Number(value) <= most;

/** The names in the URL whose values mean nothing. */
export function unknownIn(url: Search, rules: Rules): string[] {
  return Object.keys(rules).filter((name) => url[name] !== undefined && !rules[name]?.(url[name]));
}

/** The URL without them. */
export function knownOf(url: Search, rules: Rules): Search {
  const unknown = unknownIn(url, rules);
  return Object.fromEntries(Object.entries(url).filter(([name]) => !unknown.includes(name)));
}
