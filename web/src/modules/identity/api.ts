import { useQuery } from '@tanstack/react-query';
import { client, itemsOf, take } from '@/api/client';
import type {
  CustomerCard,
  Explanation,
  IdentitySettings,
  Invitation,
  Member,
  NewLink,
  NewSecret,
  NewToken,
  Provider,
  ProviderBody,
  ProviderButton,
  RecoveryCodes,
  Role,
  SearchResults,
  SecondFactor,
  Session,
  SessionInfo,
  Team,
  Territory,
  Token,
  UserChange,
} from '@/api/types';
import { useMay } from '@/lib/rights';

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

/** What a customer is called, for those who see customers. */
export function useCustomerName(id?: string) {
  const may = useMay();
  return useQuery({
    queryKey: ['customer', id],
    enabled: !!id && may('customers.read'),
    queryFn: () =>
      take<CustomerCard>(client.GET('/api/v1/customers/{id}', { params: { path: { id: id ?? '' } } })),
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

export function useSecondFactor() {
  return useQuery({
    queryKey: ['second-factor'],
    queryFn: () => take<SecondFactor>(client.GET('/api/v1/identity/second-factor')),
  });
}

export const beginSecondFactor = (password?: string) =>
  take<NewSecret>(client.POST('/api/v1/identity/second-factor', { body: { password } }));

export const confirmSecondFactor = (code: string) =>
  take<RecoveryCodes>(client.PUT('/api/v1/identity/second-factor', { body: { code } }));

export const renewRecoveryCodes = (body: { password?: string; code: string }) =>
  take<RecoveryCodes>(client.POST('/api/v1/identity/second-factor/recovery-codes', { body }));

export const endSecondFactor = (body: { password?: string; code: string }) =>
  take(client.POST('/api/v1/identity/second-factor/off', { body }));

export const resetSecondFactor = (id: string) =>
  take(client.DELETE('/api/v1/identity/users/{id}/second-factor', { params: { path: { id } } }));

export function useIdentitySettings() {
  return useQuery({
    queryKey: ['identity-settings'],
    queryFn: () => take<IdentitySettings>(client.GET('/api/v1/identity/settings')),
  });
}

export const putIdentitySettings = (body: IdentitySettings) =>
  take<IdentitySettings>(client.PUT('/api/v1/identity/settings', { body }));

export type WantedProvider = Partial<ProviderBody> &
  Pick<ProviderBody, 'name' | 'issuer' | 'client_id' | 'site_url'>;

export function useProviders() {
  return useQuery({
    queryKey: ['providers'],
    queryFn: async () => itemsOf<Provider>(await take(client.GET('/api/v1/identity/providers'))),
  });
}

export const putProvider = ({ provider, body }: { provider?: Provider; body: WantedProvider }) =>
  provider
    ? take<Provider>(
        client.PUT('/api/v1/identity/providers/{id}', {
          params: { path: { id: provider.id }, header: { 'If-Match': `"${provider.version}"` } },
          body: body as ProviderBody,
        }),
      )
    : take<Provider>(client.POST('/api/v1/identity/providers', { body: body as ProviderBody }));

export const deleteProvider = (id: string) =>
  take(client.DELETE('/api/v1/identity/providers/{id}', { params: { path: { id } } }));

export function useButtons() {
  return useQuery({
    queryKey: ['provider-buttons'],
    queryFn: async () =>
      itemsOf<ProviderButton>(await take(client.GET('/api/v1/identity/sign-in/providers'))),
  });
}

export function useLinks() {
  return useQuery({
    queryKey: ['links'],
    queryFn: async () => itemsOf<string>(await take(client.GET('/api/v1/identity/links'))),
  });
}

export const connectProvider = (id: string) =>
  take<{ url: string }>(client.POST('/api/v1/identity/links/{id}', { params: { path: { id } } }));

export const disconnectProvider = (id: string) =>
  take(client.DELETE('/api/v1/identity/links/{id}', { params: { path: { id } } }));
