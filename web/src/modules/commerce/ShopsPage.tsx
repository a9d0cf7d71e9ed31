import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Button, Form, Input, Select } from 'antd';
import { useTranslation } from 'react-i18next';
import { placeErrors } from '@/lib/fields';
import { useFormat } from '@/lib/format';
import { useMay } from '@/lib/rights';
import { CHANNELS, CURRENCIES } from '@/lib/words';
import { AppLink } from '@/ui/Link';
import { ChannelName } from '@/ui/marks';
import { Panel } from '@/ui/Page';
import { Roster } from '@/ui/Roster';
import { useSay } from '@/ui/say';
import { useShops } from '@/ui/shops';
import { makeShop } from './api';

export default function ShopsPage() {
  const { t } = useTranslation();
  const format = useFormat();
  const say = useSay();
  const client = useQueryClient();
  const may = useMay();
  const query = useShops();
  const [form] = Form.useForm<{ name: string; channel: string; currency: string }>();
  const make = useMutation({
    mutationFn: makeShop,
    onSuccess: async () => {
      form.resetFields();
      await client.invalidateQueries({ queryKey: ['shops'] });
    },
    onError: (error) => placeErrors(form, error, ['name', 'channel', 'currency']) || say.refused(error),
  });
  return (
    <div className="stack">
      <Roster
        title={t('commerce.shops.all')}
        query={query}
        empty={{ title: t('commerce.shops.empty'), text: t('commerce.shops.emptyText') }}
        columns={[
          { title: t('commerce.field.shop'), render: (shop) => shop.name },
          { title: t('commerce.field.channel'), render: (shop) => <ChannelName channel={shop.channel} /> },
          { title: t('commerce.field.currency'), render: (shop) => shop.currency },
          {
            title: t('commerce.orders'),
            right: true,
            render: (shop) => (
              <AppLink href={`/orders?shop=${shop.id}`}>
                {typeof shop.orders === 'number' ? format.int(shop.orders) : t('commerce.orders')}
              </AppLink>
            ),
          },
        ]}
      />
      {may('commerce.shops') ? (
        <Panel title={t('commerce.shops.new')}>
          <Form
            form={form}
            layout="vertical"
            className="inline-form"
            initialValues={{ channel: 'taobao', currency: 'CNY' }}
            onFinish={(values) => make.mutate(values)}
          >
            <Form.Item
              name="name"
              label={t('commerce.shops.name')}
              rules={[{ required: true, message: t('commerce.shops.needName') }]}
            >
              <Input maxLength={100} />
            </Form.Item>
            <Form.Item name="channel" label={t('commerce.field.channel')}>
              <Select
                style={{ minWidth: 140 }}
                options={CHANNELS.map((channel) => ({ value: channel, label: t(`ui.channel.${channel}`) }))}
              />
            </Form.Item>
            <Form.Item name="currency" label={t('commerce.field.currency')}>
              <Select
                style={{ minWidth: 100 }}
                options={CURRENCIES.map((code) => ({ value: code, label: code }))}
              />
            </Form.Item>
            <Button type="primary" htmlType="submit" loading={make.isPending}>
              {t('ui.create')}
            </Button>
          </Form>
        </Panel>
      ) : null}
    </div>
  );
}
