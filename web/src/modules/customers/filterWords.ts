import { useTranslation } from 'react-i18next';
import type { CustomerExport } from '@/api/types';
import { useFormat } from '@/lib/format';
import { useMe } from '@/lib/rights';
import type { Search } from '@/lib/url';
import { useAudienceName } from '@/ui/audiences';
import type { Chip } from '@/ui/filters';
import { useShops } from '@/ui/shops';
import { useTags } from '@/ui/tags';
import { useOwnerChoices } from './owners';

/** Says filters of the list in words; amounts are in `currency`, and `audience` is the name of the one filtered by. What is searched for stands in its own field. */
export function useFilterWords(
  owners: readonly { value: string; label: string }[],
  audience?: string,
): (url: Search, currency: string) => Chip[] {
  const { t } = useTranslation();
  const format = useFormat();
  const tags = useTags();
  const shops = useShops();
  const nameOf = (all: readonly { id: string; name: string }[] | undefined, id: string) =>
    all?.find((one) => one.id === id)?.name ?? id;
  const tierNames = (tiers: string) =>
    tiers
      .split(',')
      .map((tier) => t(`ui.tier.${tier}`))
      .join(t('ui.comma'));
  const range = (from?: string, to?: string) =>
    from && to ? `${from} – ${to}` : from ? `≥ ${from}` : `≤ ${to}`;
  return (url, currency) => {
    const money = (minor?: string) => (minor ? format.money(Number(minor), currency, true) : undefined);
    const chips = [
      url.shop && { names: ['shop'], text: nameOf(shops.data, url.shop) },
      url.tag && { names: ['tag'], text: nameOf(tags.data, url.tag) },
      url.audience && {
        names: ['audience'],
        text: t('customers.audience.chip', { name: audience ?? t('customers.audience.some') }),
      },
      url.tier && { names: ['tier'], text: tierNames(url.tier) },
      url.classic && { names: ['classic'], text: tierNames(url.classic) },
      url.cell && { names: ['cell'], text: `RFM ${url.cell}` },
      (url.as_of || url.bins || url.rfm_shop) && {
        names: ['as_of', 'bins', 'rfm_shop'],
        text: [
          url.as_of ? t('customers.scored.asOf', { day: url.as_of }) : undefined,
          url.bins ? t('customers.scored.bins', { n: url.bins }) : undefined,
          url.rfm_shop ? t('customers.scored.shop', { name: nameOf(shops.data, url.rfm_shop) }) : undefined,
        ]
          .filter(Boolean)
          .join(' · '),
      },
      url.province && { names: ['province'], text: url.province },
      url.owner && {
        names: ['owner'],
        text: t('customers.owner.chip', {
          name: owners.find((one) => one.value === url.owner)?.label ?? t('customers.owner.somebody'),
        }),
      },
      url.rating && { names: ['rating'], text: `${t('customers.field.rating')} ${url.rating}` },
      url.automated && { names: ['automated'], text: t(`customers.automated.filter.${url.automated}`) },
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
    ];
    return chips.filter((chip) => !!chip);
  };
}

/** Says what an export was asked for: searches and filters, in the words of the list. Its order says nothing. */
export function useExportFilter({ filter }: CustomerExport): string {
  const { t } = useTranslation();
  const me = useMe();
  const shops = useShops();
  const texts = Object.entries(filter ?? {}).map(([name, value]) => [name, String(value)]);
  const asked: Search = Object.fromEntries(texts);
  const words = useFilterWords(useOwnerChoices([]), useAudienceName(asked.audience));
  if (!filter) return '';
  if (asked.owner === me.id) asked.owner = 'me';
  const shop = shops.data?.find((one) => one.id === (asked.rfm_shop ?? asked.shop)) ?? shops.data?.[0];
  const search = asked.q ? [t('customers.exports.searched', { q: asked.q })] : [];
  const said = [...search, ...words(asked, shop?.currency ?? 'CNY').map((chip) => chip.text)];
  return said.join(' · ') || t('customers.exports.unfiltered');
}
