/** A warning of the models in words: which of the known ones it is, and the figures in it. */
export interface Told {
  key: string;
  values: Record<string, string>;
}

const MODEL = '(BG/NBD|Pareto/NBD|Gamma-Gamma)';
const KNOWN: readonly (readonly [key: string, pattern: RegExp])[] = [
  ['loose', new RegExp(`^(?<model>${MODEL}): a parameter is smaller than its standard error`)],
  ['noErrors', new RegExp(`^(?<model>${MODEL}): no standard errors`)],
  ['leftOut', new RegExp(`^(?<model>${MODEL}) is left out: `)],
  [
    'missed',
    new RegExp(
      `^(?<model>${MODEL}): (?<expected>\\d+) purchases were expected after the calibration, (?<actual>\\d+) came`,
    ),
  ],
  ['correlated', /^frequency and spend of repeat buyers correlate by (?<r>-?[\d.]+);/],
  ['short', /^the history is (?<n>\d+) days long;/],
  ['few', /^only (?<n>\d+) customers;/],
  ['free', /^(?<n>\d+) repeat buyers paid nothing/],
];

/** Undefined where the server has a new one, which is then shown as it is. */
export function toldOf(warning: string): Told | undefined {
  for (const [key, pattern] of KNOWN) {
    const found = pattern.exec(warning);
    if (found) return { key, values: { ...found.groups } };
  }
  return undefined;
}
