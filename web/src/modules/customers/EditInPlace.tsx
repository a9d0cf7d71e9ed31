import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Alert, Button, Form, Input, Select } from 'antd';
import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ProblemError } from '@/api/client';
import type { CustomerCard } from '@/api/types';
import { placeErrors } from '@/lib/fields';
import { useMay, useSees } from '@/lib/rights';
import { RATINGS } from '@/lib/words';
import { Facts } from '@/ui/Page';
import { useSay } from '@/ui/say';
import { useClocks } from '@/ui/shops';
import { Day, Nothing } from '@/ui/values';
import { patchCustomer } from './api';

interface Values {
  name: string;
  rating?: string | null;
}

/** Name and rating; when someone else was quicker, both versions stand side by side. */
export function EditInPlace(props: { card: CustomerCard }) {
  const { t } = useTranslation();
  const clocks = useClocks();
  const say = useSay();
  const client = useQueryClient();
  const { card } = props;
  const [form] = Form.useForm<Values>();
  const [editing, setEditing] = useState(false);
  const [conflict, setConflict] = useState<Values>();
  const may = useMay();
  const sees = useSees();
  const names = sees.free('customers.name');
  const rates = sees.free('customers.rating');
  const save = useMutation({
    mutationFn: (values: Values) =>
      patchCustomer(card.id, card.version, {
        ...(names && values.name !== card.name ? { name: values.name } : {}),
        ...(rates ? { rating: (values.rating ?? null) as CustomerCard['rating'] } : {}),
      }),
    onSuccess: async (saved) => {
      client.setQueryData(['customer', card.id], saved);
      setEditing(false);
      setConflict(undefined);
      say.done(t('customers.saved'));
      await client.invalidateQueries({ queryKey: ['customers'] });
    },
    onError: async (error, values) => {
      if (error instanceof ProblemError && error.status === 412) {
        setConflict(values);
        await client.invalidateQueries({ queryKey: ['customer', card.id] });
      } else if (!placeErrors(form, error, ['name', 'rating'])) say.refused(error);
    },
  });
  const ratingName = (rating?: string | null) =>
    rating ? t(`customers.rating.${rating}`) : t('customers.noRating');

  if (!editing) {
    return (
      <>
        <Facts
          columns
          items={[
            [t('customers.field.name'), card.name || <Nothing key="n" />],
            ...(
              [
                ['rating', ratingName(card.rating)],
                ['phone', card.phone ?? <Nothing key="p" />],
                ['email', card.email ?? <Nothing key="e" />],
              ] as [string, ReactNode][]
            )
              .filter(([name]) => sees.any(`customers.${name}`))
              .map(([name, value]): [string, ReactNode] => [t(`customers.field.${name}`), value]),
            [t('customers.field.firstOrder'), <Day key="f" at={card.first_order_at} offset={clocks()} />],
            [t('customers.field.created'), <Day key="c" at={card.created_at} offset={clocks()} />],
          ]}
        />
        {card.merged_into || !may('customers.edit') || !(names || rates) ? null : (
          <Button
            size="small"
            type="link"
            className="edit-link"
            onClick={() => {
              form.setFieldsValue({ name: card.name, rating: card.rating });
              setEditing(true);
            }}
          >
            {t(
              names && rates
                ? 'customers.editProfile'
                : names
                  ? 'customers.editName'
                  : 'customers.editRating',
            )}
          </Button>
        )}
      </>
    );
  }
  return (
    <Form
      form={form}
      layout="vertical"
      initialValues={{ name: card.name, rating: card.rating }}
      onFinish={(values) => save.mutate(values)}
    >
      {conflict ? (
        <Alert
          type="warning"
          showIcon
          className="conflict"
          title={t('customers.conflict.title')}
          description={
            <table className="plain">
              <thead>
                <tr>
                  <th scope="col">{t('customers.conflict.field')}</th>
                  <th scope="col">{t('customers.conflict.theirs')}</th>
                  <th scope="col">{t('customers.conflict.yours')}</th>
                </tr>
              </thead>
              <tbody>
                {names && conflict.name !== card.name ? (
                  <tr>
                    <th scope="row">{t('customers.field.name')}</th>
                    <td>{card.name}</td>
                    <td>{conflict.name}</td>
                  </tr>
                ) : null}
                {rates && (conflict.rating ?? null) !== (card.rating ?? null) ? (
                  <tr>
                    <th scope="row">{t('customers.field.rating')}</th>
                    <td>{ratingName(card.rating)}</td>
                    <td>{ratingName(conflict.rating)}</td>
                  </tr>
                ) : null}
              </tbody>
            </table>
          }
          action={
            <Button
              size="small"
              onClick={() => {
                form.setFieldsValue({ name: card.name, rating: card.rating });
                setConflict(undefined);
              }}
            >
              {t('customers.conflict.takeTheirs')}
            </Button>
          }
        />
      ) : null}
      {names ? (
        <Form.Item
          name="name"
          label={t('customers.field.name')}
          rules={[{ required: true, message: t('customers.needName') }]}
        >
          <Input maxLength={200} autoFocus />
        </Form.Item>
      ) : null}
      {rates ? (
        <Form.Item name="rating" label={t('customers.field.rating')}>
          <Select
            allowClear
            options={RATINGS.map((rating) => ({ value: rating, label: t(`customers.rating.${rating}`) }))}
          />
        </Form.Item>
      ) : null}
      <div className="buttons">
        <Button type="primary" htmlType="submit" loading={save.isPending}>
          {conflict ? t('customers.conflict.saveMine') : t('ui.save')}
        </Button>
        <Button
          onClick={() => {
            setEditing(false);
            setConflict(undefined);
          }}
        >
          {t('ui.cancel')}
        </Button>
      </div>
    </Form>
  );
}
