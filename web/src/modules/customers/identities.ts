import { client, take } from '@/api/client';
import type { CustomerCard } from '@/api/types';

export type Identity = CustomerCard['identities'][number];
export type IdentityKind = Identity['kind'];

export const IDENTITY_KINDS: readonly IdentityKind[] = ['phone', 'email', 'account'];

/** The rule of roles for identities of a kind. */
export const fieldOf = (kind: IdentityKind) =>
  kind === 'account' ? 'customers.accounts' : `customers.${kind}`;

/** Somebody else who has a value, as a refusal tells it to who may see them. */
export interface Holder {
  id: string;
  name: string;
  can_merge: boolean;
}

const isMobile = (digits: string) => /^(0086|86)?1[3-9]\d{9}$/.test(digits);

/** What is plainly wrong with what was typed, as a word of the dictionary; the server judges the rest. */
export function wrongWith(kind: IdentityKind, typed: string): string | undefined {
  const text = typed.trim();
  if (!text) return 'empty';
  if (text.includes('*')) return 'masked';
  if (kind === 'account') return undefined;
  if (kind === 'email') return /^[^\s@]+@[^\s@]+\.[^\s@.]+$/.test(text) ? undefined : 'email';
  const head = text.slice(0, Math.max(text.lastIndexOf('-'), 0)).replace(/\D/g, '');
  if (isMobile(head)) return 'virtual';
  const digits = text.replace(/\D/g, '');
  const plausible = /^\+?[\d ()-]+$/.test(text) && digits.length >= 8;
  return plausible && (isMobile(digits) || text.startsWith('+')) ? undefined : 'phone';
}

const given = (card: CustomerCard) => ({ 'If-Match': `"${card.version}"` });

export const addIdentity = (
  card: CustomerCard,
  body: { kind: IdentityKind; value: string; shop?: string; shared?: boolean; reason: string },
) =>
  take<CustomerCard>(
    client.POST('/api/v1/customers/{id}/identities', {
      params: { path: { id: card.id }, header: given(card) },
      body,
    }),
  );

export const correctIdentity = (
  card: CustomerCard,
  identity: string,
  body: { value: string; shared?: boolean; reason: string },
) =>
  take<CustomerCard>(
    client.PUT('/api/v1/customers/{id}/identities/{identity}', {
      params: { path: { id: card.id, identity }, header: given(card) },
      body,
    }),
  );

export const removeIdentity = (card: CustomerCard, identity: string, body: { reason: string }) =>
  take<CustomerCard>(
    client.POST('/api/v1/customers/{id}/identities/{identity}/removal', {
      params: { path: { id: card.id, identity }, header: given(card) },
      body,
    }),
  );
