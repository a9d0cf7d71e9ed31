import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Alert, Switch } from 'antd';
import { useTranslation } from 'react-i18next';
import type { AudienceLive, AudienceTransition } from '@/api/types';
import { useFormat } from '@/lib/format';
import { useMay } from '@/lib/rights';
import { AppLink } from '@/ui/Link';
import { Panel } from '@/ui/Page';
import { ScrollX } from '@/ui/ScrollX';
import { useSay } from '@/ui/say';
import { Loaded } from '@/ui/states';
import { Time } from '@/ui/values';
import { switchLive, useAudienceLive } from './api';
import { TurnsChart } from './TurnsChart';

/** A customer's name, or what there is instead. */
function useNameOf(): (one: AudienceTransition) => string {
  const { t } = useTranslation();
  return ({ customer }) => customer.name || customer.accounts?.[0]?.value || t('insight.audience.nameless');
}

function Recent(props: { rows: AudienceTransition[]; onWhy: (customer: string) => void }) {
  const { t } = useTranslation();
  const opens = useMay()('customers.read');
  const nameOf = useNameOf();
  return (
    <ScrollX label={t('insight.live.recent')} className="sample">
      <table className="plain">
        <thead>
          <tr>
            <th scope="col">{t('insight.audience.customer')}</th>
            <th scope="col">{t('insight.live.what')}</th>
            <th scope="col" className="num">
              {t('insight.live.when')}
            </th>
          </tr>
        </thead>
        <tbody>
          {props.rows.map((one) => {
            const name = nameOf(one);
            return (
              <tr key={one.seq}>
                <th scope="row">
                  {opens ? <AppLink href={`/customers/${one.customer.id}`}>{name}</AppLink> : name}
                </th>
                <td>
                  <span className={one.entered ? 'turn-in' : 'turn-out'}>
                    {t(one.entered ? 'insight.live.entered' : 'insight.live.left')}
                  </span>
                  <div className="quiet">{t(`insight.live.cause.${one.cause}`)}</div>
                </td>
                <td className="num">
                  <div>
                    <Time at={one.at} />
                  </div>
                  <button
                    type="button"
                    className="cell-button"
                    aria-label={`${t('insight.why.ask')} ${name}`}
                    onClick={() => props.onWhy(one.customer.id)}
                  >
                    {t('insight.why.ask')}
                  </button>
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </ScrollX>
  );
}

function State(props: { live: AudienceLive }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { live } = props;
  if (!live.live) return <p className="quiet">{t('insight.live.off')}</p>;
  if (live.obstacle)
    return (
      <Alert
        type="warning"
        showIcon
        title={t('insight.live.still')}
        description={
          <>
            {t('insight.live.stillText')} <span className="quiet">{live.obstacle}</span>
          </>
        }
      />
    );
  if (!live.begun) return <p className="quiet">{t('insight.live.begins')}</p>;
  return (
    <div aria-live="polite">
      {live.customers != null ? (
        <p className="count-number figure" data-testid="live-size">
          {format.int(live.customers)}
        </p>
      ) : null}
      <p className="quiet">
        {t('insight.live.since')} <Time at={live.since} />
        {live.told_at ? (
          <>
            {t('insight.live.moved')} <Time at={live.told_at} />
          </>
        ) : null}
      </p>
    </div>
  );
}

/** Whether an audience is live; if so, its size as it moves, and who entered and left lately. */
export function LivePanel(props: { id: string; onWhy: (customer: string) => void }) {
  const { t } = useTranslation();
  const say = useSay();
  const client = useQueryClient();
  const keeps = useMay()('insight.audiences');
  const opens = useMay()('customers.read');
  const query = useAudienceLive(props.id);
  const put = useMutation({
    mutationFn: (live: boolean) => switchLive(props.id, live),
    onSuccess: (live) => {
      client.setQueryData(['audience-live', props.id], live);
      void client.invalidateQueries({ queryKey: ['audiences'] });
      say.done(t(live.live ? 'insight.live.turnedOn' : 'insight.live.turnedOff'));
    },
    onError: say.refused,
  });
  const live = query.data;
  return (
    <>
      <Panel
        title={t('insight.live.title')}
        extra={
          <Switch
            checked={live?.live ?? false}
            disabled={!keeps || !live}
            loading={put.isPending}
            aria-label={t('insight.live.switch')}
            onChange={(on) => put.mutate(on)}
          />
        }
      >
        <Loaded query={query} rows={2}>
          {(live) => (
            <div className="stack">
              <State live={live} />
              {live.recent.length ? (
                <Recent rows={live.recent} onWhy={props.onWhy} />
              ) : live.live && live.begun && opens ? (
                <p className="quiet">{t('insight.live.nobody')}</p>
              ) : null}
            </div>
          )}
        </Loaded>
      </Panel>
      {live?.days.length ? <TurnsChart days={live.days} today={live.today} /> : null}
    </>
  );
}
