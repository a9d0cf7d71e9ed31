import { Select } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useFormat } from '@/lib/format';
import { useAudiences } from '@/ui/audiences';
import { AppLink } from '@/ui/Link';
import { Panel } from '@/ui/Page';
import { PlainTable } from '@/ui/PlainTable';
import { ErrorState } from '@/ui/states';
import { useOverlap } from './api';

const MOST = 5;

/** How many customers an audience shares with some others. */
export function OverlapPanel(props: { id: string; unsaved: boolean }) {
  const { t } = useTranslation();
  const format = useFormat();
  const audiences = useAudiences();
  const [others, setOthers] = useState<string[]>([]);
  const overlap = useOverlap([props.id, ...others]);
  const choices = (audiences.data ?? []).filter((one) => one.id !== props.id && one.customers != null);
  const counts = overlap.data?.customers;
  const own = counts?.[0]?.[0] ?? 0;
  const rows = others.flatMap((id) => {
    const index = overlap.data?.audiences.indexOf(id) ?? -1;
    const both = counts?.[0]?.[index];
    const size = counts?.[index]?.[index];
    const name = choices.find((one) => one.id === id)?.name;
    return both === undefined || size === undefined || !name ? [] : [{ id, name, both, size }];
  });
  const share = (part: number, whole: number) => (whole ? format.percent(part / whole) : '–');
  return (
    <Panel title={t('insight.overlap.title')}>
      <div className="stack">
        {choices.length === 0 && audiences.data ? (
          <p className="quiet">{t('insight.overlap.none')}</p>
        ) : (
          <Select
            mode="multiple"
            maxCount={MOST}
            aria-label={t('insight.overlap.choose')}
            placeholder={t('insight.overlap.choose')}
            className="why-field"
            showSearch={{ optionFilterProp: 'label' }}
            value={others}
            onChange={setOthers}
            options={choices.map((one) => ({ value: one.id, label: one.name }))}
          />
        )}
        {props.unsaved && others.length ? <p className="quiet">{t('insight.overlap.saved')}</p> : null}
        {overlap.isError ? <ErrorState error={overlap.error} /> : null}
        {others.length && rows.length ? (
          <PlainTable
            label={t('insight.overlap.title')}
            rows={rows}
            columns={[
              {
                title: t('insight.audience.one'),
                className: 'wrap',
                render: (row) => <AppLink href={`/insight/audiences/${row.id}`}>{row.name}</AppLink>,
              },
              {
                title: t('insight.audience.customers'),
                right: true,
                render: (row) => format.int(row.size),
              },
              { title: t('insight.overlap.both'), right: true, render: (row) => format.int(row.both) },
              {
                title: t('insight.overlap.ofThis'),
                right: true,
                render: (row) => share(row.both, own),
              },
              {
                title: t('insight.overlap.ofThat'),
                right: true,
                render: (row) => share(row.both, row.size),
              },
            ]}
          />
        ) : null}
      </div>
    </Panel>
  );
}
