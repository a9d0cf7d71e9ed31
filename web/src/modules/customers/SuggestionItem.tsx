import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Button } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { CustomerRow, Suggestion } from '@/api/types';
import { useFormat } from '@/lib/format';
import { AppLink } from '@/ui/Link';
import { ChannelName } from '@/ui/marks';
import { useSay } from '@/ui/say';
import { useClocks } from '@/ui/shops';
import { Day, Money } from '@/ui/values';
import { dismissSuggestion } from './api';
import { MergeDialog } from './MergeDialog';

/** Two customers who may be one, and what speaks for it. */
export function SuggestionItem(props: { suggestion: Suggestion }) {
  const { t } = useTranslation();
  const format = useFormat();
  const say = useSay();
  const client = useQueryClient();
  const [merging, setMerging] = useState(false);
  const { a, b, evidence, score, id } = props.suggestion;
  const dismiss = useMutation({
    mutationFn: () => dismissSuggestion(id),
    onSuccess: () =>
      Promise.all(['suggestions', 'customer'].map((key) => client.invalidateQueries({ queryKey: [key] }))),
    onError: say.refused,
  });
  return (
    <li className="suggestion">
      <div className="pair">
        <Side row={a} />
        <Side row={b} />
      </div>
      <div className="pair-why">
        <span>
          {evidence.map((one) => (
            <span key={one.kind + one.value} className="evidence">
              {t(`customers.evidence.${one.kind}`, { defaultValue: one.kind })} <strong>{one.value}</strong>
            </span>
          ))}
          <span className="quiet">
            {t('customers.merge.score', { n: format.percent(score > 1 ? score / 100 : score, 0) })}
          </span>
        </span>
        <span className="buttons">
          <Button size="small" type="primary" onClick={() => setMerging(true)}>
            {t('customers.merge.button')}
          </Button>
          <Button size="small" loading={dismiss.isPending} onClick={() => dismiss.mutate()}>
            {t('customers.merge.dismiss')}
          </Button>
        </span>
      </div>
      {merging ? <MergeDialog card={a} other={b} onClose={() => setMerging(false)} /> : null}
    </li>
  );
}

function Side(props: { row: CustomerRow }) {
  const { t } = useTranslation();
  const format = useFormat();
  const clocks = useClocks();
  const { row } = props;
  return (
    <div className="pair-side">
      <AppLink href={`/customers/${row.id}`} className="first-link">
        {row.name || row.accounts[0]?.value || t('customers.nameless')}
      </AppLink>
      <div className="quiet">
        {row.accounts.map((account) => (
          <span key={account.channel + account.value}>
            <ChannelName channel={account.channel} /> {account.value}{' '}
          </span>
        ))}
      </div>
      <div className="quiet">{[row.phone, row.email, row.city].filter(Boolean).join(' · ')}</div>
      <div>
        {t('customers.ordersOf', { count: row.orders, n: format.int(row.orders) })} ·{' '}
        {row.revenue_minor == null ? null : (
          <>
            <Money minor={row.revenue_minor} currency={row.currency} /> ·{' '}
          </>
        )}
        <Day at={row.last_order_at} offset={clocks()} />
      </div>
    </div>
  );
}
