import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Form, Modal, Select } from 'antd';
import { useTranslation } from 'react-i18next';
import type { Member } from '@/api/types';
import { placeErrors } from '@/lib/fields';
import { useFormat } from '@/lib/format';
import { optionsOf } from '@/ui/people';
import { useSay } from '@/ui/say';
import { handOver } from './api';

const NOBODY = 'none';

/** Gives what somebody owns to somebody else, or leaves the customers to nobody. */
export function HandOver(props: { member: Member; people: Member[]; onClose: () => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const say = useSay();
  const client = useQueryClient();
  const [form] = Form.useForm<{ to: string }>();
  const { member, onClose } = props;
  const give = useMutation({
    mutationFn: (to: string) => handOver(member.id, to === NOBODY ? null : to),
    onSuccess: async (done) => {
      say.done(
        `${t('identity.handOver.customers', { count: done.customers, n: format.int(done.customers) })}${t('ui.comma')}${t('identity.handOver.views', { count: done.views, n: format.int(done.views) })}`,
      );
      onClose();
      await Promise.all(
        ['customers', 'customer', 'views'].map((key) => client.invalidateQueries({ queryKey: [key] })),
      );
    },
    onError: (error) => placeErrors(form, error, ['to']) || say.refused(error),
  });
  const others = props.people.filter((one) => one.id !== member.id && !one.deactivated_at);
  return (
    <Modal
      open
      title={t('identity.handOver.title', { name: member.name })}
      okText={t('identity.handOver.submit')}
      onOk={() => form.submit()}
      confirmLoading={give.isPending}
      onCancel={onClose}
      destroyOnHidden
    >
      <p>{t('identity.handOver.text')}</p>
      <Form form={form} name="hand-over" layout="vertical" onFinish={({ to }) => give.mutate(to)}>
        <Form.Item
          name="to"
          label={t('identity.handOver.to')}
          rules={[{ required: true, message: t('identity.handOver.need') }]}
        >
          <Select
            showSearch={{ optionFilterProp: 'label' }}
            options={[...optionsOf(others), { value: NOBODY, label: t('identity.handOver.nobody') }]}
          />
        </Form.Item>
      </Form>
    </Modal>
  );
}
