import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { LifetimeValue } from '@/api/types';
import { useFormat } from '@/lib/format';
import { ChartBox, chartBase, usePalette } from '@/ui/ChartBox';
import { Panel } from '@/ui/Page';

interface Pair {
  name: string;
  actual: number;
  expected: number;
  note?: string;
}

/** What was, beside what a model says, by number of repeat purchases. */
function usePairs(pairs: Pair[], axis: string, shown: (value: number) => string, expected: string) {
  const { t } = useTranslation();
  const palette = usePalette();
  // biome-ignore lint/correctness/useExhaustiveDependencies: how figures are shown follows from the language
  return useMemo(() => {
    const base = chartBase(palette);
    const actual = t('insight.value.actual');
    return {
      ...base,
      grid: { left: 8, right: 12, top: 52, bottom: 24, containLabel: true },
      legend: { top: 0, left: 0, textStyle: { color: palette.text }, data: [actual, expected] },
      xAxis: {
        type: 'category',
        data: pairs.map((one) => one.name),
        name: t('insight.value.repeats'),
        nameLocation: 'middle',
        nameGap: 26,
        nameTextStyle: { color: palette.quiet },
        axisLabel: { color: palette.quiet },
        axisLine: { lineStyle: { color: palette.line } },
        axisTick: { show: false },
      },
      yAxis: {
        type: 'value',
        name: axis,
        nameTextStyle: { color: palette.quiet, align: 'left' },
        axisLabel: { color: palette.quiet },
        splitLine: { lineStyle: { color: palette.line } },
      },
      tooltip: {
        ...(base.tooltip as object),
        trigger: 'axis',
        axisPointer: { type: 'shadow' },
        formatter: (points: { dataIndex: number }[]) => {
          const one = pairs[points[0]?.dataIndex ?? 0];
          if (!one) return '';
          return [
            `${t('insight.value.repeats')} ${one.name}`,
            `${actual} ${shown(one.actual)}`,
            `${expected} ${shown(one.expected)}`,
            ...(one.note ? [one.note] : []),
          ].join('<br/>');
        },
      },
      series: [
        {
          name: actual,
          type: 'bar',
          data: pairs.map((one) => one.actual),
          barMaxWidth: 28,
          itemStyle: { color: palette.main, borderRadius: [2, 2, 0, 0] },
        },
        {
          name: expected,
          type: 'line',
          data: pairs.map((one) => one.expected),
          symbol: 'diamond',
          symbolSize: 9,
          lineStyle: { width: 2, color: palette.accent, type: 'dashed' },
          itemStyle: { color: palette.accent },
        },
      ],
    };
  }, [pairs, axis, expected, palette, t]);
}

/** Customers by number of repeat purchases, and as the model expects them. */
export function FrequencyChart(props: { data: LifetimeValue }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { frequency_histogram: bins } = props.data;
  const pairs = useMemo(
    () => bins.map((one) => ({ name: one.repeat_purchases, actual: one.actual, expected: one.expected })),
    [bins],
  );
  const shown = (value: number) => format.int(Math.round(value));
  // The server expects these by BG/NBD, whichever model the values are by.
  const expected = t('insight.value.expected', { model: t('insight.value.models.bgnbd') });
  const option = usePairs(pairs, t('insight.audience.customers'), shown, expected);
  if (!bins.length) return null;
  return (
    <ChartBox
      title={t('insight.value.frequency')}
      note={t('insight.value.frequencyNote')}
      option={option}
      height={280}
      table={{
        head: [t('insight.value.repeats'), t('insight.value.actual'), expected],
        rows: pairs.map((one) => ({
          key: one.name,
          cells: [one.name, shown(one.actual), shown(one.expected)],
        })),
      }}
    />
  );
}

/** Orders that came in the days held back against those that were expected; without such days, how to have some. */
export function HoldoutChart(props: { data: LifetimeValue }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { data } = props;
  const held = data.model === 'pnbd' ? data.holdout_pnbd : data.holdout_bgnbd;
  const pairs = useMemo(
    () =>
      (held?.bins ?? []).map((one) => ({
        name: one.repeat_purchases,
        actual: one.actual_mean,
        expected: one.expected_mean,
        customers: one.customers,
        note: t('insight.audiences.size', { count: one.customers, n: format.int(one.customers) }),
      })),
    [held, t, format],
  );
  const shown = (value: number) => value.toFixed(2);
  const expected = t('insight.value.expected', { model: t(`insight.value.models.${data.model}`) });
  const option = usePairs(pairs, t('insight.value.ordersEach'), shown, expected);
  if (!held)
    return (
      <Panel title={t('insight.value.holdout')}>
        <p className="quiet">{t('insight.value.holdoutNone')}</p>
      </Panel>
    );
  return (
    <ChartBox
      title={t('insight.value.holdout')}
      note={t('insight.value.holdoutNote', {
        from: data.calibration_end,
        to: data.observation_end,
        expected: format.int(Math.round(held.expected_total)),
        actual: format.int(held.actual_total),
      })}
      option={option}
      height={280}
      table={{
        head: [
          t('insight.value.repeats'),
          t('insight.audience.customers'),
          t('insight.value.actual'),
          expected,
        ],
        rows: pairs.map((one) => ({
          key: one.name,
          cells: [one.name, format.int(one.customers), shown(one.actual), shown(one.expected)],
        })),
      }}
    />
  );
}
