import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Form, InputNumber, Modal } from 'antd';
import { useTranslation } from 'react-i18next';
import { placeErrors } from '@/lib/fields';
import { useFormat } from '@/lib/format';
import { ReasonField } from '@/ui/ReasonField';
import { useSay } from '@/ui/say';
import { adjustPoints, type CustomerPoints } from './api';

/** Gives or takes points by hand. */
export function AdjustDialog(props: { customer: string; points: CustomerPoints; onClose: () => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const say = useSay();
  const client = useQueryClient();
  const [form] = Form.useForm<{ points: number; reason: string }>();
  const { points } = props;
  const change = Form.useWatch('points', form);
  const save = useMutation({
    mutationFn: (said: { points: number; reason: string }) =>
      adjustPoints(props.customer, { ...said, programme: points.programme }),
    onSuccess: async (done) => {
      say.done(t(done.state === 'waiting' ? 'loyalty.points.asked' : 'loyalty.points.adjusted'));
      props.onClose();
      await client.invalidateQueries({ queryKey: ['loyalty'] });
    },
    onError: (error) => placeErrors(form, error, ['points', 'reason']) || say.refused(error),
  });
  const waits = change != null && Math.abs(change) > points.approve_above;
  return (
    <Modal
      open
      title={t('loyalty.points.adjustTitle', { name: points.name })}
      okText={t(waits ? 'loyalty.points.ask' : 'loyalty.points.adjust')}
      confirmLoading={save.isPending}
      onOk={() => form.submit()}
      onCancel={props.onClose}
    >
      <Form
        name="adjust"
        form={form}
        layout="vertical"
        onFinish={({ points: wanted, reason }) => save.mutate({ points: wanted, reason: reason.trim() })}
      >
        <Form.Item
          name="points"
          label={t('loyalty.points.change')}
          extra={t(waits ? 'loyalty.points.willWait' : 'loyalty.points.adjustHint', {
            n: format.int(points.approve_above),
            left: format.int(points.spendable),
          })}
          rules={[
            {
              validator: (_, value?: number | null) =>
                value ? Promise.resolve() : Promise.reject(new Error(t('loyalty.points.needChange'))),
            },
          ]}
        >
          <InputNumber autoFocus precision={0} style={{ width: 200 }} />
        </Form.Item>
        <ReasonField label={t('loyalty.points.reason')} note={t('loyalty.points.reasonNote')} />
      </Form>
    </Modal>
  );
}
