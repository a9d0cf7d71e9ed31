import { DownloadOutlined, StarOutlined } from '@ant-design/icons';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Button, Checkbox, Dropdown, Form, Input, Modal, Popover, Select } from 'antd';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { queryText } from '@/api/client';
import type { CustomerRow } from '@/api/types';
import { useFormat } from '@/lib/format';
import { useGo, useUrl } from '@/lib/url';
import { CLASSIC_TIERS, ELEVEN_TIERS, RATINGS } from '@/lib/words';
import { type Column, ColumnChooser, Count, DataTable, useColumns } from '@/ui/DataTable';
import { DayRange, FilterBar, FilterChips, Labelled, NumberRange, SearchField } from '@/ui/filters';
import { useKeyset } from '@/ui/keyset';
import { AppLink } from '@/ui/Link';
import { CustomerTags, TierMark } from '@/ui/marks';
import { Page } from '@/ui/Page';
import { useSay } from '@/ui/say';
import { EmptyState } from '@/ui/states';
import { Day, Int, Money, Nothing } from '@/ui/values';
import { deleteView, makeView, useCustomers, useShops, useTags, useViews } from './api';
import { BulkTagBar } from './BulkTagBar';
import { FILTERS, PROVINCES, queryOf } from './filters';

export default function ListPage() {
  const { t } = useTranslation();
  const format = useFormat();
  const [url, setUrl] = useUrl();
  const go = useGo();
  const query = useMemo(() => queryOf(url), [url]);
  const filterKey = JSON.stringify(query);
  const keyset = useKeyset(filterKey);
  const list = useCustomers({ ...query, after: keyset.after, limit: 50 });
  const tags = useTags();
  const shops = useShops();
  const [selected, setSelected] = useState<string[]>([]);
  const currency = list.data?.items[0]?.currency ?? shops.data?.[0]?.currency ?? 'CNY';

  const columns = useMemo<Column<CustomerRow>[]>(
    () => [
      {
        key: 'name',
        title: t('customers.field.name'),
        width: 150,
        always: true,
        render: (row) => (
          <AppLink href={`/customers/${row.id}`} className="first-link">
            {row.name || row.accounts[0]?.value || t('customers.nameless')}
          </AppLink>
        ),
      },
      {
        key: 'account',
        title: t('customers.field.account'),
        width: 160,
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
        width: 160,
        render: (row) => <TierMark tier={row.tier} />,
      },
      {
        key: 'cell',
        title: t('customers.field.cell'),
        width: 90,
        render: (row) => (row.cell ? <span className="figure">{row.cell}</span> : <Nothing />),
      },
      {
        key: 'orders',
        title: t('customers.field.orders'),
        width: 90,
        right: true,
        sort: 'orders',
        render: (row) => <Int value={row.orders} />,
      },
      {
        key: 'revenue',
        title: t('customers.field.revenue'),
        width: 130,
        right: true,
        sort: 'revenue',
        render: (row) => <Money minor={row.revenue_minor} currency={row.currency} />,
      },
      {
        key: 'average',
        title: t('customers.field.average'),
        width: 140,
        right: true,
        sort: 'average_order',
        render: (row) => <Money minor={row.average_order_minor} currency={row.currency} />,
      },
      {
        key: 'last',
        title: t('customers.field.lastOrder'),
        width: 120,
        sort: 'last_order_at',
        render: (row) => <Day at={row.last_order_at} />,
      },
      {
        key: 'first',
        title: t('customers.field.firstOrder'),
        width: 120,
        sort: 'first_order_at',
        spare: true,
        render: (row) => <Day at={row.first_order_at} />,
      },
      {
        key: 'place',
        title: t('customers.field.place'),
        width: 150,
        render: (row) => [row.province, row.city].filter(Boolean).join(' ') || <Nothing />,
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
        key: 'tags',
        title: t('customers.field.tags'),
        width: 180,
        render: (row) => (row.tags.length ? <CustomerTags tags={row.tags} most={2} /> : <Nothing />),
      },
      {
        key: 'created',
        title: t('customers.field.created'),
        width: 120,
        sort: 'created_at',
        spare: true,
        render: (row) => <Day at={row.created_at} />,
      },
    ],
    [t],
  );
  const { shown, chosen, choose } = useColumns('customers', columns);

  const tierName = (tier: string) => t(`ui.tier.${tier}`);
  const set = FILTERS.filter((name) => url[name]);
  const range = (from: string | undefined, to: string | undefined) => `${from ?? '…'} – ${to ?? '…'}`;
  const money = (minor?: string) => (minor ? format.money(Number(minor), currency, true) : undefined);
  const chips = [
    url.shop && { names: ['shop'], text: shops.data?.find((s) => s.id === url.shop)?.name ?? url.shop },
    url.tag && { names: ['tag'], text: tags.data?.find((one) => one.id === url.tag)?.name ?? url.tag },
    url.tier && { names: ['tier'], text: tierName(url.tier) },
    url.classic && { names: ['classic'], text: tierName(url.classic) },
    url.cell && { names: ['cell'], text: `RFM ${url.cell}` },
    url.province && { names: ['province'], text: url.province },
    url.rating && { names: ['rating'], text: `${t('customers.field.rating')} ${url.rating}` },
    (url.orders_min || url.orders_max) && {
      names: ['orders_min', 'orders_max'],
      text: `${t('customers.field.orders')} ${range(url.orders_min, url.orders_max)}`,
    },
    (url.revenue_min || url.revenue_max) && {
      names: ['revenue_min', 'revenue_max'],
      text: `${t('customers.field.revenue')} ${range(money(url.revenue_min), money(url.revenue_max))}`,
    },
    (url.last_order_from || url.last_order_to) && {
      names: ['last_order_from', 'last_order_to'],
      text: `${t('customers.field.lastOrder')} ${range(url.last_order_from, url.last_order_to)}`,
    },
    (url.first_order_from || url.first_order_to) && {
      names: ['first_order_from', 'first_order_to'],
      text: `${t('customers.field.firstOrder')} ${range(url.first_order_from, url.first_order_to)}`,
    },
  ]
    .filter((chip) => !!chip)
    .map((chip) => ({
      key: chip.names.join(),
      text: chip.text,
      onRemove: () => setUrl(Object.fromEntries(chip.names.map((name) => [name, undefined]))),
    }));
  const clear = () => setUrl(Object.fromEntries(FILTERS.map((name) => [name, undefined])));

  const exportHref = (kind: string) =>
    `/api/v1/customers/export${queryText({ ...(query as Record<string, string>), format: kind })}`;

  return (
    <Page
      title={t('customers.title')}
      note={<Count total={list.data?.total} words={(n) => t('customers.count', { n })} />}
      actions={
        <>
          <Button onClick={() => go('/customers/suggestions')}>{t('customers.merge.pageTitle')}</Button>
          <Views url={url} />
          <ColumnChooser columns={columns} chosen={chosen} onChoose={choose} />
          <Dropdown
            trigger={['click']}
            menu={{
              items: [
                {
                  key: 'csv',
                  label: (
                    <a href={exportHref('csv')} download>
                      {t('ui.exportCsv')}
                    </a>
                  ),
                },
                {
                  key: 'xlsx',
                  label: (
                    <a href={exportHref('xlsx')} download>
                      {t('ui.exportXlsx')}
                    </a>
                  ),
                },
              ],
            }}
          >
            <Button icon={<DownloadOutlined />}>{t('ui.export')}</Button>
          </Dropdown>
        </>
      }
    >
      <FilterBar>
        <SearchField value={url.q} onChange={(q) => setUrl({ q })} placeholder={t('customers.searchHint')} />
        <Select
          allowClear
          style={{ minWidth: 150 }}
          aria-label={t('customers.field.tier')}
          placeholder={t('customers.field.tier')}
          value={url.tier}
          onChange={(tier) => setUrl({ tier })}
          options={ELEVEN_TIERS.map((tier) => ({ value: tier, label: tierName(tier) }))}
        />
        <Select
          allowClear
          showSearch={{ optionFilterProp: 'label' }}
          style={{ minWidth: 120 }}
          aria-label={t('customers.field.tags')}
          placeholder={t('customers.field.tags')}
          value={url.tag}
          onChange={(tag) => setUrl({ tag })}
          options={(tags.data ?? []).map((tag) => ({ value: tag.id, label: tag.name }))}
        />
        {(shops.data?.length ?? 0) > 1 || url.shop ? (
          <Select
            allowClear
            style={{ minWidth: 140 }}
            aria-label={t('customers.field.shop')}
            placeholder={t('customers.field.shop')}
            value={url.shop}
            onChange={(shop) => setUrl({ shop })}
            options={(shops.data ?? []).map((shop) => ({ value: shop.id, label: shop.name }))}
          />
        ) : null}
        <Popover
          trigger="click"
          placement="bottomLeft"
          title={t('ui.moreFilters')}
          content={
            <div className="filter-sheet">
              <Labelled label={t('customers.field.lastOrder')}>
                <DayRange
                  label={t('customers.field.lastOrder')}
                  from={url.last_order_from}
                  to={url.last_order_to}
                  onChange={(from, to) => setUrl({ last_order_from: from, last_order_to: to })}
                />
              </Labelled>
              <Labelled label={t('customers.field.firstOrder')}>
                <DayRange
                  label={t('customers.field.firstOrder')}
                  from={url.first_order_from}
                  to={url.first_order_to}
                  onChange={(from, to) => setUrl({ first_order_from: from, first_order_to: to })}
                />
              </Labelled>
              <Labelled label={t('customers.field.orders')}>
                <NumberRange
                  label={t('customers.field.orders')}
                  min={url.orders_min}
                  max={url.orders_max}
                  onChange={(min, max) => setUrl({ orders_min: min, orders_max: max })}
                />
              </Labelled>
              <Labelled label={`${t('customers.field.revenue')} (${currency})`}>
                <NumberRange
                  label={t('customers.field.revenue')}
                  min={url.revenue_min}
                  max={url.revenue_max}
                  currency={currency}
                  onChange={(min, max) => setUrl({ revenue_min: min, revenue_max: max })}
                />
              </Labelled>
              <Labelled label={t('customers.field.province')}>
                <Select
                  allowClear
                  showSearch
                  aria-label={t('customers.field.province')}
                  value={url.province}
                  onChange={(province) => setUrl({ province })}
                  options={PROVINCES.map((name) => ({ value: name, label: name }))}
                />
              </Labelled>
              <Labelled label={t('customers.field.classic')}>
                <Select
                  allowClear
                  aria-label={t('customers.field.classic')}
                  value={url.classic}
                  onChange={(classic) => setUrl({ classic })}
                  options={CLASSIC_TIERS.map((tier) => ({ value: tier, label: tierName(tier) }))}
                />
              </Labelled>
              <Labelled label={t('customers.field.rating')}>
                <Select
                  allowClear
                  aria-label={t('customers.field.rating')}
                  value={url.rating}
                  onChange={(rating) => setUrl({ rating })}
                  options={RATINGS.map((rating) => ({
                    value: rating,
                    label: t(`customers.rating.${rating}`),
                  }))}
                />
              </Labelled>
            </div>
          }
        >
          <Button>{t('ui.moreFilters')}</Button>
        </Popover>
      </FilterBar>
      <FilterChips chips={chips} onClear={clear} />
      <DataTable<CustomerRow>
        label={t('customers.title')}
        columns={shown}
        items={list.data?.items}
        error={list.error}
        onRetry={() => void list.refetch()}
        busy={list.isPlaceholderData}
        hrefOf={(row) => `/customers/${row.id}`}
        nameOf={(row) => row.name}
        sort={url.sort}
        onSort={(sort) => setUrl({ sort })}
        selected={selected}
        onSelect={setSelected}
        paging={{
          next: list.data?.next,
          atStart: keyset.atStart,
          pageNumber: keyset.pageNumber,
          onForward: keyset.forward,
          onBack: keyset.back,
        }}
        empty={
          set.length ? (
            <EmptyState
              title={t('ui.filteredEmpty')}
              text={t('ui.filteredEmptyText')}
              action={<Button onClick={clear}>{t('ui.clearFilters')}</Button>}
            />
          ) : (
            <EmptyState
              title={t('customers.empty.title')}
              text={t('customers.empty.text')}
              action={<AppLink href="/imports/new">{t('customers.empty.action')}</AppLink>}
            />
          )
        }
        card={(row) => (
          <>
            <div className="card-row">
              <AppLink href={`/customers/${row.id}`} className="first-link">
                {row.name || row.accounts[0]?.value || t('customers.nameless')}
              </AppLink>
              <Money minor={row.revenue_minor} currency={row.currency} />
            </div>
            <div className="card-row quiet">
              <TierMark tier={row.tier} />
              <span>{t('customers.ordersOf', { count: row.orders, n: format.int(row.orders) })}</span>
            </div>
            <div className="card-row quiet">
              <span>{[row.accounts[0]?.value, row.province].filter(Boolean).join(' · ')}</span>
              <Day at={row.last_order_at} />
            </div>
          </>
        )}
      />
      {selected.length ? (
        <BulkTagBar
          selected={selected}
          rows={list.data?.items ?? []}
          tags={tags.data ?? []}
          onClear={() => setSelected([])}
        />
      ) : null}
    </Page>
  );
}

/** Named filters, private or shared. */
function Views(props: { url: Record<string, string | undefined> }) {
  const { t } = useTranslation();
  const go = useGo();
  const say = useSay();
  const client = useQueryClient();
  const views = useViews();
  const [naming, setNaming] = useState(false);
  const [form] = Form.useForm<{ name: string; shared: boolean }>();
  const refresh = () => client.invalidateQueries({ queryKey: ['views'] });
  const keep = useMutation({
    mutationFn: (values: { name: string; shared?: boolean }) => {
      const { after: _after, ...rest } = props.url;
      return makeView({
        page: 'customers',
        name: values.name,
        query: queryText(rest).slice(1),
        shared: !!values.shared,
      });
    },
    onSuccess: async () => {
      setNaming(false);
      form.resetFields();
      await refresh();
      say.done(t('customers.views.kept'));
    },
    onError: say.refused,
  });
  const drop = useMutation({ mutationFn: deleteView, onSuccess: refresh, onError: say.refused });
  const items = views.data ?? [];
  return (
    <>
      <Dropdown
        trigger={['click']}
        menu={{
          items: [
            ...items.map((view) => ({
              key: `open:${view.query}`,
              label: (
                <span className="view-item">
                  <span>
                    {view.name}
                    {view.shared ? <span className="quiet"> · {t('customers.views.shared')}</span> : null}
                  </span>
                  {view.own ? (
                    <Button
                      type="link"
                      size="small"
                      aria-label={t('customers.views.delete', { name: view.name })}
                      onClick={(event) => {
                        event.stopPropagation();
                        drop.mutate(view.id);
                      }}
                    >
                      {t('ui.delete')}
                    </Button>
                  ) : null}
                </span>
              ),
            })),
            ...(items.length ? [{ type: 'divider' as const }] : []),
            { key: 'keep', label: t('customers.views.keep') },
          ],
          onClick: ({ key }) => {
            if (key === 'keep') setNaming(true);
            else go(`/customers?${key.slice(5)}`);
          },
        }}
      >
        <Button icon={<StarOutlined />}>{t('customers.views.title')}</Button>
      </Dropdown>
      <Modal
        open={naming}
        title={t('customers.views.keep')}
        okText={t('ui.save')}
        onOk={() => form.submit()}
        confirmLoading={keep.isPending}
        onCancel={() => setNaming(false)}
      >
        <Form form={form} layout="vertical" onFinish={(values) => keep.mutate(values)}>
          <Form.Item
            name="name"
            label={t('customers.views.name')}
            rules={[{ required: true, message: t('customers.views.needName') }]}
          >
            <Input maxLength={60} autoFocus />
          </Form.Item>
          <Form.Item name="shared" valuePropName="checked" noStyle>
            <Checkbox>{t('customers.views.share')}</Checkbox>
          </Form.Item>
        </Form>
      </Modal>
    </>
  );
}
