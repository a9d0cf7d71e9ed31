import { StarOutlined } from '@ant-design/icons';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Button, Checkbox, Dropdown, Form, Input, Modal } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { queryText } from '@/api/client';
import { type Search, useGo } from '@/lib/url';
import { useSay } from '@/ui/say';
import { deleteView, makeView, useViews } from './api';

/** Named filters, private or shared. */
export function Views(props: { url: Search }) {
  const { t } = useTranslation();
  const go = useGo();
  const say = useSay();
  const client = useQueryClient();
  const views = useViews();
  const [naming, setNaming] = useState(false);
  const [form] = Form.useForm<{ name: string; shared: boolean }>();
  const refresh = () => client.invalidateQueries({ queryKey: ['views'] });
  const keep = useMutation({
    mutationFn: (values: { name: string; shared?: boolean }) => {
      const { after: _after, ...rest } = props.url;
      return makeView({
        page: 'customers',
        name: values.name,
        query: queryText(rest).slice(1),
        shared: !!values.shared,
      });
    },
    onSuccess: async () => {
      setNaming(false);
      form.resetFields();
      await refresh();
      say.done(t('customers.views.kept'));
    },
    onError: say.refused,
  });
  const drop = useMutation({ mutationFn: deleteView, onSuccess: refresh, onError: say.refused });
  const items = views.data ?? [];
  return (
    <>
      <Dropdown
        trigger={['click']}
        menu={{
          items: [
            ...items.map((view) => ({
              key: `open:${view.query}`,
              label: (
                <span className="view-item">
                  <span>
                    {view.name}
                    {view.shared ? <span className="quiet"> · {t('customers.views.shared')}</span> : null}
                  </span>
                  {view.own ? (
                    <Button
                      type="link"
                      size="small"
                      aria-label={t('customers.views.delete', { name: view.name })}
                      onClick={(event) => {
                        event.stopPropagation();
                        drop.mutate(view.id);
                      }}
                    >
                      {t('ui.delete')}
                    </Button>
                  ) : null}
                </span>
              ),
            })),
            ...(items.length ? [{ type: 'divider' as const }] : []),
            { key: 'keep', label: t('customers.views.keep') },
          ],
          onClick: ({ key }) => {
            if (key === 'keep') setNaming(true);
            else go(`/customers?${key.slice(5)}`);
          },
        }}
      >
        <Button icon={<StarOutlined />}>{t('customers.views.title')}</Button>
      </Dropdown>
      <Modal
        open={naming}
        title={t('customers.views.keep')}
        okText={t('ui.save')}
        onOk={() => form.submit()}
        confirmLoading={keep.isPending}
        onCancel={() => setNaming(false)}
      >
        <Form form={form} layout="vertical" onFinish={(values) => keep.mutate(values)}>
          <Form.Item
            name="name"
            label={t('customers.views.name')}
            rules={[{ required: true, message: t('customers.views.needName') }]}
          >
            <Input maxLength={60} autoFocus />
          </Form.Item>
          <Form.Item name="shared" valuePropName="checked" noStyle>
            <Checkbox>{t('customers.views.share')}</Checkbox>
          </Form.Item>
        </Form>
      </Modal>
    </>
  );
}
