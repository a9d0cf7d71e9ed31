import { useQuery } from '@tanstack/react-query';
import { client, itemsOf, take } from '@/api/client';
import type {
  ConsentState,
  ConsentText,
  CustomerConsents,
  Erasure,
  ErasureBody,
  NewConsent,
} from '@/api/types';

export const CHANNELS = ['any', 'sms', 'email', 'phone', 'wecom', 'in_site', 'post'] as const;
export const PURPOSES = ['marketing', 'survey', 'service', 'profiling', 'automated_decision'] as const;
export const SOURCES = ['form', 'order', 'phone', 'chat', 'paper', 'import', 'other'] as const;

export function useConsents(customer: string) {
  return useQuery({
    queryKey: ['consents', customer],
    queryFn: () =>
      take<CustomerConsents>(
        client.GET('/api/v1/customers/{id}/consents', { params: { path: { id: customer } } }),
      ),
  });
}

export const addConsent = (customer: string, body: NewConsent) =>
  take(client.POST('/api/v1/customers/{id}/consents', { params: { path: { id: customer } }, body }));

export function useConsentTexts(enabled = true) {
  return useQuery({
    queryKey: ['consent-texts'],
    enabled,
    queryFn: async () => itemsOf<ConsentText>(await take(client.GET('/api/v1/customers/consent-texts'))),
  });
}

export const makeConsentText = (body: { name: string; language: string; body: string }) =>
  take<ConsentText>(client.POST('/api/v1/customers/consent-texts', { body }));

/** Erases a person, or says what that would be. */
export const eraseCustomer = (customer: string, body: ErasureBody) =>
  take<Erasure>(client.POST('/api/v1/customers/{id}/erasure', { params: { path: { id: customer } }, body }));

/** What holds of a way and purpose. */
export function stateOf(states: ConsentState[], channel: string, purpose: string): ConsentState | undefined {
  return states.find((one) => one.channel === channel && one.purpose === purpose);
}

/** Of each text in each language the newest version: the one by which people are asked now. */
export function newestTexts(texts: ConsentText[]): ConsentText[] {
  const newest = new Map<string, ConsentText>();
  for (const text of texts) {
    const key = `${text.name}\n${text.language}`;
    const known = newest.get(key);
    if (!known || known.version < text.version) newest.set(key, text);
  }
  return [...newest.values()];
}
