import { Button, Segmented } from 'antd';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { RepurchaseIntervals } from '@/api/types';
import { useFormat } from '@/lib/format';
import { useUrl } from '@/lib/url';
import { ChartBox, chartBase, usePalette } from '@/ui/ChartBox';
import { Panel } from '@/ui/Page';
import { PlainTable } from '@/ui/PlainTable';
import { EmptyState, Loaded } from '@/ui/states';
import { ShareBar } from '@/ui/values';
import { useReorders, useRepurchase } from './api';
import { NoOrders } from './NoOrders';

/** How long customers take to order again, and which products they buy again. */
export function IntervalsView(props: { shop?: string }) {
  const { t } = useTranslation();
  const [url, setUrl] = useUrl();
  const query = useRepurchase({ shop: props.shop, product: url.product });
  const known = useReorders({ shop: props.shop }).data?.products.map((one) => one.product);
  const chosen = known?.find((one) => (one.code || one.title) === url.product);
  return (
    <div className="stack">
      {url.product ? (
        <div className="buttons">
          <span>{t('insight.intervals.ofProduct', { product: chosen?.title || url.product })}</span>
          <Button size="small" onClick={() => setUrl({ product: undefined, step: undefined })}>
            {t('insight.intervals.allProducts')}
          </Button>
        </div>
      ) : null}
      <Loaded query={query} rows={8}>
        {(data) =>
          data.all ? (
            <div className={query.isPlaceholderData ? 'stack list-busy' : 'stack'}>
              <HistogramChart data={data} />
              <StepsPanel data={data} />
            </div>
          ) : (
            <NoOrders title={t('insight.intervals.empty')} text={t('insight.intervals.emptyText')} />
          )
        }
      </Loaded>
      <ReordersPanel shop={props.shop} />
    </div>
  );
}

/** Days from one order to the next, in bins. */
function HistogramChart(props: { data: RepurchaseIntervals }) {
  const { t } = useTranslation();
  const format = useFormat();
  const palette = usePalette();
  const [url, setUrl] = useUrl();
  const { data } = props;
  const first = data.steps.slice(0, 3);
  const step = first.find((one) => one.step === url.step);
  const days = step?.days ?? data.all;
  const bins = step?.histogram ?? data.histogram;
  const name = (index: number) => {
    const from = index * data.bin_days + 1;
    return index === bins.length - 1 ? `${from}+` : `${from}–${from + data.bin_days - 1}`;
  };
  const all = days?.count ?? 0;
  // biome-ignore lint/correctness/useExhaustiveDependencies: names of bins follow from the data
  const option = useMemo(() => {
    const base = chartBase(palette);
    return {
      ...base,
      grid: { left: 8, right: 12, top: 28, bottom: 24, containLabel: true },
      xAxis: {
        type: 'category',
        data: bins.map((_, index) => name(index)),
        name: t('insight.intervals.days'),
        nameLocation: 'middle',
        nameGap: 26,
        nameTextStyle: { color: palette.quiet },
        axisLabel: { color: palette.quiet, hideOverlap: true },
        axisLine: { lineStyle: { color: palette.line } },
        axisTick: { show: false },
      },
      yAxis: {
        type: 'value',
        name: t('insight.intervals.times'),
        minInterval: 1,
        nameTextStyle: { color: palette.quiet, align: 'left' },
        axisLabel: { color: palette.quiet, formatter: (value: number) => format.short(value) },
        splitLine: { lineStyle: { color: palette.line } },
      },
      tooltip: {
        ...(base.tooltip as object),
        trigger: 'axis',
        axisPointer: { type: 'shadow' },
        formatter: (points: { dataIndex: number }[]) => {
          const index = points[0]?.dataIndex ?? 0;
          const count = bins[index] ?? 0;
          return [
            t('insight.intervals.bin', { days: name(index) }),
            `${format.int(count)} (${format.percent(all ? count / all : 0)})`,
          ].join('<br/>');
        },
      },
      series: [
        {
          type: 'bar',
          data: bins,
          barCategoryGap: '12%',
          itemStyle: { color: palette.main, borderRadius: [2, 2, 0, 0] },
        },
      ],
    };
  }, [bins, data.bin_days, all, palette, format, t]);
  return (
    <ChartBox
      title={t('insight.intervals.title')}
      note={
        days
          ? t('insight.intervals.note', {
              count: days.count,
              n: format.int(days.count),
              p25: Math.round(days.p25),
              p50: Math.round(days.p50),
              p75: Math.round(days.p75),
            })
          : null
      }
      option={option}
      height={300}
      extra={
        <Segmented
          size="small"
          aria-label={t('insight.intervals.after')}
          value={step?.step ?? 'all'}
          onChange={(value) => setUrl({ step: value === 'all' ? undefined : String(value) })}
          options={[
            { value: 'all', label: t('ui.all') },
            ...first.map((one) => ({
              value: one.step,
              label: t('insight.intervals.step', { step: one.step }),
            })),
          ]}
        />
      }
      table={{
        head: [t('insight.intervals.days'), t('insight.intervals.times'), t('insight.intervals.share')],
        rows: bins.map((count, index) => ({
          key: name(index),
          cells: [name(index), format.int(count), format.percent(all ? count / all : 0)],
        })),
      }}
    />
  );
}

/** Each step from one order to the next: who took it, and after how many days. */
function StepsPanel(props: { data: RepurchaseIntervals }) {
  const { t } = useTranslation();
  const format = useFormat();
  const rows = props.data.steps.map((one) => ({ ...one, id: one.step }));
  const days = (value: number) => format.int(Math.round(value));
  return (
    <Panel title={t('insight.intervals.steps')}>
      <p className="panel-note">{t('insight.intervals.stepsNote')}</p>
      <PlainTable
        label={t('insight.intervals.steps')}
        rows={rows}
        columns={[
          {
            title: t('insight.intervals.stepName'),
            className: 'nowrap',
            render: (row) => t('insight.intervals.step', { step: row.step }),
          },
          { title: t('insight.intervals.reached'), right: true, render: (row) => format.int(row.reached) },
          {
            title: t('insight.intervals.followed'),
            className: 'share-cell',
            render: (row) => <ShareBar share={row.share_followed} />,
          },
          { title: t('insight.intervals.p25'), right: true, render: (row) => days(row.days.p25) },
          { title: t('insight.intervals.p50'), right: true, render: (row) => days(row.days.p50) },
          { title: t('insight.intervals.p75'), right: true, render: (row) => days(row.days.p75) },
          { title: t('insight.intervals.p90'), right: true, render: (row) => days(row.days.p90) },
        ]}
      />
    </Panel>
  );
}

/** Products that customers buy again; a click shows the days of one. */
function ReordersPanel(props: { shop?: string }) {
  const { t } = useTranslation();
  const format = useFormat();
  const [, setUrl] = useUrl();
  const query = useReorders({ shop: props.shop });
  const days = (value: number) => format.int(Math.round(value));
  return (
    <Panel title={t('insight.reorders.title')}>
      <Loaded query={query} rows={6}>
        {(data) =>
          data.products.length ? (
            <>
              <p className="panel-note">
                {t('insight.reorders.note', { days: format.int(data.days), n: data.min_again })}
              </p>
              <PlainTable
                label={t('insight.reorders.title')}
                rows={data.products.map((one) => ({
                  ...one,
                  id: `${one.product.code}/${one.product.title}`,
                }))}
                columns={[
                  {
                    title: t('insight.reorders.product'),
                    className: 'wrap',
                    render: ({ product }) => (
                      <>
                        <button
                          type="button"
                          className="cell-button product-button"
                          onClick={() => {
                            setUrl({ product: product.code || product.title, step: undefined });
                            window.scrollTo({ top: 0 });
                          }}
                        >
                          {product.title || product.code}
                        </button>
                        {product.title && product.code ? <div className="quiet">{product.code}</div> : null}
                      </>
                    ),
                  },
                  {
                    title: t('insight.reorders.buyers'),
                    right: true,
                    render: (row) => format.int(row.buyers),
                  },
                  { title: t('insight.reorders.again'), right: true, render: (row) => format.int(row.again) },
                  {
                    title: t('insight.reorders.share'),
                    className: 'share-cell',
                    render: (row) => <ShareBar share={row.share_again} />,
                  },
                  { title: t('insight.intervals.p25'), right: true, render: (row) => days(row.days.p25) },
                  { title: t('insight.intervals.p50'), right: true, render: (row) => days(row.days.p50) },
                  { title: t('insight.intervals.p75'), right: true, render: (row) => days(row.days.p75) },
                ]}
              />
            </>
          ) : (
            <EmptyState
              small
              title={t('insight.reorders.empty')}
              text={t('insight.reorders.emptyText', { days: format.int(data.days), n: data.min_again })}
            />
          )
        }
      </Loaded>
    </Panel>
  );
}
