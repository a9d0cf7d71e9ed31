import { useMutation, useQueryClient } from '@tanstack/react-query';
import { App, Button, Tag } from 'antd';
import { useTranslation } from 'react-i18next';
import { ProblemError, queryText } from '@/api/client';
import type { AudienceRow } from '@/api/types';
import { useFormat } from '@/lib/format';
import { useMay, useSees } from '@/lib/rights';
import { audienceHref, useAudiences } from '@/ui/audiences';
import { AppLink } from '@/ui/Link';
import { Page, Panel } from '@/ui/Page';
import { PlainTable } from '@/ui/PlainTable';
import { useSay } from '@/ui/say';
import { EmptyState, Loaded } from '@/ui/states';
import { Time } from '@/ui/values';
import { Who } from '@/ui/Who';
import { deleteAudience } from './api';

/** Ready definitions that show what can be asked; the last one looks at amounts. */
const EXAMPLES = [
  { name: 'again', text: 'orders >= 2', amounts: false },
  { name: 'asleep', text: 'last_order before last 90 days and orders >= 1', amounts: false },
  { name: 'large', text: 'average_order >= 500', amounts: true },
] as const;

function Examples() {
  const { t } = useTranslation();
  const amounts = useSees().clear('commerce.amounts');
  return (
    <ul className="examples">
      {EXAMPLES.filter((one) => amounts || !one.amounts).map((one) => {
        const name = t(`insight.audiences.example.${one.name}`);
        return (
          <li key={one.name}>
            <AppLink
              className="example"
              href={`/insight/audiences/new${queryText({ name, text: one.text })}`}
            >
              <strong>{name}</strong>
              <span className="quiet">{t(`insight.audiences.exampleText.${one.name}`)}</span>
              <code className="quiet">{one.text}</code>
            </AppLink>
          </li>
        );
      })}
    </ul>
  );
}

function List(props: { rows: AudienceRow[] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const say = useSay();
  const client = useQueryClient();
  const { modal } = App.useApp();
  const may = useMay();
  const keeps = may('insight.audiences');
  const remove = useMutation({
    mutationFn: (row: AudienceRow) => deleteAudience(row.id),
    onSuccess: async (_, row) => {
      client.removeQueries({ queryKey: ['audience', row.id] });
      say.done(t('insight.audiences.deleted', { name: row.name }));
      await client.invalidateQueries({ queryKey: ['audiences'] });
    },
    onError: (error, row) => {
      if (!(error instanceof ProblemError && error.kind === 'audience_in_use')) {
        say.refused(error);
        return;
      }
      const other = /audience "(.+)" names it/.exec(error.problem.detail ?? '')?.[1] ?? '';
      say.wrong(t('insight.audiences.inUse', { name: row.name, other }));
    },
  });
  const ask = (row: AudienceRow) =>
    modal.confirm({
      title: t('insight.audiences.deleteAsk', { name: row.name }),
      content: t('insight.audiences.deleteText', {
        count: row.customers ?? 0,
        n: format.int(row.customers ?? 0),
      }),
      okText: t('ui.delete'),
      okButtonProps: { danger: true },
      cancelText: t('ui.cancel'),
      onOk: () => remove.mutate(row),
    });
  return (
    <PlainTable
      label={t('insight.audiences.title')}
      rows={props.rows}
      stacks
      columns={[
        {
          title: t('insight.audience.one'),
          className: 'audience-name',
          render: (row) => (
            <>
              <AppLink className="first-link" href={`/insight/audiences/${row.id}`}>
                {row.name}
              </AppLink>
              {row.live ? <Tag className="live-tag">{t('insight.live.mark')}</Tag> : null}
              {row.note ? <div className="quiet">{row.note}</div> : null}
            </>
          ),
        },
        {
          title: t('insight.audience.customers'),
          right: true,
          render: (row) =>
            row.customers == null ? (
              <span className="quiet" title={row.refused ?? undefined}>
                {t('insight.audiences.refused')}
              </span>
            ) : (
              <AppLink
                href={may('customers.read') ? audienceHref(row.id) : `/insight/audiences/${row.id}`}
                title={may('customers.read') ? t('insight.audience.asList') : undefined}
              >
                {t('insight.audiences.size', { count: row.customers, n: format.int(row.customers) })}
              </AppLink>
            ),
        },
        {
          title: t('insight.audience.who'),
          className: 'audience-text',
          render: (row) => (row.text ? <code className="quiet">{row.text}</code> : null),
        },
        {
          title: t('insight.audiences.changed'),
          render: (row) => (
            <span className="by quiet">
              <Who person={row.created_by} />
              <Time at={row.updated_at} />
            </span>
          ),
        },
        {
          title: t('ui.delete'),
          quietTitle: true,
          right: true,
          render: (row) =>
            keeps ? (
              <Button
                size="small"
                type="link"
                aria-label={`${t('ui.delete')} ${row.name}`}
                onClick={() => ask(row)}
              >
                {t('ui.delete')}
              </Button>
            ) : null,
        },
      ]}
    />
  );
}

/** All audiences, each with how many belong to it now. */
export default function AudiencesPage() {
  const { t } = useTranslation();
  const keeps = useMay()('insight.audiences');
  const query = useAudiences();
  return (
    <Page
      title={t('insight.audiences.title')}
      note={t('insight.audiences.note')}
      actions={
        keeps && query.data?.length ? (
          <AppLink className="button-link" href="/insight/audiences/new">
            {t('insight.audience.new')}
          </AppLink>
        ) : null
      }
    >
      <Panel>
        <Loaded query={query}>
          {(rows) =>
            rows.length ? (
              <List rows={rows} />
            ) : (
              <>
                <EmptyState
                  title={t('insight.audiences.empty')}
                  text={t('insight.audiences.emptyText')}
                  action={
                    keeps ? (
                      <AppLink className="button-link" href="/insight/audiences/new">
                        {t('insight.audience.new')}
                      </AppLink>
                    ) : null
                  }
                />
                <h2 className="examples-head">{t('insight.audiences.examples')}</h2>
                <Examples />
              </>
            )
          }
        </Loaded>
      </Panel>
    </Page>
  );
}
