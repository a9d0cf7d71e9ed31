import { useQueryClient } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { Alert, Button, Select, Tabs, Tag } from 'antd';
import { type ReactNode, Suspense, use, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { CustomerCard } from '@/api/types';
import { placeText, useFormat } from '@/lib/format';
import { oneOf } from '@/lib/known';
import { usePhone } from '@/lib/prefs';
import { useMay, useSees } from '@/lib/rights';
import { useGo } from '@/lib/url';
import { CardTabs } from '@/ui/cardTabs';
import { useKnownUrl } from '@/ui/known';
import { AppLink } from '@/ui/Link';
import { CustomerTags, TierMark } from '@/ui/marks';
import { Facts, Page, Panel } from '@/ui/Page';
import { useSay } from '@/ui/say';
import { useClocks } from '@/ui/shops';
import { Loaded, Waiting } from '@/ui/states';
import { useTags } from '@/ui/tags';
import { Day, Int, Money, Nothing } from '@/ui/values';
import { putTags, useCustomer } from './api';
import { ConsentsTab } from './ConsentsTab';
import { BirthdayPanel } from './care/BirthdayPanel';
import { EditInPlace } from './EditInPlace';
import { EraseDialog } from './EraseDialog';
import { IdentitiesTab } from './IdentitiesTab';
import { InClear } from './InClear';
import { MergeDialog } from './MergeDialog';
import { MergesTab } from './MergesTab';
import { NotesTab } from './NotesTab';
import { OrdersTab } from './OrdersTab';
import { OwnerLine } from './OwnerLine';
import { PersonDataButton } from './PersonDataButton';
import { RequestsTab } from './RequestsTab';
import { TimelineTab } from './TimelineTab';

export default function CardPage() {
  const { id } = useParams({ strict: false }) as { id: string };
  const query = useCustomer(id);
  return <Loaded query={query}>{(card) => <Card key={card.id} card={card} />}</Loaded>;
}

const TABS = ['timeline', 'orders', 'notes', 'identities', 'consents', 'requests', 'merges'];

type Pair = [ReactNode, ReactNode];

function Card(props: { card: CustomerCard }) {
  const { t } = useTranslation();
  const format = useFormat();
  const clocks = useClocks();
  const phone = usePhone();
  const may = useMay();
  const go = useGo();
  const sees = useSees();
  const [merging, setMerging] = useState(false);
  const [erasing, setErasing] = useState(false);
  const { card } = props;
  const amounts = sees.any('commerce.amounts');
  const hidden: Record<string, boolean> = {
    orders: !may('commerce.read'),
    notes: !sees.any('customers.notes'),
    identities: !['accounts', 'phone', 'email'].some((name) => sees.any(`customers.${name}`)),
    consents: !may('customers.consent_read'),
    requests: !may('customers.requests'),
    merges: !may('customers.merge') && card.merges.length === 0,
  };
  const more = use(CardTabs).filter((tab) => may(tab.right));
  const [url, setUrl] = useKnownUrl({
    tab: oneOf([...TABS.filter((tab) => !hidden[tab]), ...more.map((tab) => tab.key)]),
  });
  const title = card.name || card.accounts[0]?.value || t('customers.nameless');
  const standing: Pair[] = [
    [t('customers.field.tier'), <TierMark key="tier" tier={card.tier} />],
    [
      t('customers.field.action'),
      card.automated === 'refused' ? (
        <span key="action">{t('customers.automated.withheld')}</span>
      ) : card.tier && card.action ? (
        <span key="action">{t(`insight.action.${card.tier}`, { defaultValue: card.action })}</span>
      ) : (
        <Nothing key="action" />
      ),
    ],
    [
      t('customers.field.cell'),
      card.cell ? (
        <AppLink key="cell" href={`/customers?cell=${card.cell}`}>
          <span className="figure">{card.cell}</span>
        </AppLink>
      ) : (
        <Nothing key="cell" />
      ),
    ],
  ];
  const money: Pair[] = [
    [t('customers.field.revenue'), <Money key="rev" minor={card.revenue_minor} currency={card.currency} />],
    [
      t('customers.field.average'),
      <Money key="avg" minor={card.orders ? card.average_order_minor : null} currency={card.currency} />,
    ],
    [t('customers.field.refunds'), <Money key="ref" minor={card.refund_minor} currency={card.currency} />],
  ];
  return (
    <Page
      title={title}
      heading={
        <>
          {title}
          {card.rating ? <span className="quiet"> · {t(`customers.rating.${card.rating}`)}</span> : null}
          {card.automated === 'refused' ? (
            <>
              {' '}
              <Tag color="gold" className="mark">
                {t('customers.automated.badge')}
              </Tag>
            </>
          ) : null}
        </>
      }
      note={placeText(card.province, card.city)}
      actions={
        <>
          {may('identity.people') ? (
            <Button onClick={() => go(`/settings/people/explain?record=${card.id}`)}>
              {t('customers.explain')}
            </Button>
          ) : null}
          {may('customers.person_export') && !card.merged_into ? <PersonDataButton id={card.id} /> : null}
          {may('customers.erase') && !card.merged_into ? (
            <Button danger onClick={() => setErasing(true)}>
              {t('customers.erase.open')}
            </Button>
          ) : null}
          {card.merged_into || !may('customers.merge') ? null : (
            <Button onClick={() => setMerging(true)}>{t('customers.merge.open')}</Button>
          )}
        </>
      }
    >
      {card.merged_into ? (
        <Alert
          type="info"
          showIcon
          title={
            <>
              {t('customers.merge.wasMerged')}{' '}
              <AppLink href={`/customers/${card.merged_into}`}>{t('customers.merge.openKept')}</AppLink>
            </>
          }
        />
      ) : null}
      {card.suggestions.length && url.tab !== 'merges' ? (
        <Alert
          type="warning"
          showIcon
          title={t('customers.merge.hint', { count: card.suggestions.length, n: card.suggestions.length })}
          action={
            <Button size="small" onClick={() => setUrl({ tab: 'merges' })}>
              {t('customers.merge.look')}
            </Button>
          }
        />
      ) : null}
      <Panel>
        <Facts
          items={[
            [t('customers.field.owner'), <OwnerLine key="owner" card={card} />],
            ...(amounts ? standing : []),
            [t('customers.field.orders'), <Int key="orders" value={card.orders} />],
            ...(amounts ? money : []),
            [t('customers.field.lastOrder'), <Day key="last" at={card.last_order_at} offset={clocks()} />],
            [
              t('customers.field.rhythm'),
              card.median_days_between_orders == null ? (
                <Nothing key="rhythm" />
              ) : (
                t('customers.rhythm', {
                  count: Math.round(card.median_days_between_orders),
                  n: format.int(Math.round(card.median_days_between_orders)),
                })
              ),
            ],
          ]}
        />
      </Panel>
      <div className="grid-main">
        <Panel className="tabs-panel">
          <Tabs
            tabBarGutter={phone ? 10 : undefined}
            activeKey={url.tab ?? 'timeline'}
            onChange={(tab) => setUrl({ tab: tab === 'timeline' ? undefined : tab, kind: undefined })}
            destroyOnHidden
            items={[
              { key: 'timeline', label: t('customers.tab.timeline'), children: <TimelineTab id={card.id} /> },
              { key: 'orders', label: t('customers.tab.orders'), children: <OrdersTab id={card.id} /> },
              ...more.map(({ key, name, Tab }) => ({
                key,
                label: t(name),
                children: (
                  <Suspense fallback={<Waiting />}>
                    <Tab customer={card.id} />
                  </Suspense>
                ),
              })),
              {
                key: 'notes',
                label: `${t('customers.tab.notes')}${card.notes.length ? ` ${card.notes.length}` : ''}`,
                children: <NotesTab card={card} />,
              },
              {
                key: 'identities',
                label: t('customers.tab.identities'),
                children: <IdentitiesTab card={card} />,
              },
              ...(may('customers.consent_read')
                ? [
                    {
                      key: 'consents',
                      label: t('customers.tab.consents'),
                      children: <ConsentsTab card={card} />,
                    },
                  ]
                : []),
              { key: 'requests', label: t('customers.tab.requests'), children: <RequestsTab card={card} /> },
              {
                key: 'merges',
                label: `${t('customers.tab.merges')}${card.suggestions.length ? ` ${card.suggestions.length}` : ''}`,
                children: <MergesTab card={card} />,
              },
            ].filter((tab) => !hidden[tab.key])}
          />
        </Panel>
        <div className="stack">
          <Panel title={t('customers.profile')}>
            <EditInPlace card={card} />
          </Panel>
          <BirthdayPanel card={card} />
          <InClear card={card} />
          {sees.any('customers.tags') ? (
            <Panel title={t('customers.field.tags')}>
              <TagEditor card={card} />
            </Panel>
          ) : null}
          {card.shops.length ? (
            <Panel title={t('customers.field.shops')}>
              <table className="plain">
                <thead>
                  <tr>
                    <th scope="col">{t('customers.field.shop')}</th>
                    <th scope="col" className="num">
                      {t('customers.field.orders')}
                    </th>
                    <th scope="col" className="num">
                      {t('customers.field.revenue')}
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {card.shops.map((shop) => (
                    <tr key={shop.id}>
                      <th scope="row">{shop.name}</th>
                      <td className="num">{format.int(shop.orders)}</td>
                      <td className="num">{format.money(shop.revenue_minor, shop.currency)}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </Panel>
          ) : null}
        </div>
      </div>
      {erasing ? <EraseDialog card={card} onClose={() => setErasing(false)} /> : null}
      {merging ? <MergeDialog card={card} onClose={() => setMerging(false)} /> : null}
    </Page>
  );
}

function TagEditor(props: { card: CustomerCard }) {
  const { t } = useTranslation();
  const say = useSay();
  const client = useQueryClient();
  const may = useMay();
  const sees = useSees();
  const tags = useTags();
  const [editing, setEditing] = useState(false);
  const [chosen, setChosen] = useState<string[]>([]);
  const { card } = props;
  if (!editing) {
    return (
      <div className="tag-line">
        {card.tags.length ? (
          <CustomerTags tags={card.tags} />
        ) : (
          <span className="quiet">{t('customers.noTags')}</span>
        )}
        {may('customers.edit') && sees.free('customers.tags') ? (
          <Button
            size="small"
            type="link"
            onClick={() => {
              setChosen(card.tags.map((tag) => tag.id));
              setEditing(true);
            }}
          >
            {t('customers.editTags')}
          </Button>
        ) : null}
      </div>
    );
  }
  const save = async () => {
    try {
      await putTags(card.id, chosen);
      setEditing(false);
      await Promise.all([
        client.invalidateQueries({ queryKey: ['customer', card.id] }),
        client.invalidateQueries({ queryKey: ['customers'] }),
        client.invalidateQueries({ queryKey: ['tags'] }),
      ]);
    } catch (error) {
      say.refused(error);
    }
  };
  return (
    <div className="stack">
      <Select
        mode="multiple"
        autoFocus
        aria-label={t('customers.field.tags')}
        showSearch={{ optionFilterProp: 'label' }}
        value={chosen}
        onChange={setChosen}
        options={(tags.data ?? []).map((tag) => ({
          value: tag.id,
          label: tag.automatic ? t('customers.tags.automaticOption', { name: tag.name }) : tag.name,
          disabled: tag.automatic,
        }))}
        notFoundContent={<AppLink href="/settings/tags">{t('customers.tags.first')}</AppLink>}
      />
      {tags.data?.some((tag) => tag.automatic) ? <p className="note">{t('customers.tags.onCard')}</p> : null}
      <div className="buttons">
        <Button type="primary" onClick={() => void save()}>
          {t('ui.save')}
        </Button>
        <Button onClick={() => setEditing(false)}>{t('ui.cancel')}</Button>
      </div>
    </div>
  );
}
