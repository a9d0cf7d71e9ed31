import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Button, Checkbox, Form, InputNumber, Popconfirm, Segmented, Select } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ProblemError } from '@/api/client';
import type { Birthday, CustomerCard } from '@/api/types';
import { placeErrors } from '@/lib/fields';
import { useMay, useSees } from '@/lib/rights';
import { patchCustomer } from '@/modules/customers/api';
import { Facts, Panel } from '@/ui/Page';
import { useSay } from '@/ui/say';
import { Day } from '@/ui/values';
import { useDates } from './dates';

interface Values {
  calendar: 'solar' | 'lunar';
  month?: number;
  day?: number;
  is_leap_month?: boolean;
  year?: number | null;
}

const DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const FIELDS = ['calendar', 'month', 'day', 'is_leap_month', 'year'] as const;
const upTo = (last: number) => Array.from({ length: last }, (_, place) => place + 1);

/** The birthday on a card, by either calendar. */
export function BirthdayPanel(props: { card: CustomerCard }) {
  const { t } = useTranslation();
  const dates = useDates();
  const may = useMay();
  const sees = useSees();
  const say = useSay();
  const client = useQueryClient();
  const { card } = props;
  const [editing, setEditing] = useState(false);
  const [form] = Form.useForm<Values>();
  const known = card.birthday;
  const save = useMutation({
    mutationFn: (birthday: Birthday | null) => patchCustomer(card.id, card.version, { birthday }),
    onSuccess: async (saved) => {
      client.setQueryData(['customer', card.id], saved);
      setEditing(false);
      say.done(t('customers.saved'));
      await client.invalidateQueries({ queryKey: ['customers'] });
    },
    onError: async (error) => {
      if (error instanceof ProblemError && error.status === 412) {
        await client.invalidateQueries({ queryKey: ['customer', card.id] });
        say.wrong(t('customers.care.birthday.stale'));
        return;
      }
      if (error instanceof ProblemError) {
        // The form's fields have the last part of the name alone.
        for (const one of error.problem.errors ?? []) one.field = one.field.replace('birthday.', '');
        const word = error.problem.errors?.[0]?.field;
        const known = word === 'year' ? 'year' : word === 'is_leap_month' ? 'leap' : 'day';
        if (placeErrors(form, error, FIELDS, () => t(`customers.care.birthday.refused.${known}`))) return;
      }
      say.refused(error);
    },
  });
  if (!sees.any('customers.birthday')) return null;
  const changes = may('customers.edit') && sees.free('customers.birthday') && !card.merged_into;
  return (
    <Panel title={t('customers.care.birthday.title')}>
      {editing ? (
        <BirthdayForm
          form={form}
          first={known?.birthday}
          saving={save.isPending}
          onSave={(birthday) => save.mutate(birthday)}
          onCancel={() => setEditing(false)}
        />
      ) : (
        <>
          {known ? (
            <Facts
              columns
              items={[
                [t('customers.care.birthday.title'), dates.birthday(known.birthday)],
                [
                  t('customers.care.birthday.next'),
                  <span key="next">
                    <Day at={known.next} />
                    {known.turns ? (
                      <span className="quiet"> · {t('customers.care.turns', { n: known.turns })}</span>
                    ) : null}
                  </span>,
                ],
              ]}
            />
          ) : (
            <p className="quiet">{t('customers.care.birthday.none')}</p>
          )}
          {changes ? (
            <div className="care-buttons">
              <Button size="small" type="link" onClick={() => setEditing(true)}>
                {t(known ? 'customers.care.birthday.change' : 'customers.care.birthday.add')}
              </Button>
              {known ? (
                <Popconfirm
                  title={t('customers.care.birthday.removeAsk')}
                  description={t('customers.care.birthday.removeText')}
                  okText={t('ui.delete')}
                  cancelText={t('ui.cancel')}
                  onConfirm={() => save.mutate(null)}
                >
                  <Button size="small" type="link" danger>
                    {t('customers.care.birthday.remove')}
                  </Button>
                </Popconfirm>
              ) : null}
            </div>
          ) : null}
        </>
      )}
    </Panel>
  );
}

function BirthdayForm(props: {
  form: ReturnType<typeof Form.useForm<Values>>[0];
  first?: Birthday;
  saving: boolean;
  onSave: (birthday: Birthday) => void;
  onCancel: () => void;
}) {
  const { t } = useTranslation();
  const { form, first } = props;
  const calendar = Form.useWatch('calendar', form) ?? first?.calendar ?? 'solar';
  const month = Form.useWatch('month', form);
  const isLunar = calendar === 'lunar';
  const days = isLunar ? 30 : (DAYS[(month ?? 1) - 1] ?? 31);
  return (
    <Form
      form={form}
      layout="vertical"
      initialValues={{ calendar: 'solar', ...first }}
      onFinish={(values) =>
        props.onSave({
          calendar: values.calendar,
          month: values.month ?? 0,
          day: values.day ?? 0,
          is_leap_month: values.calendar === 'lunar' && (values.is_leap_month ?? false),
          year: values.year ?? null,
        })
      }
    >
      <Form.Item name="calendar" label={t('customers.care.birthday.calendar')}>
        <Segmented
          block
          options={(['solar', 'lunar'] as const).map((one) => ({
            value: one,
            label: t(`customers.care.birthday.${one}`),
          }))}
        />
      </Form.Item>
      <div className="care-date">
        <Form.Item
          name="month"
          label={t('customers.care.birthday.month')}
          rules={[{ required: true, message: t('customers.care.birthday.needMonth') }]}
        >
          <Select
            showSearch={{ optionFilterProp: 'label' }}
            options={upTo(12).map((value) => ({
              value,
              label: isLunar
                ? t(`customers.care.month.${value}`)
                : t('customers.care.birthday.solarMonth', { n: value }),
            }))}
          />
        </Form.Item>
        <Form.Item
          name="day"
          label={t('customers.care.birthday.day')}
          rules={[{ required: true, message: t('customers.care.birthday.needDay') }]}
        >
          <Select
            showSearch={{ optionFilterProp: 'label' }}
            options={upTo(days).map((value) => ({
              value,
              label: isLunar
                ? t(`customers.care.day.${value}`)
                : t('customers.care.birthday.solarDay', { n: value }),
            }))}
          />
        </Form.Item>
      </div>
      {isLunar ? (
        <Form.Item name="is_leap_month" valuePropName="checked">
          <Checkbox>{t('customers.care.birthday.leapMonth')}</Checkbox>
        </Form.Item>
      ) : null}
      <Form.Item name="year" label={t('customers.care.birthday.year')}>
        <InputNumber min={1901} max={2100} precision={0} className="care-year" />
      </Form.Item>
      <div className="buttons">
        <Button type="primary" htmlType="submit" loading={props.saving}>
          {t('ui.save')}
        </Button>
        <Button onClick={props.onCancel}>{t('ui.cancel')}</Button>
      </div>
    </Form>
  );
}
