import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Alert, Form, Input, Modal, Radio } from 'antd';
import { useTranslation } from 'react-i18next';
import type { CustomerCard, Erasure } from '@/api/types';
import { placeErrors } from '@/lib/fields';
import { useFormat } from '@/lib/format';
import { useSay } from '@/ui/say';
import { Loaded } from '@/ui/states';
import { eraseCustomer } from './consents';

/** What of an answer is counted, in the order in which it is shown. */
const COUNTED = [
  'names',
  'identities',
  'orders',
  'notes',
  'evidence',
  'birthdays',
  'suggestions',
  'histories',
  'rejects',
  'undo_images',
  'audit_entries',
] as const;

interface Values {
  reason: 'request' | 'retention' | 'other';
  reference?: string;
  word: string;
}

/** Shows what would go, and erases it when the word is typed: nothing brings it back. */
export function EraseDialog(props: { card: CustomerCard; onClose: () => void }) {
  const { t } = useTranslation();
  const say = useSay();
  const client = useQueryClient();
  const [form] = Form.useForm<Values>();
  const { card } = props;
  const trial = useQuery({
    queryKey: ['erasure', card.id],
    gcTime: 0,
    queryFn: () => eraseCustomer(card.id, { reason: 'request', dry_run: true }),
  });
  const erase = useMutation({
    mutationFn: ({ reason, reference }: Values) =>
      eraseCustomer(card.id, { reason, reference: reference?.trim() || undefined, dry_run: false }),
    onSuccess: async () => {
      say.done(t('customers.erase.done'));
      props.onClose();
      await client.invalidateQueries();
    },
    onError: (error) => placeErrors(form, error, ['reference']) || say.refused(error),
  });
  const word = t('customers.erase.word');
  return (
    <Modal
      open
      title={t('customers.erase.title')}
      okText={t('customers.erase.open')}
      okButtonProps={{ danger: true, disabled: !trial.data, loading: erase.isPending }}
      onOk={() => form.submit()}
      onCancel={props.onClose}
    >
      <div className="stack">
        <p>{t('customers.erase.text')}</p>
        <Loaded query={trial}>{(found) => <WhatGoes found={found} />}</Loaded>
        <Form<Values>
          name="erase"
          form={form}
          layout="vertical"
          initialValues={{ reason: 'request' }}
          onFinish={(values) => erase.mutate(values)}
        >
          <Form.Item name="reason" label={t('customers.erase.reason')}>
            <Radio.Group
              options={(['request', 'retention', 'other'] as const).map((value) => ({
                value,
                label: t(`customers.erase.reasons.${value}`),
              }))}
            />
          </Form.Item>
          <Form.Item
            name="reference"
            label={t('customers.erase.reference')}
            extra={t('customers.erase.referenceHint')}
          >
            <Input maxLength={100} />
          </Form.Item>
          <Form.Item
            name="word"
            label={t('customers.erase.confirm', { word })}
            rules={[
              {
                validator: (_, typed?: string) =>
                  typed?.trim() === word ? Promise.resolve() : Promise.reject(new Error(word)),
              },
            ]}
          >
            <Input autoComplete="off" />
          </Form.Item>
        </Form>
      </div>
    </Modal>
  );
}

function WhatGoes(props: { found: Erasure }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { found } = props;
  return (
    <>
      {found.erased_before ? (
        <Alert
          type="info"
          showIcon
          title={t('customers.erase.before', { when: format.time(found.erased_before) })}
        />
      ) : null}
      {found.running_orders ? (
        <Alert
          type="warning"
          showIcon
          title={t('customers.erase.running', { n: format.int(found.running_orders) })}
        />
      ) : null}
      <table className="plain">
        <tbody>
          {COUNTED.map((what) => (
            <tr key={what}>
              <th scope="row">{t(`customers.erase.counted.${what}`)}</th>
              <td className="num">{format.int(found[what])}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
