import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Button, DatePicker, Form, Input, Radio, Select } from 'antd';
import type { Dayjs } from 'dayjs';
import { useTranslation } from 'react-i18next';
import type { NewConsent } from '@/api/types';
import { placeErrors } from '@/lib/fields';
import { useSay } from '@/ui/say';
import { addConsent, CHANNELS, newestTexts, PURPOSES, SOURCES, useConsentTexts } from './consents';

interface Values {
  granted: boolean;
  channels: NewConsent['channels'];
  purposes: NewConsent['purposes'];
  source: NewConsent['source'];
  text?: string;
  until?: Dayjs | null;
  evidence?: string;
}

/** Records what a customer said; what is there stays. */
export function ConsentForm(props: { customer: string; onClose: () => void }) {
  const { t } = useTranslation();
  const say = useSay();
  const client = useQueryClient();
  const texts = useConsentTexts();
  const [form] = Form.useForm<Values>();
  const granted = Form.useWatch('granted', form) ?? false;
  const add = useMutation({
    mutationFn: ({ until, ...values }: Values) =>
      addConsent(props.customer, {
        ...values,
        evidence: values.evidence?.trim() || undefined,
        expires_at: values.granted && until ? until.startOf('day').toISOString() : undefined,
      }),
    onSuccess: async () => {
      props.onClose();
      await client.invalidateQueries({ queryKey: ['consents', props.customer] });
      await client.invalidateQueries({ queryKey: ['customer', props.customer] });
      await client.invalidateQueries({ queryKey: ['customers'] });
    },
    onError: (error) =>
      placeErrors(form, error, ['channels', 'purposes', 'source', 'text', 'evidence']) || say.refused(error),
  });
  const options = (names: readonly string[], kind: string) =>
    names.map((name) => ({ value: name, label: t(`customers.consent.${kind}.${name}`) }));
  const needed = [{ required: true, message: t('customers.consent.needed') }];
  return (
    <Form<Values>
      name="consent"
      form={form}
      layout="vertical"
      initialValues={{ granted: false, source: 'phone' }}
      onFinish={(values) => add.mutate(values)}
    >
      <Form.Item name="granted" label={t('customers.consent.decision')}>
        <Radio.Group
          options={[
            { value: false, label: t('customers.consent.standing.refused') },
            { value: true, label: t('customers.consent.standing.granted') },
          ]}
        />
      </Form.Item>
      <Form.Item name="purposes" label={t('customers.consent.purpose')} rules={needed}>
        <Select
          mode="multiple"
          showSearch={{ optionFilterProp: 'label' }}
          options={options(PURPOSES, 'purposes')}
        />
      </Form.Item>
      <Form.Item name="channels" label={t('customers.consent.channel')} rules={needed}>
        <Select
          mode="multiple"
          showSearch={{ optionFilterProp: 'label' }}
          options={options(CHANNELS, 'channels')}
        />
      </Form.Item>
      <Form.Item name="source" label={t('customers.consent.source')}>
        <Select options={options(SOURCES, 'sources')} />
      </Form.Item>
      {granted ? (
        <>
          <Form.Item name="text" label={t('customers.consent.text')}>
            <Select
              allowClear
              showSearch={{ optionFilterProp: 'label' }}
              options={newestTexts(texts.data ?? []).map((text) => ({
                value: text.id,
                label: `${t('customers.consent.textVersion', { name: text.name, n: text.version })} (${text.language})`,
              }))}
            />
          </Form.Item>
          <Form.Item name="until" label={t('customers.consent.expires')}>
            <DatePicker style={{ width: '100%' }} />
          </Form.Item>
        </>
      ) : null}
      <Form.Item
        name="evidence"
        label={t('customers.consent.evidence')}
        extra={t('customers.consent.evidenceHint')}
      >
        <Input.TextArea autoSize={{ minRows: 2, maxRows: 6 }} maxLength={1000} />
      </Form.Item>
      <div className="buttons">
        <Button type="primary" htmlType="submit" loading={add.isPending}>
          {t('customers.consent.record')}
        </Button>
        <Button onClick={props.onClose}>{t('ui.cancel')}</Button>
      </div>
    </Form>
  );
}
