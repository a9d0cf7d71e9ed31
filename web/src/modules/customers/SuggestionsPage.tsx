import { Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { AppLink } from '@/ui/Link';
import { Page, Panel } from '@/ui/Page';
import { EmptyState, ErrorState, Waiting } from '@/ui/states';
import { useSuggestions } from './api';
import { MergeSwitch } from './MergeSwitch';
import { SuggestionItem } from './SuggestionItem';

export default function SuggestionsPage() {
  const { t } = useTranslation();
  const query = useSuggestions();
  const items = query.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Page title={t('customers.merge.pageTitle')} note={t('customers.merge.pageNote')} narrow>
      <MergeSwitch />
      <Panel>
        {query.isPending ? (
          <Waiting />
        ) : query.isError ? (
          <ErrorState error={query.error} onRetry={() => void query.refetch()} />
        ) : items.length === 0 ? (
          <EmptyState
            title={t('customers.merge.pageEmpty')}
            text={t('customers.merge.pageEmptyText')}
            action={<AppLink href="/customers">{t('customers.title')}</AppLink>}
          />
        ) : (
          <ul className="suggestions">
            {items.map((one) => (
              <SuggestionItem key={one.id} suggestion={one} />
            ))}
          </ul>
        )}
        {query.hasNextPage ? (
          <Button loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
            {t('ui.loadMore')}
          </Button>
        ) : null}
      </Panel>
    </Page>
  );
}
