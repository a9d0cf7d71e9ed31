import { useTranslation } from 'react-i18next';
import type { Rfm } from '@/api/types';
import { formatInt, minorDigits, useFormat } from '@/lib/format';
import { Panel } from '@/ui/Page';
import type { Dimension } from './cube';

/** Bounds of money come in major units, amounts in minor ones. */
function minorPerMajor(currency: string) {
  return 10 ** minorDigits(currency);
}

/** Where the scores begin, and how many customers have each. */
export function ThresholdsPanel(props: { data: Rfm }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { data } = props;
  const bound = (dimension: Dimension, value: number) =>
    dimension === 'm'
      ? format.money(Math.round(value * minorPerMajor(data.currency)), data.currency)
      : Number.isInteger(value)
        ? formatInt(format.lang, value)
        : value.toFixed(1);
  const scores = Array.from({ length: data.bins }, (_, i) => i + 1);
  /** The bounds of a score; recency runs the other way: few days are a high score. */
  const range = (dimension: Dimension, score: number) => {
    const bounds = data.thresholds[dimension];
    const at = dimension === 'r' ? data.bins - score : score - 1;
    const low = at > 0 ? bounds[at - 1] : undefined;
    const high = at < data.bins - 1 ? bounds[at] : undefined;
    if (low === undefined && high === undefined) return '–';
    if (low !== undefined && low === high) return t('insight.thresholds.none');
    if (dimension === 'f') {
      // Orders are counted in whole numbers: from 2 to under 4 is 2 or 3.
      const least = Math.max(1, Math.ceil(low ?? 1));
      if (high === undefined)
        return t('insight.thresholds.rangeF.from', { count: least, low: format.int(least) });
      const most = Math.ceil(high) - 1;
      if (most < least) return t('insight.thresholds.none');
      return most === least
        ? t('insight.thresholds.rangeF.one', { count: least, low: format.int(least) })
        : t('insight.thresholds.rangeF.between', { low: format.int(least), high: format.int(most) });
    }
    const unit = `insight.thresholds.range${dimension.toUpperCase()}`;
    if (low === undefined) return t(`${unit}.below`, { count: high, high: bound(dimension, high as number) });
    if (high === undefined) return t(`${unit}.from`, { count: low, low: bound(dimension, low) });
    return t(`${unit}.between`, { low: bound(dimension, low), high: bound(dimension, high) });
  };
  return (
    <Panel title={t('insight.thresholds.title')}>
      <p className="panel-note">{t('insight.thresholds.note')}</p>
      {(['r', 'f', 'm'] as const).map((dimension) => (
        <table key={dimension} className="plain thresholds">
          <caption>{t(`insight.cube.dimension.${dimension}`)}</caption>
          <thead className="sr-only">
            <tr>
              <th scope="col">{t('insight.thresholds.score')}</th>
              <th scope="col">{t('insight.thresholds.range')}</th>
              <th scope="col">{t('insight.tiers.customers')}</th>
            </tr>
          </thead>
          <tbody>
            {[...scores].reverse().map((score) => (
              <tr key={score}>
                <th scope="row">
                  {dimension.toUpperCase()}
                  {score}
                </th>
                <td>{range(dimension, score)}</td>
                <td className="num">{format.int(data.score_counts[dimension][score - 1] ?? 0)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      ))}
    </Panel>
  );
}
