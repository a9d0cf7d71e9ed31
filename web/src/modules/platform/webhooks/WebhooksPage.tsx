import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Alert, Button, Popconfirm, Space, Tag, Typography } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Webhook, Webhooks, WebhookWithSecret } from '@/api/types';
import { Panel } from '@/ui/Page';
import { PlainTable } from '@/ui/PlainTable';
import { useSay } from '@/ui/say';
import { EmptyState, Loaded } from '@/ui/states';
import { Int, Time } from '@/ui/values';
import { deleteWebhook, renewSecret, testWebhook, useWebhooks } from './api';
import { Deliveries } from './Deliveries';
import { WebhookDialog } from './WebhookDialog';
import { useTopicName } from './words';

export default function WebhooksPage() {
  const query = useWebhooks();
  return <Loaded query={query}>{(told) => <Told told={told} />}</Loaded>;
}

function State(props: { webhook: Webhook }) {
  const { t } = useTranslation();
  const { webhook } = props;
  const state = webhook.active ? (webhook.failures > 0 ? 'failing' : 'on') : 'off';
  return (
    <>
      <Tag color={{ on: 'green', failing: 'red', off: undefined }[state]} className="mark">
        {t(`platform.webhooks.is.${state}`)}
      </Tag>
      {webhook.off_reason ? (
        <div className="job-error">{t(`platform.webhooks.offReasons.${webhook.off_reason}`)}</div>
      ) : null}
    </>
  );
}

function Topics(props: { topics: string[] }) {
  const topicName = useTopicName();
  return props.topics.map((topic) => (
    <div key={topic} title={topic}>
      {topicName(topic)}
    </div>
  ));
}

function Told(props: { told: Webhooks }) {
  const { t } = useTranslation();
  const say = useSay();
  const client = useQueryClient();
  const [editing, setEditing] = useState<Webhook | 'new'>();
  const [secret, setSecret] = useState<WebhookWithSecret>();
  const [shown, setShown] = useState<string>();
  const { items, topics } = props.told;
  const refresh = () => client.invalidateQueries({ queryKey: ['webhooks'] });
  const test = useMutation({
    mutationFn: testWebhook,
    onSuccess: async (_, id) => {
      setShown(id);
      await refresh();
    },
    onError: say.refused,
  });
  const renew = useMutation({
    mutationFn: renewSecret,
    onSuccess: async (made) => {
      setSecret(made);
      await refresh();
    },
    onError: say.refused,
  });
  const remove = useMutation({ mutationFn: deleteWebhook, onSuccess: refresh, onError: say.refused });
  const looked = items.find((webhook) => webhook.id === shown);
  return (
    <div className="stack">
      {secret ? (
        <Alert
          type="success"
          showIcon
          title={t('platform.webhooks.secretOf', { url: secret.webhook.url })}
          description={
            <>
              <p>{t('platform.webhooks.once')}</p>
              <Typography.Text code copyable className="secret">
                {secret.secret}
              </Typography.Text>
            </>
          }
          closable
          onClose={() => setSecret(undefined)}
        />
      ) : null}
      <Panel
        title={t('platform.webhooks.all')}
        extra={
          <Button type="primary" onClick={() => setEditing('new')}>
            {t('platform.webhooks.new')}
          </Button>
        }
      >
        <p className="note">{t('platform.webhooks.explained')}</p>
        {items.length === 0 ? (
          <EmptyState small title={t('platform.webhooks.empty')} text={t('platform.webhooks.emptyText')} />
        ) : (
          <PlainTable
            label={t('platform.webhooks.all')}
            rows={items}
            stacks
            labels
            columns={[
              {
                title: t('platform.webhooks.url'),
                render: (webhook) => (
                  <>
                    <span className="wrap">{webhook.url}</span>
                    {webhook.note ? <div className="quiet">{webhook.note}</div> : null}
                  </>
                ),
              },
              { title: t('platform.webhooks.state'), render: (webhook) => <State webhook={webhook} /> },
              {
                title: t('platform.webhooks.topics'),
                render: (webhook) => <Topics topics={webhook.topics} />,
              },
              {
                title: t('platform.webhooks.failures'),
                right: true,
                render: (webhook) => <Int value={webhook.failures} />,
              },
              {
                title: t('platform.webhooks.lastDelivered'),
                className: 'nowrap',
                render: (webhook) => <Time at={webhook.delivered_at} />,
              },
              {
                title: t('platform.webhooks.deeds'),
                quietTitle: true,
                right: true,
                render: (webhook) => (
                  <Space wrap size={0}>
                    <Button size="small" type="link" onClick={() => setShown(webhook.id)}>
                      {t('platform.webhooks.deliveries')}
                    </Button>
                    <Button
                      size="small"
                      type="link"
                      disabled={!webhook.active}
                      loading={test.isPending && test.variables === webhook.id}
                      onClick={() => test.mutate(webhook.id)}
                    >
                      {t('platform.webhooks.test')}
                    </Button>
                    <Button size="small" type="link" onClick={() => setEditing(webhook)}>
                      {t('ui.edit')}
                    </Button>
                    <Popconfirm
                      title={t('platform.webhooks.renewAsk')}
                      description={t('platform.webhooks.renewText')}
                      okText={t('platform.webhooks.renew')}
                      onConfirm={() => renew.mutate(webhook.id)}
                    >
                      <Button size="small" type="link">
                        {t('platform.webhooks.renew')}
                      </Button>
                    </Popconfirm>
                    <Popconfirm
                      title={t('platform.webhooks.deleteAsk')}
                      description={t('platform.webhooks.deleteText')}
                      okText={t('ui.delete')}
                      onConfirm={() => remove.mutate(webhook.id)}
                    >
                      <Button size="small" type="link" danger>
                        {t('ui.delete')}
                      </Button>
                    </Popconfirm>
                  </Space>
                ),
              },
            ]}
          />
        )}
      </Panel>
      {looked ? <Deliveries key={looked.id} webhook={looked} /> : null}
      {editing ? (
        <WebhookDialog
          webhook={editing === 'new' ? undefined : editing}
          topics={topics}
          onMade={setSecret}
          onClose={() => setEditing(undefined)}
        />
      ) : null}
    </div>
  );
}
