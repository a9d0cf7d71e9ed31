import { UploadOutlined } from '@ant-design/icons';
import { Button } from 'antd';
import { useTranslation } from 'react-i18next';
import type { Import } from '@/api/types';
import { useFormat } from '@/lib/format';
import { useGo } from '@/lib/url';
import { type Column, DataTable } from '@/ui/DataTable';
import { ACTIVE_STATES, ImportProgress } from '@/ui/ImportProgress';
import { AppLink } from '@/ui/Link';
import { ImportStateMark } from '@/ui/marks';
import { Page } from '@/ui/Page';
import { EmptyState } from '@/ui/states';
import { Int, Nothing, Time } from '@/ui/values';
import { useImports } from './api';
import { formatNames, importName } from './names';

export default function ImportsPage() {
  const { t } = useTranslation();
  const format = useFormat();
  const go = useGo();
  const query = useImports();
  const items = query.data?.pages.flatMap((page) => page.items);
  const columns: Column<Import>[] = [
    {
      key: 'name',
      title: t('commerce.imports.file'),
      width: 200,
      render: (row) => (
        <AppLink href={`/imports/${row.id}`} className="first-link">
          {importName(row)}
        </AppLink>
      ),
    },
    {
      key: 'state',
      title: t('commerce.field.state'),
      width: 116,
      render: (row) => <ImportStateMark import={row} />,
    },
    {
      key: 'shop',
      title: t('commerce.field.shop'),
      width: 112,
      render: (row) => row.shop?.name ?? <Nothing />,
    },
    {
      key: 'format',
      title: t('commerce.imports.format'),
      width: 172,
      render: (row) => formatNames(t, row.format) ?? <Nothing />,
    },
    {
      key: 'rows',
      title: t('commerce.imports.rows'),
      width: 66,
      right: true,
      render: (row) => <Int value={row.rows_read} />,
    },
    {
      key: 'created',
      title: t('commerce.result.created'),
      width: 86,
      right: true,
      render: (row) => <Int value={row.orders_created} />,
    },
    {
      key: 'updated',
      title: t('commerce.result.updated'),
      width: 86,
      right: true,
      render: (row) => <Int value={row.orders_updated} />,
    },
    {
      key: 'rejected',
      title: t('commerce.result.rejected'),
      width: 86,
      right: true,
      render: (row) => <Int value={row.rejected} />,
    },
    { key: 'at', title: t('commerce.imports.at'), width: 104, render: (row) => <Time at={row.created_at} /> },
  ];
  return (
    <Page
      title={t('commerce.imports.title')}
      actions={
        <Button type="primary" icon={<UploadOutlined />} onClick={() => go('/imports/new')}>
          {t('commerce.imports.new')}
        </Button>
      }
    >
      <DataTable<Import>
        label={t('commerce.imports.title')}
        columns={columns}
        items={items}
        error={query.error}
        onRetry={() => void query.refetch()}
        hrefOf={(row) => `/imports/${row.id}`}
        nameOf={importName}
        empty={
          <EmptyState
            title={t('commerce.imports.empty')}
            text={t('commerce.imports.emptyText')}
            action={<AppLink href="/imports/new">{t('commerce.imports.new')}</AppLink>}
          />
        }
        card={(row) => (
          <>
            <div className="card-row">
              <AppLink href={`/imports/${row.id}`} className="first-link">
                {importName(row)}
              </AppLink>
              <ImportStateMark import={row} />
            </div>
            {ACTIVE_STATES.includes(row.state) ? <ImportProgress import={row} small /> : null}
            <div className="card-row quiet">
              <span>
                {[
                  row.shop?.name,
                  row.rows_read
                    ? t('ui.progress.rows', { count: row.rows_read, n: format.int(row.rows_read) })
                    : undefined,
                ]
                  .filter(Boolean)
                  .join(' · ')}
              </span>
              <Time at={row.created_at} />
            </div>
          </>
        )}
        foot={
          query.hasNextPage ? (
            <Button loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
              {t('ui.loadMore')}
            </Button>
          ) : undefined
        }
      />
    </Page>
  );
}
