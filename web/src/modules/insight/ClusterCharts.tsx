import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { RfmClusters } from '@/api/types';
import { majorOf, useFormat } from '@/lib/format';
import { ChartBox, chartBase, usePalette } from '@/ui/ChartBox';

/** Rows of the table of the sample. */
const ROWS = 200;

/** Some customers by orders and revenue, coloured by group. */
export function ScatterChart(props: { data: RfmClusters }) {
  const { t } = useTranslation();
  const format = useFormat();
  const palette = usePalette();
  const { sample, groups, currency } = props.data;
  const group = (n: number) => t('insight.clusters.group', { n });
  // biome-ignore lint/correctness/useExhaustiveDependencies: the helper follows from the language
  const option = useMemo(() => {
    const base = chartBase(palette);
    const axis = (name: string, middle: boolean) => ({
      type: 'log',
      name,
      ...(middle ? { nameLocation: 'middle', nameGap: 26 } : {}),
      nameTextStyle: { color: palette.quiet, align: middle ? 'center' : 'left' },
      axisLabel: { color: palette.quiet, formatter: (value: number) => format.short(value) },
      axisLine: { lineStyle: { color: palette.line } },
      splitLine: { lineStyle: { color: palette.line } },
    });
    return {
      ...base,
      grid: { left: 8, right: 16, top: 68, bottom: 24, containLabel: true },
      legend: {
        top: 0,
        left: 0,
        textStyle: { color: palette.text },
        data: groups.map((one) => group(one.cluster)),
      },
      xAxis: axis(t('insight.cube.dimension.f'), true),
      yAxis: axis(
        t('insight.chart.unit', { currency: t(`ui.currency.${currency}`, { defaultValue: currency }) }),
        false,
      ),
      tooltip: {
        ...(base.tooltip as object),
        formatter: (point: { data: { dot: (typeof sample)[number] } }) => {
          const { dot } = point.data;
          return [
            group(dot.cluster),
            t('insight.chart.orders', { count: dot.orders, n: format.int(dot.orders) }),
            format.money(dot.revenue_minor, currency),
            `${t('insight.clusters.meanRecency')} ${format.int(dot.recency_days)}`,
          ].join('<br/>');
        },
      },
      series: groups.map((one) => ({
        name: group(one.cluster),
        type: 'scatter',
        symbolSize: 6,
        itemStyle: { color: palette.kinds[one.cluster - 1], opacity: 0.7 },
        data: sample
          .filter((dot) => dot.cluster === one.cluster)
          // A logarithm has no place for nothing.
          .map((dot) => ({ value: [dot.orders, Math.max(1, majorOf(dot.revenue_minor, currency))], dot })),
      })),
    };
  }, [sample, groups, currency, palette, format, t]);
  return (
    <ChartBox
      title={t('insight.clusters.scatter')}
      note={t('insight.clusters.scatterNote', { count: sample.length, n: format.int(sample.length) })}
      kind="scatter"
      option={option}
      height={360}
      table={{
        head: [
          t('insight.clusters.count'),
          t('insight.cube.dimension.r'),
          t('insight.cube.dimension.f'),
          t('insight.cube.dimension.m'),
        ],
        rows: sample.slice(0, ROWS).map((dot, index) => ({
          key: String(index),
          cells: [
            group(dot.cluster),
            format.int(dot.recency_days),
            format.int(dot.orders),
            format.money(dot.revenue_minor, currency),
          ],
        })),
      }}
    />
  );
}

/** How far apart groups are, and how close their members, by the number of groups. */
export function FitChart(props: { data: RfmClusters; chosen: number }) {
  const { t } = useTranslation();
  const format = useFormat();
  const palette = usePalette();
  const { choices } = props.data;
  const option = useMemo(() => {
    const base = chartBase(palette);
    const silhouette = t('insight.clusters.silhouette');
    const inertia = t('insight.clusters.inertia');
    // In the colour of what it measures, which the legend names.
    const axis = (colour: string, right: boolean) => ({
      type: 'value',
      axisLabel: { color: colour, formatter: (value: number) => value.toFixed(1) },
      splitLine: right ? { show: false } : { lineStyle: { color: palette.line } },
    });
    return {
      ...base,
      grid: { left: 8, right: 8, top: 56, bottom: 24, containLabel: true },
      legend: { top: 0, left: 0, textStyle: { color: palette.text }, data: [silhouette, inertia] },
      xAxis: {
        type: 'category',
        data: choices.map((one) => String(one.clusters)),
        name: t('insight.clusters.count'),
        nameLocation: 'middle',
        nameGap: 26,
        nameTextStyle: { color: palette.quiet },
        axisLabel: { color: palette.quiet },
        axisLine: { lineStyle: { color: palette.line } },
        axisTick: { show: false },
      },
      yAxis: [axis(palette.main, false), axis(palette.accent, true)],
      tooltip: {
        ...(base.tooltip as object),
        trigger: 'axis',
        formatter: (points: { dataIndex: number }[]) => {
          const one = choices[points[0]?.dataIndex ?? 0];
          return one
            ? [
                t('insight.clusters.countOf', { n: one.clusters }),
                `${silhouette} ${one.silhouette.toFixed(2)}`,
                `${inertia} ${one.inertia.toFixed(2)}`,
              ].join('<br/>')
            : '';
        },
      },
      series: [
        {
          name: silhouette,
          type: 'bar',
          barMaxWidth: 26,
          data: choices.map((one) => ({
            value: one.silhouette,
            itemStyle: { color: palette.main, opacity: one.clusters === props.chosen ? 1 : 0.45 },
          })),
          itemStyle: { color: palette.main },
        },
        {
          name: inertia,
          type: 'line',
          yAxisIndex: 1,
          data: choices.map((one) => one.inertia),
          symbol: 'diamond',
          symbolSize: 9,
          lineStyle: { width: 2, color: palette.accent, type: 'dashed' },
          itemStyle: { color: palette.accent },
        },
      ],
    };
  }, [choices, props.chosen, palette, t]);
  return (
    <ChartBox
      title={t('insight.clusters.fit')}
      note={t('insight.clusters.fitNote')}
      option={option}
      height={342}
      table={{
        head: [t('insight.clusters.count'), t('insight.clusters.silhouette'), t('insight.clusters.inertia')],
        rows: choices.map((one) => ({
          key: String(one.clusters),
          cells: [format.int(one.clusters), one.silhouette.toFixed(2), one.inertia.toFixed(2)],
        })),
      }}
    />
  );
}
