import { Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { ProblemError } from '@/api/client';
import { EmptyState, ErrorState } from '@/ui/states';

/** Scripts of a page that could not be fetched: the server is away, or has newer pages. */
function unreachable(error: unknown): boolean {
  return (
    error instanceof TypeError && /module script|dynamically imported|importing a module/i.test(error.message)
  );
}

export function Crash(props: { error: unknown }) {
  const { t } = useTranslation();
  const { error } = props;
  const reload = () => location.reload();
  if (error instanceof ProblemError) return <ErrorState error={error} onRetry={reload} />;
  if (unreachable(error)) return <ErrorState error={new ProblemError(0, {})} onRetry={reload} />;
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
