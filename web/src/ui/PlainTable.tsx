import { type InfiniteData, type UseInfiniteQueryResult, useQueryClient } from '@tanstack/react-query';
import { Alert, Button } from 'antd';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { ProblemError } from '@/api/client';
import { ScrollX } from './ScrollX';
import { EmptyState, Loaded, useProblemText } from './states';

export interface PlainColumn<T> {
  /** Said to screen readers only where `quietTitle` is set. */
  title: string;
  quietTitle?: boolean;
  right?: boolean;
  className?: string;
  render: (row: T) => ReactNode;
}

/** Rows without order or choice; the first column names the row. On a phone each row stands by itself where
 * `stacks` is set. */
export function PlainTable<T extends { id: string }>(props: {
  label: string;
  rows: readonly T[];
  columns: PlainColumn<T>[];
  stacks?: boolean;
  /** Where rows stand by themselves, cells say what they are of. */
  labels?: boolean;
}) {
  const { columns } = props;
  const look = ({ right, className }: PlainColumn<T>) =>
    [right ? 'num' : '', className].filter(Boolean).join(' ') || undefined;
  return (
    <ScrollX label={props.label}>
      <table
        className={['plain', props.stacks && 'plain-stacks', props.labels && 'plain-labels']
          .filter(Boolean)
          .join(' ')}
      >
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.title} scope="col" className={column.right ? 'num' : undefined}>
                {column.quietTitle ? <span className="sr-only">{column.title}</span> : column.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {props.rows.map((row) => (
            <tr key={row.id}>
              {columns.map((column, index) =>
                index === 0 ? (
                  <th key={column.title} scope="row" className={look(column)}>
                    {column.render(row)}
                  </th>
                ) : (
                  <td
                    key={column.title}
                    className={look(column)}
                    data-title={props.labels && !column.quietTitle ? column.title : undefined}
                  >
                    {column.render(row)}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollX>
  );
}

/** As `PlainTable`, of rows that come by pages: waits, says what is wrong or that there are none, and loads more. */
export function PagedTable<T extends { id: string }>(props: {
  label: string;
  query: UseInfiniteQueryResult<InfiniteData<{ items: T[] }>>;
  /** Where a list may change between two pages, so that it can begin again. */
  queryKey?: readonly unknown[];
  empty: { title: string; text?: string };
  columns: PlainColumn<T>[];
  stacks?: boolean;
  labels?: boolean;
  /** The rows in another way, such as cards on a phone. */
  instead?: (rows: T[]) => ReactNode;
}) {
  const { t } = useTranslation();
  const say = useProblemText();
  const client = useQueryClient();
  const { query, queryKey, empty, instead, ...rest } = props;
  const changed = query.error instanceof ProblemError && query.error.kind === 'list_changed';
  const again = () =>
    // The pages that are there are of the list as it was.
    queryKey && changed ? client.resetQueries({ queryKey }) : query.fetchNextPage();
  return (
    <Loaded query={query}>
      {(data) => {
        const rows = data.pages.flatMap((page) => page.items);
        if (rows.length === 0) return <EmptyState small {...empty} />;
        return (
          <div className="stack">
            {instead ? instead(rows) : <PlainTable rows={rows} {...rest} />}
            {query.isFetchNextPageError ? (
              <Alert
                type="warning"
                showIcon
                role="alert"
                title={say(query.error)}
                action={
                  <Button size="small" onClick={() => void again()}>
                    {t(changed ? 'ui.beginAgain' : 'ui.retry')}
                  </Button>
                }
              />
            ) : query.hasNextPage ? (
              <div>
                <Button loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
                  {t('ui.loadMore')}
                </Button>
              </div>
            ) : null}
          </div>
        );
      }}
    </Loaded>
  );
}
