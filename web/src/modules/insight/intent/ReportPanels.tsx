import { Tag } from 'antd';
import { useTranslation } from 'react-i18next';
import type { IntentMetrics, IntentReport } from '@/api/types';
import { useFormat } from '@/lib/format';
import { Panel } from '@/ui/Page';
import { PlainTable } from '@/ui/PlainTable';
import { EmptyState } from '@/ui/states';
import { CalibrationChart, GainChart, LiftChart } from './charts';
import { useFeatureWords } from './words';

/** Reasons of which the words say all. */
const PLAIN = ['dropped', 'time', 'no_values', 'constant'];

/** The comparison: figures on held-back rows, pictures, behaviours, columns left out. */
export function ReportPanels(props: { report: IntentReport; own: boolean }) {
  const { report, own } = props;
  return (
    <>
      <ModelsPanel report={report} />
      <div className="grid-2">
        <GainChart report={report} />
        <CalibrationChart report={report} />
      </div>
      <LiftChart report={report} own={own} />
      <ExcludedPanel report={report} own={own} />
    </>
  );
}

function ModelsPanel(props: { report: IntentReport }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { report } = props;
  type Row = IntentMetrics & { id: string; auc_sd?: number };
  const rows: Row[] = [
    ...report.models.map((one) => ({ ...one, id: one.name as string })),
    { ...report.baseline, id: 'guess' },
  ];
  const figure = (value: number) => value.toFixed(3);
  return (
    <Panel title={t('insight.intent.models')}>
      <p className="quiet">
        {t(report.split === 'time' ? 'insight.intent.heldTime' : 'insight.intent.heldLot', {
          folds: format.int(report.folds),
          rows: format.int(report.rows),
          positives: format.int(report.positives),
        })}{' '}
        {report.rows_used < report.rows
          ? t('insight.intent.sampled', { n: format.int(report.rows_used) })
          : null}
      </p>
      <PlainTable
        label={t('insight.intent.models')}
        rows={rows}
        stacks
        labels
        columns={[
          {
            title: t('insight.intent.model'),
            render: (row) => (
              <>
                {t(`insight.intent.learner.${row.id}`)}{' '}
                {row.id === report.best ? <Tag color="success">{t('insight.intent.best')}</Tag> : null}
              </>
            ),
          },
          {
            title: t('insight.intent.auc'),
            right: true,
            render: (row) =>
              row.auc_sd === undefined ? figure(row.auc) : `${figure(row.auc)} ± ${figure(row.auc_sd)}`,
          },
          {
            title: t('insight.intent.ap'),
            right: true,
            render: (row) => figure(row.average_precision),
          },
          { title: t('insight.intent.logLoss'), right: true, render: (row) => figure(row.log_loss) },
          { title: t('insight.intent.brier'), right: true, render: (row) => figure(row.brier) },
          {
            title: t('insight.intent.top20'),
            right: true,
            render: (row) => format.percent(row.top20_capture),
          },
        ]}
      />
      <p className="quiet">{t('insight.intent.modelsNote')}</p>
    </Panel>
  );
}

function ExcludedPanel(props: { report: IntentReport; own: boolean }) {
  const { t } = useTranslation();
  const words = useFeatureWords(props.own);
  const { excluded, warnings } = props.report;
  const rows = [
    ...excluded.map((one) => ({ ...one, id: one.column })),
    ...warnings.map((one) => ({ ...one, id: `${one.column} `, code: 'suspicious' })),
  ];
  return (
    <Panel title={t('insight.intent.excluded')}>
      {rows.length ? (
        <PlainTable
          label={t('insight.intent.excluded')}
          rows={rows}
          stacks
          columns={[
            {
              title: t('insight.intent.columnName'),
              className: 'nowrap',
              render: (row) => words.name(row.column),
            },
            {
              title: t('insight.intent.why'),
              className: 'wrap',
              render: (row) => t(`insight.intent.code.${row.code}`, { defaultValue: row.reason }),
            },
            {
              title: t('insight.intent.detail'),
              className: 'wrap quiet',
              render: (row) => (PLAIN.includes(row.code) ? null : <span lang="en">{row.reason}</span>),
            },
          ]}
        />
      ) : (
        <EmptyState small title={t('insight.intent.noneExcluded')} />
      )}
    </Panel>
  );
}
