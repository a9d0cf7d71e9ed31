import { CheckCircleOutlined, CloseCircleOutlined } from '@ant-design/icons';
import { useQuery } from '@tanstack/react-query';
import { AutoComplete, Select } from 'antd';
import { type ReactNode, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Explanation } from '@/api/types';
import { useMay } from '@/lib/rights';
import { FilterBar, Labelled } from '@/ui/filters';
import { useKnownUrl } from '@/ui/known';
import { AppLink } from '@/ui/Link';
import { Facts, Panel } from '@/ui/Page';
import { optionsOf, usePeople } from '@/ui/people';
import { EmptyState, Loaded } from '@/ui/states';
import { Nothing } from '@/ui/values';
import { Who } from '@/ui/Who';
import { findRecords, useCustomerName, useExplanation } from './api';
import { recordIn } from './record';
import { useRightName, useRuleNames } from './words';

/** Why somebody sees a customer or an order, or not. */
export default function ExplainPage() {
  const { t } = useTranslation();
  const [url, setUrl] = useKnownUrl({
    user: (value) => /^usr_\w+$/.test(value),
    record: (value) => recordIn(value) === value,
  });
  const people = usePeople();
  const query = useExplanation(url.user, url.record);
  const name = people.data?.find((one) => one.id === url.user)?.name ?? '';
  return (
    <div className="stack">
      <Panel
        title={t('identity.explain.title')}
        extra={<AppLink href="/settings/people">{t('identity.explain.back')}</AppLink>}
      >
        <div className="stack">
          <p className="quiet">{t('identity.explain.text')}</p>
          <FilterBar>
            <Labelled label={t('identity.explain.who')}>
              <Select
                style={{ minWidth: 180 }}
                showSearch={{ optionFilterProp: 'label' }}
                aria-label={t('identity.explain.who')}
                value={people.data ? url.user : undefined}
                onChange={(user) => setUrl({ user })}
                options={optionsOf(people.data ?? [])}
              />
            </Labelled>
            <Labelled label={t('identity.explain.record')}>
              <RecordField value={url.record} onChange={(record) => setUrl({ record })} />
            </Labelled>
          </FilterBar>
        </div>
      </Panel>
      <Panel>
        {url.user && url.record ? (
          <Loaded query={query} rows={4}>
            {(told) => <Answer told={told} name={name} record={url.record ?? ''} />}
          </Loaded>
        ) : (
          <EmptyState small title={t('identity.explain.missing')} />
        )}
      </Panel>
    </div>
  );
}

/** Takes the id of a record, its address, or a name to search for. */
function RecordField(props: { value?: string; onChange: (record: string | undefined) => void }) {
  const { t } = useTranslation();
  const may = useMay();
  const [text, setText] = useState(props.value ?? '');
  const [asked, setAsked] = useState('');
  useEffect(() => setText(props.value ?? ''), [props.value]);
  const isSearch = may('customers.read') && text.trim() !== '' && !recordIn(text);
  useEffect(() => {
    const timer = setTimeout(() => setAsked(isSearch ? text.trim() : ''), 250);
    return () => clearTimeout(timer);
  }, [text, isSearch]);
  const found = useQuery({
    queryKey: ['search', 'records', asked],
    enabled: asked !== '',
    queryFn: () => findRecords(asked),
  });
  const hits = asked ? found.data : undefined;
  const options = [
    ...(hits?.customers ?? []).map((one) => ({
      value: one.id,
      label: [one.name, one.accounts[0]?.value].filter(Boolean).join(' · '),
    })),
    ...(hits?.orders ?? []).map((one) => ({
      value: one.id,
      label: [one.external_no, one.customer?.name].filter(Boolean).join(' · '),
    })),
  ];
  return (
    <AutoComplete
      allowClear
      className="record-field"
      aria-label={t('identity.explain.record')}
      placeholder={t('identity.explain.recordHint')}
      value={text}
      options={options}
      notFoundContent={
        asked && found.isSuccess ? <span className="quiet">{t('identity.explain.badRecord')}</span> : null
      }
      onChange={(next?: string) => {
        setText(next ?? '');
        const record = recordIn(next ?? '');
        if (record || !next) props.onChange(record);
      }}
    />
  );
}

function Answer(props: { told: Explanation; name: string; record: string }) {
  const { t } = useTranslation();
  const may = useMay();
  const rightName = useRightName();
  const ruleNames = useRuleNames();
  const { told, name, record } = props;
  const right = rightName(told.right);
  const reach = told.reach ? t(`identity.reach.${told.reach}`) : '';
  const failed = told.steps.find((step) => !step.holds);
  const reason =
    failed && failed.looked !== 'in_reach'
      ? t(`identity.explain.failed.${failed.looked}`, { right })
      : !told.sees && told.reach === 'territory' && told.why !== 'no_customer'
        ? t('identity.explain.whyTerritoryNot')
        : told.why
          ? t(`identity.explain.why.${told.why}`)
          : '';
  const rules = ruleNames(told.fields);
  const customer = useCustomerName(told.customer ?? undefined);
  const order: [ReactNode, ReactNode][] = record.startsWith('ord_')
    ? [
        [
          t('identity.explain.order'),
          <AppLink key="r" href={`/orders/${record}`}>
            {t('ui.open')}
          </AppLink>,
        ],
      ]
    : [];
  const exists = told.steps.some((step) => step.looked === 'record_exists' && step.holds);
  return (
    <div className="stack explain">
      <h2>{t(told.sees ? 'identity.explain.sees' : 'identity.explain.seesNot', { name })}</h2>
      <p>{reason}</p>
      <ol className="steps">
        {told.steps.map((step) => (
          <li key={step.looked} className={step.holds ? 'step-holds' : 'step-fails'}>
            {step.holds ? (
              <CheckCircleOutlined aria-label={t('identity.explain.yes')} />
            ) : (
              <CloseCircleOutlined aria-label={t('identity.explain.no')} />
            )}{' '}
            {t(`identity.explain.${step.holds ? 'step' : 'stepNot'}.${step.looked}`, { right, reach })}
          </li>
        ))}
      </ol>
      {exists ? (
        <Facts
          columns
          items={[
            ...order,
            [
              t('identity.explain.customer'),
              told.customer && may('customers.read') ? (
                <AppLink key="c" href={`/customers/${told.customer}`}>
                  {customer.data?.name || told.customer}
                </AppLink>
              ) : (
                <Nothing key="c" />
              ),
            ],
            [
              t('identity.explain.owner'),
              told.owner_person ? (
                <Who key="o" person={told.owner_person} />
              ) : (
                t(told.owner ? 'identity.explain.unknown' : 'identity.explain.nobody')
              ),
            ],
            [t('identity.explain.province'), told.province ?? <Nothing key="p" />],
            [t('identity.explain.reach'), reach || <Nothing key="reach" />],
            [
              t('identity.explain.rules'),
              rules.length ? rules.join(t('ui.comma')) : t('identity.explain.noRules'),
            ],
          ]}
        />
      ) : null}
    </div>
  );
}
