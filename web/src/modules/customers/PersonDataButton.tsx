import { useMutation } from '@tanstack/react-query';
import { Button, Form, Input, Modal } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { client, take } from '@/api/client';
import { placeErrors } from '@/lib/fields';
import { useSay } from '@/ui/say';

/** Everything held about a person as a file, to be given to them; says why first. */
export function PersonDataButton(props: { id: string }) {
  const { t } = useTranslation();
  const say = useSay();
  const [asking, setAsking] = useState(false);
  const [form] = Form.useForm<{ reason: string }>();
  const get = useMutation({
    mutationFn: (reason: string) =>
      take<unknown>(
        client.POST('/api/v1/customers/{id}/person-data', {
          params: { path: { id: props.id } },
          body: { reason },
        }),
      ),
    onSuccess: (data) => {
      const file = new Blob([JSON.stringify(data, null, 2)], { type: 'application/json' });
      const link = document.createElement('a');
      link.href = URL.createObjectURL(file);
      link.download = `${props.id}.json`;
      link.click();
      URL.revokeObjectURL(link.href);
      setAsking(false);
    },
    onError: (error) => placeErrors(form, error, ['reason']) || say.refused(error),
  });
  return (
    <>
      <Button onClick={() => setAsking(true)}>{t('customers.personData.open')}</Button>
      <Modal
        open={asking}
        title={t('customers.personData.open')}
        okText={t('customers.personData.submit')}
        confirmLoading={get.isPending}
        onOk={() => form.submit()}
        onCancel={() => setAsking(false)}
        destroyOnHidden
      >
        <p>{t('customers.personData.text')}</p>
        <Form
          name="person-data"
          form={form}
          layout="vertical"
          onFinish={({ reason }) => get.mutate(reason.trim())}
        >
          <Form.Item
            name="reason"
            label={t('ui.reveal.reason')}
            extra={t('ui.reveal.recorded')}
            rules={[
              { required: true, min: 3, whitespace: true, message: t('customers.exports.reasonNeeded') },
            ]}
          >
            <Input.TextArea autoFocus autoSize={{ minRows: 2, maxRows: 6 }} maxLength={500} />
          </Form.Item>
        </Form>
      </Modal>
    </>
  );
}
