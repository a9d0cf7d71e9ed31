import { DownloadOutlined } from '@ant-design/icons';
import { Button, Select } from 'antd';
import { useTranslation } from 'react-i18next';
import { queryText } from '@/api/client';
import type { AuditEntry } from '@/api/types';
import { isDay, oneOf } from '@/lib/known';
import { DayRange, FilterBar, FilterChips, useFilters } from '@/ui/filters';
import { useKnownUrl } from '@/ui/known';
import { AppLink } from '@/ui/Link';
import { Panel } from '@/ui/Page';
import { ScrollX } from '@/ui/ScrollX';
import { EmptyState, ErrorState, Waiting } from '@/ui/states';
import { Nothing, Time } from '@/ui/values';
import { Who } from '@/ui/Who';
import { auditQuery, useAudit } from './api';
import { Changes } from './Changes';

/** What the filter offers: beginnings of actions. */
const AREAS = [
  'identity.',
  'identity.sign_in',
  'customers.',
  'customers.export',
  'commerce.',
  'platform.',
] as const;
const FILTERS = ['actor', 'action', 'record', 'from', 'to'] as const;
const RULES = {
  actor: (value: string) => /^usr_\w{26}$/.test(value),
  action: oneOf(AREAS),
  record: (value: string) => /^[\w.:-]{1,100}$/.test(value),
  from: isDay,
  to: isDay,
};
/** Where records of a kind have a page. */
const PAGES: Record<string, ((id: string) => string) | undefined> = {
  customer: (id) => `/customers/${id}`,
  import: (id) => `/imports/${id}`,
  order: (id) => `/orders/${id}`,
};

const keyOf = (code: string) => code.replaceAll('.', '_');

export default function AuditPage() {
  const { t } = useTranslation();
  const [url, setUrl] = useKnownUrl(RULES);
  const filters = useFilters(FILTERS);
  const query = useAudit(url);
  const entries = query.data?.pages.flatMap((page) => page.items) ?? [];
  const actor = entries.find((entry) => entry.actor === url.actor)?.actor_person?.name;
  return (
    <div className="stack">
      <FilterBar>
        <Select
          aria-label={t('platform.audit.area')}
          placeholder={t('platform.audit.area')}
          allowClear
          value={url.action}
          onChange={(action?: string) => setUrl({ action })}
          options={AREAS.map((area) => ({
            value: area,
            label: t(`platform.audit.areas.${keyOf(area)}`),
          }))}
          popupMatchSelectWidth={false}
        />
        <DayRange
          label={t('platform.audit.at')}
          from={url.from}
          to={url.to}
          onChange={(from, to) => setUrl({ from, to })}
        />
        <Button
          icon={<DownloadOutlined />}
          href={`/api/v1/platform/audit/export${queryText(auditQuery(url))}`}
          download
        >
          {t('ui.export')}
        </Button>
      </FilterBar>
      <FilterChips
        chips={[
          url.actor && { names: ['actor'], text: t('platform.audit.by', { name: actor ?? url.actor }) },
          url.record && { names: ['record'], text: t('platform.audit.on', { record: url.record }) },
        ]}
        onClear={filters.clear}
      />
      <Panel>
        {query.isPending ? (
          <Waiting />
        ) : query.isError ? (
          <ErrorState error={query.error} onRetry={() => void query.refetch()} />
        ) : entries.length === 0 ? (
          <EmptyState
            small
            title={filters.any ? t('ui.filteredEmpty') : t('platform.audit.empty')}
            text={t('platform.audit.emptyText')}
          />
        ) : (
          <ScrollX label={t('platform.audit.title')}>
            <table className="plain">
              <thead>
                <tr>
                  <th scope="col">{t('platform.audit.at')}</th>
                  <th scope="col">{t('platform.audit.who')}</th>
                  <th scope="col">{t('platform.audit.what')}</th>
                  <th scope="col">{t('platform.audit.record')}</th>
                  <th scope="col">{t('platform.audit.origin')}</th>
                </tr>
              </thead>
              <tbody>
                {entries.map((entry) => (
                  <Row key={entry.id} entry={entry} onFilter={setUrl} />
                ))}
              </tbody>
            </table>
          </ScrollX>
        )}
        {query.hasNextPage ? (
          <Button loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
            {t('ui.loadMore')}
          </Button>
        ) : null}
      </Panel>
    </div>
  );
}

function Row(props: { entry: AuditEntry; onFilter: (changes: { actor?: string; record?: string }) => void }) {
  const { entry, onFilter } = props;
  const { t } = useTranslation();
  const { actor, record } = entry;
  return (
    <tr>
      <td className="nowrap">
        <Time at={entry.at} />
      </td>
      <td>
        {actor ? (
          <Button type="link" size="small" className="in-text" onClick={() => onFilter({ actor })}>
            {entry.actor_person ? <Who person={entry.actor_person} /> : actor}
          </Button>
        ) : (
          t('platform.audit.program')
        )}
        {entry.token ? <div className="quiet">{t('platform.audit.byToken')}</div> : null}
      </td>
      <th scope="row">
        <span title={entry.action}>
          {t(`platform.audit.actions.${keyOf(entry.action)}`, { defaultValue: entry.action })}
        </span>
        <Changes entry={entry} />
      </th>
      <td>
        {record ? (
          <>
            <RecordLink kind={record.kind} id={record.id} />
            <Button
              type="link"
              size="small"
              className="in-text quiet"
              onClick={() => onFilter({ record: record.id })}
            >
              {t('platform.audit.history')}
            </Button>
          </>
        ) : (
          <Nothing />
        )}
      </td>
      <td className="quiet">
        {entry.peer ?? <Nothing />}
        {entry.request_id ? <div title={entry.request_id}>{entry.request_id.slice(0, 8)}</div> : null}
      </td>
    </tr>
  );
}

function RecordLink(props: { kind: string; id: string }) {
  const { t } = useTranslation();
  const name = t(`platform.audit.kinds.${props.kind}`, { defaultValue: props.kind });
  const page = PAGES[props.kind];
  return <div title={props.id}>{page ? <AppLink href={page(props.id)}>{name}</AppLink> : name}</div>;
}
