import { useTranslation } from 'react-i18next';
import { AppLink } from '@/ui/Link';
import { EmptyState } from '@/ui/states';

export function Missing() {
  const { t } = useTranslation();
  return (
    <EmptyState
      title={t('app.missing.title')}
      text={t('app.missing.text')}
      action={<AppLink href="/">{t('app.missing.home')}</AppLink>}
    />
  );
}
