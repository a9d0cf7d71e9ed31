import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { DayTally } from '@/api/types';
import { useFormat } from '@/lib/format';
import { ChartBox, chartBase, usePalette } from '@/ui/ChartBox';

const FEWEST = 14;
const DAY_MS = 86_400_000;

/** Every day from the first with figures, two weeks at least, to today. */
function everyDay(days: DayTally[], today: string): DayTally[] {
  const known = new Map(days.map((one) => [one.day, one]));
  const end = Date.parse(today);
  const first = Math.min(Date.parse(days[0]?.day ?? today), end - (FEWEST - 1) * DAY_MS);
  const all: DayTally[] = [];
  for (let at = first; at <= end; at += DAY_MS) {
    const day = new Date(at).toISOString().slice(0, 10);
    all.push(known.get(day) ?? { day, entered: 0, left: 0 });
  }
  return all;
}

/** How many entered and left an audience, by day. */
export function TurnsChart(props: { days: DayTally[]; today: string }) {
  const { t } = useTranslation();
  const format = useFormat();
  const palette = usePalette();
  const days = useMemo(() => everyDay(props.days, props.today), [props.days, props.today]);
  const option = useMemo(() => {
    const base = chartBase(palette);
    const bars = (name: string, color: string, value: (one: DayTally) => number) => ({
      type: 'bar',
      stack: 'turns',
      name,
      barMaxWidth: 18,
      itemStyle: { color },
      data: days.map(value),
    });
    return {
      ...base,
      grid: { left: 8, right: 12, top: 34, bottom: 4, containLabel: true },
      legend: { top: 0, right: 0, textStyle: { color: palette.quiet }, itemWidth: 12, itemHeight: 12 },
      xAxis: {
        type: 'category',
        data: days.map((one) => one.day),
        axisLabel: { color: palette.quiet, formatter: (day: string) => day.slice(5), hideOverlap: true },
        axisLine: { onZero: true, lineStyle: { color: palette.line } },
        axisTick: { show: false },
      },
      yAxis: {
        type: 'value',
        name: t('insight.audience.customers'),
        minInterval: 1,
        nameTextStyle: { color: palette.quiet, align: 'left' },
        axisLabel: { color: palette.quiet, formatter: (value: number) => format.short(Math.abs(value)) },
        splitLine: { lineStyle: { color: palette.line } },
      },
      tooltip: {
        ...(base.tooltip as object),
        trigger: 'axis',
        axisPointer: { type: 'shadow' },
        formatter: (points: { dataIndex: number }[]) => {
          const one = days[points[0]?.dataIndex ?? 0];
          return one
            ? [
                one.day,
                `${t('insight.live.entered')} ${format.int(one.entered)}`,
                `${t('insight.live.left')} ${format.int(one.left)}`,
              ].join('<br/>')
            : '';
        },
      },
      series: [
        bars(t('insight.live.entered'), palette.main, (one) => one.entered),
        // Downwards, so that both are seen at once.
        bars(t('insight.live.left'), palette.accent, (one) => -one.left),
      ],
    };
  }, [days, palette, format, t]);
  return (
    <ChartBox
      title={t('insight.live.byDay')}
      note={t('insight.live.byDayNote')}
      option={option}
      height={200}
      table={{
        head: [t('insight.chart.day'), t('insight.live.entered'), t('insight.live.left')],
        rows: [...props.days]
          .reverse()
          .map((one) => ({ key: one.day, cells: [one.day, format.int(one.entered), format.int(one.left)] })),
      }}
    />
  );
}
