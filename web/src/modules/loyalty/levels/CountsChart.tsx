import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { useFormat } from '@/lib/format';
import { ChartBox, chartBase, usePalette } from '@/ui/ChartBox';
import { Loaded } from '@/ui/states';
import { type LevelCount, type Scheme, useCounts } from './api';

/** How many customers have each level. */
export function CountsChart(props: { scheme: Scheme }) {
  const query = useCounts(props.scheme.id);
  return (
    <Loaded query={query} rows={4}>
      {(counts) => <Chart counts={counts} />}
    </Loaded>
  );
}

function Chart(props: { counts: LevelCount[] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const palette = usePalette();
  const { counts } = props;
  const rows = useMemo(
    () =>
      counts.map((one) => ({
        name:
          one.name ?? (one.rank ? t('loyalty.levels.rank', { n: one.rank }) : t('loyalty.levels.noLevel')),
        customers: one.customers,
      })),
    [counts, t],
  );
  const option = useMemo(() => {
    const base = chartBase(palette);
    return {
      ...base,
      grid: { left: 8, right: 40, top: 8, bottom: 8, containLabel: true },
      xAxis: {
        type: 'value',
        minInterval: 1,
        axisLabel: { color: palette.quiet },
        splitLine: { lineStyle: { color: palette.line } },
      },
      yAxis: {
        type: 'category',
        data: rows.map((one) => one.name),
        axisLabel: { color: palette.text },
        axisLine: { lineStyle: { color: palette.line } },
        axisTick: { show: false },
      },
      tooltip: { ...(base.tooltip as object), trigger: 'axis', axisPointer: { type: 'shadow' } },
      series: [
        {
          type: 'bar',
          data: rows.map((one) => one.customers),
          barMaxWidth: 26,
          label: { show: true, position: 'right', color: palette.text },
          itemStyle: { color: palette.main, borderRadius: [0, 2, 2, 0] },
        },
      ],
    };
  }, [rows, palette]);
  return (
    <ChartBox
      title={t('loyalty.levels.counts')}
      note={t('loyalty.levels.countsNote')}
      option={option}
      height={40 + rows.length * 40}
      table={{
        head: [t('loyalty.levels.level'), t('loyalty.levels.customers')],
        rows: rows.map((one) => ({ key: one.name, cells: [one.name, format.int(one.customers)] })),
      }}
    />
  );
}
