import { Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { EmptyState } from '@/ui/states';

export function Crash(props: { error: unknown }) {
  const { t } = useTranslation();
  return (
    <EmptyState
      title={t('app.crash.title')}
      text={
        <>
          {t('app.crash.text')} <code>{props.error instanceof Error ? props.error.message : ''}</code>
        </>
      }
      action={<Button onClick={() => location.reload()}>{t('app.crash.reload')}</Button>}
    />
  );
}
