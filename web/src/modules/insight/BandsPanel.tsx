import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { LifetimeValue } from '@/api/types';
import { majorOf, useFormat } from '@/lib/format';
import { usePhone } from '@/lib/prefs';
import { ChartBox, chartBase, usePalette } from '@/ui/ChartBox';
import { Panel } from '@/ui/Page';
import { ScrollX } from '@/ui/ScrollX';
import { ShareBar } from '@/ui/values';

/** Customers by how likely they still are customers, and what is expected of them. */
export function BandsPanel(props: { data: LifetimeValue }) {
  const { t } = useTranslation();
  const format = useFormat();
  const palette = usePalette();
  const phone = usePhone();
  const { bands, currency } = props.data;
  const all = bands.reduce((sum, one) => sum + one.customers, 0);
  const worth = props.data.expected_value_minor;
  const range = (index: number) => {
    const from = format.percent(bands[index]?.from_probability ?? 0, 0);
    const to = format.percent(index ? (bands[index - 1]?.from_probability ?? 1) : 1, 0);
    return `${from} – ${to}`;
  };
  const option = useMemo(() => {
    const base = chartBase(palette);
    const axis = (name: string, money: boolean) => ({
      type: 'value',
      name,
      nameTextStyle: { color: palette.quiet, align: money ? 'right' : 'left' },
      axisLabel: { color: palette.quiet, formatter: (value: number) => format.short(value) },
      minInterval: money ? undefined : 1,
      splitLine: money ? { show: false } : { lineStyle: { color: palette.line } },
    });
    const customers = t('insight.audience.customers');
    const value = t('insight.value.bandValue');
    return {
      ...base,
      grid: { left: 8, right: 8, top: 58, bottom: 4, containLabel: true },
      legend: { top: 0, left: 0, textStyle: { color: palette.text }, data: [customers, value] },
      xAxis: {
        type: 'category',
        data: bands.map((one) => t(`insight.value.band.${one.name}`)),
        axisLabel: { color: palette.text, interval: 0, width: phone ? 62 : 120, overflow: 'break' },
        axisLine: { lineStyle: { color: palette.line } },
        axisTick: { show: false },
      },
      yAxis: [
        axis(customers, false),
        axis(
          t('insight.chart.unit', { currency: t(`ui.currency.${currency}`, { defaultValue: currency }) }),
          true,
        ),
      ],
      tooltip: {
        ...(base.tooltip as object),
        trigger: 'axis',
        axisPointer: { type: 'shadow' },
        formatter: (points: { dataIndex: number }[]) => {
          const one = bands[points[0]?.dataIndex ?? 0];
          return one
            ? [
                t(`insight.value.band.${one.name}`),
                `${customers} ${format.int(one.customers)}`,
                `${value} ${format.money(one.expected_value_minor, currency)}`,
              ].join('<br/>')
            : '';
        },
      },
      series: [
        {
          name: customers,
          type: 'bar',
          data: bands.map((one) => one.customers),
          barMaxWidth: 44,
          itemStyle: { color: palette.main, borderRadius: [2, 2, 0, 0] },
        },
        {
          name: value,
          type: 'bar',
          yAxisIndex: 1,
          data: bands.map((one) => majorOf(one.expected_value_minor, currency)),
          barMaxWidth: 44,
          itemStyle: { color: palette.accent, borderRadius: [2, 2, 0, 0] },
        },
      ],
    };
  }, [bands, currency, palette, phone, format, t]);
  return (
    <div className="grid-2">
      <ChartBox
        title={t('insight.value.bands')}
        note={t('insight.value.bandsNote')}
        option={option}
        height={260}
        table={{
          head: [
            t('insight.value.bandName'),
            t('insight.audience.customers'),
            t('insight.value.bandOrders'),
            t('insight.value.bandValue'),
          ],
          rows: bands.map((one) => ({
            key: one.name,
            cells: [
              t(`insight.value.band.${one.name}`),
              format.int(one.customers),
              one.expected_orders.toFixed(1),
              format.money(one.expected_value_minor, currency),
            ],
          })),
        }}
      />
      <Panel title={t('insight.value.bandsTable')}>
        <ScrollX label={t('insight.value.bandsTable')}>
          <table className="plain plain-stacks plain-labels">
            <thead>
              <tr>
                <th scope="col">{t('insight.value.bandName')}</th>
                <th scope="col">{t('insight.audience.customers')}</th>
                <th scope="col" className="num">
                  {t('insight.value.bandOrders')}
                </th>
                <th scope="col">{t('insight.value.bandValue')}</th>
              </tr>
            </thead>
            <tbody>
              {bands.map((one, index) => (
                <tr key={one.name}>
                  <th scope="row">
                    {t(`insight.value.band.${one.name}`)}
                    <div className="quiet nowrap">{range(index)}</div>
                  </th>
                  <td className="band-cell" data-title={t('insight.audience.customers')}>
                    <span className="figure">{format.int(one.customers)}</span>
                    <ShareBar share={all ? one.customers / all : 0} />
                  </td>
                  <td className="num" data-title={t('insight.value.bandOrders')}>
                    {one.expected_orders.toFixed(1)}
                  </td>
                  <td className="band-cell" data-title={t('insight.value.bandValue')}>
                    <span className="figure">{format.moneyShort(one.expected_value_minor, currency)}</span>
                    <ShareBar share={worth ? one.expected_value_minor / worth : 0} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </ScrollX>
      </Panel>
    </div>
  );
}
