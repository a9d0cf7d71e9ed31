import { useQuery } from '@tanstack/react-query';
import { client, itemsOf, take } from '@/api/client';
import type { NewToken, Session, Token } from '@/api/types';

export function useCurrentSession() {
  return useQuery({
    queryKey: ['session'],
    queryFn: () => take<Session>(client.GET('/api/v1/identity/sessions/current')),
    staleTime: 5 * 60_000,
  });
}

export function useTokens() {
  return useQuery({
    queryKey: ['tokens'],
    queryFn: async () => itemsOf<Token>(await take(client.GET('/api/v1/identity/tokens'))),
  });
}

export const makeToken = (name: string) =>
  take<NewToken>(client.POST('/api/v1/identity/tokens', { body: { name } }));

export const revokeToken = (id: string) =>
  take(client.DELETE('/api/v1/identity/tokens/{id}', { params: { path: { id } } }));
