import { Button, Input, InputNumber, Select } from 'antd';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ProblemError } from '@/api/client';
import type { IntentFileReport } from '@/api/types';
import { useFormat } from '@/lib/format';
import { FileDrop } from '@/ui/FileDrop';
import { Labelled } from '@/ui/filters';
import { Panel } from '@/ui/Page';
import { EmptyState, ErrorState, Waiting } from '@/ui/states';
import { reportOfFile } from './api';
import { ReportPanels } from './ReportPanels';

/** Any file with one row for each customer or lead: choose what is to be foretold, see what foretells it. */
export function FileView() {
  const { t } = useTranslation();
  const format = useFormat();
  const [file, setFile] = useState<File>();
  const [told, setTold] = useState<IntentFileReport>();
  const [target, setTarget] = useState<string>();
  const [positive, setPositive] = useState('');
  const [drop, setDrop] = useState<string[]>([]);
  const [folds, setFolds] = useState(5);
  const [seed, setSeed] = useState(0);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const stop = useRef<AbortController>(undefined);
  useEffect(() => () => stop.current?.abort(), []);

  const ask = async (of: File, wanted: string | undefined) => {
    stop.current?.abort();
    const control = new AbortController();
    stop.current = control;
    setBusy(true);
    setError(undefined);
    try {
      const wish = wanted
        ? { target: wanted, positive: positive.trim() || undefined, drop, folds, seed }
        : { drop: [] };
      setTold(await reportOfFile(of, wish, control.signal));
    } catch (refused) {
      if (refused instanceof DOMException) return;
      setError(refused);
      // What was told of another choice does not stand below the refusal of this one.
      setTold((before) => before && { ...before, report: null });
    } finally {
      if (stop.current === control) setBusy(false);
    }
  };
  const begin = ([first]: File[]) => {
    if (!first) return;
    setFile(first);
    setTold(undefined);
    setTarget(undefined);
    setPositive('');
    setDrop([]);
    void ask(first, undefined);
  };
  const columns = (told?.columns ?? []).map((one) => ({ value: one.name, label: one.name }));
  return (
    <>
      <Panel>
        <FileDrop
          accept=".csv,.tsv,.txt,.xlsx"
          disabled={busy}
          title={file ? file.name : t('insight.intent.file.drop')}
          text={
            file && told
              ? t('insight.intent.file.size', {
                  rows: format.int(told.rows),
                  columns: format.int(told.columns.length),
                })
              : t('insight.intent.file.dropText')
          }
          label={t('insight.intent.file.choose')}
          onFiles={begin}
        />
        {told?.broken_rows ? (
          <p className="quiet">
            {t('insight.intent.file.broken', {
              n: format.int(told.broken_rows),
              first: told.first_broken ?? '',
            })}
          </p>
        ) : null}
        {file && columns.length ? (
          <form
            className="intent-file"
            onSubmit={(event) => {
              event.preventDefault();
              if (target) void ask(file, target);
            }}
          >
            <Labelled label={t('insight.intent.file.target')}>
              <Select
                showSearch
                aria-label={t('insight.intent.file.target')}
                placeholder={t('insight.intent.file.targetHint')}
                value={target}
                onChange={setTarget}
                options={columns}
              />
            </Labelled>
            <Labelled label={t('insight.intent.file.positive')}>
              <Input
                aria-label={t('insight.intent.file.positive')}
                placeholder={t('insight.intent.file.positiveHint')}
                value={positive}
                onChange={(event) => setPositive(event.target.value)}
              />
            </Labelled>
            <Labelled label={t('insight.intent.file.leaveOut')}>
              <Select
                mode="multiple"
                allowClear
                aria-label={t('insight.intent.file.leaveOut')}
                placeholder={t('insight.intent.file.leaveOutHint')}
                value={drop}
                onChange={setDrop}
                options={columns.filter((one) => one.value !== target)}
              />
            </Labelled>
            <Labelled label={t('insight.intent.file.folds')}>
              <InputNumber
                aria-label={t('insight.intent.file.folds')}
                min={2}
                max={20}
                value={folds}
                onChange={(value) => setFolds(value ?? 5)}
              />
            </Labelled>
            <Labelled label={t('insight.intent.file.seed')}>
              <InputNumber
                aria-label={t('insight.intent.file.seed')}
                min={0}
                value={seed}
                onChange={(value) => setSeed(value ?? 0)}
              />
            </Labelled>
            <Button type="primary" htmlType="submit" disabled={!target} loading={busy}>
              {t('insight.intent.file.compare')}
            </Button>
          </form>
        ) : null}
        {busy && !told ? <Waiting rows={3} /> : null}
        {error ? <Refusal error={error} /> : null}
      </Panel>
      {told?.report ? (
        <div className={busy ? 'stack list-busy' : 'stack'} aria-busy={busy}>
          <ReportPanels report={told.report} own={false} />
        </div>
      ) : file ? null : (
        <Panel>
          <EmptyState
            small
            title={t('insight.intent.file.empty')}
            text={t('insight.intent.file.emptyText')}
          />
        </Panel>
      )}
    </>
  );
}

/** What is wrong with the file or the choice; the server says where and what to do. */
function Refusal(props: { error: unknown }) {
  const { t } = useTranslation();
  const errors = props.error instanceof ProblemError ? (props.error.problem.errors ?? []) : [];
  if (!errors.length) return <ErrorState error={props.error} />;
  return (
    <div className="empty empty-small" role="alert">
      <p className="empty-title">{t('insight.intent.file.refused')}</p>
      {errors.map((one) => (
        <p key={one.field + one.message} className="empty-text">
          {t(`insight.intent.file.field.${one.field}`, { defaultValue: one.field })}:{' '}
          <span lang="en">{one.message}</span>
        </p>
      ))}
    </div>
  );
}
