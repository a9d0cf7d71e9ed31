import { useTranslation } from 'react-i18next';
import type { Workbench } from '@/api/types';
import { useFormat } from '@/lib/format';
import { useMay, useMe, useSees } from '@/lib/rights';
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
  slipping_away: '/customers?tier=at_risk&automated=allowed&sort=-revenue',
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
  const may = useMay();
  const me = useMe();
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
              {may('commerce.import') ? (
                <EmptyState
                  title={t('insight.workbench.empty')}
                  text={t('insight.workbench.emptyText')}
                  action={
                    <AppLink href="/imports/new" className="button-link">
                      {t('insight.workbench.emptyAction')}
                    </AppLink>
                  }
                />
              ) : (
                <EmptyState
                  title={t('insight.workbench.quiet')}
                  text={t(me.seesAll ? 'insight.workbench.quietText' : 'insight.workbench.ownText')}
                />
              )}
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
  const may = useMay();
  const sees = useSees();
  const { data } = props;
  // Whose tiers are not shown cannot be listed either.
  const attention = data.attention.filter(
    (one) => one.count > 0 && (one.kind !== 'slipping_away' || sees.clear('commerce.amounts')),
  );
  const ordersAt = (query: string) => (may('commerce.read') ? `/orders?${query}` : undefined);
  const week = sumOf(data.revenue_by_day.slice(-7));
  const day = `from=${data.day}&to=${data.day}`;
  // A file that was put away before anything was read is no news.
  const imports = data.recent_imports.filter((one) => one.state !== 'cancelled' || one.rows_read > 0);
  return (
    <>
      <div className="grid-4 keep-2">
        <Today
          name={t('insight.workbench.orders')}
          value={format.int(data.orders.value)}
          before={format.int(data.orders.before)}
          week={format.int(week.orders)}
          href={ordersAt(day)}
        />
        {data.revenue_minor ? (
          <Today
            name={t('insight.workbench.revenue')}
            value={format.money(data.revenue_minor.value, data.currency)}
            before={format.money(data.revenue_minor.before, data.currency)}
            week={format.money(week.revenue_minor, data.currency)}
            href={ordersAt(`${day}&sort=-paid_amount`)}
          />
        ) : null}
        <Today
          name={t('insight.workbench.newCustomers')}
          value={format.int(data.new_customers.value)}
          before={format.int(data.new_customers.before)}
          href={
            may('customers.read')
              ? `/customers?first_order_from=${data.day}&first_order_to=${data.day}`
              : undefined
          }
        />
        <Today
          name={t('insight.workbench.refunds')}
          value={format.int(data.refunds.value)}
          before={format.int(data.refunds.before)}
          href={ordersAt(day)}
        />
      </div>
      <div className="grid-main">
        <RevenueChart data={data} />
        <div className="stack">
          <Panel title={t('insight.workbench.attention')}>
            {attention.length === 0 ? (
              <p className="quiet">{t('insight.workbench.calm')}</p>
            ) : (
              <ul className="attention">
                {attention.map((one) => (
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
          {may('commerce.import') ? (
            <Panel
              title={t('insight.workbench.imports')}
              extra={<AppLink href="/imports">{t('ui.all')}</AppLink>}
            >
              {imports.length === 0 ? (
                <p className="quiet">{t('insight.workbench.noImports')}</p>
              ) : (
                <ul className="attention">
                  {imports.slice(0, 5).map((one) => (
                    <li key={one.id}>
                      <AppLink href={`/imports/${one.id}`}>
                        <span>{one.files[0]?.name ?? one.id}</span>
                        <ImportStateMark import={one} />
                      </AppLink>
                      {ACTIVE_STATES.includes(one.state) ? (
                        <ImportProgress import={one} small />
                      ) : (
                        <div className="quiet">
                          <Time at={one.created_at} />
                          {one.rows_read
                            ? ` · ${t('insight.workbench.rows', { count: one.rows_read, n: format.int(one.rows_read) })}`
                            : null}
                        </div>
                      )}
                    </li>
                  ))}
                </ul>
              )}
            </Panel>
          ) : null}
        </div>
      </div>
    </>
  );
}

function sumOf(days: Workbench['revenue_by_day']) {
  return {
    orders: days.reduce((sum, one) => sum + one.orders, 0),
    revenue_minor: days.reduce((sum, one) => sum + (one.revenue_minor ?? 0), 0),
  };
}

/**
 * Today so far beside the whole of yesterday, and no percentage of a day that is not over. The week tells
 * something in the morning too, and where files are imported once in a while.
 */
function Today(props: { name: string; value: string; before: string; week?: string; href?: string }) {
  const { t } = useTranslation();
  const content = (
    <>
      <span className="tile-name">{props.name}</span>
      <span className="tile-value figure">{props.value}</span>
      <span className="quiet figure">{t('insight.workbench.before', { n: props.before })}</span>
      {props.week ? (
        <span className="quiet figure">{t('insight.workbench.week', { n: props.week })}</span>
      ) : null}
    </>
  );
  if (!props.href) return <div className="tile">{content}</div>;
  return (
    <AppLink href={props.href} className="tile tile-link">
      {content}
    </AppLink>
  );
}
