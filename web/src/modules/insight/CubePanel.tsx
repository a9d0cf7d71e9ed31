import { DownloadOutlined } from '@ant-design/icons';
import { Button, Segmented, Select, Slider } from 'antd';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { queryText } from '@/api/client';
import type { Rfm } from '@/api/types';
import { majorOf, useFormat } from '@/lib/format';
import { usePhone } from '@/lib/prefs';
import { useUrl } from '@/lib/url';
import { ChartBox, chartBase, usePalette } from '@/ui/ChartBox';
import { AppLink } from '@/ui/Link';
import { useTakeFile } from '@/ui/take';
import {
  cellName,
  colourAt,
  type Dimension,
  inkOn,
  type Metric,
  project,
  type RfmSettings,
  type Square,
  settingsOf,
  thirdOf,
} from './cube';

const PAIRS: [Dimension, Dimension][] = [
  ['r', 'f'],
  ['r', 'm'],
  ['f', 'm'],
];

/** The cube as a heat map of two dimensions, the third as a slider. */
export function CubePanel(props: { data: Rfm }) {
  const { t } = useTranslation();
  const format = useFormat();
  const phone = usePhone();
  const palette = usePalette();
  const [url, setUrl] = useUrl();
  const { data } = props;
  const pair = PAIRS.find((one) => one.join('') === url.axes) ?? (['r', 'f'] as const);
  const [x, y] = pair;
  const third = thirdOf(x, y);
  const metric: Metric =
    url.metric === 'orders' ? 'orders' : url.metric === 'revenue' ? 'revenue_minor' : 'customers';
  const layer = url.layer ? Math.min(data.bins, Number(url.layer)) : undefined;
  const [picked, setPicked] = useState<{ x: number; y: number }>();

  const squares = useMemo(
    () => project(data.cells, data.bins, x, y, metric, layer),
    [data.cells, data.bins, x, y, metric, layer],
  );
  const valueText = (value: number) =>
    metric === 'revenue_minor' ? format.money(value, data.currency, true) : format.int(value);
  const shortText = (value: number) =>
    metric === 'revenue_minor' ? format.short(majorOf(value, data.currency)) : format.short(value);
  const axis = (dimension: Dimension) => t(`insight.cube.dimension.${dimension}`);
  const scores = Array.from({ length: data.bins }, (_, i) => i + 1);
  const most = Math.max(1, ...squares.map((one) => one.value));

  // biome-ignore lint/correctness/useExhaustiveDependencies: the helpers follow from what is listed
  const option = useMemo(() => {
    const base = chartBase(palette);
    const label = (dimension: Dimension) => (score: string) => `${dimension.toUpperCase()}${score}`;
    return {
      ...base,
      grid: { left: 8, right: 10, top: 28, bottom: 64, containLabel: true },
      xAxis: {
        type: 'category',
        data: scores.map(String),
        name: axis(x),
        nameLocation: 'middle',
        nameGap: 28,
        nameTextStyle: { color: palette.quiet },
        axisLabel: { color: palette.text, formatter: label(x), interval: 0 },
        axisLine: { show: false },
        axisTick: { show: false },
      },
      yAxis: {
        type: 'category',
        data: scores.map(String),
        name: axis(y),
        nameTextStyle: { color: palette.quiet, align: 'left' },
        axisLabel: { color: palette.text, formatter: label(y), interval: 0 },
        axisLine: { show: false },
        axisTick: { show: false },
      },
      visualMap: {
        type: 'continuous',
        min: 0,
        max: most,
        calculable: false,
        orient: 'horizontal',
        left: 'center',
        bottom: 0,
        itemHeight: 140,
        itemWidth: 12,
        text: [shortText(most), '0'],
        textStyle: { color: palette.quiet },
        inRange: { color: palette.scale },
      },
      tooltip: {
        ...(base.tooltip as object),
        formatter: (point: { data: { square: Square } }) => {
          const { square } = point.data;
          const sum = (name: Metric) => square.cells.reduce((total, cell) => total + cell[name], 0);
          return [
            `${x.toUpperCase()}${square.x} ${y.toUpperCase()}${square.y}`,
            t('insight.cube.tipCustomers', { count: sum('customers'), n: format.int(sum('customers')) }),
            t('insight.cube.tipOrders', { count: sum('orders'), n: format.int(sum('orders')) }),
            format.money(sum('revenue_minor'), data.currency),
          ].join('<br/>');
        },
      },
      series: [
        {
          type: 'heatmap',
          data: squares.map((square) => ({
            value: [square.x - 1, square.y - 1, square.value],
            square,
            label: { color: inkOn(colourAt(palette.scale, square.value / most)) },
          })),
          label: {
            show: data.bins <= (phone ? 5 : 8),
            formatter: (point: { data: { square: Square } }) =>
              point.data.square.value ? shortText(point.data.square.value) : '',
          },
          itemStyle: { borderColor: palette.surface, borderWidth: 2, borderRadius: 3 },
          emphasis: { itemStyle: { borderColor: palette.accent, borderWidth: 2 } },
        },
      ],
    };
  }, [squares, palette, most, x, y, metric, data.bins, data.currency, format, t, phone]);

  const chosen = picked ? squares.find((one) => one.x === picked.x && one.y === picked.y) : undefined;
  return (
    <ChartBox
      title={t('insight.cube.title', {
        metric: t(`insight.cube.metric.${metric}`),
        x: axis(x),
        y: axis(y),
      })}
      note={
        layer === undefined
          ? t('insight.cube.noteAll', { third: axis(third) })
          : t('insight.cube.noteLayer', { third: axis(third), score: `${third.toUpperCase()}${layer}` })
      }
      kind="heat"
      option={option}
      height={phone ? 340 : 420}
      onPick={(event) => {
        const square = (event.data as { square?: Square } | undefined)?.square;
        if (square) setPicked({ x: square.x, y: square.y });
      }}
      extra={
        <>
          <Select
            size="small"
            aria-label={t('insight.cube.axes')}
            style={{ width: 92 }}
            value={pair.join('')}
            onChange={(axes) => setUrl({ axes: axes === 'rf' ? undefined : axes, layer: undefined })}
            options={PAIRS.map((one) => ({
              value: one.join(''),
              label: `${one[0].toUpperCase()} × ${one[1].toUpperCase()}`,
            }))}
          />
          <Segmented
            size="small"
            aria-label={t('insight.cube.metricLabel')}
            value={metric === 'revenue_minor' ? 'revenue' : metric}
            onChange={(value) => setUrl({ metric: value === 'customers' ? undefined : String(value) })}
            options={[
              { value: 'customers', label: t('insight.cube.metric.customers') },
              { value: 'orders', label: t('insight.cube.metric.orders') },
              { value: 'revenue', label: t('insight.cube.metric.revenue_minor') },
            ]}
          />
        </>
      }
      table={{
        head: [
          `${y.toUpperCase()} \\ ${x.toUpperCase()}`,
          ...scores.map((score) => `${x.toUpperCase()}${score}`),
        ],
        rows: [...scores].reverse().map((score) => ({
          key: String(score),
          cells: [
            `${y.toUpperCase()}${score}`,
            ...scores.map((column) => {
              const square = squares.find((one) => one.x === column && one.y === score);
              return (
                <button
                  key={column}
                  type="button"
                  className="cell-button"
                  onClick={() => setPicked({ x: column, y: score })}
                >
                  {valueText(square?.value ?? 0)}
                </button>
              );
            }),
          ],
        })),
      }}
    >
      <div className="layer">
        <span className="quiet">{t('insight.cube.layer', { third: axis(third) })}</span>
        <Slider
          min={0}
          max={data.bins}
          step={1}
          value={layer ?? 0}
          ariaLabelForHandle={t('insight.cube.layer', { third: axis(third) })}
          tooltip={{ formatter: null }}
          onChange={(value) => setUrl({ layer: value ? String(value) : undefined })}
          marks={Object.fromEntries([
            [0, t('ui.all')],
            ...scores.map((score) => [score, `${third.toUpperCase()}${score}`] as [number, string]),
          ])}
        />
      </div>
      <div aria-live="polite">
        {chosen ? (
          <PickedCells square={chosen} currency={data.currency} x={x} y={y} settings={settingsOf(url)} />
        ) : (
          <p className="quiet">{t('insight.cube.pick')}</p>
        )}
      </div>
    </ChartBox>
  );
}

function PickedCells(props: {
  square: Square;
  currency: string;
  x: Dimension;
  y: Dimension;
  settings: RfmSettings;
}) {
  const { t } = useTranslation();
  const takeFile = useTakeFile();
  const format = useFormat();
  const { square, currency } = props;
  const cells = square.cells.filter((cell) => cell.customers > 0);
  if (cells.length === 0) return <p className="quiet">{t('insight.cube.none')}</p>;
  return (
    <table className="plain">
      <thead>
        <tr>
          <th scope="col">{t('insight.cube.cell')}</th>
          <th scope="col" className="num">
            {t('insight.cube.metric.customers')}
          </th>
          <th scope="col" className="num">
            {t('insight.cube.metric.orders')}
          </th>
          <th scope="col" className="num">
            {t('insight.cube.metric.revenue_minor')}
          </th>
          <th scope="col">
            <span className="sr-only">{t('ui.export')}</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {cells.map((cell) => {
          const name = cellName(cell);
          return (
            <tr key={name}>
              <th scope="row">
                <AppLink href={`/customers${queryText({ cell: name, ...props.settings })}`}>{name}</AppLink>
              </th>
              <td className="num">{format.int(cell.customers)}</td>
              <td className="num">{format.int(cell.orders)}</td>
              <td className="num">{format.moneyShort(cell.revenue_minor, currency)}</td>
              <td className="num">
                <Button
                  type="text"
                  size="small"
                  icon={<DownloadOutlined />}
                  aria-label={`${t('ui.export')} ${name}`}
                  onClick={() => void takeFile({ cell: name, ...props.settings }, 'xlsx')}
                />
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
