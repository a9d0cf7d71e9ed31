import { Button, DatePicker, Select } from 'antd';
import dayjs from 'dayjs';
import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useFormat } from '@/lib/format';
import { isDay, oneOf } from '@/lib/known';
import { useMay } from '@/lib/rights';
import { type Chip, FilterBar, FilterChips, useFilters } from '@/ui/filters';
import { useKnownUrl } from '@/ui/known';
import { AppLink } from '@/ui/Link';
import { PagedTable } from '@/ui/PlainTable';
import { Int, Time } from '@/ui/values';
import { type EntryQuery, KINDS, type Programme, useEntries } from './api';
import { EntryDialog, Origin } from './EntryDialog';
import { Signed } from './Signed';

const FILTERS = ['kind', 'from', 'to', 'customer', 'order'] as const;

/** The first moment of a day by clocks `offset` seconds ahead of UTC. */
const momentOf = (day: string, offset: number, later = 0) =>
  new Date(Date.parse(`${day}T00:00:00Z`) - offset * 1000 + later * 86_400_000).toISOString();

/** The ledger of a programme, entry by entry; each leads to its lines. */
export function LedgerView(props: { programme: Programme; choice: ReactNode }) {
  const { t } = useTranslation();
  const format = useFormat();
  const may = useMay();
  const { programme } = props;
  const [url, setUrl] = useKnownUrl({
    kind: oneOf(KINDS),
    from: isDay,
    to: isDay,
    customer: (id) => /^cus_[0-9a-z]{26}$/.test(id),
    order: (id) => /^ord_[0-9a-z]{26}$/.test(id),
  });
  const filters = useFilters(FILTERS);
  const [shown, setShown] = useState<string>();
  const query = useEntries({
    programme: programme.id,
    kind: url.kind as EntryQuery['kind'],
    from: url.from ? momentOf(url.from, programme.zone) : undefined,
    to: url.to ? momentOf(url.to, programme.zone, 1) : undefined,
    customer: url.customer,
    order: url.order,
  });
  const chips: (Chip | '' | undefined | false)[] = [
    url.customer && { names: ['customer'], text: t('loyalty.points.ofThisCustomer') },
    url.order && { names: ['order'], text: t('loyalty.points.ofThisOrder') },
    url.kind && { names: ['kind'], text: t(`loyalty.points.kinds.${url.kind}`) },
    (url.from || url.to) && { names: ['from', 'to'], text: `${url.from ?? '…'} – ${url.to ?? '…'}` },
  ];
  return (
    <div className="stack">
      <FilterBar>
        {props.choice}
        <Select
          allowClear
          aria-label={t('loyalty.points.kind')}
          placeholder={t('loyalty.points.kind')}
          style={{ minWidth: 150 }}
          value={url.kind}
          onChange={(kind) => setUrl({ kind })}
          options={KINDS.map((kind) => ({ value: kind, label: t(`loyalty.points.kinds.${kind}`) }))}
        />
        <DatePicker.RangePicker
          allowEmpty={[true, true]}
          aria-label={t('loyalty.points.posted')}
          placeholder={[t('loyalty.points.fromDay'), t('loyalty.points.toDay')]}
          value={[url.from ? dayjs(url.from) : null, url.to ? dayjs(url.to) : null]}
          onChange={(_, days) => setUrl({ from: days?.[0] || undefined, to: days?.[1] || undefined })}
        />
      </FilterBar>
      <FilterChips chips={chips} onClear={filters.clear} />
      <PagedTable
        label={t('loyalty.points.tab.ledger')}
        query={query}
        empty={
          filters.any
            ? { title: t('loyalty.points.noneFound') }
            : { title: t('loyalty.points.noEntries'), text: t('loyalty.points.noEntriesText') }
        }
        stacks
        labels
        columns={[
          { title: t('loyalty.points.kind'), render: (one) => t(`loyalty.points.kinds.${one.kind}`) },
          {
            title: t('loyalty.points.customer'),
            render: (one) =>
              one.customer ? (
                may('customers.read') ? (
                  <AppLink href={`/customers/${one.customer}?tab=member`}>
                    {one.customer_name || t('loyalty.points.nameless')}
                  </AppLink>
                ) : (
                  one.customer_name || t('loyalty.points.nameless')
                )
              ) : (
                <span className="quiet">{t('loyalty.points.many')}</span>
              ),
          },
          { title: t('loyalty.points.origin'), render: (one) => <Origin entry={one} /> },
          { title: t('loyalty.points.moved'), right: true, render: (one) => <Int value={one.moved} /> },
          { title: t('loyalty.points.changed'), right: true, render: (one) => <Signed value={one.change} /> },
          { title: t('loyalty.points.at'), render: (one) => <Time at={one.at} offset={programme.zone} /> },
          {
            title: t('loyalty.points.detail'),
            quietTitle: true,
            right: true,
            render: (one) => (
              <Button
                size="small"
                type="link"
                aria-label={`${t('loyalty.points.detail')} ${t(`loyalty.points.kinds.${one.kind}`)} ${format.int(one.moved)}`}
                onClick={() => setShown(one.id)}
              >
                {t('loyalty.points.detail')}
              </Button>
            ),
          },
        ]}
      />
      {shown ? <EntryDialog id={shown} offset={programme.zone} onClose={() => setShown(undefined)} /> : null}
    </div>
  );
}
