import { useMutation } from '@tanstack/react-query';
import { Button, Space } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { DataClass, RetentionForecast, RetentionRule } from '@/api/types';
import { useFormat } from '@/lib/format';
import { Panel } from '@/ui/Page';
import { ScrollX } from '@/ui/ScrollX';
import { useSay } from '@/ui/say';
import { Loaded } from '@/ui/states';
import { Time } from '@/ui/values';
import { forecastRetention, useRetention } from './api';
import { RetentionDialog } from './RetentionDialog';
import { WouldGo } from './WouldGo';

/** What the last daily run of a class did. */
function LastRun(props: { rule: RetentionRule }) {
  const { t } = useTranslation();
  const format = useFormat();
  const run = props.rule.last_run;
  if (!run) return <span className="quiet">{t('platform.retention.never')}</span>;
  const n = format.int(run.removed);
  return (
    <>
      <Time at={run.finished_at ?? run.began_at} />
      <div className="quiet">
        {t(`platform.retention.${run.finished_at ? 'removed' : 'underWay'}`, { n })}
      </div>
    </>
  );
}

function Kept(props: { days?: number | null }) {
  const { t } = useTranslation();
  const format = useFormat();
  if (props.days == null) return <span className="quiet">{t('platform.retention.forEver')}</span>;
  return t('platform.retention.days', { count: props.days, n: format.int(props.days) });
}

function Rules(props: {
  rules: RetentionRule[];
  forecasts: RetentionForecast[];
  onChange: (rule: RetentionRule) => void;
}) {
  const { t } = useTranslation();
  return (
    <ScrollX label={t('platform.retention.title')}>
      <table className="plain retention">
        <thead>
          <tr>
            <th scope="col">{t('platform.retention.data')}</th>
            <th scope="col">{t('platform.retention.kept')}</th>
            <th scope="col">{t('platform.retention.wouldGo')}</th>
            <th scope="col">{t('platform.retention.lastRun')}</th>
            <th scope="col" aria-label={t('platform.retention.change')} />
          </tr>
        </thead>
        <tbody>
          {props.rules.map((rule) => {
            const name = t(`platform.retention.classes.${rule.class}`);
            const forecast = props.forecasts.find(
              (one) => one.class === rule.class && one.keep_days === rule.keep_days,
            );
            return (
              <tr key={rule.class}>
                <th scope="row">
                  {name}
                  <div className="quiet retention-what">
                    {t(`platform.retention.explained.${rule.class}`)}
                  </div>
                </th>
                <td className="nowrap" data-name={t('platform.retention.kept')}>
                  <Kept days={rule.keep_days} />
                </td>
                <td data-name={t('platform.retention.wouldGo')}>
                  {rule.keep_days == null ? (
                    <span className="quiet">–</span>
                  ) : forecast ? (
                    <WouldGo forecast={forecast} />
                  ) : (
                    <span className="quiet">{t('platform.retention.notCounted')}</span>
                  )}
                </td>
                <td className="nowrap" data-name={t('platform.retention.lastRun')}>
                  <LastRun rule={rule} />
                </td>
                <td>
                  <Button
                    onClick={() => props.onChange(rule)}
                    aria-label={t('platform.retention.changeOf', { name })}
                  >
                    {t('platform.retention.change')}
                  </Button>
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </ScrollX>
  );
}

/** For how long each kind of data is kept, what would go now, and what went. */
export default function RetentionPage() {
  const { t } = useTranslation();
  const say = useSay();
  const query = useRetention();
  const [changing, setChanging] = useState<DataClass>();
  const trial = useMutation({ mutationFn: () => forecastRetention(), onError: say.refused });
  return (
    <Loaded query={query}>
      {({ items }) => {
        const rule = items.find((one) => one.class === changing);
        return (
          <div className="stack">
            <p className="note">{t('platform.retention.what')}</p>
            <Space wrap>
              <Button
                type="primary"
                loading={trial.isPending}
                disabled={items.every((one) => one.keep_days == null)}
                onClick={() => trial.mutate()}
              >
                {t('platform.retention.dryRun')}
              </Button>
            </Space>
            <Panel>
              <Rules
                rules={items}
                forecasts={trial.data?.items ?? []}
                onChange={(one) => setChanging(one.class)}
              />
            </Panel>
            {rule ? <RetentionDialog rule={rule} onClose={() => setChanging(undefined)} /> : null}
          </div>
        );
      }}
    </Loaded>
  );
}
