import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { Workbench } from '@/api/types';
import { majorOf, useFormat } from '@/lib/format';
import { useGo } from '@/lib/url';
import { ChartBox, chartBase, usePalette } from '@/ui/ChartBox';

/** Revenue of each day; orders for whoever does not see amounts. */
export function RevenueChart(props: { data: Workbench }) {
  const { t } = useTranslation();
  const format = useFormat();
  const go = useGo();
  const palette = usePalette();
  const { revenue_by_day: days, currency } = props.data;
  const amounts = props.data.revenue_minor != null;
  const option = useMemo(() => {
    const base = chartBase(palette);
    return {
      ...base,
      grid: { left: 8, right: 12, top: 28, bottom: 4, containLabel: true },
      xAxis: {
        type: 'category',
        data: days.map((one) => one.day),
        axisLabel: { color: palette.quiet, formatter: (day: string) => day.slice(5), hideOverlap: true },
        axisLine: { lineStyle: { color: palette.line } },
        axisTick: { show: false },
      },
      yAxis: {
        type: 'value',
        name: amounts
          ? t('insight.chart.unit', { currency: t(`ui.currency.${currency}`, { defaultValue: currency }) })
          : t('insight.workbench.orders'),
        minInterval: amounts ? undefined : 1,
        nameTextStyle: { color: palette.quiet, align: 'left' },
        axisLabel: { color: palette.quiet, formatter: (value: number) => format.short(value) },
        splitLine: { lineStyle: { color: palette.line } },
      },
      tooltip: {
        ...(base.tooltip as object),
        trigger: 'axis',
        axisPointer: { type: 'line', lineStyle: { color: palette.quiet } },
        formatter: (points: { dataIndex: number }[]) => {
          const one = days[points[0]?.dataIndex ?? 0];
          return one
            ? [
                one.day,
                ...(amounts ? [format.money(one.revenue_minor ?? 0, currency)] : []),
                t('insight.chart.orders', { count: one.orders, n: format.int(one.orders) }),
              ].join('<br/>')
            : '';
        },
      },
      series: [
        {
          type: 'line',
          data: days.map((one) => (amounts ? majorOf(one.revenue_minor ?? 0, currency) : one.orders)),
          showSymbol: false,
          symbolSize: 7,
          triggerLineEvent: true,
          lineStyle: { width: 2, color: palette.main },
          itemStyle: { color: palette.main },
          areaStyle: { color: palette.main, opacity: 0.1 },
        },
      ],
    };
  }, [days, amounts, currency, palette, format, t]);
  return (
    <ChartBox
      title={t(amounts ? 'insight.chart.revenueTitle' : 'insight.chart.ordersTitle')}
      note={t(amounts ? 'insight.chart.revenueNote' : 'insight.chart.ordersNote')}
      option={option}
      height={400}
      onPick={(event) => {
        const day = days[event.dataIndex ?? -1]?.day;
        if (day) go(`/orders?from=${day}&to=${day}`);
      }}
      table={{
        head: [
          t('insight.chart.day'),
          ...(amounts ? [t('insight.workbench.revenue')] : []),
          t('insight.workbench.orders'),
        ],
        rows: [...days].reverse().map((one) => ({
          key: one.day,
          cells: [
            one.day,
            ...(amounts ? [format.money(one.revenue_minor ?? 0, currency)] : []),
            format.int(one.orders),
          ],
        })),
      }}
    />
  );
}
