import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Form, Modal, Select } from 'antd';
import { useTranslation } from 'react-i18next';
import { placeErrors } from '@/lib/fields';
import { ReasonField } from '@/ui/ReasonField';
import { useSay } from '@/ui/say';
import { type CustomerLevel, pinLevel, releaseLevel } from './api';

/** Pins a level, or sets it to what is earned, for a reason. */
export function HandDialog(props: {
  customer: string;
  level: CustomerLevel;
  what: 'pin' | 'release';
  onClose: () => void;
}) {
  const { t } = useTranslation();
  const say = useSay();
  const client = useQueryClient();
  const [form] = Form.useForm<{ rank: number; reason: string }>();
  const { level, what } = props;
  const earned = level.ranks[level.earned - 1] ?? t('loyalty.levels.noLevel');
  const save = useMutation({
    mutationFn: ({ rank, reason }: { rank: number; reason: string }) =>
      what === 'pin'
        ? pinLevel(props.customer, level.scheme, { rank, reason: reason.trim() })
        : releaseLevel(props.customer, level.scheme, { reason: reason.trim() }),
    onSuccess: async () => {
      say.done(t(`loyalty.levels.${what === 'pin' ? 'didPin' : 'didRelease'}`));
      props.onClose();
      await client.invalidateQueries({ queryKey: ['loyalty'] });
    },
    onError: (error) => placeErrors(form, error, ['rank', 'reason']) || say.refused(error),
  });
  return (
    <Modal
      open
      title={t(`loyalty.levels.${what === 'pin' ? 'pinTitle' : 'releaseTitle'}`)}
      okText={t(`loyalty.levels.${what}`)}
      confirmLoading={save.isPending}
      onOk={() => form.submit()}
      onCancel={props.onClose}
    >
      <Form
        name="level-by-hand"
        form={form}
        layout="vertical"
        initialValues={{ rank: level.rank }}
        onFinish={(values) => save.mutate(values)}
      >
        {what === 'pin' ? (
          <Form.Item name="rank" label={t('loyalty.levels.level')} extra={t('loyalty.levels.pinNote')}>
            <Select
              options={[
                { value: 0, label: t('loyalty.levels.noLevel') },
                ...level.ranks.map((name, index) => ({ value: index + 1, label: name })),
              ]}
            />
          </Form.Item>
        ) : (
          <p className="note">{t('loyalty.levels.releaseNote', { name: earned })}</p>
        )}
        <ReasonField label={t('loyalty.levels.reason')} note={t('loyalty.levels.reasonNote')} />
      </Form>
    </Modal>
  );
}
