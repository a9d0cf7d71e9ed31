import { Select } from 'antd';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { Order, OrderQuery } from '@/api/types';
import { idOf, isDay, oneOf, sortOf } from '@/lib/known';
import { useMay, useMe, useSees } from '@/lib/rights';
import { ORDER_STATES } from '@/lib/words';
import { type Column, ColumnChooser, Count, useColumns } from '@/ui/DataTable';
import { DayRange, FilterBar, FilterChips, SearchField, useFilters } from '@/ui/filters';
import { useKeyset } from '@/ui/keyset';
import { useKnownUrl } from '@/ui/known';
import { AppLink } from '@/ui/Link';
import { ListTable } from '@/ui/ListTable';
import { OrderStateMark } from '@/ui/marks';
import { Page } from '@/ui/Page';
import { useClocks, useShops } from '@/ui/shops';
import { EmptyState } from '@/ui/states';
import { Day, Int, Money, Nothing, Place, Time } from '@/ui/values';
import { useOrders } from './api';

const FILTERS = ['q', 'shop', 'state', 'customer', 'from', 'to'] as const;

/** What one must see for these columns. */
const FIELD_OF: Record<string, string> = {
  paid: 'commerce.amounts',
  refund: 'commerce.amounts',
  place: 'customers.region',
  remark: 'commerce.remarks',
};

export default function OrdersPage() {
  const { t } = useTranslation();
  const shops = useShops();
  const clocks = useClocks();
  const may = useMay();
  const me = useMe();
  const sees = useSees();
  const amounts = sees.any('commerce.amounts');
  const [url, setUrl] = useKnownUrl({
    shop: idOf(shops.data),
    state: oneOf(ORDER_STATES),
    from: isDay,
    to: isDay,
    sort: sortOf(amounts ? ['ordered_at', 'paid_amount'] : ['ordered_at']),
  });
  const picked: Record<string, string> = {};
  for (const name of FILTERS) if (url[name]) picked[name] = url[name];
  const query = { ...picked, sort: url.sort } as OrderQuery;
  const keyset = useKeyset(JSON.stringify(query));
  const list = useOrders({ ...query, after: keyset.after, limit: 50 });

  const all = useMemo<Column<Order>[]>(
    () => [
      {
        key: 'no',
        title: t('commerce.field.no'),
        width: 172,
        always: true,
        render: (row) => (
          <AppLink href={`/orders/${row.id}`} className="first-link">
            <span className="figure">{row.external_no}</span>
          </AppLink>
        ),
      },
      {
        key: 'ordered',
        title: t('commerce.field.ordered'),
        width: 142,
        sort: 'ordered_at',
        render: (row) => <Time at={row.ordered_at} offset={clocks(row.shop.id)} />,
      },
      {
        key: 'state',
        title: t('commerce.field.state'),
        width: 104,
        render: (row) => <OrderStateMark state={row.state} />,
      },
      {
        key: 'customer',
        title: t('commerce.field.customer'),
        width: 96,
        render: (row) =>
          row.customer ? (
            <AppLink href={`/customers/${row.customer.id}`}>
              {row.customer.name || t('commerce.nameless')}
            </AppLink>
          ) : (
            <Nothing />
          ),
      },
      {
        key: 'items',
        title: t('commerce.field.items'),
        width: 190,
        render: (row) => row.item_title ?? <Nothing />,
      },
      {
        key: 'count',
        title: t('commerce.field.count'),
        width: 64,
        right: true,
        render: (row) => <Int value={row.item_count} />,
      },
      {
        key: 'paid',
        title: t('commerce.field.paid'),
        width: 106,
        right: true,
        sort: 'paid_amount',
        render: (row) => <Money minor={row.paid_minor} currency={row.currency} />,
      },
      {
        key: 'refund',
        title: t('commerce.field.refund'),
        width: 94,
        right: true,
        render: (row) => <Money minor={row.refund_minor || null} currency={row.currency} />,
      },
      { key: 'shop', title: t('commerce.field.shop'), width: 120, render: (row) => row.shop.name },
      {
        key: 'paidAt',
        title: t('commerce.field.paidAt'),
        width: 150,
        spare: true,
        render: (row) => <Time at={row.paid_at} offset={clocks(row.shop.id)} />,
      },
      {
        key: 'place',
        title: t('commerce.field.place'),
        width: 150,
        spare: true,
        render: (row) => <Place province={row.receiver?.province} city={row.receiver?.city} />,
      },
      {
        key: 'remark',
        title: t('commerce.field.remark'),
        width: 200,
        spare: true,
        render: (row) => row.seller_remark ?? <Nothing />,
      },
    ],
    [t, clocks],
  );
  const columns = all.filter((column) => sees.any(FIELD_OF[column.key] ?? ''));
  const { shown, chosen, choose } = useColumns('orders', columns);
  const filters = useFilters(FILTERS);
  const chips = [
    url.state && { names: ['state'], text: t(`ui.orderState.${url.state}`) },
    url.shop && {
      names: ['shop'],
      text: shops.data?.find((shop) => shop.id === url.shop)?.name ?? url.shop,
    },
    (url.from || url.to) && { names: ['from', 'to'], text: `${url.from ?? '…'} – ${url.to ?? '…'}` },
    url.customer && { names: ['customer'], text: t('commerce.oneCustomer') },
  ];

  return (
    <Page
      title={t('commerce.orders')}
      note={<Count total={list.data?.total} words={(n, count) => t('commerce.orderCount', { n, count })} />}
      actions={<ColumnChooser columns={columns} chosen={chosen} onChoose={choose} />}
    >
      <FilterBar>
        <SearchField value={url.q} onChange={(q) => setUrl({ q })} placeholder={t('commerce.searchHint')} />
        <Select
          allowClear
          style={{ minWidth: 130 }}
          aria-label={t('commerce.field.state')}
          placeholder={t('commerce.field.state')}
          value={url.state}
          onChange={(state) => setUrl({ state })}
          options={ORDER_STATES.map((state) => ({ value: state, label: t(`ui.orderState.${state}`) }))}
        />
        <Select
          allowClear
          style={{ minWidth: 140 }}
          aria-label={t('commerce.field.shop')}
          placeholder={t('commerce.field.shop')}
          value={url.shop}
          onChange={(shop) => setUrl({ shop })}
          options={(shops.data ?? []).map((shop) => ({ value: shop.id, label: shop.name }))}
        />
        <DayRange
          label={t('commerce.field.orderedDay')}
          from={url.from}
          to={url.to}
          onChange={(from, to) => setUrl({ from, to })}
        />
      </FilterBar>
      <FilterChips chips={chips} onClear={filters.clear} />
      <ListTable<Order>
        label={t('commerce.orders')}
        columns={shown}
        query={list}
        keyset={keyset}
        filters={filters}
        hrefOf={(row) => `/orders/${row.id}`}
        nameOf={(row) => row.external_no}
        empty={
          me.seesAll ? (
            <EmptyState
              title={t('commerce.empty.title')}
              text={t('commerce.empty.text')}
              action={
                may('commerce.import') ? (
                  <AppLink href="/imports/new">{t('commerce.imports.new')}</AppLink>
                ) : null
              }
            />
          ) : (
            <EmptyState title={t('commerce.empty.ownTitle')} text={t('commerce.empty.ownText')} />
          )
        }
        card={(row) => (
          <>
            <div className="card-row">
              <AppLink href={`/orders/${row.id}`} className="first-link">
                <span className="figure">{row.external_no}</span>
              </AppLink>
              {amounts ? <Money minor={row.paid_minor} currency={row.currency} /> : null}
            </div>
            <div className="card-row quiet">
              <span>{row.item_title}</span>
              <OrderStateMark state={row.state} />
            </div>
            <div className="card-row quiet">
              <span>{[row.customer?.name, row.shop.name].filter(Boolean).join(' · ')}</span>
              <Day at={row.ordered_at} offset={clocks(row.shop.id)} />
            </div>
          </>
        )}
      />
    </Page>
  );
}
