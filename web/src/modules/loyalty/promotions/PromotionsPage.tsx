import { Segmented, Select, Tag } from 'antd';
import { useTranslation } from 'react-i18next';
import type { StoredPromotion } from '@/api/types';
import { useFormat } from '@/lib/format';
import { useUrl } from '@/lib/url';
import { FilterBar, Labelled } from '@/ui/filters';
import { AppLink } from '@/ui/Link';
import { Page, Panel } from '@/ui/Page';
import { PagedTable } from '@/ui/PlainTable';
import { STATES, type State, usePromotions } from './api';
import { CalendarView } from './CalendarView';
import { StateTag } from './StateTag';
import { useSentence } from './sentence';
import type { Rules } from './terms';

function ListView() {
  const { t } = useTranslation();
  const format = useFormat();
  const [url, setUrl] = useUrl();
  const state = STATES.find((one) => one === url.state);
  const query = usePromotions(state);
  const sentence = useSentence();
  const period = (row: StoredPromotion) => {
    const { starts_at, ends_at } = row.rules;
    if (!starts_at && !ends_at) return t('loyalty.promotions.always');
    return `${starts_at ? format.time(starts_at) : ''} – ${ends_at ? format.time(ends_at) : ''}`;
  };
  return (
    <Panel>
      <FilterBar>
        <Labelled label={t('loyalty.promotions.state')}>
          <Select<State>
            allowClear
            aria-label={t('loyalty.promotions.state')}
            style={{ minWidth: 130 }}
            placeholder={t('loyalty.promotions.allStates')}
            value={state}
            onChange={(next) => setUrl({ state: next })}
            options={STATES.map((one) => ({ value: one, label: t(`loyalty.promotions.states.${one}`) }))}
          />
        </Labelled>
      </FilterBar>
      <PagedTable
        label={t('loyalty.promotions.title')}
        query={query}
        stacks
        empty={{
          title: t(state ? 'loyalty.promotions.noneHere' : 'loyalty.promotions.empty'),
          text: state ? undefined : t('loyalty.promotions.emptyText'),
        }}
        columns={[
          {
            title: t('loyalty.promotions.name'),
            render: (row) => (
              <>
                <AppLink className="first-link" href={`/loyalty/promotions/${row.id}`}>
                  {row.name}
                </AppLink>
                <div className="quiet promotion-sentence">{sentence(row.rules as unknown as Rules)}</div>
              </>
            ),
          },
          {
            title: t('loyalty.promotions.kind'),
            render: (row) => (
              <Tag>{t(`loyalty.promotions.kinds.${(row.rules as unknown as Rules).terms.kind.type}`)}</Tag>
            ),
          },
          { title: t('loyalty.promotions.state'), render: (row) => <StateTag state={row.state} /> },
          {
            title: t('loyalty.promotions.period'),
            render: (row) => <span className="quiet">{period(row)}</span>,
          },
        ]}
      />
    </Panel>
  );
}

/** Promotions as a list, and as a calendar that shows what is in whose way. */
export default function PromotionsPage() {
  const { t } = useTranslation();
  const [url, setUrl] = useUrl();
  const view = url.view === 'calendar' ? 'calendar' : 'list';
  return (
    <Page
      title={t('loyalty.promotions.title')}
      note={t('loyalty.promotions.note')}
      actions={
        <>
          <AppLink className="button-link is-plain" href="/loyalty/playground">
            {t('loyalty.playground.title')}
          </AppLink>
          <AppLink className="button-link is-plain" href="/loyalty/simulator">
            {t('loyalty.promotions.simulator.title')}
          </AppLink>
          <AppLink className="button-link" href="/loyalty/promotions/new">
            {t('loyalty.promotions.new')}
          </AppLink>
        </>
      }
    >
      <div className="stack">
        <div>
          <Segmented
            value={view}
            onChange={(next) => setUrl({ view: next === 'list' ? undefined : next })}
            options={[
              { value: 'list', label: t('loyalty.promotions.list') },
              { value: 'calendar', label: t('loyalty.promotions.calendar') },
            ]}
          />
        </div>
        {view === 'list' ? <ListView /> : <CalendarView />}
      </div>
    </Page>
  );
}
