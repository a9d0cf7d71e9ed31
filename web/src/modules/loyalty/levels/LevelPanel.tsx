import { Button, Progress, Tag } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useFormat } from '@/lib/format';
import { useMay } from '@/lib/rights';
import { AppLink } from '@/ui/Link';
import { Facts } from '@/ui/Page';
import { PagedTable } from '@/ui/PlainTable';
import { useClocks } from '@/ui/shops';
import { EmptyState, Loaded } from '@/ui/states';
import { Day, Time } from '@/ui/values';
import { Who } from '@/ui/Who';
import { type CustomerLevel, useCustomerLevels, useLevelHistory } from './api';
import { HandDialog } from './HandDialog';
import { useMeasured } from './words';

/** Where a customer stands in every scheme, what is missing to the next level, and how it came to that. */
export function LevelPanel(props: { customer: string }) {
  const { t } = useTranslation();
  const may = useMay();
  const query = useCustomerLevels(props.customer);
  return (
    <section className="stack" aria-label={t('loyalty.levels.title')}>
      <Loaded query={query} rows={3}>
        {(all) =>
          all.length ? (
            all.map((level) => (
              <Standing key={level.scheme} customer={props.customer} level={level} isOne={all.length === 1} />
            ))
          ) : (
            <EmptyState
              small
              title={t('loyalty.levels.none')}
              text={t('loyalty.levels.noneText')}
              action={
                may('loyalty.levels') ? (
                  <AppLink href="/loyalty/levels">{t('loyalty.levels.first')}</AppLink>
                ) : null
              }
            />
          )
        }
      </Loaded>
    </section>
  );
}

function Standing(props: { customer: string; level: CustomerLevel; isOne: boolean }) {
  const { t } = useTranslation();
  const format = useFormat();
  const may = useMay();
  const clocks = useClocks();
  const measured = useMeasured();
  const [acting, setActing] = useState<'pin' | 'release'>();
  const { level } = props;
  const shown = (value: number) => measured(value, level.measure, level.currency);
  const earned = level.ranks[level.earned - 1] ?? t('loyalty.levels.noLevel');
  return (
    <div className="stack">
      <div className="member-head">
        <h3>
          {t('loyalty.levels.title')}
          {props.isOne ? null : ` · ${level.name}`}
        </h3>
        {may('loyalty.levels') ? (
          <div className="buttons">
            <Button size="small" onClick={() => setActing('pin')}>
              {t('loyalty.levels.pin')}
            </Button>
            {level.releasable ? (
              <Button size="small" onClick={() => setActing('release')}>
                {t('loyalty.levels.release')}
              </Button>
            ) : null}
          </div>
        ) : null}
      </div>
      <Facts
        items={[
          [
            t('loyalty.levels.level'),
            <span key="level">
              <strong>{level.level?.name ?? t('loyalty.levels.noLevel')}</strong>{' '}
              {level.pinned ? <Tag className="mark">{t('loyalty.levels.pinned')}</Tag> : null}
            </span>,
          ],
          ...(level.level
            ? ([
                [t('loyalty.levels.since'), <Day key="since" at={level.since} offset={clocks()} />],
                [
                  t('loyalty.levels.validUntil'),
                  level.valid_until ? (
                    <Day
                      key="until"
                      at={new Date(Date.parse(level.valid_until) - 1).toISOString()}
                      offset={clocks()}
                    />
                  ) : (
                    t('loyalty.levels.noEnd')
                  ),
                ],
                [t('loyalty.levels.pays'), payText(format.percent, level.level.pay_bps)],
                [
                  t('loyalty.levels.multiplier'),
                  `× ${(level.level.multiplier_permille / 1000).toLocaleString(format.lang)}`,
                ],
              ] as [string, React.ReactNode][])
            : []),
        ]}
      />
      {level.level && level.earned < level.rank ? (
        <p className="quiet">{t('loyalty.levels.notEarned', { name: earned })}</p>
      ) : null}
      {level.next ? (
        <div>
          {level.measured != null ? (
            <Progress
              percent={Math.min(100, Math.floor((level.measured * 100) / level.next.bound))}
              aria-label={t('loyalty.levels.progress', { name: level.next.name })}
              status="normal"
            />
          ) : null}
          <p className="quiet">
            {level.to_next != null && level.measured != null
              ? t('loyalty.levels.toNext', {
                  have: shown(level.measured),
                  left: shown(level.to_next),
                  name: level.next.name,
                })
              : t('loyalty.levels.nextIs', { name: level.next.name })}
            {' · '}
            {level.window_days
              ? t('loyalty.levels.window', { count: level.window_days, n: format.int(level.window_days) })
              : t('loyalty.levels.allTime')}
          </p>
        </div>
      ) : (
        <p className="quiet">{t('loyalty.levels.highest')}</p>
      )}
      {level.deeds.length ? <Deeds level={level} offset={clocks()} /> : null}
      <h4>{t('loyalty.levels.history')}</h4>
      <History customer={props.customer} scheme={level.scheme} offset={clocks()} />
      {acting ? (
        <HandDialog
          customer={props.customer}
          level={level}
          what={acting}
          onClose={() => setActing(undefined)}
        />
      ) : null}
    </div>
  );
}

/** What members pay of the price. */
export const payText = (percent: (share: number, digits?: number) => string, bps: number) =>
  percent(bps / 10_000, bps % 100 ? 1 : 0);

function Deeds(props: { level: CustomerLevel; offset: number }) {
  const { t } = useTranslation();
  const { level } = props;
  return (
    <ul className="notes">
      {level.deeds.map((deed) => (
        <li key={`${deed.at} ${deed.rank}`}>
          <p className="note-text">
            {deed.rank == null
              ? t('loyalty.levels.wasReleased')
              : t('loyalty.levels.wasPinned', {
                  name: level.ranks[deed.rank - 1] ?? t('loyalty.levels.noLevel'),
                })}
            {deed.reason ? ` · ${deed.reason}` : null}
          </p>
          <div className="quiet by">
            <Who person={deed.actor_person} />
            <Time at={deed.at} offset={props.offset} />
          </div>
        </li>
      ))}
    </ul>
  );
}

function History(props: { customer: string; scheme: string; offset: number }) {
  const { t } = useTranslation();
  const query = useLevelHistory(props.customer, props.scheme);
  const none = t('loyalty.levels.noLevel');
  return (
    <PagedTable
      label={t('loyalty.levels.history')}
      query={query}
      empty={{ title: t('loyalty.levels.noHistory') }}
      stacks
      labels
      columns={[
        {
          title: t('loyalty.levels.change'),
          render: (change) => `${change.from_name ?? none} → ${change.to_name ?? none}`,
        },
        { title: t('loyalty.levels.cause'), render: (change) => t(`loyalty.levels.causes.${change.cause}`) },
        {
          title: t('loyalty.levels.from'),
          render: (change) => <Day at={change.since} offset={props.offset} />,
        },
        {
          title: t('loyalty.levels.known'),
          render: (change) => <Time at={change.at} offset={props.offset} />,
        },
        { title: t('loyalty.levels.by'), render: (change) => <Who person={change.actor_person} /> },
      ]}
    />
  );
}
