import { Button, Popover, Select } from 'antd';
import { useTranslation } from 'react-i18next';
import type { CustomerRow } from '@/api/types';
import { PROVINCES } from '@/lib/provinces';
import { useMay, useSees } from '@/lib/rights';
import type { Search } from '@/lib/url';
import { CLASSIC_TIERS, ELEVEN_TIERS, RATINGS } from '@/lib/words';
import { useAudienceName, useAudiences } from '@/ui/audiences';
import { DayRange, FilterBar, FilterChips, Labelled, NumberRange, SearchField } from '@/ui/filters';
import { useShops } from '@/ui/shops';
import { useTags } from '@/ui/tags';
import { AUTOMATED, canFilter } from './filters';
import { useFilterWords } from './filterWords';
import { useOwnerChoices } from './owners';

/** Audiences are counted for it, so it is shown only where somebody looks for more filters. */
function AudienceSelect(props: { value?: string; onChange: (audience: string | undefined) => void }) {
  const { t } = useTranslation();
  const audiences = useAudiences();
  return (
    <Select
      allowClear
      showSearch={{ optionFilterProp: 'label' }}
      aria-label={t('customers.audience.one')}
      loading={audiences.isLoading}
      value={props.value}
      onChange={props.onChange}
      options={(audiences.data ?? []).map((one) => ({
        value: one.id,
        label: one.name,
        disabled: one.customers == null,
      }))}
    />
  );
}

/** Everything by which the list can be narrowed; the values live in the URL. */
export function ListFilters(props: {
  url: Search;
  setUrl: (changes: Search) => void;
  currency: string;
  onClear: () => void;
  rows: CustomerRow[];
}) {
  const { t } = useTranslation();
  const tags = useTags();
  const shops = useShops();
  const sees = useSees();
  const may = useMay();
  const can = (name: string) => canFilter(sees, name);
  const owners = useOwnerChoices(props.rows);
  const { url, setUrl, currency } = props;
  const tierName = (tier: string) => t(`ui.tier.${tier}`);
  const listed = (value?: string) => (value ? value.split(',') : []);
  const words = useFilterWords(owners, useAudienceName(url.audience));
  return (
    <>
      <FilterBar>
        <SearchField value={url.q} onChange={(q) => setUrl({ q })} placeholder={t('customers.searchHint')} />
        {can('tier') ? (
          <Select
            allowClear
            style={{ minWidth: 196, maxWidth: 260 }}
            aria-label={t('customers.field.tier')}
            placeholder={t('customers.field.tier')}
            mode="multiple"
            maxTagCount={1}
            maxTagPlaceholder={(rest) => `+${rest.length}`}
            value={listed(url.tier)}
            onChange={(tiers) => setUrl({ tier: tiers.join() || undefined })}
            options={ELEVEN_TIERS.map((tier) => ({ value: tier, label: tierName(tier) }))}
          />
        ) : null}
        {can('tag') ? (
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
        ) : null}
        <Select
          allowClear
          showSearch={{ optionFilterProp: 'label' }}
          style={{ minWidth: 110 }}
          popupMatchSelectWidth={false}
          aria-label={t('customers.field.owner')}
          placeholder={t('customers.field.owner')}
          value={url.owner}
          onChange={(owner) => setUrl({ owner })}
          options={owners}
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
              {can('revenue_min') ? (
                <Labelled
                  label={t('customers.inUnit', {
                    name: t('customers.field.revenue'),
                    unit: t(`ui.currency.${currency}`, { defaultValue: currency }),
                  })}
                >
                  <NumberRange
                    label={t('customers.field.revenue')}
                    min={url.revenue_min}
                    max={url.revenue_max}
                    currency={currency}
                    onChange={(min, max) => setUrl({ revenue_min: min, revenue_max: max })}
                  />
                </Labelled>
              ) : null}
              {can('province') ? (
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
              ) : null}
              {can('classic') ? (
                <Labelled label={t('customers.field.classic')}>
                  <Select
                    allowClear
                    aria-label={t('customers.field.classic')}
                    mode="multiple"
                    value={listed(url.classic)}
                    onChange={(tiers) => setUrl({ classic: tiers.join() || undefined })}
                    options={CLASSIC_TIERS.map((tier) => ({ value: tier, label: tierName(tier) }))}
                  />
                </Labelled>
              ) : null}
              {can('rating') ? (
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
              ) : null}
              {may('insight.read') ? (
                <Labelled label={t('customers.audience.one')}>
                  <AudienceSelect value={url.audience} onChange={(audience) => setUrl({ audience })} />
                </Labelled>
              ) : null}
              <Labelled label={t('customers.automated.title')}>
                <Select
                  allowClear
                  aria-label={t('customers.automated.title')}
                  value={url.automated}
                  onChange={(automated) => setUrl({ automated })}
                  options={AUTOMATED.map((value) => ({
                    value,
                    label: t(`customers.automated.filter.${value}`),
                  }))}
                />
              </Labelled>
            </div>
          }
        >
          <Button>{t('ui.moreFilters')}</Button>
        </Popover>
      </FilterBar>
      <FilterChips chips={words(url, currency)} onClear={props.onClear} />
    </>
  );
}
