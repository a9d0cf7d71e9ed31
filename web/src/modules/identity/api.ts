import { useQuery } from '@tanstack/react-query';
import { client, itemsOf, take } from '@/api/client';
import type {
  Invitation,
  Member,
  NewLink,
  NewToken,
  Role,
  Session,
  SessionInfo,
  Team,
  Token,
  UserChange,
} from '@/api/types';

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

export const changeMember = (said: { member: Member; body: UserChange }) =>
  take<Member>(
    client.PATCH('/api/v1/identity/users/{id}', {
      params: { path: { id: said.member.id }, header: { 'If-Match': `"${said.member.version}"` } },
      body: said.body as Required<UserChange>,
    }),
  );

export const endSessionsOf = (id: string) =>
  take(client.DELETE('/api/v1/identity/users/{id}/sessions', { params: { path: { id } } }));

/** Roles under the key that lists want. */
export function useRoles() {
  return useQuery({
    queryKey: ['roles'],
    queryFn: async () =>
      itemsOf<Role>(await take(client.GET('/api/v1/identity/roles'))).map((role) => ({
        ...role,
        id: role.name,
      })),
    staleTime: 5 * 60_000,
  });
}

export const makeRole = (body: { name: string; title: string; rights: string[] }) =>
  take<Role>(client.POST('/api/v1/identity/roles', { body }));

export const deleteRole = (name: string) =>
  take(client.DELETE('/api/v1/identity/roles/{name}', { params: { path: { name } } }));

export function useTeams() {
  return useQuery({
    queryKey: ['teams'],
    queryFn: async () => itemsOf<Team>(await take(client.GET('/api/v1/identity/teams'))),
  });
}

export const makeTeam = (body: { name: string; parent_id: string | null }) =>
  take<Team>(client.POST('/api/v1/identity/teams', { body }));

export const deleteTeam = (id: string) =>
  take(client.DELETE('/api/v1/identity/teams/{id}', { params: { path: { id } } }));

export function useInvitations() {
  return useQuery({
    queryKey: ['invitations'],
    queryFn: async () => itemsOf<Invitation>(await take(client.GET('/api/v1/identity/invitations'))),
  });
}

export const invite = (body: { email: string; role: string; team_id: string | null }) =>
  take<NewLink>(client.POST('/api/v1/identity/invitations', { body }));

export const takeBack = (id: string) =>
  take(client.DELETE('/api/v1/identity/invitations/{id}', { params: { path: { id } } }));

export function useSessions() {
  return useQuery({
    queryKey: ['sessions'],
    queryFn: async () => itemsOf<SessionInfo>(await take(client.GET('/api/v1/identity/sessions'))),
  });
}

export const endSession = (id: string) =>
  take(client.DELETE('/api/v1/identity/sessions/{id}', { params: { path: { id } } }));

export const endOtherSessions = () => take(client.DELETE('/api/v1/identity/sessions'));

export const putPassword = (body: { present: string; new: string }) =>
  take(client.PUT('/api/v1/identity/password', { body }));
