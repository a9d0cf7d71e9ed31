import { App, Badge, Button, Tag } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { IntentDrift, IntentModel } from '@/api/types';
import { useFormat } from '@/lib/format';
import { queryClient } from '@/lib/query';
import { useMay } from '@/lib/rights';
import { AppLink } from '@/ui/Link';
import { Panel } from '@/ui/Page';
import { PlainTable } from '@/ui/PlainTable';
import { useProblemText } from '@/ui/states';
import { Nothing, Time } from '@/ui/values';
import { activateModel } from './api';
import { useFeatureWords } from './words';

const LIGHTS = {
  stable: 'success',
  moderate: 'warning',
  large: 'error',
  too_few_rows: 'default',
} as const;

/** Whether customers still look like those of the training, as a light with its word. */
export function DriftLight(props: { drift: IntentDrift | null | undefined }) {
  const { t } = useTranslation();
  const level = props.drift?.level as keyof typeof LIGHTS | undefined;
  if (!level) return <Badge status="default" text={t('insight.intent.drift.none')} />;
  return <Badge status={LIGHTS[level] ?? 'default'} text={t(`insight.intent.drift.${level}`)} />;
}

const STATES = { active: 'success', waiting: 'processing', old: 'default', failed: 'error' } as const;

/** All versions, of which one gives the scores. */
export function VersionsPanel(props: { models: IntentModel[] }) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const format = useFormat();
  const say = useProblemText();
  const trains = useMay()('insight.models');
  const [busy, setBusy] = useState<string>();
  const activate = async (id: string) => {
    setBusy(id);
    try {
      await activateModel(id);
      await queryClient.invalidateQueries({ queryKey: ['intent'] });
    } catch (error) {
      void message.error(say(error));
    } finally {
      setBusy(undefined);
    }
  };
  return (
    <Panel title={t('insight.intent.versions')}>
      <PlainTable
        label={t('insight.intent.versions')}
        rows={props.models}
        stacks
        labels
        columns={[
          {
            title: t('insight.intent.version'),
            render: (row) => (
              <>
                {row.kind ? (
                  <AppLink href={`/insight/intent?model=${row.id}`}>
                    {t('insight.intent.versionN', { n: row.version })}
                  </AppLink>
                ) : (
                  t('insight.intent.versionN', { n: row.version })
                )}{' '}
                <Tag color={STATES[row.state]}>{t(`insight.intent.state.${row.state}`)}</Tag>
              </>
            ),
          },
          {
            title: t('insight.intent.trained'),
            render: (row) => (
              <>
                <Time at={row.trained_at ?? row.asked_at} />{' '}
                <span className="quiet">
                  {row.trained_by_person?.name ?? (row.trained_by ? '' : t('insight.intent.byItself'))}
                </span>
              </>
            ),
          },
          {
            title: t('insight.value.horizon'),
            right: true,
            render: (row) => t('insight.value.days', { count: row.horizon_days, n: row.horizon_days }),
          },
          {
            title: t('insight.intent.model'),
            render: (row) => (row.kind ? t(`insight.intent.learner.${row.kind}`) : <Nothing />),
          },
          {
            title: t('insight.intent.auc'),
            right: true,
            render: (row) => row.figures?.auc.toFixed(3) ?? <Nothing />,
          },
          {
            title: t('insight.intent.top20'),
            right: true,
            render: (row) => (row.figures ? format.percent(row.figures.top20_capture, 0) : <Nothing />),
          },
          {
            title: t('insight.intent.drift.title'),
            render: (row) => (row.kind ? <DriftLight drift={row.drift} /> : <Nothing />),
          },
          {
            title: t('insight.intent.activate'),
            quietTitle: true,
            right: true,
            render: (row) =>
              trains && row.state === 'old' ? (
                <Button size="small" loading={busy === row.id} onClick={() => void activate(row.id)}>
                  {t('insight.intent.activate')}
                </Button>
              ) : null,
          },
        ]}
      />
    </Panel>
  );
}

/** Which features moved, where any did. */
export function DriftPanel(props: { drift: IntentDrift | null | undefined }) {
  const { t } = useTranslation();
  const words = useFeatureWords(true);
  const { drift } = props;
  if (!drift?.columns.length) return null;
  return (
    <Panel title={t('insight.intent.drift.moved')} extra={<DriftLight drift={drift} />}>
      <p className="quiet">{t('insight.intent.drift.text')}</p>
      <ul className="bullets">
        {drift.columns.slice(0, 8).map((one) => (
          <li key={one.column}>
            {words.name(one.column)}: PSI {one.psi.toFixed(2)}
          </li>
        ))}
      </ul>
    </Panel>
  );
}
