import { Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { ProblemError } from '@/api/client';
import { EmptyState, ErrorState } from '@/ui/states';

export function Crash(props: { error: unknown }) {
  const { t } = useTranslation();
  const { error } = props;
  const reload = () => location.reload();
  if (error instanceof ProblemError) {
    // Loading anew without a server would leave nothing but the browser's own error page.
    const retry = () =>
      void fetch('/healthz', { cache: 'no-store' }).then(
        (answer) => answer.ok && reload(),
        () => undefined,
      );
    return <ErrorState error={error} onRetry={retry} />;
  }
  return (
    <EmptyState
      title={t('app.crash.title')}
      text={
        <>
          {t('app.crash.text')} <code>{error instanceof Error ? error.message : ''}</code>
        </>
      }
      action={<Button onClick={reload}>{t('app.crash.reload')}</Button>}
    />
  );
}
