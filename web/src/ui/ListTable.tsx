import type { UseQueryResult } from '@tanstack/react-query';
import { Button } from 'antd';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useUrl } from '@/lib/url';
import { type Column, DataTable } from './DataTable';
import type { useKeyset } from './keyset';
import { EmptyState } from './states';

/** A page of a list and, where the server counts, how many there are in all. */
export interface ListAnswer<T> {
  items: T[];
  next?: string | null;
  total?: number | null;
}

/** A list whose filters, order and place are in the URL and whose rows come from the server by pages. */
export function ListTable<T extends { id: string }>(props: {
  label: string;
  columns: Column<T>[];
  query: UseQueryResult<ListAnswer<T>>;
  keyset: ReturnType<typeof useKeyset>;
  filters: { any: boolean; clear: () => void };
  /** Shown when there is nothing at all, filters or not. */
  empty: ReactNode;
  hrefOf: (row: T) => string;
  nameOf: (row: T) => string;
  card: (row: T) => ReactNode;
  selected?: string[];
  onSelect?: (ids: string[]) => void;
}) {
  const { t } = useTranslation();
  const [url, setUrl] = useUrl();
  const { query, keyset, filters, empty, ...rest } = props;
  return (
    <DataTable<T>
      {...rest}
      items={query.data?.items}
      error={query.error}
      onRetry={() => void query.refetch()}
      busy={query.isPlaceholderData}
      sort={url.sort}
      onSort={(sort) => setUrl({ sort })}
      paging={{
        next: query.data?.next,
        atStart: keyset.atStart,
        pageNumber: keyset.pageNumber,
        onForward: keyset.forward,
        onBack: keyset.back,
      }}
      empty={
        filters.any ? (
          <EmptyState
            title={t('ui.filteredEmpty')}
            text={t('ui.filteredEmptyText')}
            action={<Button onClick={filters.clear}>{t('ui.clearFilters')}</Button>}
          />
        ) : (
          empty
        )
      }
    />
  );
}
