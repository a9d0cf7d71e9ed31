import { CheckCircleFilled, CloseCircleOutlined } from '@ant-design/icons';
import { useQuery } from '@tanstack/react-query';
import { AutoComplete } from 'antd';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { CustomerRow, WhyNode } from '@/api/types';
import { useFormat } from '@/lib/format';
import { useMay } from '@/lib/rights';
import { AppLink } from '@/ui/Link';
import { Panel } from '@/ui/Page';
import { useClocks } from '@/ui/shops';
import { ErrorState } from '@/ui/states';
import { Day } from '@/ui/values';
import { type Definition, explainAudience } from './api';

/** The id in what was pasted: an id by itself or the address of a customer's page. */
export const customerIn = (text: string) => /cus_[0-9a-z]{26}/.exec(text)?.[0];

function Seen(props: { seen: NonNullable<WhyNode['seen']> }) {
  const { t } = useTranslation();
  const format = useFormat();
  const clocks = useClocks();
  const { seen } = props;
  if (seen.is === 'nothing') return t('insight.why.nothing');
  if (seen.is === 'moment') return <Day at={seen.at} offset={clocks()} />;
  if (seen.is === 'amount') return format.money(seen.minor, seen.currency);
  if (seen.is === 'level') return seen.name;
  if (seen.is === 'bucket') return t('insight.why.bucket', { n: format.int(seen.value) });
  return format.int(seen.value);
}

function Step(props: { node: WhyNode }) {
  const { t } = useTranslation();
  const { node } = props;
  const joint = node.kind === 'all' || node.kind === 'any' || node.kind === 'not';
  return (
    <li>
      <div className={node.passes ? 'why-step step-holds' : 'why-step step-fails'}>
        <span role="img" aria-label={t(node.passes ? 'insight.why.passes' : 'insight.why.fails')}>
          {node.passes ? <CheckCircleFilled /> : <CloseCircleOutlined />}
        </span>
        <span className="why-what">
          {joint && node.parts?.length ? t(`insight.tree.${node.kind}`) : <code>{node.text}</code>}
          {node.seen ? (
            <span className="quiet">
              {' '}
              {t('insight.why.seen')} <Seen seen={node.seen} />
            </span>
          ) : null}
          {node.flips_on ? (
            <span className="quiet why-flip">{t('insight.why.flips', { day: node.flips_on })}</span>
          ) : null}
        </span>
      </div>
      {node.parts?.length ? (
        <ul className="why">
          {node.parts.map((part, index) => (
            <Step key={index} node={part} />
          ))}
        </ul>
      ) : null}
    </li>
  );
}

/** Why one customer belongs to it or not, condition by condition. */
export function WhyPanel(props: {
  definition?: Definition;
  asOf?: string;
  sample: CustomerRow[];
  /** Asked for from outside, as from the sample. */
  customer?: string;
  onCustomer: (customer: string | undefined) => void;
}) {
  const { t } = useTranslation();
  const opens = useMay()('customers.read');
  const { definition, customer, sample, asOf } = props;
  const nameOf = (id?: string) => sample.find((one) => one.id === id)?.name || id;
  const [text, setText] = useState('');
  // biome-ignore lint/correctness/useExhaustiveDependencies: only when another customer is asked for
  useEffect(() => {
    if (customer) setText(nameOf(customer) ?? '');
  }, [customer]);
  const why = useQuery({
    queryKey: ['audience-why', definition, customer, asOf],
    enabled: !!customer && !!definition,
    retry: false,
    placeholderData: (before) => (before?.customer === customer ? before : undefined),
    queryFn: () => explainAudience(definition as Definition, customer as string, asOf),
  });
  const take = (said: string) => {
    setText(said);
    const id = customerIn(said);
    if (id) props.onCustomer(id);
    else if (!said.trim()) props.onCustomer(undefined);
  };
  return (
    <Panel title={t('insight.why.title')}>
      <div className="stack" id="why">
        <AutoComplete
          aria-label={t('insight.why.customer')}
          placeholder={t('insight.why.hint')}
          className="why-field"
          allowClear
          value={text}
          onChange={(said) => take(String(said ?? ''))}
          onSelect={(id: string) => {
            props.onCustomer(id);
            setText(nameOf(id) ?? '');
          }}
          options={sample.map((one) => ({ value: one.id, label: one.name || one.id }))}
        />
        {text && !customer && !customerIn(text) ? <p className="quiet">{t('insight.why.noId')}</p> : null}
        {why.isError ? <ErrorState error={why.error} /> : null}
        {why.data && customer ? (
          <div aria-live="polite" className="stack">
            <p>
              <strong>
                {opens ? (
                  <AppLink href={`/customers/${why.data.customer}`}>
                    {nameOf(why.data.customer) ?? why.data.customer}
                  </AppLink>
                ) : (
                  nameOf(why.data.customer)
                )}
              </strong>{' '}
              {t(why.data.is_in ? 'insight.why.in' : 'insight.why.out')}
              {why.data.flips_on ? (
                <span className="quiet"> {t('insight.why.flips', { day: why.data.flips_on })}</span>
              ) : null}
            </p>
            <ul className="why why-root">
              <Step node={why.data.why} />
            </ul>
          </div>
        ) : null}
      </div>
    </Panel>
  );
}
