import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Alert, Form, InputNumber, Modal, Radio, Select } from 'antd';
import { useTranslation } from 'react-i18next';
import type { TagCount, TagRule } from '@/api/types';
import { placeErrors } from '@/lib/fields';
import { useFormat } from '@/lib/format';
import { clearTagRule, setTagRule, useCustomerSettings } from '@/modules/customers/api';
import { useAudiences } from '@/ui/audiences';
import { AppLink } from '@/ui/Link';
import { useSay } from '@/ui/say';

/** Products of one tag, unless the organisation set it. */
const PRODUCTS = 10;

type Mode = 'hand' | 'audience' | 'bought';

interface Values {
  mode: Mode;
  audience?: string;
  'bought.products'?: string[];
  'bought.orders'?: number;
  'bought.days'?: number | null;
}

/** Who puts a tag on: people, or a rule by an audience or by products. */
export function TagRuleDialog(props: { tag: TagCount; rule?: TagRule; onClose: () => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const say = useSay();
  const client = useQueryClient();
  const audiences = useAudiences();
  const settings = useCustomerSettings();
  const [form] = Form.useForm<Values>();
  const { tag, rule } = props;
  const was: Mode = rule ? (rule.bought ? 'bought' : 'audience') : 'hand';
  const mode = Form.useWatch('mode', form) ?? was;
  const most = settings.data?.tag_products_max ?? PRODUCTS;
  const save = useMutation({
    mutationFn: async (values: Values): Promise<unknown> => {
      if (values.mode === 'hand') return rule ? clearTagRule(tag.id) : undefined;
      if (values.mode === 'audience') return setTagRule(tag.id, { audience: values.audience });
      return setTagRule(tag.id, {
        bought: {
          products: values['bought.products'] ?? [],
          orders: values['bought.orders'] ?? 1,
          days: values['bought.days'] ?? undefined,
        },
      });
    },
    onSuccess: async (_, values) => {
      if (values.mode !== was || values.mode !== 'hand') {
        say.done(t(values.mode === 'hand' ? 'customers.tags.cleared' : 'customers.tags.saved'));
      }
      props.onClose();
      await Promise.all([
        client.invalidateQueries({ queryKey: ['tags'] }),
        client.invalidateQueries({ queryKey: ['tag-rules'] }),
        client.invalidateQueries({ queryKey: ['audiences'] }),
      ]);
    },
    onError: (error) =>
      placeErrors(form, error, ['audience', 'bought.products', 'bought.orders', 'bought.days']) ||
      say.refused(error),
  });
  return (
    <Modal
      open
      title={t('customers.tags.editOf', { name: tag.name })}
      okText={t('ui.save')}
      confirmLoading={save.isPending}
      onOk={() => form.submit()}
      onCancel={props.onClose}
      destroyOnHidden
    >
      <Form<Values>
        name="tag-rule"
        form={form}
        layout="vertical"
        initialValues={{
          mode: was,
          audience: rule?.bought ? undefined : rule?.audience,
          'bought.products': rule?.bought?.products ?? [],
          'bought.orders': rule?.bought?.orders ?? 1,
          'bought.days': rule?.bought?.days ?? undefined,
        }}
        onFinish={(values) => save.mutate(values)}
      >
        <Form.Item name="mode" label={t('customers.tags.how')}>
          <Radio.Group
            orientation="vertical"
            options={(['hand', 'audience', 'bought'] as const).map((value) => ({
              value,
              label: t(`customers.tags.mode.${value}`),
            }))}
          />
        </Form.Item>
        {mode === 'audience' ? (
          <Form.Item
            name="audience"
            label={t('customers.tags.audience')}
            extra={t('customers.tags.audienceHint')}
            rules={[{ required: true, message: t('customers.tags.needAudience') }]}
          >
            <Select
              showSearch={{ optionFilterProp: 'label' }}
              loading={audiences.isPending}
              options={(audiences.data ?? []).map((one) => ({ value: one.id, label: one.name }))}
              notFoundContent={<AppLink href="/insight/audiences">{t('customers.tags.noAudience')}</AppLink>}
            />
          </Form.Item>
        ) : null}
        {mode === 'bought' ? (
          <>
            <Form.Item
              name="bought.products"
              label={t('customers.tags.products')}
              extra={t('customers.tags.productsHint', { n: format.int(most) })}
              rules={[{ required: true, type: 'array', min: 1, message: t('customers.tags.needProducts') }]}
            >
              <Select
                mode="tags"
                open={false}
                suffixIcon={null}
                maxCount={most}
                tokenSeparators={[',', '，', '、']}
              />
            </Form.Item>
            <div className="form-row">
              <Form.Item
                name="bought.orders"
                label={t('customers.tags.orders')}
                rules={[{ required: true, message: t('customers.tags.needOrders') }]}
              >
                <InputNumber min={1} max={1_000} precision={0} />
              </Form.Item>
              <Form.Item
                name="bought.days"
                label={t('customers.tags.days')}
                extra={t('customers.tags.daysHint')}
              >
                <InputNumber min={1} max={36_525} precision={0} />
              </Form.Item>
            </div>
          </>
        ) : null}
        <Alert
          showIcon
          type={mode === 'hand' ? 'info' : 'warning'}
          title={t(
            mode !== 'hand'
              ? 'customers.tags.ruleText'
              : was === 'hand'
                ? 'customers.tags.handText'
                : 'customers.tags.keepsText',
          )}
        />
      </Form>
    </Modal>
  );
}
