import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Button, Form, Input, Select } from 'antd';
import { useTranslation } from 'react-i18next';
import { placeErrors } from '@/lib/fields';
import { useFormat } from '@/lib/format';
import { CHANNELS, CURRENCIES } from '@/lib/words';
import { AppLink } from '@/ui/Link';
import { ChannelName } from '@/ui/marks';
import { Panel } from '@/ui/Page';
import { useSay } from '@/ui/say';
import { EmptyState, Loaded } from '@/ui/states';
import { makeShop, useShops } from './api';

export default function ShopsPage() {
  const { t } = useTranslation();
  const format = useFormat();
  const say = useSay();
  const client = useQueryClient();
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
      <Panel title={t('commerce.shops.all')}>
        <Loaded query={query}>
          {(shops) =>
            shops.length === 0 ? (
              <EmptyState small title={t('commerce.shops.empty')} text={t('commerce.shops.emptyText')} />
            ) : (
              <table className="plain">
                <thead>
                  <tr>
                    <th scope="col">{t('commerce.field.shop')}</th>
                    <th scope="col">{t('commerce.field.channel')}</th>
                    <th scope="col">{t('commerce.field.currency')}</th>
                    <th scope="col" className="num">
                      {t('commerce.orders')}
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {shops.map((shop) => (
                    <tr key={shop.id}>
                      <th scope="row">{shop.name}</th>
                      <td>
                        <ChannelName channel={shop.channel} />
                      </td>
                      <td>{shop.currency}</td>
                      <td className="num">
                        <AppLink href={`/orders?shop=${shop.id}`}>{format.int(shop.orders)}</AppLink>
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            )
          }
        </Loaded>
      </Panel>
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
    </div>
  );
}
