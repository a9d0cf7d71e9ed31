import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { SimulationResult } from '@/api/types';
import { majorOf, useFormat } from '@/lib/format';
import { ChartBox, chartBase, usePalette } from '@/ui/ChartBox';

interface Pair {
  name: string;
  now: number;
  draft: number;
  orders: number;
}

/** What promotions cost with the draft and without it, by day or by tier. */
function CostChart(props: {
  title: string;
  note: string;
  head: string;
  pairs: Pair[];
  currency: string;
  bars?: boolean;
}) {
  const { t } = useTranslation();
  const format = useFormat();
  const palette = usePalette();
  const { pairs, currency, bars } = props;
  const now = t('loyalty.promotions.simulator.now');
  const draft = t('loyalty.promotions.simulator.withDraft');
  // biome-ignore lint/correctness/useExhaustiveDependencies: how figures are shown follows from the language
  const option = useMemo(() => {
    const base = chartBase(palette);
    const series = (name: string, which: 'now' | 'draft', color: string) => ({
      name,
      type: bars ? 'bar' : 'line',
      data: pairs.map((one) => majorOf(one[which], currency)),
      showSymbol: pairs.length < 2,
      barMaxWidth: 24,
      lineStyle: { width: 2, color },
      itemStyle: { color },
    });
    return {
      ...base,
      grid: { left: 8, right: 12, top: 52, bottom: 4, containLabel: true },
      legend: { top: 0, left: 0, textStyle: { color: palette.text }, data: [now, draft] },
      xAxis: {
        type: 'category',
        data: pairs.map((one) => one.name),
        axisLabel: { color: palette.quiet, hideOverlap: true, rotate: bars ? 30 : 0 },
        axisLine: { lineStyle: { color: palette.line } },
        axisTick: { show: false },
      },
      yAxis: {
        type: 'value',
        axisLabel: { color: palette.quiet, formatter: (value: number) => format.short(value) },
        splitLine: { lineStyle: { color: palette.line } },
      },
      tooltip: {
        ...(base.tooltip as object),
        trigger: 'axis',
        formatter: (points: { dataIndex: number }[]) => {
          const one = pairs[points[0]?.dataIndex ?? 0];
          if (!one) return '';
          const money = (minor: number) => format.money(minor, currency);
          return [one.name, `${now} ${money(one.now)}`, `${draft} ${money(one.draft)}`].join('<br/>');
        },
      },
      series: [series(now, 'now', palette.accent), series(draft, 'draft', palette.main)],
    };
  }, [pairs, currency, palette, now, draft]);
  return (
    <ChartBox
      title={props.title}
      note={props.note}
      option={option}
      height={320}
      table={{
        head: [props.head, t('loyalty.promotions.simulator.orders'), now, draft],
        rows: pairs.map((one) => ({
          key: one.name,
          cells: [
            one.name,
            format.int(one.orders),
            format.money(one.now, currency),
            format.money(one.draft, currency),
          ],
        })),
      }}
    />
  );
}

export function CostByDay(props: { result: SimulationResult }) {
  const { t } = useTranslation();
  const { by_day: days, currency } = props.result;
  const pairs = useMemo(
    () =>
      days.map((one) => ({
        name: one.day,
        now: one.now.discount_minor,
        draft: one.draft.discount_minor,
        orders: one.now.orders,
      })),
    [days],
  );
  return (
    <CostChart
      title={t('loyalty.promotions.simulator.byDay')}
      note={t('loyalty.promotions.simulator.byDayNote')}
      head={t('loyalty.promotions.simulator.day')}
      pairs={pairs}
      currency={currency}
    />
  );
}

export function CostByTier(props: { result: SimulationResult }) {
  const { t } = useTranslation();
  const { by_tier: tiers, currency } = props.result;
  const pairs = useMemo(
    () =>
      tiers.map((one) => ({
        name: one.tier
          ? t(`ui.tier.${one.tier}`, { defaultValue: one.tier })
          : t('loyalty.promotions.simulator.noTier'),
        now: one.now.discount_minor,
        draft: one.draft.discount_minor,
        orders: one.now.orders,
      })),
    [tiers, t],
  );
  return (
    <CostChart
      title={t('loyalty.promotions.simulator.byTier')}
      note={t('loyalty.promotions.simulator.byTierNote')}
      head={t('loyalty.promotions.simulator.tier')}
      pairs={pairs}
      currency={currency}
      bars
    />
  );
}
