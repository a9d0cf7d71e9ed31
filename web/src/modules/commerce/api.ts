import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { client, take, upload } from '@/api/client';
import type {
  Import,
  ImportPreview,
  Order,
  OrderCard,
  OrderQuery,
  Page,
  RevealedReceiver,
  Shop,
  StartImport,
} from '@/api/types';
import { usePollMs } from '@/lib/live';
import type { Lang } from '@/lib/prefs';
import { ACTIVE_STATES } from '@/ui/ImportProgress';

export function useOrders(query: OrderQuery) {
  return useQuery({
    queryKey: ['orders', query],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) =>
      take<Page<Order> & { total?: number | null }>(
        client.GET('/api/v1/commerce/orders', { params: { query }, signal }),
      ),
  });
}

export function useOrder(id: string) {
  return useQuery({
    queryKey: ['order', id],
    queryFn: () => take<OrderCard>(client.GET('/api/v1/commerce/orders/{id}', { params: { path: { id } } })),
  });
}

export const makeShop = (body: { name: string; channel: string; currency: string }) =>
  take<Shop>(client.POST('/api/v1/commerce/shops', { body }));

export function useImports() {
  const poll = usePollMs();
  return useInfiniteQuery({
    queryKey: ['imports', 'all'],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) =>
      take<Page<Import>>(
        client.GET('/api/v1/commerce/imports', { params: { query: { after: pageParam, limit: 50 } } }),
      ),
    getNextPageParam: (page) => page.next ?? undefined,
    refetchInterval: (query) =>
      query.state.data?.pages.some((page) => page.items.some((one) => ACTIVE_STATES.includes(one.state)))
        ? poll
        : false,
  });
}

export function useImport(id: string) {
  const poll = usePollMs();
  return useQuery({
    queryKey: ['import', id],
    queryFn: () => take<Import>(client.GET('/api/v1/commerce/imports/{id}', { params: { path: { id } } })),
    refetchInterval: (query) => {
      const state = query.state.data?.state;
      // Nothing is told of an import until its first rows are stored.
      if (state === 'queued') return 1_000;
      return state && ACTIVE_STATES.includes(state) ? poll : false;
    },
  });
}

/** How the files are read as they are, or under a format and a mapping that are being chosen. */
export function usePreview(id: string, how?: { format: string; mapping?: string }) {
  return useQuery({
    queryKey: ['import', id, 'preview', how],
    // What was seen stays until the answer to the change is there.
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) =>
      take<ImportPreview>(
        how
          ? client.POST('/api/v1/commerce/imports/{id}/preview', {
              params: { path: { id } },
              body: { format: how.format, mapping: how.mapping ?? null },
              signal,
            })
          : client.GET('/api/v1/commerce/imports/{id}/preview', { params: { path: { id } }, signal }),
      ),
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** Brings files in as a draft that can be looked at before anything is stored. */
export function uploadDraft(files: File[], onProgress: (share: number) => void, signal: AbortSignal) {
  const form = new FormData();
  // Fields first: the server knows what to do with the files when they arrive.
  form.append('start', 'false');
  form.append('format', 'auto');
  for (const file of files) form.append('file', file, file.name);
  return upload<Import>('/api/v1/commerce/imports', form, onProgress, signal);
}

export const startImport = (id: string, said: StartImport) => {
  const body = { dry_run: false, ...said } as Required<StartImport>;
  return take<Import>(client.POST('/api/v1/commerce/imports/{id}/start', { params: { path: { id } }, body }));
};

export const pauseImport = (id: string) =>
  take<Import>(client.POST('/api/v1/commerce/imports/{id}/pause', { params: { path: { id } } }));

export const resumeImport = (id: string) =>
  take<Import>(client.POST('/api/v1/commerce/imports/{id}/resume', { params: { path: { id } } }));

export const cancelImport = (id: string) =>
  take<Import>(client.POST('/api/v1/commerce/imports/{id}/cancel', { params: { path: { id } } }));

export const undoImport = (id: string) =>
  take<Import>(client.POST('/api/v1/commerce/imports/{id}/undo', { params: { path: { id } } }));

/** The rejected rows of the import's `file` (from 1) as a file, with their reasons in `lang`. */
export const rejectsUrl = (id: string, file: number, lang: Lang) =>
  `/api/v1/commerce/imports/${id}/rejects?file=${file}&lang=${lang}`;

export const revealReceiver = (id: string, reason: string) =>
  take<RevealedReceiver>(
    client.POST('/api/v1/commerce/orders/{id}/reveal', { params: { path: { id } }, body: { reason } }),
  );
