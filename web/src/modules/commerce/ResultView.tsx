import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Alert, App, Button, Typography } from 'antd';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { Import } from '@/api/types';
import { useFormat } from '@/lib/format';
import { useGo } from '@/lib/url';
import { Facts, Panel } from '@/ui/Page';
import { useSay } from '@/ui/say';
import { Time } from '@/ui/values';
import { Who } from '@/ui/Who';
import { startImport, undoImport } from './api';
import { Counts } from './Counts';
import { RejectsButtons } from './RejectsButtons';
import { obstacleText } from './told';

export function ResultView(props: { import: Import }) {
  const { t } = useTranslation();
  const format = useFormat();
  const say = useSay();
  const go = useGo();
  const client = useQueryClient();
  const { modal } = App.useApp();
  const it = props.import;
  const take = async (now: Import) => {
    if (now?.id) client.setQueryData(['import', it.id], now);
    await client.invalidateQueries({ queryKey: ['imports'] });
  };
  const undo = useMutation({ mutationFn: () => undoImport(it.id), onSuccess: take, onError: say.refused });
  const real = useMutation({
    mutationFn: () => startImport(it.id, { dry_run: false }),
    onSuccess: take,
    onError: say.refused,
  });
  const askUndo = () =>
    modal.confirm({
      title: t('commerce.undo.title', { name: it.files[0]?.name ?? it.id }),
      content: (
        <ul className="bullets">
          {(
            [
              ['orders', it.orders_created],
              ['updates', it.orders_updated],
              ['customers', it.customers_created],
            ] as const
          )
            .filter(([, count]) => count > 0)
            .map(([what, count]) => (
              <li key={what}>{t(`commerce.undo.${what}`, { count, n: format.int(count) })}</li>
            ))}
        </ul>
      ),
      okText: t('commerce.undo.button'),
      okButtonProps: { danger: true },
      cancelText: t('ui.cancel'),
      onOk: () => undo.mutateAsync().catch(() => undefined),
    });
  const finished = it.state === 'finished';
  const error = obstacleText(t, it.error_code, it.error);
  const refusal = obstacleText(t, it.undo_refusal_code, it.undo_refusal) ?? error;
  const nothingNew = finished && it.orders_created + it.orders_updated === 0 && it.orders_unchanged > 0;
  const kind = finished ? (it.rejected ? 'warning' : 'success') : it.state === 'failed' ? 'error' : 'info';
  return (
    <>
      <Alert
        type={kind}
        showIcon
        title={
          it.dry_run && finished
            ? t('commerce.result.dry')
            : nothingNew
              ? t('commerce.result.same')
              : t(`commerce.result.state.${it.state}`)
        }
        description={
          error ??
          (finished && it.rejected
            ? t('commerce.result.rejectedText', { count: it.rejected, n: format.int(it.rejected) })
            : undefined)
        }
      />
      <Panel>
        <div className="buttons">
          {it.dry_run && finished ? (
            <Button type="primary" loading={real.isPending} onClick={() => real.mutate()}>
              {t('commerce.result.real')}
            </Button>
          ) : null}
          {finished && !it.dry_run ? (
            <Button type="primary" onClick={() => go('/customers')}>
              {t('commerce.result.seeCustomers')}
            </Button>
          ) : null}
          {finished && !it.dry_run ? (
            <Button onClick={() => go('/insight/rfm')}>{t('commerce.result.seeTiers')}</Button>
          ) : null}
          <RejectsButtons import={it} />
          {finished && !it.dry_run && it.can_undo ? (
            <Button danger loading={undo.isPending} onClick={askUndo}>
              {t('commerce.undo.button')}
            </Button>
          ) : null}
          {finished ? null : <Button onClick={() => go('/imports/new')}>{t('commerce.imports.new')}</Button>}
        </div>
        {finished && !it.dry_run && refusal ? (
          <p className="quiet">{t('commerce.undo.refused', { why: refusal })}</p>
        ) : null}
        <Facts
          items={[
            [t('commerce.result.took'), it.seconds == null ? '–' : format.seconds(it.seconds)],
            [t('commerce.result.started'), <Time key="s" at={it.started_at} />],
            [t('commerce.result.ended'), <Time key="e" at={it.finished_at} />],
            ...(it.created_by_person
              ? [
                  [t('commerce.result.by'), <Who key="b" person={it.created_by_person} />] as [
                    string,
                    ReactNode,
                  ],
                ]
              : []),
            [
              t('commerce.result.id'),
              <Typography.Text key="i" copyable={{ text: it.id }}>
                #{format.int(it.number)}
              </Typography.Text>,
            ],
          ]}
        />
      </Panel>
      <Counts import={it} />
    </>
  );
}
