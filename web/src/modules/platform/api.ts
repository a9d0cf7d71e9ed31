import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { client, take } from '@/api/client';
import type {
  AuditEntry,
  AuditQuery,
  Backups,
  DataClass,
  Job,
  JobState,
  Keys,
  Page,
  RetentionForecast,
  RetentionRule,
  RetentionRuleBody,
} from '@/api/types';
import type { Search } from '@/lib/url';

export function useJobs(state: JobState) {
  return useInfiniteQuery({
    queryKey: ['jobs', state],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) =>
      take<Page<Job>>(
        client.GET('/api/v1/platform/jobs', { params: { query: { state, after: pageParam, limit: 50 } } }),
      ),
    getNextPageParam: (page) => page.next ?? undefined,
    refetchInterval: 10_000,
  });
}

export function useBackups() {
  return useQuery({
    queryKey: ['backups'],
    queryFn: () => take<Backups>(client.GET('/api/v1/platform/backups')),
    refetchInterval: (query) => (query.state.data?.under_way ? 2_000 : 60_000),
  });
}

export const askBackup = (what: 'create' | 'verify') =>
  take<Job>(
    what === 'create'
      ? client.POST('/api/v1/platform/backups')
      : client.POST('/api/v1/platform/backups/verify'),
  );

export function useKeys() {
  return useQuery({
    queryKey: ['keys'],
    queryFn: () => take<Keys>(client.GET('/api/v1/platform/keys')),
    refetchInterval: (query) => {
      const progress = query.state.data?.progress;
      return progress && !progress.finished_at ? 2_000 : 60_000;
    },
  });
}

export const rotateKeys = () => take<Keys>(client.POST('/api/v1/platform/keys/rotation'));

export function useRetention() {
  return useQuery({
    queryKey: ['retention'],
    queryFn: () => take<{ items: RetentionRule[] }>(client.GET('/api/v1/platform/retention')),
    refetchInterval: 60_000,
  });
}

/** What would go with these days by class; without them, with the rules as they are set. */
export const forecastRetention = (rules?: Partial<Record<DataClass, number | null>>) =>
  take<{ items: RetentionForecast[] }>(
    client.POST('/api/v1/platform/retention/dry-run', { body: { rules } }),
  );

export const setRetention = (rule: DataClass, body: RetentionRuleBody) =>
  take<{ items: RetentionRule[] }>(
    client.PUT('/api/v1/platform/retention/{class}', { params: { path: { class: rule } }, body }),
  );

export const retryJob = (id: string) =>
  take<Job>(client.POST('/api/v1/platform/jobs/{id}/retry', { params: { path: { id } } }));

/** Midnight by the clocks of the reader: what people did is told by them. */
function midnight(day: string | undefined, after = 0): string | undefined {
  if (!day) return undefined;
  const at = new Date(`${day}T00:00:00`);
  at.setDate(at.getDate() + after);
  return at.toISOString();
}

/** What the filters in the address ask for; the last day counts whole. */
export function auditQuery(url: Search): AuditQuery {
  return {
    actor: url.actor,
    action: url.action,
    record: url.record,
    from: midnight(url.from),
    to: midnight(url.to, 1),
  };
}

export function useAudit(url: Search) {
  const query = auditQuery(url);
  return useInfiniteQuery({
    queryKey: ['audit', query],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) =>
      take<Page<AuditEntry>>(
        client.GET('/api/v1/platform/audit', {
          params: { query: { ...query, after: pageParam, limit: 50 } },
        }),
      ),
    getNextPageParam: (page) => page.next ?? undefined,
  });
}
