import { DownloadOutlined } from '@ant-design/icons';
import { Button, Dropdown } from 'antd';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { CustomerRow } from '@/api/types';
import { useFormat } from '@/lib/format';
import { useMay, useMe, useSees } from '@/lib/rights';
import { useGo } from '@/lib/url';
import { ColumnChooser, Count, useColumns } from '@/ui/DataTable';
import { useFilters } from '@/ui/filters';
import { useKeyset } from '@/ui/keyset';
import { useKnownUrl } from '@/ui/known';
import { AppLink } from '@/ui/Link';
import { ListTable } from '@/ui/ListTable';
import { TierMark } from '@/ui/marks';
import { OneShop, wantsOneShop } from '@/ui/OneShop';
import { Page } from '@/ui/Page';
import { useClocks, useShops } from '@/ui/shops';
import { EmptyState } from '@/ui/states';
import { useTags } from '@/ui/tags';
import { fileHref, useTakeFile } from '@/ui/take';
import { Day, Money } from '@/ui/values';
import { useCustomers } from './api';
import { BulkBar } from './BulkBar';
import { CustomerLink, useCustomerColumns } from './columns';
import { FILTERS, isOfAudience, queryOf, rulesOf } from './filters';
import { ListFilters } from './ListFilters';
import { Views } from './Views';

export default function ListPage() {
  const { t } = useTranslation();
  const format = useFormat();
  const go = useGo();
  const may = useMay();
  const sees = useSees();
  const me = useMe();
  const tags = useTags();
  const shops = useShops();
  const [url, setUrl] = useKnownUrl(rulesOf(shops.data, tags.data, sees, may('insight.read')));
  const query = useMemo(() => queryOf(url, me.id), [url, me.id]);
  const keyset = useKeyset(JSON.stringify(query));
  const list = useCustomers({ ...query, after: keyset.after, limit: 50 });
  const clocks = useClocks();
  const filters = useFilters(FILTERS);
  const [selected, setSelected] = useState<string[]>([]);
  const shop = shops.data?.find((one) => one.id === (url.rfm_shop ?? url.shop)) ?? shops.data?.[0];
  const currency = list.data?.items[0]?.currency ?? shop?.currency ?? 'CNY';
  const columns = useCustomerColumns();
  const { shown, chosen, choose } = useColumns('customers', columns);
  const canTag = may('customers.edit') && sees.free('customers.tags');
  const canAssign = may('customers.assign');
  const takeFile = useTakeFile();
  const fileItem = (format: 'csv' | 'xlsx', words: string) => {
    const asked = query as Record<string, string | string[]>;
    return {
      key: format,
      label: (
        <a
          href={fileHref(asked, format)}
          onClick={(event) => {
            event.preventDefault();
            void takeFile(asked, format);
          }}
        >
          {words}
        </a>
      ),
    };
  };

  return (
    <Page
      title={t('customers.title')}
      note={<Count total={list.data?.total} words={(n, count) => t('customers.count', { n, count })} />}
      actions={
        <>
          {may('customers.merge') ? (
            <Button onClick={() => go('/customers/suggestions')}>{t('customers.merge.short')}</Button>
          ) : null}
          <Views url={url} />
          <ColumnChooser columns={columns} chosen={chosen} onChoose={choose} />
          {may('customers.export') ? (
            <Dropdown
              trigger={['click']}
              menu={{
                items: [
                  fileItem('csv', t('ui.exportCsv')),
                  fileItem('xlsx', t('ui.exportXlsx')),
                  { type: 'divider' as const },
                  {
                    key: 'exports',
                    label: <AppLink href="/settings/exports">{t('customers.exports.title')}</AppLink>,
                  },
                ],
              }}
            >
              <Button icon={<DownloadOutlined />}>{t('ui.export')}</Button>
            </Dropdown>
          ) : null}
        </>
      }
    >
      <ListFilters
        url={url}
        setUrl={setUrl}
        currency={currency}
        onClear={filters.clear}
        rows={list.data?.items ?? []}
      />
      {wantsOneShop(list.error, shops.data) ? (
        <OneShop shops={shops.data ?? []} onChoose={(shop) => setUrl({ shop })} />
      ) : isOfAudience(list.error) ? (
        <EmptyState
          title={t('customers.audience.refused')}
          text={t('customers.audience.refusedText')}
          action={
            <Button onClick={() => setUrl({ audience: undefined })}>{t('customers.audience.drop')}</Button>
          }
        />
      ) : (
        <ListTable<CustomerRow>
          label={t('customers.title')}
          columns={shown}
          query={list}
          keyset={keyset}
          filters={filters}
          hrefOf={(row) => `/customers/${row.id}`}
          nameOf={(row) => row.name}
          selected={selected}
          onSelect={canTag || canAssign ? setSelected : undefined}
          empty={
            me.seesAll ? (
              <EmptyState
                title={t('customers.empty.title')}
                text={t('customers.empty.text')}
                action={
                  may('commerce.import') ? (
                    <AppLink href="/imports/new">{t('customers.empty.action')}</AppLink>
                  ) : null
                }
              />
            ) : (
              <EmptyState title={t('customers.empty.ownTitle')} text={t('customers.empty.ownText')} />
            )
          }
          card={(row) => (
            <>
              <div className="card-row">
                <CustomerLink row={row} />
                {sees.any('commerce.amounts') ? (
                  <Money minor={row.revenue_minor} currency={row.currency} />
                ) : null}
              </div>
              <div className="card-row quiet">
                {sees.any('commerce.amounts') ? <TierMark tier={row.tier} /> : null}
                <span>{t('customers.ordersOf', { count: row.orders, n: format.int(row.orders) })}</span>
              </div>
              <div className="card-row quiet">
                <span>
                  {[row.accounts[0]?.value, row.province, row.owner_person?.name].filter(Boolean).join(' · ')}
                </span>
                <Day at={row.last_order_at} offset={clocks()} />
              </div>
            </>
          )}
        />
      )}
      {selected.length ? (
        <BulkBar
          selected={selected}
          rows={list.data?.items ?? []}
          tags={tags.data ?? []}
          canTag={canTag}
          canAssign={canAssign}
          onClear={() => setSelected([])}
        />
      ) : null}
    </Page>
  );
}
