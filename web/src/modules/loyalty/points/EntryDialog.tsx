import { Modal } from 'antd';
import { useTranslation } from 'react-i18next';
import { useFormat } from '@/lib/format';
import { useMay } from '@/lib/rights';
import { AppLink } from '@/ui/Link';
import { Facts } from '@/ui/Page';
import { PlainTable } from '@/ui/PlainTable';
import { Loaded } from '@/ui/states';
import { Day, Nothing, Time } from '@/ui/values';
import { Who } from '@/ui/Who';
import { type LedgerEntryCard, useEntry } from './api';
import { Signed } from './Signed';

/** One entry of the ledger with its lines; as far as it is about `customer`, if one is named. */
export function EntryDialog(props: { id: string; customer?: string; offset?: number; onClose: () => void }) {
  const { t } = useTranslation();
  const query = useEntry(props.id, props.customer);
  return (
    <Modal open title={t('loyalty.points.entry')} footer={null} width={820} onCancel={props.onClose}>
      <Loaded query={query}>{(card) => <Lines card={card} offset={props.offset} />}</Loaded>
    </Modal>
  );
}

function Lines(props: { card: LedgerEntryCard; offset?: number }) {
  const { t } = useTranslation();
  const format = useFormat();
  const may = useMay();
  const { card } = props;
  return (
    <div className="stack">
      <Facts
        items={[
          [t('loyalty.points.kind'), t(`loyalty.points.kinds.${card.kind}`)],
          [t('loyalty.points.at'), <Time key="at" at={card.at} offset={props.offset} />],
          [t('loyalty.points.version'), format.int(card.version)],
          [t('loyalty.points.origin'), <Origin key="origin" entry={card} />],
          [
            t('loyalty.points.by'),
            card.actor_person ? <Who key="by" person={card.actor_person} /> : t('loyalty.points.program'),
          ],
        ]}
      />
      <PlainTable
        label={t('loyalty.points.lines')}
        rows={card.postings.items.map((line) => ({ ...line, id: String(line.line) }))}
        stacks
        labels
        columns={[
          {
            title: t('loyalty.points.account'),
            render: (line) => t(`loyalty.points.accounts.${line.account}`),
          },
          {
            title: t('loyalty.points.customer'),
            render: (line) =>
              line.customer ? (
                may('customers.read') ? (
                  <AppLink href={`/customers/${line.customer}?tab=member`}>
                    {line.customer_name || t('loyalty.points.nameless')}
                  </AppLink>
                ) : (
                  line.customer_name || t('loyalty.points.nameless')
                )
              ) : (
                <span className="quiet">{t('loyalty.points.shop')}</span>
              ),
          },
          {
            title: t('loyalty.points.lot'),
            render: (line) =>
              line.lot ? (
                <span className="by">
                  {line.lot_order && may('commerce.read') ? (
                    <AppLink href={`/orders/${line.lot_order}`}>{t('loyalty.points.ofOrder')}</AppLink>
                  ) : null}
                  {line.expires_at ? (
                    <span className="quiet">
                      {t('loyalty.points.until')}{' '}
                      <Day at={lastMoment(line.expires_at)} offset={props.offset} />
                    </span>
                  ) : (
                    <span className="quiet">{t('loyalty.points.forEver')}</span>
                  )}
                </span>
              ) : (
                <Nothing />
              ),
          },
          {
            title: t('loyalty.points.points'),
            right: true,
            render: (line) => <Signed value={line.points} />,
          },
        ]}
      />
      <p className="quiet">
        {card.postings.next
          ? t('loyalty.points.moreLines', { n: format.int(card.postings.items.length) })
          : t('loyalty.points.sumsToZero')}
      </p>
    </div>
  );
}

/** Points end with a day: what is shown is that day, not the first moment after it. */
export const lastMoment = (expires: string) => new Date(Date.parse(expires) - 1).toISOString();

/** Of what an entry came. */
export function Origin(props: { entry: { source: string; order?: string | null } }) {
  const { t, i18n } = useTranslation();
  const may = useMay();
  const { source, order } = props.entry;
  if (order && may('commerce.read'))
    return <AppLink href={`/orders/${order}`}>{t('loyalty.points.sources.order')}</AppLink>;
  const known = `loyalty.points.sources.${source}`;
  return <>{i18n.exists(known) ? t(known) : source}</>;
}
