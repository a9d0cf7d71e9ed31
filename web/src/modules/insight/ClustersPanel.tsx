import { Select } from 'antd';
import { useTranslation } from 'react-i18next';
import { ProblemError, queryText } from '@/api/client';
import type { RfmClusters } from '@/api/types';
import { useFormat } from '@/lib/format';
import { useUrl } from '@/lib/url';
import { usePalette } from '@/ui/ChartBox';
import { AppLink } from '@/ui/Link';
import { TierMark } from '@/ui/marks';
import { Panel } from '@/ui/Page';
import { PlainTable } from '@/ui/PlainTable';
import { EmptyState, Loaded } from '@/ui/states';
import { ShareBar } from '@/ui/values';
import { useClusters } from './api';
import { FitChart, ScatterChart } from './ClusterCharts';
import { settingsOf } from './cube';

/** Tiers of a group that are named. */
const TIERS = 3;

/** Customers in groups of those alike by recency, orders and revenue. */
export function ClustersPanel(props: { as_of?: string; shop?: string }) {
  const { t } = useTranslation();
  const [url, setUrl] = useUrl();
  const clusters = Number(url.groups ?? '5');
  const query = useClusters({ clusters, as_of: props.as_of, shop: props.shop });
  const few = query.error instanceof ProblemError && query.error.kind === 'too_few_customers';
  const choice = (
    <Select
      size="small"
      aria-label={t('insight.clusters.count')}
      style={{ width: 110 }}
      value={String(clusters)}
      onChange={(value) => setUrl({ groups: value === '5' ? undefined : value })}
      options={Array.from({ length: 9 }, (_, i) => ({
        value: String(i + 2),
        label: t('insight.clusters.countOf', { n: i + 2 }),
      }))}
    />
  );
  if (few)
    return (
      <Panel title={t('insight.clusters.title')} extra={choice}>
        <EmptyState title={t('insight.clusters.few')} text={t('insight.clusters.fewText')} />
      </Panel>
    );
  return (
    <Loaded query={query} rows={10}>
      {(data) => (
        <div className={query.isPlaceholderData ? 'stack list-busy' : 'stack'}>
          <Panel title={t('insight.clusters.title')} extra={choice}>
            <p className="panel-note">{t('insight.clusters.note')}</p>
            <GroupsTable data={data} />
          </Panel>
          <div className="grid-2">
            <ScatterChart data={data} />
            <FitChart data={data} chosen={clusters} />
          </div>
        </div>
      )}
    </Loaded>
  );
}

function GroupsTable(props: { data: RfmClusters }) {
  const { t } = useTranslation();
  const format = useFormat();
  const palette = usePalette();
  const [url] = useUrl();
  const { data } = props;
  const each = (sum: number, customers: number) => sum / Math.max(1, customers);
  return (
    <PlainTable
      label={t('insight.clusters.title')}
      rows={data.groups.map((one) => ({ ...one, id: String(one.cluster) }))}
      columns={[
        {
          title: t('insight.clusters.like'),
          render: (one) => (
            <>
              <span className="nowrap">
                <span
                  className="kind-dot"
                  style={{ backgroundColor: palette.kinds[one.cluster - 1] }}
                  aria-hidden="true"
                />
                {t('insight.clusters.group', { n: one.cluster })}
              </span>
              <div className="quiet">
                {(['recency', 'frequency', 'monetary'] as const)
                  .map((dimension) => t(`insight.clusters.${dimension}.${one.levels[dimension]}`))
                  .join(' · ')}
              </div>
            </>
          ),
        },
        { title: t('insight.audience.customers'), right: true, render: (one) => format.int(one.customers) },
        {
          title: t('insight.tiers.share'),
          className: 'share-cell',
          render: (one) => <ShareBar share={each(one.customers, data.customers)} />,
        },
        {
          title: t('insight.clusters.meanRecency'),
          right: true,
          render: (one) => format.int(Math.round(one.mean_recency_days)),
        },
        {
          title: t('insight.clusters.meanOrders'),
          right: true,
          render: (one) => each(one.orders, one.customers).toFixed(1),
        },
        {
          title: t('insight.clusters.meanRevenue'),
          right: true,
          render: (one) =>
            format.moneyShort(Math.round(each(one.revenue_minor, one.customers)), data.currency),
        },
        {
          title: t('insight.tiers.revenue'),
          right: true,
          render: (one) => format.moneyShort(one.revenue_minor, data.currency),
        },
        {
          title: t('insight.clusters.tiersOf'),
          render: (one) => (
            <ul className="tier-shares">
              {one.tiers.slice(0, TIERS).map(({ tier, customers }) => (
                <li key={tier}>
                  <AppLink href={`/customers${queryText({ tier, ...settingsOf(url), bins: undefined })}`}>
                    <TierMark tier={tier} />
                  </AppLink>{' '}
                  <span className="quiet">{format.percent(each(customers, one.customers), 0)}</span>
                </li>
              ))}
            </ul>
          ),
        },
      ]}
    />
  );
}
