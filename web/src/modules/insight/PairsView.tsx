import { Select } from 'antd';
import { useTranslation } from 'react-i18next';
import type { ProductPairs } from '@/api/types';
import { useFormat } from '@/lib/format';
import { oneOf } from '@/lib/known';
import { usePhone } from '@/lib/prefs';
import { FilterBar, Labelled } from '@/ui/filters';
import { useKnownUrl } from '@/ui/known';
import { Panel } from '@/ui/Page';
import { PlainTable } from '@/ui/PlainTable';
import { EmptyState, Loaded } from '@/ui/states';
import { usePairs } from './api';

const SORTS = ['orders', 'lift', 'confidence'] as const;
const DAYS = ['90', '365', '730', '3653'] as const;
const LEAST = ['2', '5', '10', '20', '50'] as const;

type Pair = ProductPairs['pairs'][number];

function ProductName(props: { product: Pair['a'] }) {
  const { code, title } = props.product;
  return (
    <>
      {title || code}
      {title && code ? <div className="quiet">{code}</div> : null}
    </>
  );
}

/** On a phone each pair stands by itself. */
function PairCards(props: { pairs: Pair[] }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <ul className="cards">
      {props.pairs.map((pair) => (
        <li key={`${pair.a.code}/${pair.a.title}+${pair.b.code}/${pair.b.title}`} className="card">
          <div>{pair.a.title || pair.a.code}</div>
          <div>{pair.b.title || pair.b.code}</div>
          {[
            [t('insight.pairs.orders'), format.int(pair.orders)],
            [t('insight.pairs.ab'), format.percent(pair.confidence_a_b)],
            [t('insight.pairs.ba'), format.percent(pair.confidence_b_a)],
            [t('insight.pairs.lift'), pair.lift.toFixed(2)],
          ].map(([what, value]) => (
            <div key={what} className="card-row quiet">
              <span>{what}</span>
              <span className="figure">{value}</span>
            </div>
          ))}
        </li>
      ))}
    </ul>
  );
}

/** Products that are ordered together. */
export function PairsView(props: { shop?: string }) {
  const { t } = useTranslation();
  const format = useFormat();
  const phone = usePhone();
  const [url, setUrl] = useKnownUrl({ sort: oneOf(SORTS), days: oneOf(DAYS), least: oneOf(LEAST) });
  const sort = SORTS.find((one) => one === url.sort) ?? 'orders';
  const days = url.days ?? '365';
  const least = url.least ?? '5';
  const query = usePairs({
    shop: props.shop,
    sort,
    days: Number(days),
    min_orders: Number(least),
  });
  return (
    <div className="stack">
      <FilterBar>
        <Labelled label={t('insight.pairs.days')}>
          <Select
            aria-label={t('insight.pairs.days')}
            style={{ minWidth: 130 }}
            value={days}
            onChange={(value) => setUrl({ days: value === '365' ? undefined : value })}
            options={DAYS.map((value) => ({ value, label: t(`insight.pairs.lastDays.${value}`) }))}
          />
        </Labelled>
        <Labelled label={t('insight.pairs.least')}>
          <Select
            aria-label={t('insight.pairs.least')}
            style={{ minWidth: 110 }}
            value={least}
            onChange={(value) => setUrl({ least: value === '5' ? undefined : value })}
            options={LEAST.map((value) => ({
              value,
              label: t('insight.chart.orders', { count: Number(value), n: value }),
            }))}
          />
        </Labelled>
        <Labelled label={t('insight.pairs.sort')}>
          <Select
            aria-label={t('insight.pairs.sort')}
            style={{ minWidth: 150 }}
            value={sort}
            onChange={(value) => setUrl({ sort: value === 'orders' ? undefined : value })}
            options={SORTS.map((value) => ({ value, label: t(`insight.pairs.sorts.${value}`) }))}
          />
        </Labelled>
      </FilterBar>
      <Panel title={t('insight.pairs.title')}>
        <Loaded query={query} rows={10}>
          {(data) =>
            data.pairs.length ? (
              <div className={query.isPlaceholderData ? 'list-busy' : undefined}>
                <p className="panel-note">
                  {t('insight.pairs.note', {
                    orders: format.int(data.orders),
                    count: data.pairs_found,
                    n: format.int(data.pairs_found),
                    shown: format.int(data.pairs.length),
                  })}{' '}
                  {t('insight.pairs.chance')}
                </p>
                {phone ? (
                  <PairCards pairs={data.pairs} />
                ) : (
                  <PlainTable
                    label={t('insight.pairs.title')}
                    rows={data.pairs.map((pair) => ({
                      ...pair,
                      id: [pair.a, pair.b].map((one) => `${one.code}/${one.title}`).join('+'),
                    }))}
                    columns={[
                      {
                        title: t('insight.pairs.a'),
                        className: 'wrap',
                        render: (row) => <ProductName product={row.a} />,
                      },
                      {
                        title: t('insight.pairs.b'),
                        className: 'wrap',
                        render: (row) => <ProductName product={row.b} />,
                      },
                      {
                        title: t('insight.pairs.orders'),
                        right: true,
                        render: (row) => format.int(row.orders),
                      },
                      {
                        title: t('insight.pairs.support'),
                        right: true,
                        render: (row) => format.percent(row.support),
                      },
                      {
                        title: t('insight.pairs.ab'),
                        right: true,
                        render: (row) => format.percent(row.confidence_a_b),
                      },
                      {
                        title: t('insight.pairs.ba'),
                        right: true,
                        render: (row) => format.percent(row.confidence_b_a),
                      },
                      { title: t('insight.pairs.lift'), right: true, render: (row) => row.lift.toFixed(2) },
                    ]}
                  />
                )}
              </div>
            ) : (
              <EmptyState
                title={t('insight.pairs.empty')}
                text={t('insight.pairs.emptyText', { n: data.min_orders })}
              />
            )
          }
        </Loaded>
      </Panel>
    </div>
  );
}
