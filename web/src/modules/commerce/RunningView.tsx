import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Button, Popconfirm } from 'antd';
import { useTranslation } from 'react-i18next';
import type { Import } from '@/api/types';
import { useFormat } from '@/lib/format';
import { ImportProgress } from '@/ui/ImportProgress';
import { Panel } from '@/ui/Page';
import { useSay } from '@/ui/say';
import { cancelImport, pauseImport, resumeImport } from './api';
import { Counts } from './Counts';

export function RunningView(props: { import: Import }) {
  const { t } = useTranslation();
  const format = useFormat();
  const say = useSay();
  const client = useQueryClient();
  const it = props.import;
  const act = useMutation({
    mutationFn: (call: (id: string) => Promise<Import>) => call(it.id),
    onSuccess: async (now) => {
      if (now?.id) client.setQueryData(['import', it.id], now);
      await client.invalidateQueries({ queryKey: ['imports'] });
    },
    onError: say.refused,
  });
  return (
    <>
      <Panel title={t(`commerce.running.${it.state}`)}>
        <div aria-live="polite">
          <ImportProgress import={it} />
        </div>
        <div className="buttons">
          {it.state === 'running' || it.state === 'queued' ? (
            <Button loading={act.isPending} onClick={() => act.mutate(pauseImport)}>
              {t('commerce.running.pause')}
            </Button>
          ) : null}
          {it.state === 'paused' ? (
            <Button type="primary" loading={act.isPending} onClick={() => act.mutate(resumeImport)}>
              {t('commerce.running.resume')}
            </Button>
          ) : null}
          {it.state !== 'undoing' ? (
            <Popconfirm
              title={t('commerce.running.cancelAsk')}
              description={t('commerce.running.cancelText', {
                count: it.orders_created + it.orders_updated,
                n: format.int(it.orders_created + it.orders_updated),
              })}
              okText={t('commerce.running.cancel')}
              cancelText={t('commerce.running.goOn')}
              onConfirm={() => act.mutate(cancelImport)}
            >
              <Button danger>{t('commerce.running.cancel')}</Button>
            </Popconfirm>
          ) : null}
        </div>
        <p className="quiet">
          {t(it.state === 'paused' ? 'commerce.running.pausedText' : 'commerce.running.leave')}
        </p>
      </Panel>
      <Counts import={it} />
    </>
  );
}
