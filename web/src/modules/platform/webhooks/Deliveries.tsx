import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Button, Segmented, Tag } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Webhook, WebhookDelivery, WebhookDeliveryState } from '@/api/types';
import { useFormat } from '@/lib/format';
import { Panel } from '@/ui/Page';
import { PagedTable, type PlainColumn } from '@/ui/PlainTable';
import { useSay } from '@/ui/say';
import { Nothing, Time } from '@/ui/values';
import { sendAgain, useDeliveries } from './api';
import { useTopicName } from './words';

const STATES: WebhookDeliveryState[] = ['waiting', 'delivered', 'failed'];
const COLOUR = { waiting: 'gold', delivered: 'green', failed: 'red' } as const;

/** What was sent to one address in thirty days, and how it answered. */
export function Deliveries(props: { webhook: Webhook }) {
  const { t } = useTranslation();
  const format = useFormat();
  const say = useSay();
  const client = useQueryClient();
  const topicName = useTopicName();
  const [state, setState] = useState<WebhookDeliveryState>();
  const { webhook } = props;
  const query = useDeliveries(webhook.id, state);
  const again = useMutation({
    mutationFn: sendAgain,
    onSuccess: async () => {
      say.done(t('platform.webhooks.sentAgain'));
      await client.invalidateQueries({ queryKey: ['webhooks', webhook.id] });
    },
    onError: say.refused,
  });
  const columns: PlainColumn<WebhookDelivery>[] = [
    {
      title: t('platform.webhooks.topic'),
      render: (delivery) => (
        <>
          <span title={delivery.topic}>{topicName(delivery.topic)}</span>
          {delivery.error && delivery.state !== 'delivered' ? (
            <div className="job-error">{delivery.error}</div>
          ) : null}
        </>
      ),
    },
    {
      title: t('platform.webhooks.state'),
      render: (delivery) => (
        <Tag color={COLOUR[delivery.state]} className="mark">
          {t(`platform.webhooks.states.${delivery.state}`)}
        </Tag>
      ),
    },
    {
      title: t('platform.webhooks.status'),
      right: true,
      render: (delivery) =>
        delivery.status == null ? (
          <Nothing />
        ) : (
          <span title={delivery.answer ?? undefined}>{delivery.status}</span>
        ),
    },
    { title: t('platform.webhooks.tries'), right: true, render: (delivery) => format.int(delivery.tries) },
    {
      title: t('platform.webhooks.happened'),
      className: 'nowrap',
      render: (delivery) => <Time at={delivery.event_at} />,
    },
    {
      title: t('platform.webhooks.tried'),
      className: 'nowrap',
      render: (delivery) => <Time at={delivery.tried_at} />,
    },
    {
      title: t('platform.webhooks.next'),
      className: 'nowrap',
      render: (delivery) => <Time at={delivery.state === 'waiting' ? delivery.next_at : null} />,
    },
    {
      title: t('platform.webhooks.again'),
      quietTitle: true,
      right: true,
      render: (delivery) =>
        delivery.state === 'waiting' ? null : (
          <Button
            size="small"
            disabled={!webhook.active}
            loading={again.isPending && again.variables.delivery === delivery.id}
            onClick={() => again.mutate({ webhook: webhook.id, delivery: delivery.id })}
          >
            {t('platform.webhooks.again')}
          </Button>
        ),
    },
  ];
  return (
    <Panel title={t('platform.webhooks.deliveriesOf', { name: webhook.note || webhook.url })}>
      <div className="scroll-x">
        <Segmented
          aria-label={t('platform.webhooks.state')}
          value={state ?? 'all'}
          onChange={(chosen) => setState(STATES.find((one) => one === chosen))}
          options={[
            { value: 'all', label: t('ui.all') },
            ...STATES.map((one) => ({ value: one, label: t(`platform.webhooks.states.${one}`) })),
          ]}
        />
      </div>
      <PagedTable
        label={t('platform.webhooks.deliveries')}
        query={query}
        empty={{
          title: state ? t('ui.filteredEmpty') : t('platform.webhooks.noneSent'),
          text: t('platform.webhooks.noneSentText'),
        }}
        columns={columns}
      />
    </Panel>
  );
}
