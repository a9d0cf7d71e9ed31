import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Alert, Button, Space, Tag } from 'antd';
import { useTranslation } from 'react-i18next';
import type { Backup, Backups } from '@/api/types';
import { useFormat } from '@/lib/format';
import { useMay } from '@/lib/rights';
import { Panel } from '@/ui/Page';
import { ScrollX } from '@/ui/ScrollX';
import { useSay } from '@/ui/say';
import { EmptyState, Loaded } from '@/ui/states';
import { Int, Nothing, Time } from '@/ui/values';
import { askBackup, useBackups } from './api';
import { newestWhole } from './backups';
import { KeysPanel } from './KeysPanel';

/** Says how old the newest backup is that was found whole, which is what one may lose. */
function Newest(props: { backups: Backup[] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { at, isLate } = newestWhole(props.backups, Date.now());
  if (!at) return <Alert type="warning" showIcon title={t('platform.backups.noneWhole')} />;
  const when = format.time(at);
  return (
    <Alert
      type={isLate ? 'warning' : 'success'}
      showIcon
      title={t(isLate ? 'platform.backups.late' : 'platform.backups.recent', { when })}
      description={t('platform.backups.whatItMeans')}
    />
  );
}

/** What comes next, and what somebody may ask for now. */
function Work(props: { told: Backups }) {
  const { t } = useTranslation();
  const format = useFormat();
  const say = useSay();
  const client = useQueryClient();
  const { told } = props;
  const ask = useMutation({
    mutationFn: askBackup,
    onSuccess: async (_, what) => {
      say.done(t(`platform.backups.asked.${what}`));
      await client.invalidateQueries({ queryKey: ['backups'] });
    },
    onError: say.refused,
  });
  const busy = ask.isPending || told.under_way != null;
  return (
    <Space wrap>
      <Button type="primary" disabled={busy} onClick={() => ask.mutate('create')}>
        {t('platform.backups.create')}
      </Button>
      <Button disabled={busy || told.items.length === 0} onClick={() => ask.mutate('verify')}>
        {t('platform.backups.verify')}
      </Button>
      <span className="quiet" role="status">
        {told.under_way
          ? t(`platform.backups.underWay.${told.under_way}`)
          : told.next_at
            ? t('platform.backups.next', { when: format.time(told.next_at) })
            : t('platform.backups.noNext')}
      </span>
    </Space>
  );
}

function State(props: { backup: Backup }) {
  const { t } = useTranslation();
  const { ok, problem } = props.backup;
  const state = ok ? 'whole' : ok === false || problem ? 'damaged' : 'unchecked';
  const colour = { whole: 'green', damaged: 'red', unchecked: 'gold' }[state];
  return (
    <>
      <Tag color={colour} className="mark">
        {t(`platform.backups.states.${state}`)}
      </Tag>
      {problem ? <div className="job-error">{problem}</div> : null}
    </>
  );
}

function Rows(props: { backups: Backup[] }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <ScrollX label={t('platform.backups.title')}>
      <table className="plain">
        <thead>
          <tr>
            <th scope="col">{t('platform.backups.of')}</th>
            <th scope="col">{t('platform.backups.state')}</th>
            <th scope="col">{t('platform.backups.verified')}</th>
            <th scope="col" className="num">
              {t('platform.backups.rows')}
            </th>
            <th scope="col" className="num">
              {t('platform.backups.size')}
            </th>
          </tr>
        </thead>
        <tbody>
          {props.backups.map((backup) => (
            <tr key={backup.name}>
              <th scope="row" className="nowrap">
                <span title={backup.name}>
                  {backup.created_at ? <Time at={backup.created_at} /> : backup.name}
                </span>
              </th>
              <td>
                <State backup={backup} />
              </td>
              <td className="nowrap">
                <Time at={backup.verified_at} />
              </td>
              <td className="num">{backup.created_at ? <Int value={backup.rows} /> : <Nothing />}</td>
              <td className="num">{backup.created_at ? format.bytes(backup.stored_bytes) : <Nothing />}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollX>
  );
}

export default function BackupsPage() {
  const { t } = useTranslation();
  const query = useBackups();
  const may = useMay();
  return (
    <div className="stack">
      <Loaded query={query}>
        {(told) => (
          <>
            {told.folder ? <Newest backups={told.items} /> : null}
            {told.failure ? (
              <Alert type="error" showIcon title={t('platform.backups.failure')} description={told.failure} />
            ) : null}
            {told.erasures_failure ? (
              <Alert
                type="error"
                showIcon
                title={t('platform.backups.erasuresFailure')}
                description={t('platform.backups.erasuresFailureText', { why: told.erasures_failure })}
              />
            ) : null}
            {told.folder ? <Work told={told} /> : null}
            <Panel>
              {told.items.length > 0 ? (
                <Rows backups={told.items} />
              ) : (
                <EmptyState
                  small
                  title={t(told.folder ? 'platform.backups.empty' : 'platform.backups.off')}
                  text={t(told.folder ? 'platform.backups.emptyText' : 'platform.backups.offText')}
                />
              )}
              {told.folder ? (
                <p className="note">
                  {t('platform.backups.where')} <code>{told.folder}</code>
                </p>
              ) : null}
            </Panel>
          </>
        )}
      </Loaded>
      {may('platform.keys') ? <KeysPanel /> : null}
    </div>
  );
}
