import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { client, take } from '@/api/client';
import type {
  Page,
  Webhook,
  WebhookBody,
  WebhookDelivery,
  WebhookDeliveryState,
  Webhooks,
  WebhookWithSecret,
} from '@/api/types';

export function useWebhooks() {
  return useQuery({
    queryKey: ['webhooks'],
    queryFn: () => take<Webhooks>(client.GET('/api/v1/platform/webhooks')),
    refetchInterval: 30_000,
  });
}

export const makeWebhook = (body: WebhookBody) =>
  take<WebhookWithSecret>(client.POST('/api/v1/platform/webhooks', { body }));

export const changeWebhook = (said: { webhook: Webhook; body: WebhookBody }) =>
  take<Webhook>(
    client.PUT('/api/v1/platform/webhooks/{id}', {
      params: { path: { id: said.webhook.id }, header: { 'If-Match': `"${said.webhook.version}"` } },
      body: said.body,
    }),
  );

export const deleteWebhook = (id: string) =>
  take(client.DELETE('/api/v1/platform/webhooks/{id}', { params: { path: { id } } }));

export const renewSecret = (id: string) =>
  take<WebhookWithSecret>(
    client.POST('/api/v1/platform/webhooks/{id}/secret', { params: { path: { id } }, body: {} }),
  );

export const testWebhook = (id: string) =>
  take<WebhookDelivery>(client.POST('/api/v1/platform/webhooks/{id}/test', { params: { path: { id } } }));

export function useDeliveries(id: string, state?: WebhookDeliveryState) {
  return useInfiniteQuery({
    queryKey: ['webhooks', id, 'deliveries', state],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) =>
      take<Page<WebhookDelivery>>(
        client.GET('/api/v1/platform/webhooks/{id}/deliveries', {
          params: { path: { id }, query: { state, after: pageParam, limit: 50 } },
        }),
      ),
    getNextPageParam: (page) => page.next ?? undefined,
    refetchInterval: 5_000,
  });
}

export const sendAgain = (said: { webhook: string; delivery: string }) =>
  take<WebhookDelivery>(
    client.POST('/api/v1/platform/webhooks/{id}/deliveries/{delivery}/redeliver', {
      params: { path: { id: said.webhook, delivery: said.delivery } },
    }),
  );
