import { useQuery } from '@tanstack/react-query';
import { client, itemsOf, take } from '@/api/client';
import type { Asked, Awaited, ProviderButton, Session } from '@/api/types';

export const sessionQuery = {
  queryKey: ['session'],
  queryFn: () => take<Session>(client.GET('/api/v1/identity/sessions/current')),
  staleTime: 5 * 60_000,
  retry: false,
};

export function useSession() {
  return useQuery(sessionQuery);
}

export const setupNeeded = () => take(client.GET('/api/v1/identity/setup'));

export const signIn = (body: { email: string; password: string }) =>
  take<Session | Awaited>(client.POST('/api/v1/identity/sessions', { body }));

export const answerChallenge = (body: { challenge: string; code: string }) =>
  take<Session>(client.POST('/api/v1/identity/sessions/second', { body }));

export const setUp = (body: {
  code: string;
  email: string;
  password: string;
  name: string;
  org_name: string;
}) => take<Session>(client.POST('/api/v1/identity/setup', { body }));

export const lookAtInvitation = (secret: string) =>
  take<Asked>(client.POST('/api/v1/identity/invitations/look', { body: { secret } }));

export const join = (body: { secret: string; name: string; password: string }) =>
  take<Session>(client.POST('/api/v1/identity/invitations/join', { body }));

export const signOut = () => take(client.DELETE('/api/v1/identity/sessions/current'));

export const proveSession = (password: string) =>
  take(client.POST('/api/v1/identity/sessions/current/proof', { body: { password } }));

export const providerButtons = async () =>
  itemsOf<ProviderButton>(await take(client.GET('/api/v1/identity/sign-in/providers')));

export const beginAt = (provider: string) =>
  take<{ url: string }>(client.POST('/api/v1/identity/sign-in/begin', { body: { provider } }));

/** Nothing where an account was connected. */
export const comeBack = (body: { state: string; code: string }) =>
  take<Session | Awaited | undefined>(client.POST('/api/v1/identity/sign-in/back', { body }));
