import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { CustomerRow } from '@/api/types';
import { useSees } from '@/lib/rights';
import type { Column } from '@/ui/DataTable';
import { AppLink } from '@/ui/Link';
import { CustomerTags, TierMark } from '@/ui/marks';
import { useClocks } from '@/ui/shops';
import { Day, Int, Money, Nothing, Place } from '@/ui/values';
import { Who } from '@/ui/Who';

/** What a customer is called: the name, else the first account. */
export function CustomerLink(props: { row: CustomerRow }) {
  const { t } = useTranslation();
  const { row } = props;
  return (
    <AppLink href={`/customers/${row.id}`} className="first-link">
      {row.name || row.accounts[0]?.value || t('customers.nameless')}
    </AppLink>
  );
}

/** What one must see for these columns. */
const FIELD_OF: Record<string, string> = {
  account: 'customers.accounts',
  phone: 'customers.phone',
  email: 'customers.email',
  place: 'customers.region',
  rating: 'customers.rating',
  tags: 'customers.tags',
  tier: 'commerce.amounts',
  cell: 'commerce.amounts',
  revenue: 'commerce.amounts',
  average: 'commerce.amounts',
};

/** Whose customer it is. */
export function Owner(props: { row: Pick<CustomerRow, 'owner' | 'owner_person'> }) {
  const { t } = useTranslation();
  const { owner, owner_person: person } = props.row;
  if (person) return <Who person={person} />;
  return <span className="quiet">{owner ? t('customers.owner.gone') : t('customers.owner.nobody')}</span>;
}

/** The columns of the list, of what one sees; those that are shown at first fit a window of 1,366 px. */
export function useCustomerColumns(): Column<CustomerRow>[] {
  const { t } = useTranslation();
  const clocks = useClocks();
  const sees = useSees();
  const all = useMemo<Column<CustomerRow>[]>(
    () => [
      {
        key: 'name',
        title: t('customers.field.name'),
        width: 100,
        always: true,
        render: (row) => <CustomerLink row={row} />,
      },
      {
        key: 'account',
        title: t('customers.field.account'),
        width: 124,
        render: (row) =>
          row.accounts[0] ? (
            <>
              {row.accounts[0].value}
              {row.accounts.length > 1 ? <span className="quiet"> +{row.accounts.length - 1}</span> : null}
            </>
          ) : (
            <Nothing />
          ),
      },
      {
        key: 'tier',
        title: t('customers.field.tier'),
        width: 152,
        render: (row) => (
          <>
            <TierMark tier={row.tier} />
            {row.automated === 'refused' ? (
              <div className="quiet">{t('customers.automated.badge')}</div>
            ) : null}
          </>
        ),
      },
      {
        key: 'cell',
        title: t('customers.field.cell'),
        width: 72,
        render: (row) => (row.cell ? <span className="figure">{row.cell}</span> : <Nothing />),
      },
      {
        key: 'orders',
        title: t('customers.field.orders'),
        width: 88,
        right: true,
        sort: 'orders',
        render: (row) => <Int value={row.orders} />,
      },
      {
        key: 'revenue',
        title: t('customers.field.revenue'),
        width: 110,
        right: true,
        sort: 'revenue',
        render: (row) => <Money minor={row.revenue_minor} currency={row.currency} />,
      },
      {
        key: 'average',
        title: t('customers.field.average'),
        width: 112,
        right: true,
        sort: 'average_order',
        spare: true,
        render: (row) => <Money minor={row.average_order_minor} currency={row.currency} />,
      },
      {
        key: 'last',
        title: t('customers.field.lastOrder'),
        width: 106,
        sort: 'last_order_at',
        render: (row) => <Day at={row.last_order_at} offset={clocks()} />,
      },
      {
        key: 'first',
        title: t('customers.field.firstOrder'),
        width: 120,
        sort: 'first_order_at',
        spare: true,
        render: (row) => <Day at={row.first_order_at} offset={clocks()} />,
      },
      {
        key: 'place',
        title: t('customers.field.place'),
        width: 110,
        render: (row) => <Place province={row.province} city={row.city} />,
      },
      {
        key: 'phone',
        title: t('customers.field.phone'),
        width: 130,
        spare: true,
        render: (row) => (row.phone ? <span className="figure">{row.phone}</span> : <Nothing />),
      },
      {
        key: 'email',
        title: t('customers.field.email'),
        width: 170,
        spare: true,
        render: (row) => row.email ?? <Nothing />,
      },
      {
        key: 'rating',
        title: t('customers.field.rating'),
        width: 80,
        spare: true,
        render: (row) => row.rating ?? <Nothing />,
      },
      {
        key: 'owner',
        title: t('customers.field.owner'),
        width: 92,
        render: (row) => <Owner row={row} />,
      },
      {
        key: 'tags',
        title: t('customers.field.tags'),
        width: 96,
        render: (row) => (row.tags.length ? <CustomerTags tags={row.tags} most={1} /> : <Nothing />),
      },
      {
        key: 'created',
        title: t('customers.field.created'),
        width: 120,
        sort: 'created_at',
        spare: true,
        render: (row) => <Day at={row.created_at} offset={clocks()} />,
      },
    ],
    [t, clocks],
  );
  return all.filter((column) => sees.any(FIELD_OF[column.key] ?? ''));
}
