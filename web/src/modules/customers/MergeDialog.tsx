import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Alert, Modal, Radio, Select } from 'antd';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { CustomerRow } from '@/api/types';
import { useFormat } from '@/lib/format';
import { useGo } from '@/lib/url';
import { useSay } from '@/ui/say';
import { findCustomers, mergeCustomers } from './api';

/** Chooses the other customer, says what will happen, merges. */
export function MergeDialog(props: { card: CustomerRow; other?: CustomerRow; onClose: () => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const say = useSay();
  const go = useGo();
  const client = useQueryClient();
  const { card } = props;
  const [text, setText] = useState('');
  const [asked, setAsked] = useState('');
  const [other, setOther] = useState<CustomerRow | undefined>(props.other);
  const [keepThis, setKeepThis] = useState(true);
  useEffect(() => {
    const timer = setTimeout(() => setAsked(text.trim()), 250);
    return () => clearTimeout(timer);
  }, [text]);
  const found = useQuery({
    queryKey: ['customers', 'find', asked],
    enabled: asked.length > 0,
    queryFn: () => findCustomers(asked),
  });
  const kept = keepThis ? card : other;
  const absorbed = keepThis ? other : card;
  const merge = useMutation({
    mutationFn: (pair: { keep: string; absorb: string }) => mergeCustomers(pair),
    onSuccess: async (_, pair) => {
      await Promise.all(
        ['customers', 'customer', 'suggestions', 'orders'].map((key) =>
          client.invalidateQueries({ queryKey: [key] }),
        ),
      );
      say.done(t('customers.merge.done'));
      props.onClose();
      if (!props.other) go(`/customers/${pair.keep}`);
    },
    onError: say.refused,
  });
  const describe = (row: CustomerRow) =>
    [
      row.name || row.accounts[0]?.value,
      row.accounts[0]?.value,
      row.phone,
      t('customers.ordersOf', { count: row.orders, n: format.int(row.orders) }),
    ]
      .filter(Boolean)
      .join(' · ');
  return (
    <Modal
      open
      title={t('customers.merge.title')}
      okText={t('customers.merge.confirm')}
      okButtonProps={{ disabled: !other }}
      confirmLoading={merge.isPending}
      onOk={() => kept && absorbed && merge.mutate({ keep: kept.id, absorb: absorbed.id })}
      onCancel={props.onClose}
    >
      <div className="stack">
        <p className="quiet">{t('customers.merge.text')}</p>
        {props.other ? null : (
          <Select
            showSearch={{ filterOption: false, onSearch: setText }}
            autoFocus
            aria-label={t('customers.merge.find')}
            placeholder={t('customers.merge.find')}
            value={other?.id}
            loading={found.isFetching}
            notFoundContent={asked && !found.isFetching ? t('ui.filteredEmpty') : null}
            onChange={(id) => setOther(found.data?.items.find((row) => row.id === id))}
            options={(found.data?.items ?? [])
              .filter((row) => row.id !== card.id)
              .map((row) => ({ value: row.id, label: describe(row) }))}
          />
        )}
        {other ? (
          <>
            <Radio.Group
              className="radio-lines"
              aria-label={t('customers.merge.keep')}
              value={keepThis}
              onChange={(event) => setKeepThis(event.target.value as boolean)}
              options={[
                { value: true, label: t('customers.merge.keepOne', { name: describe(card) }) },
                { value: false, label: t('customers.merge.keepOne', { name: describe(other) }) },
              ]}
            />
            <Alert
              type="info"
              title={t('customers.merge.says', {
                count: absorbed?.orders ?? 0,
                n: format.int(absorbed?.orders ?? 0),
                absorb: absorbed?.name || absorbed?.accounts[0]?.value,
                keep: kept?.name || kept?.accounts[0]?.value,
              })}
            />
          </>
        ) : null}
      </div>
    </Modal>
  );
}
