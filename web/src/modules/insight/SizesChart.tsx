import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { SizeOfDay } from '@/api/types';
import { useFormat } from '@/lib/format';
import { ChartBox, chartBase, usePalette } from '@/ui/ChartBox';

/** How many belonged to an audience, by day. */
export function SizesChart(props: { sizes: SizeOfDay[] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const palette = usePalette();
  const { sizes } = props;
  const option = useMemo(() => {
    const base = chartBase(palette);
    return {
      ...base,
      grid: { left: 8, right: 12, top: 28, bottom: 4, containLabel: true },
      xAxis: {
        type: 'time',
        minInterval: 86_400_000,
        axisLabel: { color: palette.quiet, hideOverlap: true, formatter: '{MM}-{dd}' },
        axisLine: { lineStyle: { color: palette.line } },
        axisTick: { show: false },
      },
      yAxis: {
        type: 'value',
        name: t('insight.audience.customers'),
        minInterval: 1,
        nameTextStyle: { color: palette.quiet, align: 'left' },
        axisLabel: { color: palette.quiet, formatter: (value: number) => format.short(value) },
        splitLine: { lineStyle: { color: palette.line } },
      },
      tooltip: {
        ...(base.tooltip as object),
        trigger: 'axis',
        formatter: (points: { dataIndex: number }[]) => {
          const one = sizes[points[0]?.dataIndex ?? 0];
          return one ? `${one.day}<br/>${format.int(one.customers)}` : '';
        },
      },
      series: [
        {
          type: 'line',
          step: 'end',
          data: sizes.map((one) => [`${one.day} 00:00`, one.customers]),
          showSymbol: sizes.length < 15,
          symbolSize: 6,
          lineStyle: { width: 2, color: palette.main },
          itemStyle: { color: palette.main },
        },
      ],
    };
  }, [sizes, palette, format, t]);
  return (
    <ChartBox
      title={t('insight.audience.history')}
      note={t('insight.audience.historyNote')}
      option={option}
      height={200}
      table={{
        head: [t('insight.chart.day'), t('insight.audience.customers')],
        rows: [...sizes]
          .reverse()
          .map((one) => ({ key: one.day, cells: [one.day, format.int(one.customers)] })),
      }}
    />
  );
}
