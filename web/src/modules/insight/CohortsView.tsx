import { Segmented, Select } from 'antd';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { CustomerCohorts } from '@/api/types';
import { useFormat } from '@/lib/format';
import { oneOf } from '@/lib/known';
import { ChartBox, chartBase, usePalette } from '@/ui/ChartBox';
import { FilterBar, Labelled } from '@/ui/filters';
import { useKnownUrl } from '@/ui/known';
import { OneShop, wantsOneShop } from '@/ui/OneShop';
import { Panel } from '@/ui/Page';
import { ScrollX } from '@/ui/ScrollX';
import { useShops } from '@/ui/shops';
import { Loaded } from '@/ui/states';
import { useCohorts } from './api';
import { METRICS, type Metric, mostOf, valuesOf } from './cohorts';
import { colourAt, inkOn } from './cube';
import { NoOrders } from './NoOrders';

const PERIODS = ['week', 'month', 'quarter'] as const;

/** Customers by the period of their first order, and who came back. */
export function CohortsView(props: { shop?: string }) {
  const { t } = useTranslation();
  const shops = useShops();
  const [url, setUrl] = useKnownUrl({ period: oneOf(PERIODS), metric: oneOf(METRICS) });
  const period = url.period ?? 'month';
  const query = useCohorts({ period, shop: props.shop });
  if (wantsOneShop(query.error, shops.data))
    return <OneShop shops={shops.data ?? []} onChoose={(shop) => setUrl({ shop })} />;
  return (
    <Loaded query={query} rows={12}>
      {(data) => {
        const metrics = METRICS.filter((one) => data.currency || one === 'share' || one === 'customers');
        const metric = metrics.find((one) => one === url.metric) ?? 'share';
        return (
          <div className={query.isPlaceholderData ? 'stack list-busy' : 'stack'}>
            <FilterBar>
              <Labelled label={t('insight.cohorts.period')}>
                <Segmented
                  aria-label={t('insight.cohorts.period')}
                  value={period}
                  onChange={(value) => setUrl({ period: value === 'month' ? undefined : String(value) })}
                  options={PERIODS.map((value) => ({
                    value,
                    label: t(`insight.cohorts.periods.${value}`),
                  }))}
                />
              </Labelled>
              <Labelled label={t('insight.cohorts.metric')}>
                <Select
                  aria-label={t('insight.cohorts.metric')}
                  style={{ minWidth: 220 }}
                  value={metric}
                  onChange={(value) => setUrl({ metric: value === 'share' ? undefined : value })}
                  options={metrics.map((value) => ({
                    value,
                    label: t(`insight.cohorts.metrics.${value}`),
                  }))}
                />
              </Labelled>
            </FilterBar>
            {data.cohorts.length ? (
              <>
                <CohortGrid data={data} metric={metric} />
                <CurveChart data={data} />
              </>
            ) : (
              <NoOrders title={t('insight.cohorts.empty')} text={t('insight.cohorts.emptyText')} />
            )}
          </div>
        );
      }}
    </Loaded>
  );
}

/** The grid: a row is a cohort, a column so many periods later; the more, the stronger the colour. */
function CohortGrid(props: { data: CustomerCohorts; metric: Metric }) {
  const { t } = useTranslation();
  const format = useFormat();
  const palette = usePalette();
  const { data, metric } = props;
  const columns = Math.max(...data.cohorts.map((one) => one.cells.length));
  const most = mostOf(data, metric);
  const shown = (value: number) =>
    metric === 'share'
      ? format.percent(value, 0)
      : metric === 'customers'
        ? format.int(value)
        : format.moneyShort(value, data.currency ?? '');
  const title = t(`insight.cohorts.titles.${metric}`);
  return (
    <Panel title={title}>
      <p className="panel-note">
        {t('insight.cohorts.note')} {data.is_last_open ? t('insight.cohorts.open') : null}
      </p>
      <ScrollX label={title}>
        <table className="plain cohort-grid">
          <thead>
            <tr>
              <th scope="col">{t(`insight.cohorts.first.${data.period}`)}</th>
              <th scope="col" className="num">
                {t('insight.audience.customers')}
              </th>
              {Array.from({ length: columns }, (_, since) => (
                <th key={since} scope="col" className="num">
                  {since === 0 ? t('insight.cohorts.same') : `+${since}`}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {data.cohorts.map((cohort) => {
              const values = valuesOf(cohort, metric);
              return (
                <tr key={cohort.label}>
                  <th scope="row" className="nowrap">
                    {cohort.label}
                  </th>
                  <td className="num">{format.int(cohort.customers)}</td>
                  {values.map((value, since) => {
                    const ground = colourAt(palette.scale, most ? value / most : 0);
                    const open = data.is_last_open && since === values.length - 1;
                    return (
                      <td
                        key={since}
                        className={open ? 'num cohort-cell cohort-open' : 'num cohort-cell'}
                        style={{
                          backgroundColor: `rgb(${ground.map(Math.round).join()})`,
                          color: inkOn(ground),
                        }}
                        title={t('insight.cohorts.tip', {
                          label: cohort.label,
                          since,
                          count: cohort.cells[since]?.active ?? 0,
                          n: format.int(cohort.cells[since]?.active ?? 0),
                          share: format.percent(cohort.cells[since]?.share ?? 0),
                        })}
                      >
                        {shown(value)}
                      </td>
                    );
                  })}
                </tr>
              );
            })}
          </tbody>
        </table>
      </ScrollX>
    </Panel>
  );
}

/** Of all cohorts together, which share came back so many periods later. */
function CurveChart(props: { data: CustomerCohorts }) {
  const { t } = useTranslation();
  const format = useFormat();
  const palette = usePalette();
  const { curve, period } = props.data;
  const later = useMemo(() => curve.filter((one) => one.since > 0), [curve]);
  const axis = t(`insight.cohorts.later.${period}`);
  const option = useMemo(() => {
    const base = chartBase(palette);
    return {
      ...base,
      grid: { left: 8, right: 16, top: 28, bottom: 24, containLabel: true },
      xAxis: {
        type: 'category',
        data: later.map((one) => String(one.since)),
        name: axis,
        nameLocation: 'middle',
        nameGap: 26,
        nameTextStyle: { color: palette.quiet },
        axisLabel: { color: palette.quiet },
        axisLine: { lineStyle: { color: palette.line } },
        axisTick: { show: false },
      },
      yAxis: {
        type: 'value',
        name: t('insight.cohorts.metrics.share'),
        nameTextStyle: { color: palette.quiet, align: 'left' },
        axisLabel: { color: palette.quiet, formatter: (value: number) => format.percent(value, 0) },
        splitLine: { lineStyle: { color: palette.line } },
      },
      tooltip: {
        ...(base.tooltip as object),
        trigger: 'axis',
        formatter: (points: { dataIndex: number }[]) => {
          const one = later[points[0]?.dataIndex ?? 0];
          return one
            ? [
                `${axis} ${one.since}`,
                format.percent(one.share),
                t('insight.cohorts.of', { n: format.int(one.active), all: format.int(one.customers) }),
              ].join('<br/>')
            : '';
        },
      },
      series: [
        {
          type: 'line',
          data: later.map((one) => one.share),
          symbolSize: 6,
          lineStyle: { width: 2, color: palette.main },
          itemStyle: { color: palette.main },
          areaStyle: { color: palette.main, opacity: 0.1 },
        },
      ],
    };
  }, [later, axis, palette, format, t]);
  if (!later.length) return null;
  return (
    <ChartBox
      title={t('insight.cohorts.curve')}
      note={t('insight.cohorts.curveNote')}
      option={option}
      height={260}
      table={{
        head: [
          axis,
          t('insight.audience.customers'),
          t('insight.cohorts.active'),
          t('insight.cohorts.metrics.share'),
        ],
        rows: later.map((one) => ({
          key: String(one.since),
          cells: [
            String(one.since),
            format.int(one.customers),
            format.int(one.active),
            format.percent(one.share),
          ],
        })),
      }}
    />
  );
}
