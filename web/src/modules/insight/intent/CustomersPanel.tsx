import { Segmented, Tag } from 'antd';
import { useTranslation } from 'react-i18next';
import type { IntentReason, IntentTier } from '@/api/types';
import { useFormat } from '@/lib/format';
import { oneOf } from '@/lib/known';
import { usePhone } from '@/lib/prefs';
import { useMay } from '@/lib/rights';
import { useKnownUrl } from '@/ui/known';
import { AppLink } from '@/ui/Link';
import { Panel } from '@/ui/Page';
import { PagedTable } from '@/ui/PlainTable';
import { useScored } from './api';
import { useFeatureWords } from './words';

const TIERS: IntentTier[] = ['high', 'medium', 'low'];
const COLOURS: Record<IntentTier, string> = { high: 'volcano', medium: 'gold', low: 'default' };

/** Customers, the most likely to order first, with the reasons in words. */
export function CustomersPanel(props: { model: string }) {
  const { t } = useTranslation();
  const format = useFormat();
  const phone = usePhone();
  const opens = useMay()('customers.read');
  const [url, setUrl] = useKnownUrl({ tier: oneOf(TIERS) });
  const tier = url.tier as IntentTier | undefined;
  const query = useScored(props.model, tier);
  const first = query.data?.pages[0];
  const count = (one: IntentTier) => first?.tiers.find((each) => each.tier === one)?.customers ?? 0;
  const all = TIERS.reduce((sum, one) => sum + count(one), 0);
  // On a phone there is no room for the numbers.
  const label = (name: string, n: number) => (first && !phone ? `${name} ${format.int(n)}` : name);
  return (
    <Panel
      title={t('insight.intent.customers')}
      extra={
        <Segmented
          aria-label={t('insight.intent.tierLabel')}
          value={tier ?? 'all'}
          onChange={(value) => setUrl({ tier: value === 'all' ? undefined : String(value) })}
          options={[
            { value: 'all', label: label(t('insight.intent.all'), all) },
            ...TIERS.map((one) => ({
              value: one,
              label: label(t(`insight.intent.tier.${one}`), count(one)),
            })),
          ]}
        />
      }
    >
      {first ? (
        <p className="quiet">
          {t('insight.intent.customersNote', {
            day: first.as_of,
            days: t('insight.value.days', { count: first.horizon_days, n: first.horizon_days }),
          })}{' '}
          {first.withheld
            ? t('insight.intent.withheld', { count: first.withheld, n: format.int(first.withheld) })
            : null}
        </p>
      ) : null}
      <PagedTable
        label={t('insight.intent.customers')}
        query={query}
        // Another version may be shown.
        queryKey={['intent']}
        empty={{ title: t(opens ? 'insight.intent.nobody' : 'insight.intent.noNames') }}
        stacks
        columns={[
          {
            title: t('insight.audience.customer'),
            render: ({ customer }) => {
              const name = customer.name || customer.accounts?.[0]?.value || t('insight.audience.nameless');
              return opens ? <AppLink href={`/customers/${customer.id}`}>{name}</AppLink> : name;
            },
          },
          {
            title: t('insight.intent.probability'),
            className: 'nowrap',
            render: (row) => (
              <>
                <span className="figure">{format.percent(row.probability)}</span>{' '}
                <Tag color={COLOURS[row.tier]}>{t(`insight.intent.tier.${row.tier}`)}</Tag>
              </>
            ),
          },
          {
            title: t('insight.intent.reasons'),
            className: 'wrap',
            render: (row) => <Reasons reasons={row.reasons} />,
          },
        ]}
      />
    </Panel>
  );
}

/** What speaks for an order, and what against it. */
function Reasons(props: { reasons: IntentReason[] }) {
  const { t } = useTranslation();
  const words = useFeatureWords(true);
  const parts = [
    { key: 'for', rows: props.reasons.filter((one) => one.contribution > 0) },
    { key: 'against', rows: props.reasons.filter((one) => one.contribution < 0) },
  ] as const;
  return (
    <ul className="reasons">
      {parts
        .filter((part) => part.rows.length)
        .map((part) => (
          <li key={part.key} className={`reasons-${part.key}`}>
            <b>{t(`insight.intent.${part.key}`)}</b>{' '}
            {part.rows
              .map((one) => `${words.name(one.column)} ${words.value(one.column, one.value)}`)
              .join(t('insight.intent.joint'))}
          </li>
        ))}
    </ul>
  );
}
