import { Alert, Button, Segmented } from 'antd';
import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ProblemError } from '@/api/client';
import type { IntentModel, IntentModelDetail } from '@/api/types';
import { useFormat } from '@/lib/format';
import { idOf } from '@/lib/known';
import { queryClient } from '@/lib/query';
import { useMay } from '@/lib/rights';
import { FilterBar, Labelled } from '@/ui/filters';
import { useKnownUrl } from '@/ui/known';
import { AppLink } from '@/ui/Link';
import { Panel } from '@/ui/Page';
import { EmptyState, Loaded, useProblemText } from '@/ui/states';
import { trainModel, useModel, useModels } from './api';
import { CustomersPanel } from './CustomersPanel';
import { ReportPanels } from './ReportPanels';
import { DriftLight, DriftPanel, VersionsPanel } from './VersionsPanel';

const HORIZONS = ['14', '30', '60', '90'];

/** Intent of the organisation's own customers: have a model trained, see how good it is, and whom it names. */
export function OwnView() {
  const models = useModels();
  return (
    <Loaded query={models} rows={10}>
      {(all) => <Versions models={all} />}
    </Loaded>
  );
}

function Versions(props: { models: IntentModel[] }) {
  const { t } = useTranslation();
  const trains = useMay()('insight.models');
  const { models } = props;
  const active = models.find((one) => one.state === 'active');
  const newest = models[0];
  const [url] = useKnownUrl({ model: idOf(models) });
  const shown = models.find((one) => one.id === url.model && one.kind) ?? active;
  const detail = useModel(shown?.id);
  return (
    <>
      <TrainBar newest={newest} active={active} />
      {newest?.state === 'failed' ? (
        <Alert
          type="warning"
          showIcon
          title={t('insight.intent.failed', { n: newest.version })}
          description={<span lang="en">{newest.failure}</span>}
        />
      ) : null}
      {shown ? (
        <Loaded query={detail} rows={10}>
          {(told) => (
            <>
              {told.state === 'active' ? null : (
                <Alert
                  type="info"
                  showIcon
                  title={t('insight.intent.notActive', { n: told.version })}
                  action={<AppLink href="/insight/intent">{t('insight.intent.toActive')}</AppLink>}
                />
              )}
              <Board detail={told} />
            </>
          )}
        </Loaded>
      ) : newest?.state === 'waiting' ? null : (
        <Panel>
          <EmptyState
            title={t('insight.intent.empty')}
            text={t(trains ? 'insight.intent.emptyText' : 'insight.intent.emptyAsk')}
          />
        </Panel>
      )}
      {models.length ? <VersionsPanel models={models} /> : null}
    </>
  );
}

function TrainBar(props: { newest?: IntentModel; active?: IntentModel }) {
  const { t } = useTranslation();
  const may = useMay();
  const say = useProblemText();
  const { newest, active } = props;
  const [horizon, setHorizon] = useState<string>();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const chosen = horizon ?? String(active?.horizon_days ?? 30);
  const waits = newest?.state === 'waiting';
  if (!may('insight.models')) return waits ? <Training version={newest.version} /> : null;
  const train = async () => {
    setBusy(true);
    setError(undefined);
    try {
      await trainModel(Number(chosen));
      await queryClient.invalidateQueries({ queryKey: ['intent', 'models'] });
    } catch (refused) {
      setError(refused);
    } finally {
      setBusy(false);
    }
  };
  const young = error instanceof ProblemError && error.kind === 'too_little_history';
  return (
    <>
      <FilterBar>
        <Labelled label={t('insight.value.horizon')}>
          <Segmented
            aria-label={t('insight.value.horizon')}
            value={chosen}
            onChange={(days) => setHorizon(String(days))}
            options={[...new Set([...HORIZONS, chosen])].map((days) => ({
              value: days,
              label: t('insight.value.days', { count: Number(days), n: days }),
            }))}
          />
        </Labelled>
        <Button
          className="intent-train"
          type={active ? 'default' : 'primary'}
          loading={busy}
          disabled={waits}
          onClick={() => void train()}
        >
          {t(active ? 'insight.intent.trainAgain' : 'insight.intent.train')}
        </Button>
      </FilterBar>
      {waits ? <Training version={newest.version} /> : null}
      {error ? (
        <Alert
          type={young ? 'info' : 'error'}
          showIcon
          role="alert"
          title={young ? t('insight.intent.young') : say(error)}
          description={
            young ? (
              <>
                {t('insight.intent.youngText')}{' '}
                {may('commerce.import') ? (
                  <AppLink href="/imports/new">{t('insight.workbench.emptyAction')}</AppLink>
                ) : null}
              </>
            ) : undefined
          }
        />
      ) : null}
    </>
  );
}

function Training(props: { version: number }) {
  const { t } = useTranslation();
  return (
    <div role="status">
      <Alert type="info" showIcon title={t('insight.intent.training', { n: props.version })} />
    </div>
  );
}

function Tile(props: { name: string; value: ReactNode; note?: ReactNode }) {
  return (
    <div className="tile">
      <dt>{props.name}</dt>
      <dd>{props.value}</dd>
      {props.note ? <dd className="tile-note">{props.note}</dd> : null}
    </div>
  );
}

function Board(props: { detail: IntentModelDetail }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { detail } = props;
  const { figures, report } = detail;
  const days = t('insight.value.days', { count: detail.horizon_days, n: detail.horizon_days });
  return (
    <>
      {figures ? (
        <dl className="grid-4 keep-2 tiles">
          <Tile
            name={t('insight.intent.top20')}
            value={format.percent(figures.top20_capture, 0)}
            note={t('insight.intent.top20Note')}
          />
          <Tile
            name={t('insight.intent.auc')}
            value={figures.auc.toFixed(3)}
            note={t('insight.intent.aucNote')}
          />
          <Tile
            name={t('insight.intent.share', { days })}
            value={format.percent(figures.positives / figures.rows)}
            note={t('insight.intent.shareNote', { n: format.int(figures.rows) })}
          />
          <Tile
            name={t('insight.intent.drift.title')}
            value={
              <span className="tile-badge">
                <DriftLight drift={detail.drift} />
              </span>
            }
            note={
              detail.state === 'active' && detail.drift?.watched
                ? t(`insight.intent.watched.${detail.drift.watched}`)
                : t('insight.intent.drift.note')
            }
          />
        </dl>
      ) : null}
      {detail.state === 'active' ? <CustomersPanel model={detail.id} /> : null}
      {report ? (
        <>
          <p className="quiet">
            {t('insight.intent.learned', {
              moments: report.moments.join(t('insight.intent.listJoint')),
              day: report.as_of,
            })}{' '}
            {report.is_sample ? t('insight.intent.isSample') : null}{' '}
            {report.silent_shops?.map((one) => (
              <span key={one.shop}>
                {t('insight.intent.silent', {
                  shop: one.shop,
                  moments: one.moments.join(t('insight.intent.listJoint')),
                })}{' '}
              </span>
            ))}
            {report.amounts ? null : t('insight.intent.noAmounts')}{' '}
            {report.comparison?.old_auc != null
              ? t('insight.intent.compared', {
                  n: report.comparison.version,
                  fresh: report.comparison.new_auc.toFixed(3),
                  old: report.comparison.old_auc.toFixed(3),
                })
              : null}
          </p>
          <ReportPanels report={report.report} own />
        </>
      ) : null}
      <DriftPanel drift={detail.drift} />
    </>
  );
}
