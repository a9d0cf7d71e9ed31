import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { PriceSensitivity } from '@/api/types';
import { useFormat } from '@/lib/format';
import { usePhone } from '@/lib/prefs';
import { ChartBox, chartBase, usePalette } from '@/ui/ChartBox';
import { OneShop, wantsOneShop } from '@/ui/OneShop';
import { Panel } from '@/ui/Page';
import { PlainTable } from '@/ui/PlainTable';
import { useShops } from '@/ui/shops';
import { Loaded } from '@/ui/states';
import { ShareBar } from '@/ui/values';
import { usePrices } from './api';
import { NoOrders } from './NoOrders';

/** How many purchases, and whose, are made below a product's usual price. */
export function PricesView(props: { shop?: string; onShop: (shop: string) => void }) {
  const { t } = useTranslation();
  const shops = useShops();
  const query = usePrices({ shop: props.shop });
  if (wantsOneShop(query.error, shops.data))
    return <OneShop shops={shops.data ?? []} onChoose={props.onShop} />;
  return (
    <Loaded query={query} rows={8}>
      {(data) =>
        data.lines ? (
          <div className={query.isPlaceholderData ? 'stack list-busy' : 'stack'}>
            <BandsChart data={data} />
            <HabitsPanel data={data} />
          </div>
        ) : (
          <NoOrders title={t('insight.prices.empty')} text={t('insight.prices.emptyText')} />
        )
      }
    </Loaded>
  );
}

/** Purchases by what was paid of the usual price. */
function BandsChart(props: { data: PriceSensitivity }) {
  const { t } = useTranslation();
  const format = useFormat();
  const palette = usePalette();
  const phone = usePhone();
  const { data } = props;
  const { bands, lines } = data;
  const option = useMemo(() => {
    const base = chartBase(palette);
    return {
      ...base,
      grid: { left: 8, right: 12, top: 28, bottom: 4, containLabel: true },
      xAxis: {
        type: 'category',
        data: bands.map((one) => t(`insight.prices.band.${one.name}`)),
        axisLabel: { color: palette.text, interval: 0, width: phone ? 54 : 120, overflow: 'break' },
        axisLine: { lineStyle: { color: palette.line } },
        axisTick: { show: false },
      },
      yAxis: {
        type: 'value',
        name: t('insight.prices.share'),
        nameTextStyle: { color: palette.quiet, align: 'left' },
        axisLabel: { color: palette.quiet, formatter: (value: number) => format.percent(value, 0) },
        splitLine: { lineStyle: { color: palette.line } },
      },
      tooltip: {
        ...(base.tooltip as object),
        trigger: 'axis',
        axisPointer: { type: 'shadow' },
        formatter: (points: { dataIndex: number }[]) => {
          const one = bands[points[0]?.dataIndex ?? 0];
          return one
            ? [
                t(`insight.prices.band.${one.name}`),
                `${t('insight.prices.lines')} ${format.int(one.lines)} (${format.percent(one.lines / lines)})`,
                `${t('insight.audience.customers')} ${format.int(one.customers)}`,
              ].join('<br/>')
            : '';
        },
      },
      series: [
        {
          type: 'bar',
          data: bands.map((one) => one.lines / lines),
          barMaxWidth: 64,
          itemStyle: { color: palette.main, borderRadius: [2, 2, 0, 0] },
        },
      ],
    };
  }, [bands, lines, palette, phone, format, t]);
  return (
    <ChartBox
      title={t('insight.prices.title')}
      note={t('insight.prices.note', {
        lines: format.int(lines),
        products: format.int(data.products),
        out: format.int(data.lines_left_out),
      })}
      option={option}
      height={280}
      table={{
        head: [
          t('insight.prices.paid'),
          t('insight.prices.lines'),
          t('insight.prices.share'),
          t('insight.audience.customers'),
          ...(data.currency ? [t('insight.prices.amount')] : []),
        ],
        rows: bands.map((one) => ({
          key: one.name,
          cells: [
            t(`insight.prices.band.${one.name}`),
            format.int(one.lines),
            format.percent(one.lines / lines),
            format.int(one.customers),
            ...(data.currency ? [format.money(one.amount_minor ?? 0, data.currency)] : []),
          ],
        })),
      }}
    />
  );
}

/** Customers by how often they buy below the usual price. */
function HabitsPanel(props: { data: PriceSensitivity }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { habits, currency } = props.data;
  const all = habits.reduce((sum, one) => sum + one.customers, 0);
  return (
    <Panel title={t('insight.prices.habits')}>
      <p className="panel-note">{t('insight.prices.habitsNote')}</p>
      <PlainTable
        label={t('insight.prices.habits')}
        rows={habits.map((one) => ({ ...one, id: one.name }))}
        columns={[
          {
            title: t('insight.prices.habitName'),
            className: 'nowrap',
            render: (one) => t(`insight.prices.habit.${one.name}`),
          },
          { title: t('insight.audience.customers'), right: true, render: (one) => format.int(one.customers) },
          {
            title: t('insight.tiers.share'),
            className: 'share-cell',
            render: (one) => <ShareBar share={all ? one.customers / all : 0} />,
          },
          { title: t('insight.prices.lines'), right: true, render: (one) => format.int(one.lines) },
          ...(currency
            ? [
                {
                  title: t('insight.prices.amount'),
                  right: true,
                  render: (one: (typeof habits)[number]) =>
                    format.moneyShort(one.amount_minor ?? 0, currency),
                },
              ]
            : []),
        ]}
      />
    </Panel>
  );
}
