import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { IntentReport } from '@/api/types';
import { useFormat } from '@/lib/format';
import { usePhone } from '@/lib/prefs';
import { ChartBox, chartBase, type Palette, usePalette } from '@/ui/ChartBox';
import { Panel } from '@/ui/Page';
import { EmptyState } from '@/ui/states';
import { useFeatureWords } from './words';

/** Bars of the picture of behaviours; the table has all. */
const BARS = 12;

function shareAxis(name: string, palette: Palette, show: (share: number) => string, below: boolean) {
  return {
    type: 'value',
    min: 0,
    max: 1,
    name,
    ...(below ? { nameLocation: 'middle', nameGap: 26 } : {}),
    nameTextStyle: { color: palette.quiet, align: below ? 'center' : 'left' },
    axisLabel: { color: palette.quiet, formatter: show },
    axisLine: { show: below, lineStyle: { color: palette.line } },
    splitLine: { show: !below, lineStyle: { color: palette.line } },
  };
}

/** Two lines between 0 and 1: what came, and what would have come otherwise. */
function useSharePicture(
  points: { x: number; y: number; note: string }[],
  words: { x: string; y: string; line: string; other: string },
) {
  const palette = usePalette();
  const format = useFormat();
  return useMemo(() => {
    const base = chartBase(palette);
    const percent = (share: number) => format.percent(share, 0);
    return {
      ...base,
      grid: { left: 8, right: 20, top: 58, bottom: 26, containLabel: true },
      legend: { top: 0, left: 0, textStyle: { color: palette.text }, data: [words.line, words.other] },
      xAxis: shareAxis(words.x, palette, percent, true),
      yAxis: shareAxis(words.y, palette, percent, false),
      tooltip: {
        ...(base.tooltip as object),
        trigger: 'item',
        formatter: (point: { seriesIndex?: number; dataIndex: number }) =>
          point.seriesIndex === 0 ? (points[point.dataIndex]?.note ?? '') : words.other,
      },
      series: [
        {
          name: words.line,
          type: 'line',
          data: points.map((one) => [one.x, one.y]),
          symbolSize: 7,
          lineStyle: { width: 2, color: palette.main },
          itemStyle: { color: palette.main },
        },
        {
          name: words.other,
          type: 'line',
          data: [
            [0, 0],
            [1, 1],
          ],
          showSymbol: false,
          lineStyle: { width: 1.5, color: palette.accent, type: 'dashed' },
          itemStyle: { color: palette.accent },
        },
      ],
    };
  }, [points, words, palette, format]);
}

/** How many of those who bought are among how many of the customers, taken by score. */
export function GainChart(props: { report: IntentReport }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { report } = props;
  const best = report.models.find((one) => one.name === report.best);
  const points = useMemo(
    () =>
      report.gain_curve.map((one) => ({
        x: one.share,
        y: one.captured,
        note: t('insight.intent.gainPoint', {
          share: format.percent(one.share, 0),
          captured: format.percent(one.captured, 0),
        }),
      })),
    [report, t, format],
  );
  const words = useMemo(
    () => ({
      x: t('insight.intent.gainX'),
      y: t('insight.intent.gainY'),
      line: t('insight.intent.byScore'),
      other: t('insight.intent.byChance'),
    }),
    [t],
  );
  const option = useSharePicture(points, words);
  const most = Math.min(1, 0.2 / (report.positives / report.rows));
  return (
    <ChartBox
      title={t('insight.intent.headline', { n: format.percent(best?.top20_capture ?? 0, 0) })}
      note={t('insight.intent.gainNote', {
        share: format.percent(report.positives / report.rows),
        most: format.percent(most, 0),
      })}
      option={option}
      height={300}
      table={{
        head: [t('insight.intent.gainX'), t('insight.intent.gainY')],
        rows: report.gain_curve.map((one) => ({
          key: String(one.share),
          cells: [format.percent(one.share, 0), format.percent(one.captured)],
        })),
      }}
    />
  );
}

/** Whether 30 % means three in ten. */
export function CalibrationChart(props: { report: IntentReport }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { bins, expected_error } = props.report.calibration;
  const points = useMemo(
    () =>
      bins.map((one) => ({
        x: one.predicted,
        y: one.observed,
        note: t('insight.intent.calibrationPoint', {
          n: format.int(one.count),
          predicted: format.percent(one.predicted),
          observed: format.percent(one.observed),
        }),
      })),
    [bins, t, format],
  );
  const words = useMemo(
    () => ({
      x: t('insight.intent.predicted'),
      y: t('insight.intent.observed'),
      line: t('insight.intent.groups'),
      other: t('insight.intent.perfect'),
    }),
    [t],
  );
  const option = useSharePicture(points, words);
  return (
    <ChartBox
      title={t('insight.intent.calibration')}
      note={t('insight.intent.calibrationNote', { error: format.percent(expected_error) })}
      option={option}
      height={300}
      table={{
        head: [t('insight.intent.predicted'), t('insight.intent.observed'), t('insight.intent.rows')],
        rows: bins.map((one) => ({
          key: `${one.predicted}-${one.count}`,
          cells: [format.percent(one.predicted), format.percent(one.observed), format.int(one.count)],
        })),
      }}
    />
  );
}

/** Of those who did one thing, how many bought. */
export function LiftChart(props: { report: IntentReport; own: boolean }) {
  const { t } = useTranslation();
  const format = useFormat();
  const palette = usePalette();
  const phone = usePhone();
  const words = useFeatureWords(props.own);
  const { lift, rows, positives } = props.report;
  const told = useMemo(
    () =>
      lift.map((one) => ({
        ...one,
        label: t('insight.intent.pair', {
          name: words.name(one.column),
          value: one.range ? words.range(one.column, one.range) : words.value(one.column, one.value),
        }),
      })),
    [lift, words, t],
  );
  const option = useMemo(() => {
    const base = chartBase(palette);
    const bars = told.slice(0, BARS).reverse();
    return {
      ...base,
      grid: { left: 8, right: 52, top: 8, bottom: 4, containLabel: true },
      xAxis: {
        type: 'value',
        min: 0,
        max: 1,
        // On a phone the bars carry their figures alone.
        axisLabel: {
          show: !phone,
          color: palette.quiet,
          formatter: (share: number) => format.percent(share, 0),
        },
        splitLine: { show: !phone, lineStyle: { color: palette.line } },
      },
      yAxis: {
        type: 'category',
        data: bars.map((one) => one.label),
        axisLabel: {
          color: palette.text,
          width: phone ? 150 : 260,
          overflow: phone ? 'break' : 'truncate',
        },
        axisLine: { lineStyle: { color: palette.line } },
        axisTick: { show: false },
      },
      tooltip: {
        ...(base.tooltip as object),
        trigger: 'item',
        formatter: (point: { dataIndex: number }) => {
          const one = bars[point.dataIndex];
          if (!one) return '';
          return [
            escaped(one.label),
            t('insight.intent.liftPoint', {
              count: format.int(one.count),
              rate: format.percent(one.rate),
              lift: one.lift.toFixed(1),
            }),
          ].join('<br/>');
        },
      },
      series: [
        {
          type: 'bar',
          data: bars.map((one) => one.rate),
          barMaxWidth: 18,
          itemStyle: { color: palette.main, borderRadius: [0, 2, 2, 0] },
          label: {
            show: true,
            position: 'right',
            color: palette.text,
            formatter: (point: { value: number }) => format.percent(point.value, 0),
          },
        },
      ],
    };
  }, [told, palette, phone, format, t]);
  if (!told.length)
    return (
      <Panel title={t('insight.intent.liftTitle')}>
        <EmptyState small title={t('insight.intent.noLift')} />
      </Panel>
    );
  return (
    <ChartBox
      title={t('insight.intent.liftTitle')}
      note={t('insight.intent.liftNote', { share: format.percent(positives / rows) })}
      option={option}
      height={Math.min(BARS, told.length) * (phone ? 40 : 30) + 40}
      table={{
        head: [
          t('insight.intent.behaviour'),
          t('insight.intent.rows'),
          t('insight.intent.bought'),
          t('insight.intent.interval'),
          t('insight.intent.liftTimes'),
        ],
        rows: told.map((one, index) => ({
          key: `${index}-${one.label}`,
          cells: [
            one.label,
            format.int(one.count),
            format.percent(one.rate),
            `${format.percent(one.rate_low, 0)} – ${format.percent(one.rate_high, 0)}`,
            `${one.lift.toFixed(1)} ×`,
          ],
        })),
      }}
    />
  );
}

/** Names of columns come from files, and tooltips are HTML. */
function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`);
}
