import { useTranslation } from 'react-i18next';
import type { Workbench } from '@/api/types';
import { useFormat } from '@/lib/format';
import { ACTIVE_STATES, ImportProgress } from '@/ui/ImportProgress';
import { AppLink } from '@/ui/Link';
import { ImportStateMark } from '@/ui/marks';
import { Page, Panel } from '@/ui/Page';
import { EmptyState, Loaded } from '@/ui/states';
import { Time } from '@/ui/values';
import { useWorkbench } from './api';
import { RevenueChart } from './RevenueChart';

/** Where a thing that needs attention is dealt with, unless the server says better. */
const WHERE: Record<string, string> = {
  merge_suggestions: '/customers/suggestions',
  failed_jobs: '/settings/jobs?state=dead',
  rejected_rows: '/imports',
  slipping_away: '/customers?tier=at_risk&sort=-revenue',
  unshipped: '/orders?state=paid',
};

/** Our own page for a link of the server; links into the API are not pages. */
function pageOf(kind: string, link?: string | null): string {
  return link?.startsWith('/') && !link.startsWith('/api') && !link.startsWith('//')
    ? link
    : (WHERE[kind] ?? '/');
}

export default function WorkbenchPage() {
  const { t } = useTranslation();
  const query = useWorkbench();
  return (
    <Page
      title={t('insight.workbench.title')}
      note={query.data ? t('insight.workbench.note', { day: query.data.day }) : undefined}
    >
      <Loaded query={query}>
        {(data) =>
          data.recent_imports.length === 0 && data.revenue_by_day.every((one) => one.orders === 0) ? (
            <Panel>
              <EmptyState
                title={t('insight.workbench.empty')}
                text={t('insight.workbench.emptyText')}
                action={
                  <AppLink href="/imports/new" className="button-link">
                    {t('insight.workbench.emptyAction')}
                  </AppLink>
                }
              />
            </Panel>
          ) : (
            <Board data={data} />
          )
        }
      </Loaded>
    </Page>
  );
}

function Board(props: { data: Workbench }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { data } = props;
  const day = `from=${data.day}&to=${data.day}`;
  return (
    <>
      <div className="grid-4 keep-2">
        <Change
          name={t('insight.workbench.orders')}
          value={format.int(data.orders.value)}
          delta={data.orders}
          href={`/orders?${day}`}
        />
        <Change
          name={t('insight.workbench.revenue')}
          value={format.money(data.revenue_minor.value, data.currency)}
          delta={data.revenue_minor}
          href={`/orders?${day}&sort=-paid_amount`}
        />
        <Change
          name={t('insight.workbench.newCustomers')}
          value={format.int(data.new_customers.value)}
          delta={data.new_customers}
          href={`/customers?first_order_from=${data.day}&first_order_to=${data.day}`}
        />
        <Change
          name={t('insight.workbench.refunds')}
          value={format.int(data.refunds.value)}
          delta={data.refunds}
          badWhenUp
          href={`/orders?${day}`}
        />
      </div>
      <div className="grid-main">
        <RevenueChart data={data} />
        <div className="stack">
          <Panel title={t('insight.workbench.attention')}>
            {data.attention.filter((one) => one.count > 0).length === 0 ? (
              <p className="quiet">{t('insight.workbench.calm')}</p>
            ) : (
              <ul className="attention">
                {data.attention
                  .filter((one) => one.count > 0)
                  .map((one) => (
                    <li key={one.kind}>
                      <AppLink href={pageOf(one.kind, one.link)}>
                        <span>{t(`insight.attention.${one.kind}`, { defaultValue: one.kind })}</span>
                        <strong className="figure">{format.int(one.count)}</strong>
                      </AppLink>
                    </li>
                  ))}
              </ul>
            )}
          </Panel>
          <Panel
            title={t('insight.workbench.imports')}
            extra={<AppLink href="/imports">{t('ui.all')}</AppLink>}
          >
            {data.recent_imports.length === 0 ? (
              <p className="quiet">{t('insight.workbench.noImports')}</p>
            ) : (
              <ul className="attention">
                {data.recent_imports.slice(0, 5).map((one) => (
                  <li key={one.id}>
                    <AppLink href={`/imports/${one.id}`}>
                      <span className="clip">{one.files[0]?.name ?? one.id}</span>
                      <ImportStateMark import={one} />
                    </AppLink>
                    {ACTIVE_STATES.includes(one.state) ? (
                      <ImportProgress import={one} small />
                    ) : (
                      <div className="quiet">
                        <Time at={one.created_at} /> ·{' '}
                        {t('insight.workbench.rows', { n: format.short(one.rows_read) })}
                      </div>
                    )}
                  </li>
                ))}
              </ul>
            )}
          </Panel>
        </div>
      </div>
    </>
  );
}

function Change(props: {
  name: string;
  value: string;
  delta: { value: number; before: number };
  href: string;
  badWhenUp?: boolean;
}) {
  const { t } = useTranslation();
  const format = useFormat();
  const { value, before } = props.delta;
  const up = value > before;
  const same = value === before;
  const good = same ? undefined : up !== !!props.badWhenUp;
  const words = same
    ? t('insight.workbench.same')
    : before === 0
      ? t('insight.workbench.fromZero')
      : t(up ? 'insight.workbench.up' : 'insight.workbench.down', {
          share: format.percent(Math.abs(value - before) / before),
        });
  return (
    <AppLink href={props.href} className="tile tile-link">
      <span className="tile-name">{props.name}</span>
      <span className="tile-value figure">{props.value}</span>
      <span className={good === undefined ? 'quiet' : good ? 'good' : 'bad'}>{words}</span>
    </AppLink>
  );
}
