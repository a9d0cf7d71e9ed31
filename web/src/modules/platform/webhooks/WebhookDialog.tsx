import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Checkbox, Form, Input, Modal, Switch } from 'antd';
import { useTranslation } from 'react-i18next';
import type { Webhook, WebhookWithSecret } from '@/api/types';
import { placeErrors } from '@/lib/fields';
import { useSay } from '@/ui/say';
import { changeWebhook, makeWebhook } from './api';
import { useTopicName } from './words';

interface Values {
  url: string;
  note?: string;
  topics?: string[];
  active: boolean;
}

/** Makes a webhook, or changes one; a new one comes with its secret, which is shown once. */
export function WebhookDialog(props: {
  webhook?: Webhook;
  topics: string[];
  onMade: (made: WebhookWithSecret) => void;
  onClose: () => void;
}) {
  const { t } = useTranslation();
  const say = useSay();
  const client = useQueryClient();
  const topicName = useTopicName();
  const [form] = Form.useForm<Values>();
  const { webhook } = props;
  const save = useMutation({
    mutationFn: async ({ url, note, topics, active }: Values) => {
      const body = { url: url.trim(), note: note?.trim() ?? '', topics: topics ?? [], active };
      if (webhook) await changeWebhook({ webhook, body });
      else props.onMade(await makeWebhook(body));
    },
    onSuccess: async () => {
      if (webhook) say.done(t('platform.webhooks.saved'));
      props.onClose();
      await client.invalidateQueries({ queryKey: ['webhooks'] });
    },
    onError: (error) => placeErrors(form, error, ['url', 'note', 'topics']) || say.refused(error),
  });
  return (
    <Modal
      open
      title={t(webhook ? 'platform.webhooks.change' : 'platform.webhooks.new')}
      okText={t(webhook ? 'ui.save' : 'ui.create')}
      confirmLoading={save.isPending}
      onOk={() => form.submit()}
      onCancel={props.onClose}
    >
      <Form<Values>
        name="webhook"
        form={form}
        layout="vertical"
        initialValues={{
          url: webhook?.url,
          note: webhook?.note,
          topics: webhook?.topics ?? props.topics,
          active: webhook?.active ?? true,
        }}
        onFinish={(values) => save.mutate(values)}
      >
        <Form.Item
          name="url"
          label={t('platform.webhooks.url')}
          extra={t('platform.webhooks.urlHint')}
          rules={[{ required: true, whitespace: true, message: t('platform.webhooks.needUrl') }]}
        >
          <Input
            type="url"
            inputMode="url"
            maxLength={2_000}
            placeholder="https://shop.example.com/hooks/guanxi"
          />
        </Form.Item>
        <Form.Item name="note" label={t('platform.webhooks.note')}>
          <Input maxLength={200} placeholder={t('platform.webhooks.noteHint')} />
        </Form.Item>
        <Form.Item
          name="topics"
          label={t('platform.webhooks.topics')}
          // Not `required`: a group of boxes may not say so to readers of screens.
          rules={[{ type: 'array', min: 1, message: t('platform.webhooks.needTopics') }]}
        >
          <Checkbox.Group
            className="checks-down"
            options={props.topics.map((topic) => ({
              value: topic,
              label: <span title={topic}>{topicName(topic)}</span>,
            }))}
          />
        </Form.Item>
        <Form.Item name="active" label={t('platform.webhooks.active')} valuePropName="checked">
          <Switch />
        </Form.Item>
      </Form>
    </Modal>
  );
}
