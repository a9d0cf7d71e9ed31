import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Button, Popconfirm, Progress, Space, Tag } from 'antd';
import { useTranslation } from 'react-i18next';
import type { Keys, KeyVersion } from '@/api/types';
import { useFormat } from '@/lib/format';
import { Panel } from '@/ui/Page';
import { ScrollX } from '@/ui/ScrollX';
import { useSay } from '@/ui/say';
import { Loaded } from '@/ui/states';
import { Nothing, Time } from '@/ui/values';
import { rotateKeys, useKeys } from './api';

const COLOURS = { active: 'green', old: 'gold', retired: 'default' } as const;

function Versions(props: { versions: KeyVersion[] }) {
  const { t } = useTranslation();
  return (
    <ScrollX label={t('platform.keys.title')}>
      <table className="plain">
        <thead>
          <tr>
            <th scope="col">{t('platform.keys.version')}</th>
            <th scope="col">{t('platform.keys.state')}</th>
            <th scope="col">{t('platform.keys.made')}</th>
            <th scope="col">{t('platform.keys.retired')}</th>
          </tr>
        </thead>
        <tbody>
          {props.versions.map((key) => (
            <tr key={key.version}>
              <th scope="row">{key.version}</th>
              <td>
                <Tag color={COLOURS[key.state]} className="mark">
                  {t(`platform.keys.states.${key.state}`)}
                </Tag>
              </td>
              <td className="nowrap">
                <Time at={key.made_at} />
              </td>
              <td className="nowrap">{key.retired_at ? <Time at={key.retired_at} /> : <Nothing />}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollX>
  );
}

/** What a replacement has done of a pass over all that is sealed; the last pass finds nothing to do. */
function Work(props: { keys: Keys }) {
  const { t } = useTranslation();
  const format = useFormat();
  const say = useSay();
  const client = useQueryClient();
  const { progress } = props.keys;
  const ask = useMutation({
    mutationFn: rotateKeys,
    onSuccess: async () => {
      say.done(t('platform.keys.begun'));
      await client.invalidateQueries({ queryKey: ['keys'] });
    },
    onError: say.refused,
  });
  const isUnderWay = progress != null && !progress.finished_at;
  const percent = progress ? Math.round((100 * (progress.column - 1)) / progress.columns) : 0;
  return (
    <Space wrap>
      <Popconfirm
        title={t('platform.keys.sure')}
        description={t('platform.keys.sureText')}
        okText={t('platform.keys.rotate')}
        onConfirm={() => ask.mutate()}
        disabled={isUnderWay}
      >
        <Button disabled={ask.isPending || isUnderWay}>{t('platform.keys.rotate')}</Button>
      </Popconfirm>
      <span className="quiet" role="status">
        {isUnderWay
          ? t('platform.keys.underWay', { pass: progress.pass, values: format.int(progress.resealed) })
          : progress
            ? t('platform.keys.done', { values: format.int(progress.resealed) })
            : t('platform.keys.never')}
      </span>
      {isUnderWay ? (
        <Progress
          percent={percent}
          size="small"
          style={{ width: 160 }}
          aria-label={t('platform.keys.title')}
        />
      ) : null}
    </Space>
  );
}

/** The keys that seal personal data: their versions, and the button that replaces them. */
export function KeysPanel() {
  const { t } = useTranslation();
  const query = useKeys();
  return (
    <Loaded query={query}>
      {(keys) => (
        <Panel title={t('platform.keys.title')}>
          <div className="stack">
            <p className="note">{t('platform.keys.what')}</p>
            <Work keys={keys} />
            <Versions versions={keys.versions} />
          </div>
        </Panel>
      )}
    </Loaded>
  );
}
