import { useQuery } from '@tanstack/react-query';
import { client, itemsOf, take } from '@/api/client';
import type {
  Explanation,
  Invitation,
  Member,
  NewLink,
  NewToken,
  Role,
  SearchResults,
  Session,
  SessionInfo,
  Team,
  Territory,
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

type RoleWanted = Pick<Role, 'rights' | 'reach' | 'fields'> & { title: string };

export const makeRole = (body: RoleWanted & { name: string }) =>
  take<Role>(client.POST('/api/v1/identity/roles', { body }));

export const putRole = (role: Role, body: RoleWanted) =>
  take<Role>(
    client.PUT('/api/v1/identity/roles/{name}', {
      params: { path: { name: role.name }, header: { 'If-Match': `"${role.version}"` } },
      body,
    }),
  );

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

export function useTerritories() {
  return useQuery({
    queryKey: ['territories'],
    queryFn: async () => itemsOf<Territory>(await take(client.GET('/api/v1/identity/territories'))),
  });
}

type TerritoryWanted = Pick<Territory, 'name' | 'regions'>;

export const makeTerritory = (body: TerritoryWanted) =>
  take<Territory>(client.POST('/api/v1/identity/territories', { body }));

export const putTerritory = (id: string, body: TerritoryWanted) =>
  take<Territory>(client.PUT('/api/v1/identity/territories/{id}', { params: { path: { id } }, body }));

export const deleteTerritory = (id: string) =>
  take(client.DELETE('/api/v1/identity/territories/{id}', { params: { path: { id } } }));

/** Gives what a user owns to another, or to nobody. */
export const handOver = (from: string, to: string | null) =>
  take<{ customers: number; views: number }>(
    client.POST('/api/v1/identity/users/{id}/hand-over', { params: { path: { id: from } }, body: { to } }),
  );

/** Why somebody sees a customer or an order, or not. */
export function useExplanation(user?: string, record?: string) {
  return useQuery({
    queryKey: ['explain', user, record],
    enabled: !!user && !!record,
    staleTime: 0,
    queryFn: () =>
      take<Explanation>(
        client.GET('/api/v1/identity/explain', {
          params: { query: { user: user ?? '', record: record ?? '' } },
        }),
      ),
  });
}

export const findRecords = (q: string) =>
  take<SearchResults>(client.GET('/api/v1/search', { params: { query: { q } } }));

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
