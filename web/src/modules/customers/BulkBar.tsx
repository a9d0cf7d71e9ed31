import { useMutation, useQueryClient } from '@tanstack/react-query';
import { App, Button, Select } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { CustomerRow, Tag } from '@/api/types';
import { useFormat } from '@/lib/format';
import { useSay } from '@/ui/say';
import { AssignBar } from './AssignBar';
import { bulkTags } from './api';

const MOST = 1000;

/** Gives the selected customers to somebody; tags or untags them, and takes exactly that back. */
export function BulkBar(props: {
  selected: string[];
  rows: CustomerRow[];
  tags: Tag[];
  canTag: boolean;
  canAssign: boolean;
  onClear: () => void;
}) {
  const { t } = useTranslation();
  const format = useFormat();
  const say = useSay();
  const { notification } = App.useApp();
  const client = useQueryClient();
  const [tag, setTag] = useState<string>();
  const refresh = () =>
    Promise.all([
      client.invalidateQueries({ queryKey: ['customers'] }),
      client.invalidateQueries({ queryKey: ['tags'] }),
      client.invalidateQueries({ queryKey: ['customer'] }),
    ]);

  /** Those of the selection for whom the change means something; rows of other pages are taken as changed. */
  const touched = (id: string, adding: boolean) =>
    props.selected.filter((customer) => {
      const row = props.rows.find((one) => one.id === customer);
      return !row || row.tags.some((one) => one.id === id) !== adding;
    });

  const change = useMutation({
    mutationFn: async (input: { tag: string; adding: boolean; customers: string[]; undo?: boolean }) =>
      bulkTags({
        customers: input.customers,
        add: input.adding ? [input.tag] : [],
        remove: input.adding ? [] : [input.tag],
      }),
    onSuccess: async (answer, input) => {
      await refresh();
      if (input.undo) {
        say.done(t('customers.bulk.undone'));
        return;
      }
      const key = `bulk-${Date.now()}`;
      notification.success({
        key,
        placement: 'bottomRight',
        duration: 12,
        title: t(input.adding ? 'customers.bulk.added' : 'customers.bulk.removed', {
          count: answer.changed,
          n: format.int(answer.changed),
          tag: props.tags.find((one) => one.id === input.tag)?.name,
        }),
        actions: (
          <Button
            size="small"
            onClick={() => {
              notification.destroy(key);
              change.mutate({ ...input, adding: !input.adding, undo: true });
            }}
          >
            {t('ui.undo')}
          </Button>
        ),
      });
    },
    onError: say.refused,
  });
  const run = (adding: boolean) => {
    if (!tag) return;
    const customers = touched(tag, adding);
    if (customers.length === 0) say.done(t('customers.bulk.nothing'));
    else change.mutate({ tag, adding, customers });
  };
  const tooMany = props.selected.length > MOST;
  return (
    <section className="bulk" aria-label={t('customers.bulk.label')}>
      <strong>{t('customers.bulk.selected', { n: format.int(props.selected.length) })}</strong>
      {props.canAssign ? (
        <AssignBar selected={props.selected} rows={props.rows} disabled={tooMany} onDone={props.onClear} />
      ) : null}
      {props.canTag ? (
        <>
          <Select
            style={{ minWidth: 160 }}
            showSearch={{ optionFilterProp: 'label' }}
            aria-label={t('customers.bulk.tag')}
            placeholder={t('customers.bulk.tag')}
            value={tag}
            onChange={setTag}
            options={props.tags.map((one) => ({
              value: one.id,
              label: one.automatic ? t('customers.tags.automaticOption', { name: one.name }) : one.name,
              disabled: one.automatic,
            }))}
          />
          <Button
            type="primary"
            disabled={!tag || tooMany}
            loading={change.isPending}
            onClick={() => run(true)}
          >
            {t('customers.bulk.add')}
          </Button>
          <Button disabled={!tag || tooMany || change.isPending} onClick={() => run(false)}>
            {t('customers.bulk.remove')}
          </Button>
        </>
      ) : null}
      <Button type="text" onClick={props.onClear}>
        {t('customers.bulk.clear')}
      </Button>
      {tooMany ? <span className="quiet">{t('customers.bulk.tooMany', { n: format.int(MOST) })}</span> : null}
    </section>
  );
}
