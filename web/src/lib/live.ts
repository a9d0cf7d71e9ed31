import type { QueryClient } from '@tanstack/react-query';
import { useSyncExternalStore } from 'react';
import type { Import } from '@/api/types';

/** Answers about customers and orders, by the first part of their key. */
const ORDERED = ['customers', 'customer', 'orders', 'order', 'shops', 'workbench'];
/** Answers computed of all orders; some take seconds, so single changes do not ask for them again. */
const ANALYSED = [
  'rfm',
  'rfm-clusters',
  'value',
  'cohorts',
  'repurchase',
  'reorders',
  'pairs',
  'prices',
  'intent',
];

let connected = false;
const listeners = new Set<() => void>();

function say(now: boolean) {
  if (connected === now) return;
  connected = now;
  for (const listener of listeners) listener();
}

/** Listens to the server's hints and asks again for what they name. */
export function startLive(client: QueryClient): () => void {
  if (typeof EventSource === 'undefined') return () => {};
  const source = new EventSource('/api/v1/events');
  source.onopen = () => say(true);
  source.onerror = () => say(false);
  source.addEventListener('import', (event) => {
    say(true);
    try {
      const told = JSON.parse((event as MessageEvent<string>).data) as Import;
      if (told.id && told.state) {
        client.setQueryData<Import>(['import', told.id], (known) => ({ ...known, ...told }));
      }
      if (['finished', 'undone', 'cancelled', 'failed'].includes(told.state)) {
        for (const key of [...ORDERED, ...ANALYSED]) {
          void client.invalidateQueries({ queryKey: [key] });
        }
        // Only the answer about one import says whether it can be taken back.
        void client.invalidateQueries({ queryKey: ['import', told.id], exact: true });
      }
    } catch {
      // A hint that cannot be read is still a hint.
    }
    void client.invalidateQueries({ queryKey: ['imports'] });
  });
  source.addEventListener('job', () => void client.invalidateQueries({ queryKey: ['jobs'] }));
  source.addEventListener('insight', () => {
    for (const key of ['rfm', 'workbench', 'customers', 'audience-live'])
      void client.invalidateQueries({ queryKey: [key] });
  });
  return () => {
    source.close();
    say(false);
  };
}

/** Milliseconds between two looks at work under way: seldom while the server tells by itself. */
export function usePollMs(): number {
  const live = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => connected,
  );
  return live ? 5_000 : 1_000;
}
