import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Button, DatePicker, Form, Input, Modal, Radio } from 'antd';
import dayjs, { type Dayjs } from 'dayjs';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { CustomerCard, PersonRequest } from '@/api/types';
import { placeErrors } from '@/lib/fields';
import { useSay } from '@/ui/say';
import { RequestList } from './RequestList';
import { KINDS, receiveRequest } from './requests';

interface Values {
  kind: PersonRequest['kind'];
  received: Dayjs | null;
  text?: string;
}

/** What this person asked of us about their data; records more. */
export function RequestsTab(props: { card: CustomerCard }) {
  const { t } = useTranslation();
  const say = useSay();
  const client = useQueryClient();
  const [adding, setAdding] = useState(false);
  const [form] = Form.useForm<Values>();
  const add = useMutation({
    mutationFn: ({ kind, received, text }: Values) =>
      receiveRequest({
        customer: props.card.id,
        kind,
        received_at: received?.isBefore(dayjs(), 'day') ? received.toISOString() : undefined,
        text: text?.trim() || undefined,
      }),
    onSuccess: async () => {
      setAdding(false);
      say.done(t('customers.requests.received'));
      await client.invalidateQueries({ queryKey: ['person-requests'] });
    },
    onError: (error) => placeErrors(form, error, ['text']) || say.refused(error),
  });
  return (
    <div className="stack">
      <div className="buttons">
        <Button onClick={() => setAdding(true)}>{t('customers.requests.new')}</Button>
      </div>
      <RequestList query={{ customer: props.card.id }} ofOne />
      <Modal
        open={adding}
        title={t('customers.requests.new')}
        okText={t('ui.save')}
        confirmLoading={add.isPending}
        onOk={() => form.submit()}
        onCancel={() => setAdding(false)}
        destroyOnHidden
      >
        <Form<Values>
          name="new-request"
          form={form}
          layout="vertical"
          initialValues={{ kind: 'access', received: dayjs() }}
          onFinish={(values) => add.mutate(values)}
        >
          <Form.Item name="kind" label={t('customers.requests.kind')}>
            <Radio.Group
              className="stack"
              options={KINDS.map((value) => ({ value, label: t(`customers.requests.kinds.${value}`) }))}
            />
          </Form.Item>
          <Form.Item name="received" label={t('customers.requests.receivedOn')}>
            <DatePicker allowClear={false} maxDate={dayjs()} />
          </Form.Item>
          <Form.Item name="text" label={t('customers.requests.wrote')}>
            <Input.TextArea autoSize={{ minRows: 2, maxRows: 8 }} maxLength={2000} />
          </Form.Item>
        </Form>
      </Modal>
    </div>
  );
}
