import { Alert, Button, Segmented, Tag } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { CareCalendar, CareDay, CareKind } from '@/api/types';
import { useFormat } from '@/lib/format';
import { oneOf } from '@/lib/known';
import { useKnownUrl } from '@/ui/known';
import { AppLink } from '@/ui/Link';
import { MonthSteps } from '@/ui/MonthSteps';
import { Page, Panel } from '@/ui/Page';
import { EmptyState, ErrorState, Loaded } from '@/ui/states';
import { useCare, useCareDay } from './api';
import { useDates } from './dates';

const KINDS = ['festival', 'birthday', 'anniversary'] as const;
const isMonth = (value: string) => /^(19[1-9]\d|20\d\d)-(0[1-9]|1[0-2])$/.test(value);
const two = (value: number) => String(value).padStart(2, '0');

/** A month that lies so many months from another. */
function moved(month: string, by: number): string {
  const [year = 2000, number = 1] = month.split('-').map(Number);
  const first = new Date(Date.UTC(year, number - 1 + by, 1));
  return `${first.getUTCFullYear()}-${two(first.getUTCMonth() + 1)}`;
}

function lastOf(month: string): string {
  const [year = 2000, number = 1] = month.split('-').map(Number);
  return `${month}-${two(new Date(Date.UTC(year, number, 0)).getUTCDate())}`;
}

function thisMonth(): string {
  const now = new Date();
  return `${now.getFullYear()}-${two(now.getMonth() + 1)}`;
}

/** Festivals, birthdays and anniversaries of a month, day by day. */
export default function CarePage() {
  const { t, i18n } = useTranslation();
  const [url, setUrl] = useKnownUrl({ month: isMonth, kind: oneOf(KINDS) });
  const month = url.month ?? thisMonth();
  const query = useCare(`${month}-01`, lastOf(month), url.kind as CareKind | undefined);
  const title = new Intl.DateTimeFormat(i18n.language, {
    year: 'numeric',
    month: 'long',
    timeZone: 'UTC',
  }).format(new Date(`${month}-01T00:00:00Z`));
  const go = (by: number) => setUrl({ month: moved(month, by) });
  return (
    <Page title={t('customers.care.title')} note={t('customers.care.note')} narrow>
      <div className="care-head">
        <Segmented
          aria-label={t('customers.care.kindLabel')}
          value={url.kind ?? 'all'}
          onChange={(kind) => setUrl({ kind: kind === 'all' ? undefined : kind })}
          options={[
            { value: 'all', label: t('customers.care.all') },
            ...KINDS.map((kind) => ({ value: kind, label: t(`customers.care.kind.${kind}`) })),
          ]}
        />
      </div>
      <Panel
        title={title}
        extra={
          <MonthSteps
            go={go}
            now={() => setUrl({ month: undefined })}
            first={!isMonth(moved(month, -1))}
            last={!isMonth(moved(month, 1))}
          />
        }
      >
        <Loaded query={query}>{(calendar) => <Days calendar={calendar} />}</Loaded>
      </Panel>
    </Page>
  );
}

const hasAny = (day: CareDay) =>
  day.festivals.length > 0 || day.birthdays.length > 0 || !!day.birthdays_next || day.anniversaries_total > 0;

function Days(props: { calendar: CareCalendar }) {
  const { t } = useTranslation();
  const { calendar } = props;
  const days = calendar.days.filter(hasAny);
  return (
    <>
      {calendar.shows_birthdays ? null : <Alert type="info" showIcon title={t('customers.care.hidden')} />}
      {days.length ? (
        <ol className="care-days">
          {days.map((day) => (
            <DayLine key={day.day} day={day} today={calendar.today} />
          ))}
        </ol>
      ) : (
        <EmptyState
          title={t('customers.care.empty')}
          text={t('customers.care.emptyText')}
          action={<AppLink href="/customers">{t('customers.care.toCustomers')}</AppLink>}
        />
      )}
    </>
  );
}

function DayLine(props: { day: CareDay; today: string }) {
  const { t, i18n } = useTranslation();
  const dates = useDates();
  const format = useFormat();
  const { day, today } = props;
  const [all, setAll] = useState<'birthday' | 'anniversary'>();
  const at = new Date(`${day.day}T00:00:00Z`);
  const weekday = new Intl.DateTimeFormat(i18n.language, { weekday: 'short', timeZone: 'UTC' }).format(at);
  const isToday = day.day === today;
  return (
    <li className={isToday ? 'care-day care-today' : 'care-day'}>
      <div className="care-when">
        <time dateTime={day.day}>
          <b>{at.getUTCDate()}</b> {weekday}
        </time>
        {isToday ? <Tag color="blue">{t('customers.care.today')}</Tag> : null}
        {day.lunar ? (
          <span className="quiet">{t('customers.care.sameDay', { date: dates.lunar(day.lunar) })}</span>
        ) : null}
      </div>
      <div className="care-what">
        {day.festivals.length ? (
          <div>
            {day.festivals.map((festival) => (
              <Tag key={festival} color="red">
                {t(`customers.care.festival.${festival}`)}
              </Tag>
            ))}
          </div>
        ) : null}
        {day.birthdays.length || day.birthdays_next ? (
          <section aria-label={t('customers.care.kind.birthday')}>
            <h3>{t('customers.care.kind.birthday')}</h3>
            {all === 'birthday' ? <WholeDay day={day.day} kind="birthday" /> : <Birthdays day={day} />}
            {day.birthdays_next && all !== 'birthday' ? (
              <Button size="small" type="link" onClick={() => setAll('birthday')}>
                {t('customers.care.more')}
              </Button>
            ) : null}
          </section>
        ) : null}
        {day.anniversaries_total ? (
          <section aria-label={t('customers.care.kind.anniversary')}>
            <h3>
              {t('customers.care.kind.anniversary')}
              {day.anniversaries_total > day.anniversaries.length ? (
                <span className="quiet">
                  {' '}
                  {t('customers.care.ofAll', {
                    count: day.anniversaries_total,
                    n: format.int(day.anniversaries_total),
                  })}
                </span>
              ) : null}
            </h3>
            {all === 'anniversary' ? (
              <WholeDay day={day.day} kind="anniversary" />
            ) : (
              <Anniversaries day={day} />
            )}
            {day.anniversaries_total > day.anniversaries.length && all !== 'anniversary' ? (
              <Button size="small" type="link" onClick={() => setAll('anniversary')}>
                {t('customers.care.more')}
              </Button>
            ) : null}
          </section>
        ) : null}
      </div>
    </li>
  );
}

/** Those of a day who did not find room in the month. */
function WholeDay(props: { day: string; kind: 'birthday' | 'anniversary' }) {
  const { t } = useTranslation();
  const query = useCareDay(props.day, props.kind);
  if (query.isError) return <ErrorState error={query.error} onRetry={() => void query.refetch()} />;
  const days = query.data?.pages.flatMap((page) => page.days) ?? [];
  return (
    <>
      {days.map((day, place) =>
        props.kind === 'birthday' ? (
          <Birthdays key={place} day={day} />
        ) : (
          <Anniversaries key={place} day={day} />
        ),
      )}
      {query.hasNextPage ? (
        <Button size="small" loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
          {t('ui.loadMore')}
        </Button>
      ) : null}
    </>
  );
}

function Name(props: { of: CareDay['birthdays'][number]['customer'] }) {
  const { t } = useTranslation();
  return <AppLink href={`/customers/${props.of.id}`}>{props.of.name || t('customers.nameless')}</AppLink>;
}

function Birthdays(props: { day: CareDay }) {
  const { t } = useTranslation();
  return (
    <ul className="care-people">
      {props.day.birthdays.map((one) => (
        <li key={one.customer.id}>
          <Name of={one.customer} />
          {one.birthday.calendar === 'lunar' ? (
            <span className="quiet"> · {t('customers.care.birthday.lunar')}</span>
          ) : null}
          {one.turns ? <span className="quiet"> · {t('customers.care.turns', { n: one.turns })}</span> : null}
        </li>
      ))}
    </ul>
  );
}

function Anniversaries(props: { day: CareDay }) {
  const { t } = useTranslation();
  return (
    <ul className="care-people">
      {props.day.anniversaries.map((one) => (
        <li key={one.customer.id}>
          <Name of={one.customer} />
          <span className="quiet"> · {t('customers.care.years', { count: one.years, n: one.years })}</span>
        </li>
      ))}
    </ul>
  );
}
