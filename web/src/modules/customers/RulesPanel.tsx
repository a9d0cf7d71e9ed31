import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Button, Form, InputNumber } from 'antd';
import { useTranslation } from 'react-i18next';
import type { CustomerSettings } from '@/api/types';
import { placeErrors } from '@/lib/fields';
import { Panel } from '@/ui/Page';
import { useSay } from '@/ui/say';
import { putCustomerSettings, useCustomerSettings } from './api';

/** Numbers that may be set, by the page where they stand: least, most. */
const RULES = {
  exports: { export_limit: [0, 100_000_000], export_hours: [1, 168] },
  requests: { request_days: [1, 90] },
  tags: { tags_max: [1, 1_000], tag_products_max: [1, 100] },
} as const;

/** How much may be taken without asking and for how long, when requests are due, or how many tags there are; shown to whoever may change it. */
export function RulesPanel(props: { of: keyof typeof RULES }) {
  const { t } = useTranslation();
  const say = useSay();
  const client = useQueryClient();
  const settings = useCustomerSettings();
  const [form] = Form.useForm<CustomerSettings>();
  const rules = Object.entries(RULES[props.of]);
  const save = useMutation({
    mutationFn: putCustomerSettings,
    onSuccess: (now) => {
      client.setQueryData(['customer-settings'], now);
      say.done(t('customers.rules.saved'));
    },
    onError: (error) =>
      placeErrors(
        form,
        error,
        rules.map(([name]) => name),
      ) || say.refused(error),
  });
  if (!settings.data) return null;
  return (
    <Panel title={t(`customers.rules.${props.of}`)}>
      <Form<CustomerSettings>
        name={`rules-${props.of}`}
        form={form}
        layout="vertical"
        initialValues={settings.data}
        onFinish={(values) => save.mutate(values)}
      >
        {rules.map(([name, [min, max]]) => (
          <Form.Item
            key={name}
            name={name}
            label={t(`customers.rules.${name}`)}
            extra={t(`customers.rules.${name}_text`)}
            rules={[{ required: true, message: t('customers.rules.needed') }]}
          >
            <InputNumber min={min} max={max} precision={0} />
          </Form.Item>
        ))}
        <Button htmlType="submit" loading={save.isPending}>
          {t('ui.save')}
        </Button>
      </Form>
    </Panel>
  );
}
