import { Alert } from 'antd';
import { useTranslation } from 'react-i18next';
import type { PromotionCalendar } from '@/api/types';
import { useFormat } from '@/lib/format';
import { useUrl } from '@/lib/url';
import { AppLink } from '@/ui/Link';
import { MonthSteps } from '@/ui/MonthSteps';
import { Panel } from '@/ui/Page';
import { ScrollX } from '@/ui/ScrollX';
import { EmptyState, Loaded } from '@/ui/states';
import { useCalendar } from './api';

type Item = PromotionCalendar['items'][number];
type Conflict = PromotionCalendar['conflicts'][number];

const DAY = 86_400_000;

/** The first moments of a month and of the next one, by the reader's clocks. */
function monthOf(text: string | undefined): [Date, Date] {
  const [, year, month] = /^(\d{4})-(\d{2})$/.exec(text ?? '') ?? [];
  const now = new Date();
  const first = year
    ? new Date(Number(year), Number(month) - 1, 1)
    : new Date(now.getFullYear(), now.getMonth(), 1);
  return [first, new Date(first.getFullYear(), first.getMonth() + 1, 1)];
}

const nameOf = (first: Date) => `${first.getFullYear()}-${String(first.getMonth() + 1).padStart(2, '0')}`;

/** The ids that a conflict is about. */
const about = (conflict: Conflict): string[] => {
  if (conflict.code === 'never') return [conflict.promotion];
  if (conflict.code === 'hidden') return [conflict.promotion, conflict.by];
  return [conflict.first, conflict.second];
};

function Conflicts(props: { calendar: PromotionCalendar }) {
  const { t } = useTranslation();
  const format = useFormat();
  const names = Object.fromEntries(props.calendar.items.map((item) => [item.id, item.name]));
  const name = (id: string) => names[id] ?? id;
  const said = (conflict: Conflict) => {
    switch (conflict.code) {
      case 'overlap':
        return t('loyalty.promotions.conflict.overlap', {
          first: name(conflict.first),
          second: name(conflict.second),
          group: conflict.group,
        });
      case 'never':
        return t('loyalty.promotions.conflict.never', {
          name: name(conflict.promotion),
          why: t(`loyalty.promotions.never.${conflict.reason}`),
        });
      case 'hidden':
        return t('loyalty.promotions.conflict.hidden', {
          name: name(conflict.promotion),
          by: name(conflict.by),
        });
      case 'deep':
        return t('loyalty.promotions.conflict.deep', {
          first: name(conflict.first),
          second: name(conflict.second),
          left: format.percent(conflict.pay_bps / 10_000, 0),
        });
    }
  };
  const { conflicts } = props.calendar;
  if (conflicts.length === 0) {
    return <Alert type="success" showIcon title={t('loyalty.promotions.conflict.none')} />;
  }
  return (
    <Alert
      type="warning"
      showIcon
      title={t('loyalty.promotions.conflict.title', {
        count: conflicts.length,
        n: format.int(conflicts.length),
      })}
      description={
        <ul className="promotion-conflicts">
          {conflicts.slice(0, 50).map((conflict, index) => (
            <li key={index}>{said(conflict)}</li>
          ))}
        </ul>
      }
    />
  );
}

function Bar(props: { item: Item; from: Date; days: number; has: boolean }) {
  const { t } = useTranslation();
  const { item, days } = props;
  const at = (moment: string | null | undefined, open: number) =>
    moment ? Math.min(days, Math.max(0, (Date.parse(moment) - props.from.getTime()) / DAY)) : open;
  const start = at(item.starts_at, 0);
  const end = Math.max(start + 0.4, at(item.ends_at, days));
  return (
    <AppLink
      href={`/loyalty/promotions/${item.id}`}
      className={`promotion-bar promotion-bar-${item.state}${props.has ? ' promotion-bar-conflict' : ''}`}
      style={{ left: `${(start / days) * 100}%`, width: `${((Math.min(end, days) - start) / days) * 100}%` }}
      title={`${item.name} · ${t(`loyalty.promotions.states.${item.state}`)}`}
    >
      {props.has ? <span aria-hidden="true">⚠ </span> : null}
      {item.name}
      {props.has ? <span className="sr-only"> {t('loyalty.promotions.conflict.mark')}</span> : null}
    </AppLink>
  );
}

/** A month of promotions, a bar each, with what is in whose way. */
export function CalendarView() {
  const { t } = useTranslation();
  const { lang } = useFormat();
  const [url, setUrl] = useUrl();
  const [first, next] = monthOf(url.month);
  const query = useCalendar(first.toISOString(), next.toISOString());
  const days = Math.round((next.getTime() - first.getTime()) / DAY);
  const go = (months: number) =>
    setUrl({ month: nameOf(new Date(first.getFullYear(), first.getMonth() + months, 1)) });
  const title = new Intl.DateTimeFormat(lang, { year: 'numeric', month: 'long' }).format(first);
  return (
    <Panel title={title} extra={<MonthSteps go={go} now={() => setUrl({ month: undefined })} />}>
      <Loaded query={query}>
        {(calendar) => {
          const odd = new Set(calendar.conflicts.flatMap(about));
          if (calendar.items.length === 0) {
            return <EmptyState small title={t('loyalty.promotions.noneInMonth')} />;
          }
          return (
            <div className="stack">
              <Conflicts calendar={calendar} />
              {calendar.is_cut ? <Alert type="info" title={t('loyalty.promotions.cut')} /> : null}
              <ScrollX label={title}>
                <div className="promotion-calendar" style={{ '--days': days } as React.CSSProperties}>
                  <div className="promotion-days" aria-hidden="true">
                    {Array.from({ length: days }, (_, index) => (
                      <span key={index}>{index + 1}</span>
                    ))}
                  </div>
                  <ul>
                    {calendar.items.map((item) => (
                      <li key={item.id}>
                        <Bar item={item} from={first} days={days} has={odd.has(item.id)} />
                      </li>
                    ))}
                  </ul>
                </div>
              </ScrollX>
            </div>
          );
        }}
      </Loaded>
    </Panel>
  );
}
